"""Find or make this project's two KMS keys in an account and region: one seals, one makes fingerprints.

Sources: https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html and API_CreateAlias.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.paging import pages
from secrets_pipeline.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_kms.client import KMSClient

SEAL_ALIAS = "alias/secrets-pipeline"
FINGERPRINT_ALIAS = "alias/secrets-pipeline-fingerprint"
PURPOSE_TAG = "secrets-pipeline:purpose"

_MOST_SEARCHED = 100
"""Keys without an alias whose tags are read at most; one too many would only cost a second key."""

_UNUSED_KEY_WINDOW_IN_DAYS = 7


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """What one of the two keys must be.

    Attributes:
        purpose: value of the tag `secrets-pipeline:purpose`.
        rotated: whether KMS rotates its material; an HMAC key cannot be, and its fingerprints must stay.
    """

    purpose: str
    alias: str
    spec: Literal["SYMMETRIC_DEFAULT", "HMAC_256"]
    usage: Literal["ENCRYPT_DECRYPT", "GENERATE_VERIFY_MAC"]
    description: str
    rotated: bool


@dataclass(frozen=True, slots=True)
class ServiceKeys:
    """ARNs of the two keys, and the aliases of those that did not exist before."""

    seal: str
    fingerprint: str
    made: tuple[str, ...] = field(default=(), compare=False)


def seal_key(alias: str = SEAL_ALIAS) -> ServiceKey:
    """Describe the key that encrypts generated values on their way between two assets."""
    return ServiceKey(
        purpose="seal",
        alias=alias,
        spec="SYMMETRIC_DEFAULT",
        usage="ENCRYPT_DECRYPT",
        description="secrets-pipeline: seals generated values on their way to Secrets Manager",
        rotated=True,
    )


def fingerprint_key(alias: str = FINGERPRINT_ALIAS) -> ServiceKey:
    """Describe the key that fingerprints in tags and tokens are made with."""
    return ServiceKey(
        purpose="fingerprint",
        alias=alias,
        spec="HMAC_256",
        usage="GENERATE_VERIFY_MAC",
        description="secrets-pipeline: makes fingerprints; without it no secret's mark verifies",
        rotated=False,
    )


def find_key(kms: KMSClient, alias: str) -> str | None:
    """Return the ARN of the key behind an alias, key ARN or key id, None where there is none: one DescribeKey.

    Raises:
        AwsError: if KMS refuses, or the key is not enabled.
    """
    with calling("DescribeKey", alias):
        try:
            about = kms.describe_key(KeyId=alias)["KeyMetadata"]
        except kms.exceptions.NotFoundException:
            return None
    if about.get("KeyState") != "Enabled":
        raise AwsError(
            f"KMS key {alias} is {about.get('KeyState')}",
            code="KMSInvalidStateException",
            operation="DescribeKey",
            remedy="Enable it, or cancel its deletion: what was made with it cannot be verified or opened otherwise.",
        )
    return about["Arn"]


def ensure_service_keys(
    kms: KMSClient,
    *,
    seal_alias: str = SEAL_ALIAS,
    fingerprint_alias: str = FINGERPRINT_ALIAS,
    before_making: Callable[[], None] = lambda: None,
    tags: Mapping[str, str] = MappingProxyType({}),
) -> ServiceKeys:
    """Return both keys, made where they do not exist; where they do, two DescribeKey.

    Args:
        kms: client of the account and region.
        seal_alias: alias of the seal key, or the ARN of a key that the operator provides.
        fingerprint_alias: the same for the fingerprint key.
        before_making: called where the fingerprint key does not exist, before either key is made; may raise.
        tags: further tags of a key that is made.

    Raises:
        AwsError: if KMS refuses, a key is not enabled, or a key named by ARN or id does not exist.
    """
    fingerprint, seal = find_key(kms, fingerprint_alias), find_key(kms, seal_alias)
    made = tuple(alias for alias, found in ((fingerprint_alias, fingerprint), (seal_alias, seal)) if found is None)
    if fingerprint is None:
        before_making()
        fingerprint = ensure_key(kms, fingerprint_key(fingerprint_alias), tags)
    seal = seal or ensure_key(kms, seal_key(seal_alias), tags)
    return ServiceKeys(seal=seal, fingerprint=fingerprint, made=made)


def ensure_key(kms: KMSClient, key: ServiceKey, tags: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return the ARN of the key; where there is none, CreateKey, EnableKeyRotation and CreateAlias make it.

    A run that died between CreateKey and CreateAlias left a key without alias; it is found by its tag and used. Where
    runs make the key at once, the first alias wins, and each key that lost, never used, is scheduled for deletion.
    The key policy is KMS's default: the account's IAM policies decide.

    Raises:
        AwsError: if KMS refuses, the key is not enabled, or it is named by ARN or id and does not exist.
    """
    found = find_key(kms, key.alias)
    if found is not None:
        return found
    if not key.alias.startswith("alias/"):
        raise AwsError(
            f"KMS key {key.alias} does not exist",
            code="NotFoundException",
            operation="DescribeKey",
            remedy=f"Name an existing {key.spec} key in the operator's settings, or an alias to make one under.",
        )
    left_over = find_unaliased_key(kms, PURPOSE_TAG, key.purpose, spec=key.spec)
    arn = left_over or _create(kms, key, tags)
    try:
        if key.rotated:
            with calling("EnableKeyRotation", key.alias):
                kms.enable_key_rotation(KeyId=arn)
        with calling("CreateAlias", key.alias):
            kms.create_alias(AliasName=key.alias, TargetKeyId=arn)
    except AwsError as error:
        # The run that made what we found has lost to a third one, and deletes it.
        is_deleted = left_over is not None and error.code == "KMSInvalidStateException"
        if error.code != "AlreadyExistsException" and not (is_deleted and find_key(kms, key.alias)):
            raise
    else:
        return arn
    return _winner(kms, key, arn, made_by_us=left_over is None)


def _create(kms: KMSClient, key: ServiceKey, tags: Mapping[str, str] = MappingProxyType({})) -> str:
    with calling("CreateKey", f"for {key.alias}"):
        answer = kms.create_key(
            Description=key.description,
            KeySpec=key.spec,
            KeyUsage=key.usage,
            Tags=[{"TagKey": name, "TagValue": value} for name, value in {**tags, PURPOSE_TAG: key.purpose}.items()],
        )
    return answer["KeyMetadata"]["Arn"]


def _winner(kms: KMSClient, key: ServiceKey, ours: str, *, made_by_us: bool) -> str:
    """The key that another run put behind the alias."""
    winner = find_key(kms, key.alias)
    if winner is None:
        raise AwsError(
            f"{key.alias} was made and deleted by somebody else meanwhile",
            operation="CreateAlias",
            remedy="Run again when nobody else changes the account's KMS aliases.",
        )
    if winner != ours and made_by_us:
        with calling("ScheduleKeyDeletion", ours):
            kms.schedule_key_deletion(KeyId=ours, PendingWindowInDays=_UNUSED_KEY_WINDOW_IN_DAYS)
    return winner


def find_unaliased_key(kms: KMSClient, tag: str, value: str, *, spec: str = "SYMMETRIC_DEFAULT") -> str | None:
    """Find an enabled key without alias by its tag (ListAliases, ListKeys, ListResourceTags, DescribeKey).

    A run that died between CreateKey and CreateAlias leaves one.

    Args:
        kms: client of the account and region.
        tag: the tag's key.
        value: its value.
        spec: the key's KeySpec.

    Raises:
        AwsError: if KMS refuses.
    """
    with calling("ListAliases", "of the account"):
        aliased = {entry.get("TargetKeyId") for entry in pages(kms, "list_aliases")}
    with calling("ListKeys", "of the account"):
        bare = list(islice(_without_alias(kms, aliased), _MOST_SEARCHED))
    return next((arn for arn in sorted(bare) if _is_left_over(kms, arn, tag, value, spec)), None)


def _without_alias(kms: KMSClient, aliased: set[Any]) -> Iterator[str]:
    return (entry["KeyArn"] for entry in pages(kms, "list_keys") if entry["KeyId"] not in aliased)


def _is_left_over(kms: KMSClient, arn: str, tag: str, value: str, spec: str) -> bool:
    try:
        with calling("ListResourceTags", arn):
            tags = {found["TagKey"]: found["TagValue"] for found in pages(kms, "list_resource_tags", KeyId=arn)}
        if tags.get(tag) != value:
            return False
        with calling("DescribeKey", arn):
            about = kms.describe_key(KeyId=arn)["KeyMetadata"]
    except AwsError as error:
        if error.denied:
            # Somebody else's key, which its policy hides from us.
            return False
        raise
    # Whoever imported a key's material knows it.
    made_by_kms = about.get("Origin") == "AWS_KMS"
    return made_by_kms and about.get("KeyState") == "Enabled" and about.get("KeySpec") == spec
