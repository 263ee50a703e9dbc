"""Tell which manifest, and which line of it, set a key of a component."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from secrets_pipeline.errors import StackError, Where
from secrets_pipeline.golang.yaml import reader
from secrets_pipeline.stacks.files.files import Files
from secrets_pipeline.stacks.texts import Key

_COMPONENT_ONLY: Final = frozenset({"metadata", "component", "overrides", "locals"})


class Locator:
    """Finds places in manifests; composes a file only when it is asked about.

    Args:
        files: access to the repository.
    """

    def __init__(self, files: Files) -> None:
        self._files = files
        self._nodes: dict[Path, Node | None] = {}
        self._children = _Children()

    def locate(
        self, sources: Sequence[Path], kind: str, name: str, bases: Sequence[str], path: Sequence[Key]
    ) -> tuple[Path, int] | None:
        """The file and 1-based line that has the last word on a key, or on the nearest key above it.

        Args:
            sources: files that the manifest was merged from, lowest precedence first.
            kind: `terraform` and the like.
            name: the component.
            bases: its base components, nearest first.
            path: keys and indices inside the component.
        """
        latest = list(dict.fromkeys(reversed(sources)))
        for length in range(len(path), 0, -1):
            for place in _places(kind, name, bases, path[:length]):
                for source in latest:
                    line = self._line(source, place)
                    if line is not None:
                        return source, line
        for source in latest:
            line = self._line(source, ("components", kind, name))
            if line is not None:
                return source, line
        return None

    def line(self, source: Path, path: Sequence[Key]) -> int | None:
        """The 1-based line of a key of a file, `None` if it has no such key."""
        return self._line(source, path)

    def _line(self, source: Path, path: Sequence[Key]) -> int | None:
        node = self._node(source)
        line = None
        for key in path:
            found = self._children.find(node, key)
            if found is None:
                return None
            line, node = found
        return line

    def _node(self, source: Path) -> Node | None:
        if source not in self._nodes:
            try:
                self._nodes[source] = reader.compose(self._files.text(source), self._files.name(source))
            except StackError:
                self._nodes[source] = None  # a template that is YAML only when rendered has no lines to show
        return self._nodes[source]


def where(found: tuple[Path, int] | None, files: Files, default: Where) -> Where:
    """`default` with the place that was found."""
    if found is None:
        return default
    path, line = found
    return Where(files.name(path), line, default.stack, default.component, default.key)


def _places(kind: str, name: str, bases: Sequence[str], path: Sequence[Key]) -> Iterator[tuple[Key, ...]]:
    """Where a key of a component may be written, highest precedence first."""
    overridden = path[1:] if path[0] == "overrides" else path
    yield (kind, "overrides", *overridden)
    yield ("overrides", *overridden)
    for component in (name, *bases):
        yield ("components", kind, component, *path)
    if path[0] not in _COMPONENT_ONLY:
        yield (kind, *path)
        yield tuple(path)


class _Children:
    """The children of mapping nodes, indexed at the first question: a component may have thousands of keys."""

    def __init__(self) -> None:
        # The node is kept beside its index, so that its id is not given to another one.
        self._indexed: dict[int, tuple[MappingNode, dict[str, tuple[int, Node]], list[Node]]] = {}

    def find(self, node: Node | None, key: Key) -> tuple[int, Node] | None:
        """The line of a key and the node of its value."""
        if isinstance(node, SequenceNode):
            if isinstance(key, int) and key < len(node.value):
                return node.value[key].start_mark.line + 1, node.value[key]
            return None
        if not isinstance(node, MappingNode):
            return None
        if id(node) not in self._indexed:
            self._indexed[id(node)] = (node, *_index(node))
        _, own, merged = self._indexed[id(node)]
        if str(key) in own:
            return own[str(key)]
        return next((found for inner in merged if (found := self.find(inner, key))), None)


def _index(node: MappingNode) -> tuple[dict[str, tuple[int, Node]], list[Node]]:
    """Own keys, the first of each name, and what `<<` merges in."""
    own: dict[str, tuple[int, Node]] = {}
    merged: list[Node] = []
    for key_node, value_node in node.value:
        if isinstance(key_node, ScalarNode):
            own.setdefault(key_node.value, (key_node.start_mark.line + 1, value_node))
        if key_node.value == "<<":
            merged += value_node.value if isinstance(value_node, SequenceNode) else [value_node]
    return own, merged
