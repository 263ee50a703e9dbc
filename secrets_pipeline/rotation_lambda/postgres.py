"""Log in to PostgreSQL, set passwords and make users.

The server is told verifiers, never passwords: a statement may be logged, by pgAudit or because it failed.
"""

from __future__ import annotations

import base64
import hashlib
import ssl
import struct
from dataclasses import dataclass, field
from typing import Any

import pg8000.exceptions
import pg8000.native
import scramp

from . import tls
from .cleartext import SecretivePostgres
from .errors import RotationError
from .secret_value import DatabaseAddress, Login

_DEFAULT_DATABASE = "postgres"
_ITERATIONS = 4096
_WRONG_LOGIN = "28P01"
_INSUFFICIENT_PRIVILEGE = "42501"
_TRANSPORT = (pg8000.exceptions.InterfaceError, OSError)
_NONSENSE = (LookupError, ValueError, AttributeError, TypeError, struct.error, scramp.ScramException)
"""What pg8000 lets through of an answer that no PostgreSQL gives."""


class _Connection(SecretivePostgres, pg8000.native.Connection):  # type: ignore[misc]  # it ships no types
    pass


def connect(address: DatabaseAddress, login: Login, seconds: float) -> PostgresSession | None:
    """Log in, or return None if user or password is wrong.

    Raises:
        RotationError: if anything else is.
    """
    try:
        connection = _Connection(
            login.username,
            host=address.host,
            port=address.port,
            database=address.dbname or _DEFAULT_DATABASE,
            password=login.password,
            timeout=seconds,
            # None would mean: TLS where the server offers it.
            ssl_context=tls.context_for(address) or False,
        )
    except pg8000.exceptions.DatabaseError as error:
        if _code(error) == _WRONG_LOGIN:
            return None
        raise RotationError(
            f"PostgreSQL at {address} refused the login of {login.username} with {_code(error)}.",
            "Look the code up in appendix A of PostgreSQL's manual: pg_hba.conf, rds.force_ssl, a missing dbname …",
        ) from None
    except ssl.SSLCertVerificationError:
        raise tls.untrusted(address) from None
    except _TRANSPORT as error:
        raise _unreachable(address, error) from None
    except _NONSENSE:
        raise RotationError(f"What answers at {address} is no PostgreSQL.", "Correct host and port.") from None
    return PostgresSession(connection, address, login.username)


def _code(error: Exception) -> str:
    detail = error.args[0] if error.args else None
    return str(detail.get("C", "")) if isinstance(detail, dict) else ""


def _unreachable(address: DatabaseAddress, error: Exception) -> RotationError:
    if str(error) == "Server refuses SSL":
        return RotationError(
            f"PostgreSQL at {address} offers no TLS.", "Switch it on there: no password is sent without it."
        )
    return RotationError(
        f"No database answers at {address}: {type(error.__cause__ or error).__name__}.",
        "Look at the instance's state, the function's subnets and security groups, and host and port in the secret.",
    )


@dataclass(frozen=True, slots=True)
class PostgresSession:
    """A user who is logged in."""

    connection: Any = field(repr=False)
    address: DatabaseAddress
    username: str

    def check(self) -> None:
        """See `sessions.DatabaseSession`."""
        self._run("check the login", "SELECT 1")

    def set_own_password(self, login: Login) -> None:
        """See `sessions.DatabaseSession`."""
        self._run("change its own password", f"ALTER ROLE {_name(login.username)} PASSWORD {self._verifier(login)}")

    def set_twin(self, original: str, login: Login) -> None:
        """See `sessions.DatabaseSession`; all of it happens, or nothing.

        The twin is a member of the original role, and takes it on in each session: what either of them creates belongs
        to the original, so that both can alter and drop it.
        """
        verifier, twin, role = self._verifier(login), _name(login.username), _name(original)
        self._run("begin", "START TRANSACTION")
        known = self._run("look for the user", "SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = :n", n=login.username)
        if known:
            self._run(f"change the password of {login.username}", f"ALTER ROLE {twin} PASSWORD {verifier}")
        else:
            self._run(f"create the user {login.username}", f"CREATE ROLE {twin} LOGIN PASSWORD {verifier}")
            self._run(f"grant {original} to {login.username}", f"GRANT {role} TO {twin}")
            self._run(f"let {login.username} act as {original}", f"ALTER ROLE {twin} SET role TO {role}")
        self._run("commit", "COMMIT")

    def close(self) -> None:
        """See `sessions.DatabaseSession`."""
        try:
            self.connection.close()
        except _TRANSPORT:
            return

    def _verifier(self, login: Login) -> str:
        """The password as pg_authid keeps it, quoted.

        https://www.postgresql.org/docs/current/catalog-pg-authid.html
        """
        ask = "SELECT current_setting('password_encryption'), current_setting('scram_iterations', true)"
        method, iterations = self._run("ask how passwords are kept", ask)[0]
        if method == "scram-sha-256":
            return _quoted(scram_verifier(login.password, int(iterations or 0)))
        digest = hashlib.md5(f"{login.password}{login.username}".encode(), usedforsecurity=False)
        return _quoted(f"md5{digest.hexdigest()}")

    def _run(self, intent: str, statement: str, **parameters: object) -> list[Any]:
        try:
            return list(self.connection.run(statement, **parameters) or [])
        except pg8000.exceptions.DatabaseError as error:
            remedy = "Look the code up in appendix A of PostgreSQL's manual."
            if _code(error) == _INSUFFICIENT_PRIVILEGE:
                remedy = (
                    "Grant it what it lacks: for a user's own password membership in rds_password where "
                    "rds.restrict_password_commands is on, for others CREATEROLE and the roles WITH ADMIN OPTION."
                )
            raise RotationError(
                f"PostgreSQL at {self.address} did not let {self.username} {intent}: {_code(error)}.", remedy
            ) from None
        except _TRANSPORT as error:
            raise _unreachable(self.address, error) from None


def scram_verifier(password: str, iterations: int) -> str:
    """`SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey` (RFC 5803).

    Args:
        password: in clear.
        iterations: of the hash; never fewer than PostgreSQL's own default.
    """
    mechanism = scramp.ScramMechanism("SCRAM-SHA-256")
    made = mechanism.make_auth_info(password, iteration_count=max(iterations, _ITERATIONS))
    salt, stored_key, server_key = (base64.b64encode(part).decode() for part in made[:3])
    return f"SCRAM-SHA-256${made[3]}:{salt}${stored_key}:{server_key}"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
