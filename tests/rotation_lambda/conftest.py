"""One PostgreSQL and one MariaDB for the tests of the function in a file."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import boto3
import pytest

from secrets_pipeline import emulator
from tests.embedded import lead_to
from tests.mariadb import running_mariadb
from tests.rotation_lambda.grounds import (
    Ground,
    Maria,
    Postgres,
    Server,
    User,
    master_secret,
    new_user,
    postgres,
    unrunnable_function,
)

ENGINES = ["postgres", "mariadb"]


@pytest.fixture(autouse=True)
def levels_of_this_process() -> Iterator[None]:
    """The function sets log levels of the process that it has for itself in Lambda."""
    loggers = [logging.getLogger(name) for name in ("boto3", "botocore", "urllib3", "secrets_pipeline.rotation")]
    before = [one.level for one in loggers]
    yield
    for one, level in zip(loggers, before, strict=True):
        one.setLevel(level)


@pytest.fixture(scope="module")
def leading(aws: emulator.LocalAws) -> Iterator[boto3.Session]:
    """The environment of a function, and a session in it."""
    with pytest.MonkeyPatch.context() as patch:
        lead_to(aws, patch)
        yield boto3.Session(region_name=aws.region)


@pytest.fixture(scope="module")
def shared_ground(aws: emulator.LocalAws, leading: boto3.Session) -> Ground:
    return Ground(aws, leading, unrunnable_function(leading))


@pytest.fixture
def ground(shared_ground: Ground, capfd: pytest.CaptureFixture[str]) -> Iterator[Ground]:
    """Where a test rotates; no password that it saw may have been written anywhere."""
    shared_ground.seen.clear()
    yield shared_ground
    written = "".join(capfd.readouterr())
    assert not [password for password in shared_ground.seen if password in written]


@pytest.fixture(scope="module")
def postgres_server(leading: boto3.Session) -> Iterator[Postgres]:
    with postgres(leading) as server:
        yield server


@pytest.fixture(scope="package")
def maria_server() -> Iterator[Maria]:
    with running_mariadb() as running:
        server = Maria(running)
        server.furnish()
        yield server


@pytest.fixture(params=ENGINES)
def server(request: pytest.FixtureRequest) -> Server:
    """A PostgreSQL, then a MariaDB."""
    name = {"postgres": "postgres_server", "mariadb": "maria_server"}[request.param]
    found: Server = request.getfixturevalue(name)
    return found


@pytest.fixture
def single(ground: Ground, server: Server) -> User:
    """A user that changes its own password."""
    return new_user(ground, server)


@pytest.fixture
def alternating(ground: Ground, server: Server) -> User:
    """A user that alternates with its clone."""
    return new_user(ground, server, superuser=master_secret(ground, server))
