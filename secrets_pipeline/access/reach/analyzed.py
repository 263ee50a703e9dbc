"""Ask IAM Access Analyzer about policies of secrets and keys: CheckNoPublicAccess and ValidatePolicy.

Sources: https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_CheckNoPublicAccess.html,
https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_ValidatePolicy.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from secrets_pipeline.access.snapshot.calls import at_once
from secrets_pipeline.access.snapshot.model import PolicyDocument
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.paging import answers
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.errors import AwsError


class PolicyOf(StrEnum):
    """What a policy is attached to, as CheckNoPublicAccess calls it."""

    SECRET = "AWS::SecretsManager::Secret"  # noqa: S105 - a resource type
    KEY = "AWS::KMS::Key"


@dataclass(frozen=True, slots=True)
class PolicyText:
    """A policy, as it is sent.

    Attributes:
        of: what it is attached to.
        text: JSON.
    """

    of: PolicyOf
    text: str

    @classmethod
    def made(cls, of: PolicyOf, document: PolicyDocument) -> PolicyText:
        """The text of a document: two that are alike are one."""
        return cls(of, json.dumps(document, sort_keys=True))


@dataclass(frozen=True, slots=True)
class PolicyFinding:
    """A finding of ValidatePolicy.

    Attributes:
        kind: `ERROR`, `SECURITY_WARNING`, `WARNING` or `SUGGESTION`.
        code: for example `MISSING_PRINCIPAL`.
        details: AWS's sentence.
    """

    kind: str
    code: str
    details: str

    def __str__(self) -> str:
        return f"{self.code}: {self.details}"


@dataclass(frozen=True, slots=True)
class Analyzed:
    """What Access Analyzer says of a policy.

    Attributes:
        public: whether it may let in the public; None where it could not be asked.
        reasons: why it may.
        findings: of ValidatePolicy; None where it could not be asked.
        unsaid: why it could not be asked.
    """

    public: bool | None = None
    reasons: tuple[str, ...] = ()
    findings: tuple[PolicyFinding, ...] | None = None
    unsaid: tuple[str, ...] = ()


def analyze(account: AwsAccount, policies: Iterable[PolicyText]) -> Mapping[PolicyText, Analyzed]:
    """What Access Analyzer says of each policy, in two calls each.

    Args:
        account: whose credentials and region are used; the policies need not be its own.
        policies: what is asked about.
    """
    each = tuple(dict.fromkeys(policies))
    return dict(zip(each, at_once(partial(_analyzed, account), each), strict=True))


def _analyzed(account: AwsAccount, policy: PolicyText) -> Analyzed:
    client: Any = account.client("accessanalyzer")
    public: bool | None = None
    reasons: tuple[str, ...] = ()
    findings: tuple[PolicyFinding, ...] | None = None
    unsaid: list[str] = []
    try:
        with calling("CheckNoPublicAccess", f"of a policy of {policy.of}"):
            said = client.check_no_public_access(policyDocument=policy.text, resourceType=policy.of.value)
        public, reasons = said["result"] != "PASS", tuple(map(_reason, said.get("reasons") or ()))
    except AwsError as error:
        unsaid.append(error.message)
    try:
        # Neither type has checks of its own, so `validatePolicyResourceType` is left out, as AWS says.
        with calling("ValidatePolicy", f"of a policy of {policy.of}"):
            parameters = {"policyDocument": policy.text, "policyType": "RESOURCE_POLICY", "locale": "EN"}
            pages = list(answers(client, "validate_policy", **parameters))
        findings = tuple(_finding(one) for page in pages for one in page["findings"])
    except AwsError as error:
        unsaid.append(error.message)
    return Analyzed(public, reasons, findings, tuple(unsaid))


def _reason(reason: Mapping[str, Any]) -> str:
    statement = reason.get("statementId") or f"#{reason.get('statementIndex', 0) + 1}"
    return f"statement {statement}: {reason.get('description', '')}"


def _finding(found: Mapping[str, Any]) -> PolicyFinding:
    return PolicyFinding(found["findingType"], found["issueCode"], found["findingDetails"])
