"""Build the evaluator's caller from credentials and everything in IAM that limits them.

Credentials that nobody issued are the operator's, who administers the default account.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moto.iam import models as iam_models
from moto.iam.models import iam_backends
from moto.sts.models import AssumedRole, sts_backends
from moto.utilities.utils import get_partition

from secrets_pipeline.access.evaluator import Caller, Context, Policy, PrincipalKind, UnreadPolicies
from secrets_pipeline.arn import Arn, account_of, iam_arn
from secrets_pipeline.emulator.core.sessions import OPERATOR, RoleSession
from secrets_pipeline.emulator.enforcement.documents import policies, policy
from secrets_pipeline.emulator.enforcement.organizations import belonging

if TYPE_CHECKING:
    from moto.iam.models import Group, IAMBackend, ManagedPolicy, Role, User

    from secrets_pipeline.access.evaluator import Values

_HOUR = 3600
_EVERYTHING = policies(
    [
        (
            "arn:aws:iam::aws:policy/AdministratorAccess",
            '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}',
        )
    ]
)


@dataclass(frozen=True, slots=True)
class Client:
    """Who signed a request.

    Attributes:
        arn: as AWS's messages name it: that of the user, or of the role's session.
        caller: the same for the evaluator.
        session: of a role.
    """

    arn: str
    caller: Caller
    session: RoleSession | None = None

    @property
    def account_id(self) -> str:
        """Its account."""
        return self.caller.account_id

    @property
    def administers(self) -> bool:
        """Whether nothing limits it but policies of resources: the operator, where no organisation's policy applies."""
        return self.caller.identity is _EVERYTHING and not self.caller.scps


def identify(account_id: str, access_key: str, region: str) -> Client:
    """Whoever an access key belongs to.

    Args:
        account_id: account of the access key.
        access_key: its id.
        region: of the request.
    """
    partition = get_partition(region)
    sessions: Mapping[str, RoleSession] = sts_backends[account_id][partition].sessions  # type: ignore[attr-defined] # ours
    session = sessions.get(access_key)
    if session is not None:
        return _of_role(session, partition)
    iam = iam_backends[account_id][partition]
    key = iam.access_keys.get(access_key)
    user = iam.users.get(key.user_name) if key is not None and key.user_name else None
    if user is not None:
        return _of_user(iam, user)
    return _operator(account_id, partition)


def in_role(role_arn: str, session: str, region: str) -> Client:
    """A session of a role that an AWS service has, under which nobody calls this server.

    Args:
        role_arn: the role.
        session: its name.
        region: where the service acts.
    """
    partition = get_partition(region)
    account_id = account_of(role_arn)
    iam: Any = iam_models  # types its own class of keys as abstract
    keys = iam.AccessKey(None, prefix="ASIA", account_id=account_id)
    assumed = AssumedRole(account_id, region, keys, session, role_arn, "", _HOUR, "")
    return _of_role(RoleSession(assumed), partition)


def of_principal(arn: str, region: str) -> Client | None:
    """A role, as some session of it, or a user; None if there is none.

    Args:
        arn: its ARN.
        region: where it acts.
    """
    named, partition = Arn.match(arn), get_partition(region)
    if find_role(arn, partition) is not None:
        return in_role(arn, "simulated", region)
    if named is None or named.kind != "user":
        return None
    iam = iam_backends[named.account_id][partition]
    user = next((one for one in list(iam.users.values()) if one.arn == arn), None)
    if user is not None:
        return _of_user(iam, user)
    operator = _operator(named.account_id, partition)
    return operator if operator.arn == arn else None


def _operator(account_id: str, partition: str) -> Client:
    """The administrator of an account, as a user."""
    belongs = belonging(account_id, partition)
    arn = iam_arn(account_id, f"user/{OPERATOR}", partition=partition)
    context = Context({**belongs.context("principal"), "aws:username": (OPERATOR,)})
    caller = Caller(arn, account_id, PrincipalKind.USER, identity=_EVERYTHING, scps=belongs.scps, context=context)
    return Client(arn, caller)


def find_role(arn: str, partition: str) -> Role | None:
    """The role of an ARN, in whatever account."""
    named = Arn.match(arn)
    account_id = named.account_id if named else ""
    if account_id not in iam_backends and not account_id.isdigit():
        return None
    return next((one for one in list(iam_backends[account_id][partition].roles.values()) if one.arn == arn), None)


def _of_role(session: RoleSession, partition: str) -> Client:
    role = find_role(session.role_arn, partition)
    belongs = belonging(session.account_id, partition)
    iam = iam_backends[session.account_id][partition]
    identity: tuple[Policy, ...] | UnreadPolicies = ()
    boundary: Policy | UnreadPolicies | None = None
    # The policies of a role that was deleted are gone, its sessions are not.
    if role is not None:
        identity = policies(_attached(role))
        boundary = _boundary(iam, role.permissions_boundary_arn)
    tags, role_id = ({one["Key"]: one["Value"] for one in role.tags}, role.id) if role is not None else ({}, "")
    about: dict[str, Values] = {
        **belongs.context("principal"),
        **_tags({**tags, **session.tags}),
        "aws:userid": (f"{role_id}:{session.name}",),
        "aws:multifactorauthpresent": ("false",),
        "aws:tokenissuetime": (session.issued.isoformat(),),
    }
    if session.source_identity:
        about["aws:sourceidentity"] = (session.source_identity,)
    if session.provider:
        about["aws:federatedprovider"] = (session.provider,)
    caller = Caller(
        session.role_arn,
        session.account_id,
        PrincipalKind.ROLE,
        session=session.name,
        identity=identity,
        boundary=boundary,
        session_policies=_readable(policies(session.policies)) if session.policies else None,
        scps=belongs.scps,
        context=Context(about),
    )
    return Client(session.arn, caller, session)


def _of_user(iam: IAMBackend, user: User) -> Client:
    belongs = belonging(user.account_id, iam.partition)
    owners: tuple[User | Group, ...] = (user, *(group for group in list(iam.groups.values()) if user in group.users))
    bound = vars(user).get("permissions_boundary") or {}
    about: dict[str, Values] = {
        **belongs.context("principal"),
        **_tags({one["Key"]: one["Value"] for one in user.tags or ()}),
        "aws:userid": (user.id,),
        "aws:username": (user.name,),
    }
    caller = Caller(
        user.arn,
        user.account_id,
        PrincipalKind.USER,
        identity=policies(document for one in owners for document in _attached(one)),
        boundary=_boundary(iam, bound.get("PermissionsBoundaryArn")),
        scps=belongs.scps,
        context=Context(about),
    )
    return Client(user.arn, caller)


def _attached(owner: Role | User | Group) -> Iterator[tuple[str, str]]:
    """Inline and managed policies of a role, user or group of moto's."""
    for name, text in list(owner.policies.items()):
        yield f"inline policy {name}", text
    for managed in list(owner.managed_policies.values()):
        yield managed.arn, document_of(managed)


def document_of(managed: ManagedPolicy) -> str:
    """The default version of a managed policy."""
    return next(one.document for one in managed.versions if one.is_default)


def _boundary(iam: IAMBackend, arn: str | None) -> Policy | UnreadPolicies | None:
    if not arn:
        return None
    found: Any = iam.managed_policies.get(arn)
    if found is None:
        return UnreadPolicies(f"the boundary {arn} does not exist")
    return policy(arn, document_of(found))


def _readable(found: tuple[Policy, ...] | UnreadPolicies) -> tuple[Policy, ...]:
    """Session policies; one that nobody can read allows nothing."""
    return () if isinstance(found, UnreadPolicies) else found


def _tags(tags: Mapping[str, str] | Iterable[tuple[str, str]]) -> dict[str, Values]:
    return {f"aws:principaltag/{key.lower()}": (value,) for key, value in dict(tags).items()}
