"""Choose who comes first in a tick that may not come to everybody."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def in_turn(everybody: Sequence[T], tick: int) -> Sequence[T]:
    """Return all of them, beginning with another one in each tick: a slow one at the start lets the others come, too.

    Args:
        everybody: in a fixed order.
        tick: number of the tick, for example the minute.
    """
    first = tick % len(everybody) if everybody else 0
    return [*everybody[first:], *everybody[:first]]
