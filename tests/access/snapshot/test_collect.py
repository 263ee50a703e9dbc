"""A whole snapshot: few calls, and the same one again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.access.snapshot.collect import take_snapshot
from secrets_pipeline.aws.guards import READ_ONLY_VARIABLE
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.settings.access import AccessSettings
from secrets_pipeline.errors import AwsError
from tests.access.snapshot.conftest import CANARY, NOW, REGION

if TYPE_CHECKING:
    from tests.access.snapshot.conftest import World

ALWAYS = {
    # Once for its ARN, once for the pacer's account.
    "GetCallerIdentity": 2,
    "DescribeOrganization": 1,
    "GetAccountAuthorizationDetails": 1,
    "ListOpenIDConnectProviders": 1,
}


@pytest.mark.parametrize(("secrets", "pages"), [(3, 1), (120, 2)])
def test_a_snapshot_takes_few_calls(world: World, secrets: int, pages: int) -> None:
    world.role("reader")
    key = world.kms.create_key()["KeyMetadata"]["Arn"]
    for number in range(secrets):
        key_id = key if number % 2 else "alias/aws/secretsmanager"
        world.secrets.create_secret(Name=f"app/secret-{number:03}", SecretString=CANARY, KmsKeyId=key_id)
    assert world.counted() == {
        **ALWAYS,
        "ListSecrets": pages,
        "GetResourcePolicy": secrets,
        "ListSecretVersionIds": secrets,
        "ListAliases": 1,
        # Two keys, whatever the number of secrets; the one that AWS manages cannot be shared.
        "DescribeKey": 2,
        "GetKeyPolicy": 3,
        "ListGrants": 2,
        "ListResourceTags": 2,
    }


def test_an_account_without_secrets_asks_nothing_of_kms(world: World) -> None:
    assert world.counted() == {**ALWAYS, "ListSecrets": 1}


def test_a_snapshot_says_when_where_and_who(world: World) -> None:
    found = world.snapshot()
    assert (found.taken_at, found.account_id, found.region, found.partition) == (NOW, world.account_id, REGION, "aws")
    assert found.caller_arn == world.client("sts").get_caller_identity()["Arn"]


def test_two_snapshots_of_the_same_are_equal(world: World) -> None:
    for number in range(20):
        world.role(f"role-{number}")
        world.secrets.create_secret(Name=f"secret-{number}", SecretString=CANARY)
    assert world.snapshot() == world.snapshot()


def test_an_outage_is_an_error_and_no_finding(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv(READ_ONLY_VARIABLE, "1")
    sessions = Sessions()
    with pytest.raises(AwsError, match="GetCallerIdentity in eu-west-2 failed"):
        take_snapshot(sessions.for_target(Target(region=REGION)), settings=AccessSettings(), sessions=sessions, now=NOW)
