"""Parse arguments of YAML functions, by Atmos's rules of quoting and counting (Atmos `pkg/function/parser`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(
    r"""(?P<quoted>"(?:[^"\r\n]|"")*"|'(?:[^'\r\n]|'')*')|(?P<pipe>\|)|(?P<text>[^\s|]+)|\s+""", re.ASCII
)
_QUOTES: Final = ("'", '"')
_EXPRESSION_STARTS: Final = (".", "[", "{", "|", *_QUOTES)
_OPTIONS: Final = frozenset({"default", "query"})


class ArgumentsError(ValueError):
    """A function is given the wrong arguments."""


@dataclass(frozen=True, slots=True)
class TerraformArguments:
    """Of `!terraform.output` and `!terraform.state`; no stack means the component's own."""

    component: str
    expression: str
    stack: str | None = None


@dataclass(frozen=True, slots=True)
class StoreArguments:
    """Of `!store` and `!store.get`, which has a store and a key alone.

    Attributes:
        store: name of the store.
        key: what is asked for.
        component: whose it is; `None` for `!store.get`.
        stack: stack of that component; `None` means the asking component's own.
        default: of `| default …`, if there is one.
        query: yq expression of `| query …`, or empty.
    """

    store: str
    key: str
    component: str | None = None
    stack: str | None = None
    default: str | None = None
    query: str = ""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    raw: str
    start: int

    @property
    def text(self) -> str:
        return unquoted(self.raw)


def unquoted(text: str) -> str:
    """The text without a pair of quotes around it, the doubled ones inside made single."""
    text = text.strip()
    if len(text) > 1 and text[0] in _QUOTES and text[-1] == text[0]:
        return text[1:-1].replace(text[0] * 2, text[0])
    return text


def words(tag: str, args: str, least: int, most: int) -> list[str]:
    """The words of the arguments, unquoted.

    Args:
        tag: the function, for messages.
        args: the text after it.
        least: how many there must be.
        most: how many there may be.

    Raises:
        ArgumentsError: for another number of them, or a quote that does not end.
    """
    tokens = _tokens(tag, args)
    if not least <= len(tokens) <= most:
        raise _number(tag, len(tokens), least, most)
    return [token.text for token in tokens]


def word_and_rest(tag: str, args: str) -> tuple[str, str]:
    """A first word and all that follows it, unquoted; the rest may be empty.

    Raises:
        ArgumentsError: if there is nothing, or a quote does not end.
    """
    tokens = _tokens(tag, args)
    if not tokens:
        raise _number(tag, 0, 1, 2)
    return tokens[0].text, unquoted(args[tokens[1].start :]) if len(tokens) > 1 else ""


def terraform(tag: str, args: str) -> TerraformArguments:
    """`component [stack] expression`; the expression may have spaces in it.

    Raises:
        ArgumentsError: for another number of them, or an empty one.
    """
    tokens = _tokens(tag, args)
    least, most = 2, 3
    if len(tokens) < least:
        raise _number(tag, len(tokens), least, most)
    first, second, *more = tokens
    if not more or _starts_expression(second):
        found = TerraformArguments(first.text, unquoted(args[second.start :]))
    elif len(tokens) > most and not _starts_expression(more[0]):
        raise _number(tag, len(tokens), least, most)
    else:
        found = TerraformArguments(first.text, unquoted(args[more[0].start :]), second.text)
    if not (found.component and found.expression):
        raise ArgumentsError(f"invalid arguments of the {tag} function: an empty component or expression")
    return found


def store(tag: str, args: str) -> StoreArguments:
    """`store [stack] component key [| default x] [| query y]`, or `store key …` for `!store.get`.

    Raises:
        ArgumentsError: for another number of them, or an option that is unknown or has no value.
    """
    tokens = _tokens(tag, args)
    first = next((n for n in range(len(tokens)) if _is_option(tokens, n)), len(tokens))
    head = args[: tokens[first].start] if first < len(tokens) else args
    options = _options(tag, args, tokens[first:])
    if tag == "!store.get":
        name, key = words(tag, head, 2, 2)
        return StoreArguments(name, key, default=options.get("default"), query=options.get("query", ""))
    name, *stack, component, key = words(tag, head, 3, 4)
    return StoreArguments(
        name, key, component, stack[0] if stack else None, options.get("default"), options.get("query", "")
    )


def _tokens(tag: str, args: str) -> list[_Token]:
    found = ((match.lastgroup, match) for match in _TOKEN.finditer(args))
    tokens = [_Token(kind, match[0], match.start()) for kind, match in found if kind]
    if any(token.kind == "text" and token.raw.startswith(_QUOTES) for token in tokens):
        raise ArgumentsError(f"invalid arguments of the {tag} function: a quote does not end")
    return tokens


def _starts_expression(token: _Token) -> bool:
    return token.raw.startswith(_EXPRESSION_STARTS)


def _is_option(tokens: list[_Token], at: int) -> bool:
    return tokens[at].kind == "pipe" and at + 1 < len(tokens) and tokens[at + 1].text in _OPTIONS


def _options(tag: str, args: str, tokens: list[_Token]) -> dict[str, str]:
    """The options that `tokens` begin with; a `query` goes on to the next option, pipes of its own included."""
    found: dict[str, str] = {}
    at = 0
    while at < len(tokens):
        name = tokens[at + 1].text
        end = next((n for n in range(at + 2, len(tokens)) if _is_option(tokens, n)), len(tokens))
        value = tokens[at + 2 : end]
        if not value or value[0].kind == "pipe" or (name == "default" and len(value) > 1):
            raise ArgumentsError(f"invalid arguments of the {tag} function: `| {name}` takes one value")
        found[name] = unquoted(args[value[0].start : value[-1].start + len(value[-1].raw)])
        at = end
    return found


def _number(tag: str, found: int, least: int, most: int) -> ArgumentsError:
    wanted = str(most) if least == most else f"{least} or {most}" if most - least == 1 else f"{least} to {most}"
    return ArgumentsError(f"invalid number of arguments in the {tag} function: it takes {wanted}, not {found}")
