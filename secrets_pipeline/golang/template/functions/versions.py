"""Semantic versions and constraints on them as Go's Masterminds/semver v3 has them ("Semantic Version Functions")."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.template.functions.kinds import wrong_type
from secrets_pipeline.golang.values import Function, GoObject, Value

_SUFFIX: Final = r"(?:-([0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*))?(?:\+([0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*))?"
_VERSION: Final = re.compile(rf"v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?{_SUFFIX}")
_PART: Final = r"[0-9|xX*]+"
_CONSTRAINED: Final = rf"v?({_PART})(?:\.({_PART}))?(?:\.({_PART}))?{_SUFFIX}"
_OPERATOR: Final = r"=|!=|>|<|>=|=>|<=|=<|~|~>|\^|"
_ANY_OPERATOR: Final = r"(=>|>=|<=|=<|!=|~>|=|>|<|~|\^|)"
_ONE: Final = re.compile(rf"{_ANY_OPERATOR}\s*({_CONSTRAINED})")
_BARE: Final = rf"(?:{_OPERATOR})\s*{re.sub(r'[(](?![?])', '(?:', _CONSTRAINED)}"
_ALL: Final = re.compile(rf"\s*{_BARE}\s*(?:(?:\s+|,\s*){_BARE}\s*)*")
_RANGE: Final = re.compile(rf"\s*({_CONSTRAINED})\s+-\s+({_CONSTRAINED})\s*")
_WILDCARDS: Final = frozenset({"x", "X", "*", None})
_INVALID: Final = "Invalid Semantic Version"
_PARTS: Final = 3  # major, minor and patch
_MAX_LENGTH: Final = 256
_MAX_NUMBER: Final = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Numbers:
    """A version.

    Attributes:
        parts: major, minor and patch.
        prerelease: without `-`; empty of a release.
        metadata: without `+`; it does not matter for comparing.
    """

    parts: tuple[int, int, int]
    prerelease: str = ""
    metadata: str = ""

    def __str__(self) -> str:
        text = ".".join(map(str, self.parts))
        prerelease = f"-{self.prerelease}" if self.prerelease else ""
        return f"{text}{prerelease}+{self.metadata}" if self.metadata else text + prerelease

    @property
    def precedence(self) -> tuple[tuple[int, int, int], bool, tuple[tuple[bool, int, str], ...]]:
        """What versions are ordered by: a prerelease before its release, numbers before words."""
        identifiers = self.prerelease.split(".") if self.prerelease else []
        keys = (
            (not part.isdigit(), int(part) if part.isdigit() else 0, "" if part.isdigit() else part)
            for part in identifiers
        )
        return self.parts, not self.prerelease, tuple(keys)


def parse_version(text: str) -> Numbers:
    """The version of a text; missing parts are 0.

    Raises:
        FunctionFailure: if it is none.
    """
    match = _VERSION.fullmatch(text) if len(text) <= _MAX_LENGTH else None
    if match is None:
        raise FunctionFailure(_INVALID)
    major, minor, patch = (int(part or 0) for part in match.groups()[:3])
    large = next((number for number in (major, minor, patch) if number > _MAX_NUMBER), None)
    if large is not None:
        raise FunctionFailure(
            f'Error parsing version segment: strconv.ParseUint: parsing "{large}": value out of range'
        )
    prerelease = match[4] or ""
    if any(part.isdigit() and len(part) > 1 and part[0] == "0" for part in prerelease.split(".")):
        raise FunctionFailure("Version segment starts with 0")
    return Numbers((major, minor, patch), prerelease, match[5] or "")


class SemanticVersion(GoObject):
    """A version with the methods of Go's `semver.SemanticVersion`.

    Attributes:
        numbers: the version.
        original: as it was written.
    """

    __slots__ = ("numbers", "original")
    go_type = "*semver.Version"
    go_kind = "ptr"
    numbers: Numbers
    original: str

    def __init__(self, numbers: Numbers, original: str) -> None:
        object.__setattr__(self, "numbers", numbers)
        object.__setattr__(self, "original", original)
        major, minor, patch = numbers.parts
        methods: dict[str, Function] = {
            "Compare": self.compare,
            "Equal": lambda other: self.compare(other) == 0,
            "GreaterThan": lambda other: self.compare(other) > 0,
            "IncMajor": lambda: self.next((major + 1, 0, 0)),
            "IncMinor": lambda: self.next((major, minor + 1, 0)),
            "IncPatch": lambda: self.next((major, minor, patch if numbers.prerelease else patch + 1)),
            "LessThan": lambda other: self.compare(other) < 0,
            "Major": lambda: major,
            "MarshalJSON": lambda: self.name,
            "Metadata": lambda: numbers.metadata,
            "Minor": lambda: minor,
            "Original": lambda: original,
            "Patch": lambda: patch,
            "Prerelease": lambda: numbers.prerelease,
            "String": lambda: self.name,
        }
        super().__init__(str(numbers), methods)

    def compare(self, other: Value) -> int:
        """-1, 0 or 1 if this one is before, equal to or after another."""
        if not isinstance(other, SemanticVersion):
            wrong_type("*semver.Version", other)
        mine, theirs = self.numbers.precedence, other.numbers.precedence
        return (mine > theirs) - (mine < theirs)

    def next(self, parts: tuple[int, int, int]) -> SemanticVersion:
        """A release with other numbers."""
        numbers = Numbers(parts)
        return SemanticVersion(numbers, "v" * self.original.startswith("v") + str(numbers))


@dataclass(frozen=True, slots=True)
class _Constraint:
    """One comparison; `given` tells how many parts of its version are no wildcards."""

    operator: str
    version: Numbers
    given: int

    def holds(self, version: Numbers) -> bool:
        # A constraint on releases says nothing about prereleases, except that they are not equal.
        prerelease = bool(version.prerelease) and not self.version.prerelease
        if prerelease and (self.operator != "!=" or self.given < _PARTS):
            return False
        return _OPERATORS[self.operator](self, version)

    def before(self, version: Numbers) -> bool:
        return self.version.precedence < version.precedence

    def same(self, version: Numbers, parts: int) -> bool:
        return self.version.parts[:parts] == version.parts[:parts]

    def not_equal(self, version: Numbers) -> bool:
        if self.given == _PARTS:
            return self.version.precedence != version.precedence
        if not self.given:
            return version.parts[0] != 0 or version.parts[1] != 0 or version.parts[2] != 0
        if not self.same(version, self.given):
            return True
        either = bool(self.version.prerelease or version.prerelease)
        return self.given > 1 and either and self.version.prerelease != version.prerelease

    def greater(self, version: Numbers) -> bool:
        if self.given in {0, _PARTS}:
            return self.before(version)
        return version.parts[: self.given] > self.version.parts[: self.given]

    def less(self, version: Numbers) -> bool:
        return version.precedence < self.version.precedence

    def greater_or_equal(self, version: Numbers) -> bool:
        return not self.less(version)

    def less_or_equal(self, version: Numbers) -> bool:
        if self.given == _PARTS:
            return not self.before(version)
        parts = self.given or 2  # of `<=*` too, only 0.0.x
        return version.parts[:parts] <= self.version.parts[:parts]

    def tilde(self, version: Numbers) -> bool:
        if self.less(version):
            return False
        if self.version.parts == (0, 0, 0) and self.given in {0, _PARTS}:
            return True
        return self.same(version, min(self.given, 2))

    def equal(self, version: Numbers) -> bool:
        if self.given < _PARTS:
            return self.tilde(version)
        return self.version.precedence == version.precedence

    def caret(self, version: Numbers) -> bool:
        if self.less(version):
            return False
        if self.version.parts[0] > 0 or self.given == 1:
            return self.same(version, 1)
        if version.parts[0] > 0:
            return False
        if self.version.parts[1] > 0 or self.given == _PARTS - 1:
            return self.same(version, 2)
        return self.same(version, 3)


_OPERATORS: Final[Mapping[str, Callable[[_Constraint, Numbers], bool]]] = {
    "": _Constraint.equal,
    "=": _Constraint.equal,
    "!=": _Constraint.not_equal,
    ">": _Constraint.greater,
    "<": _Constraint.less,
    ">=": _Constraint.greater_or_equal,
    "=>": _Constraint.greater_or_equal,
    "<=": _Constraint.less_or_equal,
    "=<": _Constraint.less_or_equal,
    "~": _Constraint.tilde,
    "~>": _Constraint.tilde,
    "^": _Constraint.caret,
}


def satisfies(constraint: str, version: str) -> bool:
    """Whether the version is one that the constraint allows, for example `^1.2 || >= 3, < 4`.

    Raises:
        FunctionFailure: if either cannot be read.
    """
    alternatives = _parsed(constraint)
    numbers = parse_version(version)
    return any(all(one.holds(numbers) for one in together) for together in alternatives)


def _parsed(text: str) -> list[list[_Constraint]]:
    if len(text) > _MAX_LENGTH:
        raise FunctionFailure(f"improper constraint: {text}")
    groups = _RANGE.groups // 2
    rewritten = _RANGE.sub(lambda match: f">= {match[1]}, <= {match[1 + groups]}", text)
    return [_together(part) for part in rewritten.split("||")]


def _together(text: str) -> list[_Constraint]:
    if not _ALL.fullmatch(text):
        raise FunctionFailure(f"improper constraint: {text}")
    return [_constraint(match) for match in _ONE.finditer(text)]


def _constraint(match: re.Match[str]) -> _Constraint:
    operator, _, major, minor, patch, prerelease, _ = match.groups()
    parts = (major, minor, patch)
    given = next((count for count, part in enumerate(parts) if part in _WILDCARDS), 3)
    suffix = f"-{prerelease}" if prerelease else ""
    numbers = ".".join([*(part for part in parts[:given]), *["0"] * (3 - given)])
    try:
        return _Constraint(operator, parse_version(numbers + suffix), given)
    except FunctionFailure:
        raise FunctionFailure("constraint Parser Error") from None


def _semver(text: str) -> SemanticVersion:
    return SemanticVersion(parse_version(text), text)


FUNCTIONS: Final[Mapping[str, Function]] = {"semver": _semver, "semverCompare": satisfies}
