"""Run the four steps of a rotation, in the function's own code, one after another, in a thread.

A step that fails ends the attempt: the rotation stays pending, AWSCURRENT untouched.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from threading import RLock, Semaphore, Thread

from moto.secretsmanager.models import secretsmanager_backends

from secrets_pipeline.arn import Arn, account_of
from secrets_pipeline.emulator.control.delays import TRIAL
from secrets_pipeline.emulator.control.pace import PACE
from secrets_pipeline.emulator.core.activity import ACTIVITY
from secrets_pipeline.emulator.core.clock import CLOCK
from secrets_pipeline.emulator.core.fault import Fault
from secrets_pipeline.emulator.services import lambda_
from secrets_pipeline.emulator.services.secretsmanager import announce, next_rotation
from secrets_pipeline.emulator.services.secretsmanager.model import CURRENT, PENDING, EmulatedSecret, Version
from secrets_pipeline.emulator.services.secretsmanager.store import account_lock

PRINCIPAL = "secretsmanager.amazonaws.com"
CREATE, TEST = "createSecret", "testSecret"
STEPS = (CREATE, "setSecret", TEST, "finishSecret")
CLOSED = (
    "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to the "
    f"principal {PRINCIPAL}."
)
"""AWS says this of a function that does not exist as well: `tests/contracts/recorded/`."""
# Tests are many where a stack is set up, and nobody waits for them.
_TESTS_AT_ONCE = Semaphore(1)


class LambdaFunctions:
    """The Lambda of this process."""

    def require(self, arn: str, secret: EmulatedSecret) -> None:
        """Refuse a function that Secrets Manager cannot invoke; see `rotation.RotationFunctions`."""
        if not (lambda_.exists(arn) and lambda_.lets_in(arn, PRINCIPAL, secret.arn)):
            raise Fault("AccessDeniedException", CLOSED)

    def start(self, secret: EmulatedSecret, token: str, arn: str, lock: RLock) -> None:
        """Run the four steps in a thread, unless they run."""
        with lock:
            if (secret.arn, token) in _running:
                return
            _running.add((secret.arn, token))
        _in_thread(f"rotate {secret.name}", lambda: _attempt(secret, token, arn, lock))

    def test(self, secret: EmulatedSecret, arn: str, lock: RLock) -> None:
        """Run testSecret in a thread, on a version that is there at once."""
        current = secret.staged(CURRENT)
        if current is None or secret.rotating() is not None:
            return
        seen = PACE.now.of(TRIAL, secret.name) > 0
        version = replace(current, id=str(uuid.uuid4()), stages=[PENDING], created=CLOCK.now(), trial=not seen)
        secret.versions[version.id] = version
        _running.add((secret.arn, version.id))
        _in_thread(f"test {secret.name}", lambda: _test(secret, version, arn, lock))


_running: set[tuple[str, str]] = set()


def rotate_by_itself(secret: EmulatedSecret) -> None:
    """Begin a rotation whose time has come, or attempt again the one that did not end."""
    lock = account_lock(account_of(secret.arn))
    with lock:
        rotation = secret.rotation
        if rotation is None or not rotation.enabled or rotation.lambda_arn is None or not is_there(secret):
            return
        pending = secret.rotating()
        token = pending.id if pending is not None else str(uuid.uuid4())
        secret.attach(PENDING, secret.versions.setdefault(token, Version(token, kms_key_id=secret.kms_key_id)))
        LambdaFunctions().start(secret, token, rotation.lambda_arn, lock)


def _in_thread(name: str, run: Callable[[], None]) -> None:
    ACTIVITY.begin()

    def noted() -> None:
        try:
            run()
        finally:
            ACTIVITY.end()

    Thread(target=noted, name=name, daemon=True).start()


def _attempt(secret: EmulatedSecret, token: str, arn: str, lock: RLock) -> None:
    announce.rotation("RotationStarted", secret, token)
    try:
        failure = _perform(secret, token, arn, lock)
    finally:
        with lock:
            _running.discard((secret.arn, token))
    with lock:
        if failure:
            announce.rotation("RotationFailed", secret, token, failure)
            next_rotation.plan_again(secret, rotate_by_itself)
        elif failure is not None:
            _rotated(secret, token)


def _perform(secret: EmulatedSecret, token: str, arn: str, lock: RLock) -> str | None:
    """Run the steps; what went wrong, empty for nothing, None where the rotation was cancelled or given up."""
    for step in STEPS:
        with lock:
            if not _goes_on(secret, token):
                return None
        failure = _step(secret, token, arn, step)
        with lock:
            version = secret.versions.get(token)
            if version is None or not {PENDING, CURRENT} & set(version.stages):
                return None
            if not failure and step == CREATE and not version.has_value:
                failure = (
                    f"Pending secret version {token} for Secret {secret.arn} was not created by Lambda {arn}. Remove "
                    f"the {PENDING} staging label and restart rotation."
                )
            if not failure and step == STEPS[-1] and CURRENT not in version.stages:
                failure = _sentence(arn, step)
        if failure:
            return failure
    return ""


def _rotated(secret: EmulatedSecret, token: str) -> None:
    rotation = secret.rotation
    if rotation is None:
        return
    rotation.last_date = CLOCK.now()
    secret.touch()
    if rotation.enabled:
        next_rotation.plan(secret, rotation.last_date, rotate_by_itself)
    announce.rotation("RotationSucceeded", secret, token)


def _goes_on(secret: EmulatedSecret, token: str) -> bool:
    """Whether a rotation was neither cancelled nor given up for another value."""
    version, rotation = secret.versions.get(token), secret.rotation
    staged = version is not None and {PENDING, CURRENT} & set(version.stages)
    return bool(staged) and rotation is not None and rotation.enabled


def _step(secret: EmulatedSecret, token: str, arn: str, step: str) -> str:
    """Run one step; what went wrong, empty for nothing."""
    if not lambda_.exists(arn):
        return f"{_sentence(arn, step)}: the function does not exist"
    if not lambda_.lets_in(arn, PRINCIPAL, secret.arn):
        return CLOSED
    event = {"Step": step, "SecretId": secret.arn, "ClientRequestToken": token}
    return _sentence(arn, step) if lambda_.run(arn, json.dumps(event)).failed else ""


def _sentence(arn: str, step: str) -> str:
    return f"Error when executing lambda {arn} during {step} step"


def _test(secret: EmulatedSecret, version: Version, arn: str, lock: RLock) -> None:
    """https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html (RotateImmediately).

    AWS shows that version to everybody for a moment; here the function alone sees it, unless the pace says otherwise.
    """
    with _TESTS_AT_ONCE:
        with lock:
            wanted = secret.rotation is not None and secret.rotation.lambda_arn == arn and is_there(secret)
        failure = _step(secret, version.id, arn, TEST) if wanted else ""
    PACE.wait(TRIAL, secret.name, version.created)
    with lock:
        secret.versions.pop(version.id, None)
        _running.discard((secret.arn, version.id))
    if failure:
        announce.rotation("TestRotationFailed", secret, version.id, failure)


def is_there(secret: EmulatedSecret) -> bool:
    """Whether a secret is still one of its account, and not scheduled for deletion."""
    arn = Arn.parse(secret.arn)
    store = getattr(secretsmanager_backends[arn.account_id][arn.region], "store", None)
    return store is not None and store.find(secret.arn) is secret and secret.deleted is None
