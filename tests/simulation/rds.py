"""RDS in memory: instances whose password changes some virtual seconds after ModifyDBInstance has answered.

Sources: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html and
https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from secrets_pipeline.emulator.core.fault import Fault
from secrets_pipeline.reconcilers.observed.login import Address, LoggedIn, Login, Refused, Unreachable
from secrets_pipeline.reconcilers.observed.tags import tag_map

ACCOUNT, REGION = "123456789012", "eu-west-1"
TERRAFORMS = "CANARY-made-by-Terraform"
"""Password of an instance that somebody else made."""


@dataclass
class Instance:
    """One instance.

    Attributes:
        due: virtual second at which it becomes available.
        pending: password that ModifyDBInstance announced, and when it takes effect.
    """

    identifier: str
    number: int
    password: str
    username: str
    engine: str
    db_name: str | None
    due: float
    tags: dict[str, str] = field(default_factory=dict)
    pending: tuple[str, float] | None = None

    @property
    def arn(self) -> str:
        return f"arn:aws:rds:{REGION}:{ACCOUNT}:db:{self.identifier}"

    @property
    def address(self) -> str:
        return f"{self.identifier}.{self.number}.{REGION}.rds.amazonaws.com"


class Rds:
    """The instances of one account and region.

    Args:
        clock: virtual seconds.
        delay: seconds until a new password, or a new instance, is there.
        changed: called with the instance whenever its password took effect.
    """

    def __init__(
        self, clock: Callable[[], float], delay: Callable[[], float], changed: Callable[[Instance], None]
    ) -> None:
        self._clock = clock
        self._delay = delay
        self._changed = changed
        self.instances: dict[str, Instance] = {}

    def call(self, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Perform one operation.

        Raises:
            Fault: AWS's error.
        """
        self.settle()
        operations: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "AddTagsToResource": self._tag,
            "CreateDBInstance": self._create,
            "DescribeDBClusters": lambda _params: {"DBClusters": []},
            "DescribeDBInstances": self._describe,
            "ListTagsForResource": lambda p: {"TagList": self._entry(self._by_arn(p["ResourceName"]))["TagList"]},
            "ModifyDBInstance": self._modify,
            "RemoveTagsFromResource": self._untag,
        }
        return operations[operation](params)

    def settle(self) -> None:
        """Let those changes take effect whose time has come."""
        now = self._clock()
        for instance in self.instances.values():
            if instance.pending is not None and instance.pending[1] <= now:
                self.set_password(instance, instance.pending[0])

    def set_password(self, instance: Instance, password: str) -> None:
        """Change it at once, as ALTER ROLE does."""
        if instance.pending is not None and instance.pending[0] == password:
            instance.pending = None
        instance.password = password
        self._changed(instance)

    def available(self, instance: Instance) -> bool:
        """Whether it can be reached."""
        return self._clock() >= instance.due

    def add(self, identifier: str, password: str, **more: Any) -> Instance:  # noqa: ANN401 - Instance's fields
        """An instance that somebody else made."""
        given = {"username": "owner", "engine": "postgres", "db_name": "orders", "due": self._clock(), **more}
        made = Instance(identifier, len(self.instances) + 1, password, **given)
        self.instances[identifier] = made
        self._changed(made)
        return made

    def log_in(self, address: Address, password: str) -> Login:
        """What the server at an address answers."""
        self.settle()
        for instance in self.instances.values():
            if instance.address == address.host and self._clock() >= instance.due:
                return LoggedIn() if instance.password == password else Refused()
        return Unreachable("nobody answers")

    def _get(self, identifier: str) -> Instance:
        if identifier not in self.instances:
            raise Fault("DBInstanceNotFound", f"DBInstance {identifier} not found.", 404)
        return self.instances[identifier]

    def _by_arn(self, arn: str) -> Instance:
        return self._get(arn.rsplit(":", 1)[1])

    def _create(self, params: Mapping[str, Any]) -> dict[str, Any]:
        identifier = params["DBInstanceIdentifier"]
        if identifier in self.instances:
            raise Fault("DBInstanceAlreadyExists", "DB instance already exists")
        made = self.add(
            identifier,
            params["MasterUserPassword"],
            username=params["MasterUsername"],
            db_name=params.get("DBName"),
            due=self._clock() + self._delay(),
            tags=tag_map(params.get("Tags") or ()),
        )
        return {"DBInstance": self._entry(made)}

    def _modify(self, params: Mapping[str, Any]) -> dict[str, Any]:
        instance = self._get(params["DBInstanceIdentifier"])
        if self._clock() < instance.due:
            raise Fault("InvalidDBInstanceState", "Database instance is not in available state.")
        if "MasterUserPassword" in params:
            instance.pending = (params["MasterUserPassword"], self._clock() + self._delay())
        return {"DBInstance": self._entry(instance)}

    def _describe(self, params: Mapping[str, Any]) -> dict[str, Any]:
        asked = params.get("DBInstanceIdentifier")
        found = [self._get(asked)] if asked else self.instances.values()
        return {"DBInstances": [self._entry(instance) for instance in found]}

    def _tag(self, params: Mapping[str, Any]) -> dict[str, Any]:
        self._by_arn(params["ResourceName"]).tags.update(tag_map(params["Tags"]))
        return {}

    def _untag(self, params: Mapping[str, Any]) -> dict[str, Any]:
        tags = self._by_arn(params["ResourceName"]).tags
        for key in params["TagKeys"]:
            tags.pop(key, None)
        return {}

    def _entry(self, instance: Instance) -> dict[str, Any]:
        available = self.available(instance)
        entry: dict[str, Any] = {
            "DBInstanceIdentifier": instance.identifier,
            "DBInstanceArn": instance.arn,
            "DbiResourceId": f"db-{instance.number}",
            "DBInstanceStatus": "available" if available else "creating",
            "Engine": instance.engine,
            "MasterUsername": instance.username,
            "DBName": instance.db_name,
            "TagList": [{"Key": key, "Value": value} for key, value in instance.tags.items()],
            "PendingModifiedValues": {"MasterUserPassword": "****"} if instance.pending else {},
        }
        if available:
            entry["Endpoint"] = {"Address": instance.address, "Port": 5432}
        return entry
