"""Do what every applying asset does: hold the stack's lease, plan its stage, apply it, and say what became of it."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import dagster as dg

from secrets_pipeline.aws.leases.model import Lease, Tell
from secrets_pipeline.aws.patience import WAITING
from secrets_pipeline.engine.apply import Reconciler, apply, plan_stage
from secrets_pipeline.engine.model import ChangeClass, Outcome, Total, is_book
from secrets_pipeline.engine.report import is_shown
from secrets_pipeline.errors import GuardError
from secrets_pipeline.operations.reread_secrets import reread_secrets
from secrets_pipeline.orchestration.applying.executors import refuse_process_a_step
from secrets_pipeline.orchestration.applying.run_lease import run_lease
from secrets_pipeline.orchestration.pages.declared import observe_declared
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.shared.resources import Stacks, StageProgress
from secrets_pipeline.orchestration.shared.run_commit import refuse_overtaken
from secrets_pipeline.orchestration.shared.run_requests import SECRETS_TAG, secrets_of
from secrets_pipeline.reconcilers.stack import Stack


class Applying:
    """Applies stages of the stack whose lease the run holds.

    Args:
        stacks: the stacks of the run.
        progress: see `StageProgress`.
        leased: the stack whose lease the run holds; None where it holds none.
        about: the secrets that the run was asked for because of, none for all of its stack; None where it was asked for
            because of nothing that happened to a secret.

    Attributes:
        lease: of the run; None where it holds none.
    """

    def __init__(
        self, stacks: Stacks, progress: StageProgress, leased: str | None, about: Collection[str] | None
    ) -> None:
        self.stacks = stacks
        self.lease: Lease | None = None
        self._progress = progress
        self._leased = leased
        self._about = about

    def stack(self, name: str, *, writing: bool = True) -> Stack:
        """Return the stack whose lease the run holds; see `Stacks.stack`.

        What happened to a secret a moment ago may be missing from lists for five minutes, so it is asked for itself.

        Raises:
            GuardError: if it is another one: tags that a human gave may name several partitions.
        """
        if name != self._leased:
            raise GuardError(
                f"this run is about to apply stack {name}, and holds the lease of {self._leased or 'none'}",
                remedy=f"Launch it for one stack, by the tag {PARTITION_TAG} and no other one that names partitions.",
            )
        stack = self.stacks.stack(name, writing=writing)
        if self._about is not None:
            reread_secrets(stack, self._about)
        return stack

    def reconcile(self, stage: str, reconciler: Reconciler) -> Sequence[Outcome]:
        """Plan and apply with a given reconciler; one failing resource, or stage, never hides the others."""
        changes = plan_stage(stage, reconciler, self.stacks.options.only)

        def tell(outcome: Outcome) -> None:
            if is_shown(outcome):
                self._progress(stage, outcome)

        shown = (change for change in changes if change.action is not ChangeClass.NONE and not is_book(change))
        self._progress(stage, Total(sum(1 for _ in shown)))
        return apply(reconciler, changes, progress=tell)

    def confirm(self) -> None:
        """Return if the run had its lease until now. Each step that writes calls it after it reports its outcomes.

        Raises:
            GuardError: if another run took it over; the text names the calls that AWS answered since.
            AwsError: if nobody can tell.
        """
        if self.lease is not None:
            self.lease.confirm()

    def settle(self) -> None:
        """Record that this run compared everything deeply.

        Later runs need not look for an earlier run's last writes.
        """
        if self.lease is not None:
            self.lease.settle()


def applying_resource(names: Names, progress: StageProgress) -> dg.ResourceDefinition:
    """Define the resource of runs that apply: the run holds its stack's lease while the resource is open.

    Args:
        names: of the code location.
        progress: see `StageProgress`.
    """

    @dg.resource(required_resource_keys={"secrets_pipeline_stacks"})
    def secrets_pipeline_applying(context: dg.InitResourceContext) -> Iterator[Applying]:
        resources: Any = context.resources
        yield from _applying(context, resources.secrets_pipeline_stacks, names, progress)

    return secrets_pipeline_applying


def _applying(
    context: dg.InitResourceContext, stacks: Stacks, names: Names, progress: StageProgress
) -> Iterator[Applying]:
    """At most one apply of a stack at a time, whoever started it, and where: UI, daemon or command line.

    The run queue serialises queued runs; the lease also covers the others. Each write of the run first asks whether it
    still has the lease. A run that takes an expired lease over compares everything deeply.

    Raises:
        GuardError: if the run has a process for each step, if nobody names the stack's account, if another run has the
            lease for as long as `patience_of` says, if it is a lock file and storage is shared, if this host's clock is
            ahead of AWS's, or if a later run has applied another commit meanwhile.
    """
    if context.run is not None and context.instance is not None:
        refuse_process_a_step(context.run, context.instance, names)
    stack = context.run.tags.get(PARTITION_TAG) if context.run else None
    made = Applying(stacks, progress, stack, _about(context.run))
    if stack is None or context.run is None or context.instance is None:
        yield made
        return
    # Each job that writes has this resource, and a lease is a write, too.
    made.stacks.refuse_unnamed_account(stack)
    with run_lease(context.instance, context.run, made.stacks, stack, tell=_telling(context)) as lease:
        refuse_overtaken(context.run, context.instance)
        made.lease = lease
        made.stacks.fence(lease)
        # Before the first step, which notes the version that it was made of.
        observe_declared(context.instance, names, made.stacks.desired, stack)
        yield made


def _telling(context: dg.InitResourceContext) -> Tell:
    """Tell whoever watches this process, and whoever looks at the run."""

    def tell(what: str) -> None:
        WAITING.info("%s", what)
        if context.log is not None:
            context.log.info("This run %s.", what)

    return tell


def _about(run: dg.DagsterRun | None) -> Collection[str] | None:
    return secrets_of(run) if run is not None and SECRETS_TAG in run.tags else None
