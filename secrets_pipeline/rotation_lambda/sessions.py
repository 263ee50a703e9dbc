"""Log in to a database, whatever its engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from . import mysql, postgres
from .cleartext import CleartextAskedError
from .errors import RotationError
from .secret_value import MARIADB, MYSQL, POSTGRES, DatabaseAddress, Login


class DatabaseSession(Protocol):
    """What a rotation does in a database."""

    def check(self) -> None:
        """Ask the server something that it only answers to somebody who is logged in."""

    def set_own_password(self, login: Login) -> None:
        """Give the user of this session, who is `login`'s, another password."""

    def set_twin(self, original: str, login: Login) -> None:
        """Give another user a password; where it does not exist, create it with the privileges of `original`."""

    def close(self) -> None:
        """Log out."""


_CONNECT: Mapping[str, Callable[[DatabaseAddress, Login, float], DatabaseSession | None]] = {
    POSTGRES: postgres.connect,
    MYSQL: mysql.connect,
    MARIADB: mysql.connect,
}


TIMEOUT_SECONDS = 5.0


def connect(address: DatabaseAddress, login: Login, *, seconds: float = TIMEOUT_SECONDS) -> DatabaseSession | None:
    """Log in, or return None if user or password is wrong; `seconds` at most for each answer of the server.

    Raises:
        RotationError: if anything else is.
    """
    try:
        return _CONNECT[address.engine.family](address, login, seconds)
    except CleartextAskedError:
        raise RotationError(
            f"{address} asked for the password in clear text and got none.",
            "Let the user log in by SCRAM-SHA-256 or caching_sha2_password.",
        ) from None
