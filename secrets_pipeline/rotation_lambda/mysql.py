"""Log in to MySQL and MariaDB, set passwords and make users.

MySQL masks passwords in its logs; MariaDB does not, so it is told hashes where an account takes them.
https://dev.mysql.com/doc/refman/8.4/en/password-logging.html
"""

from __future__ import annotations

import hashlib
import ssl
import struct
from dataclasses import dataclass, field
from typing import Any

import pymysql
from pymysql.constants import ER

from . import tls
from .cleartext import SECRETIVE_MYSQL
from .errors import RotationError
from .mysql_grants import Account, grants, requirements, statements
from .password_rule import DEFAULT_RULE
from .secret_value import DatabaseAddress, Login

_NO_TLS = 2026
_CLIENT_ERRORS = range(2000, 3000)
_NO_PRIVILEGE = (
    ER.TABLEACCESS_DENIED_ERROR,
    ER.COLUMNACCESS_DENIED_ERROR,
    ER.SPECIFIC_ACCESS_DENIED_ERROR,
    ER.DBACCESS_DENIED_ERROR,
)
_DEFAULT_ROLES_SINCE = 8
"""Version of MySQL."""
_DEFAULT_ROLES = "SELECT DEFAULT_ROLE_USER, DEFAULT_ROLE_HOST FROM mysql.default_roles WHERE USER = %s AND HOST = %s"
_TLS_AND_LIMITS = (
    "SELECT ssl_type, ssl_cipher, x509_issuer, x509_subject, max_questions, max_updates, max_connections, "
    "max_user_connections FROM mysql.user WHERE User = %s AND Host = %s"
)
_NONSENSE = (LookupError, ValueError, TypeError, AttributeError, AssertionError, struct.error)
"""What PyMySQL lets through of an answer that no MySQL gives."""


def connect(address: DatabaseAddress, login: Login, seconds: float) -> MysqlSession | None:
    """Log in, or return None if user or password is wrong.

    Raises:
        RotationError: if anything else is.
    """
    context = tls.context_for(address)
    try:
        connection = pymysql.connect(
            user=login.username,
            host=address.host,
            port=address.port,
            database=address.dbname,
            # A text would be encoded as Latin-1.
            password=login.password.encode(),
            connect_timeout=seconds,
            read_timeout=seconds,
            write_timeout=seconds,
            autocommit=True,
            ssl=context,
            ssl_disabled=context is None,
            auth_plugin_map=SECRETIVE_MYSQL,
        )
    except pymysql.MySQLError as error:
        if _code(error) == ER.ACCESS_DENIED_ERROR:
            return None
        raise _failure(address, error, f"the login of {login.username}") from None
    except RuntimeError:
        # PyMySQL asks for a package to encrypt the password with, which TLS makes needless.
        raise RotationError(
            f"{address} demands an encrypted password.", 'Write "ssl": true into the secret: TLS encrypts it.'
        ) from None
    except OSError as error:
        raise _unreachable(address, error) from None
    except _NONSENSE:
        raise RotationError(f"What answers at {address} is no MySQL.", "Correct host and port.") from None
    return MysqlSession(connection, address, login.username)


def _code(error: pymysql.MySQLError) -> int:
    return error.args[0] if error.args and isinstance(error.args[0], int) else 0


def _failure(address: DatabaseAddress, error: pymysql.MySQLError, refused: str) -> RotationError:
    cause = getattr(error, "original_exception", None)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return tls.untrusted(address)
    if _code(error) == _NO_TLS and cause is None:
        return RotationError(
            f"MySQL at {address} offers no TLS.", "Switch it on there: no password is sent without it."
        )
    if cause is not None or _code(error) in _CLIENT_ERRORS:
        return _unreachable(address, cause or error)
    remedy = "Look the code up in MySQL's or MariaDB's list of server errors."
    if _code(error) in _NO_PRIVILEGE:
        remedy = (
            "Grant it what it lacks: a superuser needs CREATE USER, SELECT on mysql.* and, for alternating users, "
            "every privilege of the user WITH GRANT OPTION; a user of its own, the database that dbname names."
        )
    return RotationError(f"MySQL at {address} refused {refused} with error {_code(error)}.", remedy)


def _unreachable(address: DatabaseAddress, error: BaseException) -> RotationError:
    return RotationError(
        f"No database answers at {address}: {type(error).__name__}.",
        "Look at the instance's state, the function's subnets and security groups, and host and port in the secret.",
    )


class NotPermittedError(RotationError):
    """The user lacks a privilege."""


@dataclass(frozen=True, slots=True)
class MysqlSession:
    """A user who is logged in."""

    connection: Any = field(repr=False)
    address: DatabaseAddress
    username: str

    def check(self) -> None:
        """See `sessions.DatabaseSession`."""
        self._run("the login's check", "SELECT 1")

    def set_own_password(self, login: Login) -> None:
        """See `sessions.DatabaseSession`; at every host of the user if it may see them, else where it is logged in."""
        intent = f"{login.username} a password of its own"
        try:
            self._alter(intent, login, self._hosts(login.username))
        except NotPermittedError:
            self._set_own(intent, login)

    def _set_own(self, intent: str, login: Login) -> None:
        if not self._is_mariadb():
            self._run(intent, f"ALTER USER USER() IDENTIFIED BY {self._text(login.password)}")
        elif self._keeps_native_hash():
            self._run(intent, f"SET PASSWORD = {self._text(native_hash(login.password))}")
        else:
            self._run(intent, f"SET PASSWORD = PASSWORD({self._text(login.password)})")

    def set_twin(self, original: str, login: Login) -> None:
        """See `sessions.DatabaseSession`: the same accounts, host by host, with the same privileges, TLS and limits.

        Statements about users commit each for itself, so the password comes last: whoever can log in with it has all.
        """
        hosts = self._hosts(original)
        if not hosts:
            raise RotationError(
                f"MySQL at {self.address} has no user {original}, whose privileges {login.username} would get.",
                "Create it, or correct username in the secret.",
            )
        for host in hosts:
            model, twin = Account(original, host), Account(login.username, host)
            # Nobody knows this password.
            created = f"CREATE USER IF NOT EXISTS {twin} IDENTIFIED BY {self._text(DEFAULT_RULE.generate())}"
            self._run(f"to create {login.username}", created)
            wanted, had = (grants(self._shown(account), account) for account in (model, twin))
            for statement in statements(wanted, had, twin):
                self._run(f"to give {login.username} the privileges of {original}", statement)
            self._copy_requirements(model, twin)
            self._copy_default_roles(model, twin)
        self._alter(f"to change the password of {login.username}", login, self._hosts(login.username))

    def close(self) -> None:
        """See `sessions.DatabaseSession`."""
        try:
            self.connection.close()
        except (pymysql.MySQLError, OSError):
            return

    def _alter(self, intent: str, login: Login, hosts: list[str]) -> None:
        """One statement for all hosts: no moment in which they differ."""
        how = f"IDENTIFIED BY {self._text(login.password)}"
        if self._is_mariadb():
            # IDENTIFIED BY makes an account of this kind as well.
            how = f"IDENTIFIED VIA mysql_native_password USING {self._text(native_hash(login.password))}"
        self._run(intent, "ALTER USER " + ", ".join(f"{Account(login.username, host)} {how}" for host in hosts))

    def _copy_requirements(self, model: Account, twin: Account) -> None:
        wanted, had = (self._requirements(account) for account in (model, twin))
        if wanted != had:
            self._run(f"to give {twin.user} the TLS options of {model.user}", f"ALTER USER {twin} {wanted}")

    def _requirements(self, account: Account) -> str:
        rows = self._run("to read mysql.user", _TLS_AND_LIMITS, account.user, account.host)
        return requirements([_plain(value) for value in rows[0]], self._text)

    def _copy_default_roles(self, model: Account, twin: Account) -> None:
        """MySQL 8 keeps them in a table; MariaDB shows them among the grants."""
        if self._is_mariadb() or int(self._version().split(".", maxsplit=1)[0]) < _DEFAULT_ROLES_SINCE:
            return
        wanted, had = (
            {
                str(Account(_plain(user), _plain(host)))
                for user, host in self._run("to read default roles", _DEFAULT_ROLES, account.user, account.host)
            }
            for account in (model, twin)
        )
        if wanted != had:
            roles = ", ".join(sorted(wanted)) or "NONE"
            self._run(f"to set default roles of {twin.user}", f"ALTER USER {twin} DEFAULT ROLE {roles}")

    def _shown(self, account: Account) -> list[str]:
        return [
            _plain(row[0]) for row in self._run(f"to see the grants of {account.user}", f"SHOW GRANTS FOR {account}")
        ]

    def _hosts(self, user: str) -> list[str]:
        rows = self._run("to read mysql.user", "SELECT Host FROM mysql.user WHERE User = %s ORDER BY Host", user)
        return [_plain(row[0]) for row in rows]

    def _is_mariadb(self) -> bool:
        return "mariadb" in self._version().lower()

    def _version(self) -> str:
        return str(self.connection.get_server_info())

    def _keeps_native_hash(self) -> bool:
        shown = _plain(self._run("to see its own account", "SHOW CREATE USER")[0][0])
        return " IDENTIFIED BY PASSWORD " in shown or " IDENTIFIED VIA mysql_native_password USING " in shown

    def _text(self, value: str) -> str:
        return str(self.connection.escape(value))

    def _run(self, refused: str, statement: str, *values: str) -> list[Any]:
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(statement, values or None)
                return list(cursor.fetchall())
        except pymysql.MySQLError as error:
            failure = _failure(self.address, error, f"{self.username} {refused}")
            if _code(error) in _NO_PRIVILEGE:
                raise NotPermittedError(str(failure)) from None
            raise failure from None
        except OSError as error:
            raise _unreachable(self.address, error) from None


def native_hash(password: str) -> str:
    """What `mysql_native_password` keeps.

    https://mariadb.com/kb/en/authentication-plugin-mysql_native_password/
    """
    once = hashlib.sha1(password.encode(), usedforsecurity=False).digest()
    return "*" + hashlib.sha1(once, usedforsecurity=False).hexdigest().upper()


def _plain(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
