"""Resolved stack in, desired state out. The input contract lives here."""

from secrets_pipeline.spec.across import followers, referred
from secrets_pipeline.spec.alert_settings import AlertSettings
from secrets_pipeline.spec.boundaries import ALLOW_TAG, Boundary, Contested, Crossing, allows
from secrets_pipeline.spec.build import SpecSet, build_spec, build_specs
from secrets_pipeline.spec.control_model import CONTROL_IDS, ControlParameters
from secrets_pipeline.spec.grants import DocumentGrant, GrantRule
from secrets_pipeline.spec.limits import INLINE_POLICY_CHARACTERS, KEY_POLICY_BYTES, POLICY_BYTES
from secrets_pipeline.spec.lockout import locks_out_root
from secrets_pipeline.spec.model import (
    ConsumerSpec,
    DatabaseSpec,
    DeclaredValue,
    Delivery,
    Document,
    EcsDelivery,
    GeneratedValue,
    KeySpec,
    LambdaDelivery,
    Late,
    LateExpression,
    Leaf,
    PasswordPolicy,
    PodSpec,
    PrincipalRole,
    ReaderType,
    ReplicaSpec,
    RotationFunctionSpec,
    RotationSpec,
    RotationStrategy,
    SecretRef,
    SecretSpec,
    SecretType,
    StackSpec,
    StageDelivery,
    Target,
)
from secrets_pipeline.spec.operator import (
    REPOSITORY_ID,
    EventSettings,
    OperatorSettings,
    SealSettings,
    TargetRule,
    load_settings,
)
from secrets_pipeline.spec.outputs import OUTPUTS
from secrets_pipeline.spec.refresh_model import (
    EcsRefresh,
    LambdaRefresh,
    RefreshMeans,
    RefreshSpec,
    SsmRefresh,
    StageRefresh,
)
from secrets_pipeline.spec.schedule_expressions import Cron, Rate, parse_schedule
from secrets_pipeline.spec.scope import Locate
from secrets_pipeline.spec.secret_data import leaf_expression
from secrets_pipeline.spec.unresolved import Unresolved, UnresolvedReason
from secrets_pipeline.spec.variables import expression_of
from secrets_pipeline.spec.verification_model import VerificationSettings, VerificationSpec

__all__ = [
    "ALLOW_TAG",
    "CONTROL_IDS",
    "INLINE_POLICY_CHARACTERS",
    "KEY_POLICY_BYTES",
    "OUTPUTS",
    "POLICY_BYTES",
    "REPOSITORY_ID",
    "AlertSettings",
    "Boundary",
    "ConsumerSpec",
    "Contested",
    "ControlParameters",
    "Cron",
    "Crossing",
    "DatabaseSpec",
    "DeclaredValue",
    "Delivery",
    "Document",
    "DocumentGrant",
    "EcsDelivery",
    "EcsRefresh",
    "EventSettings",
    "GeneratedValue",
    "GrantRule",
    "KeySpec",
    "LambdaDelivery",
    "LambdaRefresh",
    "Late",
    "LateExpression",
    "Leaf",
    "Locate",
    "OperatorSettings",
    "PasswordPolicy",
    "PodSpec",
    "PrincipalRole",
    "Rate",
    "ReaderType",
    "RefreshMeans",
    "RefreshSpec",
    "ReplicaSpec",
    "RotationFunctionSpec",
    "RotationSpec",
    "RotationStrategy",
    "SealSettings",
    "SecretRef",
    "SecretSpec",
    "SecretType",
    "SpecSet",
    "SsmRefresh",
    "StackSpec",
    "StageDelivery",
    "StageRefresh",
    "Target",
    "TargetRule",
    "Unresolved",
    "UnresolvedReason",
    "VerificationSettings",
    "VerificationSpec",
    "allows",
    "build_spec",
    "build_specs",
    "expression_of",
    "followers",
    "leaf_expression",
    "load_settings",
    "locks_out_root",
    "parse_schedule",
    "referred",
]
