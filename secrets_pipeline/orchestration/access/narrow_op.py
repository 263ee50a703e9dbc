"""Define the job `on_outside_change`: report what others changed, and narrow policies if the stack sets `self_heal`."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import dagster as dg

from secrets_pipeline.aws.alerts import Alert
from secrets_pipeline.operations.narrow_policies import NarrowedPolicy, Treatment, narrow_policies, sentences
from secrets_pipeline.orchestration.alerts.alerting import Alerting
from secrets_pipeline.orchestration.applying.stage_runner import Applying
from secrets_pipeline.orchestration.pages.lines import lines_of
from secrets_pipeline.orchestration.pages.metadata import DATA, data_of, program_data
from secrets_pipeline.orchestration.rotation.actors import Call, calls_of
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.partition_tags import PartitionTags
from secrets_pipeline.orchestration.shared.partitions import stack_of
from secrets_pipeline.orchestration.shared.priorities import REPAIR, priority
from secrets_pipeline.orchestration.verification.evaluating import Looker
from secrets_pipeline.orchestration.verification.stack_check import StackCheck

ON_OUTSIDE_CHANGE: Final = "on_outside_change"
DRIFT: Final = "drift"
"""The asset of what somebody else changed, and of what became of it: observations of runs of `on_outside_change`."""
_NAMES = "healed"
_DAY_SECONDS = 86_400
_MANY = 1_000


def _compare_and_alert(
    context: dg.OpExecutionContext, applying: Applying, alerting: Alerting, names: Names
) -> Iterator[dg.AssetObservation | dg.Output[None]]:
    """Log one observation, and one alert for each thing that somebody changed."""
    stack = stack_of(context)
    # `applying` holds the stack's lease; nothing is made here, so the context is that of a run that reads.
    treated = narrow_policies(applying.stack(stack, writing=False), _healed_today(context.instance, names, stack))
    lines = list(sentences(treated))
    calls = calls_of(context.run)
    healed = [one.resource.name for one in treated if isinstance(one, NarrowedPolicy)]
    # Yielded, as what is logged is lost where something fails behind it, and heals are counted by it.
    yield dg.AssetObservation(
        asset_key=names.asset(DRIFT),
        partition=stack,
        metadata={
            "changed": lines_of(
                "resources",
                [f"{one.resource.kind} {one.resource.name}: {line}" for one, line in zip(treated, lines, strict=True)],
                empty="Everything is as it was declared.",
            ),
            "who": lines_of(
                "calls",
                [str(one) for one in calls],
                empty="No event says who; CloudTrail does.",
            ),
            "changed outside": len(treated),
            DATA: program_data({_NAMES: healed}),
        },
    )
    applying.confirm()
    for one, line in zip(treated, lines, strict=True):
        link = alerting.link(f"/runs/{context.run_id}")
        alerting.say(_alert(stack, one, line, calls, link), context.instance, context.log)
    yield dg.Output(None)


def heal_job(names: Names, checks: Sequence[StackCheck], config: PartitionTags) -> dg.JobDefinition:
    """Define the job.

    Args:
        names: of the code location.
        checks: those that are evaluated at the end, of what was looked at.
        config: tags of the partitions.
    """

    @dg.op(
        description="Compare the whole stack deeply, narrow widened policies if the stack sets self_heal, and alert."
    )
    def look_for_tampering(
        context: dg.OpExecutionContext,
        secrets_pipeline_applying: dg.ResourceParam[Applying],
        secrets_pipeline_alerting: dg.ResourceParam[Alerting],
    ) -> Iterator[dg.AssetObservation | dg.Output[None]]:
        yield from _compare_and_alert(context, secrets_pipeline_applying, secrets_pipeline_alerting, names)

    @dg.op(
        name="evaluate_checks",
        ins={"treated": dg.In(dg.Nothing)},
        description="Evaluate whether the stack is as declared and who can read, as AWS is now.",
    )
    def evaluate_checks(
        context: dg.OpExecutionContext, secrets_pipeline_applying: dg.ResourceParam[Applying]
    ) -> Iterator[dg.AssetCheckEvaluation | dg.Output[None]]:
        look = Looker(context, secrets_pipeline_applying.stacks, names, context.partition_key, closely=True)
        yield from look.evaluations(checks)
        yield dg.Output(None)

    @dg.job(
        name=names.of(ON_OUTSIDE_CHANGE),
        partitions_def=names.partitions,
        config=config,
        executor_def=dg.in_process_executor,
        tags=dict(priority(REPAIR)),
        description="After somebody else changed a policy, secret or key: what differs, narrowed where self_heal is, "
        "and whether the stack is as declared then.",
    )
    def on_outside_change() -> None:
        evaluate_checks(look_for_tampering())

    return on_outside_change


def _healed_today(instance: dg.DagsterInstance, names: Names, stack: str) -> Counter[str]:
    """How often each resource was healed within 24 hours.

    Dagster's storage counts: a tag in AWS could be put back, or set, by whoever tampers with the secret.
    """
    since = time.time() - _DAY_SECONDS
    wanted = dg.AssetRecordsFilter(asset_key=names.asset(DRIFT), asset_partitions=[stack], after_timestamp=since)
    found: Counter[str] = Counter()
    for record in instance.fetch_observations(wanted, limit=_MANY).records:
        value = data_of(record.asset_observation.metadata if record.asset_observation else None).get(_NAMES)
        found.update(map(str, value if isinstance(value, list) else ()))
    return found


def _alert(stack: str, one: Treatment, line: str, calls: Iterable[Call], link: str) -> Alert:
    name = one.resource.name
    if isinstance(one, NarrowedPolicy):
        subject, cause = f"{stack}: {name} was changed outside, and narrowed again", "healed"
    elif not one.compared:
        subject, cause = f"{stack}: {name} cannot be compared", "not-compared"
    elif one.fought_over:
        subject, cause = f"{stack}: {name} is changed again and again, and not healed any more", "heal-limit"
    else:
        subject, cause = f"{stack}: {name} was changed outside", "changed-outside"
    # What happened to a key is told by its id, and may be any key's of the stack.
    who = [str(call) for call in calls if call.about in ("", name)] or ["CloudTrail says who."]
    remedy = f"`secrets-pipeline plan -s {stack} --deep` shows all. Apply makes it as declared."
    text = "\n".join([line, "", *who, remedy, link])
    return Alert(subject, text, stack, cause, f"{one.resource.kind} {name} {one.reason}")
