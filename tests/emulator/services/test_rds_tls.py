"""TLS of the embedded RDS, as clients of RDS use it."""

from __future__ import annotations

import io
import json
import socket
import ssl
import zipfile
from typing import TYPE_CHECKING, Any

import pg8000.native
import pytest
from pg8000.exceptions import DatabaseError, InterfaceError

from secrets_pipeline.emulator.postgres import Authority
from tests.waiting import SECONDS, WAITER, eventually

if TYPE_CHECKING:
    from mypy_boto3_rds.type_defs import EndpointTypeDef

    from secrets_pipeline.emulator import LocalAws
    from tests.emulator.conftest import Clients

PASSWORD = "First-password-1!'"
_pg8000: Any = pg8000.native  # it ships no types
FUNCTION = """
import pg8000.native
import ssl

def handler(event, context):
    # The trust store is the runtime's; nothing names a certificate.
    connection = pg8000.native.Connection(**event, ssl_context=ssl.create_default_context(), timeout=25)
    cipher = connection._usock.cipher()
    return {"user": connection.run("SELECT current_user")[0][0], "cipher": bool(cipher)}
"""


@pytest.fixture(scope="module")
def endpoint(clients: Clients) -> EndpointTypeDef:
    clients.rds.create_db_instance(
        DBInstanceIdentifier="encrypted",
        Engine="postgres",
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        MasterUsername="orders_owner",
        MasterUserPassword=PASSWORD,
        DBName="orders",
    )
    return available(clients)


def available(clients: Clients) -> EndpointTypeDef:
    clients.rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="encrypted", WaiterConfig=WAITER)
    return clients.rds.describe_db_instances(DBInstanceIdentifier="encrypted")["DBInstances"][0]["Endpoint"]


def connected(endpoint: EndpointTypeDef, tls: ssl.SSLContext | bool, host: str | None = None) -> Any:  # noqa: ANN401 - as pg8000
    return _pg8000.Connection(
        "orders_owner",
        host=host or endpoint["Address"],
        port=endpoint["Port"],
        database="orders",
        password=PASSWORD,
        ssl_context=tls,
        timeout=SECONDS,
    )


def logged_in(endpoint: EndpointTypeDef, tls: ssl.SSLContext | bool, host: str | None = None) -> str:
    connection = connected(endpoint, tls, host)
    try:
        return str(connection.run("SELECT current_user")[0][0])
    finally:
        connection.close()


def refuses_connections(endpoint: EndpointTypeDef) -> bool:
    try:
        socket.create_connection((endpoint["Address"], endpoint["Port"]), timeout=SECONDS).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_login_verifies_the_certificate_with_the_authority_in_the_state_folder(
    aws: LocalAws, endpoint: EndpointTypeDef, host: str
) -> None:
    trusting = ssl.create_default_context(cafile=str(aws.rds_ca_file))
    assert logged_in(endpoint, trusting, host) == "orders_owner"


def test_who_trusts_another_authority_sends_no_password(endpoint: EndpointTypeDef) -> None:
    other = ssl.create_default_context(cadata=Authority.make().certificate.decode())
    for context in (other, ssl.create_default_context()):
        with pytest.raises((ssl.SSLCertVerificationError, InterfaceError)) as refused:
            logged_in(endpoint, context)
        assert "CERTIFICATE_VERIFY_FAILED" in str(refused.value) + str(refused.value.__cause__)


def test_a_login_in_clear_works_as_without_force_ssl(endpoint: EndpointTypeDef) -> None:
    assert logged_in(endpoint, False) == "orders_owner"


def test_a_function_trusts_rds_without_naming_a_certificate(clients: Clients, endpoint: EndpointTypeDef) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.py", FUNCTION)
    clients.iam.create_role(
        RoleName="encrypted", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []})
    )
    clients.functions.create_function(
        FunctionName="encrypted",
        Role="arn:aws:iam::111122223333:role/encrypted",
        Runtime="python3.12",
        Handler="index.handler",
        Timeout=SECONDS,
        Code={"ZipFile": buffer.getvalue()},
    )
    event = {"host": endpoint["Address"], "port": endpoint["Port"]}
    event |= {"user": "orders_owner", "password": PASSWORD, "database": "orders"}
    answer = clients.functions.invoke(FunctionName="encrypted", Payload=json.dumps(event).encode())
    assert json.loads(answer["Payload"].read()) == {"user": "orders_owner", "cipher": True}


def test_a_stopped_instance_answers_nobody_and_a_started_one_at_the_same_endpoint(
    clients: Clients, aws: LocalAws, endpoint: EndpointTypeDef
) -> None:
    trusting = ssl.create_default_context(cafile=str(aws.rds_ca_file))
    before = connected(endpoint, trusting)
    clients.rds.stop_db_instance(DBInstanceIdentifier="encrypted")
    eventually(lambda: refuses_connections(endpoint))
    with pytest.raises((DatabaseError, InterfaceError)):
        before.run("SELECT 1")
    clients.rds.start_db_instance(DBInstanceIdentifier="encrypted")
    assert available(clients) == endpoint
    assert logged_in(endpoint, trusting) == "orders_owner"
