"""The part of yq that stack manifests use in `!include path expression` (https://mikefarah.gitbook.io/yq).

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
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from secrets_pipeline.stacks.markers import Value
from secrets_pipeline.stacks.scalars import as_text

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<number>-?[0-9]+(?:\.[0-9]+)?(?![A-Za-z_]))"""
    r"""|(?P<name>[A-Za-z_][A-Za-z0-9_-]*)|(?P<sign>//|==|!=|[.|()\[\]{}]))"""
)
_FIELD: Final = re.compile(r"[A-Za-z0-9_/-]+")
_TEXT: Final = re.compile(r"""(?:"(?:[^"\\]|\\.)*(?:"|\Z)|'[^']*(?:'|\Z))""", re.DOTALL)
_WORDS: Final = {"true": True, "false": False, "null": None}

MOST_STEPS: Final = 1_000_000
"""Steps of one expression: every value that a part of it takes or gives, and what is in those that it compares."""
_UNIT: Final = 100  # characters of a text that count as one value more

_Step: TypeAlias = Callable[[Value], Iterator[Value]]
"""A part of an expression: one value in, any number out."""


class YqError(ValueError):
    """An expression is not understood, or does not fit the value."""


class Steps:
    """Counts the steps of one expression, those too that give nothing in the end.

    Attributes:
        taken: so far.
    """

    def __init__(self) -> None:
        self.taken = 0
        self._sizes: dict[int, tuple[Value, int]] = {}  # with what they are of, so that its id stays its own

    def count(self, steps: int = 1) -> None:
        """Count steps before they are taken.

        Raises:
            YqError: if they are too many.
        """
        self.taken += steps
        if self.taken > MOST_STEPS:
            message = (
                f"takes more than {MOST_STEPS} steps, for each value on the way is one: "
                "choose with paths or select() before you compare or join, or include a smaller file"
            )
            raise YqError(message)

    def size(self, value: Value) -> int:
        """Values in it, what is shared as often as it is reached, and texts by their length."""
        if isinstance(value, str):
            return 1 + len(value) // _UNIT
        if not isinstance(value, dict | list):
            return 1
        known = self._sizes.get(id(value))
        if known is None:
            inner = value.values() if isinstance(value, dict) else value
            known = self._sizes[id(value)] = (value, 1 + sum(map(self.size, inner)))
        return known[1]


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

    def whole(self) -> _Step:
        step = self._pipe()
        if self._text[self._at :].strip():
            raise self._unsupported()
        return step

    def _pipe(self) -> _Step:
        steps = [self._comparison()]
        while self._takes("|"):
            steps.append(self._comparison())
        return _chain(self._steps, steps)

    def _comparison(self) -> _Step:
        left = self._alternative()
        for sign in ("==", "!="):
            if self._takes(sign):
                return _compared(self._steps, left, self._alternative(), equal=sign == "==")
        return left

    def _alternative(self) -> _Step:
        step = self._term()
        while self._takes("//"):
            step = _or_else(step, self._term())
        return step

    def _term(self) -> _Step:
        found = _TOKEN.match(self._text, self._at)
        if found is None:
            raise self._unsupported()
        if found["sign"] == ".":
            return _chain(self._steps, self._path())
        self._at = found.end()
        if found["string"] or found["number"]:
            return _chain(self._steps, [_constant(_literal(found[0].strip())), *self._indices()])
        if found["sign"] == "(":
            inner = self._pipe()
            self._expect(")")
            return _chain(self._steps, [inner, *self._indices()])
        if found["sign"] == "[":
            return _chain(self._steps, [self._list(), *self._indices()])
        if found["sign"] == "{" and self._takes("}"):
            return _constant({})
        return self._called(found["name"])

    def _called(self, name: str | None) -> _Step:
        if name in _WORDS:
            return _constant(_WORDS[name])
        if name in ("length", "keys"):
            return _chain(self._steps, [_one(_length if name == "length" else _keys), *self._indices()])
        if name in ("select", "join") and self._takes("("):
            inner = self._pipe()
            self._expect(")")
            return _selected(inner) if name == "select" else _joined(self._steps, inner)
        raise self._unsupported()

    def _list(self) -> _Step:
        if self._takes("]"):
            return _constant([])
        inner = self._pipe()
        self._expect("]")
        return _one(lambda value: list(inner(value)))

    def _path(self) -> list[_Step]:
        steps: list[_Step] = []
        while self._takes("."):
            string = self._string()
            field = _FIELD.match(self._text, self._at)
            if string is not None:
                steps.append(_one(_index(string)))
            elif field:
                self._at = field.end()
                steps.append(_one(_index(field[0])))
            elif steps and not self._text.startswith("[", self._at):
                raise self._unsupported()
            steps += self._indices()
        return steps

    def _indices(self) -> list[_Step]:
        steps: list[_Step] = []
        while self._text.startswith(("[", ".["), self._at):
            self._at += 1 + self._text.startswith(".", self._at)
            if self._takes("]"):
                steps.append(_each)
                continue
            found = _TOKEN.match(self._text, self._at)
            if found is None or not (found["string"] or found["number"]) or "." in (found["number"] or ""):
                raise self._unsupported()
            self._at = found.end()
            steps.append(_one(_index(_literal(found[0].strip()))))
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


def _constant(constant: Value) -> _Step:
    return lambda _value: iter([constant])


def _one(function: Callable[[Value], Value]) -> _Step:
    return lambda value: iter([function(value)])


def _chain(count: Steps, steps: list[_Step]) -> _Step:
    def chained(value: Value) -> Iterator[Value]:
        values = [value]
        for step in steps:
            values = list(_results(count, step, values))
        return iter(values)

    return chained


def _results(count: Steps, step: _Step, values: list[Value]) -> Iterator[Value]:
    for value in values:
        count.count()
        for result in step(value):
            count.count()
            yield result


def _each(value: Value) -> Iterator[Value]:
    if isinstance(value, dict):
        return iter(list(value.values()))
    return iter(value if isinstance(value, list) else [])


def _index(key: str | int) -> Callable[[Value], Value]:
    def indexed(value: Value) -> Value:
        if isinstance(value, dict):
            return value.get(str(key))
        if not isinstance(value, list):
            return None
        if isinstance(key, str):
            raise YqError("cannot index a list with a text")
        if key < -len(value):
            raise YqError(f"has an index {key} out of range: the list has {len(value)} items")
        return value[key] if key < len(value) else None

    return indexed


def _length(value: Value) -> int:
    return 0 if value is None else len(value) if isinstance(value, dict | list) else len(as_text(value))


def _keys(value: Value) -> list[Value]:
    if isinstance(value, dict):
        return list(value)
    if isinstance(value, list):
        return list(range(len(value)))
    raise YqError("asks for the keys of what is neither a mapping nor a list")


def _compared(count: Steps, left: _Step, right: _Step, *, equal: bool) -> _Step:
    def compared(value: Value) -> Iterator[Value]:
        for one in left(value):
            for other in right(value):
                count.count(min(count.size(one), count.size(other)))
                yield _same(one, other) is equal

    return compared


def _same(one: Value, other: Value) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _or_else(left: _Step, right: _Step) -> _Step:
    def chosen(value: Value) -> Iterator[Value]:
        found = [result for result in left(value) if result is not None and result is not False]
        return iter(found) if found else right(value)

    return chosen


def _selected(condition: _Step) -> _Step:
    def selected(value: Value) -> Iterator[Value]:
        return iter([value] if any(found is not None and found is not False for found in condition(value)) else [])

    return selected


def _joined(count: Steps, separator: _Step) -> _Step:
    def joined(value: Value) -> Iterator[Value]:
        between = next(separator(value), None)
        if not isinstance(value, list) or not isinstance(between, str):
            raise YqError("joins what is not a list, or with what is not text")
        texts = []
        for item in value:
            count.count(count.size(item))
            texts.append("" if item is None else as_text(item))
        count.count(len(between) * len(texts) // _UNIT)
        return iter([between.join(texts)])

    return joined
