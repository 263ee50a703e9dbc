"""What Security Hub's controls say of secrets.

https://docs.aws.amazon.com/securityhub/latest/userguide/secretsmanager-controls.html
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secrets_pipeline.access.controls.judging import CONTROLS, judge, needs_reads
from secrets_pipeline.access.controls.model import (
    ControlResult,
    Failed,
    Judgement,
    NotApplicable,
    Passed,
    Severity,
    Unknown,
)
from secrets_pipeline.access.controls.reads import LastReads, Read, UnreadReads
from secrets_pipeline.access.snapshot.model import RotationSnapshot, SecretSnapshot
from secrets_pipeline.desired.verification.model import CONTROL_IDS, ControlParameters
from tests.sweep import examples

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
ARN = "arn:aws:secretsmanager:eu-west-2:111122223333:secret:myapp/dev/db-AbCdEf"
APP = "arn:aws:sts::111122223333:assumed-role/orders/i-1"
REFUSED = UnreadReads("LookupEvents failed: AccessDeniedException")
Reads = LastReads | UnreadReads


def ago(days: float, seconds: int = 0) -> datetime:
    return NOW - days * DAY - seconds * SECOND


def midnight(days: int) -> datetime:
    """LastAccessedDate as AWS gives it: the start of a day."""
    return (NOW - days * DAY).replace(hour=0)


def secret(**members: object) -> SecretSnapshot:
    return SecretSnapshot(**{"arn": ARN, "name": "myapp/dev/db", "keys": ("k",), **members})


def rotating(**members: object) -> RotationSnapshot:
    given = {"enabled": True, "automatically_after_days": 30, "next_rotation_at": NOW + DAY, **members}
    return RotationSnapshot(**given)


def whole(since_days: float, by_id: dict[str, Read] | None = None, limited: str = "") -> LastReads:
    return LastReads(NOW - since_days * DAY, by_id or {}, limited)


def results(seen: SecretSnapshot, reads: Reads = REFUSED, **parameters: object) -> dict[str, ControlResult]:
    judged = judge(seen, ControlParameters(**parameters), now=NOW, reads=reads)
    return {one.control.id.removeprefix("SecretsManager."): one for one in judged}


def said(number: int, seen: SecretSnapshot, reads: Reads = REFUSED, **parameters: object) -> Judgement:
    return results(seen, reads, **parameters)[str(number)].judgement


def test_there_are_five_controls_with_ids_titles_severities_and_rules_of_security_hub() -> None:
    assert tuple(control.id for control in CONTROLS) == CONTROL_IDS
    assert [control.severity for control in CONTROLS] == [*[Severity.MEDIUM] * 4, Severity.LOW]
    assert {control.config_rule: control.title for control in CONTROLS} == {
        "secretsmanager-rotation-enabled-check": "Secrets Manager secrets should have automatic rotation enabled",
        "secretsmanager-scheduled-rotation-success-check": (
            "Secrets Manager secrets configured with automatic rotation should rotate successfully"
        ),
        "secretsmanager-secret-unused": "Remove unused Secrets Manager secrets",
        "secretsmanager-secret-periodic-rotation": (
            "Secrets Manager secrets should be rotated within a specified number of days"
        ),
        "tagged-secretsmanager-secret": "Secrets Manager secrets should be tagged",
    }
    assert CONTROLS[2].check_name == "security_hub_secretsmanager_3"


def test_a_result_names_secret_control_and_parameters_under_the_names_of_aws() -> None:
    found = results(secret(created_at=ago(1)), unused_for_days=7, required_tag_keys=("Owner",))
    assert {(one.secret_arn, one.secret_name) for one in found.values()} == {(ARN, "myapp/dev/db")}
    assert {number: one.parameters for number, one in found.items()} == {
        "1": {"maximumAllowedRotationFrequency": None},
        "2": {},
        "3": {"unusedForDays": 7},
        "4": {"maxDaysSinceRotation": 90},
        "5": {"requiredTagKeys": ("Owner",)},
    }


# SecretsManager.1


def test_1_a_secret_without_rotation_fails() -> None:
    assert said(1, secret()) == Failed("rotation is not switched on")
    assert said(1, secret(rotation=RotationSnapshot(automatically_after_days=30))) == Failed(
        "rotation is not switched on"
    )


def test_1_rotation_is_enough_where_no_frequency_is_asked_for() -> None:
    assert isinstance(said(1, secret(rotation=RotationSnapshot(enabled=True))), Passed)


@pytest.mark.parametrize(("days", "verdict"), [(29, Passed), (30, Passed), (31, Failed)])
def test_1_the_frequency_asked_for_may_be_reached_but_not_exceeded(days: int, verdict: type) -> None:
    seen = secret(rotation=rotating(automatically_after_days=days))
    judgement = said(1, seen, maximum_allowed_rotation_frequency=30)
    assert isinstance(judgement, verdict)
    assert f"{days} days" in judgement.reason


@pytest.mark.parametrize(
    ("expression", "most", "verdict"),
    [
        ("rate(12 hours)", 1, Passed),
        ("rate(25 hours)", 1, Failed),
        ("cron(0 8 1 * ? *)", 31, Passed),
        ("cron(0 8 1 * ? *)", 30, Failed),
        ("cron(0 8 ? * MON-FRI *)", 2, Failed),
    ],
)
def test_1_a_schedule_counts_as_the_longest_time_that_it_lets_pass(expression: str, most: int, verdict: type) -> None:
    seen = secret(rotation=rotating(automatically_after_days=None, schedule_expression=expression))
    assert isinstance(said(1, seen, maximum_allowed_rotation_frequency=most), verdict)


def test_1_a_schedule_that_cannot_be_read_is_unknown() -> None:
    seen = secret(rotation=rotating(automatically_after_days=None, schedule_expression="cron(0 8 1W * ? *)"))
    judgement = said(1, seen, maximum_allowed_rotation_frequency=30)
    assert isinstance(judgement, Unknown)
    assert "'cron(0 8 1W * ? *)'" in judgement.reason


# SecretsManager.2


def test_2_has_nothing_to_say_of_a_secret_without_rotation() -> None:
    assert said(2, secret(created_at=ago(400))) == NotApplicable("rotation is not switched on")


@pytest.mark.parametrize(
    ("late", "verdict"), [(-DAY, Passed), (0 * DAY, Passed), (3600 * SECOND, Passed), (3601 * SECOND, Failed)]
)
def test_2_a_rotation_fails_once_it_is_an_hour_late(late: timedelta, verdict: type) -> None:
    judgement = said(2, secret(rotation=rotating(next_rotation_at=NOW - late, last_rotated_at=ago(40))))
    assert isinstance(judgement, verdict)
    if verdict is Failed:
        assert judgement == Failed("a rotation was due by 2026-06-01 10:59 UTC; the last one was 40 days ago")


def test_2_a_rotation_that_never_happened_is_said_to_be() -> None:
    judgement = said(2, secret(rotation=rotating(next_rotation_at=ago(2))))
    assert judgement == Failed("a rotation was due by 2026-05-30 12:00 UTC; there has been none so far")


@pytest.mark.parametrize(("days", "verdict"), [(30, Passed), (31, Passed), (32, Failed)])
def test_2_without_a_next_date_the_schedule_tells_it_with_a_day_for_the_window(days: int, verdict: type) -> None:
    rotation = rotating(next_rotation_at=None, last_rotated_at=ago(days))
    assert isinstance(said(2, secret(rotation=rotation)), verdict)
    never = rotating(next_rotation_at=None)
    assert isinstance(said(2, secret(rotation=never, created_at=ago(days))), verdict)


def test_2_a_rotation_that_is_pending_for_more_than_a_day_is_stuck() -> None:
    assert isinstance(said(2, secret(rotation=rotating(), pending_since=ago(1))), Passed)
    judgement = said(2, secret(rotation=rotating(), pending_since=ago(9, seconds=1)))
    assert judgement == Failed("the rotation begun 9 days ago never finished: its version is still pending")


def test_2_versions_that_could_not_be_read_leave_it_unknown_unless_the_dates_fail_it() -> None:
    unread: dict[str, Any] = {"keys": (), "unread": "ListSecretVersionIds failed"}
    judgement = said(2, secret(rotation=rotating(), **unread))
    assert judgement == Unknown("whether a rotation is stuck is not known: ListSecretVersionIds failed")
    assert isinstance(said(2, secret(rotation=rotating(next_rotation_at=ago(1)), **unread)), Failed)
    assert isinstance(said(2, secret(rotation=rotating(), unread="GetResourcePolicy failed")), Passed)


def test_2_without_any_date_it_is_unknown() -> None:
    rotation = RotationSnapshot(enabled=True)
    assert isinstance(said(2, secret(rotation=rotation, created_at=ago(5))), Unknown)


# SecretsManager.3


@pytest.mark.parametrize(
    ("days", "seconds", "verdict"), [(89, 0, Passed), (90, 0, Passed), (90, 1, Failed), (91, 0, Failed)]
)
def test_3_a_secret_that_was_never_read_counts_from_its_creation(days: int, seconds: int, verdict: type) -> None:
    seen = secret(created_at=ago(days, seconds))
    assert isinstance(said(3, seen), verdict)
    assert not needs_reads(seen, ControlParameters(), now=NOW)


@pytest.mark.parametrize(("days", "asks"), [(89, True), (90, True), (91, False)])
def test_3_a_date_longer_ago_than_the_limit_fails_without_cloudtrail_and_a_later_one_proves_nothing(
    days: int, asks: bool
) -> None:
    seen = secret(created_at=ago(400), accessed_at=midnight(days))
    assert needs_reads(seen, ControlParameters(), now=NOW) is asks
    judgement = said(3, seen, REFUSED)
    if asks:
        assert judgement == Unknown(f"who read it lately, maybe by the pipeline alone, is not known: {REFUSED.reason}")
    else:
        assert judgement == Failed("nobody has read it since 2026-03-02, for more than 90 days")


@pytest.mark.parametrize(
    ("days", "seconds", "verdict"), [(89, 0, Passed), (90, 0, Passed), (90, 1, Failed), (91, 0, Failed)]
)
def test_3_a_read_by_another_within_the_limit_passes(days: int, seconds: int, verdict: type) -> None:
    reads = whole(120, {ARN: Read(ago(days, seconds), APP)})
    judgement = said(3, secret(created_at=ago(400), accessed_at=midnight(0)), reads)
    assert isinstance(judgement, verdict)
    assert judgement.reason == (
        f"{APP} read it {days} days ago"
        if verdict is Passed
        else "nobody but the pipeline has read it in the last 90 days"
    )


@pytest.mark.parametrize(
    ("short", "verdict"), [(-DAY, Failed), (0 * DAY, Failed), (3600 * SECOND, Failed), (3601 * SECOND, Unknown)]
)
def test_3_no_read_fails_only_where_every_read_of_the_time_is_known(short: timedelta, verdict: type) -> None:
    seen = secret(created_at=ago(400), accessed_at=midnight(0))
    assert isinstance(said(3, seen, LastReads(ago(90) + short)), verdict)


def test_3_more_days_than_cloudtrail_keeps_are_unknown_unless_somebody_read_it() -> None:
    seen = secret(created_at=ago(400), accessed_at=midnight(0))
    judgement = said(3, seen, whole(90, limited="why"), unused_for_days=365)
    assert judgement == Unknown(
        "nobody but the pipeline has read it since 2026-03-03 12:00 UTC; before that is not known: why"
    )
    assert isinstance(said(3, seen, whole(90, {ARN: Read(ago(80), APP)}), unused_for_days=365), Passed)


def test_3_a_young_secret_is_not_unused_whoever_read_it() -> None:
    seen = secret(created_at=ago(10), accessed_at=midnight(0))
    assert isinstance(said(3, seen, whole(90)), Passed)
    assert not needs_reads(seen, ControlParameters(), now=NOW)
    assert needs_reads(seen, ControlParameters(unused_for_days=9), now=NOW)


@pytest.mark.parametrize("named", [ARN, "myapp/dev/db", ARN.removesuffix("-AbCdEf")])
def test_3_a_secret_is_found_by_whatever_the_reader_named_it(named: str) -> None:
    reads = whole(90, {named: Read(ago(3), APP), "myapp/dev/db2": Read(ago(1), "x")})
    assert said(3, secret(created_at=ago(400)), reads) == Passed(f"{APP} read it 3 days ago")


def test_3_the_latest_read_counts_among_several_names() -> None:
    reads = whole(90, {ARN: Read(ago(30), "old"), "myapp/dev/db": Read(ago(2), APP)})
    assert said(3, secret(created_at=ago(400)), reads) == Passed(f"{APP} read it 2 days ago")


def test_3_a_secret_without_any_date_is_unknown_without_cloudtrail() -> None:
    judgement = said(3, secret(), REFUSED)
    assert judgement == Unknown(f"who read it lately, if at all, is not known: {REFUSED.reason}")


def test_3_days_of_last_accessed_date_are_those_of_utc() -> None:
    elsewhere = midnight(90).astimezone(timezone(timedelta(hours=-8)))
    assert isinstance(said(3, secret(created_at=ago(400), accessed_at=elsewhere)), Unknown)


# SecretsManager.4


@pytest.mark.parametrize(
    ("days", "seconds", "verdict"), [(89, 0, Passed), (90, 0, Passed), (90, 1, Failed), (91, 0, Failed)]
)
def test_4_days_since_rotation_may_be_reached_but_not_exceeded(days: int, seconds: int, verdict: type) -> None:
    rotated = secret(created_at=ago(400), rotation=rotating(last_rotated_at=ago(days, seconds)))
    never = secret(created_at=ago(days, seconds))
    assert isinstance(said(4, rotated), verdict)
    assert isinstance(said(4, never), verdict)
    assert said(4, rotated).reason.startswith(f"it was rotated {days} days ago")
    assert said(4, never).reason.startswith(f"it was never rotated, and made {days} days ago")


def test_4_another_limit_is_taken_from_the_parameters() -> None:
    seen = secret(rotation=rotating(last_rotated_at=ago(100)))
    assert isinstance(said(4, seen, max_days_since_rotation=180), Passed)
    assert isinstance(said(4, seen, max_days_since_rotation=99), Failed)


def test_4_a_change_by_hand_is_no_rotation() -> None:
    assert isinstance(said(4, secret(created_at=ago(100), changed_at=ago(1))), Failed)


def test_4_without_any_date_it_is_unknown() -> None:
    assert isinstance(said(4, secret(changed_at=ago(1))), Unknown)


# SecretsManager.5

OWN = {"secrets-pipeline:stack": "dev", "aws:cloudformation:stack-name": "x"}


def test_5_a_secret_with_tags_of_aws_and_the_pipeline_alone_fails() -> None:
    assert said(5, secret(tags=OWN)) == Failed("it has no tags but those of AWS and of the pipeline")
    assert isinstance(said(5, secret()), Failed)
    assert said(5, secret(tags=OWN | {"Owner": ""})) == Passed("it has the tags Owner")


def test_5_every_required_key_is_there_in_its_own_case() -> None:
    seen = secret(tags=OWN | {"Owner": "me", "team": "x"})
    assert isinstance(said(5, seen, required_tag_keys=("Owner", "team")), Passed)
    assert said(5, seen, required_tag_keys=("owner", "team", "Cost")) == Failed("it has no tag owner, Cost")


def test_5_required_keys_are_looked_for_among_the_tags_of_people_only() -> None:
    judgement = said(5, secret(tags=OWN), required_tag_keys=("secrets-pipeline:stack",))
    assert isinstance(judgement, Failed)


# Whom the controls speak of


def test_a_secret_that_is_scheduled_for_deletion_is_not_judged() -> None:
    seen = secret(created_at=ago(400), accessed_at=midnight(1), deleted_at=NOW + 7 * DAY)
    assert {type(one.judgement) for one in results(seen).values()} == {NotApplicable}
    assert not needs_reads(seen, ControlParameters(), now=NOW)


def test_of_a_replica_use_and_tags_are_judged_and_its_primary_is_rotated() -> None:
    replica = secret(created_at=ago(400), primary_region="us-east-1")
    assert {number: type(one.judgement) for number, one in results(replica).items()} == {
        "1": NotApplicable,
        "2": NotApplicable,
        "3": Failed,
        "4": NotApplicable,
        "5": Failed,
    }
    assert "us-east-1" in said(1, replica).reason


def test_a_primary_with_replicas_is_judged_like_any_other() -> None:
    primary = secret(created_at=ago(400), primary_region="eu-west-2")
    assert isinstance(said(1, primary), Failed)


def test_a_secret_that_another_service_owns_is_judged_like_any_other_and_its_owner_named() -> None:
    owned = secret(created_at=ago(400), owning_service="rds")
    assert said(1, owned) == Failed("rotation is not switched on by rds, which owns the secret")
    assert isinstance(said(4, owned), Failed)


def test_a_disabled_control_says_so_and_asks_nothing_of_cloudtrail() -> None:
    seen = secret(created_at=ago(400), accessed_at=midnight(1))
    disabled = ControlParameters(disabled_controls=("SecretsManager.3",))
    judged = {one.control.id: one.judgement for one in judge(seen, disabled, now=NOW)}
    assert isinstance(judged["SecretsManager.3"], NotApplicable)
    assert [one for one, judgement in judged.items() if isinstance(judgement, NotApplicable)] == [
        "SecretsManager.2",
        "SecretsManager.3",
    ]
    assert not needs_reads(seen, disabled, now=NOW)


# Properties

moments = st.none() | st.integers(-30 * 24, 500 * 24).map(lambda hours: NOW - timedelta(hours=hours))
limits = st.integers(1, 365)


@st.composite
def secrets(draw: st.DrawFn) -> SecretSnapshot:
    schedules = [None, "rate(12 hours)", "cron(0 8 1 * ? *)", "nonsense"]
    rotation = RotationSnapshot(
        enabled=draw(st.booleans()),
        automatically_after_days=draw(st.none() | st.integers(1, 400)),
        schedule_expression=draw(st.sampled_from(schedules)),
        last_rotated_at=draw(moments),
        next_rotation_at=draw(moments),
    )
    return secret(
        rotation=rotation,
        created_at=draw(moments),
        changed_at=draw(moments),
        accessed_at=draw(moments),
        pending_since=draw(moments),
        unread=draw(st.sampled_from(["", "refused"])),
        keys=draw(st.sampled_from([(), ("k",)])),
    )


@st.composite
def known_reads(draw: st.DrawFn) -> Reads:
    if draw(st.booleans()):
        return REFUSED
    at = draw(moments)
    return whole(draw(st.integers(0, 90)), {ARN: Read(at, APP)} if at else {})


@st.composite
def parameters(draw: st.DrawFn) -> ControlParameters:
    return ControlParameters(
        maximum_allowed_rotation_frequency=draw(st.none() | limits),
        unused_for_days=draw(limits),
        max_days_since_rotation=draw(st.integers(1, 180)),
    )


def newer(seen: SecretSnapshot, shifts: dict[str, timedelta]) -> SecretSnapshot:
    """The secret with its dates later, of those that it has."""

    def later(name: str, moment: datetime | None) -> datetime | None:
        return None if moment is None else moment + shifts[name]

    rotation = seen.rotation.model_copy(
        update={name: later(name, getattr(seen.rotation, name)) for name in ("last_rotated_at", "next_rotation_at")}
    )
    names = ("created_at", "changed_at", "accessed_at", "pending_since")
    return seen.model_copy(update={"rotation": rotation, **{name: later(name, getattr(seen, name)) for name in names}})


DATES = ("last_rotated_at", "next_rotation_at", "created_at", "changed_at", "accessed_at", "pending_since")
shifts = st.fixed_dictionaries({name: st.integers(0, 400 * 24).map(lambda h: timedelta(hours=h)) for name in DATES})


@settings(max_examples=examples(1000))
@given(secrets(), parameters(), known_reads(), shifts)
def test_newer_dates_never_turn_passed_into_failed(
    seen: SecretSnapshot, asked: ControlParameters, reads: Reads, later: dict[str, timedelta]
) -> None:
    before = judge(seen, asked, now=NOW, reads=reads)
    after = judge(newer(seen, later), asked, now=NOW, reads=reads)
    for old, new in zip(before, after, strict=True):
        assert not (isinstance(old.judgement, Passed) and isinstance(new.judgement, Failed)), (old, new)


@settings(max_examples=examples(500))
@given(secrets(), parameters(), known_reads(), st.integers(0, 400))
def test_a_newer_read_never_turns_passed_into_failed(
    seen: SecretSnapshot, asked: ControlParameters, reads: Reads, hours: int
) -> None:
    if isinstance(reads, UnreadReads):
        return
    later = {one: Read(read.at + timedelta(hours=hours), read.by) for one, read in reads.by_id.items()}
    before = judge(seen, asked, now=NOW, reads=reads)[2].judgement
    after = judge(seen, asked, now=NOW, reads=replace(reads, by_id=later))[2].judgement
    assert not (isinstance(before, Passed) and isinstance(after, Failed))


@settings(max_examples=examples(500))
@given(secrets(), parameters(), known_reads())
def test_cloudtrail_decides_only_where_it_has_to_be_asked(
    seen: SecretSnapshot, asked: ControlParameters, reads: Reads
) -> None:
    without, judged = judge(seen, asked, now=NOW)[2].judgement, judge(seen, asked, now=NOW, reads=reads)[2].judgement
    assert isinstance(without, Unknown) is needs_reads(seen, asked, now=NOW)
    if not needs_reads(seen, asked, now=NOW) and not isinstance(judged, Passed):
        assert judged == without
