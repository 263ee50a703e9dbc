"""Write YAML with comments: every text in quotes, so that YAML 1.1, 1.2 and Go's yaml.v3 read the same.

Source: https://yaml.org/spec/1.2.2/#731-double-quoted-style; JSON's escapes are among YAML's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from secrets_pipeline.errors import visible

Tree: TypeAlias = "Mapping[str, Tree] | Sequence[Tree] | str | int | float | bool | Commented | None"

_PLAIN = re.compile(r"[A-Za-z][\w/.-]*")
_RESERVED = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "inf", "nan"})
_STEP = "  "


@dataclass(frozen=True, slots=True)
class Commented:
    """A value with comments above its key.

    Attributes:
        value: as it is without them.
        comments: a line each.
    """

    value: Tree
    comments: tuple[str, ...]


def yaml_text(tree: Tree) -> str:
    """The YAML of a map or a list, ended by a line end."""
    return "".join(f"{line}\n" for line in _lines(tree, ""))


def plain(tree: Tree) -> Tree:
    """The same without comments, for JSON."""
    if isinstance(tree, Commented):
        return plain(tree.value)
    if isinstance(tree, Mapping):
        return {key: plain(below) for key, below in tree.items()}
    if isinstance(tree, Sequence) and not isinstance(tree, str):
        return [plain(below) for below in tree]
    return tree


def _lines(tree: Tree, indent: str) -> Iterator[str]:
    if isinstance(tree, Mapping):
        for key, below in tree.items():
            yield from _entry(f"{indent}{_key(key)}:", below, indent)
    elif isinstance(tree, Sequence) and not isinstance(tree, str):
        for one in tree:
            yield from _item(one, indent)


def _entry(key: str, value: Tree, indent: str) -> Iterator[str]:
    if isinstance(value, Commented):
        yield from (f"{indent}# {visible(comment)}" for comment in value.comments)
        value = value.value
    if _is_nested(value):
        yield key
        yield from _lines(value, indent + _STEP)
    else:
        yield f"{key} {_scalar(value)}"


def _item(value: Tree, indent: str) -> Iterator[str]:
    if not _is_nested(value):
        yield f"{indent}- {_scalar(value)}"
        return
    for number, line in enumerate(_lines(value, indent + _STEP)):
        yield f"{indent}- {line.removeprefix(indent + _STEP)}" if number == 0 else line


def _is_nested(value: Tree) -> bool:
    return isinstance(value, (Mapping, Sequence)) and not isinstance(value, str) and bool(value)


def _key(key: str) -> str:
    return key if _PLAIN.fullmatch(key) and key.lower() not in _RESERVED else _quoted(key)


def _scalar(value: Tree) -> str:
    if isinstance(value, str):
        return _quoted(value)
    return json.dumps(value)


def _quoted(text: str) -> str:
    """A double-quoted text; what shows nothing of its own is escaped."""
    return "".join(one if one.isprintable() else _escaped(one) for one in json.dumps(text, ensure_ascii=False))


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 1 << 8 else f"\\u{code:04x}" if code < 1 << 16 else f"\\U{code:08x}"
