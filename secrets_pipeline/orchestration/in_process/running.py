"""Run jobs for the command line, in this process (`execute_in_process`) or on a deployment (`DagsterGraphQLClient`)."""

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import dagster as dg

from secrets_pipeline.engine.model import Total
from secrets_pipeline.errors import GuardError, SecretsPipelineError
from secrets_pipeline.operations.open_repository import OpenRepository
from secrets_pipeline.operations.revision.model import Revision
from secrets_pipeline.orchestration.build import build_definitions
from secrets_pipeline.orchestration.in_process.failure_text import failure_text
from secrets_pipeline.orchestration.in_process.instance import open_instance
from secrets_pipeline.orchestration.pages.metadata import outcome_rows
from secrets_pipeline.orchestration.sensors import LEASED_JOBS
from secrets_pipeline.orchestration.shared.home import prepare_home, storage_errors
from secrets_pipeline.orchestration.shared.names import Names, stage_of
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG, add_missing
from secrets_pipeline.orchestration.shared.resources import Asked, StageProgress, quiet
from secrets_pipeline.orchestration.shared.run_requests import COMMIT_TAG, DEEP_TAG, VERIFY_TAG, commit_tags
from secrets_pipeline.orchestration.verification.definitions import CHECKS_TOLD
from secrets_pipeline.orchestration.verification.history import is_unknown
from secrets_pipeline.orchestration.verification.not_asked import NotAsked, not_asked_of
from secrets_pipeline.orchestration.verification.stack_check import PROBE_TAG, had_nothing_to_judge, open_of
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.finding import FindingGroup

if TYPE_CHECKING:
    from dagster_graphql import DagsterGraphQLClient

_POLL_SECONDS = 1.0
_ASKS_NOBODY = "DefaultRunLauncher"
"""Dagster's launcher for one host: run monitoring does not ask it whether a run's process is there."""


@dataclass(frozen=True)
class RunReport:
    """How a run ended.

    Attributes:
        rows: one a change: stage, kind, name, component, action, outcome, detail, passes.
        error: what failed outside of the outcomes, or None.
        left_out: names of checks that the run had no cause to judge: `verify` judges them.
    """

    stack: str
    run_id: str
    success: bool
    rows: tuple[Mapping[str, str], ...]
    error: str | None = None
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckRow:
    """One evaluated check of one stack.

    Attributes:
        severity: ERROR or WARN.
        detail: what is open, in short, or how much is as it should be.
        open: all that is not right, by what is said of it.
        not_asked: why nobody could ask AWS, where something is unknown for that.
        unknown: whether the check could not be judged for that; its severity is that of the verdict that stands.
    """

    stack: str
    check: str
    passed: bool
    severity: str
    detail: str
    open: tuple[FindingGroup, ...] = ()
    not_asked: tuple[NotAsked, ...] = ()
    unknown: bool = False


def provision(
    stack: str,
    *,
    base_path: Path,
    options: ApplyOptions,
    desired: OpenRepository | None = None,
    progress: StageProgress = quiet,
    probe: bool = False,
) -> tuple[RunReport, tuple[CheckRow, ...]]:
    """Run the `provision` job for one stack in this process.

    Args:
        stack: its name; a missing partition is added.
        base_path: the Atmos repository.
        options: what the operator asked for.
        desired: what has been read of the repository already; the run reads its manifests if not given.
        progress: see `StageProgress`.
        probe: see `verify`.
    """
    built = build_definitions(progress, Asked(options, base_path, desired=desired, probe=probe), names=called())
    result = execute("provision", stack, built, {**_decided(desired), **_probing(probe)})
    return replace(report_of(stack, result), left_out=_left_out(built, result)), checks_of(stack, result)


def _left_out(built: dg.Definitions, result: dg.ExecuteInProcessResult) -> tuple[str, ...]:
    """The checks that a run did not evaluate; none of a run that evaluates no check, as one that only deletes."""
    evaluated = {one.check_name for one in result.get_asset_check_evaluations()}
    defined = {key.name for one in built.asset_checks or () for key in one.check_keys}
    return tuple(sorted(defined - evaluated)) if evaluated else ()


def verify(
    stack: str,
    *,
    base_path: Path,
    desired: OpenRepository | None = None,
    progress: StageProgress = quiet,
    probe: bool = False,
) -> tuple[CheckRow, ...]:
    """Run every check of one stack, values and logins included; see `provision`.

    Args:
        stack: its name; a missing partition is added.
        base_path: the Atmos repository.
        desired: what has been read of the repository already.
        progress: see `StageProgress`.
        probe: also assume the readers' roles, and compare AWS's answers with what the policies say.
    """
    built = build_definitions(progress, Asked(base_path=base_path, desired=desired, probe=probe), names=called())
    progress(CHECKS_TOLD, Total(sum(len(one.check_keys) for one in built.asset_checks or ())))
    tags = {VERIFY_TAG: "true", **_decided(desired), **_probing(probe)}
    return checks_of(stack, execute("verify", stack, built, tags))


def _decided(desired: OpenRepository | None) -> Mapping[str, str]:
    return {} if desired is None else commit_tags(desired)


def called() -> Names:
    """Return the names of the code location that the environment names."""
    return Names.chosen(None, os.environ)


def _probing(probe: bool) -> dict[str, str]:
    return {PROBE_TAG: "true"} if probe else {}


def execute(
    job: str,
    stack: str | None,
    built: dg.Definitions,
    tags: Mapping[str, str],
    *,
    ops: Mapping[str, Any] = MappingProxyType({}),
) -> dg.ExecuteInProcessResult:
    """Run a job in this process; a failed run is a result.

    Args:
        job: its name, without that of the code location.
        stack: the partition, added where it is missing; None for a job of a whole account.
        built: the definitions.
        tags: further tags of the run.
        ops: configuration of its ops.

    Raises:
        GuardError: if the run would write, and a deployment has it fail in the middle as its launcher did not start it.
    """
    with storage_errors(), open_instance() as instance:
        if job in LEASED_JOBS:
            _refuse_monitored(instance)
        names = called()
        if stack is not None:
            add_missing(instance, [stack], names)
        return built.resolve_job_def(names.of(job)).execute_in_process(
            instance=instance,
            run_config={
                "ops": dict(ops),
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
            raise_on_error=False,
            # A job of checks alone has no partitions of its own: the tag gives it one.
            tags={**({} if stack is None else {PARTITION_TAG: stack}), **tags},
        )


def _refuse_monitored(instance: dg.DagsterInstance) -> None:
    launcher = instance.get_ref().run_launcher_data
    if instance.run_monitoring_enabled and launcher is not None and launcher.class_name != _ASKS_NOBODY:
        raise GuardError(
            f"DAGSTER_HOME is a deployment's: its run monitoring asks {launcher.class_name} for the process of each "
            "run, and fails one that runs here within two minutes, while it writes",
            remedy="Let the deployment do it: `apply --queue`, or its UI. What only the command line can do (--adopt, "
            "--prune), do with another DAGSTER_HOME; `leases` of the operator's settings keep the two apart.",
        )


def report_of(stack: str, result: dg.ExecuteInProcessResult) -> RunReport:
    """Report how a run ended, with the outcomes that it materialised or observed."""
    rows: list[Mapping[str, str]] = []
    for said in _said(result):
        stage = stage_of(said.asset_key)
        rows.extend({"stage": stage, **row} for row in outcome_rows(said.metadata))
    failures = [event for event in result.all_events if event.is_step_failure or event.is_run_failure]
    error = next((text for event in failures if (text := failure_text(event))), None)
    return RunReport(stack, result.run_id, result.success, tuple(rows), None if result.success else error)


def _said(result: dg.ExecuteInProcessResult) -> Iterator[dg.AssetMaterialization | dg.AssetObservation]:
    for event in result.all_events:
        if event.event_type is dg.DagsterEventType.ASSET_MATERIALIZATION:
            yield event.step_materialization_data.materialization
        elif event.event_type is dg.DagsterEventType.ASSET_OBSERVATION:
            yield event.asset_observation_data.asset_observation


def checks_of(stack: str, result: dg.ExecuteInProcessResult) -> tuple[CheckRow, ...]:
    """List the checks that had something to judge in a run, by name; why the run failed if none has a result."""
    rows = [
        CheckRow(
            e.partition or stack,
            e.check_name,
            e.passed,
            e.severity.value,
            e.description or "",
            open_of(e),
            tuple(not_asked_of(e.metadata)),
            is_unknown(e),
        )
        for e in result.get_asset_check_evaluations()
        if not had_nothing_to_judge(e)
    ]
    if not result.success and not rows:
        failed = [text for event in result.all_events if (text := failure_text(event))]
        rows.append(CheckRow(stack, "run", passed=False, severity="ERROR", detail=failed[0] if failed else "failed"))
    return tuple(sorted(rows, key=lambda row: row.check))


def queue(stack: str, *, url: str, revision: Revision, deep: bool, timeout: float) -> RunReport:
    """Submit the `provision` job of one stack to a running deployment, and follow it to its end.

    Args:
        stack: its name; the deployment must know the partition.
        url: of its webserver, for example `http://127.0.0.1:3000`.
        revision: what the caller read: the run is refused where the deployment reads another commit.
        deep: also compare what marks vouch for; a run of another process can be asked for nothing else.
        timeout: seconds to follow the run.

    Raises:
        GuardError: if no commit has what the caller read.
        SecretsPipelineError: if the deployment does not answer, refuses, or is not done in time.
    """
    _refuse_uncommitted(revision)
    client = _client(url)
    from dagster_graphql import DagsterGraphQLClientError  # noqa: PLC0415 - comes with the webserver, an extra

    tags = {PARTITION_TAG: stack, COMMIT_TAG: str(revision), **({DEEP_TAG: "true"} if deep else {})}
    try:
        run_id = client.submit_job_execution(called().of("provision"), tags=tags)
        status = _followed(client, run_id, timeout)
    except DagsterGraphQLClientError as error:
        refused = str(error)
    else:
        success = status is dg.DagsterRunStatus.SUCCESS
        return RunReport(stack, run_id, success, (), None if success else f"run {run_id} ended {status.value}")
    raise SecretsPipelineError(f"{url} refused the run: {refused}", remedy="Is `make dev` running there?")


def _refuse_uncommitted(revision: Revision) -> None:
    way_out = "or leave --queue away, to apply what is here in this process"
    if not revision.commit:
        raise GuardError(
            f"--queue hands a commit over, and nobody can tell which one this is: {revision.unknown}",
            remedy=f"Run it in a clone, {way_out}.",
        )
    if revision.changes:
        raise GuardError(
            f"--queue hands a commit over, and commit {revision.commit} does not have what is here: "
            f"{', '.join(revision.files)}",
            remedy=f"Commit it, and let the deployment have that commit, {way_out}.",
        )


def _client(url: str) -> "DagsterGraphQLClient":
    try:
        from dagster_graphql import DagsterGraphQLClient  # noqa: PLC0415 - comes with an extra
    except ImportError:
        raise GuardError("--queue needs dagster-graphql", remedy="Install secrets-pipeline[local].") from None
    scheme, _, rest = url.rstrip("/").partition("://")
    return DagsterGraphQLClient(rest, use_https=scheme == "https")


def _followed(client: "DagsterGraphQLClient", run_id: str, timeout: float) -> dg.DagsterRunStatus:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        status: dg.DagsterRunStatus = client.get_run_status(run_id)
        if status in (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED):
            return status
        time.sleep(_POLL_SECONDS)
    raise SecretsPipelineError(
        f"run {run_id} is not done after {timeout:.0f} s", remedy=f"Look at it in the UI: /runs/{run_id}."
    )


__all__ = [
    "CheckRow",
    "RunReport",
    "checks_of",
    "execute",
    "prepare_home",
    "provision",
    "queue",
    "report_of",
    "verify",
]
