"""A code location whose job fails as a tag says; a run that repeats another one ends well, if no tag says otherwise."""

import dagster as dg
from sqlalchemy.exc import OperationalError

from secrets_pipeline.errors import NoAnswerError, SpecError
from secrets_pipeline.orchestration.alerts.alerting import ALERTED_TAG

RAISES, ALWAYS, ALERTS = "raises", "always", "alerts"


@dg.op
def step(context: dg.OpExecutionContext) -> None:
    if context.run.parent_run_id is not None and ALWAYS not in context.run.tags:
        return
    if ALERTS in context.run.tags and context.run.parent_run_id is None:
        context.instance.add_run_tags(context.run_id, {ALERTED_TAG: context.run_id})
    away = OperationalError("INSERT", {}, OSError("terminating connection"))
    match context.run.tags[RAISES]:
        case "ours":
            raise SpecError("a setting is wrong", remedy="Mend it.") from away
        case "unasked":
            raise NoAnswerError("GetCallerIdentity failed: EndpointConnectionError", code="EndpointConnectionError")
        case "any":
            raise ValueError("any")
        case _:
            raise away


@dg.job
def provision() -> None:
    step()


defs = dg.Definitions(jobs=[provision], executor=dg.in_process_executor)
