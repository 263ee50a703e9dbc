"""Fail a run of checks that could look at nothing, as nobody could ask AWS: success would say that somebody looked."""

from collections.abc import Iterable, Sequence

import dagster as dg

from secrets_pipeline.orchestration.verification.history import is_unknown
from secrets_pipeline.orchestration.verification.not_asked import not_asked_of

_ENDED = {
    dg.DagsterEventType.STEP_SUCCESS,
    dg.DagsterEventType.STEP_FAILURE,
    dg.DagsterEventType.STEP_SKIPPED,
}
_PLANNED = dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED
_MADE = dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED
_EVALUATED = dg.DagsterEventType.ASSET_CHECK_EVALUATION


def raise_if_nothing_was_looked_at(evaluations: Sequence[dg.AssetCheckEvaluation], what: str) -> None:
    """Raise an error if AWS could not be asked for any evaluation; do nothing if there is no evaluation.

    Args:
        evaluations: of a run.
        what: what they are about, for a human.

    Raises:
        AwsError: of the class that names the cause.
    """
    if evaluations and all(map(is_unknown, evaluations)):
        why = not_asked_of(evaluations[0].metadata)[0]
        raise why.error(f"nothing of {what} could be looked at")


def raise_if_blind(instance: dg.DagsterInstance, run: dg.DagsterRun, found: Sequence[dg.AssetCheckEvaluation]) -> None:
    """Fail the last step of a run of checks if no step of the run could look at anything.

    A step that could not ask does not fail as long as others follow: they may, and a verification that could look at
    something is no failure.

    Args:
        instance: whose storage has the run's events.
        run: which.
        found: what this step evaluated, which may not be in storage yet.

    Raises:
        AwsError: see `raise_if_nothing_was_looked_at`.
    """
    if not all(map(is_unknown, found)):
        return
    events = list(_events(instance, run))
    steps = {one.asset_check_planned_data.asset_key for one in events if one.event_type is _PLANNED}
    ended = {one.step_key for one in events if one.event_type in _ENDED}
    if any(one.event_type is _MADE for one in events) or len(ended) + 1 < len(steps):
        return
    earlier = [one.asset_check_evaluation_data for one in events if one.event_type is _EVALUATED]
    partitions = dict.fromkeys(one.partition for one in (*earlier, *found) if one.partition)
    raise_if_nothing_was_looked_at([*earlier, *found], ", ".join(partitions) or "the stacks")


def _events(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Iterable[dg.DagsterEvent]:
    kinds = {*_ENDED, _PLANNED, _MADE, _EVALUATED}
    for record in instance.get_records_for_run(run.run_id, of_type=kinds).records:
        yield record.event_log_entry.get_dagster_event()
