"""Wrap one call for the operations, with the checks that most of them begin with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from secrets_pipeline.emulator.core.fault import Fault
from secrets_pipeline.emulator.enforcement.secrets import SecretsAccess
from secrets_pipeline.emulator.services.propagation import PROPAGATION
from secrets_pipeline.emulator.services.secretsmanager.model import EmulatedSecret
from secrets_pipeline.emulator.services.secretsmanager.store import SecretStore

NOT_FOUND = "Secrets Manager can't find the specified secret."
MARKED = "You can't perform this operation on the secret because it was marked for deletion."
ON_REPLICA = "Operation not permitted on a replica secret. Call must be made in primary secret's region."
MANAGED = "You can't modify this secret because it is managed by another service: {service}."
INVALID_NAME = (
    "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"
)
_NAME = re.compile(r"[A-Za-z0-9/_+=.@!-]{1,512}")
VALUE_BYTES = 65_536
TAGS = 50


@dataclass(frozen=True, slots=True)
class OperationRequest:
    """Parameters of one operation and where it acts.

    Attributes:
        params: the JSON body.
        account_id: account whose secrets are meant.
        region: region of the endpoint.
        store: the secrets there.
        internal: True when another AWS service acts on a secret that it owns.
        access: what the client may do; None when a service of this process acts by itself.
    """

    params: Mapping[str, Any]
    account_id: str
    region: str
    store: SecretStore
    internal: bool = False
    access: SecretsAccess | None = None

    def authorize(self, operation: str) -> None:
        """Refuse an operation that the client may not perform, before anything is said about the secret.

        Raises:
            Fault: AccessDeniedException.
        """
        if self.access is None:
            return
        secret_id = self.text("SecretId")
        secret = self.store.find(secret_id) if secret_id is not None else None
        if secret is not None:
            secret.follow()
        self.access.require(operation, self.params, self.store.place, secret)

    def text(self, name: str) -> str | None:
        """A string parameter, None if absent."""
        value = self.params.get(name)
        return None if value is None else str(value)

    def secret(self, *, deleted: bool = False) -> EmulatedSecret:
        """The secret that SecretId names.

        Args:
            deleted: accept one that is scheduled for deletion.

        Raises:
            Fault: ResourceNotFoundException or InvalidRequestException.
        """
        found = self.store.find(str(self.params["SecretId"]))
        # One of a BatchGetSecretValue, which is answered for the others.
        if found is None or PROPAGATION.hides("secretsmanager:*", found.arn):
            raise Fault("ResourceNotFoundException", NOT_FOUND)
        found.follow()
        if found.deleted is not None and not deleted:
            raise Fault("InvalidRequestException", MARKED)
        return found

    def writable(self, *, deleted: bool = False, managed: bool = False, replica: bool = False) -> EmulatedSecret:
        """The secret, if this caller may modify it here.

        Args:
            deleted: accept one that is scheduled for deletion.
            managed: accept one that another service owns (tags and policies stay the customer's).
            replica: accept a replica.

        Raises:
            Fault: also InvalidParameterException on a replica, InvalidRequestException on a managed secret.
        """
        secret = self.secret(deleted=deleted)
        if secret.primary is not None and not replica:
            raise Fault("InvalidParameterException", ON_REPLICA)
        if secret.owning_service and not (managed or self.internal):
            raise Fault("InvalidRequestException", MANAGED.format(service=secret.owning_service))
        return secret

    def value(self) -> tuple[str | None, str | None] | None:
        """SecretString and SecretBinary, None if the call carries no value.

        Raises:
            Fault: InvalidParameterException for both at once or more than 65,536 bytes.
        """
        string, binary = self.text("SecretString"), self.text("SecretBinary")
        if string is None and binary is None:
            return None
        if string is not None and binary is not None:
            raise Fault(
                "InvalidParameterException",
                "You can't specify both a binary secret value and a string secret value in the same secret.",
            )
        size = len(string.encode()) if string is not None else len(binary or "") * 3 // 4
        if size > VALUE_BYTES:
            raise Fault("InvalidParameterException", f"The secret value must be at most {VALUE_BYTES} bytes.")
        return string, binary


def valid_name(name: str) -> str:
    """Check a secret's name, of a new one or of one that is asked for.

    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html

    Raises:
        Fault: ValidationException.
    """
    if not _NAME.fullmatch(name):
        raise Fault("ValidationException", INVALID_NAME)
    return name


def valid_tags(tags: Iterable[Mapping[str, str]], present: Mapping[str, str] | None = None) -> dict[str, str]:
    """Tags to add, checked together with those that are there.

    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_TagResource.html

    Raises:
        Fault: InvalidParameterException for a duplicate key, the `aws:` prefix, or more than 50 in all.
    """
    added: dict[str, str] = {}
    for tag in tags:
        key = tag["Key"]
        if key in added:
            raise Fault("InvalidParameterException", f"Duplicate tag keys found: {key}")
        if key.lower().startswith("aws:"):
            raise Fault("InvalidParameterException", "Tag keys that begin with aws: are reserved for system use.")
        added[key] = tag.get("Value") or ""
    if len({**(present or {}), **added}) > TAGS:
        raise Fault("InvalidParameterException", f"A secret can have at most {TAGS} tags.")
    return added
