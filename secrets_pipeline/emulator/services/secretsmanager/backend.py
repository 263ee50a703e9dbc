"""Replace moto's Secrets Manager: the backend, and the dispatcher of its operations."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

from moto.core.base_backend import BaseBackend
from moto.core.exceptions import JsonRESTError
from moto.core.resource_tagging import TaggableResourcesMixin, TaggedResource
from moto.secretsmanager import responses as moto_responses
from moto.secretsmanager import urls as moto_urls
from moto.secretsmanager.models import secretsmanager_backends

from secrets_pipeline.aws.operations import reads
from secrets_pipeline.emulator.control.lists import LAG
from secrets_pipeline.emulator.core.fault import Fault
from secrets_pipeline.emulator.core.secret_key import DEFAULT_ALIAS
from secrets_pipeline.emulator.enforcement import SecretsAccess, identify
from secrets_pipeline.emulator.services import shapes
from secrets_pipeline.emulator.services.secretsmanager import (
    announce,
    metadata,
    next_rotation,
    policies,
    replication,
    rotation,
    values,
)
from secrets_pipeline.emulator.services.secretsmanager.metadata import plan_deletion
from secrets_pipeline.emulator.services.secretsmanager.model import CURRENT, EmulatedSecret
from secrets_pipeline.emulator.services.secretsmanager.request import OperationRequest, valid_name
from secrets_pipeline.emulator.services.secretsmanager.steps import rotate_by_itself
from secrets_pipeline.emulator.services.secretsmanager.store import SecretStore, account_lock

_MOVES = frozenset({"CreateSecret", "PutSecretValue", "UpdateSecret", "UpdateSecretVersionStage"})
"""Operations that can move labels."""
_SETS = frozenset({"PutSecretValue", "UpdateSecret"})
_TOKEN_MISSING = {
    **dict.fromkeys(("CreateSecret", "PutSecretValue", "UpdateSecret"), "InvalidRequestException"),
    "RotateSecret": "InvalidParameterException",
}
"""AWS's error code for a request without ClientRequestToken. Every SDK sends one."""
_ARN = re.compile(r"arn:[\w-]+:secretsmanager:[\w-]+:(?P<account>\d{12}):secret:.+")

Operation = Callable[[OperationRequest], Mapping[str, Any]]

OPERATIONS: Mapping[str, Operation] = {
    "AssociateCrossAccountReplica": replication.associate_cross_account_replica,
    "BatchGetSecretValue": values.batch_get_secret_value,
    "CancelRotateSecret": rotation.cancel_rotate_secret,
    "CreateSecret": values.create_secret,
    "DeleteResourcePolicy": policies.delete_resource_policy,
    "DeleteSecret": metadata.delete_secret,
    "DescribeSecret": metadata.describe_secret,
    "DisassociateCrossAccountReplica": replication.disassociate_cross_account_replica,
    "GetRandomPassword": metadata.get_random_password,
    "GetResourcePolicy": policies.get_resource_policy,
    "GetSecretValue": values.get_secret_value,
    "ListSecretVersionIds": metadata.list_secret_version_ids,
    "ListSecrets": metadata.list_secrets,
    "PutResourcePolicy": policies.put_resource_policy,
    "PutSecretValue": values.put_secret_value,
    "RemoveRegionsFromReplication": replication.remove_regions_from_replication,
    "ReplicateSecretToRegions": replication.replicate_secret_to_regions,
    "RestoreSecret": metadata.restore_secret,
    "RotateSecret": lambda request: rotation.rotate_secret(request, account_lock(request.account_id)),
    "StopReplicationToReplica": replication.stop_replication_to_replica,
    "TagResource": metadata.tag_resource,
    "UntagResource": metadata.untag_resource,
    "UpdateSecret": values.update_secret,
    "UpdateSecretVersionStage": values.update_secret_version_stage,
    "ValidateResourcePolicy": policies.validate_resource_policy,
}


class ServiceManagedSecret:
    """What moto's other services keep of a secret that they own."""

    def __init__(self, secret: EmulatedSecret) -> None:
        self.arn = secret.arn
        self.name = secret.name
        self.kms_key_id = secret.kms_key_id or DEFAULT_ALIAS


class Described:
    """What SSM's `/aws/reference/secretsmanager/` parameters read."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self._answer = answer

    def to_dict(self) -> dict[str, Any]:
        """DescribeSecret's answer."""
        return {"VersionIdsToStages": {}, **self._answer}


class EmulatedSecretsManagerBackend(BaseBackend, TaggableResourcesMixin):
    """Secrets Manager of one account and region, with the entry points that other moto services use."""

    SERVICE_NAMESPACE = "secretsmanager"

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.store = SecretStore(account_id, region_name)

    def resume(self) -> None:
        """Plan what the secrets wait for, after the scheduler has forgotten it."""
        for secret in self.store.all():
            next_rotation.resume(secret, rotate_by_itself)
            plan_deletion(self.store, secret)

    @property
    def _url_module(self) -> ModuleType:
        return moto_urls

    def call(
        self,
        operation: str,
        params: Mapping[str, Any],
        *,
        internal: bool = False,
        access: SecretsAccess | None = None,
    ) -> Mapping[str, Any]:
        """Perform one operation under the account's lock, which also covers replicas in other regions.

        Args:
            operation: API operation.
            params: of the call.
            internal: another AWS service acts on a secret that it owns.
            access: what the client may do; None when a service of this process acts by itself.

        Raises:
            Fault: AWS's error.
        """
        with account_lock(self.account_id):
            request = OperationRequest(params, self.account_id, self.region_name, self.store, internal, access)
            request.authorize(operation)
            if LAG.moment() is not None and not reads(operation):
                self._remember(str(params.get("SecretId") or params.get("Name")))
            if operation not in _MOVES:
                return OPERATIONS[operation](request)
            named = str(params.get("SecretId") or params.get("Name"))
            before = announce.labels(self.store.find(named))
            answer = OPERATIONS[operation](request)
            changed = self.store.find(named)
            if changed is not None:
                announce.label_moves(changed, before)
                current = changed.staged(CURRENT)
                if operation in _SETS and current is not None and before.get(CURRENT) not in (None, current.id):
                    rotation.value_was_set(changed, current.id)
            return answer

    def _remember(self, secret_id: str) -> None:
        """Note what lists that lag behind will show of a secret and its replicas; the account's lock is held."""
        secret = self.store.find(secret_id)
        name = secret.name if secret else secret_id
        backends: Any = secretsmanager_backends[self.account_id]
        for backend in list(backends.values()):
            backend.store.remember(name)

    def create_managed_secret(
        self,
        *,
        service_name: str,
        secret_id: str,
        secret_string: str | None = None,
        description: str | None = None,
        kms_key_id: str | None = None,
        tags: list[dict[str, str]] | None = None,
    ) -> ServiceManagedSecret:
        """Create the secret of another service, for example RDS's master password."""
        with account_lock(self.account_id):
            self._remember(secret_id)
            secret = self.store.new(secret_id)
            secret.owning_service, secret.description, secret.kms_key_id = service_name, description or "", kms_key_id
            secret.tags = {tag["Key"]: tag["Value"] for tag in tags or ()}
            if secret_string is not None:
                self.call("PutSecretValue", {"SecretId": secret.arn, "SecretString": secret_string}, internal=True)
            return ServiceManagedSecret(secret)

    def delete_secret(
        self, secret_id: str, recovery_window_in_days: int | None, force_delete_without_recovery: bool
    ) -> None:
        """Delete the secret of another service."""
        params = {
            "SecretId": secret_id,
            "RecoveryWindowInDays": recovery_window_in_days,
            "ForceDeleteWithoutRecovery": force_delete_without_recovery,
        }
        self.call("DeleteSecret", params, internal=True)

    def describe_secret(self, secret_id: str) -> Described:
        """Describe for SSM."""
        return Described(self.call("DescribeSecret", {"SecretId": secret_id}))

    def get_secret_value(self, secret_id: str, version_id: str, version_stage: str | None) -> Mapping[str, Any]:
        """Read for SSM and RDS, which write an absent parameter as None or empty."""
        params = {"SecretId": secret_id, "VersionId": version_id or None, "VersionStage": version_stage or None}
        return self.call("GetSecretValue", params)

    def iter_tagged_resources(self) -> Iterator[TaggedResource]:
        """Secrets for the Resource Groups Tagging API."""
        with account_lock(self.account_id):
            found = [(secret.arn, dict(secret.tags)) for secret in self.store.all()]
        yield from (TaggedResource(arn, tags, "secretsmanager:secret") for arn, tags in found)

    def tag_resource(self, arn: str, tags: dict[str, str]) -> None:
        """Tag through the Resource Groups Tagging API."""
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        self.call("TagResource", {"SecretId": arn, "Tags": listed})

    def untag_resource(self, arn: str, tag_keys: list[str]) -> None:
        """Untag through the Resource Groups Tagging API."""
        self.call("UntagResource", {"SecretId": arn, "TagKeys": tag_keys})


class EmulatedSecretsManagerResponse(moto_responses.SecretsManagerResponse):
    """Dispatches every operation to `OPERATIONS`."""

    def call_action(self) -> tuple[int, dict[str, str], str]:
        """Validate by the service's model, then act in the account that the secret's ARN names."""
        operation = self._get_action()
        try:
            if operation not in OPERATIONS:
                raise Fault("UnknownOperationException", f"The operation {operation} is not emulated.")
            params = json.loads(self.body or "{}")
            shapes.validate("secretsmanager", operation, params)
            _require_token(operation, params)
            secret_id = str(params.get("SecretId") or "")
            if secret_id and not secret_id.startswith("arn:"):
                valid_name(secret_id)
            named = _ARN.fullmatch(str(params.get("SecretId") or ""))
            account_id = named["account"] if named else self.current_account
            backend: Any = secretsmanager_backends[account_id][self.region]  # ours
            client = identify(self.current_account, self.access_key, self.region)
            answer = backend.call(operation, params, access=SecretsAccess(client, self.region))
        except JsonRESTError as error:
            body = json.dumps({"__type": error.error_type, "Message": error.message})
            return int(error.code), {"x-amzn-errortype": error.error_type}, body
        return 200, {}, json.dumps(answer)


def _require_token(operation: str, params: Mapping[str, Any]) -> None:
    code = _TOKEN_MISSING.get(operation)
    if code and not params.get("ClientRequestToken"):
        raise Fault(code, "You must provide a ClientRequestToken value. We recommend a UUID-type value.")


def install() -> None:
    """Put this backend and dispatcher in the place of moto's."""
    backends: Any = secretsmanager_backends  # typed for moto's backend, which ours replaces
    backends.backend = EmulatedSecretsManagerBackend
    moto_urls.url_paths = {"{0}/$": EmulatedSecretsManagerResponse.dispatch}
