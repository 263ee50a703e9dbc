"""RotateSecret and CancelRotateSecret.

The four steps run in the Lambda function's own code, one after another, in a thread; a step that fails ends the
rotation, which stays pending with AWSCURRENT untouched, until it is attempted again.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets_how.html
"""

from __future__ import annotations

import json
import time
import uuid
from threading import RLock, Thread
from typing import Any, Protocol

from secrets_pipeline.local.corrections import awslambda
from secrets_pipeline.local.corrections.faults import Fault
from secrets_pipeline.local.corrections.secretsmanager import schedule
from secrets_pipeline.local.corrections.secretsmanager.model import CURRENT, PENDING, Rotation, Secret, Version
from secrets_pipeline.local.corrections.secretsmanager.request import Request

PRINCIPAL = "secretsmanager.amazonaws.com"
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


class Functions(Protocol):
    """Where rotation functions live."""

    def require(self, arn: str, account_id: str) -> None:
        """Refuse a function that Secrets Manager cannot invoke.

        Raises:
            Fault: ResourceNotFoundException or AccessDeniedException.
        """
        ...

    def start(self, secret: Secret, token: str, arn: str, lock: RLock) -> None:
        """Run the four steps of one rotation, without waiting for them."""
        ...


class LambdaFunctions:
    """The Lambda of this process."""

    def require(self, arn: str, account_id: str) -> None:
        """Refuse a function that Secrets Manager cannot invoke; see `Functions`."""
        if not awslambda.exists(arn):
            raise Fault("ResourceNotFoundException", f"Secrets Manager can't find the specified Lambda function: {arn}")
        if not awslambda.lets_in(arn, PRINCIPAL, account_id):
            raise Fault(
                "AccessDeniedException",
                "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants "
                f"access to the principal {PRINCIPAL}",
            )

    def start(self, secret: Secret, token: str, arn: str, lock: RLock) -> None:
        """Run the four steps in a thread."""
        Thread(target=_rotate, args=(secret, token, arn, lock), name=f"rotate {secret.name}", daemon=True).start()


_LAMBDA = LambdaFunctions()


def rotate_secret(request: Request, lock: RLock, functions: Functions = _LAMBDA) -> dict[str, Any]:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html.

    With RotateImmediately false AWS also runs testSecret once on a version that it removes again; a failure of that
    test only raises an event, so it is not run here.

    Args:
        request: the call.
        lock: guards the account's secrets; the rotation thread takes it for its own changes, never while the function
            runs.
        functions: what performs the rotation.
    """
    secret = request.writable()
    stored = secret.rotation or Rotation(enabled=False)
    rules = dict(request.params.get("RotationRules") or stored.rules)
    schedule.validate(rules)
    arn = request.text("RotationLambdaARN") or stored.lambda_arn
    if arn is None:
        raise Fault("InvalidRequestException", "No Lambda rotation function ARN is associated with this secret.")
    functions.require(arn, request.account_id)
    token = request.text("ClientRequestToken") or str(uuid.uuid4())
    immediately = request.params.get("RotateImmediately", True)
    if immediately:
        _refuse_second(secret, token, arn, lock, functions)
    now = time.time()
    since = stored.last_date if stored.last_date and not immediately else now
    secret.rotation = Rotation(True, arn, rules, stored.last_date, schedule.next_date(rules, since))
    secret.touch()
    answer = {"ARN": secret.arn, "Name": secret.name}
    if not immediately:
        return answer
    secret.attach(PENDING, secret.versions.setdefault(token, Version(token, kms_key_id=secret.kms_key_id)))
    functions.start(secret, token, arn, lock)
    return {**answer, "VersionId": token}


def cancel_rotate_secret(request: Request) -> dict[str, Any]:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CancelRotateSecret.html."""
    secret = request.writable()
    if secret.rotation is None or secret.rotation.lambda_arn is None:
        raise Fault("InvalidRequestException", "No Lambda rotation function ARN is associated with this secret.")
    secret.rotation.enabled = False
    secret.touch()
    pending = _in_progress(secret)
    return {"ARN": secret.arn, "Name": secret.name, **({"VersionId": pending.id} if pending else {})}


def _in_progress(secret: Secret) -> Version | None:
    pending = secret.staged(PENDING)
    return pending if pending is not None and CURRENT not in pending.stages else None


def _refuse_second(secret: Secret, token: str, arn: str, lock: RLock, functions: Functions) -> None:
    pending = _in_progress(secret)
    if pending is None or pending.id == token:
        return
    functions.start(secret, pending.id, arn, lock)
    raise Fault("InvalidRequestException", "A previous rotation isn't complete. That rotation will be reattempted.")


def _rotate(secret: Secret, token: str, arn: str, lock: RLock) -> None:
    for step in STEPS:
        event = {"Step": step, "SecretId": secret.arn, "ClientRequestToken": token}
        if awslambda.run(arn, json.dumps(event)).failed:
            return
    with lock:
        current, rotation = secret.staged(CURRENT), secret.rotation
        if rotation is not None and current is not None and current.id == token:
            rotation.last_date = time.time()
            rotation.next_date = schedule.next_date(rotation.rules, rotation.last_date)
            secret.touch()
