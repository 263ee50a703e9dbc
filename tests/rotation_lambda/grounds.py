"""Where rotations happen: a secret in the embedded AWS, and a user of a real database."""

from __future__ import annotations

import io
import itertools
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import boto3
import pg8000.native
import pymysql

from secrets_pipeline import emulator
from secrets_pipeline.rotation_lambda.handler import handle
from tests.databases import logs_in
from tests.mariadb import MariaDb
from tests.waiting import WAITER

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
MASTER_PASSWORD = "Master-password-1"
_numbers = itertools.count()
_pg8000: Any = pg8000.native


class Server(Protocol):
    """A database server and its master user."""

    @property
    def engine(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def master(self) -> str: ...

    def execute(self, *statements: str) -> list[Any]:
        """As master user; the rows of the last statement."""

    def as_user(self, username: str, password: str, *statements: str) -> list[Any]:
        """As somebody else."""

    def create_user(self, username: str, password: str) -> None: ...
    def acts_as(self, document: Mapping[str, Any], original: str) -> bool:
        """Whether the user of a version may do what the original may, no more and no less."""


@dataclass(frozen=True)
class Postgres:
    """The embedded RDS; its master user is no superuser, as on RDS."""

    port: int
    engine: str = "postgres"
    master: str = "owner"
    password: str = field(default=MASTER_PASSWORD, repr=False)

    def execute(self, *statements: str) -> list[Any]:
        return self.as_user(self.master, self.password, *statements)

    def as_user(self, username: str, password: str, *statements: str) -> list[Any]:
        with closing(
            _pg8000.Connection(username, host="127.0.0.1", port=self.port, database="orders", password=password)
        ) as connection:
            return [list(connection.run(statement) or []) for statement in statements][-1]

    def create_user(self, username: str, password: str) -> None:
        self.execute(f"CREATE ROLE {_pg8000.identifier(username)} LOGIN PASSWORD {_pg8000.literal(password)}")

    def acts_as(self, document: Mapping[str, Any], original: str) -> bool:
        rows = self.as_user(document["username"], document["password"], "SELECT current_user::text")
        return rows == [[original]]


@dataclass(frozen=True)
class Maria:
    """MariaDB, with a master user like RDS's."""

    server: MariaDb
    engine: str = "mariadb"
    master: str = "owner"

    @property
    def port(self) -> int:
        return self.server.port

    def furnish(self) -> None:
        with closing(self.server.root()) as root, root.cursor() as cursor:
            cursor.execute("CREATE DATABASE orders")
            cursor.execute("CREATE USER owner IDENTIFIED BY %s", (MASTER_PASSWORD,))
            cursor.execute("GRANT ALL ON *.* TO owner WITH GRANT OPTION")

    def execute(self, *statements: str) -> list[Any]:
        return self.as_user(self.master, MASTER_PASSWORD, *statements)

    def as_user(self, username: str, password: str, *statements: str) -> list[Any]:
        with (
            closing(
                pymysql.connect(host="127.0.0.1", port=self.port, user=username, password=password, autocommit=True)
            ) as connection,
            connection.cursor() as cursor,
        ):
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def create_user(self, username: str, password: str) -> None:
        self.execute(
            f"CREATE USER `{username}` IDENTIFIED BY '{password}'", f"GRANT SELECT ON orders.* TO `{username}`"
        )

    def acts_as(self, document: Mapping[str, Any], original: str) -> bool:
        shown = [
            {
                row[0].split(" IDENTIFIED ")[0].replace(f"`{one}`@", "`u`@")
                for row in self.execute(f"SHOW GRANTS FOR {one}")
            }
            for one in (document["username"], original)
        ]
        return shown[0] == shown[1] and len(shown[0]) > 1


@dataclass
class Ground:
    """One account of the embedded AWS, and rotations in it.

    Attributes:
        function: a rotation function that Secrets Manager cannot run, so that the steps are taken here.
    """

    aws: emulator.LocalAws
    session: boto3.Session
    function: str
    seen: set[str] = field(default_factory=set)

    @cached_property
    def secrets(self) -> SecretsManagerClient:
        return self.session.client("secretsmanager")

    def secret(self, value: str, tags: Mapping[str, str] | None = None) -> str:
        """A secret; its ARN."""
        made = self.secrets.create_secret(
            Name=f"rotated-{next(_numbers)}/value",
            SecretString=value,
            Tags=[{"Key": key, "Value": text} for key, text in (tags or {}).items()],
        )
        return made["ARN"]

    def start(self, arn: str) -> str:
        """Start a rotation whose steps nobody takes; its token."""
        return self.secrets.rotate_secret(SecretId=arn, RotationLambdaARN=self.function)["VersionId"]

    def step(self, name: str, arn: str, token: str) -> None:
        handle({"Step": name, "SecretId": arn, "ClientRequestToken": token})

    def steps(self, arn: str, token: str) -> None:
        for name in STEPS:
            self.step(name, arn, token)

    def rotate(self, arn: str) -> str:
        token = self.start(arn)
        self.steps(arn, token)
        return token

    def value(self, arn: str, stage: str = "AWSCURRENT") -> str | None:
        try:
            value = self.secrets.get_secret_value(SecretId=arn, VersionStage=stage)["SecretString"]
        except self.secrets.exceptions.ResourceNotFoundException:
            return None
        return value

    def document(self, arn: str, stage: str = "AWSCURRENT") -> dict[str, Any]:
        value = self.value(arn, stage)
        assert value is not None
        document: dict[str, Any] = json.loads(value)
        self.seen.add(str(document["password"]))
        return document

    def stages(self, arn: str) -> dict[str, list[str]]:
        return self.secrets.describe_secret(SecretId=arn)["VersionIdsToStages"]


@dataclass(frozen=True)
class User:
    """A user of a database whose secret is rotated.

    Attributes:
        arn: of its secret.
    """

    ground: Ground
    server: Server
    name: str
    arn: str
    first: str

    @property
    def current(self) -> dict[str, Any]:
        return self.ground.document(self.arn)

    def accepts(self, document: Mapping[str, Any]) -> bool:
        """Whether the database lets in whom a version of the secret names; asked without the function's code."""
        server = self.server
        user, password, dbname = document["username"], document["password"], document.get("dbname")
        return logs_in("127.0.0.1", server.port, user, password, dbname, engine=server.engine)

    def run(self, document: Mapping[str, Any], *statements: str) -> list[Any]:
        """As the user of a version of the secret."""
        return self.server.as_user(document["username"], document["password"], *statements)


def new_user(ground: Ground, server: Server, *, superuser: str | None = None, **more: object) -> User:
    """A user of its own, and its secret; `superuser` is the ARN of the master user's secret."""
    number = next(_numbers)
    name, password = f"app{number}", f"First-password-{number}"
    server.create_user(name, password)
    value = {
        "engine": server.engine,
        "host": "127.0.0.1",
        "port": server.port,
        "username": name,
        "password": password,
        "dbname": "orders",
        "ssl": False,
        **({"masterarn": superuser} if superuser else {}),
        **more,
    }
    ground.seen.add(password)
    return User(ground, server, name, ground.secret(json.dumps(value)), password)


def master_secret(ground: Ground, server: Server) -> str:
    """The secret of the master user; its ARN."""
    place = {"engine": server.engine, "host": "127.0.0.1", "port": server.port, "ssl": False}
    return ground.secret(json.dumps({**place, "username": server.master, "password": MASTER_PASSWORD}))


def unrunnable_function(session: boto3.Session) -> str:
    """A function that the embedded AWS cannot run, which Secrets Manager may invoke; its ARN."""
    code, functions, iam = io.BytesIO(), session.client("lambda"), session.client("iam")
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.js", "")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(
        RoleName="unrunnable", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]["Arn"]
    arn = functions.create_function(
        FunctionName="unrunnable", Role=role, Runtime="nodejs22.x", Handler="index.h", Code={"ZipFile": code.getvalue()}
    )["FunctionArn"]
    functions.add_permission(
        FunctionName="unrunnable",
        StatementId="s",
        Action="lambda:InvokeFunction",
        Principal="secretsmanager.amazonaws.com",
    )
    return arn


def _instance(session: boto3.Session, name: str, **more: object) -> dict[str, Any]:
    rds: Any = session.client("rds")
    rds.create_db_instance(
        DBInstanceIdentifier=name,
        Engine="postgres",
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        MasterUsername="owner",
        DBName="orders",
        **more,
    )
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=name, WaiterConfig=WAITER)
    found: dict[str, Any] = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    return found


@contextmanager
def postgres(session: boto3.Session) -> Iterator[Postgres]:
    """An instance of the embedded RDS."""
    found = _instance(session, "rotated", MasterUserPassword=MASTER_PASSWORD)
    yield Postgres(found["Endpoint"]["Port"])


@contextmanager
def managed(session: boto3.Session) -> Iterator[tuple[Postgres, str]]:
    """An instance whose master password RDS manages, and the ARN of that secret."""
    found = _instance(session, "managed", ManageMasterUserPassword=True)
    arn = found["MasterUserSecret"]["SecretArn"]
    value = json.loads(session.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
    yield Postgres(found["Endpoint"]["Port"], password=value["password"]), arn
    session.client("rds").delete_db_instance(DBInstanceIdentifier="managed", SkipFinalSnapshot=True)
