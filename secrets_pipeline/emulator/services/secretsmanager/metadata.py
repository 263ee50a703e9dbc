"""Perform the operations on everything but values: describe, list, tag, delete, restore."""

from __future__ import annotations

from functools import partial
from threading import RLock
from typing import Any

from moto.secretsmanager.utils import random_password

from secrets_pipeline.arn import account_of
from secrets_pipeline.emulator.core.clock import CLOCK
from secrets_pipeline.emulator.core.fault import Fault
from secrets_pipeline.emulator.core.secret_key import DEFAULT_ALIAS
from secrets_pipeline.emulator.services import lambda_
from secrets_pipeline.emulator.services.secretsmanager import announce, next_rotation
from secrets_pipeline.emulator.services.secretsmanager.listing import page
from secrets_pipeline.emulator.services.secretsmanager.model import EmulatedSecret
from secrets_pipeline.emulator.services.secretsmanager.replication import status
from secrets_pipeline.emulator.services.secretsmanager.request import OperationRequest, valid_tags
from secrets_pipeline.emulator.services.secretsmanager.store import SecretStore, account_lock

_DAY = 86_400
_WINDOW = range(7, 31)
_DEFAULT_WINDOW = 30


def entry(secret: EmulatedSecret) -> dict[str, Any]:
    """What DescribeSecret and ListSecrets have in common; what has no value is left out, as AWS does."""
    members: dict[str, Any] = {
        "ARN": secret.arn,
        "Name": secret.name,
        "Description": secret.description or None,
        "KmsKeyId": secret.kms_key_id if secret.kms_key_id != DEFAULT_ALIAS else None,
        "CreatedDate": secret.created,
        "LastChangedDate": secret.changed,
        "LastAccessedDate": secret.accessed,
        "DeletedDate": secret.deleted,
        "Tags": _tags(secret),
        "OwningService": secret.owning_service,
        "PrimaryRegion": (secret.primary or secret).region if secret.primary or secret.replicas else None,
    }
    rotation = secret.rotation
    if rotation is not None:
        members |= {
            "RotationEnabled": rotation.enabled,
            "RotationLambdaARN": rotation.lambda_arn,
            "RotationRules": dict(rotation.rules),
            "LastRotatedDate": rotation.last_date,
            "NextRotationDate": rotation.next_date if rotation.enabled else None,
        }
    return {name: value for name, value in members.items() if value is not None}


def _tags(secret: EmulatedSecret) -> list[dict[str, str]] | None:
    shown = [{"Key": key, "Value": value} for key, value in secret.tags.items()]
    return shown if shown or secret.tagged else None


def describe_secret(request: OperationRequest) -> dict[str, Any]:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html."""
    secret = request.secret(deleted=True)
    answer = entry(secret)
    stages = secret.stages_by_version(trials=_is_tested(request, secret))
    if stages:
        answer["VersionIdsToStages"] = stages
    if secret.replicas:
        answer["ReplicationStatus"] = status(secret)
    if secret.copies:
        answer["CrossAccountReplicas"] = list(secret.copies.values())
    return answer


def _is_tested(request: OperationRequest, secret: EmulatedSecret) -> bool:
    """Whether it is the rotation function under test that asks."""
    rotation, access = secret.rotation, request.access
    if rotation is None or rotation.lambda_arn is None or access is None:
        return False
    under_test = any(one.trial for one in secret.versions.values())
    return under_test and access.client.caller.arn == lambda_.role_of(rotation.lambda_arn)


def list_secrets(request: OperationRequest) -> dict[str, Any]:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecrets.html."""
    planned = bool(request.params.get("IncludePlannedDeletion"))
    seen = [secret for secret in request.store.listed() if planned or secret.deleted is None]
    shown, token = page(seen, request.params, largest=100)
    entries = [{**entry(secret), "SecretVersionsToStages": secret.stages_by_version()} for secret in shown]
    return {"SecretList": entries, **token}


def list_secret_version_ids(request: OperationRequest) -> dict[str, Any]:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecretVersionIds.html."""
    secret = request.secret(deleted=True)
    deprecated = bool(request.params.get("IncludeDeprecated"))
    versions = [
        {
            "VersionId": version.id,
            **({"VersionStages": list(version.stages)} if version.stages else {}),
            "CreatedDate": version.created,
            "KmsKeyIds": [one or "DefaultEncryptionKey" for one in version.key_ids],
            **({"LastAccessedDate": version.accessed} if version.accessed is not None else {}),
        }
        for version in secret.versions.values()
        if (version.stages or deprecated) and not version.trial
    ]
    start, size = int(request.params.get("NextToken") or 0), int(request.params.get("MaxResults") or 100)
    answer: dict[str, Any] = {"ARN": secret.arn, "Name": secret.name, "Versions": versions[start : start + size]}
    if start + size < len(versions):
        answer["NextToken"] = str(start + size)
    return answer


def tag_resource(request: OperationRequest) -> dict[str, Any]:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_TagResource.html."""
    secret = request.writable(managed=True)
    secret.tags.update(valid_tags(request.params.get("Tags") or (), secret.tags))
    secret.tagged = secret.tagged or bool(secret.tags)
    secret.touch()
    return {}


def untag_resource(request: OperationRequest) -> dict[str, Any]:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UntagResource.html."""
    secret = request.writable(managed=True)
    secret.tagged = secret.tagged or bool(secret.tags)
    for key in request.params.get("TagKeys") or ():
        secret.tags.pop(key, None)
    secret.touch()
    return {}


def delete_secret(request: OperationRequest) -> dict[str, Any]:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html."""
    window, force = request.params.get("RecoveryWindowInDays"), bool(request.params.get("ForceDeleteWithoutRecovery"))
    if window is not None and force:
        raise Fault(
            "InvalidParameterException",
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
        )
    if window is not None and window not in _WINDOW:
        raise Fault(
            "InvalidParameterException", "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive)."
        )
    name = str(request.params["SecretId"])
    if force and request.store.find(name) is None:
        return {"ARN": request.store.new_arn(name), "Name": name, "DeletionDate": CLOCK.now()}
    secret = request.writable(deleted=force)
    if secret.replicas:
        regions = ", ".join(secret.replicas)
        raise Fault(
            "InvalidParameterException",
            f"You can't delete secret {secret.name} that still has replica regions [{regions}]",
        )
    if secret.copies:
        raise Fault("InvalidRequestException", "You can't delete a secret that still has cross-account replicas.")
    announce.deletion("StartSecretVersionDelete", secret)
    if force:
        request.store.remove(secret.name)
        announce.deletion("EndSecretVersionDelete", secret)
        return {"ARN": secret.arn, "Name": secret.name, "DeletionDate": CLOCK.now()}
    secret.deleted = CLOCK.now() + (window or _DEFAULT_WINDOW) * _DAY
    plan_deletion(request.store, secret)
    secret.touch()
    return {"ARN": secret.arn, "Name": secret.name, "DeletionDate": secret.deleted}


def plan_deletion(store: SecretStore, secret: EmulatedSecret) -> None:
    """Plan the end of a secret that is scheduled for deletion."""
    next_rotation.plan_deletion(secret, partial(_go, store, lock=account_lock(account_of(secret.arn))))


def _go(store: SecretStore, secret: EmulatedSecret, lock: RLock) -> None:
    """Forget a secret whose recovery window is over."""
    with lock:
        if store.find(secret.arn) is secret:
            store.remove(secret.name)
            announce.deletion("EndSecretVersionDelete", secret)


def restore_secret(request: OperationRequest) -> dict[str, Any]:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RestoreSecret.html."""
    secret = request.writable(deleted=True)
    if secret.deleted is not None:
        secret.deleted = None
        secret.touch()
        announce.deletion("CancelSecretVersionDelete", secret)
    return {"ARN": secret.arn, "Name": secret.name}


def get_random_password(request: OperationRequest) -> dict[str, Any]:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html."""
    length, params = int(request.params.get("PasswordLength") or 32), request.params
    if length < len(("lower", "upper", "digit", "punctuation")) and params.get("RequireEachIncludedType", True):
        raise Fault("InvalidParameterException", "Password length is too short based on the required types.")
    password = random_password(
        password_length=length,
        exclude_characters=str(params.get("ExcludeCharacters") or ""),
        exclude_numbers=bool(params.get("ExcludeNumbers")),
        exclude_punctuation=bool(params.get("ExcludePunctuation")),
        exclude_uppercase=bool(params.get("ExcludeUppercase")),
        exclude_lowercase=bool(params.get("ExcludeLowercase")),
        include_space=bool(params.get("IncludeSpace")),
        require_each_included_type=bool(params.get("RequireEachIncludedType", True)),
    )
    return {"RandomPassword": password}
