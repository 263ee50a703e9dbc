"""Make and rotate the secret of ManageMasterUserPassword, which RDS owns."""

from __future__ import annotations

import json
from typing import Any

from moto.rds.models import DBCluster, DBInstance, MasterUserSecret

from secrets_pipeline.emulator.services.rds.credentials import new_password


def managed_password(database: DBInstance | DBCluster) -> str:
    """The password in the secret that RDS manages for a database."""
    arn = database.master_user_secret.secret_arn
    value = database.backend.secretsmanager.get_secret_value(arn, "", "")
    return str(json.loads(value["SecretString"])["password"])


class ManagedSecret(MasterUserSecret):
    """The secret of ManageMasterUserPassword, with the real user and a password of its own."""

    def _generate_secret_string(self) -> str:
        return json.dumps({"username": self.resource.master_username, "password": new_password()})

    def _generate_secret_tags(self) -> list[dict[str, str]]:
        """By RDS's names; moto's come from the names of classes."""
        kind = "Cluster" if isinstance(self.resource, DBCluster) else "Instance"
        return [{"Key": f"aws:rds:primaryDB{kind}Arn", "Value": self.resource.arn}]

    def rotate_secret(self) -> None:
        """Give the user another password, in the secret and in the database."""
        self._status = "rotating"
        value = self._generate_secret_string()
        owner: Any = self.secretsmanager  # our backend, which moto types as its own
        owner.call("PutSecretValue", {"SecretId": self.secret.arn, "SecretString": value}, internal=True)
        change = getattr(self.resource, "change_password", None)
        if change is not None:
            change(str(json.loads(value)["password"]))
