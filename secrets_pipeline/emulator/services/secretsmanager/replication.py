"""Replicate secrets to other regions: values and metadata are shared, and read-only but for their KMS key.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/replicate-secrets.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from moto.secretsmanager.models import secretsmanager_backends

from secrets_pipeline.arn import Arn
from secrets_pipeline.emulator.core import secret_key
from secrets_pipeline.emulator.core.fault import Fault
from secrets_pipeline.emulator.services.secretsmanager import encryption
from secrets_pipeline.emulator.services.secretsmanager.model import CURRENT, EmulatedSecret, Replica
from secrets_pipeline.emulator.services.secretsmanager.request import OperationRequest
from secrets_pipeline.emulator.services.secretsmanager.store import SecretStore


def status(secret: EmulatedSecret) -> list[dict[str, Any]]:
    """ReplicationStatus of a primary."""
    return [replica.describe() for replica in secret.replicas.values()]


def check(request: OperationRequest, wanted: Sequence[Mapping[str, Any]]) -> None:
    """Refuse before anything is created.

    Raises:
        Fault: InvalidParameterException for the primary's own region or a region twice.
    """
    regions = [str(one["Region"]) for one in wanted]
    if request.region in regions or len(set(regions)) != len(regions):
        raise Fault("InvalidParameterException", "Invalid replica region.")


def add(request: OperationRequest, secret: EmulatedSecret, wanted: Sequence[Mapping[str, Any]]) -> None:
    """Create replicas. One that cannot be made is reported in its status, as AWS does."""
    for one in wanted:
        region, key = str(one["Region"]), one.get("KmsKeyId") or None
        replica = Replica(secret.name, region, None if key == secret_key.DEFAULT_ALIAS else key)
        secret.replicas[region] = replica
        store = _store(request.account_id, region)
        present = store.find(secret.name)
        mirror = _mirror(store, secret, region, replica.kms_key_id)
        try:
            _copy_value(request, secret, mirror)
        except Fault as fault:
            replica.outcome, replica.message = "Failed", fault.message
            continue
        if present is not None and not request.params.get("ForceOverwriteReplicaSecret"):
            replica.outcome = "Failed"
            replica.message = f"Replication failed: Secret name {secret.name} already exists in region {region}."
            continue
        store.put(mirror)


def _copy_value(request: OperationRequest, secret: EmulatedSecret, mirror: EmulatedSecret) -> None:
    """Decrypt under a key of the primary, encrypt under that of the replica."""
    current = secret.staged(CURRENT)
    if current is None:
        encryption.use(request, secret.arn, secret.kms_key_id, "kms:Decrypt")
    else:
        encryption.open_version(request, secret, current)
    encryption.use(request, mirror.arn, mirror.kms_key_id, "kms:GenerateDataKey", region=mirror.region)


def _mirror(store: SecretStore, primary: EmulatedSecret, region: str, key: str | None) -> EmulatedSecret:
    copy = store.build(primary.arn.replace(f":{primary.region}:", f":{region}:", 1), primary.name)
    copy.primary, copy.kms_key_id = primary, key
    copy.follow()
    return copy


def replicate_secret_to_regions(request: OperationRequest) -> dict[str, Any]:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ReplicateSecretToRegions.html."""
    secret, wanted = request.writable(), request.params["AddReplicaRegions"]
    check(request, wanted)
    for one in wanted:
        if one["Region"] in secret.replicas and secret.replicas[one["Region"]].status != "Failed":
            raise Fault("InvalidParameterException", f"The secret is already replicated to {one['Region']}.")
    add(request, secret, wanted)
    secret.touch()
    return {"ARN": secret.arn, "ReplicationStatus": status(secret)}


def remove_regions_from_replication(request: OperationRequest) -> dict[str, Any]:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RemoveRegionsFromReplication.html."""
    secret = request.writable()
    for region in request.params["RemoveReplicaRegions"]:
        gone = secret.replicas.pop(region, None)
        if gone is None:
            raise Fault("InvalidParameterException", f"The secret is not replicated to {region}.")
        store = _store(request.account_id, region)
        mirror = store.find(secret.name)
        if mirror is not None and mirror.primary is secret:
            store.remove(secret.name)
    secret.touch()
    return {"ARN": secret.arn, "ReplicationStatus": status(secret)}


def note_key(secret: EmulatedSecret) -> None:
    """Let the primary of a replica know which key the replica has now."""
    if secret.primary is not None:
        secret.primary.replicas[secret.region].kms_key_id = secret.kms_key_id


def stop_replication_to_replica(request: OperationRequest) -> dict[str, Any]:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_StopReplicationToReplica.html."""
    secret = request.secret()
    if secret.primary is None:
        raise Fault("InvalidParameterException", "Operation is permitted only on a replica secret.")
    secret.primary.replicas.pop(request.region, None)
    secret.primary = None
    return {"ARN": secret.arn}


def _store(account_id: str, region: str) -> SecretStore:
    try:
        backend: Any = secretsmanager_backends[account_id][region]  # ours, which moto types as its own
        store: SecretStore = backend.store
    except KeyError:
        raise Fault("InvalidParameterException", f"Invalid replica region: {region}") from None
    return store


def associate_cross_account_replica(request: OperationRequest) -> dict[str, Any]:
    """Note a copy in another account; its value is not brought there, so it stays `InProgress`.

    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_AssociateCrossAccountReplica.html
    """
    secret, arn = request.writable(), str(request.params["CrossAccountReplicaARN"])
    named = Arn.match(arn)
    if named is None or named.account_id == request.account_id or named.region != request.region:
        raise Fault("InvalidParameterException", "The replica secret must be in another account, in the same Region.")
    if _store(named.account_id, named.region).find(arn) is None:
        raise Fault("ResourceNotFoundException", "Secrets Manager can't find the specified replica secret.")
    if secret.copies.keys() - {arn}:
        raise Fault("LimitExceededException", "A primary secret can have at most one cross-account replica.")
    role = request.params.get("ReplicationRoleARN")
    given = {"ReplicationRoleARN": str(role)} if role else {}
    secret.copies[arn] = {"ReplicaSecretARN": arn, "ReplicationStatus": "InProgress", **given}
    secret.touch()
    return {"ARN": secret.arn, "CrossAccountReplicaARN": arn, "ReplicationStatus": "InProgress"}


def disassociate_cross_account_replica(request: OperationRequest) -> dict[str, Any]:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DisassociateCrossAccountReplica.html."""
    secret, arn = request.writable(), str(request.params["CrossAccountReplicaARN"])
    if secret.copies.pop(arn, None) is None:
        raise Fault("InvalidParameterException", "The secret is not replicated to this replica secret.")
    secret.touch()
    return {"ARN": secret.arn, "CrossAccountReplicaARN": arn}
