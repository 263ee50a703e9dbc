"""TLS is spoken with a certificate that is trusted, and no server gets a password in clear text."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme

from secrets_pipeline.rotation_lambda import tls
from secrets_pipeline.rotation_lambda.errors import RotationError
from secrets_pipeline.rotation_lambda.secret_value import ENGINES as DATABASE_ENGINES
from secrets_pipeline.rotation_lambda.secret_value import DatabaseAddress, Login
from secrets_pipeline.rotation_lambda.sessions import connect
from tests.mariadb import ALIAS, running_mariadb
from tests.reconcilers.database.password_thief import password_thief
from tests.rotation_lambda.grounds import Ground, Maria, Postgres, Server, User, new_user

ENGINES = ["postgres", "mysql", "mariadb"]
LOGIN = Login("somebody", "Canary-password-1")


def refusal(ground: Ground, user: User) -> str:
    """What setSecret says; nothing changed."""
    before, token = user.current, ground.start(user.arn)
    ground.step("createSecret", user.arn, token)
    with pytest.raises(RotationError) as caught:
        ground.step("setSecret", user.arn, token)
    assert user.current == before
    assert user.accepts(before)
    pending = ground.document(user.arn, "AWSPENDING")
    assert pending["password"] not in str(caught.value)
    assert before["password"] not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("ssl", [None, True, "true", "no", 0])
def test_anything_but_false_is_tls_and_an_unknown_authority_is_not_trusted(
    ground: Ground, server: Server, ssl: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    user = new_user(ground, server, ssl=ssl)
    said = refusal(ground, user)
    assert "is not trusted" in said
    assert "rds_ca_file" in said
    assert "RDS_CA_FILE" in said


@pytest.mark.parametrize("ssl", [False, "false", "FALSE"])
def test_false_is_no_tls_in_the_embedded_aws(ground: Ground, server: Server, ssl: object) -> None:
    user = new_user(ground, server, ssl=ssl)
    ground.rotate(user.arn)
    assert user.accepts(user.current)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("host", "endpoint"),
    [(ALIAS, "http://127.0.0.1:4566"), ("127.0.0.1", ""), ("127.0.0.1", "https://vpce-1.secretsmanager.example.com")],
)
def test_elsewhere_false_is_no_connection_at_all(
    engine: str, host: str, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    heard: list[bytes] = []
    with password_thief(engine, heard) as port, pytest.raises(RotationError) as caught:
        connect(DatabaseAddress(DATABASE_ENGINES[engine], host, port, None, tls=False), LOGIN)
    assert heard == []
    assert f'"ssl": false, and no password is sent to {host}:{port} without TLS' in str(caught.value)
    assert 'write "ssl": true into the secret' in str(caught.value)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_trusted_server_that_asks_for_the_password_in_clear_text_gets_none(
    engine: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority, heard = trustme.CA(), list[bytes]()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv(tls.CA_FILE_VARIABLE, str(tmp_path / "ca.pem"))
    certified = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(ALIAS).configure_cert(certified)
    with password_thief(engine, heard, certified) as port, pytest.raises(RotationError) as caught:
        connect(DatabaseAddress(DATABASE_ENGINES[engine], ALIAS, port), LOGIN)
    assert [one for one in heard if LOGIN.username.encode() in one]
    assert not [one for one in heard if LOGIN.password.encode() in one]
    assert f"{ALIAS}:{port} asked for the password in clear text and got none" in str(caught.value)


def test_no_authority_but_those_of_rds_is_trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # Whoever has a domain has a public certificate for it.
    public = trustme.CA(organization_name="public")
    public.cert_pem.write_to_path(str(tmp_path / "public.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "public.pem"))
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    names = [str(one["subject"]) for one in tls.verifying().get_ca_certs()]
    assert names
    assert [name for name in names if "Amazon RDS" not in name] == []


def test_a_server_whose_certificate_the_bundle_trusts_is_rotated(
    ground: Ground, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, host = (
        (server.server.ca_file, ALIAS) if isinstance(server, Maria) else (str(ground.aws.rds_ca_file), "127.0.0.1")
    )
    monkeypatch.setenv(tls.CA_FILE_VARIABLE, bundle)
    user = new_user(ground, server, ssl=True, host=host)
    ground.rotate(user.arn)
    assert user.accepts(user.current)


def test_the_bundle_in_the_package_is_used_without_a_variable(
    ground: Ground, postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / tls.CA_BUNDLE).write_bytes(ground.aws.rds_ca_file.read_bytes())
    monkeypatch.setattr(tls, "__file__", str(tmp_path / "tls.py"))
    user = new_user(ground, postgres_server, ssl=True)
    ground.rotate(user.arn)
    assert user.accepts(user.current)


def test_a_trusted_certificate_for_another_name_is_refused(
    ground: Ground, maria_server: Maria, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(tls.CA_FILE_VARIABLE, maria_server.server.ca_file)
    assert "is not trusted" in refusal(ground, new_user(ground, maria_server, ssl=True))


def test_a_server_without_tls_is_refused_and_accepted_when_the_secret_says_so(ground: Ground) -> None:
    with running_mariadb("--skip-ssl") as plain:
        server = Maria(plain)
        server.furnish()
        assert "offers no TLS" in refusal(ground, new_user(ground, server, ssl=True))
        user = new_user(ground, server)
        ground.rotate(user.arn)
        assert user.accepts(user.current)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_bundle_that_cannot_be_used_is_named(
    tmp_path: Path, content: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if content is not None:
        (tmp_path / "bundle.pem").write_text(content)
    monkeypatch.setenv(tls.CA_FILE_VARIABLE, str(tmp_path / "bundle.pem"))
    with pytest.raises(RotationError, match=r"bundle\.pem cannot be used"):
        tls.verifying()
