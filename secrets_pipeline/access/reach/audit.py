"""List who reads what: declared consumers, everybody else who can, and whoever policies let in from outside."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from secrets_pipeline.access.policy_text.principals import asked_of_callers, principals, services
from secrets_pipeline.access.reach.compiled import CompiledSnapshot
from secrets_pipeline.access.reach.reader import Allowed, ReadVerdict, Unknown
from secrets_pipeline.arn import Arn, iam_arn, pattern_parts
from secrets_pipeline.desired.consumer.model import ConsumerSpec
from secrets_pipeline.desired.stack import StackSpec

_ACCOUNT = re.compile(r"(?:arn:[\w-]+:iam::)?(?P<account>\d{12})(?::root)?")
_STANDS_IN = re.compile(r"(?P<of>arn:[\w-]+:iam::\d{12}:)(?:role|user)/\*")
"""Any role or user of an account: told where the account as a whole is not."""
_ASSUMED = re.compile(r"arn:[\w-]+:sts::(?P<account>\d{12}):assumed-role/(?P<role>[^/]+)/.+")


@dataclass(frozen=True, slots=True)
class AuditedRead:
    """One principal and one secret.

    Attributes:
        principal: ARN.
        secret: name.
        verdict: whether it can read.
        expected: why it should: a consumer's name, or what else lets it; empty for nobody's consumer.
        administrator: whether it administers the account of the secrets.
    """

    principal: str
    secret: str
    verdict: ReadVerdict
    expected: str = ""
    administrator: bool = False

    @property
    def undeclared_administrator(self) -> bool:
        """Whether it reads because it may do everything in the account, and nobody said that it may read."""
        return self.administrator and not self.expected


def declared_readings(spec: StackSpec, estate: CompiledSnapshot) -> tuple[AuditedRead, ...]:
    """Every consumer of a stack with each secret that it is to read; secrets that do not exist are left out."""
    return tuple(
        AuditedRead(arn, name, verdict, consumer.name)
        for consumer in spec.consumers
        for arn in consumer.readers
        for name in _names(spec, consumer)
        if (verdict := read(estate, arn, name)) is not None
    )


def matrix(estate: CompiledSnapshot, readers: Iterable[str], secrets: Iterable[str]) -> tuple[AuditedRead, ...]:
    """Each reader with each secret.

    Args:
        estate: of the snapshot.
        readers: ARNs.
        secrets: names; one that does not exist is left out.
    """
    names = tuple(secrets)
    return tuple(
        AuditedRead(arn, name, verdict, administrator=estate.administers(arn))
        for arn in readers
        for name in names
        if (verdict := read(estate, arn, name)) is not None
    )


def undeclared_readings(
    spec: StackSpec, estate: CompiledSnapshot, *, allowed_readers: Sequence[str] = ()
) -> tuple[AuditedRead, ...]:
    """Whoever can or may be able to read a secret of a stack without being its consumer.

    All roles and users of every account that was read, and the principals of other accounts that a secret's policy
    names; `role/*` stands for any role of an account that a policy lets in under a condition. `expected` says what lets
    one be: the operator's list, the secret's rotation function, this pipeline.

    Args:
        spec: the stack.
        estate: of the snapshot.
        allowed_readers: globs on ARNs.
    """
    found: list[AuditedRead] = []
    expected = Expected(spec, estate, allowed_readers)
    for secret in spec.secrets:
        consumers = expected.consumers(secret.name)
        told = set(consumers)
        for arn in _candidates(estate, secret.name):
            if arn in consumers or _STANDS_IN.sub(r"\g<of>root", arn) in told:
                continue
            verdict = read(estate, arn, secret.name)
            if isinstance(verdict, Allowed | Unknown):
                told.add(arn)
                reason = expected.reason(arn, secret.name)
                found.append(AuditedRead(arn, secret.name, verdict, reason, estate.administers(arn)))
    return tuple(found)


def readable_by(estate: CompiledSnapshot, arn: str) -> tuple[AuditedRead, ...]:
    """Every secret of the snapshot that a principal can, or may be able to, read: to be rotated if it is compromised.

    Args:
        estate: of the snapshot.
        arn: of a role, user or account root.
    """
    every = matrix(estate, [arn], [secret.name for secret in estate.snapshot.secrets])
    return tuple(one for one in every if isinstance(one.verdict, Allowed | Unknown))


def read(estate: CompiledSnapshot, arn: str, name: str) -> ReadVerdict | None:
    """Whether one principal can read one secret; None if there is no such secret."""
    secret = estate.secret(name)
    return None if secret is None else estate.reader(arn).read(secret)


class Expected:
    """Who should be able to read a stack's secrets, and why.

    Args:
        spec: the stack.
        estate: of the snapshot.
        allowed_readers: globs on ARNs.
    """

    def __init__(self, spec: StackSpec, estate: CompiledSnapshot, allowed_readers: Sequence[str]) -> None:
        self._consumers: dict[str, dict[str, str]] = {}
        for consumer in spec.consumers:
            for arn in consumer.readers:
                for name in _names(spec, consumer):
                    self._consumers.setdefault(name, {}).setdefault(arn, consumer.name)
        snapshot = estate.snapshot
        self._rotating = {secret.name: {secret.rotation.lambda_role} for secret in snapshot.secrets}
        # It must read: https://docs.aws.amazon.com/secretsmanager/latest/userguide/mes-security.html
        self._external = {secret.name: secret.rotation.external_role for secret in snapshot.secrets}
        self._superusers: dict[str, set[str | None]] = {}
        for rotated in spec.secrets:
            if rotated.rotation is None:
                continue
            roles = self._rotating.setdefault(rotated.name, set())
            if rotated.rotation.managed:
                roles.add(_managed_role(spec, estate))
            superuser = rotated.rotation.superuser_secret
            if superuser is not None and spec.has(superuser):
                self._superusers.setdefault(spec.secret(superuser).name, set()).update(roles)
        self._self = snapshot.caller_arn
        self._allowed = tuple(allowed_readers)

    def consumers(self, name: str) -> dict[str, str]:
        """ARN → consumer of one secret."""
        return self._consumers.get(name, {})

    def needs(self, arn: str, name: str) -> str:
        """Why a principal has to be able to read a secret; empty if nothing says so."""
        if arn in self.consumers(name):
            return self.consumers(name)[arn]
        if arn in self._rotating.get(name, ()):
            return "its rotation function"
        if arn == self._external.get(name):
            return "Secrets Manager rotates it at its partner by this role"
        return "a rotation function whose superuser it holds" if arn in self._superusers.get(name, ()) else ""

    def reason(self, arn: str, name: str) -> str:
        """Why a principal may read a secret; empty if nothing says so."""
        needed = self.needs(arn, name)
        if needed:
            return needed
        if _is_session_of(self._self, arn):
            return "this pipeline"
        matching = next((glob for glob in self._allowed if fnmatch.fnmatchcase(arn, glob)), None)
        return f"allowed_readers: {matching}" if matching else ""


def _managed_role(spec: StackSpec, estate: CompiledSnapshot) -> str | None:
    """The role of the function that the pipeline deploys for a stack; it bears the function's name."""
    function, snapshot = spec.rotation_function, estate.snapshot
    if function is None:
        return None
    return iam_arn(snapshot.account_id, f"role/{function.name}", partition=snapshot.partition)


def _is_session_of(session: str, arn: str) -> bool:
    """Whether a caller is a session of a role, or the very principal: session ARNs leave a role's path out."""
    found = _ASSUMED.fullmatch(session)
    if found is None:
        return session == arn
    return _is_role(arn, found["account"], found["role"])


def _is_role(arn: str, account_id: str, name: str) -> bool:
    # A service has no ARN.
    role = Arn.match(arn) if arn.endswith(f"/{name}") else None
    return role is not None and (role.kind, role.account_id) == ("role", account_id)


def _candidates(estate: CompiledSnapshot, name: str) -> Iterator[str]:
    """Every principal that is known, and whom the policies and grants of a secret and its keys name beyond them."""
    known = {principal.arn for principal in estate.principals}
    yield from sorted(known)
    secret = next((one for one in estate.snapshot.secrets if one.name == name), None)
    if secret is None:
        return
    keys = [estate.snapshot.keys[arn] for arn in secret.keys if arn in estate.snapshot.keys]
    policies = [one for one in (secret.policy, *(key.policy for key in keys)) if one is not None]
    named = {one for policy in policies for one in (*principals(policy), *asked_of_callers(policy))}
    named |= {grant.grantee for key in keys for grant in key.grants}
    yield from sorted({arn for one in named for arn in _outside(estate, one)} - known)
    yield from services(secret.policy or {})
    yield from sorted(set(_unnamed(estate, named)))


def _outside(estate: CompiledSnapshot, named: str) -> Iterator[str]:
    """The reader that a policy names, if its account does not tell all about it; a pattern stands for whom it means."""
    account, session = _ACCOUNT.fullmatch(named), _ASSUMED.fullmatch(named)
    partition = estate.snapshot.partition
    if account:
        if account["account"] != estate.snapshot.account_id:
            yield iam_arn(account["account"], "root", partition=partition)
    elif session:
        role = iam_arn(session["account"], f"role/{session['role']}", partition=partition)
        known = any(_is_role(one.arn, session["account"], session["role"]) for one in estate.principals)
        if not known and not estate.missing(role):
            yield role
    elif named.startswith("arn:") and not estate.missing(named):
        yield named


def _unnamed(estate: CompiledSnapshot, named: Collection[str]) -> Iterator[str]:
    """Principals of the accounts that are named and were not read, whom conditions may ask for without an account."""
    for account in filter(None, map(_ACCOUNT.fullmatch, named)):
        if account["account"] == estate.snapshot.account_id or not estate.account(account["account"]).unread:
            continue
        of = partial(iam_arn, account["account"], partition=estate.snapshot.partition)
        yield from (of("role/*"), of("user/*"))
        for pattern in named:
            *_, account_id, resource = pattern_parts(pattern) or ("", "")
            if resource and account_id and not account_id.isdigit():
                yield of(resource)
            elif not pattern_parts(pattern) and "/" in pattern:
                name = pattern.rsplit("/", 1)[1]
                yield from (of(f"role/{name}"), of(f"user/{name}"))


def _names(spec: StackSpec, consumer: ConsumerSpec) -> list[str]:
    return [spec.secret(ref).name for ref in consumer.secrets if spec.has(ref)]
