"""Define how a rotation makes the next password, and read and write the tag of a secret that says it.

For example `32/lower=5/upper=5/numeric=5/special=5:2d5f2e7e/key=746f6b656e`: the length; each class with how many of it
at least, and its characters in hex unless the name says them; last, in hex, the key of the JSON value that is renewed.
Tags hold letters, digits, spaces and `_.:/=+-@`, up to 256 of them:
https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_Tag.html
"""

from __future__ import annotations

import re
import secrets
import string
from dataclasses import dataclass

from .password_drawing import MAX_LENGTH, CharacterClass, Chooser, draw
from .password_strength import weakness

TAG = "secrets-pipeline:password"
TAG_VALUE_LENGTH = 256
_KNOWN = {"lower": string.ascii_lowercase, "upper": string.ascii_uppercase, "numeric": string.digits}
_PRINTABLE = frozenset(map(chr, range(0x20, 0x7F)))
_CLASS = re.compile(r"(?!key=)(?P<name>[a-z]+)=(?P<minimum>[0-9]{1,3})(?::(?P<characters>(?:[0-9a-f]{2})+))?")
_KEY = re.compile(r"key=(?P<key>(?:[0-9a-f]{2})+)")


@dataclass(frozen=True, slots=True)
class PasswordClass:
    """One class of characters.

    Attributes:
        name: `lower`, `upper`, `numeric`, `special`, or another word of small letters.
        characters: of printable ASCII, each once.
        minimum: how many of them at least.
    """

    name: str
    characters: str
    minimum: int = 0


@dataclass(frozen=True, slots=True)
class PasswordRule:
    """What a new random value looks like.

    Attributes:
        length: characters, 1 to 256.
        classes: without a character in common.
        key: the key of a JSON value that is renewed, where the secret is no database's; None for the whole value.

    Raises:
        ValueError: if no value would satisfy it.
    """

    length: int
    classes: tuple[PasswordClass, ...]
    key: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.length <= MAX_LENGTH:
            raise ValueError(f"the length is {self.length}, not 1 to {MAX_LENGTH}")
        if not self.alphabet:
            raise ValueError("no characters are allowed")
        if len(set(self.alphabet)) < len(self.alphabet):
            raise ValueError("a character is named twice")
        if not _PRINTABLE.issuperset(self.alphabet):
            raise ValueError("a character is outside of printable ASCII")
        if any(one.minimum and not one.characters for one in self.classes):
            raise ValueError("a class without characters has a minimum")
        if sum(one.minimum for one in self.classes) > self.length:
            raise ValueError(f"the minima do not fit into {self.length} characters")

    @property
    def alphabet(self) -> str:
        """Every character that may occur."""
        return "".join(one.characters for one in self.classes)

    @property
    def weakness(self) -> str:
        """Why nobody may ask for such values; empty if one may."""
        return weakness(self.length, self._drawn)

    @property
    def _drawn(self) -> list[CharacterClass]:
        return [(one.characters, one.minimum) for one in self.classes]

    def generate(self, choose: Chooser = secrets) -> str:
        """A new value, uniform over all that the rule allows."""
        return draw(self.length, self._drawn, choose)

    def allows(self, value: str) -> bool:
        """Whether the rule could have made a value."""
        held = all(sum(value.count(c) for c in one.characters) >= one.minimum for one in self.classes)
        return len(value) == self.length and held and set(self.alphabet).issuperset(value)


DEFAULT_RULE = PasswordRule(
    32,
    (*(PasswordClass(name, characters, 1) for name, characters in _KNOWN.items()), PasswordClass("special", "-_.~", 1)),
)
"""Without a tag: characters that no URL escapes (RFC 3986, 2.3), of a length that every engine takes."""


def encode(rule: PasswordRule) -> str:
    """The value of the tag.

    Raises:
        ValueError: if it would be longer than a tag may be.
    """
    parts = [str(rule.length)]
    for one in rule.classes:
        known = one.characters == _KNOWN.get(one.name)
        if one.characters:
            parts.append(f"{one.name}={one.minimum}" + ("" if known else f":{one.characters.encode('ascii').hex()}"))
    if rule.key is not None:
        parts.append(f"key={rule.key.encode().hex()}")
    text = "/".join(parts)
    if len(text) > TAG_VALUE_LENGTH:
        raise ValueError(f"the tag {TAG} would have {len(text)} characters, more than AWS's {TAG_VALUE_LENGTH}")
    return text


def decode(text: str) -> PasswordRule:
    """The rule that a tag's value says.

    Raises:
        ValueError: if it is none of `encode`'s.
    """
    length, *parts = text.split("/")
    key = _KEY.fullmatch(parts[-1]) if parts else None
    classes = tuple(_class(part) for part in (parts[:-1] if key else parts))
    if not re.fullmatch(r"[0-9]{1,3}", length):
        raise ValueError("it does not begin with a length")
    return PasswordRule(int(length), classes, bytes.fromhex(key["key"]).decode() if key else None)


def _class(part: str) -> PasswordClass:
    found = _CLASS.fullmatch(part)
    if found is None:
        raise ValueError("a part of it is no class such as lower=5")
    written = found["characters"]
    characters = bytes.fromhex(written).decode("ascii") if written else _KNOWN.get(found["name"])
    if characters is None:
        raise ValueError(f"the class {found['name']} names no characters")
    return PasswordClass(found["name"], characters, int(found["minimum"]))
