"""Perform the operations on resource policies: well-formed, and not public where the caller asks for that.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_resource-policies.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from secrets_pipeline.emulator.core.fault import Fault
from secrets_pipeline.emulator.services.documents import principals, statements
from secrets_pipeline.emulator.services.principals import require_visible
from secrets_pipeline.emulator.services.secretsmanager.request import OperationRequest

MALFORMED = "This resource policy contains a syntax error."
UNSUPPORTED = "This resource policy contains an unsupported principal."
# Conditions with a fixed value of one of these make a policy non-public, as S3 defines public
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


def is_public(statement: Mapping[str, Any]) -> bool:
    """Whether a statement lets anybody in: an Allow for every principal that no condition narrows."""
    if statement["Effect"] != "Allow":
        return False
    everyone = "NotPrincipal" in statement or "*" in principals(statement)
    return everyone and not any(_limits(*item) for item in _conditions(statement))


def _conditions(statement: Mapping[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    for operator, keys in (statement.get("Condition") or {}).items():
        for key, value in keys.items():
            yield operator, key, [str(one) for one in (value if isinstance(value, list) else [value])]


def _limits(operator: str, key: str, values: list[str]) -> bool:
    said = operator.lower()
    positive = said.startswith(("string", "arn", "ipaddress")) and "not" not in said and not said.endswith("ifexists")
    fixed = all(value.strip("*") and "${" not in value and value != "0.0.0.0/0" for value in values)
    return positive and key.lower() in LIMITING_KEYS and fixed


def put_resource_policy(request: OperationRequest) -> dict[str, Any]:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutResourcePolicy.html."""
    secret, policy = request.writable(managed=True), str(request.params["ResourcePolicy"])
    found = statements(policy, MALFORMED)
    require_visible(found, UNSUPPORTED)
    if request.params.get("BlockPublicPolicy") and any(is_public(one) for one in found):
        raise Fault(
            "PublicPolicyException",
            "Resource policy blocked. It grants broad access to the secret, which BlockPublicPolicy does not allow.",
        )
    secret.policy = policy
    secret.touch()
    return {"ARN": secret.arn, "Name": secret.name}


def get_resource_policy(request: OperationRequest) -> dict[str, Any]:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetResourcePolicy.html."""
    secret = request.secret()
    answer = {"ARN": secret.arn, "Name": secret.name}
    return answer if secret.policy is None else {**answer, "ResourcePolicy": secret.policy}


def delete_resource_policy(request: OperationRequest) -> dict[str, Any]:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteResourcePolicy.html."""
    secret = request.writable(managed=True)
    if secret.policy is not None:
        secret.policy = None
        secret.touch()
    return {"ARN": secret.arn, "Name": secret.name}


def validate_resource_policy(request: OperationRequest) -> dict[str, Any]:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ValidateResourcePolicy.html."""
    if request.text("SecretId") is not None:
        request.secret()
    public = [one for one in statements(str(request.params["ResourcePolicy"]), MALFORMED) if is_public(one)]
    errors = [
        {"CheckName": "REFLEXIVE_PRINCIPAL_CHECK", "ErrorMessage": "The policy grants access to every principal."}
        for _ in public
    ]
    return {"PolicyValidationPassed": not errors, "ValidationErrors": errors}
