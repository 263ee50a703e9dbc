"""Compose YAML text into nodes with places, on PyYAML's libyaml parser, with the implicit tags of Go's yaml.v3."""

from __future__ import annotations

import operator
from typing import Any, Final

import yaml
from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamStartEvent,
)
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.reader import ReaderError

from secrets_pipeline.errors import StackError, Where
from secrets_pipeline.golang.yaml.nesting import MAX_DEPTH, TOO_DEEP
from secrets_pipeline.golang.yaml.scalars import MAP, SEQ, STR, TYPED_STARTS, tag_of

_REMEDY: Final = "Correct the YAML; a manifest that is only valid after templating must be named .yaml.tmpl."
_TAB_REMEDY: Final = "Indent with spaces: YAML allows no tabs there."
_DUPLICATE_ANCHOR: Final = "found duplicate anchor; first occurrence"


class InvalidYamlError(StackError):
    """A document cannot be read as YAML, or is not what it has to be. Its text takes it for a stack manifest.

    Attributes:
        problem: what is wrong, and in which column.
        cure: what to do about just this; empty where nobody knows more than to correct the YAML.
    """

    def __init__(self, problem: str, where: Where, cure: str) -> None:
        super().__init__(f"invalid stack manifest: {problem}", where=where, remedy=cure or _REMEDY)
        self.problem = problem
        self.cure = cure


class _Composer(CParser):
    """libyaml's composer with yaml.v3's implicit tags."""

    # Called around every node. Paths play no part here, and built-in functions are the cheapest that can be called.
    descend_resolver = staticmethod(operator.is_)
    ascend_resolver = staticmethod(bool)

    def resolve(self, kind: type[Node], value: str, implicit: tuple[bool, bool]) -> str:
        if kind is ScalarNode:
            return tag_of(value) if implicit[0] and value[:1] in TYPED_STARTS else STR
        return MAP if kind is MappingNode else SEQ


def compose(text: str, file: str) -> Node | None:
    """The node tree of the first document; `None` for an empty one.

    An alias is the very node of its anchor.

    Args:
        text: the document.
        file: shown in errors, relative to the repository.

    Raises:
        StackError: if libyaml cannot parse it.
    """
    try:
        try:
            return _composed(text)
        except yaml.composer.ComposerError as error:
            if error.context != _DUPLICATE_ANCHOR:
                raise
            return _Events(text).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = " ".join(part for part in (error.context, error.problem) if part)
        raise invalid(problem, file, mark, _TAB_REMEDY if _is_tab(text, mark) else "") from None
    except ReaderError as error:
        raise invalid(_reason(error), file, _mark(text, error.position)) from None
    except UnicodeEncodeError as error:
        raise invalid("it is not Unicode text", file, _mark(text, len(text[: error.start].encode()))) from None


def invalid(problem: str, file: str, mark: yaml.Mark | None, cure: str = "") -> InvalidYamlError:
    """The error for a document that is not valid YAML, at the place of `mark`."""
    column = f" (column {mark.column + 1})" if mark else ""
    return InvalidYamlError(f"{problem}{column}", Where(file=file, line=mark.line + 1 if mark else None), cure)


def _composed(text: str) -> Node | None:
    loader = _Composer(text)
    try:
        node = loader.get_node() if loader.check_node() else None
        loader.check_event()  # what follows must be the end or another document, which nobody reads
        return node
    finally:
        loader.dispose()


class _Events:
    """A composer of events, for text that gives an anchor's name to a second node: libyaml's own refuses that."""

    def __init__(self, text: str) -> None:
        self._parser: Any = _Composer(text)  # the types of its events and those of yaml's nodes do not fit together
        self._anchors: dict[str, Node] = {}
        self._depth = 0

    def document(self) -> Node:
        try:
            event = self._parser.get_event()
            while isinstance(event, StreamStartEvent | DocumentStartEvent):
                event = self._parser.get_event()
            node = self._node(event)
            self._parser.get_event()
            self._parser.check_event()
            return node
        finally:
            self._parser.dispose()

    def _node(self, event: Any) -> Node:  # noqa: ANN401 - see above
        if isinstance(event, AliasEvent):
            return self._aliased(event)
        scalar = isinstance(event, ScalarEvent)
        kind = ScalarNode if scalar else MappingNode if isinstance(event, MappingStartEvent) else SequenceNode
        tag = event.tag
        if tag is None or tag == "!":
            tag = self._parser.resolve(kind, event.value if scalar else "", event.implicit)
        style = event.style if scalar else event.flow_style
        node = kind(tag, event.value if scalar else [], event.start_mark, event.end_mark, style)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        if not scalar:
            self._fill(node)
        return node

    def _aliased(self, event: Any) -> Node:  # noqa: ANN401 - see above
        if event.anchor not in self._anchors:
            raise yaml.composer.ComposerError(None, None, "found undefined alias", event.start_mark)
        return self._anchors[event.anchor]

    def _fill(self, node: Node) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:  # this recursion is Python's, while that of libyaml has a limit of its own
            raise yaml.composer.ComposerError(None, None, TOO_DEEP, node.start_mark)
        while not isinstance(event := self._parser.get_event(), MappingEndEvent | SequenceEndEvent):
            child = self._node(event)
            node.value.append((child, self._node(self._parser.get_event())) if type(node) is MappingNode else child)
        self._depth -= 1


def _is_tab(text: str, mark: yaml.Mark | None) -> bool:
    lines = text.splitlines()
    return mark is not None and mark.line < len(lines) and lines[mark.line][mark.column : mark.column + 1] == "\t"


def _reason(error: ReaderError) -> str:
    character = f" (#x{error.character:04x})" if isinstance(error.character, int) and error.character >= 0 else ""
    return f"{error.reason}{character}"


def _mark(text: str, position: int) -> yaml.Mark:
    """The place of a byte offset."""
    before = text.encode(errors="replace")[:position].decode(errors="replace")
    line = before.count("\n")
    return yaml.Mark("", position, line, len(before) - before.rfind("\n") - 1, None, 0)
