"""boto3 sessions per account and region: guarded, paced, paged, with errors in plain language."""

from secrets_pipeline.aws.alerts import Alert, NoTopic, NotPublished, Publication, Published, publish
from secrets_pipeline.aws.consistency import (
    NEW_PRINCIPAL,
    NEW_RESOURCE,
    Lag,
    Patience,
)
from secrets_pipeline.aws.faults import calling, explained, translate
from secrets_pipeline.aws.guards import (
    READ_ONLY_VARIABLE,
    AccountCheck,
    ReadOnly,
    Unverified,
    Verified,
    check_account,
    read_only_requested,
)
from secrets_pipeline.aws.pacer import Pacer, pacer_for
from secrets_pipeline.aws.paging import answers, pages
from secrets_pipeline.aws.quotas import QUOTAS, Quota, quota_of
from secrets_pipeline.aws.service_keys import (
    FINGERPRINT_ALIAS,
    PURPOSE_TAG,
    SEAL_ALIAS,
    ServiceKey,
    ServiceKeys,
    ensure_key,
    ensure_service_keys,
    find_key,
    find_unaliased_key,
    fingerprint_key,
    seal_key,
)
from secrets_pipeline.aws.session import ROLE_SESSION_NAME, AwsAccount, Sessions, partition_of
from secrets_pipeline.errors import AwsError

__all__ = [
    "FINGERPRINT_ALIAS",
    "NEW_PRINCIPAL",
    "NEW_RESOURCE",
    "PURPOSE_TAG",
    "QUOTAS",
    "READ_ONLY_VARIABLE",
    "ROLE_SESSION_NAME",
    "SEAL_ALIAS",
    "AccountCheck",
    "Alert",
    "AwsAccount",
    "AwsError",
    "Lag",
    "NoTopic",
    "NotPublished",
    "Pacer",
    "Patience",
    "Publication",
    "Published",
    "Quota",
    "ReadOnly",
    "ServiceKey",
    "ServiceKeys",
    "Sessions",
    "Unverified",
    "Verified",
    "answers",
    "calling",
    "check_account",
    "ensure_key",
    "ensure_service_keys",
    "explained",
    "find_key",
    "find_unaliased_key",
    "fingerprint_key",
    "pacer_for",
    "pages",
    "partition_of",
    "publish",
    "quota_of",
    "read_only_requested",
    "seal_key",
    "translate",
]
