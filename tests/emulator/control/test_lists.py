"""Lists that show how secrets were, as AWS's may for five minutes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline.emulator import LocalAws, freeze_lists, lag_lists, reset_conditions, thaw_lists
from secrets_pipeline.emulator.control.lists import ListLag
from tests.waiting import eventually

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

    from tests.emulator.conftest import Clients

OTHER_REGION = "eu-west-1"
ELSEWHERE: Any = [{"Region": OTHER_REGION}]


@pytest.fixture(autouse=True)
def _behaving_again(aws: LocalAws) -> Iterator[None]:
    yield
    reset_conditions(aws)


@pytest.fixture
def secrets(clients: Clients) -> SecretsManagerClient:
    return clients.secrets


def listed(secrets: SecretsManagerClient, prefix: str) -> dict[str, Any]:
    filters: Any = [{"Key": "name", "Values": [prefix]}]
    found = secrets.list_secrets(Filters=filters, IncludePlannedDeletion=True)["SecretList"]
    return {one["Name"]: one for one in found}


CHANGES: dict[str, Callable[[SecretsManagerClient, str], object]] = {
    "tags": lambda c, name: c.tag_resource(SecretId=name, Tags=[{"Key": "new", "Value": "v"}]),
    "a tag gone": lambda c, name: c.untag_resource(SecretId=name, TagKeys=["old"]),
    "description": lambda c, name: c.update_secret(SecretId=name, Description="new"),
    "value": lambda c, name: c.put_secret_value(SecretId=name, SecretString="new"),
    "staged value": lambda c, name: c.put_secret_value(SecretId=name, SecretString="new", VersionStages=["STAGED"]),
    "scheduled deletion": lambda c, name: c.delete_secret(SecretId=name),
    "forced deletion": lambda c, name: c.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True),
    "replica": lambda c, name: c.replicate_secret_to_regions(SecretId=name, AddReplicaRegions=ELSEWHERE),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_frozen_list_shows_a_secret_as_it_was_until_it_is_thawed(
    aws: LocalAws, secrets: SecretsManagerClient, name: str, change: str
) -> None:
    secrets.create_secret(Name=name, SecretString="x", Tags=[{"Key": "old", "Value": "v"}])
    before = listed(secrets, name)
    freeze_lists(aws)
    CHANGES[change](secrets, name)
    assert listed(secrets, name) == before
    thaw_lists(aws)
    assert listed(secrets, name) != before


def test_a_frozen_list_misses_a_new_secret_which_describe_shows(
    aws: LocalAws, secrets: SecretsManagerClient, name: str
) -> None:
    freeze_lists(aws)
    secrets.create_secret(Name=name, SecretString="x")
    assert listed(secrets, name) == {}
    assert secrets.describe_secret(SecretId=name)["Name"] == name
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "x"
    thaw_lists(aws)
    assert list(listed(secrets, name)) == [name]


def test_a_secret_restored_or_made_again_is_still_shown_as_it_was(
    aws: LocalAws, secrets: SecretsManagerClient, name: str
) -> None:
    secrets.create_secret(Name=name, SecretString="x")
    secrets.delete_secret(SecretId=name)
    freeze_lists(aws)
    secrets.restore_secret(SecretId=name)
    assert "DeletedDate" in listed(secrets, name)[name]
    thaw_lists(aws)
    assert "DeletedDate" not in listed(secrets, name)[name]
    freeze_lists(aws)
    first = listed(secrets, name)[name]["ARN"]
    secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    again = secrets.create_secret(Name=name, SecretString="y")["ARN"]
    assert listed(secrets, name)[name]["ARN"] == first != again


def test_filters_and_batches_look_at_the_old_state_and_values_are_read_as_they_are(
    aws: LocalAws, secrets: SecretsManagerClient, name: str
) -> None:
    kept, gone = name + "/kept", name + "/gone"
    for one in (kept, gone):
        secrets.create_secret(Name=one, SecretString="x", Tags=[{"Key": name, "Value": "old"}])
    freeze_lists(aws)
    secrets.put_secret_value(SecretId=kept, SecretString="new")
    secrets.tag_resource(SecretId=kept, Tags=[{"Key": name, "Value": "new"}])
    secrets.delete_secret(SecretId=gone, ForceDeleteWithoutRecovery=True)
    secrets.create_secret(Name=name + "/new", SecretString="x", Tags=[{"Key": name, "Value": "old"}])
    filters: Any = [{"Key": "tag-key", "Values": [name]}, {"Key": "tag-value", "Values": ["old"]}]
    assert {one["Name"] for one in secrets.list_secrets(Filters=filters)["SecretList"]} == {kept, gone}
    batch = secrets.batch_get_secret_value(Filters=filters)
    assert [one["SecretString"] for one in batch["SecretValues"]] == ["new"]
    assert [one["ErrorCode"] for one in batch["Errors"]] == ["ResourceNotFoundException"]


def test_the_list_of_a_replicas_region_lags_too(aws: LocalAws, clients: Clients, name: str) -> None:
    there = clients.session.client("secretsmanager", region_name=OTHER_REGION, endpoint_url=aws.endpoint_url)
    clients.secrets.create_secret(Name=name, SecretString="x", Description="old", AddReplicaRegions=ELSEWHERE)
    freeze_lists(aws)
    clients.secrets.update_secret(SecretId=name, Description="new")
    assert listed(there, name)[name]["Description"] == "old"
    clients.secrets.remove_regions_from_replication(SecretId=name, RemoveReplicaRegions=[OTHER_REGION])
    assert listed(there, name)[name]["PrimaryRegion"] == aws.region
    thaw_lists(aws)
    assert listed(there, name) == {}


def test_a_lagging_list_catches_up(aws: LocalAws, secrets: SecretsManagerClient, name: str) -> None:
    secrets.create_secret(Name=name, SecretString="x", Description="0")
    lag_lists(aws, 1)
    told = map(str, count(1))

    def behind() -> str | None:
        now = next(told)
        secrets.update_secret(SecretId=name, Description=now)
        return now if listed(secrets, name)[name]["Description"] != now else None

    # Only a machine that stands still between the two calls sees what it has just told.
    now = eventually(behind, "a list that lags")
    eventually(lambda: listed(secrets, name)[name]["Description"] == now, "the list to catch up")


def test_a_lag_never_shows_what_was_before_it_began() -> None:
    now = [1000.0]
    lag = ListLag(clock=lambda: now[0])
    assert lag.moment() is None
    lag.put({"seconds": 300})
    now[0] = 1200.0
    assert lag.moment() == 1000.0
    now[0] = 1400.0
    assert lag.moment() == 1100.0
    lag.put({"seconds": "forever"})
    now[0] = 9000.0
    assert (lag.moment(), lag.frozen) == (1400.0, True)
    lag.delete()
    assert lag.moment() is None
    for wrong in (-1, "nan"):
        with pytest.raises(ValueError, match=str(wrong)):
            lag.put({"seconds": wrong})
