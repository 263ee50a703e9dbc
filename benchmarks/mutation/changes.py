"""The small changes that can be made to a module: what a programmer may get wrong, not what only a human reads."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

Change = tuple[str, int, int, str]
"""Kind, first byte, byte after the last, and what stands there instead."""

_COMPARED: Final = {
    "==": ("!=",),
    "!=": ("==",),
    "<": ("<=", ">="),
    "<=": ("<", ">"),
    ">": (">=", "<="),
    ">=": (">", "<"),
    "is": ("is not",),
    "is not": ("is",),
    "in": ("not in",),
    "not in": ("in",),
}
_COMPARISON: Final = re.compile(rb"not\s+in\b|is\s+not\b|==|!=|<=|>=|<|>|\bis\b|\bin\b")
_ARITHMETIC: Final[dict[type[ast.operator], tuple[bytes, str]]] = {
    ast.Add: (rb"\+", "-"),
    ast.Sub: (rb"-", "+"),
    ast.Mult: (rb"\*", "//"),
    ast.FloorDiv: (rb"//", "*"),
    ast.Div: (rb"/", "*"),
    ast.Mod: (rb"%", "*"),
    ast.BitOr: (rb"\|", "&"),
    ast.BitAnd: (rb"&", "|"),
}
_OPPOSITE: Final = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list", "reversed": "iter"}
_OPPOSITE_METHOD: Final = {"startswith": "endswith", "endswith": "startswith", "append": "remove"}
_TRIMMING: Final = {"strip", "lstrip", "rstrip", "lower", "upper", "casefold", "removeprefix", "removesuffix"}
# What only a human reads, and what has no effect here whatever it says.
_NOT_AN_ARGUMENT: Final = {
    "description",
    "remedy",
    "message",
    "example",
    "help",
    "strict",
    "encoding",
    "thread_name_prefix",
}
_LOGGED: Final = {"debug", "info", "warning", "error", "exception", "critical", "log"}
_TYPING: Final = {"cast", "TypeVar", "NewType", "ParamSpec", "overload"}
_NAMES_ONLY: Final = {"__all__", "__slots__", "model_config"}


Place = tuple[str, int, int]
"""Dotted name of the function or class, first byte of the statement, byte after its head."""


def changes(source: str) -> Iterator[tuple[Place, Change]]:
    """Yield each change with its place. The head of a statement with a body ends where the body begins."""
    return _Module(source).changes(ast.parse(source), ("", 0, 0))


_Placed = ast.expr | ast.stmt | ast.keyword | ast.ExceptHandler


class _Module:
    def __init__(self, source: str) -> None:
        self._bytes = source.encode()
        self._lines = [0]
        for line in self._bytes.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))

    def changes(self, node: ast.AST, place: Place) -> Iterator[tuple[Place, Change]]:
        if _is_left_alone(node):
            return
        scope = place[0]
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            scope = f"{scope}.{node.name}".lstrip(".")
        if isinstance(node, (ast.stmt, ast.ExceptHandler)):
            place = scope, self._start(node), self._end_of_head(node)
        for change in self._of(node):
            yield place, change
        for first, change in self._order(node):
            yield (scope, self._start(first), self._end_of_head(first)), change
        for child in _children(node):
            yield from self.changes(child, place)

    def _end_of_head(self, node: ast.stmt | ast.ExceptHandler) -> int:
        body = getattr(node, "cases" if isinstance(node, ast.Match) else "body", None)
        if not body:
            return self._end(node)
        first = body[0].pattern if isinstance(body[0], ast.match_case) else body[0]
        return len(self._bytes[: self._lines[first.lineno - 1]].rstrip())

    def _start(self, node: _Placed) -> int:
        return self._lines[node.lineno - 1] + node.col_offset

    def _end(self, node: _Placed) -> int:
        assert node.end_lineno is not None  # noqa: S101 - parsed from text, so every node has its place
        assert node.end_col_offset is not None  # noqa: S101 - the same
        return self._lines[node.end_lineno - 1] + node.end_col_offset

    def _span(self, node: _Placed) -> tuple[int, int]:
        return self._start(node), self._end(node)

    def _text(self, node: ast.expr) -> str:
        return self._bytes[self._start(node) : self._end(node)].decode()

    def _whole(self, kind: str, node: ast.expr | ast.stmt, text: str) -> Change:
        return kind, self._start(node), self._end(node), text

    def _between(self, kind: str, left: ast.expr, right: ast.expr, operator: bytes, text: str) -> Iterator[Change]:
        start, end = self._end(left), self._start(right)
        if found := re.search(operator, self._bytes[start:end]):
            yield kind, start + found.start(), start + found.end(), text

    def _of(self, node: ast.AST) -> Iterator[Change]:
        yield from self._of_expression(node)
        yield from self._of_collection(node)
        yield from self._of_statement(node)

    def _of_expression(self, node: ast.AST) -> Iterator[Change]:
        match node:
            case ast.Compare():
                yield from self._compared(node)
            case ast.BoolOp():
                yield from self._joined(node)
            case ast.UnaryOp(op=ast.Not()):
                yield "not", self._start(node), self._start(node) + len("not "), ""
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                operator, text = _ARITHMETIC[type(op)]
                # A text or a list that is subtracted is noticed by whoever runs it.
                if not (_is_sequence(left) or _is_sequence(right)):
                    yield from self._between("arithmetic", left, right, operator, text)
                yield self._whole("operand", node, f"({self._text(left)})")
                yield self._whole("operand", node, f"({self._text(right)})")
            case ast.Constant(value=bool() as value):
                yield self._whole("constant", node, str(not value))
            case ast.Constant(value=int() as value):
                yield self._whole("constant", node, str(value + 1))
                yield self._whole("constant", node, str(value - 1))
            case ast.If() | ast.While() | ast.IfExp():
                yield from self._decided(node)
            case ast.Call():
                yield from self._called(node)

    def _of_collection(self, node: ast.AST) -> Iterator[Change]:
        match node:
            case ast.Dict(keys=keys, values=values) if all(keys):
                pairs = zip(filter(None, keys), values, strict=True)
                yield from self._dropped("element", [(self._start(key), self._end(value)) for key, value in pairs])
            case ast.List(ctx=ast.Load()) | ast.Set():
                yield from self._dropped("element", [self._span(item) for item in node.elts])
            case ast.Tuple(elts=elts, ctx=ast.Load()) if self._text(node).startswith("("):
                for left_out in range(len(elts)):
                    kept = [self._text(item) for place, item in enumerate(elts) if place != left_out]
                    yield self._whole("element", node, f"({', '.join(kept)}{',' * (len(kept) == 1)})")
            case ast.comprehension(ifs=ifs):
                yield from (self._whole("filter", test, "True") for test in ifs)

    def _of_statement(self, node: ast.AST) -> Iterator[Change]:
        match node:
            case ast.AugAssign(target=target, op=op, value=value) if type(op) in _ARITHMETIC:
                operator, text = _ARITHMETIC[type(op)]
                yield from self._between("arithmetic", target, value, operator, text)
                yield self._whole("statement", node, "pass")
            case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]) | ast.Delete() | ast.Expr(value=ast.Call()):
                yield self._whole("statement", node, "pass")
            case ast.Continue() | ast.Break():
                yield self._whole("loop", node, "break" if isinstance(node, ast.Continue) else "continue")
                yield self._whole("loop", node, "pass")
            case ast.Raise():
                yield self._whole("raise", node, "pass")
            case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
                yield self._whole("return", value, "None")
            case ast.ExceptHandler(body=body) if not isinstance(body[0], ast.Raise):
                yield "except", self._start(body[0]), self._end(body[-1]), "raise"

    def _compared(self, node: ast.Compare) -> Iterator[Change]:
        for left, right in pairwise([node.left, *node.comparators]):
            start, end = self._end(left), self._start(right)
            found = _COMPARISON.search(self._bytes[start:end])
            if found is None:
                continue
            for text in _COMPARED[" ".join(found.group().decode().split())]:
                yield "comparison", start + found.start(), start + found.end(), text

    def _joined(self, node: ast.BoolOp) -> Iterator[Change]:
        operator, text = (rb"\band\b", "or") if isinstance(node.op, ast.And) else (rb"\bor\b", "and")
        for left, right in pairwise(node.values):
            yield from self._between("boolean", left, right, operator, text)
        for left_out in range(len(node.values)):
            kept = [self._text(value) for place, value in enumerate(node.values) if place != left_out]
            joint = " and " if isinstance(node.op, ast.And) else " or "
            yield self._whole("operand", node, f"({joint.join(f'({part})' if ' ' in part else part for part in kept)})")

    def _decided(self, node: ast.If | ast.While | ast.IfExp) -> Iterator[Change]:
        if isinstance(node, ast.If):
            leaves = isinstance(node.body[-1], (ast.Return, ast.Raise, ast.Continue, ast.Break))
            yield self._whole("guard" if leaves else "branch", node.test, "False")
        if not isinstance(node, ast.While):
            yield self._whole("branch", node.test, f"not ({self._text(node.test)})")
        if isinstance(node, ast.IfExp):
            yield self._whole("branch", node.test, "True")
            yield self._whole("branch", node.test, "False")

    def _called(self, node: ast.Call) -> Iterator[Change]:
        parts: list[ast.expr | ast.keyword] = [*node.args, *node.keywords]
        places = sorted(map(self._span, parts))
        wordings = {self._start(keyword) for keyword in node.keywords if keyword.arg in _NOT_AN_ARGUMENT}
        named = {self._start(keyword) for keyword in node.keywords} - wordings
        # The second of two positional arguments is often one with a default.
        last = {self._start(node.args[-1])} if len(node.args) > 1 else set()
        yield from self._dropped("argument", places, only=named | last)
        match node.func:
            case ast.Name(id=name) if name in _OPPOSITE:
                yield self._whole("order" if name in {"sorted", "reversed"} else "opposite", node.func, _OPPOSITE[name])
            case ast.Attribute(attr=name, value=value) if name in _OPPOSITE_METHOD:
                yield "opposite", self._end(value), self._end(node.func), f".{_OPPOSITE_METHOD[name]}"
            case ast.Attribute(attr=name, value=value) if name in _TRIMMING:
                yield self._whole("call", node, self._text(value))

    def _dropped(self, kind: str, places: list[tuple[int, int]], only: set[int] | None = None) -> Iterator[Change]:
        for place, (start, end) in enumerate(places):
            if only is not None and start not in only:
                continue
            if place + 1 < len(places):
                yield kind, start, places[place + 1][0], ""
            elif place:
                yield kind, places[place - 1][1], end, ""
            else:
                comma = re.match(rb"\s*,", self._bytes[end:])
                yield kind, start, end + (comma.end() if comma else 0), ""

    def _order(self, node: ast.AST) -> Iterator[tuple[ast.stmt, Change]]:
        for field in ("body", "orelse", "finalbody"):
            body = getattr(node, field, None)
            for first, second in pairwise(body if isinstance(body, list) else ()):
                if _is_step(first) and (_is_step(second) or isinstance(second, (ast.Assign, ast.Return))):
                    here, between, there, end = (*self._span(first), *self._span(second))
                    swapped = self._bytes[there:end] + self._bytes[between:there] + self._bytes[here:between]
                    yield first, ("order", here, end, swapped.decode())


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """Give what is inside that decides something: no annotation, no decorator, no text of an error."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield from (default for default in (*node.args.defaults, *node.args.kw_defaults) if default is not None)
            yield from node.body
        case ast.ClassDef():
            yield from node.body
        case ast.AnnAssign(value=value):
            yield from (part for part in (value,) if part is not None)
        case ast.Raise():
            return
        case ast.Call(func=func, args=args, keywords=keywords):
            yield from (func, *args)
            yield from (keyword.value for keyword in keywords if keyword.arg not in _NOT_AN_ARGUMENT)
        case _:
            yield from ast.iter_child_nodes(node)


def _is_left_alone(node: ast.AST) -> bool:
    match node:
        case ast.JoinedStr() | ast.Import() | ast.ImportFrom() | ast.Assert():
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")) | ast.AnnAssign(annotation=ast.Name(id="TypeAlias")):
            return True
        case ast.Assign(value=ast.Subscript(value=ast.Name(id="Callable"))):
            # A name for a type: what it is called with stands in a list.
            return True
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name in _NAMES_ONLY
        case ast.Expr(value=ast.Call(func=called)) | ast.Call(func=called):
            return _is_for_humans_or_types(called)
    return False


def _is_for_humans_or_types(called: ast.expr) -> bool:
    match called:
        case ast.Attribute(attr=name, value=value):
            return name in _LOGGED and "log" in ast.unparse(value).lower()
        case ast.Name(id=name):
            return name in _TYPING
    return False


def _is_sequence(node: ast.expr) -> bool:
    text = isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes))
    return text or isinstance(node, (ast.JoinedStr, ast.List, ast.Tuple))


def _is_step(node: ast.stmt) -> bool:
    """Say whether a statement is there for its effect alone; a docstring has none."""
    called = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and not _is_left_alone(node)
    return called or isinstance(node, (ast.AugAssign, ast.Delete))
