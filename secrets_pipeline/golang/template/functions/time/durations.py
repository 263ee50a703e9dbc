"""Go's time.Duration: nanoseconds, written as `1h2m3.5s`."""

from __future__ import annotations

import re
from typing import Final

from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.printing import quoted
from secrets_pipeline.golang.template.functions.conversions import MAX_INT64
from secrets_pipeline.golang.values import Function, GoObject, Int64

MICROSECOND: Final = 1_000
MILLISECOND: Final = 1_000_000
SECOND: Final = 1_000_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE

_UNITS: Final = {
    "ns": 1,
    "us": MICROSECOND,
    "µs": MICROSECOND,
    "μs": MICROSECOND,
    "ms": MILLISECOND,
    "s": SECOND,
    "m": MINUTE,
    "h": HOUR,
}
_PART: Final = re.compile(r"(\d*)(?:\.(\d*))?([^\d.]+)", re.ASCII)
_WHOLE: Final = re.compile(r"[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)[^\d.]+)+", re.ASCII)


LONGEST_DURATION: Final = 1_000
"""Characters of a span of time in a text. Go's `time` reads longer ones too, of zeros: we refuse them."""


class Duration(GoObject):
    """A span of time, with Go's methods.

    Attributes:
        nanoseconds: its length.
    """

    __slots__ = ("nanoseconds",)
    go_type = "time.Duration"
    go_kind = "int64"
    nanoseconds: int

    def __init__(self, nanoseconds: int) -> None:
        object.__setattr__(self, "nanoseconds", nanoseconds)
        methods: dict[str, Function] = {
            "Hours": lambda: nanoseconds / HOUR,
            "Microseconds": lambda: Int64(_quotient(nanoseconds, MICROSECOND)),
            "Milliseconds": lambda: Int64(_quotient(nanoseconds, MILLISECOND)),
            "Minutes": lambda: nanoseconds / MINUTE,
            "Nanoseconds": lambda: Int64(nanoseconds),
            "Round": self.round,
            "Seconds": lambda: nanoseconds / SECOND,
            "String": lambda: duration_text(nanoseconds),
            "Truncate": self.truncate,
        }
        super().__init__(duration_text(nanoseconds), methods)

    def round(self, unit: GoObject) -> Duration:
        """The nearest multiple of a unit, away from zero if it is in the middle."""
        step = unit.nanoseconds if isinstance(unit, Duration) else 0
        return self if step <= 0 else Duration(round_to(self.nanoseconds, step))

    def truncate(self, unit: GoObject) -> Duration:
        """The multiple of a unit before it, seen from zero."""
        step = unit.nanoseconds if isinstance(unit, Duration) else 0
        return self if step <= 0 else Duration(_quotient(self.nanoseconds, step) * step)


def round_to(nanoseconds: int, step: int) -> int:
    """The nearest multiple of a step, away from zero if it is in the middle."""
    rounded = (2 * abs(nanoseconds) + step) // (2 * step) * step
    return rounded if nanoseconds >= 0 else -rounded


def parse_duration(text: str) -> int:
    """The nanoseconds of a text such as `-1.5h`.

    Raises:
        ValueError: in Go's words.
        FunctionFailure: if it has more characters than `LONGEST_DURATION`.
    """
    if len(text) > LONGEST_DURATION:
        raise FunctionFailure(f"a duration of more than {LONGEST_DURATION} characters is not supported")
    unsigned = text[1:] if text[:1] in {"+", "-"} else text
    if unsigned == "0":
        return 0
    if not _WHOLE.fullmatch(text):
        bare = re.fullmatch(r"(?:.*\D)?\d+\.?\d*", unsigned, re.ASCII | re.DOTALL)
        missing = bare is not None and _WHOLE.fullmatch(unsigned + "s") is not None
        raise ValueError(f"time: {'missing unit in' if missing else 'invalid'} duration {quoted(text)}")
    total = 0
    for whole, fraction, unit in _PART.findall(unsigned):
        if unit not in _UNITS:
            raise ValueError(f"time: unknown unit {quoted(unit)} in duration {quoted(text)}")
        total += int(whole or 0) * _UNITS[unit]
        if fraction:
            total += int(float(int(fraction[:18])) * (_UNITS[unit] / 10.0 ** len(fraction[:18])))
    total = -total if text.startswith("-") else total
    if not -MAX_INT64 - 1 <= total <= MAX_INT64:
        raise ValueError(f"time: invalid duration {quoted(text)}")
    return total


def duration_text(nanoseconds: int) -> str:
    """What Go prints: `1h0m0s`, `1.5s`, `20ms`, `0s`."""
    size = abs(nanoseconds)
    sign = "-" * (nanoseconds < 0)
    if size == 0:
        return "0s"
    if size < SECOND:
        unit, length = next(
            (name, length) for name, length in (("ms", MILLISECOND), ("µs", MICROSECOND), ("ns", 1)) if size >= length
        )
        return f"{sign}{_decimal(size, length)}{unit}"
    minutes, rest = divmod(size, MINUTE)
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimal(rest, SECOND)}s"
    if hours:
        text = f"{hours}h{minutes}m{text}"
    elif minutes:
        text = f"{minutes}m{text}"
    return sign + text


def _decimal(size: int, unit: int) -> str:
    whole, rest = divmod(size, unit)
    places = len(str(unit)) - 1
    fraction = f"{rest:0{places}d}".rstrip("0") if places else ""
    return f"{whole}.{fraction}" if fraction else str(whole)


def _quotient(number: int, divisor: int) -> int:
    return number // divisor if number >= 0 else -(-number // divisor)
