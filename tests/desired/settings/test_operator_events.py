from pathlib import Path

import pytest

from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.settings.operator import load_settings
from secrets_pipeline.errors import SpecError

QUEUE = "events: {queue: rotation, region: eu-west-2%s}\n"


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "operator.yaml"
    file.write_text(text)
    return file


def test_without_a_queue_there_is_none(tmp_path: Path) -> None:
    assert load_settings(written(tmp_path, "targets: []\n")).events is None


def test_the_queue_is_reached_under_the_role_of_a_target_in_its_account(tmp_path: Path) -> None:
    rule = "targets: [{stacks: '*', account_id: '111122223333', role_arn: 'arn:aws:iam::111122223333:role/p'}]\n"
    settings = load_settings(written(tmp_path, rule + QUEUE % ", account_id: '111122223333'"))
    assert settings.events is not None
    assert settings.event_target(settings.events) == Target(
        account_id="111122223333", region="eu-west-2", role_arn="arn:aws:iam::111122223333:role/p"
    )


def test_a_role_of_its_own_wins(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, QUEUE % ", role_arn: 'arn:aws:iam::444455556666:role/queue'"))
    assert settings.events is not None
    assert settings.event_target(settings.events).role_arn == "arn:aws:iam::444455556666:role/queue"


@pytest.mark.parametrize("region", ["eusc-de-east-1", "us-gov-west-1", "us-isob-east-1", "mx-central-10"])
def test_the_queue_may_be_in_a_region_of_any_partition(tmp_path: Path, region: str) -> None:
    settings = load_settings(written(tmp_path, (QUEUE % "").replace("eu-west-2", region)))
    assert settings.events is not None
    assert settings.events.region == region


def test_an_external_id_goes_with_the_role_that_it_is_written_beside(tmp_path: Path) -> None:
    role = "role_arn: 'arn:aws:iam::111122223333:role/p', external_id: acme-1"
    rule = f"targets: [{{stacks: '*', account_id: '111122223333', {role}}}]\n"
    settings = load_settings(written(tmp_path, rule + QUEUE % ", account_id: '111122223333'"))
    assert settings.events is not None
    found = settings.event_target(settings.events)
    assert (found.role_arn, found.external_id) == ("arn:aws:iam::111122223333:role/p", "acme-1")
    other = ", account_id: '111122223333', role_arn: 'arn:aws:iam::111122223333:role/queue'"
    settings = load_settings(written(tmp_path, rule + QUEUE % other))
    assert settings.events is not None
    found = settings.event_target(settings.events)
    assert (found.role_arn, found.external_id) == ("arn:aws:iam::111122223333:role/queue", None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("targets: [{stacks: '*', external_id: acme-1}]\n", "external_id goes with role_arn: write both"),
        (QUEUE % ", external_id: acme-1", "external_id goes with role_arn: write both"),
        ("access: {organization_external_id: acme-1}\n", "goes with organization_role_arn: write both"),
        (QUEUE % ", organization_external_id: acme-1", "goes with organization_role_arn: write both"),
        (QUEUE % ", role_arn: 'arn:aws:iam::1:role/r', external_id: 'a b'", "events.external_id"),
    ],
)
def test_an_external_id_alone_is_an_error(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        load_settings(written(tmp_path, text))


@pytest.mark.parametrize("key", ["alias/events", "arn:aws:kms:eu-west-2:111122223333:key/1234abcd"])
def test_a_key_is_named_by_alias_or_arn(tmp_path: Path, key: str) -> None:
    settings = load_settings(written(tmp_path, QUEUE % f", kms_key: '{key}'"))
    assert settings.events is not None
    assert settings.events.kms_key == key


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (", kms_key: alias/aws/sqs", "events.kms_key: .*not one of AWS's own"),
        (", kms_key: events", "events.kms_key"),
        (", account_id: 111122223333", "put it in quotes"),
        (", topic: x", "events.topic"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, wrong: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        load_settings(written(tmp_path, QUEUE % wrong))


@pytest.mark.parametrize("queue", ["a.fifo", "", "a/b", "x" * 44])
def test_a_queue_whose_name_sqs_refuses_is_refused(tmp_path: Path, queue: str) -> None:
    with pytest.raises(SpecError, match=r"events\.queue"):
        load_settings(written(tmp_path, f"events: {{queue: '{queue}', region: eu-west-2}}\n"))
