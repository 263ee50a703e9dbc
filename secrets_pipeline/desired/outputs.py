"""List the outputs of managed components that a stack may refer to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

KEYED: Final = frozenset(
    {
        "secret_arns",
        "secret_ids",
        "secret_names",
        "secret_versions",
        "rotation_enabled_secrets",
        "generated_passwords",
        "secret_values",
    }
)
"""Outputs of a `secretsmanager` component that are maps by key of its `secrets`."""

OF_EVERY_DATABASE: Final = frozenset(
    {
        "address",
        "endpoint",
        "port",
        "db_name",
        "master_username",
        "username",
        "engine",
        "resource_id",
        "password_secret_arn",
        "master_user_secret_arn",
        "database_name",
        "admin_username",
    }
)
"""Outputs of an `rds` component. `endpoint` is `address:port`, also for a cluster, where it is the writer's.

For a cluster that Terraform makes by a component such as `aurora-postgres`, `endpoint` and `reader_endpoint` are hosts
without a port, as they are in Terraform.
Source: https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/rds_cluster (attributes)
"""

OF_INSTANCES: Final[Mapping[str, str]] = {
    "instance_id": "cluster_id",
    "instance_arn": "cluster_arn",
    "instance_address": "address",
    "instance_endpoint": "endpoint",
    "instance_port": "port",
    "instance_name": "db_name",
    "rds_address": "address",
    "rds_arn": "cluster_arn",
    "rds_endpoint": "endpoint",
    "rds_name": "db_name",
    "rds_port": "port",
    "rds_resource_id": "resource_id",
}
"""Outputs of an `rds` component that is an instance → what a cluster has in their place."""

OF_CLUSTERS: Final[Mapping[str, str]] = {
    "reader_endpoint": "endpoint",
    "reader_address": "address",
    "cluster_id": "instance_id",
    "cluster_identifier": "instance_id",
    "cluster_arn": "instance_arn",
    "cluster_resource_id": "resource_id",
    "cluster_endpoint": "endpoint",
    "aurora_mysql_cluster_arn": "instance_arn",
    "aurora_mysql_cluster_id": "instance_id",
    "aurora_mysql_cluster_name": "instance_id",
    "aurora_mysql_endpoint": "endpoint",
    "aurora_mysql_master_username": "username",
    "aurora_mysql_reader_endpoint": "endpoint",
}
"""Outputs of an `rds` component that is an Aurora cluster → what an instance has in their place."""

AS_IN_TERRAFORM: Final[Mapping[str, str]] = {
    "database_name": "db_name",
    "admin_username": "username",
    "rds_address": "address",
    "rds_arn": "instance_arn",
    "rds_endpoint": "endpoint",
    "rds_name": "db_name",
    "rds_port": "port",
    "rds_resource_id": "resource_id",
    "cluster_endpoint": "address",
    "aurora_mysql_cluster_arn": "cluster_arn",
    "aurora_mysql_cluster_id": "cluster_id",
    "aurora_mysql_cluster_name": "cluster_id",
    "aurora_mysql_endpoint": "address",
    "aurora_mysql_master_username": "username",
    "aurora_mysql_reader_endpoint": "reader_address",
}
"""Outputs of Cloud Posse's components `rds`, `aurora-postgres` and `aurora-mysql` → the same among those above.

Source: src/outputs.tf of https://github.com/cloudposse-terraform-components/aws-rds, aws-aurora-postgres and
aws-aurora-mysql. Their DNS names, for example `master_hostname`, are Route 53's, so only Terraform knows them.
"""

HOSTS: Final[Mapping[str, str]] = {"endpoint": "address", "reader_endpoint": "reader_address"}
"""Outputs that are hosts without a port for a cluster which Terraform makes → the output that is the host."""

OUTPUTS: Final[Mapping[str, frozenset[str]]] = {
    "secretsmanager": KEYED | {"kms_key_arn", "kms_key_id"},
    "kms": frozenset({"key_arn", "key_id", "alias_name", "alias_arn"}),
    "rds": OF_EVERY_DATABASE | OF_INSTANCES.keys() | OF_CLUSTERS.keys(),
    "lambda": frozenset({"function_arn", "function_name"}),
    "ecs": frozenset({"cluster_name", "service_name"}),
    "apigateway": frozenset({"stage_name"}),
}
"""Kind of component → its outputs."""

KINDS: Final = tuple(OUTPUTS)
"""Kinds of components that are recognised."""

NAMING_VARIABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "lambda": ("function_name",),
    "ecs": ("cluster_name", "service_name"),
    "apigateway": ("api_name", "stage_name"),
}
"""Variables without which the resource of a component that Terraform makes cannot be found."""

KNOWN_WITHOUT_INSTANCE: Final = frozenset({"password_secret_arn"})
"""Outputs of an `rds` component that do not wait for the instance, where its password is a secret of the stack."""
