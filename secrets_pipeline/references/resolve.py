"""Late resolution: what an expression stands for once the outside can be asked; whatever touched a secret is secret."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias
from urllib.parse import quote

from pydantic import SecretStr

from secrets_pipeline.errors import ExpressionError
from secrets_pipeline.references.functions import apply, as_text, unsuited
from secrets_pipeline.references.model import (
    Call,
    Environment,
    Expression,
    FileContents,
    Json,
    Literal,
    Output,
    Path,
    SsmParameter,
    Stored,
    Text,
    Unsupported,
    Variable,
    WithDefault,
    dotted,
)
from secrets_pipeline.references.stored import NotThereError, stored
from secrets_pipeline.references.urls import in_user_info
from secrets_pipeline.references.walk import expressions


@dataclass(frozen=True, slots=True)
class Plain:
    """A value that may be shown."""

    value: Json


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that must not be shown.

    Attributes:
        value: a string as it stands, anything else as JSON text.
        is_json: the text stands for a number, boolean, null, list or map.
    """

    value: SecretStr
    is_json: bool = False


@dataclass(frozen=True, slots=True)
class Pending:
    """No value yet.

    Attributes:
        reason: why, for a human, for example `RDS instance orders does not exist yet`.
        missing: nobody is going to provide it, so a default serves.
        on: the resource that it waits for, as `engine.reason.Need.on` names it; empty for something that no plan shows.
        passes: whether AWS is making it just now.
    """

    reason: str
    missing: bool = False
    on: str = ""
    passes: bool = False


Resolved: TypeAlias = Plain | Secret | Pending


class Lookup(Protocol):
    """The outside, as expressions see it."""

    def variable(self, path: Path) -> Json:
        """A variable of the component; `KeyError` if it has none."""

    def environment(self, name: str) -> Resolved:
        """An environment variable that the operator allows; `Secret` unless the operator calls it plain."""

    def file(self, path: str) -> str:
        """A file inside the base path."""

    def output(self, output: Output) -> Resolved:
        """The value at the whole path of `output`; `navigate` walks into structures."""

    def ssm(self, name: str) -> Resolved:
        """An SSM parameter; `Secret` for a SecureString."""


def resolve(expression: Expression, lookup: Lookup) -> Resolved:
    """What `expression` stands for now.

    A part that is pending makes the whole pending, except that a default replaces what is missing. A part that is
    secret makes the whole secret.

    Raises:
        ExpressionError: if a function cannot take its argument, or only another tool can resolve it.
    """
    match expression:
        case Literal(value=value):
            resolved: Resolved = Plain(value)
        case WithDefault(expression=inner, default=default):
            resolved = _with_default(resolve(inner, lookup), default)
        case Call(function=function, argument=argument):
            resolved = _call(function, resolve(argument, lookup))
        case Text(parts=parts):
            resolved = _text(parts, lookup)
        case Unsupported(text=text, reason=reason):
            remedy = f"{reason[:1].upper()}{reason[1:]}."
            raise ExpressionError(f"{text.split()[0]} cannot be resolved here", remedy=remedy)
        case _:
            resolved = _outside(expression, lookup)
    return resolved


def _outside(expression: Expression, lookup: Lookup) -> Resolved:
    match expression:
        case Output():
            resolved = lookup.output(expression)
        case SsmParameter(name=name):
            resolved = lookup.ssm(name)
        case Stored():
            resolved = _stored(expression, lookup.ssm(expression.parameter.name))
        case Variable(path=path):
            try:
                resolved = Plain(lookup.variable(path))
            except KeyError:
                resolved = Pending(f"variable {dotted(path)} has no value", missing=True)
        case Environment(name=name):
            resolved = lookup.environment(name)
        case FileContents(path=file):
            resolved = Plain(lookup.file(file))
        case _:
            raise ExpressionError(f"unknown expression {type(expression).__name__}")
    return resolved


def _stored(expression: Stored, found: Resolved) -> Resolved:
    if isinstance(found, Pending):
        return found
    try:
        value = stored(as_text(_python(found)), expression.path, secret=expression.secret)
    except NotThereError:
        # Raised below, outside of the handler.
        pass
    else:
        return secret_of(value) if isinstance(found, Secret) else Plain(value)
    raise ExpressionError(
        f"SSM parameter {expression.parameter.name} has nothing at {dotted(expression.path)}",
        remedy="Correct the path, or what stands in the parameter.",
    )


def of_environment(name: str, value: str | None, *, secret: bool) -> Resolved:
    """What an environment variable stands for.

    Args:
        name: of the variable.
        value: None where it is not set.
        secret: whether it must not be shown.
    """
    if value is None:
        return Pending(f"environment variable {name} is not set", missing=True)
    return Secret(SecretStr(value)) if secret else Plain(value)


def substitute(document: object, lookup: Lookup) -> Resolved:
    """A JSON-shaped tree with every expression resolved.

    Returns:
        `Plain` with the tree; `Secret` with its JSON text if any leaf is secret; else the first `Pending`.
    """
    leaves = {id(leaf): resolve(leaf, lookup) for leaf in expressions(document)}
    for resolved in leaves.values():
        if isinstance(resolved, Pending):
            return resolved

    def filled(tree: Any) -> Any:  # noqa: ANN401 - a JSON-shaped tree
        if isinstance(tree, Expression):
            return _python(leaves[id(tree)])
        if isinstance(tree, Mapping):
            return {key: filled(value) for key, value in tree.items()}
        if isinstance(tree, list | tuple):
            return [filled(value) for value in tree]
        return tree

    whole = filled(document)
    return secret_of(whole) if any(isinstance(one, Secret) for one in leaves.values()) else Plain(whole)


def _with_default(resolved: Resolved, default: Json) -> Resolved:
    match resolved:
        case Pending(missing=True) | Plain(value=None):
            return Plain(default)
        case _:
            return resolved


def _call(function: str, argument: Resolved) -> Resolved:
    if isinstance(argument, Pending):
        return argument
    try:
        result = apply(function, _python(argument, structure=function in ("keys", "values")))
    except ValueError:
        # Raised below, outside of the handler: the parser's error holds the value.
        pass
    else:
        return secret_of(result) if isinstance(argument, Secret) else Plain(result)
    raise unsuited(function)


def _text(parts: tuple[Expression, ...], lookup: Lookup) -> Resolved:
    resolved = [resolve(part, lookup) for part in parts]
    encode = in_user_info(parts)
    text = ""
    for index, one in enumerate(resolved):
        if isinstance(one, Pending):
            return one
        value = _python(one)
        if value is None:
            return Pending(f"{parts[index]} is null", missing=True)
        rendered = as_text(value)
        text += quote(rendered, safe="") if index in encode else rendered
    return Secret(SecretStr(text)) if any(isinstance(one, Secret) for one in resolved) else Plain(text)


def _python(resolved: Resolved, *, structure: bool = False) -> Json:
    """The Python value; with `structure`, a secret string is read as JSON too."""
    if isinstance(resolved, Pending):
        raise TypeError("a pending value has no text")
    if isinstance(resolved, Plain):
        return resolved.value
    text = resolved.value.get_secret_value()
    value: Json = json.loads(text) if resolved.is_json or structure else text
    return value


def secret_of(value: Json) -> Secret:
    """Wrap a value that must not be shown: a string as it stands, anything else as its JSON text."""
    if isinstance(value, str):
        return Secret(SecretStr(value))
    return Secret(SecretStr(json.dumps(value, ensure_ascii=False, separators=(",", ":"))), is_json=True)
