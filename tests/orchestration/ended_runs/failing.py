"""A code location whose job fails as a tag says; a run that repeats another one ends well, if no tag says otherwise."""

import dagster as dg
from sqlalchemy.exc import OperationalError

from secrets_pipeline.errors import SpecError

RAISES, ALWAYS = "raises", "always"


@dg.op
def step(context: dg.OpExecutionContext) -> None:
    if context.run.parent_run_id is not None and ALWAYS not in context.run.tags:
        return
    away = OperationalError("INSERT", {}, OSError("terminating connection"))
    match context.run.tags[RAISES]:
        case "ours":
            raise SpecError("a setting is wrong", remedy="Mend it.") from away
        case "any":
            raise ValueError("any")
        case _:
            raise away


@dg.job
def provision() -> None:
    step()


defs = dg.Definitions(jobs=[provision], executor=dg.in_process_executor)
