"""Define the sensor that keeps partitions, and where the operator wants that AWS, in step with the YAML."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg

from secrets_pipeline.errors import SecretsPipelineError, SpecError
from secrets_pipeline.operations.open_repository import OpenRepository
from secrets_pipeline.operations.repository_index.writing import WRITING_ERRORS
from secrets_pipeline.orchestration.pages.declared import observe_declared
from secrets_pipeline.orchestration.provisioning.jobs import PROVISION_JOB
from secrets_pipeline.orchestration.provisioning.options import STACK_CONFIG
from secrets_pipeline.orchestration.shared.busy import UNFINISHED, busy_stacks
from secrets_pipeline.orchestration.shared.latest import Latest
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.partitions import check_key
from secrets_pipeline.orchestration.shared.resources import Stacks
from secrets_pipeline.orchestration.shared.run_requests import Job, run_request, stack_tags
from secrets_pipeline.orchestration.stacks.partitions import Keys, compare_keys

_DIGITS = 16
_NEVER = "never"
_KEPT = "kept"
_AGAIN = "~"
"""Ends the view of a stack that had a run: it may apply another state yet, and is looked at when it has ended."""


def stack_change_sensor_for(names: Names, provision: Job, *, retire_many: bool = False) -> dg.SensorDefinition:
    """Make the sensor.

    Args:
        names: of the code location.
        provision: the job that applies a stack.
        retire_many: whether more than half of the partitions may be retired at once.
    """
    latest = Latest(names.asset(STACK_CONFIG))

    @dg.sensor(
        name=names.of("stack_change_sensor"),
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        job=provision,
        description="Adds a partition for each new stack and retires those whose stack left the repository; says which "
        "stacks' desired state changed, and applies those that the operator's `apply_on_change` names.",
    )
    def stack_change_sensor(
        context: dg.SensorEvaluationContext, secrets_pipeline_stacks: dg.ResourceParam[Stacks]
    ) -> dg.SensorResult:
        desired = secrets_pipeline_stacks.read()
        _keep_index(context, secrets_pipeline_stacks, desired)
        seen = _Seen.read(context.cursor)
        declared = {stack for stack in (*desired.specs, *desired.errors) if stack and _usable(context, stack)}
        keys = compare_keys(names.stacks(context.instance), declared, seen.stacks, many=retire_many, kept=seen.kept)
        if "" in desired.errors:
            # Errors that belong to no stack may hide some: nothing is retired then.
            keys = Keys(keys.added)
        changed = [stack for stack in sorted(desired.specs) if stack in declared and seen.differs(desired, stack)]
        # Before what was applied is read: a run that ends in between has applied what it had to.
        busy = busy_stacks(context.instance, UNFINISHED).intersection(changed) if changed else frozenset()
        due = [stack for stack in changed if stack not in busy or not seen.waits(desired, stack)]
        change = _Change(context, names, desired, latest.of(context.instance, due) if due else {}, busy)
        requests = [request for stack in due if (request := change.followed(stack)) is not None]
        if keys.kept:
            context.log.error(_TOO_MANY, len(keys.kept), ", ".join(keys.kept))
        return dg.SensorResult(
            run_requests=requests,
            skip_reason=_looked_at(desired, due, busy, keys) if not requests else None,
            dynamic_partitions_requests=_requests(names, keys),
            cursor=seen.after(desired, keys, busy).text(),
        )

    return stack_change_sensor


_TOO_MANY = (
    "%s stacks left the repository at once, more than half: their partitions are kept, as a wrong folder looks the "
    "same. If it is meant, set `retire_many: true` in the component, or delete the partitions in the UI: %s"
)


def _keep_index(context: dg.SensorEvaluationContext, stacks: Stacks, desired: OpenRepository) -> None:
    """Write the index that runs look other stacks up in; without it, each run reads all stacks."""
    try:
        kept = stacks.keep_index(desired)
    except WRITING_ERRORS as error:
        said = error.diagnostics() if isinstance(error, SecretsPipelineError) else str(error)
        context.log.warning("the index of the repository cannot be written, so runs read all stacks: %s", said)
        return
    if kept.proven:
        written = "the index of the repository is written; accounts and regions that can prove it: %d"
        context.log.info(written, kept.proven)
    for why in kept.why:
        context.log.info("without a proven index, runs read all stacks: %s", why)


def _requests(names: Names, keys: Keys) -> list[dg.AddDynamicPartitionsRequest | dg.DeleteDynamicPartitionsRequest]:
    added = [names.partitions.build_add_request(list(keys.added))] if keys.added else []
    retired = [names.partitions.build_delete_request(list(keys.retired))] if keys.retired else []
    return [*added, *retired]


def _looked_at(desired: OpenRepository, changed: Sequence[str], busy: Collection[str], keys: Keys) -> str:
    """What a tick that starts nothing has looked at."""
    broken = sorted(stack or "the repository" for stack in desired.errors)
    said = [
        f"{len(desired.specs)} stacks read",
        f"with errors: {', '.join(broken)}" if broken else "",
        f"changed: {', '.join(changed)}" if changed else "none changed",
        f"looked at again when their run has ended: {', '.join(sorted(busy))}" if busy else "",
        f"added: {', '.join(keys.added)}" if keys.added else "",
        f"retired: {', '.join(keys.retired)}" if keys.retired else "",
        f"gone, and kept as they are too many: {', '.join(keys.kept)}" if keys.kept else "",
    ]
    return "; ".join(one for one in said if one)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the last tick saw; a stack with errors keeps what was seen of it before, or nothing.

    Attributes:
        stacks: stack → the beginning of its digest, whether the operator let it be applied, and whether it had a run;
            `_KEPT` of one that left with too many others.
    """

    stacks: Mapping[str, str]

    @classmethod
    def read(cls, cursor: str | None) -> "_Seen":
        try:
            found = json.loads(cursor or "{}")
        except ValueError:
            found = {}
        return cls(found if isinstance(found, dict) else {})

    @property
    def kept(self) -> set[str]:
        return {stack for stack, view in self.stacks.items() if view == _KEPT}

    def differs(self, desired: OpenRepository, stack: str) -> bool:
        return self.stacks.get(stack) != _view(desired, stack)

    def waits(self, desired: OpenRepository, stack: str) -> bool:
        return self.stacks.get(stack) == _view(desired, stack) + _AGAIN

    def after(self, desired: OpenRepository, keys: Keys, busy: Collection[str]) -> "_Seen":
        broken = {stack: self.stacks.get(stack, "") for stack in desired.errors if stack}
        kept = self.stacks if "" in desired.errors else {}
        gone = dict.fromkeys(keys.kept, _KEPT)
        views = {stack: _view(desired, stack) + (_AGAIN if stack in busy else "") for stack in desired.specs}
        return _Seen({**kept, **broken, **gone, **views})

    def text(self) -> str:
        return json.dumps(self.stacks, separators=(",", ":"))


def _view(desired: OpenRepository, stack: str) -> str:
    """What decides whether a stack is looked at again: who lets changes be applied means earlier ones too."""
    applies = "+" if desired.settings.applies_changes(stack) else ""
    return desired.digest(stack)[:_DIGITS] + applies


@dataclass(frozen=True, slots=True)
class _Change:
    """What becomes of stacks whose desired state may have changed."""

    context: dg.SensorEvaluationContext
    names: Names
    desired: OpenRepository
    applied: Mapping[str, dg.EventLogRecord]
    busy: Collection[str]

    def followed(self, stack: str) -> dg.RunRequest | None:
        """The run that a stack needs."""
        digest = self.desired.digest(stack)
        event, applied = self._applied(stack)
        if applied == digest:
            return None
        if not self.desired.settings.applies_changes(stack):
            # A stack that was never applied is new to this deployment, not changed; a run may be about to apply it.
            self._observe(stack, waits=applied is not None and stack not in self.busy)
            return None
        self._observe(stack, waits=False)
        # What was applied before is part of the key: back to an earlier state is a new change. A failed run is alerted,
        # and not repeated before the YAML changes again or somebody applies it.
        key = f"changed:{digest[:_DIGITS]}:{event}"
        job = self.names.of(PROVISION_JOB)
        return run_request(job, stack, key=key, tags=stack_tags(self.desired, stack))

    def _applied(self, stack: str) -> tuple[str, str | None]:
        """Which materialisation of `stack_config` was the last one, and the digest that it was of; None for none."""
        record = self.applied.get(stack)
        if record is None:
            return _NEVER, None
        tags = (record.asset_materialization.tags if record.asset_materialization else None) or {}
        return str(record.storage_id), tags.get("dagster/data_version", "")

    def _observe(self, stack: str, *, waits: bool) -> None:
        """Observe the new version; what nobody applies by itself is said where people look."""
        how = f"secrets-pipeline apply -s {stack}, or Materialize all in the UI"
        if waits:
            self.context.log.info("the desired state of %s changed, and waits to be applied: %s", stack, how)
        said = f"The YAML changed since the last apply, and nothing was written: {how}." if waits else ""
        observe_declared(self.context.instance, self.names, self.desired, stack, said=said)


def _usable(context: dg.SensorEvaluationContext, stack: str) -> bool:
    try:
        check_key(stack)
    except SpecError as error:
        context.log.warning(error.diagnostics())
        return False
    return True
