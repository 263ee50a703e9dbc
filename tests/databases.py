"""Ask a database of this host whether it takes a password, without the product's code."""

from __future__ import annotations

from typing import Any

import pg8000.dbapi
import pymysql

_pg8000: Any = pg8000.dbapi  # it ships no types
_WRONG_IN_POSTGRES, _WRONG_IN_MYSQL = "28P01", 1045


def logs_in(
    host: str, port: int, username: str, password: str, database: str | None, *, engine: str = "postgres"
) -> bool:
    """Log in without TLS; False for a wrong user or password, and any other failure is raised."""
    if "postgres" not in engine:
        return _mysql(host, port, username, password, database)
    try:
        connection = _pg8000.connect(
            user=username, host=host, port=port, password=password, database=database, timeout=5, ssl_context=False
        )
    except pg8000.dbapi.DatabaseError as error:
        if error.args[0]["C"] == _WRONG_IN_POSTGRES:
            return False
        raise
    connection.close()
    return True


def _mysql(host: str, port: int, username: str, password: str, database: str | None) -> bool:
    try:
        connection = pymysql.connect(
            user=username, host=host, port=port, password=password.encode(), database=database, ssl_disabled=True
        )
    except pymysql.OperationalError as error:
        if error.args[0] == _WRONG_IN_MYSQL:
            return False
        raise
    connection.close()
    return True
