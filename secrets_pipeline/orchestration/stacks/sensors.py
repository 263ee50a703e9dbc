"""Define the sensor that keeps partitions, and where the operator wants that AWS, in step with the YAML."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import dagster as dg

from secrets_pipeline.errors import SpecError
from secrets_pipeline.operations.open_repository import OpenRepository
from secrets_pipeline.orchestration.shared.partitions import STACKS, check_key
from secrets_pipeline.orchestration.shared.resources import Stacks
from secrets_pipeline.orchestration.shared.run_commit import at_commit
from secrets_pipeline.orchestration.shared.run_requests import run_request

STACK_CONFIG = dg.AssetKey("stack_config")
_DIGITS = 16
_NEVER = "never"


@dg.sensor(
    name="stack_change_sensor",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    job_name="provision",
    description="Adds a partition for each new stack and retires those whose stack left the repository; says which "
    "stacks' desired state changed, and applies those that the operator's `apply_on_change` names.",
)
def stack_change_sensor(context: dg.SensorEvaluationContext, stacks: dg.ResourceParam[Stacks]) -> dg.SensorResult:
    """Compare the stacks of the repository with the partitions, and with what was applied last."""
    desired = stacks.read()
    declared = {stack for stack in (*desired.specs, *desired.errors) if stack and _usable(context, stack)}
    known = set(context.instance.get_dynamic_partitions(str(STACKS.name)))
    # Errors that belong to no stack may hide some: nothing is retired then.
    retired = [] if "" in desired.errors else sorted(known - declared)
    added = sorted(declared - known)
    partitions: list[dg.AddDynamicPartitionsRequest | dg.DeleteDynamicPartitionsRequest] = []
    if added:
        partitions.append(STACKS.build_add_request(added))
    if retired:
        partitions.append(STACKS.build_delete_request(retired))
    seen = _Seen.read(context.cursor)
    changed = [stack for stack in sorted(desired.specs) if stack in declared and seen.differs(desired, stack)]
    requests = [request for stack in changed if (request := _followed(context, desired, stack)) is not None]
    return dg.SensorResult(
        run_requests=at_commit(desired, requests),
        dynamic_partitions_requests=partitions,
        cursor=seen.after(desired).text(),
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the last tick saw; a stack with errors keeps what was seen of it before.

    Attributes:
        stacks: stack → the beginning of its digest, and whether the operator let it be applied.
    """

    stacks: Mapping[str, str]

    @classmethod
    def read(cls, cursor: str | None) -> "_Seen":
        try:
            found = json.loads(cursor or "{}")
        except ValueError:
            found = {}
        return cls(found if isinstance(found, dict) else {})

    def differs(self, desired: OpenRepository, stack: str) -> bool:
        return self.stacks.get(stack) != _view(desired, stack)

    def after(self, desired: OpenRepository) -> "_Seen":
        kept = {stack: view for stack, view in self.stacks.items() if stack in desired.errors or "" in desired.errors}
        return _Seen({**kept, **{stack: _view(desired, stack) for stack in desired.specs}})

    def text(self) -> str:
        return json.dumps(self.stacks, separators=(",", ":"))


def _view(desired: OpenRepository, stack: str) -> str:
    """What decides whether a stack is looked at again: who lets changes be applied means earlier ones too."""
    applies = "+" if desired.settings.applies_changes(stack) else ""
    return desired.digests[stack][:_DIGITS] + applies


def _followed(context: dg.SensorEvaluationContext, desired: OpenRepository, stack: str) -> dg.RunRequest | None:
    """The run that a stack needs which may have changed; what nobody applies by itself is said where people look."""
    digest = desired.digests[stack]
    event, applied = _applied(context.instance, stack)
    if applied == digest:
        return None
    if not desired.settings.applies_changes(stack):
        # A stack that was never applied is new to this deployment, not changed.
        if applied is not None:
            _say(context, stack)
        return None
    # What was applied before is part of the key: back to an earlier state is a new change. A failed run is alerted, and
    # not repeated before the YAML changes again or somebody applies it.
    return run_request("provision", stack, key=f"changed:{digest[:_DIGITS]}:{event}")


def _applied(instance: dg.DagsterInstance, stack: str) -> tuple[str, str | None]:
    """Which materialisation of `stack_config` was the last one, and the digest that it was of; None for none."""
    wanted = dg.AssetRecordsFilter(asset_key=STACK_CONFIG, asset_partitions=[stack])
    for record in instance.fetch_materializations(wanted, limit=1).records:
        tags = (record.asset_materialization.tags if record.asset_materialization else None) or {}
        return str(record.storage_id), tags.get("dagster/data_version", "")
    return _NEVER, None


def _say(context: dg.SensorEvaluationContext, stack: str) -> None:
    how = f"secrets-pipeline apply -s {stack}, or Materialize all in the UI"
    context.log.info("the desired state of %s changed, and waits to be applied: %s", stack, how)
    context.instance.report_runless_asset_event(
        dg.AssetObservation(
            asset_key=STACK_CONFIG,
            partition=stack,
            description=f"The YAML changed since the last apply, and nothing was written: {how}.",
            metadata={"waits for": "an apply, or apply_on_change in the operator's settings"},
        )
    )


def _usable(context: dg.SensorEvaluationContext, stack: str) -> bool:
    try:
        check_key(stack)
    except SpecError as error:
        context.log.warning(error.diagnostics())
        return False
    return True
