"""Parse the part of yq that stack manifests use in `!include path expression` (https://mikefarah.gitbook.io/yq).

    expression  = comparison { "|" comparison }
    comparison  = alternative [ ("==" | "!=") alternative ]
    alternative = term { "//" term }
    term        = ( path | literal | call | "[" [ expression ] "]" | "(" expression ")" ) { index }
    path        = "." [ name | string | "[" … "]" ] { "." ( name | string ) | index }
    index       = "[" [ integer | string ] "]" | ".[" … "]"
    call        = "length" | "keys" | "select(" expression ")" | "join(" string ")"

Everything else of yq is an error that names the expression.
"""

from __future__ import annotations

import json
import re
from typing import Final

from secrets_pipeline.golang.values import Value
from secrets_pipeline.stacks.functions.yq_steps import (
    Step,
    Steps,
    YqError,
    chain,
    compared,
    constant,
    each,
    index,
    joined,
    keys,
    length,
    one,
    or_else,
    selected,
)

__all__ = ["Steps", "YqError", "evaluate"]

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<number>-?[0-9]+(?:\.[0-9]+)?(?![A-Za-z_]))"""
    r"""|(?P<name>[A-Za-z_][A-Za-z0-9_-]*)|(?P<sign>//|==|!=|[.|()\[\]{}]))"""
)
_FIELD: Final = re.compile(r"[A-Za-z0-9_/-]+")
_TEXT: Final = re.compile(r"""(?:"(?:[^"\\]|\\.)*(?:"|\Z)|'[^']*(?:'|\Z))""", re.DOTALL)
_WORDS: Final = {"true": True, "false": False, "null": None}


def evaluate(expression: str, value: Value, steps: Steps | None = None) -> Value:
    """What an expression gives for a value; `None` if it gives nothing.

    Types are kept, while Atmos reads what yq prints as YAML again, where a text `"0123"` becomes a number.

    Args:
        expression: of the grammar above.
        value: what `.` stands for.
        steps: counts what it takes.

    Raises:
        YqError: for an expression outside of the grammar, one that does not fit the value, one that gives several
            values, or one that takes too many steps.
    """
    try:
        results = list(_Reader(expression, steps or Steps()).whole()(value))
    except YqError as error:
        message = f"the yq expression {_shown(expression)!r} {error}"
        raise YqError(message) from None
    except RecursionError:
        message = "the yq expression is nested too deeply"
        raise YqError(message) from None
    if len(results) > 1:
        message = (
            f"the yq expression {_shown(expression)!r} gives {len(results)} values: put it in [ ] for a list of them"
        )
        raise YqError(message)
    return results[0] if results else None


class _Reader:
    """Recursive descent over the grammar above."""

    def __init__(self, text: str, steps: Steps) -> None:
        self._text = text
        self._steps = steps
        self._at = 0

    def whole(self) -> Step:
        step = self._pipe()
        if self._text[self._at :].strip():
            raise self._unsupported()
        return step

    def _pipe(self) -> Step:
        steps = [self._comparison()]
        while self._takes("|"):
            steps.append(self._comparison())
        return chain(self._steps, steps)

    def _comparison(self) -> Step:
        left = self._alternative()
        for sign in ("==", "!="):
            if self._takes(sign):
                return compared(self._steps, left, self._alternative(), equal=sign == "==")
        return left

    def _alternative(self) -> Step:
        step = self._term()
        while self._takes("//"):
            step = or_else(self._steps, step, self._term())
        return step

    def _term(self) -> Step:
        found = _TOKEN.match(self._text, self._at)
        if found is None:
            raise self._unsupported()
        if found["sign"] == ".":
            return chain(self._steps, self._path())
        self._at = found.end()
        if found["string"] or found["number"]:
            return chain(self._steps, [constant(_literal(found[0].strip())), *self._indices()])
        if found["sign"] == "(":
            inner = self._pipe()
            self._expect(")")
            return chain(self._steps, [inner, *self._indices()])
        if found["sign"] == "[":
            return chain(self._steps, [self._list(), *self._indices()])
        if found["sign"] == "{" and self._takes("}"):
            return constant({})
        return self._called(found["name"])

    def _called(self, name: str | None) -> Step:
        if name in _WORDS:
            return constant(_WORDS[name])
        if name in ("length", "keys"):
            return chain(self._steps, [one(length if name == "length" else keys(self._steps)), *self._indices()])
        if name in ("select", "join") and self._takes("("):
            inner = self._pipe()
            self._expect(")")
            return selected(inner) if name == "select" else joined(self._steps, inner)
        raise self._unsupported()

    def _list(self) -> Step:
        if self._takes("]"):
            return constant([])
        inner = self._pipe()
        self._expect("]")
        return one(lambda value: list(inner(value)))

    def _path(self) -> list[Step]:
        steps: list[Step] = []
        while self._takes("."):
            string = self._string()
            field = _FIELD.match(self._text, self._at)
            if string is not None:
                steps.append(one(index(string)))
            elif field:
                self._at = field.end()
                steps.append(one(index(field[0])))
            elif steps and not self._text.startswith("[", self._at):
                raise self._unsupported()
            steps += self._indices()
        return steps

    def _indices(self) -> list[Step]:
        steps: list[Step] = []
        while self._text.startswith(("[", ".["), self._at):
            self._at += 1 + self._text.startswith(".", self._at)
            if self._takes("]"):
                steps.append(each)
                continue
            found = _TOKEN.match(self._text, self._at)
            if found is None or not (found["string"] or found["number"]) or "." in (found["number"] or ""):
                raise self._unsupported()
            self._at = found.end()
            steps.append(one(index(_literal(found[0].strip()))))
            self._expect("]")
        return steps

    def _string(self) -> str | None:
        found = _TOKEN.match(self._text, self._at)
        if found is None or not found["string"] or found[0] != found["string"]:
            return None
        self._at = found.end()
        return str(_literal(found["string"]))

    def _takes(self, sign: str) -> bool:
        found = _TOKEN.match(self._text, self._at)
        if found is None or found["sign"] != sign:
            return False
        self._at = found.end()
        return True

    def _expect(self, sign: str) -> None:
        if not self._takes(sign):
            raise self._unsupported()

    def _unsupported(self) -> YqError:
        rest = self._text[self._at :].strip()
        place = f"from {_shown(rest)!r} on" if rest else "at its end"
        return YqError(f"is not supported {place}: paths, [index], [], |, //, ==, length, keys, select and join are")


def _shown(expression: str) -> str:
    """The expression for an error, without the texts in it: they may be values."""
    return _TEXT.sub('"…"', expression)


def _literal(text: str) -> Value:
    try:
        return json.loads(text)
    except ValueError:
        raise YqError("has an invalid literal") from None
