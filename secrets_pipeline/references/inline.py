"""Put the component's own variables in the place of the references that name them."""

from __future__ import annotations

from typing import Protocol

from secrets_pipeline.errors import ExpressionError
from secrets_pipeline.references.functions import apply, as_text
from secrets_pipeline.references.model import Call, Expression, Json, Literal, Path, Text, Variable, WithDefault, dotted
from secrets_pipeline.references.urls import in_user_info

_LONGEST_CHAIN = 100
_LONGEST_TEXT = 1_000_000
_MOST_PARTS = 10_000
_ANY = "…"


class NoValueError(ExpressionError):
    """A variable has no value, or stands for itself in the end.

    Args:
        message: what is wrong.
        remedy: what to write instead.
        path: the variable.
        circular: whether it stands for itself.

    Attributes:
        embedded: whether it stands in the middle of a text or in a function, so that it may be none at all.
    """

    def __init__(self, message: str, *, remedy: str, path: Path, circular: bool = False) -> None:
        super().__init__(message, remedy=remedy)
        self.path = path
        self.circular = circular
        self.embedded = False


class Variables(Protocol):
    """Where variables come from."""

    def find(self, path: Path) -> Expression | None:
        """What a variable stands for, or None if there is none."""

    def unknown(self, path: Path) -> NoValueError:
        """The error for a variable that has no value."""


def inline(expression: Expression, variables: Variables) -> Expression:
    """The same expression without variables; what is known altogether becomes a `Literal`.

    Raises:
        NoValueError: if a variable has no value, or stands for itself in the end: the text names the whole chain.
        ExpressionError: if what a variable stands for cannot be read, or is beyond all measure.
    """
    try:
        return _Inliner(variables).inlined(expression, ())
    except _MissingError as missing:
        path, embedded = missing.path, missing.embedded
    error = variables.unknown(path)
    error.embedded = embedded
    raise error


class _MissingError(Exception):
    def __init__(self, path: Path, *, embedded: bool = False) -> None:
        super().__init__()
        self.path = path
        self.embedded = embedded


class _Inliner:
    def __init__(self, variables: Variables) -> None:
        self._variables = variables
        self._known: dict[Path, Expression] = {}

    def inlined(self, expression: Expression, chain: tuple[Path, ...]) -> Expression:
        match expression:
            case Variable(path=path):
                return self._variable(path, chain)
            case WithDefault(expression=inner, default=default):
                return self._with_default(inner, default, chain)
            case Call(function=function, argument=argument):
                known = self._embedded(argument, chain)
                return Literal(apply(function, known.value)) if isinstance(known, Literal) else Call(function, known)
            case Text():
                return self._text(expression, chain)
            case _:
                return expression

    def _variable(self, path: Path, chain: tuple[Path, ...]) -> Expression:
        if path in self._known:
            return self._known[path]
        if path in chain:
            names = " → ".join(dotted(one) for one in (*chain[chain.index(path) :], path))
            raise NoValueError(
                f"circular variables: {names}", remedy="Give one of them a value.", path=path, circular=True
            )
        if len(chain) == _LONGEST_CHAIN:
            raise ExpressionError(
                f"variable {dotted(chain[0])} leads through more than {_LONGEST_CHAIN} variables",
                remedy="Refer to the last of them.",
            )
        found = self._variables.find(path)
        if found is None:
            raise _MissingError(path)
        self._known[path] = self.inlined(found, (*chain, path))
        return self._known[path]

    def _embedded(self, expression: Expression, chain: tuple[Path, ...]) -> Expression:
        """The same for what stands in a text or a function."""
        try:
            return self.inlined(expression, chain)
        except _MissingError as missing:
            path = missing.path
        raise _MissingError(path, embedded=True)

    def _with_default(self, inner: Expression, default: Json, chain: tuple[Path, ...]) -> Expression:
        replacement = Literal(default)
        try:
            known = self.inlined(inner, chain)
        except _MissingError:
            return replacement
        if isinstance(known, Literal):
            return replacement if known.value is None else known
        return WithDefault(known, replacement.value)

    def _text(self, text: Text, chain: tuple[Path, ...]) -> Expression:
        encode = in_user_info(text.parts)
        embeds = any(isinstance(part, Literal) and as_text(part.value).strip() for part in text.parts)
        joined = _Joined()
        for index, part in enumerate(text.parts):
            known = self._embedded(part, chain) if embeds else self.inlined(part, chain)
            if isinstance(known, Literal) and known.value is None:
                raise _MissingError(part.path if isinstance(part, Variable) else (_ANY,), embedded=embeds)
            if index in encode:
                known = (
                    Literal(apply("urlencode", known.value)) if isinstance(known, Literal) else Call("urlencode", known)
                )
            for one in known.parts if isinstance(known, Text) else (known,):
                joined.add(one)
        parts = joined.parts()
        return parts[0] if len(parts) == 1 and isinstance(parts[0], Literal) else Text(parts)


class _Joined:
    """Parts of a text, those that are known joined; a few variables that double each other fill no memory."""

    def __init__(self) -> None:
        self._parts: list[Expression] = []
        self._known: list[str] = []
        self._length = 0

    def add(self, part: Expression) -> None:
        if isinstance(part, Literal):
            self._known.append(as_text(part.value))
            self._length += len(self._known[-1])
        else:
            self._close()
            self._parts.append(part)
        if self._length > _LONGEST_TEXT or len(self._parts) > _MOST_PARTS:
            raise ExpressionError(
                f"variables make a text of more than {_LONGEST_TEXT} characters or {_MOST_PARTS} references",
                remedy="Refer to fewer of them.",
            )

    def parts(self) -> tuple[Expression, ...]:
        self._close()
        return tuple(self._parts)

    def _close(self) -> None:
        if self._known:
            self._parts.append(Literal("".join(self._known)))
            self._known = []
