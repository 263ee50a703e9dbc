"""Log in to a database: the only proof that it accepts a password."""

from __future__ import annotations

import ssl
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Final

import pg8000.dbapi
import pymysql
import scramp
from pydantic import SecretStr

from secrets_pipeline.rotation_lambda import tls as rotation_tls
from secrets_pipeline.rotation_lambda.cleartext import SECRETIVE_MYSQL, CleartextAskedError, SecretivePostgres

TIMEOUT_SECONDS = 5.0
_RDS_CA_FILE: Final = str(Path(rotation_tls.__file__).with_name(rotation_tls.CA_BUNDLE))
_POSTGRES_WRONG_LOGIN = "28P01"
"""The only answer that another password would change; 28000, for example, is a line missing in pg_hba.conf.

Source: https://www.postgresql.org/docs/current/errcodes-appendix.html (class 28).
"""
_MYSQL_WRONG_LOGIN = 1045
"""ER_ACCESS_DENIED_ERROR; 1044, for example, is a right that the user lacks in one database.

Source: https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html
"""
_MYSQL_CLIENT_ERRORS, _MYSQL_NO_TLS = range(2000, 3000), 2026
"""What the client says, not the server.

Source: https://dev.mysql.com/doc/mysql-errors/8.4/en/client-error-reference.html
"""


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """The database accepted user and password."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The database answered that user or password is wrong."""


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Nobody answered, or something else than a login went wrong."""

    reason: str


class ServerTrust(Enum):
    """The certificate that a server must show before it gets a password.

    Attributes:
        RDS: a server with a certificate of RDS's own authorities for the host's name.
        PUBLIC: the same, or with a certificate that the system trusts: for a host that the operator granted.
        EMBEDDED: any server, without TLS: the embedded AWS runs it on this host.
    """

    RDS = auto()
    PUBLIC = auto()
    EMBEDDED = auto()


@dataclass(frozen=True, slots=True)
class Address:
    """Where to log in, and as whom.

    Attributes:
        engine: RDS engine name.
        database: its name; None for none, or for the one that is called as the user is.
        trust: which server may answer there.
    """

    engine: str
    host: str
    port: int
    username: str
    database: str | None = None
    trust: ServerTrust = ServerTrust.RDS


Login = LoggedIn | Refused | Unreachable


def log_in(
    address: Address, password: SecretStr, *, ca_file: str | None = None, seconds: float = TIMEOUT_SECONDS
) -> Login:
    """Try one login; `seconds` at most for each answer of the server.

    The connection is encrypted and the server's certificate verified, unless the embedded AWS runs the database. A
    server that asks for the password in clear text, outside TLS or by a plugin made for it, gets none.

    Args:
        address: where, and as whom.
        password: of the user.
        ca_file: PEM certificates in place of RDS's authorities that the package brings.
        seconds: how long to wait for each answer.

    Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html
    """
    connect = _CONNECT.get(address.engine)
    if connect is None:
        return Unreachable(f"logins to engine {address.engine} are not supported yet")
    try:
        tls = verifying(address.trust, ca_file)
    except OSError as error:
        # ssl.SSLError is one, too: a file that holds no certificates.
        return Unreachable(f"rds_ca_file {ca_file} of the operator's settings is unusable: {type(error).__name__}")
    try:
        return connect(address, password, tls, seconds)
    except CleartextAskedError:
        return Unreachable(
            f"{address.host}:{address.port} asked for the password in clear text and got none: let the user log in by "
            "SCRAM-SHA-256 or caching_sha2_password"
        )


def verifying(trust: ServerTrust, ca_file: str | None) -> ssl.SSLContext | None:
    """Make the TLS context of a login; None without TLS, at the embedded AWS alone.

    Raises:
        OSError: if `ca_file` cannot be used.
    """
    if trust is ServerTrust.EMBEDDED:
        return None
    authorities = ca_file or _RDS_CA_FILE
    if trust is ServerTrust.RDS:
        return ssl.create_default_context(cafile=authorities)
    context = ssl.create_default_context()
    context.load_verify_locations(cafile=authorities)
    return context


class _Postgres(SecretivePostgres, pg8000.dbapi.Connection):  # type: ignore[misc]  # it ships no types
    pass


def _postgres(address: Address, password: SecretStr, tls: ssl.SSLContext | None, seconds: float) -> Login:
    try:
        connection = _Postgres(
            user=address.username,
            host=address.host,
            port=address.port,
            database=address.database,
            password=password.get_secret_value(),
            timeout=seconds,
            # pg8000 takes None as: encrypt if the server offers it.
            ssl_context=tls,
        )
    except pg8000.dbapi.DatabaseError as error:
        detail = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
        code = str(detail.get("C", ""))
        return Refused() if code == _POSTGRES_WRONG_LOGIN else _answered(code)
    except ssl.SSLCertVerificationError:
        return _untrusted(address)
    except (pg8000.dbapi.InterfaceError, OSError) as error:
        return _unreachable(address, error.__cause__ or error)
    except (LookupError, ValueError, AttributeError, struct.error, scramp.ScramException):
        # pg8000 checks nothing of what it reads.
        return Unreachable(f"what answers at {address.host}:{address.port} is no PostgreSQL")
    connection.close()
    return LoggedIn()


def _mysql(address: Address, password: SecretStr, tls: ssl.SSLContext | None, seconds: float) -> Login:
    try:
        connection = pymysql.connect(
            user=address.username,
            host=address.host,
            port=address.port,
            database=address.database,
            # A text would be encoded as Latin-1.
            password=password.get_secret_value().encode(),
            connect_timeout=seconds,
            read_timeout=seconds,
            write_timeout=seconds,
            # PyMySQL takes None as: encrypt if the server offers it.
            ssl=tls,
            auth_plugin_map=SECRETIVE_MYSQL,
        )
    except pymysql.MySQLError as error:
        return _mysql_said(address, error)
    except OSError as error:
        return _unreachable(address, error)
    except (LookupError, ValueError, TypeError, AttributeError, AssertionError, struct.error):
        # PyMySQL checks little of what it reads.
        return Unreachable(f"what answers at {address.host}:{address.port} is no MySQL")
    connection.close()
    return LoggedIn()


def _mysql_said(address: Address, error: pymysql.MySQLError) -> Login:
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    cause = getattr(error, "original_exception", None)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _untrusted(address)
    if cause is not None:
        return _unreachable(address, cause)
    if code in _MYSQL_CLIENT_ERRORS:
        why = "offers no TLS" if code == _MYSQL_NO_TLS else f"did not answer as MySQL does (client error {code})"
        return Unreachable(f"{address.host}:{address.port} {why}")
    return Refused() if code == _MYSQL_WRONG_LOGIN else _answered(str(code or ""))


def _answered(code: str) -> Unreachable:
    return Unreachable(f"the server answered with {code or 'an error'}")


def _untrusted(address: Address) -> Unreachable:
    bundle = "set rds_ca_file in the operator's settings to the bundle that AWS publishes for its region"
    return Unreachable(f"the certificate of {address.host} is not trusted: {bundle}")


def _unreachable(address: Address, cause: BaseException) -> Unreachable:
    return Unreachable(f"{type(cause).__name__} at {address.host}:{address.port}")


_CONNECT: Mapping[str, Callable[[Address, SecretStr, ssl.SSLContext | None, float], Login]] = {
    "postgres": _postgres,
    "aurora-postgresql": _postgres,
    "mysql": _mysql,
    "mariadb": _mysql,
    "aurora-mysql": _mysql,
}

ENGINES = frozenset(_CONNECT)
"""RDS engines that can be logged in to."""
