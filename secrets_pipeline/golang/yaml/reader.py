"""Read YAML as Go's yaml.v3 does: own scalars, strict keys, merge keys, places in errors."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final, TypeAlias

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from secrets_pipeline.golang.printing import as_text
from secrets_pipeline.golang.values import Value
from secrets_pipeline.golang.yaml.composer import compose, invalid
from secrets_pipeline.golang.yaml.nesting import MAX_DEPTH, TOO_DEEP, require_depth
from secrets_pipeline.golang.yaml.scalars import MAP, MERGE, SEQ, STR, tag_of, value_of
from secrets_pipeline.golang.yaml.tag_names import named
from secrets_pipeline.golang.yaml.tags import AppendList, LiteralText

__all__ = ["TagConstructor", "compose", "invalid", "load", "load_mapping"]

TagConstructor: TypeAlias = Callable[[str, str], Value]
"""Given a tag (`!env`) and its text, the value that it stands for; `ValueError` says what is wrong."""

Spend: TypeAlias = Callable[[int], None]

_CORE: Final = "tag:yaml.org,2002:"
_EXPANSION_LIMIT: Final = 2_000_000  # nodes after aliases are expanded; yaml.v3 refuses "excessive aliasing" too
_LITERAL: Final = "!literal"
_APPEND: Final = "!append"
_KINDS: Final = {MappingNode: "a mapping", SequenceNode: "a sequence", ScalarNode: "a scalar"}


class _Problem(Exception):
    def __init__(self, text: str, node: Node) -> None:
        super().__init__(text)
        self.node = node


class _Constructor:
    """Nodes to plain Python values, each value a fresh one even behind an alias.

    A node whose tag is the very object `STR` (`MAP`, `SEQ`) has it from the composer: nothing is left to decide.
    """

    def __init__(self, construct_tag: TagConstructor) -> None:
        self._construct_tag = construct_tag
        self.nodes = 0
        self._depth = 0

    def value(self, node: Node) -> Value:
        tag = node.tag
        if tag is STR:
            return node.value
        if tag is MAP:
            return self._mapping(node)
        if tag is SEQ:
            return self._items(node)
        if type(node) is ScalarNode:
            return self._scalar(node)
        return self._tagged(node)

    def _scalar(self, node: ScalarNode) -> Value:
        tag = node.tag
        try:
            if tag.startswith(_CORE):
                return value_of(tag, node.value)
            if tag in (_LITERAL, _APPEND):
                return self._untagged(tag, node)
            value = self._construct_tag(tag, node.value)
            if isinstance(value, dict | list):  # of an included file
                require_depth(value, self._depth)
        except ValueError as error:
            raise _Problem(str(error), node) from None
        return value

    @staticmethod
    def _untagged(tag: str, node: ScalarNode) -> Value:
        """Atmos clears these tags: what is left is read as if it had none."""
        implicit = STR if node.style else tag_of(node.value)
        if implicit != STR:
            return value_of(implicit, node.value)
        return LiteralText(node.value) if tag == _LITERAL else node.value

    def _tagged(self, node: Node) -> Value:
        tag = node.tag
        mapping = type(node) is MappingNode
        if tag.startswith(_CORE) or (mapping and tag == _APPEND):  # yaml.v3 asks no more of a core tag here
            return self._mapping(node) if mapping else self._items(node)
        if tag == _APPEND:
            return AppendList(self._items(node))
        if tag == _LITERAL:
            return _literal(self._mapping(node) if mapping else self._items(node))
        raise _Problem(f"unsupported YAML tag: {named(tag)} on {_KINDS[type(node)]}", node)

    def _items(self, node: Node) -> list[Value]:
        self._enter(node)
        value = self.value
        items = [item.value if item.tag is STR else value(item) for item in node.value]
        self._depth -= 1
        return items

    def _mapping(self, node: Node) -> dict[str, Value]:
        self._enter(node)
        value = self.value
        mapping: dict[str, Value] = {}
        merged: tuple[Node, Node] | None = None
        for key_node, value_node in node.value:
            if key_node.tag is STR:
                key = sys.intern(key_node.value)
            elif key_node.tag == MERGE:
                if merged:
                    raise self._duplicate(node, key_node, "<<")
                merged = key_node, value_node
                continue
            else:
                key = self._key(key_node)
            if key in mapping:
                raise self._duplicate(node, key_node, key)
            mapping[key] = value_node.value if value_node.tag is STR else value(value_node)
        if merged:
            self._merge(mapping, *merged)
        self._depth -= 1
        return mapping

    def _key(self, node: Node) -> str:
        if type(node) is not ScalarNode:
            raise _Problem(f"invalid map key: it is {_KINDS[type(node)]}", node)
        return as_text(self._scalar(node))

    def _duplicate(self, mapping: Node, again: Node, key: str) -> _Problem:
        first = next(node for node, _ in mapping.value if key == ("<<" if node.tag == MERGE else self._key(node)))
        line = first.start_mark.line + 1
        return _Problem(f"this mapping key is already defined at line {line}", again)

    def _merge(self, mapping: dict[str, Value], key: Node, node: Node) -> None:
        """`<<`: keys of the mapping itself win, then the earlier of several merged mappings."""
        nodes = [node]
        if type(node) is SequenceNode and not _is_alias(key, node):
            nodes = node.value
        for item in nodes:
            if type(item) is not MappingNode:
                raise _Problem("map merge requires map or sequence of maps as the value", key)
            for name, value in self._mapping(item).items():
                mapping.setdefault(name, value)

    def _enter(self, node: Node) -> None:
        """Count a mapping or list, which the caller leaves again by one less of `_depth`."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _Problem(TOO_DEEP, node)
        self.nodes += len(node.value) + 1
        if self.nodes > _EXPANSION_LIMIT:
            raise _Problem("document contains excessive aliasing", node)


def load(text: str, file: str, construct_tag: TagConstructor, spend: Spend | None = None) -> Value:
    """The value of the first document; `None` for an empty one.

    Args:
        text: the document.
        file: shown in errors, relative to the repository.
        construct_tag: called for every scalar with a tag that is not YAML's own.
        spend: told how many values aliases give beyond what the length of the text pays for; it may refuse them.

    Raises:
        StackError: with file, line and column, for a syntax error, a duplicate key, an unknown tag, a value that
            is not what its tag says, or one nested deeper than `MAX_DEPTH`.
    """
    node = compose(text, file)
    return None if node is None else _constructed(node, text, file, construct_tag, spend)


def load_mapping(text: str, file: str, construct_tag: TagConstructor, spend: Spend | None = None) -> dict[str, Value]:
    """`load` of a document that must be a mapping; an empty one is an empty mapping.

    Raises:
        StackError: as `load`, and with file, line and column if it is anything else.
    """
    node = compose(text, file)
    if node is None:
        return {}
    value = _constructed(node, text, file, construct_tag, spend)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid(
            f"the top level is not a mapping but {_KINDS[type(node)]}",
            file,
            node.start_mark,
            "Write sections such as `vars:` and `components:`.",
        )
    return value


def _constructed(node: Node, text: str, file: str, construct_tag: TagConstructor, spend: Spend | None) -> Value:
    constructor = _Constructor(construct_tag)
    try:
        value = constructor.value(node)
    except _Problem as error:
        raise invalid(str(error), file, error.node.start_mark, "Correct this value or key.") from None
    except RecursionError:  # of included files within each other, each of them within the limit
        raise invalid(TOO_DEEP, file, node.start_mark) from None
    if spend is not None and constructor.nodes > len(text):
        try:
            spend(constructor.nodes - len(text))
        except ValueError as error:
            raise invalid(str(error), file, node.start_mark) from None
    return value


def _literal(value: Value) -> Value:
    """The value with every text in it kept as it is."""
    if isinstance(value, dict):
        return {key: _literal(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_literal(inner) for inner in value]
    return LiteralText(value) if type(value) is str else value


def _is_alias(key: Node, value: Node) -> bool:
    """Whether a value stands before its key: then it is the node of an anchor, reached through an alias."""
    return bool(value.start_mark.index < key.start_mark.index)
