"""Decide what a client may do with secrets, and with the keys that encrypt them.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from secrets_pipeline.access.evaluator import Context
from secrets_pipeline.arn import Arn, account_of
from secrets_pipeline.emulator.core.fault import Fault
from secrets_pipeline.emulator.enforcement.contexts import about_request, about_tags
from secrets_pipeline.emulator.enforcement.refusals import refused
from secrets_pipeline.emulator.enforcement.services import refused_arn
from secrets_pipeline.emulator.enforcement.targets import AWS_MANAGED, StoredSecret, anything, key_target, secret_target

if TYPE_CHECKING:
    from moto.kms.models import Key

    from secrets_pipeline.access.evaluator import TargetResource, Values
    from secrets_pipeline.emulator.enforcement.callers import Client

VALIDATION = "RequestToValidateKeyAccess"
NO_KMS = "Access to KMS is not allowed"
FOREIGN_DEFAULT_KEY = (
    "You can't access a secret from a different AWS account if you encrypt the secret with the default KMS service key."
)
_SERVICE = "secretsmanager.amazonaws.com"
_ACCOUNT_WIDE = frozenset({"BatchGetSecretValue", "GetRandomPassword", "ListSecrets"})
_TEXTS = (
    "Description",
    "KmsKeyId",
    "Name",
    "RotationLambdaARN",
    "SecretId",
    "VersionId",
    "VersionStage",
    "RecoveryWindowInDays",
)
_FLAGS = ("BlockPublicPolicy", "ForceDeleteWithoutRecovery", "ForceOverwriteReplicaSecret", "RotateImmediately")


class SecretsAccess:
    """The rights of one client in one call.

    Args:
        client: who calls.
        region: of the endpoint.
    """

    def __init__(self, client: Client, region: str) -> None:
        self.client = client
        self._region = region

    def require(self, operation: str, params: Mapping[str, Any], place: str, secret: StoredSecret | None) -> None:
        """Refuse an operation that the client may not perform.

        Args:
            operation: API operation.
            params: of the call.
            place: `arn:…:secret:` of the account and region that the call acts in.
            secret: the one that it names; None if there is none, or it names none.

        Raises:
            Fault: AccessDeniedException.
        """
        known = {} if secret is None else {"secretsmanager:secretid": (secret.arn,)}
        context = Context({**_about(operation, params, self._region), **known})
        target, shown = self._target(operation, params, place, secret)
        for action in _actions(operation, params):
            refusal = refused(self.client, f"secretsmanager:{action}", target, context, shown)
            if refusal is not None:
                raise Fault("AccessDeniedException", refusal)
        if operation == "RotateSecret":
            self._require_function(params, secret)

    def _require_function(self, params: Mapping[str, Any], secret: StoredSecret | None) -> None:
        """Who rotates a secret needs leave to invoke its function.

        https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
        """
        held = secret.rotation.lambda_arn if secret is not None and secret.rotation is not None else None
        named = str(params.get("RotationLambdaARN") or held or "")
        if not Arn.match(named):
            return
        refusal = refused_arn(self.client, "lambda:InvokeFunction", named, Context(about_request(self._region)))
        if refusal is not None:
            raise Fault("AccessDeniedException", refusal)

    def _target(
        self, operation: str, params: Mapping[str, Any], place: str, secret: StoredSecret | None
    ) -> tuple[TargetResource, str]:
        """What the operation acts on, and how AWS's sentence mentions it."""
        account_id, named = account_of(place), str(params.get("SecretId") or params.get("Name") or "")
        if operation in _ACCOUNT_WIDE or not named:
            return anything(account_id), ""
        where = f" on resource: {named}"
        if secret is not None:
            return secret_target(secret), where
        # A new secret gets six characters, which nobody knows yet; a missing one has none.
        suffix = "-??????" if operation == "CreateSecret" else ""
        arn = named if named.startswith("arn:") else f"{place}{named}{suffix}"
        return anything(account_id, arn), where

    def require_key(self, key: Key, action: str, secret_arn: str, version_id: str = VALIDATION) -> None:
        """Refuse a key that does not serve the client through Secrets Manager.

        https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html

        Args:
            key: the key.
            action: for example `kms:Decrypt`.
            secret_arn: the secret that it protects.
            version_id: the version; by default that of a trial.

        Raises:
            Fault: AccessDeniedException; InvalidRequestException for the default key of another account.
        """
        if key.key_manager == AWS_MANAGED and key.account_id != self.client.account_id:
            raise Fault("InvalidRequestException", FOREIGN_DEFAULT_KEY)
        context: dict[str, Values] = {
            **about_request(key.region, through=_SERVICE),
            "kms:calleraccount": (self.client.account_id,),
            "kms:encryptionalgorithm": ("SYMMETRIC_DEFAULT",),
            "kms:encryptioncontext:secretarn": (secret_arn,),
            "kms:encryptioncontext:secretversionid": (version_id,),
            "kms:encryptioncontextkeys": ("SecretARN", "SecretVersionId"),
            "kms:viaservice": (f"secretsmanager.{key.region}.amazonaws.com",),
        }
        if refused(self.client, action, key_target(key), Context(context)) is not None:
            raise Fault("AccessDeniedException", NO_KMS)


def _actions(operation: str, params: Mapping[str, Any]) -> Iterator[str]:
    """Every permission that an operation needs.

    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html
    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_AssociateCrossAccountReplica.html
    """
    yield operation
    if operation == "AssociateCrossAccountReplica":
        yield "GetSecretValue"
    if operation == "CreateSecret":
        if params.get("Tags"):
            yield "TagResource"
        if params.get("AddReplicaRegions"):
            yield "ReplicateSecretToRegions"
    if operation == "BatchGetSecretValue" and params.get("Filters"):
        yield "ListSecrets"


def _about(operation: str, params: Mapping[str, Any], region: str) -> dict[str, Values]:
    """A parameter that is left out is absent, whatever its default.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_iam-permissions.html
    """
    values = about_request(region)
    for name in _TEXTS:
        if params.get(name) is not None:
            values[f"secretsmanager:{name.lower()}"] = (str(params[name]),)
    for name in _FLAGS:
        if params.get(name) is not None:
            values[f"secretsmanager:{name.lower()}"] = (str(bool(params[name])).lower(),)
    if operation == "RotateSecret":
        values["secretsmanager:modifyrotationrules"] = (str(bool(params.get("RotationRules"))).lower(),)
    regions = tuple(str(one.get("Region")) for one in params.get("AddReplicaRegions") or ())
    if regions:
        values["secretsmanager:addreplicaregions"] = regions
    tags = {str(one["Key"]): str(one.get("Value") or "") for one in params.get("Tags") or ()}
    return {**values, **about_tags(tags, params.get("TagKeys") or ())}
