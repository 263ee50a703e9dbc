"""Which versions are reported, by what runs left in Dagster's storage."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import dagster as dg
import pytest

from secrets_pipeline.operations.current_versions import CurrentVersion
from secrets_pipeline.orchestration.checks import CHECKS
from secrets_pipeline.orchestration.pages.declared import VERSION_TAG
from secrets_pipeline.orchestration.pages.metadata import DATA, data_of
from secrets_pipeline.orchestration.published.reporting import HOMES, Publishing
from secrets_pipeline.orchestration.shared.names import PLAIN
from secrets_pipeline.orchestration.shared.publish import Publish, published_key
from secrets_pipeline.orchestration.verification.history import CLOSELY, LOOKED, REPEATED
from secrets_pipeline.orchestration.verification.published import CONSOLE, HELD, VERSIONS
from secrets_pipeline.orchestration.verification.stack_check import CURRENT_VALUES

SECRET = "shop/dev/token"
STAGES = {check.name: check.stage for check in CHECKS}
JUDGING = [check.name for check in CHECKS if check.judges_values]
NOW = time.time()


def version(name: str, *, secret: str = SECRET, region: str = "eu-west-2", **more: Any) -> CurrentVersion:  # noqa: ANN401 - fields
    """A version that the pipeline wrote and DescribeSecret showed."""
    arn = f"arn:aws:secretsmanager:{region}:111122223333:secret:{secret}-AbCdEf"
    return CurrentVersion(secret, name, arn, **{"ours": True, "confirmed": True, "changed": None, **more})


class Log:
    """An event log with evaluations of checks, and what is reported from it."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.publishing = Publishing(PLAIN, Publish(("*",)), CHECKS)
        instance.add_dynamic_partitions(PLAIN.of("stacks"), ["a", "b"])

    def evaluated(
        self,
        check: str,
        *,
        stack: str = "a",
        run: str = "",
        at: float = NOW,
        passed: bool = True,
        closely: bool = True,
        repeated: bool = False,
        **data: Any,  # noqa: ANN401 - JSON
    ) -> None:
        asset, run_id = dg.AssetKey(STAGES[check]), run or str(uuid.uuid4())
        if self.instance.get_run_by_id(run_id) is None:
            self.instance.add_run(dg.DagsterRun("verify", run_id=run_id, status=dg.DagsterRunStatus.SUCCESS))
        metadata: dict[str, dg.MetadataValue[Any]] = {
            LOOKED: dg.MetadataValue.timestamp(at),
            CLOSELY: dg.MetadataValue.bool(closely),
            DATA: dg.MetadataValue.json(data),
            **({REPEATED: dg.MetadataValue.timestamp(at)} if repeated else {}),
        }
        said = dg.AssetCheckEvaluation(asset, check, passed=passed, partition=stack, metadata=metadata)
        kind = dg.DagsterEventType.ASSET_CHECK_EVALUATION.value
        self.instance.report_dagster_event(dg.DagsterEvent(kind, "verify", event_specific_data=said), run_id)

    def seen(self, *versions: CurrentVersion, **more: Any) -> None:  # noqa: ANN401 - see `seen_rows`
        self.seen_rows([asdict(one) for one in versions], **more)

    def seen_rows(
        self,
        rows: Sequence[Mapping[str, Any]],
        *,
        held: Sequence[str] = (),
        console: bool = False,
        **more: Any,  # noqa: ANN401 - see `evaluated`
    ) -> None:
        more |= {HELD: list(held), VERSIONS: rows, CONSOLE: console}
        self.evaluated(CURRENT_VALUES, **more)

    def report(self, stack: str = "a") -> list[str]:
        return list(self.publishing.report(self.instance, stack))

    def reports(self, secret: str = SECRET) -> list[dg.AssetMaterialization]:
        key = published_key(PLAIN, secret)
        records = self.instance.fetch_materializations(key, limit=100, ascending=True).records
        return [one.asset_materialization for one in records if one.asset_materialization]

    def versions(self) -> list[str]:
        return [(one.tags or {})[VERSION_TAG] for one in self.reports()]


@pytest.fixture
def log(instance: dg.DagsterInstance) -> Log:
    return Log(instance)


def test_a_version_is_reported_once_with_what_people_look_for(log: Log) -> None:
    assert log.report() == []
    log.seen(version("v1"), console=True)
    assert log.report() == [f"{SECRET} of a: version v1 is reported"]
    assert log.report() == []
    [report] = log.reports()
    page = "https://eu-west-2.console.aws.amazon.com/secretsmanager/secret?name=shop%2Fdev%2Ftoken&region=eu-west-2"
    assert report.metadata["console"] == dg.MetadataValue.md(f"[Secrets Manager]({page})")
    shown: Any = report.metadata["secret"].value
    lines = [record.data["secret"] for record in shown.records]
    assert lines[:5] == [SECRET, "version v1", "stack a", "account 111122223333", "region eu-west-2"]
    assert report.partition is None


def test_a_list_that_is_older_than_the_report_does_not_take_it_back(log: Log) -> None:
    log.seen(version("v2"), at=NOW)
    log.report()
    log.seen(version("v1", confirmed=False, changed=NOW - 100), at=NOW + 60)
    assert log.report() == []
    # A list that is newer, and DescribeSecret, are believed, also if somebody went back to a version.
    log.seen(version("v3", confirmed=False, changed=NOW + 50), at=NOW + 60)
    log.report()
    log.seen(version("v2"), at=NOW + 120)
    log.report()
    assert log.versions() == ["v2", "v3", "v2"]


def test_a_look_that_began_before_the_report_and_is_told_after_it_does_not_take_it_back(log: Log) -> None:
    log.seen(version("v1"), at=NOW - 1000)
    log.report()
    log.seen(version("v2"), at=NOW + 50)
    log.report()
    # A `verify` that began before the apply and ended after it.
    log.seen(version("v1"), at=NOW)
    assert log.report() == []
    log.seen(version("v2"), at=NOW + 3600)
    log.report()
    assert log.versions() == ["v1", "v2"]


@pytest.mark.parametrize("check", ["consumers_can_read", "database_login_works", CURRENT_VALUES])
def test_whichever_check_speaks_of_it_holds_it_until_it_is_green(log: Log, check: str) -> None:
    log.seen(version("v1"), held=[SECRET] if check == CURRENT_VALUES else [])
    if check != CURRENT_VALUES:
        log.evaluated(check, passed=False, held=[SECRET])
    assert log.report() == [f"{SECRET} of a: version v1 is not reported yet: {check} is not green"]
    if check == CURRENT_VALUES:
        log.seen(version("v1"))
    else:
        log.evaluated(check, passed=False, held=["shop/dev/another"])
    assert log.report() == [f"{SECRET} of a: version v1 is reported"]


def test_a_red_check_that_does_not_say_of_whom_holds_every_secret(log: Log) -> None:
    log.seen(version("v1"))
    # As a version of the pipeline evaluated it that published nothing.
    log.evaluated("consumers_can_read", passed=False)
    assert log.report() == [f"{SECRET} of a: version v1 is not reported yet: consumers_can_read is not green"]


def test_what_others_wrote_waits_for_a_close_look_of_every_check_that_judges_values(log: Log) -> None:
    untried = "the pipeline did not write it, and no run has tried it since"
    waits = f"{SECRET} of a: version v1 is not reported yet: {untried}"
    for check in JUDGING:
        log.evaluated(check, at=NOW - 60)
    log.seen(version("v1", ours=False), at=NOW, closely=False)
    assert log.report() == [waits]
    # One run: its steps begin to look one after the other.
    run = str(uuid.uuid4())
    log.seen(version("v1", ours=False), at=NOW + 20, run=run)
    for check in JUDGING:
        assert log.report() == [waits]
        if check != CURRENT_VALUES:
            log.evaluated(check, at=NOW + 10, run=run)
    assert log.report() == [f"{SECRET} of a: version v1 is reported"]


def test_verdicts_that_a_broken_run_only_said_again_are_no_look(log: Log) -> None:
    run = str(uuid.uuid4())
    log.seen(version("v1", ours=False), at=NOW, run=run, repeated=True)
    for check in JUDGING:
        if check != CURRENT_VALUES:
            log.evaluated(check, at=NOW - 60, run=run, repeated=True)
    [said] = log.report()
    assert "not reported yet" in said


def test_verdicts_that_stand_while_nobody_can_ask_aws_are_no_look(log: Log) -> None:
    run, stands = str(uuid.uuid4()), {"passed": True, "severity": "ERROR", "description": "", "repeated": False}
    log.seen(version("v1", ours=False), at=NOW, run=run, stands={**stands, "at": NOW})
    for check in JUDGING:
        if check != CURRENT_VALUES:
            log.evaluated(check, at=NOW - 60, run=run, stands={**stands, "at": NOW - 60})
    [said] = log.report()
    assert "not reported yet" in said


def test_what_another_version_of_the_pipeline_wrote_is_read_as_far_as_it_is_known(log: Log) -> None:
    log.seen_rows([{**asdict(version("v1")), "of a later version": 1}])
    assert log.report() == [f"{SECRET} of a: version v1 is reported"]
    report = log.reports()[0]
    home = {**data_of(report.metadata)[HOMES][0], "of a later version": 1}
    log.instance.report_runless_asset_event(
        report._replace(metadata={**report.metadata, DATA: dg.MetadataValue.json({HOMES: [home]})})
    )
    assert log.report() == []


def test_a_stack_that_cannot_be_reported_is_said_and_hides_no_other(log: Log) -> None:
    row = asdict(version("v1"))
    del row["ours"]
    log.seen_rows([row])
    log.seen(version("w1", secret="shop/b"), stack="b")
    said: list[str] = []
    left = log.publishing.report_all(log.instance, {"a": {"1"}, "b": {"2"}}, said.append, is_late=lambda: False)
    assert left == set()
    broken, reported = said
    assert broken.startswith("published secrets of a are not reported: TypeError: ")
    assert reported == "shop/b of b: version w1 is reported"


def test_two_stacks_with_one_name_are_one_asset_whose_data_version_is_of_both(log: Log) -> None:
    log.seen(version("v1"))
    log.report()
    log.seen(version("w1", region="eu-west-1"), stack="b")
    log.report("b")
    log.seen(version("v2"))
    log.report()
    first, *digests = log.versions()
    assert (first, len(set(digests)), {len(digest) for digest in digests}) == ("v1", 2, {64})
    also: Any = log.reports()[-1].metadata["also in"].value
    assert [record.data["stack"] for record in also.records] == [f"b: {SECRET}, version w1"]
    assert log.report("b") == []
    # A stack that was retired has no version any more.
    log.instance.delete_dynamic_partition(PLAIN.of("stacks"), "b")
    log.seen(version("v3"))
    log.report()
    assert log.versions()[-1] == "v3"


def test_two_names_of_one_asset_in_a_stack_do_not_take_turns(log: Log) -> None:
    log.seen(version("v1"), version("s1", secret=f"/{SECRET}"))
    assert len(log.report()) == 2
    assert log.report() == []
