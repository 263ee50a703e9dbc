"""Aurora clusters for PostgreSQL: a real server behind writer and reader endpoint."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pg8000.native
import pytest
from pg8000.exceptions import DatabaseError, InterfaceError

from tests.waiting import SECONDS, WAITER, eventually

if TYPE_CHECKING:
    from mypy_boto3_rds import RDSClient
    from mypy_boto3_rds.type_defs import DBClusterTypeDef, DBInstanceTypeDef

    from tests.emulator.conftest import Clients, Refused

PASSWORD, NEWER = "First-password-1!'", "Second-password-2"
_pg8000: Any = pg8000.native  # it ships no types


@pytest.fixture
def rds(clients: Clients) -> RDSClient:
    return clients.rds


def create(rds: RDSClient, identifier: str, **settings: object) -> DBClusterTypeDef:
    wanted: Any = {
        "DBClusterIdentifier": identifier,
        "Engine": "aurora-postgresql",
        "MasterUsername": "orders_owner",
        "MasterUserPassword": PASSWORD,
        "DatabaseName": "orders",
        **settings,
    }
    return rds.create_db_cluster(**{name: value for name, value in wanted.items() if value is not None})["DBCluster"]


def add(rds: RDSClient, cluster: str, number: int = 1) -> DBInstanceTypeDef:
    return rds.create_db_instance(
        DBInstanceIdentifier=f"{cluster}-{number}",
        DBClusterIdentifier=cluster,
        DBInstanceClass="db.t4g.medium",
        Engine="aurora-postgresql",
    )["DBInstance"]


def describe(rds: RDSClient, identifier: str) -> DBClusterTypeDef:
    return rds.describe_db_clusters(DBClusterIdentifier=identifier)["DBClusters"][0]


def available(rds: RDSClient, identifier: str, *members: int) -> DBClusterTypeDef:
    rds.get_waiter("db_cluster_available").wait(DBClusterIdentifier=identifier, WaiterConfig=WAITER)
    for number in members:
        name = f"{identifier}-{number}"
        rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=name, WaiterConfig=WAITER)
    return describe(rds, identifier)


def ready(rds: RDSClient, identifier: str, **settings: object) -> DBClusterTypeDef:
    create(rds, identifier, **settings)
    add(rds, identifier)
    return available(rds, identifier, 1)


def login(host: str, port: int, password: str, user: str = "orders_owner") -> bool:
    try:
        connection = _pg8000.Connection(
            user, host=host, port=port, database="orders", password=password, timeout=SECONDS
        )
    # A server that is stopped hangs up during a handshake, too.
    except (DatabaseError, InterfaceError, OSError):
        return False
    connection.close()
    return True


def test_a_cluster_has_endpoints_from_the_beginning_and_answers_from_its_first_instance_on(rds: RDSClient) -> None:
    began = create(rds, "orders")
    assert began["Status"] == "creating"
    assert re.fullmatch(r"cluster-[A-Z0-9]{26}", began["DbClusterResourceId"])
    alone = available(rds, "orders")
    assert (alone["Endpoint"], alone["ReaderEndpoint"], alone["DBClusterMembers"]) == ("127.0.0.1", "localhost", [])
    assert not login(alone["Endpoint"], alone["Port"], PASSWORD)
    instance = add(rds, "orders")
    assert (instance["DBInstanceStatus"], "Endpoint" in instance) == ("creating", False)
    cluster = available(rds, "orders", 1)
    assert cluster["Port"] == alone["Port"]
    assert [(one["DBInstanceIdentifier"], one["IsClusterWriter"]) for one in cluster["DBClusterMembers"]] == [
        ("orders-1", True)
    ]
    for host in (cluster["Endpoint"], cluster["ReaderEndpoint"]):
        assert login(host, cluster["Port"], PASSWORD)
        assert not login(host, cluster["Port"], NEWER)


def test_a_second_instance_reads_and_two_clusters_have_resource_ids_of_their_own(rds: RDSClient) -> None:
    first = ready(rds, "two")
    add(rds, "two", 2)
    cluster = available(rds, "two", 1, 2)
    assert [one["IsClusterWriter"] for one in cluster["DBClusterMembers"]] == [True, False]
    instances = [rds.describe_db_instances(DBInstanceIdentifier=f"two-{n}")["DBInstances"][0] for n in (1, 2)]
    assert {one["DBClusterIdentifier"] for one in instances} == {"two"}
    assert {one["Endpoint"]["Port"] for one in instances} == {first["Port"]}
    assert create(rds, "another")["DbClusterResourceId"] != first["DbClusterResourceId"]


def test_a_changed_password_is_pending_then_real_and_the_old_one_is_refused(rds: RDSClient) -> None:
    cluster = ready(rds, "changed")
    answer = rds.modify_db_cluster(DBClusterIdentifier="changed", MasterUserPassword=NEWER, ApplyImmediately=True)[
        "DBCluster"
    ]
    assert answer["PendingModifiedValues"] == {"MasterUserPassword": "****"}
    eventually(lambda: not describe(rds, "changed").get("PendingModifiedValues"))
    assert login(cluster["Endpoint"], cluster["Port"], NEWER)
    assert not login(cluster["Endpoint"], cluster["Port"], PASSWORD)


def test_a_change_that_may_wait_waits_for_the_maintenance_window(rds: RDSClient) -> None:
    cluster = ready(rds, "later")
    rds.modify_db_cluster(DBClusterIdentifier="later", MasterUserPassword=NEWER)
    rds.modify_db_cluster(DBClusterIdentifier="later", MasterUserPassword=PASSWORD + "2", ApplyImmediately=True)
    eventually(lambda: login(cluster["Endpoint"], cluster["Port"], PASSWORD + "2"))
    assert not login(cluster["Endpoint"], cluster["Port"], NEWER)


def test_a_password_changed_before_the_first_instance_is_the_one_it_starts_with(rds: RDSClient) -> None:
    create(rds, "early")
    available(rds, "early")
    rds.modify_db_cluster(DBClusterIdentifier="early", MasterUserPassword=NEWER, ApplyImmediately=True)
    eventually(lambda: not describe(rds, "early").get("PendingModifiedValues"))
    add(rds, "early")
    cluster = available(rds, "early", 1)
    assert login(cluster["Endpoint"], cluster["Port"], NEWER)


def test_an_identifier_is_taken_once_and_a_stopped_or_missing_cluster_is_not_modified(
    rds: RDSClient, refused: Refused
) -> None:
    create(rds, "once")
    available(rds, "once")
    rds.stop_db_cluster(DBClusterIdentifier="once")
    with refused("InvalidDBClusterStateFault"):
        rds.modify_db_cluster(DBClusterIdentifier="once", MasterUserPassword=NEWER, ApplyImmediately=True)
    with refused("DBClusterAlreadyExistsFault"):
        create(rds, "once")
    with refused("DBClusterNotFoundFault"):
        rds.modify_db_cluster(DBClusterIdentifier="nobody", MasterUserPassword=NEWER)


@pytest.mark.parametrize("wrong", [{"MasterUserPassword": "with/slash"}, {"MasterUsername": "admin"}])
def test_what_rds_would_refuse_of_an_instance_it_refuses_of_a_cluster(
    rds: RDSClient, wrong: dict[str, str], refused: Refused
) -> None:
    with refused("InvalidParameterValue"):
        create(rds, "wrong", **wrong)
    with refused("DBClusterNotFoundFault"):
        describe(rds, "wrong")


def test_the_password_is_the_clusters_and_not_its_instances(rds: RDSClient, refused: Refused) -> None:
    ready(rds, "shared")
    with refused("InvalidParameterCombination"):
        rds.modify_db_instance(DBInstanceIdentifier="shared-1", MasterUserPassword=NEWER)
    with refused("DBClusterNotFoundFault"):
        add(rds, "nowhere")


def test_a_cluster_is_deleted_after_its_instances_and_takes_its_server_with_it(
    rds: RDSClient, refused: Refused
) -> None:
    cluster = ready(rds, "gone")
    with refused("InvalidDBClusterStateFault"):
        rds.delete_db_cluster(DBClusterIdentifier="gone", SkipFinalSnapshot=True)
    rds.delete_db_instance(DBInstanceIdentifier="gone-1", SkipFinalSnapshot=True)
    eventually(lambda: not login(cluster["Endpoint"], cluster["Port"], PASSWORD))
    add(rds, "gone", 2)
    again = available(rds, "gone", 2)
    assert login(again["Endpoint"], again["Port"], PASSWORD)
    rds.delete_db_instance(DBInstanceIdentifier="gone-2", SkipFinalSnapshot=True)
    rds.delete_db_cluster(DBClusterIdentifier="gone", SkipFinalSnapshot=True)
    with refused("DBClusterNotFoundFault"):
        describe(rds, "gone")


def test_a_stopped_cluster_refuses_logins_and_keeps_its_data(rds: RDSClient) -> None:
    cluster = ready(rds, "paused")
    rds.stop_db_cluster(DBClusterIdentifier="paused")
    eventually(lambda: not login(cluster["Endpoint"], cluster["Port"], PASSWORD))
    assert rds.describe_db_instances(DBInstanceIdentifier="paused-1")["DBInstances"][0]["DBInstanceStatus"] == "stopped"
    rds.start_db_cluster(DBClusterIdentifier="paused")
    again = available(rds, "paused", 1)
    assert login(again["Endpoint"], again["Port"], PASSWORD)


def test_a_managed_password_opens_the_cluster(clients: Clients, rds: RDSClient) -> None:
    cluster = ready(rds, "managed", MasterUserPassword=None, ManageMasterUserPassword=True)
    arn = cluster["MasterUserSecret"]["SecretArn"]
    value = json.loads(clients.secrets.get_secret_value(SecretId=arn)["SecretString"])
    assert login(cluster["Endpoint"], cluster["Port"], value["password"])
    assert clients.secrets.describe_secret(SecretId=arn)["OwningService"] == "rds"


def test_a_cluster_of_mysql_is_a_record(rds: RDSClient) -> None:
    create(rds, "record", Engine="aurora-mysql")
    rds.create_db_instance(
        DBInstanceIdentifier="record-1",
        DBClusterIdentifier="record",
        DBInstanceClass="db.t4g.medium",
        Engine="aurora-mysql",
    )
    cluster = available(rds, "record", 1)
    assert ".cluster-ro-" in cluster["ReaderEndpoint"]
    rds.modify_db_cluster(DBClusterIdentifier="record", MasterUserPassword=NEWER, ApplyImmediately=True)
    eventually(lambda: not describe(rds, "record").get("PendingModifiedValues"))
