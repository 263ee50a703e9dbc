"""Handle an invocation by Lambda: one of the four steps of a rotation, each safe to repeat.

Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda.html
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from . import database_rotation, generic_rotation
from .errors import RotationError
from .password_rule import DEFAULT_RULE, TAG, PasswordRule, decode
from .secret_value import DatabaseSecret, GenericSecret, SecretValue, parse
from .secret_versions import CURRENT, PENDING, Versions, client

_log = logging.getLogger("secrets_pipeline.rotation")
_TALKATIVE = ("boto3", "botocore", "urllib3")
"""At level DEBUG these write down what they send and receive."""


def handle(event: Mapping[str, str], _context: object = None) -> None:
    """Perform the step of a rotation that Lambda's event names.

    Args:
        event: Step, SecretId, ClientRequestToken and, where the function acts under an assumed role, RotationToken.

    Raises:
        RotationError: if the step cannot be taken; nothing is half done that its repetition would not finish.
    """
    _set_levels()
    step = _STEPS.get(event.get("Step", ""))
    if step is None or not event.get("SecretId") or not event.get("ClientRequestToken"):
        raise RotationError(
            "The event is no step of a rotation.", "Only Secrets Manager invokes this function: use RotateSecret."
        )
    versions = Versions(
        client("secretsmanager"), event["SecretId"], event["ClientRequestToken"], event.get("RotationToken")
    )
    described = versions.describe()
    stages: Mapping[str, list[str]] = described.get("VersionIdsToStages", {})
    labels = _labels(described, stages, versions)
    if CURRENT in labels:
        done = "the version is AWSCURRENT already"
    elif PENDING not in labels:
        raise RotationError(
            f"Version {versions.token} of {versions.arn} is not staged as {PENDING}.",
            "The rotation was given up; start another with RotateSecret.",
        )
    else:
        done = step(versions, described)
    _log.info("%s of %s, version %s: %s", event["Step"], versions.arn, versions.token, done)


def _set_levels() -> None:
    """In an invocation, not where this module is imported: the process may be somebody else's."""
    _log.setLevel(logging.INFO)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def _labels(described: Mapping[str, Any], stages: Mapping[str, list[str]], versions: Versions) -> list[str]:
    # AWS's own functions take a missing field for nothing, too: DescribeSecret may lack it while a rotation is tested.
    if not described.get("RotationEnabled", True):
        raise RotationError(f"Rotation of {versions.arn} is not enabled.", "Switch it on with RotateSecret.")
    if versions.token not in stages:
        raise RotationError(f"{versions.arn} has no version {versions.token}.", "Start a rotation with RotateSecret.")
    return stages[versions.token]


def _rule(described: Mapping[str, Any]) -> PasswordRule:
    """What the secret's tag says; asked only by steps that need it: a broken tag must not hold up the last one."""
    text = next((tag["Value"] for tag in described.get("Tags", []) if tag["Key"] == TAG), None)
    try:
        rule = DEFAULT_RULE if text is None else decode(text)
    except ValueError as error:
        raise RotationError(f"The tag {TAG} is not understood: {error}.", "Apply the stack again.") from None
    if weak := rule.weakness:
        # Who may set tags must not know the next value by them.
        raise RotationError(
            f"The tag {TAG} asks for values that no stack may declare: {weak}.",
            "Apply the stack again, and find out who changed the tag.",
        )
    return rule


def _create_secret(versions: Versions, described: Mapping[str, Any]) -> str:
    current = parse(versions.current())
    if versions.pending() is not None:
        return "the pending version has its value already"
    match current:
        case DatabaseSecret():
            versions.put_pending(database_rotation.create(current, _rule(described)))
        case GenericSecret():
            versions.put_pending(generic_rotation.create(current, _rule(described)))
    return "the pending version got its value"


def _set_secret(versions: Versions, _described: Mapping[str, Any]) -> str:
    current, pending = _pair(versions)
    if isinstance(current, DatabaseSecret) and isinstance(pending, DatabaseSecret):
        database_rotation.set_password(current, pending, versions)
        return f"{pending.address} has the pending password of {pending.login.username}"
    return "there is no server to tell"


def _test_secret(versions: Versions, described: Mapping[str, Any]) -> str:
    current, pending = _pair(versions)
    if isinstance(current, DatabaseSecret) and isinstance(pending, DatabaseSecret):
        database_rotation.test(pending)
        return f"{pending.login.username} logs in to {pending.address}"
    if isinstance(current, GenericSecret) and isinstance(pending, GenericSecret):
        generic_rotation.test(current, pending, _rule(described))
    return "the pending value has its shape"


def _finish_secret(versions: Versions, described: Mapping[str, Any]) -> str:
    versions.finish(described["VersionIdsToStages"])
    return "the version is AWSCURRENT"


def _pair(versions: Versions) -> tuple[SecretValue, SecretValue]:
    current, text = parse(versions.current()), versions.pending()
    if text is None:
        raise RotationError(
            f"Version {versions.token} of {versions.arn} has no value.", "Secrets Manager repeats createSecret first."
        )
    pending = parse(text)
    if type(current) is not type(pending):
        raise RotationError(
            f"AWSCURRENT and the pending version of {versions.arn} are not of one kind: only one is a database's.",
            "The secret was changed during the rotation: take AWSPENDING off that version, and rotate again.",
        )
    return current, pending


_STEPS: Mapping[str, Callable[[Versions, Mapping[str, Any]], str]] = {
    "createSecret": _create_secret,
    "setSecret": _set_secret,
    "testSecret": _test_secret,
    "finishSecret": _finish_secret,
}
