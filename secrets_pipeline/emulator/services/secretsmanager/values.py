"""Perform the operations on values and staging labels."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from secrets_pipeline.emulator.core.clock import CLOCK
from secrets_pipeline.emulator.core.fault import Fault
from secrets_pipeline.emulator.services.secretsmanager import encryption, replication
from secrets_pipeline.emulator.services.secretsmanager.listing import page
from secrets_pipeline.emulator.services.secretsmanager.model import CURRENT, PENDING, PREVIOUS, EmulatedSecret, Version
from secrets_pipeline.emulator.services.secretsmanager.request import OperationRequest, valid_name, valid_tags

_DAY = 86_400
_RE_ENCRYPTED = frozenset({CURRENT, PENDING, PREVIOUS})
_ID_USED = (
    "You can't use ClientRequestToken {token} because that value is already in use for a version of secret {arn}."
)


def create_secret(request: OperationRequest) -> dict[str, Any]:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html."""
    name = valid_name(str(request.params["Name"]))
    value, tags = request.value(), valid_tags(request.params.get("Tags") or ())
    present = request.store.find(name)
    if present is not None:
        return _create_again(request, present, value)
    key, token, secret = request.text("KmsKeyId") or None, _token(request), request.store.draft(name)
    encryption.try_out(request, secret.arn, key)
    if value is not None:
        encryption.use(request, secret.arn, key, "kms:GenerateDataKey", token)
    replicas = request.params.get("AddReplicaRegions") or ()
    replication.check(request, replicas)
    request.store.put(secret)
    secret.description = request.text("Description") or ""
    secret.kms_key_id, secret.tags = key, tags
    answer: dict[str, Any] = {"ARN": secret.arn, "Name": secret.name}
    if value is not None:
        answer["VersionId"] = _add(secret, token, value, [CURRENT]).id
    if replicas:
        replication.add(request, secret, replicas)
        answer["ReplicationStatus"] = replication.status(secret)
    return answer


def _create_again(
    request: OperationRequest, secret: EmulatedSecret, value: tuple[str | None, str | None] | None
) -> dict[str, Any]:
    if secret.deleted is not None:
        raise Fault(
            "InvalidRequestException",
            "You can't create this secret because a secret with this name is already scheduled for deletion.",
        )
    version = secret.versions.get(request.text("ClientRequestToken") or "")
    if version is None or value is None:
        raise Fault("ResourceExistsException", f"The operation failed because the secret {secret.name} already exists.")
    _same_or_refused(secret, version, value)
    return {"ARN": secret.arn, "Name": secret.name, "VersionId": version.id}


def put_secret_value(request: OperationRequest) -> dict[str, Any]:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html."""
    secret, value = request.writable(), request.value()
    if value is None:
        raise Fault("InvalidRequestException", "You must provide either SecretString or SecretBinary.")
    token, present = _token(request), secret.versions.get(request.text("ClientRequestToken") or "")
    encryption.use(request, secret.arn, secret.kms_key_id, "kms:GenerateDataKey", token)
    if present is not None and present.has_value:
        encryption.open_version(request, secret, present)
        _same_or_refused(secret, present, value)
        version = present
    else:
        stages = list(request.params.get("VersionStages") or [CURRENT])
        if not secret.versions:
            stages = list(dict.fromkeys([*stages, CURRENT]))
        version = _add(secret, token, value, stages)
    return {"ARN": secret.arn, "Name": secret.name, "VersionId": version.id, "VersionStages": list(version.stages)}


def update_secret(request: OperationRequest) -> dict[str, Any]:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecret.html.

    Of a replica, the encryption key alone can be updated.
    https://docs.aws.amazon.com/secretsmanager/latest/userguide/standalone-secret.html
    """
    of_key = not {"Description", "SecretString", "SecretBinary"} & request.params.keys()
    secret, value = request.writable(replica=of_key), request.value()
    token = _token(request)
    if value is not None and token in secret.versions:
        raise Fault("ResourceExistsException", _ID_USED.format(token=token, arn=secret.arn))
    key = request.text("KmsKeyId")
    if key is not None:
        encryption.try_out(request, secret.arn, key or None)
    if value is not None:
        under = secret.kms_key_id if key is None else key or None
        encryption.use(request, secret.arn, under, "kms:GenerateDataKey", token)
    if key is not None:
        _change_key(request, secret, key or None)
        replication.note_key(secret)
    if "Description" in request.params:
        secret.description = request.text("Description") or ""
    answer: dict[str, Any] = {"ARN": secret.arn, "Name": secret.name}
    if value is not None:
        answer["VersionId"] = _add(secret, token, value, [CURRENT]).id
    secret.touch()
    return answer


def _change_key(request: OperationRequest, secret: EmulatedSecret, key: str | None) -> None:
    """Encrypt the versions with AWS's own labels under the new key too, as far as the client may.

    Their former keys go on opening them.
    https://docs.aws.amazon.com/secretsmanager/latest/userguide/manage_update-encryption-key.html
    """
    secret.kms_key_id = key
    for version in secret.versions.values():
        if not _RE_ENCRYPTED.intersection(version.stages):
            continue
        try:
            encryption.open_version(request, secret, version)
            encryption.use(request, secret.arn, key, "kms:Encrypt", version.id)
        except Fault:
            continue
        version.encrypt_again(key)


def get_secret_value(request: OperationRequest) -> dict[str, Any]:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html."""
    return _read(request, request.secret(), request.text("VersionId"), request.text("VersionStage"))


def _read(
    request: OperationRequest, secret: EmulatedSecret, version_id: str | None, stage: str | None
) -> dict[str, Any]:
    if version_id is None:
        version, sought = secret.staged(stage or CURRENT), f"staging label: {stage or CURRENT}"
    else:
        version, sought = secret.versions.get(version_id), f"VersionId: {version_id}"
    if version is None or not version.has_value:
        message = f"Secrets Manager can't find the specified secret value for {sought}"
        raise Fault("ResourceNotFoundException", message)
    if version_id is not None and stage is not None and stage not in version.stages:
        raise Fault(
            "InvalidRequestException",
            "You provided a VersionStage that is not associated to the provided VersionId.",
        )
    encryption.open_version(request, secret, version)
    secret.accessed = version.accessed = CLOCK.now() // _DAY * _DAY
    content = {"SecretString": version.string} if version.string is not None else {"SecretBinary": version.binary}
    return {
        "ARN": secret.arn,
        "Name": secret.name,
        "VersionId": version.id,
        "VersionStages": list(version.stages),
        "CreatedDate": version.created,
        **content,
    }


def batch_get_secret_value(request: OperationRequest) -> dict[str, Any]:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html."""
    ids, filters = request.params.get("SecretIdList"), request.params.get("Filters")
    if bool(ids) == bool(filters):
        raise Fault("InvalidParameterException", "Either 'SecretIdList' or 'Filters' must be provided, but not both.")
    if request.params.get("MaxResults") and not filters:
        raise Fault(
            "InvalidParameterException",
            "'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided.",
        )
    answer: dict[str, Any] = {"SecretValues": [], "Errors": []}
    if filters:
        live = [secret for secret in request.store.listed() if secret.deleted is None]
        found, answer_token = page(live, request.params, largest=20)
        wanted: Sequence[str] = [secret.arn for secret in found]
        answer |= answer_token
    else:
        wanted = list(ids or ())
    for secret_id in wanted:
        try:
            one = replace(request, params={"SecretId": secret_id})
            one.authorize("GetSecretValue")
            answer["SecretValues"].append(get_secret_value(one))
        except Fault as fault:
            answer["Errors"].append({"SecretId": secret_id, "ErrorCode": fault.error_type, "Message": fault.message})
    return answer


def update_secret_version_stage(request: OperationRequest) -> dict[str, Any]:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html."""
    secret, stage = request.writable(), str(request.params["VersionStage"])
    source, target = request.text("RemoveFromVersionId"), request.text("MoveToVersionId")
    holder = secret.staged(stage)
    for version_id in (source, target):
        if version_id is not None and version_id not in secret.versions:
            raise Fault("InvalidParameterException", f"Not a valid version: {version_id}")
    if source is not None and (holder is None or holder.id != source):
        raise Fault("InvalidParameterException", f"Version stage {stage} not found in version {source}")
    if source is None and holder is not None and holder.id != target:
        raise Fault(
            "InvalidParameterException",
            f"The parameter RemoveFromVersionId can't be empty. Staging label {stage} is currently attached to "
            f"version {holder.id}, so you must explicitly reference that version in RemoveFromVersionId.",
        )
    if target is not None:
        secret.attach(stage, secret.versions[target])
    elif stage == CURRENT:
        raise Fault("InvalidParameterException", f"The staging label {CURRENT} can be moved but not removed.")
    else:
        secret.detach(stage)
    secret.touch()
    return {"ARN": secret.arn, "Name": secret.name}


def _add(secret: EmulatedSecret, token: str, value: tuple[str | None, str | None], stages: Sequence[str]) -> Version:
    version = secret.versions.setdefault(token, Version(token))
    version.string, version.binary = value
    version.kms_key_id, version.former_key_ids = secret.kms_key_id, ()
    before = secret.staged(CURRENT)
    for stage in stages:
        secret.attach(stage, version)
    if before is not None and CURRENT in stages and PENDING in before.stages:
        # A rotation that ended leaves the label there: AWS takes it away with the next value.
        before.stages.remove(PENDING)
    secret.prune()
    secret.touch()
    return version


def _same_or_refused(secret: EmulatedSecret, version: Version, value: tuple[str | None, str | None]) -> None:
    if not version.same_value(*value):
        raise Fault("ResourceExistsException", _ID_USED.format(token=version.id, arn=secret.arn))


def _token(request: OperationRequest) -> str:
    return request.text("ClientRequestToken") or str(uuid.uuid4())
