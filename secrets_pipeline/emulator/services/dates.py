"""Make moto's dates follow the clock that tests can move."""

from __future__ import annotations

import sys
from datetime import datetime
from types import ModuleType
from typing import Any

from moto.core import utils as moto_utils

from secrets_pipeline.emulator.core.clock import CLOCK

_UTCNOW = moto_utils.utcnow


def _utcnow() -> datetime:
    return CLOCK.moment.replace(tzinfo=None)


def install() -> None:
    """Let moto read that clock: modules that took its function by name, and those that are yet to come."""
    for module in [*sys.modules.values()]:
        if isinstance(module, ModuleType) and module.__name__.startswith("moto."):
            held: Any = vars(module)
            if held.get("utcnow") is _UTCNOW:
                held["utcnow"] = _utcnow
