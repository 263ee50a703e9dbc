"""Hold the generated values of one stack, in memory only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NoReturn

from pydantic import SecretStr


class GeneratedPasswords:
    """Generated values by secret (`component#key`, the text of a `SecretRef`).

    It shows no value, and refuses to be copied, pickled or written as JSON: a framework that stores what it is handed
    stores nothing. Two bundles are equal only if they are the same.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, SecretStr]) -> None:
        self._values = dict(values)

    @property
    def refs(self) -> tuple[str, ...]:
        """The secrets that it holds values of, in order."""
        return tuple(self._values)

    def get(self, ref: object) -> SecretStr | None:
        """The value of a secret, or None.

        Args:
            ref: a `SecretRef`, or its text.
        """
        return self._values.get(str(ref))

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"GeneratedPasswords({len(self._values)} values, not shown)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("GeneratedPasswords is neither pickled nor copied: seal it instead")


NO_PASSWORDS: Final = GeneratedPasswords({})
