"""All that the Dagster database of deploy/compose.yaml holds, as bytes that can be searched."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import pg8000.dbapi

from tests.deploy.compose_file import POSTGRES, services

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"


def database_texts(port: int) -> Iterator[tuple[str, bytes]]:
    """Every cell of every row of every table, with the table's name; what Dagster compressed is decompressed.

    Args:
        port: of the server, on 127.0.0.1.
    """
    said = services()[POSTGRES].environment
    driver: Any = pg8000.dbapi
    connection = driver.connect(
        said["POSTGRES_USER"],
        host="127.0.0.1",
        port=port,
        database=said["POSTGRES_DB"],
        password=said["POSTGRES_PASSWORD"],
    )
    try:
        cursor = connection.cursor()
        cursor.execute(_TABLES)
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - its own names
            for row in cursor.fetchall():
                for cell in row:
                    yield table, _plain(cell)
    finally:
        connection.close()


def _plain(cell: object) -> bytes:
    if not isinstance(cell, bytes):
        return str(cell).encode()
    try:
        return zlib.decompress(cell)
    except zlib.error:
        return cell
