"""Read secrets without their values: ListSecrets, GetResourcePolicy and ListSecretVersionIds.

Sources: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecrets.html and
https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_SecretVersionsListEntry.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from secrets_pipeline.access.snapshot.calls import UnreadParts, at_once, parsed
from secrets_pipeline.access.snapshot.keys import DEFAULT_ALIAS
from secrets_pipeline.access.snapshot.model import (
    PolicyDocument,
    RotationSnapshot,
    SecretSnapshot,
)
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.paging import pages
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.errors import MISSING, AwsError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.type_defs import SecretVersionsListEntryTypeDef

_CURRENT = "AWSCURRENT"
DEFAULT_KEY = "DefaultEncryptionKey"
"""What ListSecretVersionIds calls `aws/secretsmanager`."""
_LARGEST_PAGE = 100


def read_secrets(account: AwsAccount) -> tuple[SecretSnapshot, ...]:
    """Read every secret of the account and region, sorted by name, but those that are scheduled for deletion.

    Returns:
        The secrets. Their keys are as Secrets Manager names them; a list may be five minutes old, so a secret that is
        gone meanwhile is left out.

    Raises:
        AwsError: if secrets may not be listed, or for anything but a refusal.
    """
    with calling("ListSecrets", "of the account"):
        listed = list(pages(account.client("secretsmanager"), "list_secrets", IncludePlannedDeletion=False))
    read = at_once(lambda entry: _secret(account, entry), listed)
    return tuple(sorted((secret for secret in read if secret is not None), key=lambda secret: secret.name))


def _secret(account: AwsAccount, entry: Mapping[str, Any]) -> SecretSnapshot | None:
    """A listed secret with its policy and keys; None if it is gone."""
    reading = UnreadParts()
    try:
        policy = reading.attempt(lambda: _policy(account, entry["ARN"]))
        versions = reading.attempt(lambda: _versions(account, entry["ARN"])) or ()
    except AwsError as error:
        if error.missing:
            return None
        raise
    return SecretSnapshot(
        arn=entry["ARN"],
        name=entry["Name"],
        kms_key_id=entry.get("KmsKeyId") or None,
        keys=opening_keys(versions, entry.get("KmsKeyId")),
        policy=policy,
        tags={tag["Key"]: tag["Value"] for tag in entry.get("Tags") or ()},
        rotation=_rotation(entry),
        primary_region=entry.get("PrimaryRegion"),
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


def opening_keys(versions: Iterable[SecretVersionsListEntryTypeDef], kms_key_id: str | None) -> tuple[str, ...]:
    """Name the keys that open the AWSCURRENT version; none if there is no such version.

    Args:
        versions: entries of ListSecretVersionIds.
        kms_key_id: key of the secret, if an entry names none; None for `aws/secretsmanager`.
    """
    current = next((one for one in versions if _CURRENT in (one.get("VersionStages") or ())), None)
    if current is None:
        return ()
    named = current.get("KmsKeyIds") or [kms_key_id or DEFAULT_KEY]
    return tuple(dict.fromkeys(DEFAULT_ALIAS if one == DEFAULT_KEY else one for one in named))


def _rotation(entry: Mapping[str, Any]) -> RotationSnapshot:
    return RotationSnapshot(
        enabled=bool(entry.get("RotationEnabled")),
        lambda_arn=entry.get("RotationLambdaARN") or None,
        external_role=entry.get("ExternalSecretRotationRoleArn") or None,
    )


def with_rotation_roles(account: AwsAccount, secrets: Sequence[SecretSnapshot]) -> tuple[SecretSnapshot, ...]:
    """Add the roles of rotation functions (GetFunctionConfiguration), each function looked at once."""
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
