"""Read secrets without their values: ListSecrets, GetResourcePolicy and ListSecretVersionIds.

Sources: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecrets.html and
https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_SecretVersionsListEntry.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from secrets_pipeline.access.snapshot.calls import UnreadParts, at_once, parsed
from secrets_pipeline.access.snapshot.keys import DEFAULT_ALIAS
from secrets_pipeline.access.snapshot.model import (
    AccountSnapshot,
    PolicyDocument,
    PrincipalSnapshot,
    RotationSnapshot,
    SecretSnapshot,
)
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.paging import pages
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.errors import MISSING, AwsError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.type_defs import SecretVersionsListEntryTypeDef

_CURRENT, _PENDING = "AWSCURRENT", "AWSPENDING"
DEFAULT_KEY = "DefaultEncryptionKey"
"""What ListSecretVersionIds calls `aws/secretsmanager`."""
_MOST_BY_NAME = 30
_NAMES_PER_FILTER = 10
_LARGEST_PAGE = 100


@dataclass(frozen=True, slots=True)
class OwnWrites:
    """What the caller wrote itself and AWS acknowledged: it is not read back.

    Attributes:
        secrets: those that it made and nothing has been open of since; keys as Secrets Manager names them.
        policies: texts of others by name, None where it deleted the policy.
        roles: those that it made, without the policies that it wrote.
        role_policies: inline policies that it wrote, by the names of role and policy.
    """

    secrets: Mapping[str, SecretSnapshot] = field(default_factory=dict)
    policies: Mapping[str, str | None] = field(default_factory=dict)
    roles: tuple[PrincipalSnapshot, ...] = ()
    role_policies: Mapping[str, Mapping[str, PolicyDocument]] = field(default_factory=dict)

    def account(self, read: AccountSnapshot) -> AccountSnapshot:
        """An account as it was read, with what IAM's lists may not show yet."""
        if read.unread or not (self.roles or self.role_policies):
            return read
        known = {one.arn for one in read.principals}
        principals = [*read.principals, *(one for one in self.roles if one.arn not in known)]
        own = (self._own(one) for one in sorted(principals, key=lambda one: one.arn))
        return read.model_copy(update={"principals": tuple(own)})

    def _own(self, principal: PrincipalSnapshot) -> PrincipalSnapshot:
        written = self.role_policies.get(principal.arn.rpartition("/")[2]) if principal.kind == "role" else None
        return principal.model_copy(update={"inline": {**principal.inline, **written}}) if written else principal


NOTHING_WRITTEN = OwnWrites()


def read_secrets(
    account: AwsAccount, names: Collection[str] | None, own: OwnWrites = NOTHING_WRITTEN
) -> tuple[SecretSnapshot, ...]:
    """Read secrets, sorted by name; those that are scheduled for deletion are left out.

    Args:
        account: account and region.
        names: only these; None for all.
        own: what is known and not read.

    Returns:
        The secrets. Their keys are as Secrets Manager names them; a list may be five minutes old, so a secret that is
        gone meanwhile is left out.

    Raises:
        AwsError: if secrets may not be listed, or for anything but a refusal.
    """
    asked = own.secrets.keys() if names is None else frozenset(names)
    wanted = None if names is None else asked - own.secrets.keys()
    listed = [entry for entry in _listed(account, wanted) if entry["Name"] not in own.secrets]
    read = at_once(lambda entry: _secret(account, entry, own.policies), listed)
    known = [secret for name, secret in own.secrets.items() if name in asked]
    found = [*known, *(secret for secret in read if secret is not None)]
    return _with_roles(account, sorted(found, key=lambda secret: secret.name))


def _listed(account: AwsAccount, names: Collection[str] | None) -> Iterator[Mapping[str, Any]]:
    client = account.client("secretsmanager")
    wanted = None if names is None else frozenset(names)
    with calling("ListSecrets", "of the account"):
        for filters in _filters(names):
            for entry in pages(client, "list_secrets", Filters=filters, IncludePlannedDeletion=False):
                if wanted is None or entry["Name"] in wanted:
                    yield entry


def _filters(names: Collection[str] | None) -> Iterator[list[dict[str, Any]]]:
    """Ask for a few secrets by their names; for many, one list of all costs less."""
    if names is None or len(names) > _MOST_BY_NAME:
        yield []
        return
    # A filter takes prefixes: one that covers another would list its secrets twice.
    ordered = [name for name in sorted(names) if not any(name != one and name.startswith(one) for one in names)]
    for start in range(0, len(ordered), _NAMES_PER_FILTER):
        yield [{"Key": "name", "Values": ordered[start : start + _NAMES_PER_FILTER]}]


def _secret(account: AwsAccount, entry: Mapping[str, Any], policies: Mapping[str, str | None]) -> SecretSnapshot | None:
    """A listed secret with its policy and keys; None if it is gone."""
    reading = UnreadParts()
    try:
        if entry["Name"] in policies:
            policy = parsed_policy(policies[entry["Name"]], entry["ARN"])
        else:
            policy = reading.attempt(lambda: _policy(account, entry["ARN"]))
        versions = reading.attempt(lambda: _versions(account, entry["ARN"])) or ()
    except AwsError as error:
        if error.missing:
            return None
        raise
    current = _labelled(versions, _CURRENT)
    pending = _labelled(versions, _PENDING)
    return SecretSnapshot(
        arn=entry["ARN"],
        name=entry["Name"],
        kms_key_id=entry.get("KmsKeyId") or None,
        keys=_keys(current, entry) if current else (),
        policy=policy,
        tags={tag["Key"]: tag["Value"] for tag in entry.get("Tags") or ()},
        rotation=_rotation(entry),
        created_at=entry.get("CreatedDate"),
        changed_at=entry.get("LastChangedDate"),
        accessed_at=entry.get("LastAccessedDate"),
        deleted_at=entry.get("DeletedDate"),
        pending_since=pending.get("CreatedDate") if pending and pending != current else None,
        primary_region=entry.get("PrimaryRegion"),
        owning_service=entry.get("OwningService"),
        unread=reading.unread,
    )


def _policy(account: AwsAccount, arn: str) -> PolicyDocument | None:
    with calling("GetResourcePolicy", arn):
        text = account.client("secretsmanager").get_resource_policy(SecretId=arn).get("ResourcePolicy")
    return parsed_policy(text, arn)


def parsed_policy(text: str | None, arn: str) -> PolicyDocument | None:
    """Parse the resource policy of a secret; None for none.

    Raises:
        PolicyError: if it is no JSON object.
    """
    return parsed(text, f"the policy of secret {arn}") if text else None


def _versions(account: AwsAccount, arn: str) -> Sequence[SecretVersionsListEntryTypeDef]:
    """The versions with a staging label; botocore knows no pages of them."""
    client = account.client("secretsmanager")
    with calling("ListSecretVersionIds", arn):
        answer = client.list_secret_version_ids(SecretId=arn, MaxResults=_LARGEST_PAGE)
        found = list(answer["Versions"])
        while answer.get("NextToken"):
            token = answer["NextToken"]
            answer = client.list_secret_version_ids(SecretId=arn, MaxResults=_LARGEST_PAGE, NextToken=token)
            found += answer["Versions"]
    return found


def _labelled(versions: Iterable[SecretVersionsListEntryTypeDef], label: str) -> SecretVersionsListEntryTypeDef | None:
    return next((one for one in versions if label in (one.get("VersionStages") or ())), None)


def _keys(current: SecretVersionsListEntryTypeDef, entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the keys that open a version; without any, that of the secret."""
    named = current.get("KmsKeyIds") or [entry.get("KmsKeyId") or DEFAULT_KEY]
    return tuple(dict.fromkeys(DEFAULT_ALIAS if one == DEFAULT_KEY else one for one in named))


def _rotation(entry: Mapping[str, Any]) -> RotationSnapshot:
    rules = entry.get("RotationRules") or {}
    return RotationSnapshot(
        enabled=bool(entry.get("RotationEnabled")),
        lambda_arn=entry.get("RotationLambdaARN") or None,
        automatically_after_days=rules.get("AutomaticallyAfterDays"),
        schedule_expression=rules.get("ScheduleExpression"),
        last_rotated_at=entry.get("LastRotatedDate"),
        next_rotation_at=entry.get("NextRotationDate"),
    )


def _with_roles(account: AwsAccount, secrets: Sequence[SecretSnapshot]) -> tuple[SecretSnapshot, ...]:
    """The same with the roles of their rotation functions, each of which is looked at once."""
    functions = sorted({secret.rotation.lambda_arn for secret in secrets if secret.rotation.lambda_arn})
    roles = dict(zip(functions, at_once(lambda arn: _role(account, arn), functions), strict=True))
    return tuple(
        secret.model_copy(
            update={
                "rotation": secret.rotation.model_copy(
                    update={"lambda_role": roles.get(secret.rotation.lambda_arn or "")}
                )
            }
        )
        for secret in secrets
    )


def _role(account: AwsAccount, arn: str) -> str | None:
    def read() -> str:
        with calling("GetFunctionConfiguration", arn):
            return account.client("lambda").get_function_configuration(FunctionName=arn)["Role"]

    return UnreadParts().attempt(read, *MISSING)
