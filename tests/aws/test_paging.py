from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.paging import pages
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.errors import AwsError

if TYPE_CHECKING:
    from tests.aws.conftest import Emulator


def test_secrets_are_listed_a_hundred_at_a_time_in_order(account: AwsAccount, emulator: Emulator) -> None:
    client = account.client("secretsmanager")
    names = [f"team/dev/{number:03}" for number in range(101)]
    for name in names:
        client.create_secret(Name=name, SecretString="x")
    assert [entry["Name"] for entry in pages(client, "list_secrets", IncludePlannedDeletion=True)] == names
    assert emulator.calls["ListSecrets"] == 2


def test_parameters_reach_the_operation(account: AwsAccount) -> None:
    client = account.client("secretsmanager")
    for name in ("a/1", "b/1"):
        client.create_secret(Name=name, SecretString="x")
    found = pages(client, "list_secrets", Filters=[{"Key": "name", "Values": ["b/"]}], MaxResults=1)
    assert [entry["Name"] for entry in found] == ["b/1"]


def test_a_service_without_a_known_page_size_is_listed_too(account: AwsAccount) -> None:
    ssm = account.client("ssm")
    ssm.put_parameter(Name="/a", Value="x", Type="String")
    assert [entry["Name"] for entry in pages(ssm, "describe_parameters")] == ["/a"]


def test_an_empty_list_has_no_entries(account: AwsAccount) -> None:
    assert list(pages(account.client("rds"), "describe_db_instances")) == []


def test_a_failure_is_raised_where_the_list_is_read(account: AwsAccount) -> None:
    entries = pages(account.client("kms"), "list_resource_tags", KeyId="11111111-1111-1111-1111-111111111111")
    failure = pytest.raises(AwsError, match="ListResourceTags of the key failed: NotFoundException")
    with failure, calling("ListResourceTags", "of the key"):
        list(entries)
