"""When the versions of a secret were made.

Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecretVersionIds.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.reconcilers.observed.secret_state import SecretState

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


def version_dates(stack: Stack, state: SecretState) -> Mapping[str, datetime]:
    """Version id → when it was made, of every version with a label; read anew.

    Raises:
        AwsError: if Secrets Manager refuses.
    """
    with calling("ListSecretVersionIds", state.name):
        client = stack.account.client("secretsmanager")
        answer = client.list_secret_version_ids(SecretId=state.arn, MaxResults=100)
        found = list(answer["Versions"])
        # boto3 has no paginator for it.
        while token := answer.get("NextToken"):
            answer = client.list_secret_version_ids(SecretId=state.arn, MaxResults=100, NextToken=token)
            found += answer["Versions"]
        return {one["VersionId"]: one["CreatedDate"] for one in found if "VersionId" in one and "CreatedDate" in one}
