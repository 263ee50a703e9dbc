"""Generate passwords: every string that the policy allows is equally likely."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from pydantic import SecretStr

from secrets_pipeline.desired.value.model import PasswordPolicy
from secrets_pipeline.errors import SpecError
from secrets_pipeline.rotation_lambda.password_drawing import MAX_LENGTH, Chooser, draw

__all__ = ["MAX_LENGTH", "Chooser", "generate"]


def generate(policy: PasswordPolicy, choose: Chooser = secrets) -> SecretStr:
    """A password of `policy.length` characters, uniform over all strings that hold the minima.

    Args:
        policy: length, classes and minima.
        choose: where randomness comes from.

    Raises:
        SpecError: if no string satisfies the policy, or it is longer than 256 characters.
    """
    _check(policy, {name: minimum for name, minimum in policy.minima.items() if minimum > 0})
    classes = ((characters, policy.minima.get(name, 0)) for name, characters in policy.alphabet.items())
    return SecretStr(draw(policy.length, classes, choose))


def _check(policy: PasswordPolicy, minima: Mapping[str, int]) -> None:
    characters = "".join(policy.alphabet.values())
    repeated = "".join(sorted({c for c in characters if characters.count(c) > 1}))
    empty = sorted(name for name in minima if not policy.alphabet.get(name))
    least = sum(minima.values())
    if not 1 <= policy.length <= MAX_LENGTH:
        problem, remedy = f"length {policy.length} is out of range", f"Choose a length from 1 to {MAX_LENGTH}."
    elif not characters:
        problem, remedy = "the alphabet is empty", "Allow at least one class of characters."
    elif repeated:
        problem, remedy = f"the alphabet repeats {repeated!r}", "Name every character once, in one class."
    elif empty:
        problem, remedy = f"a minimum is asked of the empty class {', '.join(empty)}", "Allow the class, or ask for 0."
    elif least > policy.length:
        problem, remedy = f"the minima ask for {least} characters of {policy.length}", "Raise the length or lower them."
    else:
        return
    raise SpecError(f"no password can be generated: {problem}", remedy=remedy)
