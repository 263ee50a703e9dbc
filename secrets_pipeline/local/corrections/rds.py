"""RDS for PostgreSQL with a real PostgreSQL behind every instance; other engines stay records.

What it corrects, measured on moto 5.2.5:

- An instance is `creating`, without an endpoint, until its server answers; its endpoint is that server's.
  https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html
- MasterUserPassword must satisfy the engine's rules, and a change of it really happens, asynchronously, shown meanwhile
  in PendingModifiedValues. https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html
- The master user name is not a reserved word of the engine.
- DbiResourceId is unique. Managed master passwords are random and belong to the master user.
- Deleting removes the server, stopping and starting an instance stops and starts it.

The port that a caller asks for is not honoured: a free one is taken. DB clusters (Aurora) stay records, too.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import string
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any

from moto.rds import models as moto_models
from moto.rds import urls as moto_urls
from moto.rds.exceptions import InvalidDBInstanceStateError, RDSClientError
from moto.rds.models import DBInstance, MasterUserSecret, RDSBackend, rds_backends

from secrets_pipeline.errors import LocalError
from secrets_pipeline.local.corrections.settings import settings
from secrets_pipeline.local.postgres import ADMINISTRATOR, HOST, Binaries, PostgresServer, find

logger = logging.getLogger(__name__)

POSTGRES_ENGINES = frozenset({"postgres", "aurora-postgresql"})
RESERVED_USERS = frozenset({"admin", ADMINISTRATOR})
_PASSWORD_LENGTHS = {"mysql": 41, "mariadb": 41, "oracle": 30}
_LONGEST_PASSWORD, _SHORTEST_PASSWORD = 128, 8
_USER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
_RESOURCE_ALPHABET = string.ascii_uppercase + string.digits
_PASSWORD_ALPHABET = string.ascii_letters + string.digits + "!#$%&*+-.:;<=>?[]^_{|}~"


@dataclass(slots=True)
class Fleet:
    """Every PostgreSQL of this process.

    Attributes:
        root: folder that holds one folder for each server.
        creating_seconds: an instance stays `creating` at least this long.
    """

    root: Path
    creating_seconds: float = 0.0
    _binaries: Binaries | None = None
    _servers: dict[str, PostgresServer] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)  # the dictionary's; each server has a lock of its own

    def new(self, name: str) -> PostgresServer:
        """Reserve a server that is not yet created.

        Raises:
            LocalError: PostgreSQL is not installed.
        """
        with self._lock:
            self._binaries = self._binaries or find()
            server = self._servers[name] = PostgresServer(self._binaries, self.root / name)
            return server

    @property
    def version(self) -> str:
        """PostgreSQL's version, once a server was reserved."""
        return self._binaries.version if self._binaries else ""

    def remove(self, name: str) -> None:
        """Stop a server and remove its folder."""
        with self._lock:
            server = self._servers.pop(name, None)
        if server is not None:
            server.stop()

    def stop(self) -> None:
        """Stop every server."""
        for name in list(self._servers):
            self.remove(name)


_fleet = Fleet(settings().postgres_root, settings().creating_seconds)


class Instance(DBInstance):
    """An instance whose endpoint is a real server, if its engine is PostgreSQL."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - moto's forty parameters
        super().__init__(*args, **kwargs)
        self.dbi_resource_id = "db-" + "".join(secrets.choice(_RESOURCE_ALPHABET) for _ in range(26))
        self.pending_modified_values: dict[str, str] | None = None
        self.server: PostgresServer | None = None
        self.jobs = ThreadPoolExecutor(max_workers=1, thread_name_prefix=self.db_instance_identifier)

    def __copy__(self) -> Instance:
        """A snapshot's picture of the instance has neither server nor thread."""
        picture = object.__new__(type(self))
        picture.__dict__ |= {**self.__dict__, "server": None, "jobs": None}
        return picture

    @property
    def address(self) -> str:
        """Host of the endpoint."""
        return HOST if self.server is not None else str(super().address)

    @property
    def endpoint(self) -> dict[str, Any] | None:  # type: ignore[override] # moto always has one
        """Address and port, None before the instance is available."""
        return None if self.status == "creating" else {"Address": self.address, "Port": self.port}

    def submit(self, job: Callable[[], None], failed: str) -> None:
        """Run a job after those before it; an error is logged and leaves a status that says so."""

        def run() -> None:
            try:
                job()
            except Exception:
                logger.exception("instance %s: %s", self.db_instance_identifier, failed)
                self.status = failed

        self.jobs.submit(run)

    def bring_up(self, server: PostgresServer, password: str) -> None:
        """Create the server in the background."""
        self.server, self.status = server, "creating"
        earliest = time.monotonic() + _fleet.creating_seconds

        def job() -> None:
            server.create(str(self.master_username), password, self.db_name)
            time.sleep(max(0.0, earliest - time.monotonic()))
            self.port, self.status = server.port, "available"

        self.submit(job, "failed")

    def change_password(self, password: str) -> None:
        """Change the master user's password in the background."""
        server = self.server
        if server is None:
            return
        self.pending_modified_values = {"MasterUserPassword": "****"}

        def job() -> None:
            server.set_password(str(self.master_username), password)
            self.pending_modified_values = None

        self.submit(job, "incompatible-credentials")


class Backend(RDSBackend):
    """RDS that runs what it records."""

    SERVICE_NAMESPACE = "rds"

    @property
    def _url_module(self) -> ModuleType:
        return moto_urls

    def create_db_instance(self, db_kwargs: dict[str, Any]) -> DBInstance:
        """Create an instance; PostgreSQL starts in the background.

        Raises:
            RDSClientError: InvalidParameterValue for the master user or password.
        """
        engine, password = str(db_kwargs.get("engine")), db_kwargs.get("master_user_password")
        alone = db_kwargs.get("db_cluster_identifier") is None
        if alone:
            _check_user(engine, str(db_kwargs.get("master_username") or ""))
            if not db_kwargs.get("manage_master_user_password"):
                _check_password(engine, str(password or ""))
        instance = super().create_db_instance(db_kwargs)
        if isinstance(instance, Instance) and alone and engine in POSTGRES_ENGINES:
            try:
                server = _fleet.new(instance.dbi_resource_id)
            except LocalError as error:
                del self.databases[instance.db_instance_identifier]
                raise RDSClientError("InternalFailure", error.message) from error
            if not db_kwargs.get("engine_version"):
                instance.engine_version = _fleet.version
            instance.bring_up(server, str(password or managed_password(instance)))
        return instance

    def modify_db_instance(self, db_instance_identifier: str, db_kwargs: dict[str, Any]) -> DBInstance:
        """Modify an available instance.

        Raises:
            RDSClientError: InvalidDBInstanceState, or InvalidParameterValue for the password.
        """
        instance = self.describe_db_instances(db_instance_identifier)[0]
        if instance.status != "available":
            raise RDSClientError("InvalidDBInstanceState", "Database instance is not in available state.")
        password = db_kwargs.get("master_user_password")
        if password is not None:
            _check_password(instance.engine, str(password))
        instance = super().modify_db_instance(db_instance_identifier, db_kwargs)
        if password is not None and isinstance(instance, Instance):
            instance.change_password(str(password))
        return instance

    def delete_db_instance(self, db_instance_identifier: str, *args: Any, **kwargs: Any) -> DBInstance:  # noqa: ANN401
        """Delete an instance and its server."""
        instance = super().delete_db_instance(db_instance_identifier, *args, **kwargs)
        if isinstance(instance, Instance):
            instance.submit(lambda: _fleet.remove(instance.dbi_resource_id), "deleting")
        return instance

    def stop_db_instance(self, db_instance_identifier: str, db_snapshot_identifier: str | None = None) -> DBInstance:
        """Stop the server and keep its data."""
        instance = super().stop_db_instance(db_instance_identifier, db_snapshot_identifier)
        server = instance.server if isinstance(instance, Instance) else None
        if server is not None and isinstance(instance, Instance):
            instance.submit(lambda: server.stop(keep=True), "failed")
        return instance

    def start_db_instance(self, db_instance_identifier: str) -> DBInstance:
        """Start the server on the data that it had."""
        instance = super().start_db_instance(db_instance_identifier)
        server = instance.server if isinstance(instance, Instance) else None
        if server is not None and isinstance(instance, Instance):
            instance.status = "starting"

            def job() -> None:
                server.start()
                instance.port, instance.status = server.port, "available"

            instance.submit(job, "failed")
        return instance

    def reboot_db_instance(self, db_instance_identifier: str) -> DBInstance:
        """Restart the server.

        Raises:
            InvalidDBInstanceStateError: the instance is not available.
        """
        instance = self.describe_db_instances(db_instance_identifier)[0]
        if instance.status != "available":
            raise InvalidDBInstanceStateError(db_instance_identifier, "reboot")
        self.stop_db_instance(db_instance_identifier)
        return self.start_db_instance(db_instance_identifier)


def managed_password(instance: DBInstance) -> str:
    """The password in the secret that RDS manages for an instance."""
    arn = instance.master_user_secret.secret_arn
    value = instance.backend.secretsmanager.get_secret_value(arn, "", "")
    return str(json.loads(value["SecretString"])["password"])


class ManagedSecret(MasterUserSecret):
    """The secret of ManageMasterUserPassword, with the real user and a password of its own."""

    def _generate_secret_string(self) -> str:
        password = "".join(secrets.choice(_PASSWORD_ALPHABET) for _ in range(28))
        return json.dumps({"username": self.resource.master_username, "password": password})

    def rotate_secret(self) -> None:
        """Give the user another password, in the secret and in the database."""
        self._status = "rotating"
        value = self._generate_secret_string()
        owner: Any = self.secretsmanager  # our backend, which moto types as its own
        owner.call("PutSecretValue", {"SecretId": self.secret.arn, "SecretString": value}, internal=True)
        if isinstance(self.resource, Instance):
            self.resource.change_password(str(json.loads(value)["password"]))


def _check_user(engine: str, username: str) -> None:
    if engine not in POSTGRES_ENGINES:
        return
    if username.lower() in RESERVED_USERS:
        raise RDSClientError(
            "InvalidParameterValue",
            f"MasterUsername {username} cannot be used as it is a reserved word used by the engine",
        )
    if not _USER.fullmatch(username):
        raise RDSClientError("InvalidParameterValue", "The parameter MasterUsername is not a valid identifier.")


def _check_password(engine: str, password: str) -> None:
    longest = next((most for name, most in _PASSWORD_LENGTHS.items() if name in engine), _LONGEST_PASSWORD)
    if not _SHORTEST_PASSWORD <= len(password) <= longest:
        bound = f"shorter than {_SHORTEST_PASSWORD}" if len(password) < _SHORTEST_PASSWORD else f"longer than {longest}"
        raise RDSClientError(
            "InvalidParameterValue",
            f"The parameter MasterUserPassword is not a valid password because it is {bound} characters.",
        )
    if not all("!" <= letter <= "~" for letter in password) or set(password) & set('/@" '):
        raise RDSClientError(
            "InvalidParameterValue",
            "The parameter MasterUserPassword is not a valid password. "
            "Only printable ASCII characters besides '/', '@', '\"', ' ' may be used.",
        )


def stop_servers() -> None:
    """Stop every PostgreSQL and wait."""
    _fleet.stop()


def install() -> None:
    """Put these classes in the place of moto's."""
    moto_models.DBInstance = Instance  # type: ignore[misc] # the class that create_db_instance instantiates
    moto_models.MasterUserSecret = ManagedSecret  # type: ignore[misc] # the same
    rds_backends.backend = Backend
