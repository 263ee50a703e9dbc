"""Take a snapshot of an account and region: read IAM, Organizations, Secrets Manager, KMS and Lambda."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

from secrets_pipeline.access.snapshot.iam import read_account
from secrets_pipeline.access.snapshot.keys import KeyReader
from secrets_pipeline.access.snapshot.model import AccountSnapshot, SecretSnapshot, Snapshot
from secrets_pipeline.access.snapshot.organization import read_organization
from secrets_pipeline.access.snapshot.own_roles import NOTHING_WRITTEN, OwnRoles
from secrets_pipeline.access.snapshot.secret_metadata import read_secrets, with_rotation_roles
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.session import AwsAccount, Sessions
from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.settings.access import AccessSettings, VisibleAccount

UNNAMED = "no role is named under access.accounts of the operator's settings"
_ROLE = re.compile(r"arn:[\w-]+:iam::(?P<account>\d{12}):role/.+")


def take_snapshot(
    account: AwsAccount,
    *,
    settings: AccessSettings,
    sessions: Sessions,
    accounts: Collection[str] = (),
    secrets: Sequence[SecretSnapshot] | None = None,
    own: OwnRoles = NOTHING_WRITTEN,
    now: datetime,
    read: Callable[[AwsAccount, str], AccountSnapshot] = read_account,
) -> Snapshot:
    """Read what an audit of one account and region looks at. No value is read.

    What AWS refuses is noted as unread, beside the reason; an outage is an error.

    Args:
        account: account and region of the secrets.
        settings: which further accounts may be looked at, and with which roles.
        sessions: opens them.
        accounts: ids of further accounts whose principals matter.
        secrets: those that the caller has read; None has all of the account and region listed and read.
        own: roles that the caller has made itself.
        now: when it is taken, with time zone.
        read: reads the IAM of an account; whoever takes several snapshots need not read it again.

    Raises:
        AwsError: if the caller's account or its secrets cannot be listed, or AWS cannot be reached.
        PolicyError: if AWS hands out a policy that is no JSON.
    """
    with calling("GetCallerIdentity", f"in {account.region}"):
        caller = account.client("sts").get_caller_identity()["Arn"]
    foreign = sorted(set(accounts) - {account.account_id})
    visible = {
        one.account_id: sessions.visited(Target(region=account.region).under(one))
        for one in settings.accounts
        if one.account_id != account.account_id and not _misplaced(one)
    }
    unread = {one.account_id: _misplaced(one) for one in settings.accounts}
    delegate = settings.organization_role
    organization = read_organization(
        account,
        sessions.visited(Target(region=account.region).under(delegate)) if delegate.role_arn else None,
        (account.account_id, *foreign),
    )
    found = with_rotation_roles(account, read_secrets(account) if secrets is None else secrets)
    keys, arns = KeyReader(account, visible).read({name for secret in found for name in secret.keys})
    return Snapshot(
        taken_at=now,
        account_id=account.account_id,
        region=account.region,
        partition=account.partition,
        caller_arn=caller,
        organization=organization,
        accounts={
            account.account_id: own.added_to(read(account, account.account_id)),
            **{
                account_id: read(visible[account_id], account_id)
                if account_id in visible
                else AccountSnapshot(account_id=account_id, unread=unread.get(account_id, UNNAMED))
                for account_id in foreign
            },
        },
        secrets=_resolved(found, arns),
        keys=keys,
    )


def _misplaced(named: VisibleAccount) -> str:
    """Why a role cannot look at the account that it is named for; empty where it can."""
    owner = _ROLE.fullmatch(named.role_arn)
    if owner is None:
        return f"{named.role_arn}, named for account {named.account_id}, is no ARN of a role"
    if owner["account"] != named.account_id:
        return f"the role named for account {named.account_id} belongs to {owner['account']}"
    return ""


def _resolved(secrets: Sequence[SecretSnapshot], arns: Mapping[str, str]) -> tuple[SecretSnapshot, ...]:
    """The same with ARNs for what Secrets Manager calls its keys."""
    return tuple(
        secret.model_copy(update={"keys": tuple(dict.fromkeys(arns[name] for name in secret.keys))})
        for secret in secrets
    )
