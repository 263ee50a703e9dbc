"""Properties of a stack's context that are made at their first use."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock
from typing import Any, Generic, Protocol, TypeVar

Value = TypeVar("Value")


class Holder(Protocol):
    """Whose properties are made once.

    Attributes:
        lock: held while something is made.
        made: what was.
    """

    lock: RLock
    made: dict[str, Any]


class Once(Generic[Value]):
    """A property of a context that is made at its first use, by one thread.

    `functools.cached_property` locks the property of every context at once in Python 3.11, and none from 3.12 on.
    """

    def __init__(self, make: Callable[[Any], Value]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __get__(self, context: Holder, _type: type | None = None) -> Value:
        """The value."""
        with context.lock:
            if self._make.__name__ not in context.made:
                context.made[self._make.__name__] = self._make(context)
            value: Value = context.made[self._make.__name__]
            return value
