"""Define the stages of an apply in one table: what each makes true, by which reconciler, after which others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from secrets_pipeline.engine.apply import Reconciler, plan_stage
from secrets_pipeline.engine.model import Change
from secrets_pipeline.operations.planning.earlier import Earlier
from secrets_pipeline.operations.planning.foreseen import foreseen
from secrets_pipeline.operations.with_orphans import WithOrphans
from secrets_pipeline.reconcilers.connection.reconciler import ConnectionReconciler
from secrets_pipeline.reconcilers.consumer.delivery import ConsumerReconciler
from secrets_pipeline.reconcilers.consumer.refresh import RefreshReconciler
from secrets_pipeline.reconcilers.consumer_policy.reconciler import ConsumerPolicyReconciler
from secrets_pipeline.reconcilers.database.endpoint import DatabaseEndpointReconciler
from secrets_pipeline.reconcilers.database.reconciler import DatabaseReconciler
from secrets_pipeline.reconcilers.event_queue.reconciler import EventQueueReconciler
from secrets_pipeline.reconcilers.event_queue.retired import RetiredRouteReconciler
from secrets_pipeline.reconcilers.kms_key.reconciler import KmsKeyReconciler
from secrets_pipeline.reconcilers.kms_key.service_keys import WithServiceKeys
from secrets_pipeline.reconcilers.orphaned_key.reconciler import OrphanedKeyReconciler
from secrets_pipeline.reconcilers.orphaned_secret.reconciler import OrphanedSecretReconciler
from secrets_pipeline.reconcilers.replica.reconciler import ReplicaReconciler
from secrets_pipeline.reconcilers.retired_database.reconciler import RetiredDatabaseReconciler
from secrets_pipeline.reconcilers.rotation_function.reconciler import RotationFunctionReconciler
from secrets_pipeline.reconcilers.secret.reconciler import SecretReconciler
from secrets_pipeline.reconcilers.secret_mark.reconciler import MarkingReconciler, SecretMarkReconciler
from secrets_pipeline.reconcilers.secret_policy.at_creation import PolicyAtCreation
from secrets_pipeline.reconcilers.secret_policy.reconciler import SecretPolicyReconciler
from secrets_pipeline.reconcilers.secret_rotation.reconciler import RotationReconciler
from secrets_pipeline.values.bundle import NO_PASSWORDS, GeneratedPasswords

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


Make: TypeAlias = Callable[["Stack", bool | None, GeneratedPasswords], Reconciler]
"""(stack, whether what a mark vouches for is read, generated values for secrets that have none yet) → a reconciler."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of an apply.

    Attributes:
        does: what it makes true, for a human.
        services: what it is about, as Dagster's kinds.
        group: the part of a stack's life that it belongs to, as Dagster's asset group.
        upstream: stages whose results it takes; none for one that begins with the declaration. What only comes first
            stands first in the table.
        make: makes its reconciler.
        marks: whether it marks each secret of which it has done the last part.
    """

    does: str
    services: tuple[str, ...]
    group: str
    upstream: tuple[str, ...]
    make: Make
    marks: bool = False

    def __call__(
        self, stack: Stack, *, deep: bool | None = None, passwords: GeneratedPasswords = NO_PASSWORDS
    ) -> Reconciler:
        """Make the stage's reconciler for one stack.

        Args:
            stack: the stack.
            deep: whether what a mark vouches for is read; None as the options of the run say.
            passwords: generated values, for secrets that have none yet.
        """
        made = self.make(stack, deep, passwords)
        return MarkingReconciler(stack, made) if self.marks else made


def _secrets(stack: Stack, _deep: bool | None, passwords: GeneratedPasswords) -> Reconciler:
    declared = PolicyAtCreation(stack, SecretReconciler(stack, passwords=passwords))
    return WithOrphans(declared, OrphanedSecretReconciler(stack), OrphanedKeyReconciler(stack))


STAGES: Mapping[str, Stage] = {
    "kms_keys": Stage(
        "KMS keys with alias, rotation and policy.",
        ("kms",),
        "values",
        (),
        lambda stack, deep, _: WithServiceKeys(stack, KmsKeyReconciler(stack, deep=deep)),
    ),
    "secrets": Stage(
        "Secrets with name, key, tags and first value, and its policy; the seal is deleted when every value is stored.",
        ("secretsmanager",),
        "values",
        ("kms_keys",),
        _secrets,
        marks=True,
    ),
    "rds_instances": Stage(
        "RDS instances, created where the stack says so, with the generated password as master password.",
        ("postgres",),
        "databases",
        ("secrets",),
        lambda stack, *_: RetiredDatabaseReconciler(stack) if stack.spec.retired else DatabaseReconciler(stack),
    ),
    "rds_endpoints": Stage(
        "Endpoints of the databases, each proven by a login with the secret's password.",
        ("postgres",),
        "databases",
        ("rds_instances",),
        lambda stack, *_: DatabaseEndpointReconciler(stack),
    ),
    "connection_secrets": Stage(
        "Every value that needs an endpoint: host and port in credentials, and the connection secrets.",
        ("secretsmanager",),
        "databases",
        ("secrets", "rds_endpoints"),
        lambda stack, *_: ConnectionReconciler(stack),
        marks=True,
    ),
    "secret_policies": Stage(
        "Resource policies: what the stack declares and what readers in other accounts need.",
        ("iam",),
        "access",
        ("connection_secrets",),
        lambda stack, deep, _: SecretPolicyReconciler(stack, deep=deep),
        marks=True,
    ),
    "rotation_functions": Stage(
        "The stack's own rotation function with role, log group and permission, where a secret says managed: true.",
        ("lambda",),
        "rotation",
        ("connection_secrets",),
        lambda stack, deep, _: RotationFunctionReconciler(stack, deep=deep),
    ),
    "rotation_event_queue": Stage(
        "The queue that brings AWS's events, and what leads to it from the stack's account, before anything rotates.",
        ("sqs", "eventbridge"),
        "rotation",
        (),
        lambda stack, deep, _: (
            RetiredRouteReconciler(stack) if stack.spec.retired else EventQueueReconciler(stack, deep=deep)
        ),
    ),
    "secret_rotation": Stage(
        "Rotation function and rules; an edit of the rules never rotates.",
        ("secretsmanager",),
        "rotation",
        ("rotation_functions", "rotation_event_queue"),
        lambda stack, deep, _: RotationReconciler(stack, deep=deep),
        marks=True,
    ),
    "secret_replicas": Stage(
        "Replicas in other regions, each under a key of its region, with their status.",
        ("secretsmanager",),
        "delivery",
        ("connection_secrets",),
        lambda stack, deep, _: ReplicaReconciler(stack, deep=deep),
        marks=True,
    ),
    "consumer_policies": Stage(
        "Inline policies that let consumers read, on roles of the stack's account where a component says so.",
        ("iam",),
        "access",
        ("connection_secrets",),
        lambda stack, *_: ConsumerPolicyReconciler(stack),
    ),
    "consumer_arns": Stage(
        "ARNs published in SSM, and delivered to Lambda, ECS and API Gateway where a component says so.",
        ("lambda", "ecs"),
        "delivery",
        ("consumer_policies", "secret_replicas"),
        lambda stack, deep, _: ConsumerReconciler(stack, deep=deep),
    ),
    "consumer_refresh": Stage(
        "Services, functions, stages and instances that run with an older value of a secret are started anew.",
        ("ecs", "lambda"),
        "delivery",
        ("secret_rotation", "consumer_arns"),
        lambda stack, deep, _: RefreshReconciler(stack, deep=deep),
    ),
}
"""By name, in the order in which they are applied; Dagster's assets are made from it."""


def plan_stack(
    stack: Stack, *, deep: bool | None = None, earlier: Earlier | None = None
) -> dict[str, tuple[Change, ...]]:
    """Plan a whole stack, by stage; reads only.

    Args:
        stack: the stack, of a run that does not write.
        deep: also read what marks vouch for; None as the options of the run say.
        earlier: changes of the stacks that are applied before this one.
    """
    planned = {name: plan_stage(name, make(stack, deep=deep)) for name, make in STAGES.items()}
    return foreseen(stack, planned, earlier or Earlier())


def commit(stack: Stack) -> Reconciler:
    """Make the reconciler of the last step, which marks what is finished."""
    return SecretMarkReconciler(stack)
