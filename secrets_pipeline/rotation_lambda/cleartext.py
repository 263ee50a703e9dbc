"""Log in without ever answering a server that asks for the password in clear text."""

from __future__ import annotations

from typing import Any, Final, NoReturn

import pg8000.core

_CLEARTEXT_PASSWORD: Final = 3
"""Source: https://www.postgresql.org/docs/current/protocol-message-formats.html (AuthenticationCleartextPassword)"""


class CleartextAskedError(Exception):
    """The server asked for the password in clear text."""


class SecretivePostgres(pg8000.core.CoreConnection):  # type: ignore[misc]  # it ships no types
    """A mix-in for pg8000's connections that refuses AuthenticationCleartextPassword. pg8000 has no option for it."""

    def handle_AUTHENTICATION_REQUEST(self, data: bytes, context: Any) -> None:  # noqa: ANN401, N802 - pg8000's
        """Answer the server's request for a proof of the password; see pg8000.

        Raises:
            CleartextAskedError: if the server wants the password itself.
        """
        if int.from_bytes(data[:4]) == _CLEARTEXT_PASSWORD:
            raise CleartextAskedError
        super().handle_AUTHENTICATION_REQUEST(data, context)


class _Cleartext:
    """Answer an authentication plugin of MySQL that wants the password in clear text."""

    def __init__(self, _connection: object) -> None: ...

    def authenticate(self, _packet: object) -> NoReturn:
        raise CleartextAskedError


SECRETIVE_MYSQL: Final[dict[str, Any]] = dict.fromkeys(("mysql_clear_password", "dialog"), _Cleartext)
"""PyMySQL's `auth_plugin_map`: plugins of MySQL and MariaDB that a client answers with the password itself.

`caching_sha2_password`, the default of MySQL 8.4, and `sha256_password` may ask for it too. PyMySQL sends them the
password itself inside TLS alone, and encrypts it with the server's RSA key outside.
Source: https://dev.mysql.com/doc/refman/8.4/en/authentication-plugins.html
"""
