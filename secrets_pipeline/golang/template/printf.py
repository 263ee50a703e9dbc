"""Format by `printf`: a format and its arguments (`doPrintf` of Go's fmt)."""

from __future__ import annotations

import re
from typing import Final

from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.limits import MAX_OUTPUT
from secrets_pipeline.golang.template.verbs import Flags, formatted
from secrets_pipeline.golang.values import Value, go_type

_FLAGS: Final = re.compile(r"[#0+\- ]*")
_INDEX: Final = re.compile(r"\[([^\]]*)\]")
_NUMBER: Final = re.compile(r"[0-9]*")
_TOO_LARGE: Final = 1_000_000


def sprintf(template: str, *arguments: Value) -> str:
    """The arguments in the format; mistakes show in the text, as in Go: `%!d(string=x)`, `%!s(MISSING)`.

    Raises:
        FunctionFailure: if the text grows too long.
    """
    return _Printf(template, arguments).text()


class _Printf:
    def __init__(self, template: str, arguments: tuple[Value, ...]) -> None:
        self.template = template
        self.arguments = arguments
        self.at = 0
        self.argument = 0
        self.reordered = False
        self.well_indexed = True
        self.parts: list[str] = []
        self.length = 0

    def text(self) -> str:
        while (start := self.template.find("%", self.at)) >= 0:
            self.add(self.template[self.at : start])
            self.at = start + 1
            self.directive()
        self.add(self.template[self.at :])
        if not self.reordered and self.argument < len(self.arguments):
            self.add(f"%!(EXTRA {', '.join(map(_with_type, self.arguments[self.argument :]))})")
        return "".join(self.parts)

    def add(self, part: str) -> None:
        self.length += len(part)
        if self.length > MAX_OUTPUT:
            raise FunctionFailure(f"the text is longer than {MAX_OUTPUT} characters")
        self.parts.append(part)

    def directive(self) -> None:
        """One `%…`; the `%` is past."""
        self.well_indexed = True
        given = self.match(_FLAGS)
        flags = Flags("#" in given, "0" in given, "+" in given, "-" in given, " " in given)
        indexed = self.index()
        if self.skip("*"):
            self.width_argument(flags)
            indexed = False
        else:
            flags.width = self.number()
            self.well_indexed &= not (indexed and flags.width is not None)
        if self.at + 1 < len(self.template) and self.skip("."):
            self.well_indexed &= not indexed
            indexed = self.index()
            if self.skip("*"):
                self.precision_argument(flags)
                indexed = False
            else:
                flags.precision = self.number() or 0
        if not indexed:
            self.index()
        if self.at >= len(self.template):
            self.add("%!(NOVERB)")
            return
        verb = self.template[self.at]
        self.at += 1
        self.verb(verb, flags)

    def verb(self, verb: str, flags: Flags) -> None:
        if verb == "%":
            self.add("%")
        elif not self.well_indexed:
            self.add(f"%!{verb}(BADINDEX)")
        elif self.argument >= len(self.arguments):
            self.add(f"%!{verb}(MISSING)")
        else:
            if verb == "v":
                flags.go_syntax, flags.sharp, flags.plus = flags.sharp, False, False
            self.argument += 1
            self.add(formatted(self.arguments[self.argument - 1], verb, flags))

    def match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.template, self.at)
        text = found[0] if found else ""
        self.at += len(text)
        return text

    def skip(self, character: str) -> bool:
        found = self.template.startswith(character, self.at)
        self.at += found
        return found

    def number(self) -> int | None:
        digits = self.match(_NUMBER)
        if not digits:
            return None
        if len(digits.lstrip("0")) > len(str(_TOO_LARGE)):
            self.at = len(self.template)
            return None
        return int(digits)

    def index(self) -> bool:
        """Step over `[n]`, if it is here, and go on with the n-th argument."""
        if not self.template.startswith("[", self.at):
            return False
        self.reordered = True
        found = _INDEX.match(self.template, self.at)
        self.at += len(found[0]) if found else 1
        number = found[1] if found else ""
        is_number = number.isascii() and number.isdigit() and len(number) <= len(str(_TOO_LARGE))
        if is_number and 0 < int(number) <= len(self.arguments):
            self.argument = int(number) - 1
        else:
            self.well_indexed = False
        return is_number

    def integer_argument(self) -> int | None:
        if self.argument >= len(self.arguments):
            return None
        value = self.arguments[self.argument]
        self.argument += 1
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _TOO_LARGE:
            return None
        return value

    def width_argument(self, flags: Flags) -> None:
        width = self.integer_argument()
        if width is None:
            self.add("%!(BADWIDTH)")
        elif width < 0:
            flags.width, flags.minus, flags.zero = -width, True, False
        else:
            flags.width = width

    def precision_argument(self, flags: Flags) -> None:
        precision = self.integer_argument()
        if precision is None or precision < 0:
            self.add("%!(BADPREC)")
        else:
            flags.precision = precision


def _with_type(value: Value) -> str:
    return "<nil>" if value is None else f"{go_type(value)}={formatted(value, 'v', Flags())}"
