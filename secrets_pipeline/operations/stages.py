"""The stages of an apply, in order: each is one asset in Dagster and one reconciler here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from secrets_pipeline.engine.apply import DEFAULT_WORKERS, Progress, Reconciler, apply, silent
from secrets_pipeline.engine.model import Change, Outcome
from secrets_pipeline.reconcilers.boundary.guard import guard_boundary
from secrets_pipeline.reconcilers.connection.reconciler import ConnectionReconciler
from secrets_pipeline.reconcilers.consumer.delivery import ConsumerReconciler
from secrets_pipeline.reconcilers.consumer.refresh import RefreshReconciler
from secrets_pipeline.reconcilers.consumer_policy.reconciler import ConsumerPolicyReconciler
from secrets_pipeline.reconcilers.database.endpoint import DatabaseEndpointReconciler
from secrets_pipeline.reconcilers.database.reconciler import DatabaseReconciler
from secrets_pipeline.reconcilers.event_queue.reconciler import EventQueueReconciler
from secrets_pipeline.reconcilers.kms_key.reconciler import KmsKeyReconciler
from secrets_pipeline.reconcilers.orphan.reconciler import OrphanReconciler, WithOrphans
from secrets_pipeline.reconcilers.replica.reconciler import ReplicaReconciler
from secrets_pipeline.reconcilers.rotation_function.reconciler import RotationFunctionReconciler
from secrets_pipeline.reconcilers.secret.reconciler import SecretReconciler
from secrets_pipeline.reconcilers.secret_mark.reconciler import CommitReconciler, Finishing
from secrets_pipeline.reconcilers.secret_policy.reconciler import SecretPolicyReconciler
from secrets_pipeline.reconcilers.secret_rotation.reconciler import RotationReconciler
from secrets_pipeline.reconcilers.secret_value.generate import generate_passwords

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import StackContext


class Make(Protocol):
    """Makes the reconciler of one stage; what a mark vouches for is read with `deep`, None as the options say."""

    def __call__(self, context: StackContext, *, deep: bool | None = None) -> Reconciler:
        """A reconciler of one stack."""
        ...


def _seen(make: Callable[[StackContext], Reconciler]) -> Make:
    """Of a stage that is always read whole: there is nothing deeper to read."""

    def shallow(context: StackContext, *, deep: bool | None = None) -> Reconciler:  # noqa: ARG001 - as `Make` has it
        return make(context)

    return shallow


def _finishing(make: Make) -> Make:
    return lambda context, *, deep=None: Finishing(context, make(context, deep=deep))


STAGES: Mapping[str, Make] = {
    "kms_keys": KmsKeyReconciler,
    "secrets": _finishing(_seen(lambda stack: WithOrphans(SecretReconciler(stack), OrphanReconciler(stack)))),
    "rds_instances": _seen(DatabaseReconciler),
    "rds_endpoints": _seen(DatabaseEndpointReconciler),
    "connection_secrets": _finishing(_seen(ConnectionReconciler)),
    "secret_policies": _finishing(SecretPolicyReconciler),
    "rotation_functions": RotationFunctionReconciler,
    "rotation_event_queue": EventQueueReconciler,
    "secret_rotation": _finishing(RotationReconciler),
    "secret_replicas": _finishing(ReplicaReconciler),
    "consumer_policies": _seen(ConsumerPolicyReconciler),
    "consumer_arns": ConsumerReconciler,
    "consumer_refresh": RefreshReconciler,
}
"""Asset name → reconciler, in the order in which they are applied."""


def plan_stack(context: StackContext, *, deep: bool | None = None) -> dict[str, tuple[Change, ...]]:
    """The plan of a whole stack, by stage; reads only.

    Args:
        context: the stack, in a world that does not write.
        deep: also read what marks vouch for; None as the world's options say.
    """
    return {name: tuple(make(context, deep=deep).plan()) for name, make in STAGES.items()}


def commit(context: StackContext) -> Reconciler:
    """The last step: marks on what is finished."""
    return CommitReconciler(context)


def apply_stack(
    context: StackContext, *, workers: int = DEFAULT_WORKERS, progress: Progress = silent
) -> dict[str, tuple[Outcome, ...]]:
    """Every stage of one stack and its marks, in this process: what a Dagster run does, without its events.

    Generated passwords stay in memory, so no seal is made.

    Args:
        context: the stack, in a world that writes.
        workers: threads at most.
        progress: receives each outcome as it comes.

    Returns:
        Outcomes by stage, the marks under `commit`.

    Raises:
        GuardError: if the credentials belong to another account.
        AwsError: if AWS cannot be read.
    """
    context.guard()
    guard_boundary(context)
    context.passwords = generate_passwords(context)
    done: dict[str, tuple[Outcome, ...]] = {}
    for name, make in {**STAGES, "commit": _seen(commit)}.items():
        reconciler = make(context)
        done[name] = apply(reconciler, reconciler.plan(), workers=workers, progress=progress)
    return done
