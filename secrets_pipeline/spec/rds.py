"""`rds` components: instances, and which secret is their master password.

Variables are those of tf-atmos's component; parameters as in
https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from secrets_pipeline.references import Output
from secrets_pipeline.spec.inputs import Inputs
from secrets_pipeline.spec.model import DatabaseSpec, SecretRef
from secrets_pipeline.spec.names import instance_identifier
from secrets_pipeline.spec.scope import ComponentScope
from secrets_pipeline.spec.sinks import check

_IDENTIFIER = re.compile(r"(?!.*--)[a-zA-Z][a-zA-Z0-9-]{0,61}[a-zA-Z0-9]|[a-zA-Z]")
_TEXTS = {
    "availability_zone": "AvailabilityZone",
    "backup_window": "PreferredBackupWindow",
    "ca_cert_identifier": "CACertificateIdentifier",
    "db_subnet_group_name": "DBSubnetGroupName",
    "kms_key_id": "KmsKeyId",
    "maintenance_window": "PreferredMaintenanceWindow",
    "parameter_group_name": "DBParameterGroupName",
    "storage_type": "StorageType",
}
_NUMBERS = {
    "backup_retention_period": "BackupRetentionPeriod",
    "iops": "Iops",
    "max_allocated_storage": "MaxAllocatedStorage",
    "storage_throughput": "StorageThroughput",
}
_FLAGS = {
    "auto_minor_version_upgrade": "AutoMinorVersionUpgrade",
    "copy_tags_to_snapshot": "CopyTagsToSnapshot",
    "deletion_protection": "DeletionProtection",
    "iam_database_authentication_enabled": "EnableIAMDatabaseAuthentication",
    "multi_az": "MultiAZ",
    "publicly_accessible": "PubliclyAccessible",
    "storage_encrypted": "StorageEncrypted",
}
_LISTS = {
    "enabled_cloudwatch_logs_exports": "EnableCloudwatchLogsExports",
    "vpc_security_group_ids": "VpcSecurityGroupIds",
}
_DEFAULT_ENGINE, _DEFAULT_USERNAME = "mysql", "admin"
_REFERENCE = "${output.secretsmanager.generated_passwords.<key>}"


def read_component(scope: ComponentScope) -> DatabaseSpec:
    """The instance of one component; what is wrong is collected."""
    inputs = Inputs(scope, scope.component.vars, ("vars",))
    create = scope.flag("create")
    managed = inputs.boolean("manage_master_user_password", default=False)
    password = _password(inputs)
    key = next((one for one in ("username", "master_username") if inputs.has(one)), "username")
    if create:
        for needed, example in (("engine", "postgres"), (key, "app")):
            if not inputs.has(needed):
                inputs.error(
                    needed, f"{needed} is missing", f"Write vars.{needed}: {example}; the instance is made here."
                )
        if password is None and not managed and not _has_password(inputs):
            inputs.error(
                "password",
                "the instance to be made has no master password",
                f'Write password: "{_REFERENCE}", or manage_master_user_password: true.',
            )
    if managed and _has_password(inputs):
        inputs.error(
            "manage_master_user_password",
            "manage_master_user_password stands beside a password",
            "Keep one: RDS writes the secret itself, or a secret of this stack is the password.",
        )
    return DatabaseSpec(
        component=scope.name,
        identifier=_identifier(inputs),
        engine=inputs.text("engine") or _DEFAULT_ENGINE,
        engine_version=inputs.text("engine_version", example="16.4"),
        instance_class=inputs.text("instance_class") or "db.t4g.micro",
        allocated_storage=inputs.integer("allocated_storage", 20, least=5, most=65536) or 20,
        db_name=inputs.text("db_name"),
        port=inputs.integer("port", least=1150, most=65535),
        username=inputs.late(key) or _DEFAULT_USERNAME,
        password=password,
        manage_master_user_password=managed,
        create=create,
        tags=inputs.tags(),
        parameters=_parameters(inputs) if create else {},
    )


def _identifier(inputs: Inputs) -> str:
    given = inputs.text("identifier", pattern=_IDENTIFIER, example="orders-dev")
    if given:
        return given.lower()
    context = inputs.text("context_name") or inputs.text("tenant")
    return instance_identifier(context, inputs.text("environment"), inputs.scope.name)


def _has_password(inputs: Inputs) -> bool:
    return inputs.has("password") or inputs.has("master_password")


def _password(inputs: Inputs) -> SecretRef | None:
    """The secret whose generated password is the master password."""
    key = "master_password" if inputs.has("master_password") else "password"
    if not inputs.has(key):
        return None
    errors = len(inputs.scope.stack.errors)
    expression = inputs.scope.expression(inputs.values[key], inputs.at(key))
    if expression is None or not check(inputs.scope, expression, inputs.at(key), sensitive_allowed=True):
        return None
    match expression:
        case Output(component=component, path=(_, str(secret), *_), stack=stack) if expression.sensitive:
            _check_source(inputs, key, SecretRef(component=component, key=secret), stack)
            return SecretRef(component=component, key=secret) if len(inputs.scope.stack.errors) == errors else None
    inputs.error(
        key,
        f"{key} is not a reference to a secret of this stack",
        f'Take the password out of the YAML, let it be generated, and write {key}: "{_REFERENCE}".',
    )
    return None


def _check_source(inputs: Inputs, key: str, ref: SecretRef, stack: str | None) -> None:
    if stack not in (None, inputs.scope.stack.stack.name):
        inputs.error(key, f"{key} refers to a secret of stack {stack}", "Declare the password in this stack.")
        return
    secrets: Any = inputs.scope.stack.components[ref.component].component.vars.get("secrets")
    entry = secrets.get(ref.key) if isinstance(secrets, Mapping) else None
    if not isinstance(entry, Mapping) or entry.get("generate_random_password") is not True:
        inputs.error(
            key,
            f"secret {ref.key} of component {ref.component} is not generated, so it cannot be a master password",
            "Set generate_random_password: true there.",
        )


def _parameters(inputs: Inputs) -> dict[str, Any]:
    parameters: dict[str, Any] = {}
    for key, name in _TEXTS.items():
        parameters[name] = inputs.text(key)
    for key, name in _NUMBERS.items():
        parameters[name] = inputs.integer(key)
    for key, name in _FLAGS.items():
        parameters[name] = inputs.boolean(key, default=False) if inputs.has(key) else None
    for key, name in _LISTS.items():
        parameters[name] = list(inputs.texts(key)) or None
    return {name: value for name, value in parameters.items() if value is not None}
