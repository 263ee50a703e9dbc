"""The stages of an apply, in order: each is one asset in Dagster and one reconciler here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from secrets_pipeline.engine.apply import DEFAULT_WORKERS, Progress, Reconciler, apply, silent
from secrets_pipeline.engine.model import Change, Outcome
from secrets_pipeline.operations.with_orphans import WithOrphans
from secrets_pipeline.reconcilers.boundary.guard import guard_boundary
from secrets_pipeline.reconcilers.connection.reconciler import ConnectionReconciler
from secrets_pipeline.reconcilers.consumer.delivery import ConsumerReconciler
from secrets_pipeline.reconcilers.consumer.refresh import RefreshReconciler
from secrets_pipeline.reconcilers.consumer_policy.reconciler import ConsumerPolicyReconciler
from secrets_pipeline.reconcilers.database.endpoint import DatabaseEndpointReconciler
from secrets_pipeline.reconcilers.database.reconciler import DatabaseReconciler
from secrets_pipeline.reconcilers.event_queue.reconciler import EventQueueReconciler
from secrets_pipeline.reconcilers.kms_key.reconciler import KmsKeyReconciler
from secrets_pipeline.reconcilers.orphaned_key.reconciler import OrphanedKeyReconciler
from secrets_pipeline.reconcilers.orphaned_secret.reconciler import OrphanedSecretReconciler
from secrets_pipeline.reconcilers.replica.reconciler import ReplicaReconciler
from secrets_pipeline.reconcilers.rotation_function.reconciler import RotationFunctionReconciler
from secrets_pipeline.reconcilers.secret.reconciler import SecretReconciler
from secrets_pipeline.reconcilers.secret_mark.reconciler import CommitReconciler, Finishing
from secrets_pipeline.reconcilers.secret_policy.reconciler import SecretPolicyReconciler
from secrets_pipeline.reconcilers.secret_rotation.reconciler import RotationReconciler
from secrets_pipeline.reconcilers.secret_value.generate import generate_passwords
from secrets_pipeline.values.bundle import NO_PASSWORDS, GeneratedPasswords

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


class Make(Protocol):
    """Makes the reconciler of one stage."""

    def __call__(
        self, stack: Stack, *, deep: bool | None = None, passwords: GeneratedPasswords = NO_PASSWORDS
    ) -> Reconciler:
        """A reconciler of one stack.

        Args:
            stack: the stack.
            deep: whether what a mark vouches for is read; None as the options of the run say.
            passwords: generated values, for secrets that have none yet.
        """
        ...


class Deepening(Protocol):
    """A reconciler that reads what marks vouch for only where it is asked to."""

    def __call__(self, stack: Stack, *, deep: bool | None = None) -> Reconciler:
        """A reconciler of one stack."""
        ...


def _deepening(make: Deepening) -> Make:
    return lambda stack, *, deep=None, passwords=NO_PASSWORDS: make(stack, deep=deep)  # noqa: ARG005 - as `Make` has it


def _always_deep(make: Callable[[Stack], Reconciler]) -> Make:
    """Of a stage that is always read whole."""

    def whole(
        stack: Stack,
        *,
        deep: bool | None = None,  # noqa: ARG001 - as `Make` has it
        passwords: GeneratedPasswords = NO_PASSWORDS,  # noqa: ARG001 - the same
    ) -> Reconciler:
        return make(stack)

    return whole


def _marking(make: Make) -> Make:
    """Of a stage that finishes secrets: it marks those of which nothing else is open."""
    return lambda stack, *, deep=None, passwords=NO_PASSWORDS: Finishing(
        stack, make(stack, deep=deep, passwords=passwords)
    )


def _secrets(
    stack: Stack,
    *,
    deep: bool | None = None,  # noqa: ARG001 - secrets are always read whole
    passwords: GeneratedPasswords = NO_PASSWORDS,
) -> Reconciler:
    orphans: dict[str, Reconciler] = {
        "secret": OrphanedSecretReconciler(stack),
        # A key is deleted after the secrets that it encrypts.
        "kms-key": OrphanedKeyReconciler(stack),
    }
    return WithOrphans(SecretReconciler(stack, passwords=passwords), orphans)


STAGES: Mapping[str, Make] = {
    "kms_keys": _deepening(KmsKeyReconciler),
    "secrets": _marking(_secrets),
    "rds_instances": _always_deep(DatabaseReconciler),
    "rds_endpoints": _always_deep(DatabaseEndpointReconciler),
    "connection_secrets": _marking(_always_deep(ConnectionReconciler)),
    "secret_policies": _marking(_deepening(SecretPolicyReconciler)),
    "rotation_functions": _deepening(RotationFunctionReconciler),
    "rotation_event_queue": _deepening(EventQueueReconciler),
    "secret_rotation": _marking(_deepening(RotationReconciler)),
    "secret_replicas": _marking(_deepening(ReplicaReconciler)),
    "consumer_policies": _always_deep(ConsumerPolicyReconciler),
    "consumer_arns": _deepening(ConsumerReconciler),
    "consumer_refresh": _deepening(RefreshReconciler),
}
"""Asset name → reconciler, in the order in which they are applied."""


def plan_stack(stack: Stack, *, deep: bool | None = None) -> dict[str, tuple[Change, ...]]:
    """The plan of a whole stack, by stage; reads only.

    Args:
        stack: the stack, of a run that does not write.
        deep: also read what marks vouch for; None as the options of the run say.
    """
    return {name: tuple(make(stack, deep=deep).plan()) for name, make in STAGES.items()}


def commit(stack: Stack) -> Reconciler:
    """The last step: marks on what is finished."""
    return CommitReconciler(stack)


def apply_stack(
    stack: Stack, *, workers: int = DEFAULT_WORKERS, progress: Progress = silent
) -> dict[str, tuple[Outcome, ...]]:
    """Every stage of one stack and its marks, in this process: what a Dagster run does, without its events.

    Generated passwords stay in memory, so no seal is made.

    Args:
        stack: the stack, of a run that writes.
        workers: threads at most.
        progress: receives each outcome as it comes.

    Returns:
        Outcomes by stage, the marks under `commit`.

    Raises:
        GuardError: if the stack reaches what nobody lets it reach.
        AwsError: if AWS cannot be read.
    """
    guard_boundary(stack)
    passwords = generate_passwords(stack)
    done: dict[str, tuple[Outcome, ...]] = {}
    for name, make in {**STAGES, "commit": _always_deep(commit)}.items():
        reconciler = make(stack, passwords=passwords)
        done[name] = apply(reconciler, reconciler.plan(), workers=workers, progress=progress)
    return done
