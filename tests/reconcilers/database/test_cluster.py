"""Aurora clusters: created with their instances, found, proven through the cluster, and read by two endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.database.model import DatabaseSpec
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.model import Applied, ChangeClass, Failed, Unchanged
from secrets_pipeline.operations.stages import STAGES
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.tag_keys import COMPONENT, PASSWORD, STACK
from secrets_pipeline.references.resolve import Pending
from tests.bench import said
from tests.databases import logs_in
from tests.waiting import WAITER, eventually

if TYPE_CHECKING:
    from mypy_boto3_rds.type_defs import DBClusterTypeDef

    from tests.bench import Bench, Interruption, Rotation

STAGE = "rds_instances"
FIELDS = {
    "engine": "postgres",
    "host": "${output.rds.address}",
    "port": "${output.rds.port}",
    "username": "owner",
    "dbname": "orders",
}
URL = "postgresql://owner:${output.secrets.generated_passwords.password}@${output.rds.reader_endpoint}/orders"


def database(bench: Bench, **more: object) -> DatabaseSpec:
    return bench.database(engine="aurora-postgresql", instance_class="db.t4g.medium", **more)


def reader(bench: Bench) -> SecretSpec:
    return bench.declared("reader", {"url": URL}, needs_endpoint=True, depends_on=(bench.ref("password"),))


def declared(bench: Bench, **more: object) -> StackSpec:
    return bench.spec(bench.generated(fields=FIELDS), reader(bench), databases=(database(bench, **more),))


@pytest.fixture
def spec(bench: Bench) -> StackSpec:
    """Credentials, a connection to the readers and a cluster, provisioned."""
    spec = declared(bench)
    assert {type(one) for one in bench.provision(spec).values()} <= {Applied, Unchanged}
    return spec


def cluster(bench: Bench) -> DBClusterTypeDef:
    return bench.rds.describe_db_clusters(DBClusterIdentifier=bench.stack)["DBClusters"][0]


def members(bench: Bench) -> list[tuple[str, bool]]:
    return [(one["DBInstanceIdentifier"], one["IsClusterWriter"]) for one in cluster(bench)["DBClusterMembers"]]


def tags(bench: Bench) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in cluster(bench)["TagList"]}


def proof(bench: Bench) -> str:
    return f"{cluster(bench)['DbClusterResourceId']}:{bench.current('password')}"


def accepts(bench: Bench, password: str) -> bool:
    at = cluster(bench)
    return logs_in(at["Endpoint"], at["Port"], "owner", password, "orders")


def set_in_cluster(bench: Bench, password: str) -> None:
    bench.rds.modify_db_cluster(DBClusterIdentifier=bench.stack, MasterUserPassword=password, ApplyImmediately=True)
    eventually(lambda: not cluster(bench).get("PendingModifiedValues"))


def test_a_cluster_is_created_with_its_writer_and_proven_and_its_endpoints_come_back(
    bench: Bench, spec: StackSpec
) -> None:
    assert members(bench) == [(f"{bench.stack}-1", True)]
    assert (tags(bench)[STACK], tags(bench)[COMPONENT], tags(bench)[PASSWORD]) == (bench.stack, "rds", proof(bench))
    port, credentials = cluster(bench)["Port"], bench.document("password")
    assert accepts(bench, credentials["password"])
    assert {**credentials, "password": ""} == {
        "engine": "postgres",
        "host": "127.0.0.1",
        "port": port,
        "username": "owner",
        "dbname": "orders",
        "password": "",
    }
    assert bench.document("reader")["url"] == (f"postgresql://owner:{credentials['password']}@localhost:{port}/orders")
    bench.reset_calls()
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}
    assert bench.calls()["GetSecretValue"] == 0
    assert dict(bench.calls("rds")) == {"DescribeDBClusters": 1, "DescribeDBInstances": 1}


def test_outputs_of_a_cluster_are_what_aws_holds(bench: Bench, spec: StackSpec) -> None:
    outputs, at = bench.context(spec).resolve, cluster(bench)
    expected = {
        "address": "127.0.0.1",
        "endpoint": f"127.0.0.1:{at['Port']}",
        "reader_address": "localhost",
        "reader_endpoint": f"localhost:{at['Port']}",
        "cluster_id": bench.stack,
        "cluster_identifier": bench.stack,
        "cluster_arn": at["DBClusterArn"],
        "cluster_resource_id": at["DbClusterResourceId"],
        "resource_id": at["DbClusterResourceId"],
        "db_name": "orders",
        "engine": "aurora-postgresql",
    }
    assert {name: outputs.text(bench.late(f"${{output.rds.{name}}}")) for name in expected} == expected


def test_an_output_that_an_instance_has_not_is_said_to_be_missing_where_only_a_run_can_tell(bench: Bench) -> None:
    instance = bench.spec(bench.generated(), databases=(bench.database(),))
    bench.provision(instance, "secrets", STAGE)
    found = bench.context(instance).resolve.text(bench.late("${output.rds.reader_endpoint}"))
    assert isinstance(found, Pending)
    assert "has no reader_endpoint" in found.reason


def test_more_instances_are_added_and_none_is_taken_away(bench: Bench, spec: StackSpec) -> None:
    grown = declared(bench, instance_count=3)
    change = bench.plan(grown, STAGE)[bench.stack]
    assert said(change) == (f"instance {bench.stack}-2 is missing", f"instance {bench.stack}-3 is missing")
    bench.provision(grown, STAGE)
    assert [name for name, _ in members(bench)] == [f"{bench.stack}-{number}" for number in (1, 2, 3)]
    assert bench.plan(spec, STAGE)[bench.stack].action is ChangeClass.NONE


@pytest.mark.parametrize("since_the_plan", [False, True])
def test_an_instance_of_that_name_that_is_none_of_the_cluster_fails_with_a_remedy(
    bench: Bench, spec: StackSpec, *, since_the_plan: bool
) -> None:
    reconciler = STAGES[STAGE](bench.context(declared(bench, instance_count=2)))
    changes = reconciler.plan() if since_the_plan else None
    bench.rds.create_db_instance(
        DBInstanceIdentifier=f"{bench.stack}-2",
        Engine="mysql",
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        MasterUsername="owner",
        MasterUserPassword="another-one-1",
    )
    outcome = bench.run(reconciler, changes)[bench.stack]
    assert isinstance(outcome, Failed)
    assert f"instance {bench.stack}-2 exists and is none of the cluster" in outcome.error.message
    assert outcome.error.remedy


def test_a_refused_password_of_ours_is_set_on_the_cluster_and_a_rotated_one_is_not(
    bench: Bench, spec: StackSpec, rotate: Rotation
) -> None:
    set_in_cluster(bench, "somebody-elses-password")
    bench.rds.remove_tags_from_resource(ResourceName=cluster(bench)["DBClusterArn"], TagKeys=[PASSWORD])
    bench.reset_calls()
    assert isinstance(bench.provision(spec)[f"rds_endpoints {bench.stack}"], Applied)
    assert (bench.calls("rds")["ModifyDBCluster"], bench.calls("rds")["ModifyDBInstance"]) == (1, 0)
    assert accepts(bench, bench.document("password")["password"])
    assert tags(bench)[PASSWORD] == proof(bench)
    rotate()
    change = bench.plan(spec, "rds_endpoints")[bench.stack]
    assert change.action is ChangeClass.NONE
    assert "was rotated" in change.reason


def test_a_cluster_that_terraform_made_is_used_by_its_name_and_engine(bench: Bench) -> None:
    bench.rds.create_db_cluster(
        DBClusterIdentifier=bench.stack,
        Engine="aurora-postgresql",
        MasterUsername="owner",
        MasterUserPassword="a-password-of-theirs",
        DatabaseName="orders",
    )
    bench.rds.create_db_instance(
        DBInstanceIdentifier=f"{bench.stack}-writer",
        DBClusterIdentifier=bench.stack,
        DBInstanceClass="db.t4g.medium",
        Engine="aurora-postgresql",
    )
    bench.rds.get_waiter("db_instance_available").wait(
        DBInstanceIdentifier=f"{bench.stack}-writer", WaiterConfig=WAITER
    )
    ours = declared(bench)
    assert bench.plan(ours, STAGE)[bench.stack].action is ChangeClass.BLOCKED
    found = declared(bench, create=False, instance_count=2)
    assert bench.plan(found, STAGE)[bench.stack].action is ChangeClass.BLOCKED
    options = ApplyOptions(adopt=(bench.stack,))
    assert isinstance(bench.provision(found, options=options)[f"rds_endpoints {bench.stack}"], Applied)
    assert bench.plan(found, STAGE)[bench.stack].reason == "found"
    assert accepts(bench, bench.document("password")["password"])
    assert members(bench) == [(f"{bench.stack}-writer", True)]
    # What a component must write to mean the cluster.
    instance = bench.spec(databases=(bench.database(create=False, password=None),))
    assert bench.plan(instance, STAGE)[bench.stack].reason == (
        "is a cluster, not an RDS instance: write engine: aurora-postgresql"
    )
    member = bench.database(create=False).model_copy(update={"identifier": f"{bench.stack}-writer"})
    change = bench.plan(bench.spec(bench.generated(), databases=(member,)), STAGE)[f"{bench.stack}-writer"]
    assert change.reason == (
        f"is an instance of the Aurora cluster {bench.stack}: "
        f"write identifier: {bench.stack} and engine: aurora-postgresql"
    )


def test_wherever_a_run_is_killed_while_it_creates_a_cluster_the_next_one_finishes(
    bench: Bench, interruption: Interruption, killed: type[BaseException]
) -> None:
    for operation, edge in (
        ("CreateDBCluster", "before"),
        ("CreateDBCluster", "after"),
        ("CreateDBInstance", "before"),
        ("CreateDBInstance", "after"),
    ):
        own = bench.another()
        spec = declared(own, instance_count=2)

        def strike(called: str, operation: str = operation) -> None:
            if called == operation:
                raise killed

        interruption.before = interruption.after = lambda _operation: None
        setattr(interruption, edge, strike)
        with pytest.raises(killed):
            own.provision(spec, interruption=interruption)
        assert isinstance(own.provision(spec)[f"rds_endpoints {own.stack}"], Applied)
        assert [name for name, _ in members(own)] == [f"{own.stack}-1", f"{own.stack}-2"]
        assert {type(one) for one in own.provision(spec).values()} == {Unchanged}


def test_a_cluster_of_mysql_is_created_as_well(bench: Bench) -> None:
    mysql = bench.database(engine="aurora-mysql", instance_class="db.t4g.medium")
    # The embedded AWS keeps a record only: nobody answers at its endpoint.
    offline = OperatorSettings(database_logins=False)
    spec = bench.spec(bench.generated(), databases=(mysql,))
    outcomes = bench.provision(spec, settings=offline)
    assert isinstance(outcomes[f"{STAGE} {bench.stack}"], Applied)
    assert members(bench) == [(f"{bench.stack}-1", True)]
    assert {type(one) for one in bench.provision(spec, settings=offline).values()} == {Unchanged}
    assert PASSWORD not in tags(bench)


def test_the_secret_of_a_cluster_that_rds_manages_is_named_and_never_written(bench: Bench) -> None:
    managed = database(bench, password=None, manage_master_user_password=True)
    spec = bench.create(
        bench.declared("arn", "${output.rds.password_secret_arn}", needs_endpoint=True), databases=(managed,)
    )
    arn = cluster(bench)["MasterUserSecret"]["SecretArn"]
    assert bench.value("arn") == arn
    assert list(bench.secrets.describe_secret(SecretId=arn)["VersionIdsToStages"].values()) == [["AWSCURRENT"]]
    bench.reset_calls()
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}
    assert bench.calls()["GetSecretValue"] == 0


def test_a_restored_cluster_is_noticed_by_its_resource_id_and_gets_our_password_again(
    bench: Bench, spec: StackSpec
) -> None:
    set_in_cluster(bench, "of-an-older-time-1")
    old = cluster(bench)
    bench.rds.create_db_cluster_snapshot(DBClusterIdentifier=bench.stack, DBClusterSnapshotIdentifier=bench.stack)
    bench.rds.delete_db_instance(DBInstanceIdentifier=f"{bench.stack}-1", SkipFinalSnapshot=True)
    bench.rds.delete_db_cluster(DBClusterIdentifier=bench.stack, SkipFinalSnapshot=True)
    bench.rds.restore_db_cluster_from_snapshot(
        DBClusterIdentifier=bench.stack,
        SnapshotIdentifier=bench.stack,
        Engine="aurora-postgresql",
        Tags=old["TagList"],
    )
    restored = cluster(bench)
    assert restored["DbClusterResourceId"] != old["DbClusterResourceId"]
    # A restored cluster has no instances: they are made as well.
    assert said(bench.plan(spec, STAGE)[bench.stack]) == (f"instance {bench.stack}-1 is missing",)
    assert isinstance(bench.provision(spec)[f"rds_endpoints {bench.stack}"], Applied)
    assert accepts(bench, bench.document("password")["password"])
    assert tags(bench)[PASSWORD] == proof(bench)
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}
