"""The stages of an apply, in order: each is one asset in Dagster and one reconciler here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from secrets_pipeline.engine import DEFAULT_WORKERS, Change, Outcome, Progress, Reconciler, apply, silent
from secrets_pipeline.reconcilers.commit import CommitReconciler
from secrets_pipeline.reconcilers.connection import ConnectionReconciler
from secrets_pipeline.reconcilers.consumers import ConsumerReconciler
from secrets_pipeline.reconcilers.database import DatabaseReconciler
from secrets_pipeline.reconcilers.database_endpoint import DatabaseEndpointReconciler
from secrets_pipeline.reconcilers.generated import generate_passwords
from secrets_pipeline.reconcilers.kms_key import KmsKeyReconciler
from secrets_pipeline.reconcilers.replica import ReplicaReconciler
from secrets_pipeline.reconcilers.rotation import RotationReconciler
from secrets_pipeline.reconcilers.secret import SecretReconciler
from secrets_pipeline.reconcilers.secret_policy import SecretPolicyReconciler

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.context import StackContext

STAGES: Mapping[str, Callable[[StackContext], Reconciler]] = {
    "kms_keys": KmsKeyReconciler,
    "secrets": SecretReconciler,
    "rds_instances": DatabaseReconciler,
    "rds_endpoints": DatabaseEndpointReconciler,
    "connection_secrets": ConnectionReconciler,
    "secret_policies": SecretPolicyReconciler,
    "secret_rotation": RotationReconciler,
    "secret_replicas": ReplicaReconciler,
    "consumer_arns": ConsumerReconciler,
}
"""Asset name → reconciler, in the order in which they are applied."""


_DEEP: Mapping[str, Callable[[StackContext], Reconciler]] = {
    "kms_keys": partial(KmsKeyReconciler, deep=True),
    "secret_policies": partial(SecretPolicyReconciler, deep=True),
    "secret_replicas": partial(ReplicaReconciler, deep=True),
}


def stage(context: StackContext, name: str, *, deep: bool = False) -> Reconciler:
    """The reconciler of one stage; `deep` has it also read what its bulk reads do not show."""
    return _DEEP[name](context) if deep and name in _DEEP else STAGES[name](context)


def plan_stack(context: StackContext, *, deep: bool = False) -> dict[str, tuple[Change, ...]]:
    """The plan of a whole stack, by stage; reads only.

    Args:
        context: the stack, in a world that does not write.
        deep: also read policies, of secrets and of keys, and replicas where the mark is up to date.
    """
    return {name: tuple(stage(context, name, deep=deep).plan()) for name in STAGES}


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
    context.passwords = generate_passwords(context)
    done: dict[str, tuple[Outcome, ...]] = {}
    for name, make in {**STAGES, "commit": commit}.items():
        reconciler = make(context)
        done[name] = apply(reconciler, reconciler.plan(), workers=workers, progress=progress)
    return done
