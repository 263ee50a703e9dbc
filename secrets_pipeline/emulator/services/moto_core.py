"""Correct what the services of moto share: dates follow the clock that tests move, our backends find moto's URLs."""

from __future__ import annotations

import sys
from datetime import datetime
from importlib import import_module
from types import ModuleType
from typing import Any

from moto.core import utils as moto_utils
from moto.core.base_backend import BaseBackend

from secrets_pipeline.emulator.core.clock import CLOCK

_MOTO = "moto."
_UTCNOW = moto_utils.utcnow


def _utcnow() -> datetime:
    return CLOCK.moment.replace(tzinfo=None)


def _url_module(backend: BaseBackend) -> ModuleType:
    """The URLs beside moto's own backend, which moto looks for beside the class that is derived of it."""
    own = next(kind.__module__ for kind in type(backend).__mro__ if kind.__module__.startswith(_MOTO))
    return import_module(f"{own.rpartition('.')[0]}.urls")


def install() -> None:
    """Let moto read that clock: modules that took its function by name, and those that are yet to come."""
    for module in [*sys.modules.values()]:
        if isinstance(module, ModuleType) and module.__name__.startswith(_MOTO):
            held: Any = vars(module)
            if held.get("utcnow") is _UTCNOW:
                held["utcnow"] = _utcnow
    base: Any = BaseBackend
    base._url_module = property(_url_module)  # noqa: SLF001 - moto's name
