"""RDS for PostgreSQL: real servers, real logins."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pg8000.native
import pytest
from botocore.exceptions import ClientError
from pg8000.exceptions import DatabaseError, InterfaceError

from tests.emulator.enforcement.ground import Actors, allow, refusal
from tests.waiting import WAITER, eventually

if TYPE_CHECKING:
    from mypy_boto3_rds import RDSClient
    from mypy_boto3_rds.type_defs import DBInstanceTypeDef

    from tests.emulator.conftest import Clients, Refused

PASSWORD, NEWER = "First-password-1!'", "Second-password-2"
_pg8000: Any = pg8000.native  # it ships no types


@pytest.fixture
def rds(clients: Clients) -> RDSClient:
    return clients.rds


def create(rds: RDSClient, identifier: str, **settings: object) -> DBInstanceTypeDef:
    wanted: Any = {
        "DBInstanceIdentifier": identifier,
        "Engine": "postgres",
        "DBInstanceClass": "db.t4g.micro",
        "AllocatedStorage": 20,
        "MasterUsername": "orders_owner",
        "MasterUserPassword": PASSWORD,
        "DBName": "orders",
        **settings,
    }
    return rds.create_db_instance(**{name: value for name, value in wanted.items() if value is not None})["DBInstance"]


def describe(rds: RDSClient, identifier: str) -> DBInstanceTypeDef:
    return rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0]


def available(rds: RDSClient, identifier: str) -> DBInstanceTypeDef:
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=identifier, WaiterConfig=WAITER)
    return describe(rds, identifier)


def login(instance: DBInstanceTypeDef, password: str, user: str = "orders_owner", database: str = "orders") -> str:
    endpoint = instance["Endpoint"]
    connection = _pg8000.Connection(
        user, host=endpoint["Address"], port=endpoint["Port"], database=database, password=password
    )
    try:
        return str(connection.run("SELECT current_user")[0][0])
    finally:
        connection.close()


def refuses(instance: DBInstanceTypeDef, password: str) -> bool:
    try:
        login(instance, password)
    # A server that is stopped hangs up during a handshake, too.
    except (DatabaseError, InterfaceError, OSError):
        return True
    return False


def test_an_instance_is_creating_without_endpoint_and_then_a_real_server(rds: RDSClient) -> None:
    began = create(rds, "orders")
    assert (began["DBInstanceStatus"], "Endpoint" in began) == ("creating", False)
    assert re.fullmatch(r"db-[A-Z0-9]{26}", began["DbiResourceId"])
    ready = available(rds, "orders")
    assert ready["Endpoint"]["Address"] == "127.0.0.1"
    assert login(ready, PASSWORD) == "orders_owner"
    assert refuses(ready, NEWER)
    assert ready["EngineVersion"].startswith("18.")


def test_a_changed_password_is_pending_then_real_and_the_old_one_is_refused(rds: RDSClient) -> None:
    create(rds, "changed")
    available(rds, "changed")
    answer = rds.modify_db_instance(DBInstanceIdentifier="changed", MasterUserPassword=NEWER)["DBInstance"]
    assert answer["PendingModifiedValues"] == {"MasterUserPassword": "****"}
    eventually(lambda: not describe(rds, "changed").get("PendingModifiedValues"))
    instance = describe(rds, "changed")
    assert login(instance, NEWER) == "orders_owner"
    assert refuses(instance, PASSWORD)


def test_the_master_user_is_no_superuser_but_may_create_roles(rds: RDSClient) -> None:
    create(rds, "owner")
    endpoint = available(rds, "owner")["Endpoint"]
    connection = _pg8000.Connection(
        "orders_owner", host=endpoint["Address"], port=endpoint["Port"], database="orders", password=PASSWORD
    )
    assert connection.run("SELECT rolsuper, rolcreaterole FROM pg_roles WHERE rolname = current_user") == [
        [False, True]
    ]
    connection.run("CREATE ROLE clone LOGIN PASSWORD 'another-one-3'")
    connection.run("CREATE TABLE kept (id int)")
    connection.close()


@pytest.mark.parametrize(
    ("group", "said", "public"),
    [
        (None, None, True),
        ("default", None, True),
        ("private", None, False),
        ("private", True, True),
        (None, False, False),
    ],
)
def test_an_instance_is_unencrypted_and_without_a_subnet_group_public_unless_the_caller_says_otherwise(
    clients: Clients, group: str | None, said: bool | None, public: bool
) -> None:
    subnets = [one["SubnetId"] for one in clients.ec2.describe_subnets()["Subnets"]]
    if group is not None and group not in (
        one["DBSubnetGroupName"] for one in clients.rds.describe_db_subnet_groups()["DBSubnetGroups"]
    ):
        clients.rds.create_db_subnet_group(DBSubnetGroupName=group, DBSubnetGroupDescription="-", SubnetIds=subnets)
    identifier = f"of-{group}-{said}"
    made = create(clients.rds, identifier, Engine="mysql", DBSubnetGroupName=group, PubliclyAccessible=said)
    assert (made["PubliclyAccessible"], made["StorageEncrypted"]) == (public, False)


@pytest.mark.parametrize(
    ("asked", "storage"),
    [({"AllocatedStorage": 19}, "gp3"), ({"StorageType": "standard", "AllocatedStorage": 4}, "standard")],
)
def test_less_storage_than_its_type_has_is_refused(rds: RDSClient, asked: dict[str, object], storage: str) -> None:
    said = f"Invalid storage size for engine name postgres and storage type {storage}: {asked['AllocatedStorage']}$"
    with pytest.raises(ClientError, match=said):
        create(rds, "small", **asked)


@pytest.mark.parametrize(
    "wrong", ["short", "a" * 129, "with/slash", "with@at12", 'with"quote', "with space", "ümlaut123"]
)
def test_a_password_that_rds_would_refuse_is_refused(rds: RDSClient, wrong: str, refused: Refused) -> None:
    with refused("InvalidParameterValue"):
        create(rds, "wrong", MasterUserPassword=wrong)
    with refused("DBInstanceNotFound"):
        describe(rds, "wrong")


def test_each_engine_has_its_own_longest_password(rds: RDSClient, refused: Refused) -> None:
    with refused("InvalidParameterValue"):
        create(rds, "mysql", Engine="mysql", MasterUserPassword="p" * 42)
    record = create(rds, "mysql", Engine="mysql", MasterUserPassword="p" * 41)
    assert record["Endpoint"]["Address"].endswith(".rds.amazonaws.com")


@pytest.mark.parametrize("user", ["admin", "rdsadmin", "1st", ""])
def test_a_master_user_that_rds_would_refuse_is_refused(rds: RDSClient, user: str, refused: Refused) -> None:
    with refused("InvalidParameterValue"):
        create(rds, "user", MasterUsername=user)


def test_an_instance_that_is_not_available_cannot_be_modified(rds: RDSClient, refused: Refused) -> None:
    create(rds, "busy")
    with refused("InvalidDBInstanceState"):
        rds.modify_db_instance(DBInstanceIdentifier="busy", MasterUserPassword=NEWER)


def test_a_deleted_instance_takes_its_server_with_it(rds: RDSClient) -> None:
    create(rds, "gone")
    instance = available(rds, "gone")
    rds.delete_db_instance(DBInstanceIdentifier="gone", SkipFinalSnapshot=True)
    eventually(lambda: refuses(instance, PASSWORD))


def test_a_stopped_instance_refuses_logins_and_keeps_its_data(rds: RDSClient) -> None:
    create(rds, "paused")
    instance = available(rds, "paused")
    rds.stop_db_instance(DBInstanceIdentifier="paused")
    eventually(lambda: refuses(instance, PASSWORD))
    rds.start_db_instance(DBInstanceIdentifier="paused")
    assert login(available(rds, "paused"), PASSWORD) == "orders_owner"


def test_a_managed_master_password_opens_the_database_and_its_secret_belongs_to_rds(
    clients: Clients, rds: RDSClient, refused: Refused
) -> None:
    create(rds, "managed", MasterUserPassword=None, ManageMasterUserPassword=True)
    instance = available(rds, "managed")
    arn = instance["MasterUserSecret"]["SecretArn"]
    value = json.loads(clients.secrets.get_secret_value(SecretId=arn)["SecretString"])
    assert login(instance, value["password"], user=value["username"]) == "orders_owner"
    assert clients.secrets.describe_secret(SecretId=arn)["OwningService"] == "rds"
    with refused("InvalidRequestException"):
        clients.secrets.put_secret_value(SecretId=arn, SecretString="mine")


def test_the_first_database_of_an_account_makes_rdss_role_for_whoever_may(clients: Clients) -> None:
    """Its text is quoted by the Aurora User Guide, under "Creating an Aurora Serverless v1 DB cluster"."""
    account = "555566667777"
    actors = Actors(clients, clients.in_account(account), account)
    making = ("rds:CreateDBInstance", "rds:CreateDBCluster", "rds:AddTagsToResource")
    actors.role("maker", allow(*making))
    rds = actors.session("maker").rds
    cluster: Any = {"DBClusterIdentifier": "first", "Engine": "aurora-postgresql", "MasterUsername": "owner"}
    refused = refusal(lambda: rds.create_db_cluster(**cluster, MasterUserPassword=PASSWORD))
    assert refused[0] == "InvalidParameterValue"
    assert "Verify that you have permission to create service linked role" in refused[1]
    service = {"StringEquals": {"iam:AWSServiceName": "rds.amazonaws.com"}}
    actors.allow("maker", allow(*making), allow("iam:CreateServiceLinkedRole", Condition=service))
    rds.create_db_cluster(**cluster, MasterUserPassword=PASSWORD)
    role = actors.clients.iam.get_role(RoleName="AWSServiceRoleForRDS")["Role"]
    assert role["Path"] == "/aws-service-role/rds.amazonaws.com/"
    # Once an account.
    actors.allow("maker", allow(*making))
    rds.create_db_cluster(**{**cluster, "DBClusterIdentifier": "second"}, MasterUserPassword=PASSWORD)
