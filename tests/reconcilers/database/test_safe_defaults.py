"""From YAML to RDS: what a new database gets where the YAML says nothing, and that an old one keeps what it has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.model import ChangeClass
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from tests.bench import said
from tests.desired.conftest import Bench as Yaml

if TYPE_CHECKING:
    from mypy_boto3_rds.type_defs import DBInstanceTypeDef

    from tests.bench import Bench

STAGES = ("secrets", "rds_instances")
# Records of the embedded AWS: no server is needed.
INSTANCE, CLUSTER = "engine: mysql\nidentifier", "engine: aurora-mysql\ncluster_identifier"
SHOWN = ("publicly_accessible: false by default", "storage_encrypted: true by default")


@pytest.fixture
def yaml(tmp_path: Path) -> Yaml:
    return Yaml(tmp_path)


def declared(yaml: Yaml, identifier: str, variables: str, environment: str = "dev") -> StackSpec:
    return yaml.spec(f"""
components:
  terraform:
    secretsmanager:
      vars:
        context_name: {identifier}
        environment: {environment}
        secrets:
          master: {{generate_random_password: true, username: app}}
    rds:
      settings: {{secrets_pipeline: {{create: true}}}}
      vars: {{username: app, password: "${{output.secretsmanager.generated_passwords.master}}",
        {variables.replace("identifier", f"identifier: {identifier}").replace(chr(10), ", ")}}}
""")


def instance(bench: Bench, identifier: str) -> DBInstanceTypeDef:
    return bench.rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0]


def test_a_new_instance_is_private_and_encrypted_and_the_plan_says_so(bench: Bench, yaml: Yaml) -> None:
    spec = declared(yaml, bench.stack, INSTANCE)
    change = bench.plan(spec, "rds_instances")[bench.stack]
    assert (change.action, said(change)) == (ChangeClass.CREATE, SHOWN)
    bench.provision(spec, *STAGES)
    made = instance(bench, bench.stack)
    assert (made["PubliclyAccessible"], made["StorageEncrypted"], made["DeletionProtection"]) == (False, True, False)


def test_a_new_instance_of_production_is_kept_from_deletion_too(bench: Bench, yaml: Yaml) -> None:
    spec = declared(yaml, bench.stack, INSTANCE, "prod")
    change = bench.plan(spec, "rds_instances")[bench.stack]
    assert said(change) == (*SHOWN, "deletion_protection: true by default")
    bench.provision(spec, *STAGES)
    assert instance(bench, bench.stack)["DeletionProtection"]


def test_a_new_instance_is_as_the_yaml_says(bench: Bench, yaml: Yaml) -> None:
    wanted = INSTANCE + "\npublicly_accessible: true\nstorage_encrypted: false\ndeletion_protection: false"
    spec = declared(yaml, bench.stack, wanted, "prod")
    assert said(bench.plan(spec, "rds_instances")[bench.stack]) == ()
    bench.provision(spec, *STAGES)
    made = instance(bench, bench.stack)
    assert (made["PubliclyAccessible"], made["StorageEncrypted"], made["DeletionProtection"]) == (True, False, False)


def test_a_new_cluster_is_encrypted_and_its_instances_are_private_in_a_public_subnet_group_too(
    bench: Bench, yaml: Yaml
) -> None:
    subnets = [one["SubnetId"] for one in bench.session.client("ec2").describe_subnets()["Subnets"]]
    bench.rds.create_db_subnet_group(DBSubnetGroupName="default", DBSubnetGroupDescription="-", SubnetIds=subnets)
    spec = declared(yaml, bench.stack, CLUSTER + "\ndb_subnet_group_name: default", "prod")
    assert said(bench.plan(spec, "rds_instances")[bench.stack]) == (*SHOWN, "deletion_protection: true by default")
    bench.provision(spec, *STAGES)
    made = bench.rds.describe_db_clusters(DBClusterIdentifier=bench.stack)["DBClusters"][0]
    assert (made["StorageEncrypted"], made["DeletionProtection"]) == (True, True)
    assert not instance(bench, f"{bench.stack}-1")["PubliclyAccessible"]
    # A member that comes later is private as well, and the plan says so.
    bench.rds.delete_db_instance(DBInstanceIdentifier=f"{bench.stack}-1", SkipFinalSnapshot=True)
    missing = said(bench.plan(spec, "rds_instances")[bench.stack])
    assert missing == (f"instance {bench.stack}-1 is missing", SHOWN[0])


def test_a_database_that_exists_keeps_what_it_has(bench: Bench, yaml: Yaml) -> None:
    bench.rds.create_db_instance(
        DBInstanceIdentifier=bench.stack,
        Engine="mysql",
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        MasterUsername="app",
        MasterUserPassword="a-password-of-theirs",
    )
    spec = declared(yaml, bench.stack, INSTANCE, "prod")
    adopting = ApplyOptions(adopt=(bench.stack,))
    assert "by default" not in bench.plan(spec, "rds_instances", options=adopting)[bench.stack].reason
    bench.reset_calls()
    bench.provision(spec, *STAGES, options=adopting)
    assert bench.plan(spec, "rds_instances")[bench.stack].action is ChangeClass.NONE
    assert bench.calls("rds")["ModifyDBInstance"] == 0
    made = instance(bench, bench.stack)
    assert (made["PubliclyAccessible"], made["StorageEncrypted"], made["DeletionProtection"]) == (True, False, False)
