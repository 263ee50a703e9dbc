"""Parse a version of a secret: the login of a database, or something else that is renewed as a whole.

The JSON keys are those of AWS's rotation templates:
https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from .errors import RotationError

POSTGRES = "postgres"
MYSQL = "mysql"
MARIADB = "mariadb"


@dataclass(frozen=True, slots=True)
class Engine:
    """What the function has to know of a database engine.

    Attributes:
        family: `postgres`, `mysql` or `mariadb`.
        port: where it listens by default.
        longest_password: characters that RDS takes in a master password, the user of single-user rotation included.
        longest_username: characters.

    Source: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html (MasterUserPassword);
    https://www.postgresql.org/docs/current/limits.html, https://dev.mysql.com/doc/refman/8.4/en/user-names.html,
    https://mariadb.com/kb/en/identifier-names/
    """

    family: str
    port: int
    longest_password: int
    longest_username: int


_POSTGRES, _MYSQL = Engine(POSTGRES, 5432, 128, 63), Engine(MYSQL, 3306, 41, 32)
ENGINES: Mapping[str, Engine] = {
    "postgres": _POSTGRES,
    "aurora-postgresql": _POSTGRES,
    "mysql": _MYSQL,
    "aurora-mysql": _MYSQL,
    "mariadb": Engine(MARIADB, 3306, 41, 80),
}
BARRED_BY_RDS = "/@\"' "


def plain_host(host: str) -> str:
    """Return a host name in small letters without its final dot, the form in which two names of a host are equal."""
    return host.rstrip(".").lower()


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """Where a database is.

    Attributes:
        dbname: the database to enter; None for the engine's default.
        tls: whether to speak TLS with a verified certificate.
    """

    engine: Engine
    host: str
    port: int
    dbname: str | None = None
    tls: bool = True

    @property
    def place(self) -> tuple[str, str, int]:
        """What two secrets of the same server have in common."""
        return self.engine.family, plain_host(self.host), self.port

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Login:
    """A user of a database, and its password."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DatabaseSecret:
    """A database's secret.

    Attributes:
        document: the whole JSON object.
        superuser: the secret of the user who sets passwords (alternating users), or None (single user).
    """

    document: Mapping[str, object] = field(repr=False)
    address: DatabaseAddress
    login: Login
    superuser: str | None = None

    def renewed(self, login: Login) -> str:
        """The JSON with another user and password, all else kept."""
        return json.dumps({**self.document, "username": login.username, "password": login.password})


@dataclass(frozen=True, slots=True)
class GenericSecret:
    """A text, or a JSON object in which one key is renewed.

    Attributes:
        text: the whole value.
        document: the JSON object that it is, or None.
    """

    text: str = field(repr=False)
    document: Mapping[str, object] | None = field(repr=False)

    def renewed(self, value: str, key: str | None) -> str:
        """The secret with a new value, all other keys kept.

        Raises:
            RotationError: if the key and the value do not go together.
        """
        if key is None and self.document is None:
            return value
        if key is None:
            raise RotationError(
                "The secret is a JSON object without the key engine, and no key of it is named that is to be renewed.",
                "Name the key in the tag secrets-pipeline:password, or write engine, host, username and password.",
            )
        if self.document is None or key not in self.document:
            raise RotationError(
                f"The secret is no JSON object with the key {key}, which the tag secrets-pipeline:password names.",
                "Correct the tag, or the value.",
            )
        return json.dumps({**self.document, key: value})


SecretValue = DatabaseSecret | GenericSecret


def parse(text: str) -> SecretValue:
    """What a secret's text is: a database's secret if it is a JSON object with the key `engine`.

    Raises:
        RotationError: if a database's secret lacks what a login needs.
    """
    document = _object(text)
    if document is None or "engine" not in document:
        return GenericSecret(text, document)
    engine = ENGINES.get(str(document["engine"]).lower())
    if engine is None:
        raise RotationError(
            "The engine that the secret names is not one that this function rotates.",
            f"It rotates {', '.join(ENGINES)}; use a rotation function of your own for others.",
        )
    superuser = document.get("masterarn")
    return DatabaseSecret(
        document,
        DatabaseAddress(engine, _text(document, "host"), _port(document, engine), _dbname(document), _tls(document)),
        login_of(document),
        str(superuser) if superuser else None,
    )


def login_of(document: Mapping[str, object]) -> Login:
    """User and password in a secret's JSON.

    Raises:
        RotationError: if there is none.
    """
    return Login(_text(document, "username"), _text(document, "password"))


def json_object(text: str) -> Mapping[str, object]:
    """A secret's text as a JSON object.

    Raises:
        RotationError: if it is none.
    """
    document = _object(text)
    if document is None:
        raise RotationError("The secret is no JSON object.", "Write one with engine, host, username and password.")
    return document


def _object(text: str) -> Mapping[str, object] | None:
    try:
        document = json.loads(text)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _text(document: Mapping[str, object], key: str) -> str:
    value = document.get(key)
    if not isinstance(value, str) or not value or "\0" in value:
        raise RotationError(f"The secret's JSON has no text under the key {key}.", "Add it to the secret's value.")
    return value


def _port(document: Mapping[str, object], engine: Engine) -> int:
    value = document.get("port")
    if value in (None, ""):
        return engine.port
    try:
        port = int(str(value))
    except ValueError:
        port = 0
    if not 0 < port < 1 << 16:
        raise RotationError("The secret's JSON has no port number under the key port.", "Correct it, or leave it out.")
    return port


def _dbname(document: Mapping[str, object]) -> str | None:
    return _text(document, "dbname") if document.get("dbname") else None


def _tls(document: Mapping[str, object]) -> bool:
    """TLS, unless the secret says false: as a JSON value, or as the text that AWS's templates also take."""
    return str(document.get("ssl")).lower() != "false"
