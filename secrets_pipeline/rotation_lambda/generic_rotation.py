"""Perform the steps for a secret that no server has to be told of: a key or token that issuer and consumers read."""

from __future__ import annotations

from .errors import RotationError
from .password_rule import PasswordRule
from .secret_value import GenericSecret


def create(current: GenericSecret, rule: PasswordRule) -> str:
    """The text of the next version.

    Raises:
        RotationError: if the rule's key is not in the secret.
    """
    return current.renewed(rule.generate(), rule.key)


def test(current: GenericSecret, pending: GenericSecret, rule: PasswordRule) -> None:
    """See that the pending version is the current one with a new value of the right shape.

    RotateSecret without an immediate rotation has the function tested on a version that is the current one itself.

    Raises:
        RotationError: if it is not.
    """
    if pending.text == current.text:
        return
    value = pending.text
    if rule.key is not None:
        held = (pending.document or {}).get(rule.key)
        value = held if isinstance(held, str) else ""
    expected = GenericSecret(current.renewed(value, rule.key), None)
    if expected.text != pending.text or not rule.allows(value):
        raise RotationError(
            "The pending version is not the current one with a new value by the rule in the tag "
            "secrets-pipeline:password.",
            "The secret or its tag was changed during the rotation: take AWSPENDING off the version and rotate again.",
        )
