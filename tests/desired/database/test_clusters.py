"""Aurora clusters in YAML: what makes a component one, what it may say, and which outputs it has."""

from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.desired.database.model import DatabaseSpec
from secrets_pipeline.desired.value.model import GeneratedValue
from secrets_pipeline.references.model import Output

if TYPE_CHECKING:
    from tests.desired.conftest import Bench

PASSWORD = 'password: "${output.secretsmanager.generated_passwords.master}"\n'
CLUSTER = "cluster_identifier: orders\nengine: aurora-postgresql\nmaster_username: app\ndatabase_name: orders\n"


def stack(variables: str, *, create: bool = True, reader: str = "x-9", credentials: str = "") -> str:
    return f"""\
components:
  terraform:
    secretsmanager:
      vars:
        context_name: myapp
        secrets:
          reader: {{secret_data: "{reader}"}}
          master:
            generate_random_password: true
{indent(credentials, " " * 12)}
    rds:
      settings: {{secrets_pipeline: {{create: {str(create).lower()}, components: {{rds: rds}}}}}}
      vars:
{indent(variables, " " * 8)}
"""


def database(bench: Bench, variables: str, *, create: bool = True) -> DatabaseSpec:
    (found,) = bench.spec(stack(variables, create=create)).databases
    return found


def test_an_engine_of_auroras_makes_a_cluster_with_its_instances_and_parameters(bench: Bench) -> None:
    variables = (
        CLUSTER + PASSWORD + 'engine_version: "16.4"\ninstance_class: db.serverless\ninstance_count: 3\nport: 5433\n'
        "serverlessv2_scaling_configuration: {min_capacity: 0.5, max_capacity: 4}\n"
        "deletion_protection: true\ndb_cluster_parameter_group_name: tuned\nvpc_security_group_ids: [sg-1]\n"
        "parameter_group_name: members\nauto_minor_version_upgrade: true\nbackup_retention_period: 7\n"
    )
    found = database(bench, variables)
    assert found == DatabaseSpec(
        component="rds",
        identifier="orders",
        engine="aurora-postgresql",
        engine_version="16.4",
        instance_class="db.serverless",
        instance_count=3,
        db_name="orders",
        port=5433,
        username="app",
        password=SecretRef(component="secretsmanager", key="master"),
        create=True,
        parameters={
            "BackupRetentionPeriod": 7,
            "DBClusterParameterGroupName": "tuned",
            "DeletionProtection": True,
            "ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 4.0},
            "StorageEncrypted": True,
            "VpcSecurityGroupIds": ["sg-1"],
        },
        instance_parameters={
            "AutoMinorVersionUpgrade": True,
            "DBParameterGroupName": "members",
            "PubliclyAccessible": False,
        },
        defaults={"publicly_accessible": False, "storage_encrypted": True},
    )
    assert (found.is_cluster, found.member_identifiers) == (True, ("orders-1", "orders-2", "orders-3"))


def test_a_cluster_has_one_instance_of_the_smallest_class_of_auroras_unless_it_says_more(bench: Bench) -> None:
    found = database(bench, CLUSTER + PASSWORD)
    assert (found.instance_count, found.instance_class) == (1, "db.t4g.medium")
    found = database(bench, CLUSTER + PASSWORD + "cluster_size: 2\ncluster_instance_class: db.r8g.large\n")
    assert (found.instance_count, found.instance_class) == (2, "db.r8g.large")


def test_a_cluster_of_terraforms_needs_nothing_but_its_name_and_engine(bench: Bench) -> None:
    found = database(bench, "identifier: orders\nengine: aurora-mysql\ncluster_size: 2\n", create=False)
    assert (found.is_cluster, found.create, dict(found.parameters)) == (True, False, {})
    assert found.username == Output("rds", ("username",))


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ("identifier: o\nengine: aurora\nusername: app\n" + PASSWORD, "engine is aurora, which AWS has retired"),
        ("identifier: o\nengine: aurora-postgres\nusername: app\n" + PASSWORD, "Did you mean aurora-postgresql?"),
        ("identifier: o\nengine: postgress\nusername: app\n" + PASSWORD, "Did you mean postgres?"),
        (CLUSTER, "the cluster to be made has no master password"),
        (CLUSTER.replace("aurora-postgresql", "postgres") + PASSWORD, "cluster_identifier is for Aurora clusters"),
        ("engine: postgres\nusername: app\ncluster_size: 3\n" + PASSWORD, "Multi-AZ DB clusters of other engines"),
        (CLUSTER + PASSWORD + "instance_count: 0\n", "Write a number from 1 to 16."),
        (CLUSTER + PASSWORD + "instance_count: 17\n", "Write a number from 1 to 16."),
        (CLUSTER + PASSWORD + "instance_count: 2\ncluster_size: 2\n", "instance_count and cluster_size mean the same"),
        (CLUSTER + PASSWORD + "identifier: orders\n", "identifier and cluster_identifier mean the same"),
        (CLUSTER.replace("orders", "o" * 62) + PASSWORD, "Write vars.cluster_identifier with up to 61 characters."),
        (CLUSTER + PASSWORD + "serverlessv2_scaling_configuration: {min: 1}\n", "unknown key min"),
        (CLUSTER.replace("app", "admin") + PASSWORD, "master_username is admin, which RDS reserves"),
        (CLUSTER.replace("app", "1app") + PASSWORD, "master_username is '1app', which RDS refuses"),
    ],
)
def test_a_wrong_cluster_is_an_error_that_says_what_to_write(bench: Bench, variables: str, problem: str) -> None:
    found = "\n".join(bench.errors(stack(variables)))
    assert problem in found
    assert "stack dev, component rds, key vars." in found


@pytest.mark.parametrize(
    ("capacity", "said"), [("true", "true or false"), ("'1'", "text"), ("300", "300"), ("-1", "-1")]
)
def test_a_capacity_is_a_number_that_aurora_has(bench: Bench, capacity: str, said: str) -> None:
    scaling = f"serverlessv2_scaling_configuration: {{min_capacity: {capacity}, max_capacity: 4}}\n"
    found = bench.only_error(stack(CLUSTER + PASSWORD + scaling))
    assert f"min_capacity is {said}" in found
    assert "Write a number from 0 to 256" in found


def test_the_cluster_identifier_without_an_engine_is_an_error_for_terraforms_too(bench: Bench) -> None:
    found = bench.only_error(stack("cluster_identifier: orders\n", create=False))
    assert "cluster_identifier is for Aurora clusters, but no engine is named" in found
    assert "Write engine: aurora-postgresql or aurora-mysql" in found


@pytest.mark.parametrize("output", ["reader_endpoint", "reader_address", "cluster_arn", "cluster_resource_id"])
def test_a_cluster_has_reader_and_cluster_outputs_and_an_instance_says_why_it_has_not(
    bench: Bench, output: str
) -> None:
    reference = "${output.rds." + output + "}"
    spec = bench.spec(stack(CLUSTER + PASSWORD, reader=reference))
    assert spec.secret(SecretRef(component="secretsmanager", key="reader")).needs_endpoint
    instance = "identifier: orders\nengine: postgres\nusername: app\n" + PASSWORD
    found = bench.only_unresolved(stack(instance, reader=reference))
    assert f"component rds is a single instance (engine is postgres), so it has no {output}" in found
    assert "Aurora clusters have it" in found


@pytest.mark.parametrize(("output", "instead"), [("instance_address", "address"), ("instance_arn", "cluster_arn")])
def test_outputs_of_instances_are_said_to_be_missing_in_a_cluster(bench: Bench, output: str, instead: str) -> None:
    found = bench.only_unresolved(stack(CLUSTER + PASSWORD, reader="${output.rds." + output + "}"))
    assert f"component rds is an Aurora cluster (engine is aurora-postgresql), so it has no {output}" in found
    assert "Write ${output.rds." + instead + "}." in found


def test_a_port_after_the_readers_endpoint_is_an_error(bench: Bench) -> None:
    reader = "postgresql://x@${output.rds.reader_endpoint}:5432/orders"
    assert "Write ${output.rds.reader_address}" in bench.only_error(stack(CLUSTER + PASSWORD, reader=reader))


def test_credentials_of_a_cluster_speak_of_its_engines_family_and_its_writer(bench: Bench) -> None:
    spec = bench.spec(stack(CLUSTER + PASSWORD, credentials="username: app\n"))
    value = spec.secret(SecretRef(component="secretsmanager", key="master")).value
    assert isinstance(value, GeneratedValue)
    assert dict(value.fields) == {
        "engine": "postgres",
        "host": Output("rds", ("address",)),
        "port": Output("rds", ("port",)),
        "username": "app",
        "dbname": "orders",
    }


def test_the_master_user_of_a_found_database_is_what_aws_says_unless_the_stack_does(bench: Bench) -> None:
    spec = bench.spec(stack("engine: postgres\n" + PASSWORD, create=False, credentials="dbname: x\n"))
    value = spec.secret(SecretRef(component="secretsmanager", key="master")).value
    assert isinstance(value, GeneratedValue)
    assert value.fields["username"] == Output("rds", ("username",))
    assert value.fields["dbname"] == "x"
    said = bench.spec(stack("engine: postgres\n" + PASSWORD, create=False, credentials="username: theirs\n"))
    value = said.secret(SecretRef(component="secretsmanager", key="master")).value
    assert isinstance(value, GeneratedValue)
    assert (value.fields["username"], value.fields["dbname"]) == ("theirs", Output("rds", ("db_name",)))


@pytest.mark.parametrize("identifier", ["orders", "orders-1"])
def test_neither_a_cluster_nor_its_instances_share_an_identifier(bench: Bench, identifier: str) -> None:
    named = "settings: {secrets_pipeline: {components: {rds: rds}}}"
    more = f"    rds/two:\n      {named}\n      vars: {{identifier: {identifier}, engine: postgres}}\n"
    found = bench.only_error(stack(CLUSTER + PASSWORD) + more)
    assert f"identifier {identifier} is also that of component rds" in found


def test_two_stacks_do_not_share_a_database_unless_one_only_looks_at_it(bench: Bench) -> None:
    text = stack(CLUSTER + PASSWORD)
    prod = text.replace("context_name: myapp", "context_name: other")
    built = bench.build(dev=text, prod=prod)
    (contested,) = built.specs["dev"].contested
    assert (contested.kind, contested.name, contested.stacks) == ("database", "orders", ("prod",))
    looking = stack("identifier: orders\nengine: aurora-postgresql\n", create=False)
    built = bench.build(dev=text, prod=looking.replace("context_name: myapp", "context_name: other"))
    assert not built.specs["dev"].contested
