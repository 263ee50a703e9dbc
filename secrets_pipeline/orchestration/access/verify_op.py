"""Define the job `on_access_change`: check who can read, for all stacks of one account at once."""

import time
from collections.abc import Iterator
from typing import Final

import dagster as dg

from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.operations.account_stacks import homes_of, stacks_judged_with
from secrets_pipeline.orchestration.access.checks import READER_CHECKS
from secrets_pipeline.orchestration.rotation.actors import calls_of
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.priorities import FOLLOW, priority
from secrets_pipeline.orchestration.shared.resources import Stacks
from secrets_pipeline.orchestration.shared.run_requests import ACCOUNT_TAG
from secrets_pipeline.orchestration.verification.blind import raise_if_nothing_was_looked_at
from secrets_pipeline.orchestration.verification.evaluating import Looker
from secrets_pipeline.orchestration.verification.history import last_evaluation
from secrets_pipeline.reconcilers.access_checks.snapshot import share_estates
from secrets_pipeline.reconcilers.stack import Stack

ON_ACCESS_CHANGE: Final = "on_access_change"


def _evaluate_stacks(
    context: dg.OpExecutionContext, stacks: Stacks, names: Names
) -> Iterator[dg.AssetCheckEvaluation | dg.Output[None]]:
    """Yield an evaluation a check and stack; a stack that cannot be looked at is red, and hides no other.

    It holds no lease: a run that applies a stack may look after it, and be done before. That verdict stands.
    """
    account = context.run.tags.get(ACCOUNT_TAG, "")
    for call in calls_of(context.run):
        context.log.info("%s", call)
    known = names.stacks(context.instance)
    homes = homes_of(stacks.desired.specs.values(), stacks.sessions)
    for text in homes.warnings:
        context.log.warning(text)
    specs = stacks.desired.specs
    found = stacks_judged_with(account, specs, homes) if account else sorted(specs)
    concerned = [stack for stack in found if stack in known]
    context.log.info("account %s: %s", account or "of each", ", ".join(concerned) or "no stack was ever applied")
    began = time.time()
    try:
        share_estates(_opened(stacks, concerned))
    except SecretsPipelineError as error:
        # Each stack's checks ask again, and say it.
        context.log.warning(error.diagnostics())
    broken: Exception | None = None
    found_out: list[dg.AssetCheckEvaluation] = []
    for stack in concerned:
        try:
            for one in Looker(context, stacks, names, stack, closely=True, began=began).evaluations(READER_CHECKS):
                last = last_evaluation(context.instance, one.asset_check_key, stack)
                found_out.append(one)
                if last is None or last.at <= began:
                    yield one
        except Exception as error:  # noqa: BLE001 - raised below
            context.log.warning("stack %s: a check broke: %s", stack, type(error).__name__)
            broken = broken or error
    if broken is not None:
        raise broken
    raise_if_nothing_was_looked_at(found_out, f"account {account}" if account else "all accounts")
    yield dg.Output(None)


def access_job(names: Names) -> dg.JobDefinition:
    """Define the job; its runs are of an account, so they have no partition."""

    @dg.op(
        description="Read the IAM of an account, and evaluate the checks of who can read for each stack it concerns."
    )
    def evaluate_access(
        context: dg.OpExecutionContext, secrets_pipeline_stacks: dg.ResourceParam[Stacks]
    ) -> Iterator[dg.AssetCheckEvaluation | dg.Output[None]]:
        yield from _evaluate_stacks(context, secrets_pipeline_stacks, names)

    @dg.job(
        name=names.of(ON_ACCESS_CHANGE),
        executor_def=dg.in_process_executor,
        tags=dict(priority(FOLLOW)),
        description="After IAM or an organisation's policy changed: who can read, for every stack of the account in "
        f"the tag `{ACCOUNT_TAG}`, else of every account.",
    )
    def on_access_change() -> None:
        evaluate_access()

    return on_access_change


def _opened(stacks: Stacks, names: list[str]) -> Iterator[Stack]:
    """Those that can be opened; why the others cannot is found by their checks."""
    for name in names:
        try:
            yield stacks.stack(name)
        except SecretsPipelineError:
            continue
