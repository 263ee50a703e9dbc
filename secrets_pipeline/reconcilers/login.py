"""Log in to a database: the only proof that it accepts a password."""

from __future__ import annotations

import ipaddress
import ssl
import struct
from dataclasses import dataclass

import pg8000.dbapi
from pydantic import SecretStr

POSTGRES = frozenset({"postgres", "aurora-postgresql"})
_TIMEOUT_SECONDS = 5
_WRONG_LOGIN = "28P01"
"""The only answer that another password would change; 28000, for example, is a line missing in pg_hba.conf."""


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


@dataclass(frozen=True, slots=True)
class Address:
    """Where to log in, and as whom."""

    engine: str
    host: str
    port: int
    username: str
    database: str


Login = LoggedIn | Refused | Unreachable


def log_in(address: Address, password: SecretStr, *, ca_file: str | None = None) -> Login:
    """Try once; five seconds at most.

    TLS with a verified certificate is required of every server but one on this host: whoever answers there could ask
    for the password in clear. Amazon's roots for RDS are in no system store, so `ca_file` names the bundle that AWS
    publishes.
    Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html
    Codes: https://www.postgresql.org/docs/current/errcodes-appendix.html (class 28).
    """
    if address.engine not in POSTGRES:
        return Unreachable(f"logins to engine {address.engine} are not supported yet")
    try:
        connection = pg8000.dbapi.connect(
            user=address.username,
            host=address.host,
            port=address.port,
            database=address.database,
            password=password.get_secret_value(),
            timeout=_TIMEOUT_SECONDS,
            ssl_context=_tls(address.host, ca_file),
        )
    except pg8000.dbapi.DatabaseError as error:
        detail = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
        code = str(detail.get("C", ""))
        return Refused() if code == _WRONG_LOGIN else Unreachable(f"the server answered with {code or 'an error'}")
    except ssl.SSLCertVerificationError:
        bundle = "set rds_ca_file in the operator's settings to the bundle that AWS publishes"
        return Unreachable(f"the certificate of {address.host} is not trusted: {bundle}")
    except (pg8000.dbapi.InterfaceError, OSError) as error:
        cause = error.__cause__ or error
        return Unreachable(f"{type(cause).__name__} at {address.host}:{address.port}")
    except (LookupError, ValueError, struct.error):
        # pg8000 checks nothing of what it reads.
        return Unreachable(f"what answers at {address.host}:{address.port} is no PostgreSQL")
    connection.close()
    return LoggedIn()


def _tls(host: str, ca_file: str | None) -> ssl.SSLContext | None:
    if _on_this_host(host):
        # pg8000 takes None as: encrypt where the server offers it.
        return None
    return ssl.create_default_context(cafile=ca_file)


def _on_this_host(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
