"""Read switches from the environment."""

from __future__ import annotations

from collections.abc import Mapping

_OFF = frozenset({"", "0", "false", "no", "off"})


def switched_on(environment: Mapping[str, str], variable: str) -> bool:
    """Whether a variable is set to anything but 0, false, no and off.

    Args:
        environment: for example `os.environ`.
        variable: its name.
    """
    return environment.get(variable, "").strip().lower() not in _OFF
