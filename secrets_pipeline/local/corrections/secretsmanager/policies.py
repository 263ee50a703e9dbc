"""Resource policies: well-formed, and not public where the caller asks for that.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_resource-policies.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from secrets_pipeline.local.corrections.faults import Fault
from secrets_pipeline.local.corrections.secretsmanager.request import Request

# Conditions with a fixed value of one of these make a policy non-public, by the rules of IAM Access Analyzer's ancestor
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
LIMITING_KEYS = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceip",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
        "aws:vpcsourceip",
    }
)


def statements(policy: str) -> list[Mapping[str, Any]]:
    """The statements of a policy document.

    Raises:
        Fault: MalformedPolicyDocumentException.
    """
    malformed = Fault("MalformedPolicyDocumentException", "This resource policy contains a syntax error.")
    try:
        document = json.loads(policy)
    except ValueError:
        raise malformed from None
    found = document.get("Statement") if isinstance(document, dict) else None
    listed = [found] if isinstance(found, dict) else found
    if not isinstance(listed, list) or not listed or not all(_well_formed(one) for one in listed):
        raise malformed
    return listed


def _well_formed(statement: object) -> bool:
    return (
        isinstance(statement, dict)
        and statement.get("Effect") in {"Allow", "Deny"}
        and ("Principal" in statement) != ("NotPrincipal" in statement)
        and ("Action" in statement) != ("NotAction" in statement)
        and ("Resource" in statement) != ("NotResource" in statement)
    )


def is_public(statement: Mapping[str, Any]) -> bool:
    """Whether a statement lets anybody in: an Allow for every principal that no condition narrows."""
    if statement["Effect"] != "Allow":
        return False
    everyone = "NotPrincipal" in statement or "*" in _principals(statement.get("Principal"))
    return everyone and not any(_limits(*item) for item in _conditions(statement))


def _principals(principal: object) -> Iterator[str]:
    if isinstance(principal, str):
        yield principal
    elif isinstance(principal, dict):
        value = principal.get("AWS", ())
        yield from [value] if isinstance(value, str) else value


def _conditions(statement: Mapping[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    for operator, keys in (statement.get("Condition") or {}).items():
        for key, value in keys.items():
            yield operator, key, [str(one) for one in (value if isinstance(value, list) else [value])]


def _limits(operator: str, key: str, values: list[str]) -> bool:
    positive = "Not" not in operator and not operator.endswith("IfExists") and operator != "Null"
    fixed = all(value.strip("*") and "${" not in value and value != "0.0.0.0/0" for value in values)
    return positive and key.lower() in LIMITING_KEYS and fixed


def put_resource_policy(request: Request) -> dict[str, Any]:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutResourcePolicy.html."""
    secret, policy = request.writable(managed=True), str(request.params["ResourcePolicy"])
    public = [one for one in statements(policy) if is_public(one)]
    if request.params.get("BlockPublicPolicy") and public:
        raise Fault(
            "PublicPolicyException",
            "Resource policy blocked. It grants broad access to the secret, which BlockPublicPolicy does not allow.",
        )
    secret.policy = policy
    secret.touch()
    return {"ARN": secret.arn, "Name": secret.name}


def get_resource_policy(request: Request) -> dict[str, Any]:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetResourcePolicy.html."""
    secret = request.secret()
    answer = {"ARN": secret.arn, "Name": secret.name}
    return answer if secret.policy is None else {**answer, "ResourcePolicy": secret.policy}


def delete_resource_policy(request: Request) -> dict[str, Any]:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteResourcePolicy.html."""
    secret = request.writable(managed=True)
    if secret.policy is not None:
        secret.policy = None
        secret.touch()
    return {"ARN": secret.arn, "Name": secret.name}


def validate_resource_policy(request: Request) -> dict[str, Any]:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ValidateResourcePolicy.html."""
    if request.text("SecretId") is not None:
        request.secret()
    public = [one for one in statements(str(request.params["ResourcePolicy"])) if is_public(one)]
    errors = [
        {"CheckName": "REFLEXIVE_PRINCIPAL_CHECK", "ErrorMessage": "The policy grants access to every principal."}
        for _ in public
    ]
    return {"PolicyValidationPassed": not errors, "ValidationErrors": errors}
