"""The author of a secret writes its host: a password goes to databases of the stack and to granted hosts alone."""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme
import yaml
from pydantic import SecretStr

from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.reconcilers.database import credential_checks
from secrets_pipeline.reconcilers.finding import Finding, Verdict
from secrets_pipeline.reconcilers.observed import login as logins
from secrets_pipeline.reconcilers.observed.login import Address, Unreachable, log_in
from tests.bench import during
from tests.reconcilers.database.password_thief import password_thief
from tests.waiting import WAITER

if TYPE_CHECKING:
    from tests.bench import Bench

ENGINES = ["postgres", "mysql", "mariadb"]
PASSWORD = "Canary-password-1"
ALIAS = "127.1"
"""The loopback address by a name that certificates can hold."""


def declares(bench: Bench, engine: str, host: str, port: int) -> StackSpec:
    """A stack whose secret is a login, as its author writes one."""
    value = {"engine": engine, "host": host, "port": port, "username": "owner", "password": PASSWORD}
    return bench.create(bench.declared("login", value))


def found(bench: Bench, spec: StackSpec, settings: OperatorSettings | None = None) -> Finding:
    context = bench.context(spec, writing=False, settings=settings or OperatorSettings())
    (finding,) = credential_checks.credential_logins(during(context, sleep=lambda _seconds: None))
    assert PASSWORD not in str(finding)
    return finding


def granted(host: str, **more: str) -> OperatorSettings:
    return OperatorSettings.model_validate({"grants": [{"stacks": "*-dev", "hosts": [host]}], **more})


@pytest.mark.parametrize("engine", ENGINES)
def test_a_host_that_the_yaml_alone_names_gets_no_password_and_no_connection(bench: Bench, engine: str) -> None:
    heard: list[bytes] = []
    with password_thief(engine, heard) as port:
        finding = found(bench, declares(bench, engine, "127.0.0.1", port))
    assert heard == []
    assert finding.verdict is Verdict.WAITING
    line = f'- {{stacks: "{bench.stack}", hosts: ["127.0.0.1:{port}"]}}'
    assert f"no login is tried: its host 127.0.0.1:{port} is not the endpoint" in finding.detail
    assert f"let the operator write under grants: {line}" in finding.detail


def test_the_line_to_grant_for_a_host_in_capitals_with_a_final_dot_grants_it(bench: Bench) -> None:
    spec = declares(bench, "postgres", "DB.Invalid.", 5432)
    refused = found(bench, spec).detail
    assert "its host DB.Invalid.:5432 is not the endpoint" in refused
    (rule,) = yaml.safe_load(refused.partition("under grants: ")[2])
    assert rule["hosts"] == ["db.invalid:5432"]
    finding = found(bench, spec, OperatorSettings.model_validate({"grants": [rule]}))
    assert "no login is tried" not in finding.detail


def test_a_grant_in_capitals_grants_the_host(bench: Bench) -> None:
    finding = found(bench, declares(bench, "postgres", "DB.Invalid", 5432), granted("DB.Invalid:5432"))
    assert "no login is tried" not in finding.detail


def test_a_host_in_the_stored_value_alone_is_not_shown(bench: Bench) -> None:
    spec = declares(bench, "postgres", "db.example.com", 5432)
    stored = bench.document("login") | {"host": "10.11.12.13"}
    bench.secrets.put_secret_value(SecretId=bench.name("login"), SecretString=json.dumps(stored))
    finding = found(bench, spec)
    assert "10.11.12.13" not in str(finding)
    assert 'hosts: ["HOST:PORT"]' in finding.detail


@pytest.mark.parametrize("engine", ENGINES)
def test_a_granted_host_without_tls_gets_no_password_on_the_loopback_either(bench: Bench, engine: str) -> None:
    heard: list[bytes] = []
    with password_thief(engine, heard) as port:
        finding = found(bench, declares(bench, engine, "127.0.0.1", port), granted(f"127.0.0.1:{port}"))
    assert heard[:1] == [b"connected"]
    assert not [one for one in heard if b"owner" in one or PASSWORD.encode() in one]
    assert finding.verdict is Verdict.WAITING


@pytest.mark.parametrize("engine", ENGINES)
def test_a_trusted_server_that_asks_for_the_password_in_clear_text_gets_none(
    bench: Bench, tmp_path: Path, engine: str
) -> None:
    authority, heard = trustme.CA(), list[bytes]()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(ALIAS).configure_cert(tls)
    settings = granted(ALIAS, rds_ca_file=str(tmp_path / "ca.pem"))
    with password_thief(engine, heard, tls) as port:
        finding = found(bench, declares(bench, engine, ALIAS, port), settings)
    assert [one for one in heard if b"owner" in one]
    assert not [one for one in heard if PASSWORD.encode() in one]
    assert "asked for the password in clear text and got none" in finding.detail


@pytest.mark.parametrize("engine", ENGINES)
def test_no_login_answers_a_request_for_the_password_in_clear_text(tmp_path: Path, engine: str) -> None:
    authority, heard = trustme.CA(), list[bytes]()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(ALIAS).configure_cert(tls)
    with password_thief(engine, heard, tls) as port:
        address = Address(engine, ALIAS, port, "owner")
        login = log_in(address, SecretStr(PASSWORD), ca_file=str(tmp_path / "ca.pem"))
    assert [one for one in heard if b"owner" in one]
    assert not [one for one in heard if PASSWORD.encode() in one]
    assert isinstance(login, Unreachable)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("trust", "serves"), [("PUBLIC", True), ("RDS", False)])
def test_a_public_certificate_serves_a_granted_host_and_no_host_of_rds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str, trust: str, *, serves: bool
) -> None:
    # Whoever has a domain has a public certificate for it. OpenSSL takes the system's authorities from this file.
    authority, heard = trustme.CA(), list[bytes]()
    authority.cert_pem.write_to_path(str(tmp_path / "public.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "public.pem"))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(ALIAS).configure_cert(tls)
    with password_thief(engine, heard, tls) as port:
        log_in(Address(engine, ALIAS, port, "owner", trust=logins.ServerTrust[trust]), SecretStr(PASSWORD))
    assert heard[:1] == [b"connected"]
    assert bool([one for one in heard if b"owner" in one]) is serves


def test_a_certificate_of_rds_serves_every_host_and_no_other_authority_is_rdss() -> None:
    roots = {
        name: _verifying(trust).get_ca_certs()
        for name, trust in logins.ServerTrust.__members__.items()
        if name != "EMBEDDED"
    }
    names = {name: {str(one["subject"]) for one in some} for name, some in roots.items()}
    assert names["RDS"]
    assert all("Amazon RDS" in one for one in names["RDS"])
    assert names["RDS"] <= names["PUBLIC"]


def _verifying(trust: logins.ServerTrust) -> ssl.SSLContext:
    context = logins.verifying(trust, None)
    assert context is not None
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    return context


def test_a_database_that_another_stack_marked_is_logged_in_to_only_by_a_grant(bench: Bench) -> None:
    bench.create(bench.generated(), databases=(bench.database(),))
    (instance,) = bench.rds.describe_db_instances(DBInstanceIdentifier=bench.stack)["DBInstances"]
    at, other = instance["Endpoint"], bench.another()
    looked_at = bench.database(create=False, password=None)
    value = {"engine": "postgres", "host": at["Address"], "port": at["Port"], "username": "owner", "password": PASSWORD}
    spec = other.create(other.declared("login", value), databases=(looked_at,))
    assert "no login is tried" in found(other, spec).detail
    rule = {"stacks": other.stack, "databases": [bench.stack]}
    finding = found(other, spec, OperatorSettings.model_validate({"grants": [rule]}))
    assert "the database refuses the AWSCURRENT password" in finding.detail


def test_a_database_that_the_stack_only_looks_at_is_its_own_where_nobody_marked_it(bench: Bench) -> None:
    bench.rds.create_db_instance(
        DBInstanceIdentifier=bench.stack,
        Engine="postgres",
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        MasterUsername="owner",
        MasterUserPassword=PASSWORD,
        DBName="postgres",
    )
    bench.rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=bench.stack, WaiterConfig=WAITER)
    (instance,) = bench.rds.describe_db_instances(DBInstanceIdentifier=bench.stack)["DBInstances"]
    at = instance["Endpoint"]
    value = {"engine": "postgres", "host": at["Address"], "port": at["Port"], "username": "owner", "password": PASSWORD}
    database = bench.database(create=False, password=None)
    spec = bench.create(bench.declared("login", {**value, "dbname": "postgres"}), databases=(database,))
    assert found(bench, spec).detail == "AWSCURRENT logs in; AWSPREVIOUS holds no other login"
