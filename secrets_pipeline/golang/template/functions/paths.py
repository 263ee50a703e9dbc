"""Go's path functions, and Sprig's names for them (documentation: "Path and Filepath Functions")."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Final

from secrets_pipeline.golang.values import Function

_LEADING: Final = re.compile("^//+")


def clean(path: str) -> str:
    """The shortest path to the same place (`path.Clean`)."""
    return posixpath.normpath(_LEADING.sub("/", path))


def base(path: str) -> str:
    """The last element (`path.Base`)."""
    if not path:
        return "."
    return path.rstrip("/").rpartition("/")[2] or "/"


def directory(path: str) -> str:
    """All but the last element (`path.Dir`)."""
    return clean(path[: path.rfind("/") + 1])


def extension(path: str) -> str:
    """The last element from its last dot on (`path.Ext`)."""
    _, dot, suffix = path.rpartition("/")[2].rpartition(".")
    return dot + suffix if dot else ""


def is_absolute(path: str) -> bool:
    """Whether it begins at the root (`path.IsAbs`)."""
    return path.startswith("/")


def join(*elements: str) -> str:
    """One path of several elements, cleaned; nothing of empty ones (`path.Join`)."""
    parts = [element for element in elements if element]
    return clean("/".join(parts)) if parts else ""


FUNCTIONS: Final[Mapping[str, Function]] = {
    "base": base,
    "clean": clean,
    "dir": directory,
    "ext": extension,
    "isAbs": is_absolute,
    "osBase": base,
    "osClean": clean,
    "osDir": directory,
    "osExt": extension,
    "osIsAbs": is_absolute,
}
