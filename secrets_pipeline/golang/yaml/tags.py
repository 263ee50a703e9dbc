"""Define the values that YAML tags put into a manifest: function calls, kept text, list appends, key removals."""

from __future__ import annotations

from enum import Enum
from typing import Any, Final, Self


class FunctionCall(str):
    """A YAML function that has not been evaluated; as a `str` it is Atmos's own text.

    Attributes:
        tag: the function, for example `!terraform.output`.
        args: the raw text after it, for example `vpc vpc_id`.
    """

    __slots__ = ("args", "tag")

    tag: str
    args: str

    def __new__(cls, tag: str, args: str = "") -> Self:  # noqa: D102 - the class docstring tells
        args = args.strip()
        call = super().__new__(cls, f"{tag} {args}" if args else tag)
        call.tag = tag
        call.args = args
        return call

    def __reduce__(self) -> tuple[type[FunctionCall], tuple[str, str]]:
        return type(self), (self.tag, self.args)


class LiteralText(str):
    """Text of `!literal`: neither a template nor a function, whatever it looks like."""

    __slots__ = ()


class AppendList(list[Any]):
    """A list of `!append`: it extends the earlier list, whatever the list strategy."""

    __slots__ = ()


class Unset(Enum):
    """The value of `!unset`: the key is removed, with whatever earlier manifests gave it."""

    UNSET = "!unset"


UNSET: Final = Unset.UNSET
