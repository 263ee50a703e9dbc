"""Perform RotateSecret and CancelRotateSecret, and whatever else begins or ends a rotation.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets_how.html
"""

from __future__ import annotations

import uuid
from threading import RLock
from typing import Any, Protocol

from secrets_pipeline.emulator.core.clock import CLOCK
from secrets_pipeline.emulator.core.fault import Fault
from secrets_pipeline.emulator.services.secretsmanager import announce, next_rotation, schedule
from secrets_pipeline.emulator.services.secretsmanager.model import (
    PENDING,
    EmulatedSecret,
    RotationConfiguration,
    Version,
)
from secrets_pipeline.emulator.services.secretsmanager.request import OperationRequest
from secrets_pipeline.emulator.services.secretsmanager.steps import LambdaFunctions, rotate_by_itself


class RotationFunctions(Protocol):
    """Where rotation functions live."""

    def require(self, arn: str, secret: EmulatedSecret) -> None:
        """Refuse a function that Secrets Manager cannot invoke for a secret.

        Raises:
            Fault: AccessDeniedException, whether the function is missing or closed.
        """
        ...

    def start(self, secret: EmulatedSecret, token: str, arn: str, lock: RLock) -> None:
        """Run the four steps of one rotation, without waiting for them."""
        ...

    def test(self, secret: EmulatedSecret, arn: str, lock: RLock) -> None:
        """Run testSecret on a version that is there for that alone, without waiting for it."""
        ...


_LAMBDA = LambdaFunctions()


def rotate_secret(request: OperationRequest, lock: RLock, functions: RotationFunctions = _LAMBDA) -> dict[str, Any]:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html.

    Args:
        request: the call.
        lock: guards the account's secrets; the rotation thread takes it for its own changes, never while the function
            runs.
        functions: what performs the rotation.
    """
    secret = request.writable()
    stored = secret.rotation or RotationConfiguration(enabled=False)
    rules = dict(request.params.get("RotationRules") or stored.rules)
    schedule.validate(rules)
    arn = request.text("RotationLambdaARN") or stored.lambda_arn
    if arn is None:
        raise Fault("InvalidRequestException", "No Lambda rotation function ARN is associated with this secret.")
    functions.require(arn, secret)
    token = request.text("ClientRequestToken") or str(uuid.uuid4())
    immediately = request.params.get("RotateImmediately", True)
    if immediately:
        _refuse_second(secret, token, arn, lock, functions)
    secret.rotation = RotationConfiguration(True, arn, rules, stored.last_date)
    since = stored.last_date if stored.last_date and not immediately else CLOCK.now()
    next_rotation.plan(secret, since, rotate_by_itself)
    secret.touch()
    answer = {"ARN": secret.arn, "Name": secret.name}
    if not immediately:
        functions.test(secret, arn, lock)
        return answer
    secret.attach(PENDING, secret.versions.setdefault(token, Version(token, kms_key_id=secret.kms_key_id)))
    functions.start(secret, token, arn, lock)
    return {**answer, "VersionId": token}


def cancel_rotate_secret(request: OperationRequest) -> dict[str, Any]:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CancelRotateSecret.html."""
    secret = request.writable()
    if secret.rotation is None or secret.rotation.lambda_arn is None:
        raise Fault("InvalidRequestException", "No Lambda rotation function ARN is associated with this secret.")
    secret.rotation.enabled, secret.rotation.due = False, None
    secret.touch()
    pending = secret.rotating()
    return {"ARN": secret.arn, "Name": secret.name, **({"VersionId": pending.id} if pending else {})}


def _refuse_second(secret: EmulatedSecret, token: str, arn: str, lock: RLock, functions: RotationFunctions) -> None:
    pending = secret.rotating()
    if pending is None or pending.id == token:
        return
    functions.start(secret, pending.id, arn, lock)
    raise Fault("InvalidRequestException", "A previous rotation isn't complete. That rotation will be reattempted.")


def value_was_set(secret: EmulatedSecret, version_id: str) -> None:
    """Somebody gave a secret another current value: a rotation under way is given up, and the days count anew.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/cloudtrail_log_entries.html
    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotationRulesType.html

    Args:
        secret: as it is now.
        version_id: the new version.
    """
    rotation = secret.rotation
    if rotation is None:
        return
    pending = secret.rotating()
    if pending is not None and pending.id != version_id:
        secret.detach(PENDING)
        announce.rotation("RotationAbandoned", secret, pending.id)
    if rotation.enabled:
        next_rotation.plan(secret, CLOCK.now(), rotate_by_itself)
