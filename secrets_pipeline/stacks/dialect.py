"""YAML as Go's yaml.v3 reads it, on PyYAML's libyaml parser: own scalars, strict keys, places in errors."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

import yaml
from yaml._yaml import CParser
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from secrets_pipeline.errors import StackError, Where
from secrets_pipeline.stacks.markers import AppendList, Value
from secrets_pipeline.stacks.scalars import INT, MAP, MERGE, SEQ, STR, as_text, tag_of, value_of

TagConstructor = Callable[[str, str], Value]
"""Given a tag (`!env`) and its text, the value that it stands for; `ValueError` says what is wrong."""

_REMEDY: Final = "Correct the YAML; a manifest that is only valid after templating must be named .yaml.tmpl."
_CORE: Final = "tag:yaml.org,2002:"
_EXPANSION_LIMIT: Final = 2_000_000  # nodes after aliases are expanded; yaml.v3 refuses "excessive aliasing" too


class _Problem(Exception):
    def __init__(self, text: str, node: Node) -> None:
        super().__init__(text)
        self.node = node


class _Composer(CParser):
    """libyaml's composer with yaml.v3's implicit tags."""

    def resolve(self, kind: type[Node], value: str, implicit: tuple[bool, bool]) -> str:
        if kind is ScalarNode:
            return tag_of(value) if implicit[0] else STR
        return MAP if kind is MappingNode else SEQ

    def descend_resolver(self, _parent: Node | None, _index: object) -> None:
        """Called by libyaml's composer; paths play no part here."""

    def ascend_resolver(self) -> None:
        """Called by libyaml's composer; paths play no part here."""


class _Constructor:
    """Nodes to plain Python values, each value a fresh one even behind an alias."""

    def __init__(self, construct_tag: TagConstructor) -> None:
        self._construct_tag = construct_tag
        self._nodes = 0

    def value(self, node: Node) -> Value:
        tag = node.tag
        if type(node) is ScalarNode:
            if tag is STR:
                return node.value
            return self._scalar(node)
        if type(node) is MappingNode:
            if tag != MAP:
                raise _Problem(f"unsupported YAML tag: {_shown(tag)!r} on a mapping", node)
            return self._mapping(node)
        if tag == SEQ:
            return self._items(node)
        if tag == "!append":
            return AppendList(self._items(node))
        raise _Problem(f"unsupported YAML tag: {_shown(tag)!r} on a sequence", node)

    def _scalar(self, node: ScalarNode) -> Value:
        tag = node.tag
        try:
            if tag.startswith(_CORE):
                return value_of(tag, node.value)
            return self._construct_tag(tag, node.value)
        except ValueError as error:
            raise _Problem(str(error), node) from None

    def _items(self, node: Node) -> list[Value]:
        self._count(node)
        value = self.value
        return [value(item) for item in node.value]

    def _mapping(self, node: MappingNode) -> dict[str, Value]:
        self._count(node)
        value = self.value
        mapping: dict[str, Value] = {}
        merges: list[Node] = []
        for key_node, value_node in node.value:
            if key_node.tag is STR:
                key = sys.intern(key_node.value)
            elif key_node.tag == MERGE:
                merges.append(value_node)
                continue
            else:
                key = self._key(key_node)
            if key in mapping:
                raise _Problem(f'mapping key "{key}" already defined', key_node)
            mapping[key] = value(value_node)
        for merge in merges:
            self._merge(mapping, merge)
        return mapping

    def _key(self, node: Node) -> str:
        if type(node) is not ScalarNode:
            raise _Problem("invalid map key: it is not a scalar", node)
        return as_text(self._scalar(node)) if node.tag != INT else str(value_of(INT, node.value))

    def _merge(self, mapping: dict[str, Value], node: Node) -> None:
        """`<<`: keys of the mapping itself win, then the earlier of several merged mappings."""
        if type(node) is SequenceNode:
            for item in node.value:
                self._merge(mapping, item)
            return
        if type(node) is not MappingNode:
            raise _Problem("map merge requires map or sequence of maps as the value", node)
        for key, merged in self._mapping(node).items():
            mapping.setdefault(key, merged)

    def _count(self, node: Node) -> None:
        self._nodes += len(node.value) + 1
        if self._nodes > _EXPANSION_LIMIT:
            raise _Problem("document contains excessive aliasing", node)


def _shown(tag: str) -> str:
    return "!!" + tag.removeprefix(_CORE) if tag.startswith(_CORE) else tag


def compose(text: str, file: str) -> Node | None:
    """The node tree of the first document, with places; `None` for an empty one.

    Raises:
        StackError: if libyaml cannot parse it.
    """
    try:
        loader = _Composer(text)
        try:
            return loader.get_node() if loader.check_node() else None
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = " ".join(part for part in (error.context, error.problem) if part)
        raise invalid(problem, file, mark) from None
    except yaml.YAMLError as error:
        raise invalid(str(error).replace("\n", " "), file, None) from None
    except RecursionError:
        raise invalid("nested too deeply", file, None) from None


def load(text: str, file: str, construct_tag: TagConstructor) -> Value:
    """The value of the first document; `None` for an empty one.

    Args:
        text: the document.
        file: shown in errors, relative to the repository.
        construct_tag: called for every scalar with a tag that is not YAML's own.

    Raises:
        StackError: with file, line and column, for a syntax error, a duplicate key, an unknown tag or a value that
            is not what its tag says.
    """
    node = compose(text, file)
    if node is None:
        return None
    try:
        return _Constructor(construct_tag).value(node)
    except _Problem as error:
        raise invalid(str(error), file, error.node.start_mark, "Correct this value or key.") from None
    except RecursionError:
        raise invalid("nested too deeply, or an anchor that contains itself", file, None) from None


def invalid(problem: str, file: str, mark: yaml.Mark | None, remedy: str = _REMEDY) -> StackError:
    """The error for a manifest that is not valid YAML, at the place of `mark`."""
    column = f" (column {mark.column + 1})" if mark else ""
    return StackError(
        f"invalid stack manifest: {problem}{column}",
        where=Where(file=file, line=mark.line + 1 if mark else None),
        remedy=remedy,
    )
