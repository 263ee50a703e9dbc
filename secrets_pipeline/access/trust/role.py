"""Compile a role's trust policy as a target of the evaluator, and list whom it names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from secrets_pipeline.access.evaluator import Caller, Context, Layer, Levels, Policy, TargetResource, UnreadPolicies
from secrets_pipeline.access.evaluator.elements import listed
from secrets_pipeline.access.snapshot.model import AccountSnapshot, PolicyDocument
from secrets_pipeline.arn import Arn

POLICY_NAME = "trust policy"
_ACCOUNT = re.compile(r"(?:arn:[\w-]+:iam::)?(?P<id>\d{12})(?::root)?")
# The unique id that stands in a policy once the principal is deleted:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
_DELETED = re.compile(r"A(?:ROA|IDA)[A-Z0-9]{12,}")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What else has a say in who may assume a role.

    Attributes:
        region: where consumers run; empty if that is not known.
        rcps: resource control policies of the role's account.
        context: keys about the role's account and the moment: `aws:resourceorgid`, `aws:currenttime` …
        caller: ARN of a role or user → that principal with its own policies; None where nobody knows them.
    """

    region: str = ""
    rcps: Levels | UnreadPolicies = ()
    context: Context = field(default_factory=lambda: Context(unknown=frozenset({"aws:currenttime", "aws:epochtime"})))
    caller: Callable[[str], Caller] | None = None


class NamedPrincipal(NamedTuple):
    """A principal that an Allow statement of a trust policy names.

    Attributes:
        kind: `AWS`, `Service` or `Federated`, as the policy has it.
        name: ARN, account id, service or provider; an account's root ARN counts as its id.
        statement: Sid, or `#1`.
        keys: the condition keys that the statement asks for.
    """

    kind: str
    name: str
    statement: str
    keys: tuple[str, ...]

    @property
    def deleted(self) -> bool:
        """Whether it is the id of a role or user that does not exist any more."""
        return self.kind == "AWS" and _DELETED.fullmatch(self.name) is not None


class AssumableRole:
    """A role with its trust policy.

    Args:
        arn: of the role.
        account: the one that it is in.
        trust: its trust policy.
        surroundings: what else has a say.

    Attributes:
        account_id: 12 digits.
        partition: `aws`, `aws-cn`, `aws-us-gov` or `aws-eusc`.
        target: what the evaluator is asked about.

    Raises:
        PolicyError: the document is no policy.
    """

    __slots__ = ("_elements", "_policy", "account", "account_id", "partition", "surroundings", "target")

    def __init__(self, arn: str, account: AccountSnapshot, trust: PolicyDocument, surroundings: Surroundings) -> None:
        self.account = account
        self.account_id = account.account_id
        self.partition = Arn.parse(arn).partition
        self.surroundings = surroundings
        self._policy = Policy(POLICY_NAME, trust)
        self._elements: Sequence[Mapping[str, Any]] = listed(trust.get("Statement"))
        self.target = TargetResource(
            arn,
            account.account_id,
            Layer.TRUST_POLICY,
            self._policy,
            surroundings.rcps,
            context=surroundings.context,
        )

    @property
    def region(self) -> str:
        """Where consumers run; empty if that is not known."""
        return self.surroundings.region

    def named(self, *actions: str) -> tuple[NamedPrincipal, ...]:
        """The principals that Allow statements about one of these actions name, each once."""
        found: dict[tuple[str, str], NamedPrincipal] = {}
        for statement, element in zip(self._policy.statements, self._elements, strict=True):
            if not statement.denies and any(statement.speaks_of(action) for action in actions):
                for kind, name in _principals(element):
                    found.setdefault((kind, name), NamedPrincipal(kind, name, statement.name, statement.keys))
        return tuple(found.values())

    def asks(self, key: str) -> tuple[str, tuple[str, ...]]:
        """How Allow statements spell a condition key, and the values that they compare it with.

        Args:
            key: in lower case.
        """
        found = [
            (str(name), str(value))
            for element in self._elements
            if element.get("Effect") == "Allow"
            for keys in (element.get("Condition") or {}).values()
            for name, values in keys.items()
            if name.lower() == key
            for value in listed(values)
        ]
        return (found[0][0] if found else key), tuple(dict.fromkeys(value for _, value in found))


def account_of(name: str) -> str:
    """The account that an account id or root ARN means; empty for anything else."""
    found = _ACCOUNT.fullmatch(name)
    return found["id"] if found else ""


def _principals(element: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    whom = element.get("Principal")
    if whom is None:
        # NotPrincipal in an Allow: everybody but those.
        whom = "*" if "NotPrincipal" in element else {}
    if isinstance(whom, str):
        yield "AWS", whom
        return
    for kind, names in whom.items():
        for name in _texts(names):
            yield kind, account_of(name) or name


def _texts(names: object) -> Iterable[str]:
    return map(str, listed(names))
