"""Turn the policy of a generated password into the rule that the managed rotation function reads from a tag."""

from __future__ import annotations

from secrets_pipeline.desired.value.model import PasswordPolicy
from secrets_pipeline.rotation_lambda.password_rule import PasswordClass, PasswordRule


def password_rule(policy: PasswordPolicy, *, key: str | None = None) -> PasswordRule:
    """The rule by which a rotation generates what the policy generated at first.

    Args:
        policy: of the generated value.
        key: key of the JSON value that is renewed; None for a database's secret, whose key is `password`, and for a
            plain string.

    Raises:
        ValueError: if no password satisfies it.
    """
    classes = tuple(
        PasswordClass(name, characters, policy.minima.get(name, 0))
        for name, characters in policy.alphabet.items()
        if characters
    )
    return PasswordRule(policy.length, classes, key)
