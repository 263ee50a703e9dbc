"""YAML as gomplate writes it with Go's yaml.v3: two spaces, sorted keys, no folding."""

from __future__ import annotations

import re
from functools import cmp_to_key
from typing import Final

import yaml

from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.limits import require_printable
from secrets_pipeline.golang.printing import float_text
from secrets_pipeline.golang.template.functions.characters import is_digit, is_letter
from secrets_pipeline.golang.template.functions.kinds import is_list
from secrets_pipeline.golang.values import INVALID, Namespace, Value, is_map
from secrets_pipeline.golang.yaml.scalars import MAP, SEQ, STR, tag_of

_MERGE: Final = "<<"
_WIDTH: Final = 2**30
_SEXAGESIMAL: Final = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_OLD_BOOLS: Final = frozenset(
    spelling for word in ("y", "yes", "on", "n", "no", "off") for spelling in (word, word.capitalize(), word.upper())
)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt\s]\s*[0-9].*)?")
_DIGITS: Final = re.compile(r"[0-9]*")
_DIGITS_BEFORE: Final = re.compile(r"[0-9]+\Z")
_END: Final = "...\n"  # which PyYAML writes behind a plain scalar
_UNPRINTABLE: Final = re.compile("[\x85\U00010000-\U0010ffff]")  # for yaml.v3, but not for PyYAML
_MAX_DEPTH: Final = 100
_STEPS_PER_ELEMENT: Final = 10
_MOST_DIGITS: Final = 64  # 10 to the power of it is 0 in the 64 bits that Go counts in


def dump(value: Value) -> str:
    """The value as YAML.

    Raises:
        FunctionFailure: if it is nested too deeply or too large to print.
    """
    require_printable(value, steps=_STEPS_PER_ELEMENT)
    text = yaml.dump(_plain(value, _MAX_DEPTH), Dumper=_Dumper, width=_WIDTH, allow_unicode=True, sort_keys=False)
    return str(text).removesuffix(_END)


def _plain(value: Value, depth: int) -> Value:
    if depth == 0:
        raise FunctionFailure("the value is nested too deeply")
    if is_map(value):
        return {key: _plain(value[key], depth - 1) for key in sorted(value, key=cmp_to_key(_compare))}
    if is_list(value):
        return [_plain(item, depth - 1) for item in value]
    if value is INVALID:
        return None
    if isinstance(value, bool) or value is None:
        return value
    return int(value) if isinstance(value, int) else value.name if isinstance(value, Namespace) else value


def _compare(left: str, right: str) -> int:
    """yaml.v3's order of keys: numbers in them by size, letters after everything else."""
    at = next((place for place, pair in enumerate(zip(left, right, strict=False)) if pair[0] != pair[1]), None)
    if at is None:
        return len(left) - len(right)
    after_digit = at > 0 and is_digit(left[at - 1])
    letters = is_letter(left[at]), is_letter(right[at])
    if letters == (True, True):
        return -1 if left[at] < right[at] else 1
    if any(letters):
        return -1 if letters[0] == after_digit else 1
    mine, theirs = _number(left, right, at), _number(right, left, at)
    return -1 if (*mine, left[at]) < (*theirs, right[at]) else 1


def _number(key: str, other: str, at: int) -> tuple[int, int]:
    """The number whose digits begin at a place, and where it ends; zeros count only behind other digits."""
    match = _DIGITS.match(key, at)
    digits = match[0] if match else ""
    before = _DIGITS_BEFORE.search(key[:at])
    leading = "1" if "0" in {key[at], other[at]} and before and before[0].strip("0") else ""
    return int((leading + digits)[-_MOST_DIGITS:] or 0), at + len(digits)


class _Dumper(yaml.SafeDumper):
    """Chooses styles as yaml.v3's encoder does."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - the same
        super().increase_indent(flow, indentless=False)

    def resolve(self, kind: type[yaml.Node], value: Value, implicit: tuple[bool, bool]) -> str:
        """The tag that yaml.v3 reads out of what is written, so that none is written for it."""
        if kind is yaml.ScalarNode:
            return tag_of(value) if implicit[0] and value != _MERGE else STR
        return MAP if kind is yaml.MappingNode else SEQ

    def analyze_scalar(self, scalar: str) -> yaml.emitter.ScalarAnalysis:
        """Which styles a text may have: yaml.v3 allows tabs in literal ones."""
        analysis = super().analyze_scalar(_UNPRINTABLE.sub("\0", scalar).replace("\t", "x"))
        analysis.scalar = scalar
        if "\t" in scalar:
            analysis.allow_flow_plain = analysis.allow_block_plain = analysis.allow_single_quoted = False
        return analysis

    def check_simple_key(self) -> bool:
        """Whether a key fits before its colon: for yaml.v3, an empty one does."""
        event = self.event
        return (isinstance(event, yaml.ScalarEvent) and not event.value) or bool(super().check_simple_key())

    def text(self, data: str) -> yaml.ScalarNode:
        unsafe = data in _OLD_BOOLS or _SEXAGESIMAL.fullmatch(data) or _DATE.fullmatch(data)
        plain = data == _MERGE or (tag_of(data) == STR and not unsafe)
        style = "|" if "\n" in data else None if plain else '"'
        return self.represent_scalar(STR, str(data), style)

    def number(self, data: float) -> yaml.ScalarNode:
        words = {"+Inf": ".inf", "-Inf": "-.inf", "NaN": ".nan"}
        printed = float_text(data)
        plain = words.get(printed, printed)
        return self.represent_scalar(tag_of(plain), plain)


_Dumper.add_multi_representer(str, _Dumper.text)
_Dumper.add_representer(str, _Dumper.text)
_Dumper.add_representer(float, _Dumper.number)
