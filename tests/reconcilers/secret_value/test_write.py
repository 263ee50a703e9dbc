"""Values are written exactly once, and only over the version that was read."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.model import SkippedError, Unchanged
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.secret_value.provenance import STAGED
from secrets_pipeline.reconcilers.secret_value.write import ValueWriter
from secrets_pipeline.reconcilers.stack import Stack
from secrets_pipeline.values.content import Content, text_of
from secrets_pipeline.values.documents import merge_document
from tests.bench import Rotation, said

if TYPE_CHECKING:
    from tests.bench import Bench, Interruption
    from tests.moved_time import MovedTime


@pytest.fixture
def spec(bench: Bench) -> StackSpec:
    """A secret that holds {"host":"old","theirs":1}."""
    spec = bench.create(bench.declared("api", {"host": "old"}))
    bench.secrets.put_secret_value(SecretId=bench.name("api"), SecretString='{"host":"old","theirs":1}')
    return spec


def set_host(current: Content | None) -> SecretStr:
    return merge_document(None if current is None else text_of(current), {"host": "new"})


def write(context: Stack, spec: StackSpec, intent: str = "host: new") -> str:
    return ValueWriter(context).write(spec.secrets[0].name, intent=intent, inputs="f" * 64, make=set_host)


def test_a_write_keeps_the_keys_of_others_and_records_its_version(bench: Bench, spec: StackSpec) -> None:
    version = write(bench.context(spec), spec)
    assert bench.document("api") == {"host": "new", "theirs": 1}
    assert version == bench.current("api")
    assert (bench.written("api"), bench.inputs("api")) == (version, "f" * 64)
    stages = bench.describe("api")["VersionIdsToStages"]
    assert sorted(stages[version]) == sorted(["AWSCURRENT", STAGED])
    assert sum("AWSPREVIOUS" in labels for labels in stages.values()) == 1
    writer = ValueWriter(bench.context(spec))
    again = writer.write(bench.name("api"), intent="again", inputs=None, make=set_host, done=lambda _: True)
    assert again == version == bench.current("api")


def test_what_is_recorded_already_is_not_tagged_again(bench: Bench, spec: StackSpec) -> None:
    version = write(bench.context(spec), spec)
    bench.reset_calls()
    assert write(bench.context(spec), spec) == version
    assert bench.calls()["TagResource"] == 0


def test_a_value_that_is_gone_cannot_be_written_again(bench: Bench) -> None:
    spec = bench.spec(bench.declared())
    bench.start_without_value(spec)
    with pytest.raises(AwsError, match="no value to write again"):
        ValueWriter(bench.context(spec)).rewrite(bench.name("api"))
    assert not bench.describe("api").get("VersionIdsToStages")


def test_somebody_elses_write_between_our_read_and_our_move_is_read_again_and_kept(
    bench: Bench, spec: StackSpec, interruption: Interruption
) -> None:
    theirs = iter(['{"host":"old","theirs":2,"more":true}'])

    def interfere(operation: str) -> None:
        text = next(theirs, None) if operation == "UpdateSecretVersionStage" else None
        if text:
            bench.secrets.put_secret_value(SecretId=bench.name("api"), SecretString=text)

    interruption.before = interfere
    version = write(bench.context(spec, interruption=interruption), spec)
    assert bench.document("api") == {"host": "new", "theirs": 2, "more": True}
    assert bench.current("api") == version == bench.written("api")


def test_who_always_loses_the_race_says_so_and_leaves_the_others_value(
    bench: Bench, spec: StackSpec, interruption: Interruption
) -> None:
    written: list[str] = []

    def interfere(operation: str) -> None:
        if operation == "UpdateSecretVersionStage":
            written.append(json.dumps({"round": len(written)}))
            bench.secrets.put_secret_value(SecretId=bench.name("api"), SecretString=written[-1])

    interruption.before = interfere
    with pytest.raises(AwsError, match="changed by somebody else at each of 3 tries") as caught:
        write(bench.context(spec, interruption=interruption), spec)
    assert caught.value.remedy
    assert bench.value("api") == '{"round": 2}'


def test_a_write_killed_at_any_call_and_repeated_is_one_version_with_the_right_value(
    bench: Bench, interruption: Interruption, killed: type[BaseException]
) -> None:
    spec = bench.create(*(bench.declared(f"api{number:02}", {"host": "old"}) for number in range(14)))
    interruption.before = interruption.after = lambda _operation: None
    for boundary, secret in enumerate(spec.secrets):
        key = secret.ref.key
        single = spec.model_copy(update={"secrets": (secret,)})
        bench.secrets.put_secret_value(SecretId=secret.name, SecretString='{"host":"old","theirs":1}')
        context = bench.context(single, interruption=interruption)
        assert context.observed.secrets.get(secret.name)
        assert context.ownership.fingerprinter
        before = bench.versions(key)
        interruption.kill_at(boundary)
        try:
            write(context, single)
        except killed:
            finished = False
        else:
            finished = True
        interruption.before = interruption.after = lambda _operation: None
        version = write(bench.context(single), single)
        assert bench.document(key) == {"host": "new", "theirs": 1}, boundary
        assert (bench.versions(key), bench.current(key)) == (before + 1, version), boundary
        assert bench.written(key) == version
        if finished:
            # Describe, Get, Put, Move, Describe, Tag: killed before and after each of them.
            assert boundary == 12
            return
    pytest.fail("no run came to its end")


def test_a_first_value_killed_at_any_call_is_one_version(
    bench: Bench, interruption: Interruption, killed: type[BaseException]
) -> None:
    for boundary in range(20):
        interruption.before = interruption.after = lambda _operation: None
        secret = bench.declared(f"api{boundary:02}")
        single = bench.spec(secret)
        bench.start_without_value(single)
        context = bench.context(single, interruption=interruption)
        assert context.observed.secrets.get(secret.name)
        assert context.ownership.fingerprinter
        interruption.kill_at(boundary)
        try:
            ValueWriter(context).write(secret.name, intent="first", inputs=None, make=lambda _: SecretStr("one"))
        except killed:
            finished = False
        else:
            finished = True
        # The next run would generate another value: what was stored is kept.
        again = bench.context(single)
        ValueWriter(again).write(secret.name, intent="first", inputs=None, make=lambda _: SecretStr("two"))
        assert bench.versions(secret.ref.key) == 1
        assert bench.value(secret.ref.key) == ("one" if boundary > 2 else "two"), boundary
        if finished:
            return
    pytest.fail("no run came to its end")


def test_going_back_to_an_earlier_value_is_a_new_version(bench: Bench) -> None:
    spec = bench.create(bench.declared("api", "one"))
    seen = [bench.current("api")]
    for text in ("two", "one", "two", "one"):
        bench.yaml["api",] = text
        bench.provision(spec)
        assert bench.value("api") == text
        seen.append(bench.current("api"))
    assert len(set(seen)) == 5 == bench.versions("api")


def test_nothing_is_written_while_a_rotation_is_in_progress(bench: Bench, spec: StackSpec, time: MovedTime) -> None:
    bench.secrets.put_secret_value(SecretId=bench.name("api"), SecretString="{}", VersionStages=["AWSPENDING"])
    before = bench.versions("api")
    with pytest.raises(SkippedError, match=r"rotation of \S+ is in progress"):
        write(bench.context(spec, time=time), spec)
    assert time.slept > 50
    assert bench.versions("api") == before


def test_a_rotation_that_began_since_the_run_looked_stops_a_write_before_it_stores_anything(
    bench: Bench, spec: StackSpec, time: MovedTime
) -> None:
    context = bench.context(spec, time=time)
    assert context.observed.secrets.confirm(bench.name("api"))
    bench.secrets.put_secret_value(SecretId=bench.name("api"), SecretString="{}", VersionStages=["AWSPENDING"])
    before = bench.versions("api")
    with pytest.raises(SkippedError, match=r"rotation of \S+ is in progress"):
        write(context, spec)
    assert bench.versions("api") == before


def test_a_finished_rotation_that_left_its_label_hinders_nobody(bench: Bench, spec: StackSpec) -> None:
    bench.secrets.put_secret_value(
        SecretId=bench.name("api"), SecretString='{"host":"old"}', VersionStages=["AWSPENDING", "AWSCURRENT"]
    )
    write(bench.context(spec), spec)
    assert bench.document("api") == {"host": "new"}
    # On a version that is not current any more it would look like a rotation that never ends.
    assert not [one for one in bench.describe("api")["VersionIdsToStages"].values() if "AWSPENDING" in one]


@pytest.mark.parametrize("operation", ["UpdateSecretVersionStage", "DescribeSecret"])
def test_a_value_whose_run_died_before_it_was_noted_is_rendered_again_when_the_yaml_is_reverted(
    bench: Bench, interruption: Interruption, killed: type[BaseException], operation: str
) -> None:
    spec = bench.create(bench.declared("api", "one"))
    moved = []

    def strike(called: str) -> None:
        moved.extend(["moved"] if called == "UpdateSecretVersionStage" else [])
        if moved and called == operation:
            raise killed

    interruption.after = strike
    bench.yaml["api",] = "two"
    with pytest.raises(killed):
        bench.provision(spec, interruption=interruption)
    assert bench.value("api") == "two"
    bench.yaml["api",] = "one"
    change = bench.plan(spec)[bench.name("api")]
    assert said(change) == ("value was written by a run that did not finish",)
    bench.provision(spec)
    assert bench.value("api") == "one"
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


@pytest.mark.parametrize(
    ("when", "operation"),
    [
        ("before", "PutSecretValue"),
        ("before", "UpdateSecretVersionStage"),
        ("after", "UpdateSecretVersionStage"),
    ],
)
def test_a_rotation_that_begins_while_we_write_leaves_the_inputs_open(
    bench: Bench, spec: StackSpec, interruption: Interruption, when: str, operation: str
) -> None:
    # It has read the value before we moved AWSCURRENT, and will bring that back.
    def interfere(called: str) -> None:
        if called == operation:
            bench.secrets.put_secret_value(
                SecretId=bench.name("api"), SecretString='{"host":"old"}', VersionStages=["AWSPENDING"]
            )

    setattr(interruption, when, interfere)
    with pytest.raises(SkippedError, match="began meanwhile"):
        write(bench.context(spec, interruption=interruption), spec)
    assert bench.inputs("api") != "f" * 64
    pending = next(v for v, s in bench.describe("api")["VersionIdsToStages"].items() if "AWSPENDING" in s)
    bench.secrets.update_secret_version_stage(
        SecretId=bench.name("api"),
        VersionStage="AWSCURRENT",
        MoveToVersionId=pending,
        RemoveFromVersionId=bench.current("api"),
    )
    assert bench.document("api") == {"host": "old"}
    write(bench.context(spec), spec)
    assert bench.document("api") == {"host": "new"}


def test_a_rotation_that_begins_and_ends_while_we_write_leaves_the_inputs_open(
    bench: Bench, spec: StackSpec, interruption: Interruption
) -> None:
    rotation = Rotation(bench, "api", "overtaken_rotation_function.py")
    before = ""

    def begin(called: str) -> None:
        nonlocal before
        if called == "UpdateSecretVersionStage" and not before:
            before = rotation.begin()
            wait_for_pending(bench)

    def end(called: str) -> None:
        if called == "UpdateSecretVersionStage":
            rotation.wait_from(before)

    interruption.before, interruption.after = begin, end
    with pytest.raises(SkippedError, match="began meanwhile"):
        write(bench.context(spec, interruption=interruption), spec)
    # The rotation brought back what it had read.
    assert bench.document("api") == {"host": "old", "theirs": 1}
    assert bench.inputs("api") != "f" * 64
    write(bench.context(spec), spec)
    assert bench.document("api") == {"host": "new", "theirs": 1}


def wait_for_pending(bench: Bench) -> None:
    """Until the function has stored what it read."""
    deadline = time.monotonic() + 120
    while True:
        try:
            bench.secrets.get_secret_value(SecretId=bench.name("api"), VersionStage="AWSPENDING")
        except bench.secrets.exceptions.ResourceNotFoundException:
            assert time.monotonic() < deadline, "the rotation did not begin"
            time.sleep(0.05)
        else:
            return


def test_a_pending_version_whose_label_was_taken_away_is_staged_again_and_becomes_current(
    bench: Bench, spec: StackSpec
) -> None:
    context, staged = bench.context(spec), []
    writer = ValueWriter(context)
    for _ in range(2):
        state = context.observed.secrets.refresh(bench.name("api"))
        assert state is not None
        staged.append(writer.stage_pending(state, intent="rotate", make=set_host))
        if len(staged) == 1:
            bench.secrets.update_secret_version_stage(
                SecretId=bench.name("api"), VersionStage="AWSPENDING", RemoveFromVersionId=staged[0]
            )
    writer.promote(bench.name("api"), staged[1])
    assert staged == [bench.current("api")] * 2
    assert bench.document("api") == {"host": "new", "theirs": 1}


def test_a_version_that_somebody_else_makes_current_right_after_ours_is_not_noted_as_ours(
    bench: Bench, spec: StackSpec, interruption: Interruption
) -> None:
    moved = []

    def interfere(operation: str) -> None:
        if operation == "UpdateSecretVersionStage":
            moved.append(bench.secrets.put_secret_value(SecretId=bench.name("api"), SecretString="{}"))

    interruption.after = interfere
    write(bench.context(spec, interruption=interruption), spec)
    assert len(moved) == 1
    assert bench.written("api") != bench.current("api") == moved[0]["VersionId"]
    assert bench.value("api") == "{}"


def test_what_inherits_the_secret_part_of_a_foreign_version_does_not_become_ours(bench: Bench, spec: StackSpec) -> None:
    ours = bench.written("api")
    assert ours != bench.current("api")
    writer = ValueWriter(bench.context(spec))
    version = writer.write(bench.name("api"), intent="fields", inputs="f" * 64, make=set_host, inherits=True)
    assert version == bench.current("api")
    assert (bench.written("api"), bench.inputs("api")) == (ours, "f" * 64)


def test_a_first_value_never_replaces_one_that_somebody_else_gave_meanwhile(
    bench: Bench, interruption: Interruption
) -> None:
    spec = bench.spec(bench.generated())
    bench.start_without_value(spec)

    def interfere(operation: str) -> None:
        if operation == "PutSecretValue":
            bench.secrets.put_secret_value(SecretId=bench.name("password"), SecretString="theirs")

    interruption.before = interfere
    bench.provision(spec, interruption=interruption)
    assert bench.value("password") == "theirs"
    bench.provision(spec)
    assert bench.value("password") == "theirs"


@pytest.mark.beyond_the_model("secretsmanager:PutSecretValue")
def test_a_refused_write_is_an_error_without_the_value(bench: Bench, spec: StackSpec) -> None:
    too_long: Callable[[Content | None], SecretStr] = lambda _: SecretStr("canary" * 20_000)  # noqa: E731 - typed
    with pytest.raises(AwsError) as caught:
        ValueWriter(bench.context(spec)).write(bench.name("api"), intent="long", inputs=None, make=too_long)
    assert "canary" not in str(caught.value)
    assert caught.value.operation == "PutSecretValue"


def test_a_secret_deleted_meanwhile_is_an_error_with_a_remedy(bench: Bench, spec: StackSpec) -> None:
    context = bench.context(spec)
    assert context.observed.secrets.get(bench.name("api"))
    bench.secrets.delete_secret(SecretId=bench.name("api"), ForceDeleteWithoutRecovery=True)
    with pytest.raises(AwsError, match="does not exist") as caught:
        write(context, spec)
    assert "Apply again" in caught.value.remedy


Triple = st.tuples(st.text(max_size=8), st.none() | st.text(min_size=1, max_size=8), st.text(max_size=8))


def test_tokens_are_equal_only_for_the_same_write(bench: Bench, spec: StackSpec) -> None:
    writer = ValueWriter(bench.context(spec))

    @given(one=Triple, other=Triple)
    def holds(one: tuple[str, str | None, str], other: tuple[str, str | None, str]) -> None:
        assert (writer.token(*one) == writer.token(*other)) == (one == other)
        assert 32 <= len(writer.token(*one)) <= 64

    holds()
