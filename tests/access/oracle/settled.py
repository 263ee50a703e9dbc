"""Where the oracle departs from AWS's text, or AWS's text is silent: each class with the page that settles it.

A class excuses a disagreement only in the layer, or between the layers, that hold what it is about.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from secrets_pipeline.access.evaluator import LayerOutcome, PrincipalKind
from tests.access.oracle.simulations import Answer
from tests.strategies.policy_alphabet import HOME, SEVERAL
from tests.strategies.policy_cases import Case, Document

_VARIABLE: Final = re.compile(r"\$\{\s*([^},\s]+)[^}]*\}")
_OF_ACCOUNT: Final = {HOME, f"arn:aws:iam::{HOME}:root"}
_SEVERAL: Final = {key.lower() for key in SEVERAL}


@dataclass(frozen=True, slots=True)
class Settled:
    """One class of disagreements.

    Attributes:
        page: AWS's page.
        quote: what it says; empty where it is silent.
    """

    name: str
    page: str
    quote: str


@dataclass(frozen=True, slots=True)
class _Compared:
    """One key under one operator, with what the request has."""

    operator: str
    wanted: tuple[str, ...]
    values: tuple[str, ...]
    key: str
    several: bool

    @property
    def plain(self) -> str:
        """The operator without its qualifiers."""
        return self.operator.rpartition(":")[2].removesuffix("IfExists")


def in_layer(case: Case, layer: str) -> Iterator[Settled]:
    """The classes that can explain another answer of one layer."""
    documents = _documents(case, layer)
    comparisons = [one for document in documents for one in _comparisons(case, document)]
    for settled, holds in _OF_CONDITIONS:
        if any(holds(one) for one in comparisons):
            yield settled
    texts = [text for document in documents for text in _texts(document)]
    if any(case.value(name) == ("",) for text in texts for name in _VARIABLE.findall(text)):
        yield EMPTY_VARIABLE
    if any("Not" in one.plain and _has_null(case, one.wanted) for one in comparisons):
        yield NULL_VALUE
    excluded = (_listed(one["NotResource"]) for each in documents for one in _statements(each) if "NotResource" in one)
    if any(_has_null(case, resources) for resources in excluded):
        yield NULL_RESOURCE
    if any(document["Version"] == "2008-10-17" and _VARIABLE.search(str(document)) for document in documents):
        yield OLD_VERSION
    if layer == "resource" and _is_provider_of_account(case):
        yield PROVIDER_OF_ACCOUNT
    if layer == "resource" and any(_excepts_partly(case, one) for one in documents):
        yield EXCEPTED


def between_layers(case: Case, given: Answer) -> Iterator[Settled]:
    """The classes that can explain another answer where every layer says the same."""
    if case.caller.kind is PrincipalKind.FEDERATED_USER and case.session_policy is None:
        yield TOKEN_ALONE
    if given.layers["resource"] is LayerOutcome.ALLOWS:
        if case.session_policy is not None and given.layers["session"] is LayerOutcome.SILENT:
            if _names(case, case.caller.spoken):
                yield NAMED_SESSION
            if _names(case, "*"):
                yield ANYBODY
        if _is_provider_of_account(case):
            yield PROVIDER_OF_ACCOUNT
        # Both see a statement that allows, but not the same one: it names the caller more or less closely.
        yield from in_layer(case, "resource")


ANY_IF_EXISTS: Final = Settled(
    "ForAnyValue with IfExists, key absent",
    "IAM User Guide, IAM JSON policy elements: Condition operators, …IfExists condition operators",
    "If the key is not present, evaluate the condition element as true.",
)
ALL_ADDRESSES: Final = Settled(
    "a network of prefix /0",
    "IAM User Guide, IAM JSON policy elements: Condition operators, IP address condition operators",
    "The value must be in the standard CIDR format",
)
"""The oracle's 0.0.0.0/0 holds no address."""
IPV6: Final = Settled(
    "an address of one family and a network of the other",
    "IAM User Guide, IAM JSON policy elements: Condition operators, IP address condition operators",
    "All IP addresses except the specified IP address or range",
)
NO_SET_OPERATOR: Final = Settled(
    "a multivalued key without set operator",
    "IAM User Guide, Single-valued vs. multivalued context keys",
    "Multivalued context keys require a condition set operator.",
)
"""What happens without one, AWS does not say."""
EMPTY_VARIABLE: Final = Settled(
    "a variable whose key has the empty value", "IAM User Guide, IAM policy elements: Variables and tags", ""
)
NULL_SET: Final = Settled(
    "a set operator and a key whose only value is empty",
    "IAM User Guide, Set operators for multivalued context keys",
    "returns true if there are no context keys in the request or if the context key value resolves to a null dataset, "
    "such as an empty string.",
)
NULL_VALUE: Final = Settled(
    "a negated operator with a variable that has no value",
    "IAM User Guide, IAM policy elements: Variables and tags, Policy variables with no value",
    "Inverted condition operators like StringNotEquals or StringNotLike do match against a null value",
)
NULL_RESOURCE: Final = Settled(
    "NotResource with a variable that has no value",
    "IAM User Guide, IAM policy elements: Variables and tags, Policy variables with no value",
    "If a variable that has no value in the authorization context is used as part of the Resource or NotResource "
    "element of a policy, the resource that includes a policy variable with no value will not match any resource.",
)
OLD_VERSION: Final = Settled(
    "${…} in a policy of version 2008-10-17",
    "IAM User Guide, IAM policy elements: Variables and tags",
    "variables like ${aws:username} are treated as literal strings in the policy.",
)
PROVIDER_OF_ACCOUNT: Final = Settled(
    "an identity provider taken for a principal of its account",
    "IAM User Guide, AWS JSON policy elements: Principal, Web identity session principals",
    'use the following format: "Principal": { "Federated": … }',
)
EXCEPTED: Final = Settled(
    "Deny with NotPrincipal that lists session, role, user or account of the caller",
    "IAM User Guide, AWS JSON policy elements: NotPrincipal, NotPrincipal with Deny",
    "all principals except the user named Bob in AWS account 444455556666 are explicitly denied access to a resource. "
    "If the NotPrincipal element contained only Bob's ARN, the effect of the policy might be to explicitly deny access "
    "to the AWS account that contains the user Bob.",
)
"""The oracle exempts a whole account that is listed, and not the session that is listed with its role and account."""
NAMED_SESSION: Final = Settled(
    "a session that is named by ARN, limited by its session policy",
    "IAM User Guide, Policy evaluation logic, Determining whether a request is allowed or denied within an account",
    "Permissions granted directly to a session are not limited by an implicit deny in an identity-based policy, "
    "a permissions boundary, or session policy.",
)
TOKEN_ALONE: Final = Settled(
    "a federated user without session policy",
    "IAM User Guide, Policy evaluation logic, Determining whether a request is allowed or denied within an account",
    "If there is no session policy, the code checks whether the principal is a role session. "
    "If the principal is a role session, then the request is Allowed. Otherwise, the request is implicitly denied",
)
ANYBODY: Final = Settled(
    "everybody is named by *, limited by a session policy",
    "IAM User Guide, AWS JSON policy elements: Principal, IAM role principals",
    "permissions boundaries or session policies, do not limit permissions granted using the aws:PrincipalArn condition "
    "key with a wildcard(*) in the Principal element, unless the identity-based policies contain an explicit deny.",
)


def _other_family(one: _Compared) -> bool:
    if one.plain not in ("IpAddress", "NotIpAddress"):
        return False
    return any((":" in address) is not (":" in network) for address in one.values for network in one.wanted)


def _names(case: Case, name: str) -> bool:
    """Whether the target's policy allows a principal of this name; `*` also by NotPrincipal."""
    return case.policy is not None and any(
        statement["Effect"] == "Allow"
        and (name in _principals(statement) or (name == "*" and "NotPrincipal" in statement))
        for statement in _statements(case.policy)
    )


def _is_provider_of_account(case: Case) -> bool:
    """Whether an identity provider calls, and something other than `Federated` may name it."""
    if case.caller.kind is not PrincipalKind.IDENTITY_PROVIDER or case.policy is None:
        return False
    return any(
        "NotPrincipal" in statement or not _OF_ACCOUNT.isdisjoint(_principals(statement))
        for statement in _statements(case.policy)
    )


def _principals(statement: Document) -> tuple[str, ...]:
    whom = statement.get("Principal", {})
    return ("*",) if whom == "*" else _listed(whom.get("AWS", []))


def _has_null(case: Case, texts: tuple[str, ...]) -> bool:
    """Whether a variable in one of the texts has no value, nor a default."""
    found = (variable for text in texts for variable in _VARIABLE.finditer(text))
    return any(not case.value(one[1]) and "," not in one[0] for one in found)


def _excepts_partly(case: Case, document: Document) -> bool:
    who = case.caller
    names = {who.account_id, f"arn:aws:iam::{who.account_id}:root", who.arn, who.spoken}
    excepted = (
        _listed(statement["NotPrincipal"].get("AWS", []))
        for statement in _statements(document)
        if statement["Effect"] == "Deny" and "NotPrincipal" in statement
    )
    return any(not names.isdisjoint(found) for found in excepted)


_OF_CONDITIONS: Final[tuple[tuple[Settled, Callable[[_Compared], bool]], ...]] = (
    (ANY_IF_EXISTS, lambda one: one.operator.startswith("ForAnyValue:") and one.operator.endswith("IfExists")
     and not one.values),
    (ALL_ADDRESSES, lambda one: one.plain in ("IpAddress", "NotIpAddress") and "0.0.0.0/0" in one.wanted),
    (IPV6, _other_family),
    (NULL_SET, lambda one: ":" in one.operator and one.values == ("",)),
    (NO_SET_OPERATOR, lambda one: one.several and ":" not in one.operator and one.plain != "Null" and bool(one.values)),
)  # fmt: skip


def _documents(case: Case, layer: str) -> list[Document]:
    levels: Mapping[str, tuple[tuple[Document, ...], ...]] = {"scp": case.scps, "rcp": case.rcps}
    if layer in levels:
        return [document for level in levels[layer] for document in level]
    if layer == "identity":
        return list(case.identity)
    single = {"resource": case.policy, "boundary": case.boundary, "session": case.session_policy}[layer]
    return [] if single is None else [single]


def _statements(document: Document) -> list[Document]:
    found = document["Statement"]
    return found if isinstance(found, list) else [found]


def _listed(value: Any) -> tuple[str, ...]:  # noqa: ANN401 - JSON
    return tuple(value) if isinstance(value, list) else (value,)


def _comparisons(case: Case, document: Document) -> Iterator[_Compared]:
    for statement in _statements(document):
        for operator, keys in statement.get("Condition", {}).items():
            for key, wanted in keys.items():
                lower = key.lower()
                yield _Compared(operator, _listed(wanted), case.value(key), lower, lower in _SEVERAL)


def _texts(document: Document) -> Iterator[str]:
    for statement in _statements(document):
        for element in ("Resource", "NotResource"):
            yield from _listed(statement.get(element, []))
        for keys in statement.get("Condition", {}).values():
            for wanted in keys.values():
                yield from _listed(wanted)


CLASSES: Final = frozenset(
    {
        ALL_ADDRESSES,
        ANYBODY,
        ANY_IF_EXISTS,
        EMPTY_VARIABLE,
        EXCEPTED,
        IPV6,
        NAMED_SESSION,
        NO_SET_OPERATOR,
        NULL_RESOURCE,
        NULL_SET,
        NULL_VALUE,
        OLD_VERSION,
        PROVIDER_OF_ACCOUNT,
        TOKEN_ALONE,
    }
)
