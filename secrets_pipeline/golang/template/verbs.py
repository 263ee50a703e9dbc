"""Format one value by one verb of Go's fmt (`format.go`, `print.go`)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.limits import require_printable
from secrets_pipeline.golang.printing import as_text, float_text, quoted
from secrets_pipeline.golang.values import Value, go_type

_BASES: Final = {"v": "d", "d": "d", "b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}
_PREFIXES: Final = {"b": "0b", "x": "0x", "X": "0X"}
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
_MAX_RUNE: Final = 0x10FFFF
_SURROGATES: Final = range(0xD800, 0xE000)
_PRECISION: Final = 6
_UINT64: Final = 2**64


@dataclass(slots=True)
class Flags:
    """What stands between `%` and the verb. `go_syntax` is `%#v`."""

    sharp: bool = False
    zero: bool = False
    plus: bool = False
    minus: bool = False
    space: bool = False
    width: int | None = None
    precision: int | None = None
    go_syntax: bool = False

    def pad(self, text: str, *, zero: bool = True) -> str:
        """The text, filled to the width on its left, or with `-` on its right."""
        if not self.width:
            return text
        if self.minus:
            return text.ljust(self.width)
        return text.rjust(self.width, "0" if self.zero and zero else " ")

    def sign(self, *, negative: bool) -> str:
        """The sign that stands before a number."""
        return "-" if negative else "+" if self.plus else " " if self.space else ""


def formatted(value: Value, verb: str, flags: Flags) -> str:
    """A value formatted by a verb; `%!d(string=x)` if the verb does not suit it.

    Raises:
        FunctionFailure: for the binary and hexadecimal forms of a float, and if the text would be too long.
    """
    require_printable(value, max(flags.width or 1, flags.precision or 1))
    if value is None:
        return flags.pad("<nil>") if verb in ("T", "v") else f"%!{verb}(<nil>)"
    if verb == "T":
        return _plain(go_type(value), flags)
    return _of(value, verb, flags)


def _of(value: Value, verb: str, flags: Flags) -> str:
    if value is None:
        return "interface {}(nil)" if flags.go_syntax else "<nil>"
    for kinds, formatter in _FORMATTERS:
        if isinstance(value, kinds):
            return formatter(value, verb, flags)
    return _string(as_text(value), verb, flags)


def _mistaken(value: Value, verb: str, flags: Flags) -> str:
    return f"%!{verb}({go_type(value)}={_of(value, 'v', flags)})"


def _map(value: Mapping[str, Value], verb: str, flags: Flags) -> str:
    items = [f"{_of(key, verb, flags)}:{_of(value[key], verb, flags)}" for key in sorted(value)]
    return _go_syntax(value, items) if flags.go_syntax else f"map[{' '.join(items)}]"


def _list(value: Sequence[Value], verb: str, flags: Flags) -> str:
    items = [_of(item, verb, flags) for item in value]
    return _go_syntax(value, items) if flags.go_syntax else f"[{' '.join(items)}]"


def _go_syntax(value: Value, items: list[str]) -> str:
    return f"{go_type(value)}{{{', '.join(items)}}}"


def _bool(value: bool, verb: str, flags: Flags) -> str:
    return flags.pad(as_text(value)) if verb in ("t", "v") else _mistaken(value, verb, flags)


def _plain(text: str, flags: Flags) -> str:
    return flags.pad(text if flags.precision is None else text[: flags.precision])


def _string(text: str, verb: str, flags: Flags) -> str:
    match verb:
        case "v" | "s" if not (verb == "v" and flags.go_syntax):
            return _plain(text, flags)
        case "v" | "q":
            return flags.pad(_quote(text if flags.precision is None else text[: flags.precision], flags))
        case "x" | "X":
            return flags.pad(_hexadecimal(text, verb, flags))
    return _mistaken(text, verb, flags)


def _quote(text: str, flags: Flags) -> str:
    if flags.sharp and "`" not in text and all(c == "\t" or (c.isprintable() and c != "\ufeff") for c in text):
        return f"`{text}`"
    return quoted(text, ascii_only=flags.plus)


def _hexadecimal(text: str, verb: str, flags: Flags) -> str:
    codes = [f"{byte:02{verb}}" for byte in text.encode()[: flags.precision]]
    prefix = f"0{verb}" if flags.sharp and codes else ""
    return prefix + (f" {prefix}" if flags.space else "").join(codes)


def _integer(value: int, verb: str, flags: Flags) -> str:
    if verb in _BASES:
        return _digits(value, verb, flags)
    character = chr(value) if 0 <= value <= _MAX_RUNE and value not in _SURROGATES else _REPLACEMENT
    match verb:
        case "c":
            return flags.pad(character)
        case "q":
            return flags.pad(quoted(character, "'", ascii_only=flags.plus))
        case "U":
            code = f"U+{format(value % _UINT64, 'X').rjust(max(flags.precision or 0, 4), '0')}"
            shown = flags.sharp and ord(character) == value and character.isprintable()
            return flags.pad(f"{code} '{character}'" if shown else code, zero=False)
    return _mistaken(value, verb, flags)


def _digits(value: int, verb: str, flags: Flags) -> str:
    if flags.precision == 0 and value == 0:
        return " " * (flags.width or 0)
    base = _BASES[verb]
    sign = flags.sign(negative=value < 0)
    digits = format(abs(value), base)
    if flags.precision is not None:
        digits = digits.rjust(flags.precision, "0")
    elif flags.zero and not flags.minus:
        digits = digits.rjust((flags.width or 0) - len(sign), "0")
    prefix = _PREFIXES.get(base, "" if digits.startswith("0") else "0") if flags.sharp and base != "d" else ""
    return flags.pad(sign + ("0o" if verb == "O" else "") + prefix + digits, zero=False)


def _float(value: float, verb: str, flags: Flags) -> str:
    if verb in ("b", "x", "X"):
        raise FunctionFailure(f"the verb %{verb} of a float is not supported")
    if verb not in "vgGeEfF":
        return _mistaken(value, verb, flags)
    sign = flags.sign(negative=math.copysign(1, value) < 0)
    if math.isnan(value):
        return flags.pad(flags.sign(negative=False) + "NaN", zero=False)
    if math.isinf(value):
        return flags.pad((sign or "+") + "Inf", zero=False)
    number = _magnitude(abs(value), verb, flags)
    if sign and flags.zero and not flags.minus:
        return sign + number.rjust((flags.width or 0) - len(sign), "0")
    return flags.pad(sign + number)


def _magnitude(value: float, verb: str, flags: Flags) -> str:
    precision = flags.precision
    sharp = "#" if flags.sharp else ""
    if verb in "vgG":
        if precision is None and not flags.sharp:
            return float_text(value).upper() if verb == "G" else float_text(value)
        if precision is None:
            precision = max(_PRECISION, len(Decimal(repr(value)).normalize().as_tuple().digits))
        return format(value, f"{sharp}.{precision or 1}{'g' if verb == 'v' else verb}")
    return format(value, f"{sharp}.{_PRECISION if precision is None else precision}{'f' if verb == 'F' else verb}")


_FORMATTERS: Final[tuple[tuple[type | tuple[type, ...], Callable[..., str]], ...]] = (
    (str, _string),
    (bool, _bool),
    (int, _integer),
    (float, _float),
    (Mapping, _map),
    ((list, tuple), _list),
)
"""How values of each kind are formatted; the first that fits."""
