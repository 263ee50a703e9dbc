"""Read one file of an Atmos configuration."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from yaml.nodes import MappingNode, Node

from secrets_pipeline.errors import Where
from secrets_pipeline.golang.values import Value
from secrets_pipeline.golang.yaml import reader
from secrets_pipeline.stacks.merge import Section

_CASED: Final = frozenset({"env"})


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A file of the configuration.

    Attributes:
        path: absolute path.
        name: relative to the folder that the search starts from, for messages.
        text: its text.
        section: what it holds, keys in lower case.
    """

    path: Path
    name: str
    text: str
    section: Section

    def line(self, path: Iterable[str]) -> int | None:
        """Return the 1-based line of a key, `None` if the file does not have it."""
        node = reader.compose(self.text, self.name)
        line = None
        for key in path:
            found = _child(node, key)
            if found is None:
                return None
            line, node = found
        return line

    @property
    def import_place(self) -> Where:
        """Say where the file imports others, for messages."""
        return Where(file=self.name, line=self.line(("import",)), key="import")


def lowered(section: Section) -> Section:
    """The section with all keys in lower case, but those of environment variables: as Viper reads it."""
    return {key.lower(): inner if key.lower() in _CASED else _lowered(inner) for key, inner in section.items()}


def _lowered(value: Value) -> Value:
    return lowered(value) if isinstance(value, dict) else value


def _child(node: Node | None, key: str) -> tuple[int, Node] | None:
    """The line of a key, its case ignored, and the node of its value."""
    if not isinstance(node, MappingNode):
        return None
    pairs = [(k, v) for k, v in node.value if isinstance(k.value, str) and k.value.lower() == key.lower()]
    return (pairs[-1][0].start_mark.line + 1, pairs[-1][1]) if pairs else None
