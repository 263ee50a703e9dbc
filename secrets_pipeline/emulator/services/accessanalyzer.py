"""Access Analyzer's checks of policies, which moto does not have: CheckNoPublicAccess and ValidatePolicy.

Whether a policy is public, the evaluator of the enforcement says for a stranger. Of the many checks of ValidatePolicy,
it makes a few that need the grammar of policies alone.
https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_CheckNoPublicAccess.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from moto import backend_index
from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse

from secrets_pipeline.access.evaluator import (
    Caller,
    Context,
    Layer,
    Policy,
    PrincipalKind,
    Request,
    TargetResource,
    authorize,
)
from secrets_pipeline.emulator.control.opinions import OPINIONS
from secrets_pipeline.errors import PolicyError

SERVICE = "accessanalyzer"
_STRANGERS_ACCOUNT = "000000000000"
_STRANGER = Caller(
    f"arn:aws:iam::{_STRANGERS_ACCOUNT}:user/stranger",
    _STRANGERS_ACCOUNT,
    PrincipalKind.USER,
    identity=(Policy("everything", {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}),),
    context=Context({"aws:sourceip": ("198.51.100.1",), "aws:securetransport": ("true",)}),
)
_ACTIONS: Mapping[str, tuple[str, ...]] = {
    "AWS::KMS::Key": ("kms:Decrypt", "kms:CreateGrant"),
    "AWS::SecretsManager::Secret": ("secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"),
}
"""By resource type, what a stranger is asked for."""
_RESOURCE = "arn:aws:any:eu-west-2:111122223333:any"
_CHECKS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html"


class InvalidParameter(ServiceException):
    """A parameter that Access Analyzer refuses."""

    code = "InvalidParameterException"


class AccessAnalyzerBackend(BaseBackend):
    """It keeps nothing."""

    @property
    def _url_module(self) -> ModuleType:
        return sys.modules[__name__]


class AccessAnalyzerResponse(BaseResponse):
    """The two operations."""

    def __init__(self) -> None:
        super().__init__(service_name=SERVICE)
        self.automated_parameter_parsing = True

    def check_no_public_access(self) -> ActionResult:
        """https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_CheckNoPublicAccess.html."""
        kind = str(self._get_param("resourceType"))
        if kind not in _ACTIONS:
            raise InvalidParameter(f"Resource type {kind} is not supported.")
        public = list(_public(str(self._get_param("policyDocument")), kind))
        said = "The resource policy grants public access." if public else "The resource policy is not public."
        return ActionResult({"result": "FAIL" if public else "PASS", "message": said, "reasons": public})

    def validate_policy(self) -> ActionResult:
        """https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_ValidatePolicy.html."""
        return ActionResult({"findings": list(_found(str(self._get_param("policyDocument"))))})


def _public(text: str, kind: str) -> Iterator[dict[str, Any]]:
    """The reasons why a policy is public: statements that let in a stranger."""
    try:
        policy, statements = Policy("policy", text), _statements(text)
    except (PolicyError, ValueError):
        raise InvalidParameter("The policy document is not valid.") from None
    target = TargetResource(_RESOURCE, "111122223333", Layer.SECRET_POLICY, policy)
    decisions = [authorize(Request(action), _STRANGER, target) for action in _ACTIONS[kind]]
    letting = {one.decided_by.statement for one in decisions if one.allowed}
    for index, statement in enumerate(statements):
        sid = str(statement.get("Sid") or "")
        own = OPINIONS.now.public.get(sid)
        if own == "FAIL" or (own is None and (sid or f"#{index + 1}") in letting):
            description = "Public access granted in the following statement."
            yield {"description": description, "statementIndex": index, **({"statementId": sid} if sid else {})}


def _found(text: str) -> Iterator[dict[str, Any]]:
    try:
        Policy("policy", text)
        statements = _statements(text)
    except (PolicyError, ValueError) as error:
        yield _finding("ERROR", "INVALID_POLICY_ELEMENT", str(error))
        return
    if "Version" not in json.loads(text):
        yield _finding("WARNING", "MISSING_VERSION", "We recommend that you specify the Version element.")
    for statement in statements:
        if not statement.keys() & {"Principal", "NotPrincipal"}:
            yield _finding("ERROR", "MISSING_PRINCIPAL", "Add a Principal element to the policy statement.")
        if "NotPrincipal" in statement and statement.get("Effect") == "Allow":
            yield _finding("SECURITY_WARNING", "ALLOW_WITH_NOT_PRINCIPAL", "Allow with NotPrincipal is too permissive.")
        own = OPINIONS.now.found.get(str(statement.get("Sid") or ""))
        if own is not None:
            yield _finding(own["findingType"], own["issueCode"], own["findingDetails"])


def _finding(kind: str, code: str, details: str) -> dict[str, Any]:
    return {
        "findingType": kind,
        "issueCode": code,
        "findingDetails": details,
        "learnMoreLink": _CHECKS,
        "locations": [],
    }


def _statements(text: str) -> list[Mapping[str, Any]]:
    found: Any = json.loads(text)["Statement"]
    return [found] if isinstance(found, Mapping) else list(found)


url_bases = [r"https?://access-analyzer\.(.+)\.amazonaws\.com"]
url_paths = {
    "{0}/policy/check-no-public-access$": AccessAnalyzerResponse.dispatch,
    "{0}/policy/validation$": AccessAnalyzerResponse.dispatch,
}
accessanalyzer_backends = BackendDict(AccessAnalyzerBackend, SERVICE)


def install() -> None:
    """Let moto find the service, as if it were one of its own."""
    sys.modules["moto.accessanalyzer"] = sys.modules[__name__]
    backend_index.backend_url_patterns.append((SERVICE, re.compile(url_bases[0])))
