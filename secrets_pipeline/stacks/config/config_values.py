"""Look up values in a merged configuration, as freely typed as Viper's; errors name file, line and key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from secrets_pipeline.errors import StackError, Where
from secrets_pipeline.golang.printing import as_text
from secrets_pipeline.golang.values import Value
from secrets_pipeline.golang.yaml.tags import FunctionCall
from secrets_pipeline.stacks.config.config_file import ConfigFile
from secrets_pipeline.stacks.merge import Section, merge_maps

_KINDS: Final = ("terraform", "helmfile", "packer", "ansible", "kubernetes", "helm")
_LISTS: Final = frozenset({"included_paths", "excluded_paths"})
_TRUE: Final = frozenset({"1", "t", "T", "true", "True", "TRUE"})
_FALSE: Final = frozenset({"0", "f", "F", "false", "False", "FALSE"})
_VARIABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "ATMOS_BASE_PATH": ("base_path",),
    "ATMOS_STACKS_BASE_PATH": ("stacks", "base_path"),
    "ATMOS_STACKS_INCLUDED_PATHS": ("stacks", "included_paths"),
    "ATMOS_STACKS_EXCLUDED_PATHS": ("stacks", "excluded_paths"),
    "ATMOS_STACKS_NAME_PATTERN": ("stacks", "name_pattern"),
    "ATMOS_STACKS_NAME_TEMPLATE": ("stacks", "name_template"),
    "ATMOS_SETTINGS_LIST_MERGE_STRATEGY": ("settings", "list_merge_strategy"),
    **{f"ATMOS_COMPONENTS_{kind.upper()}_BASE_PATH": ("components", kind, "base_path") for kind in _KINDS},
    **{f"ATMOS_COMPONENTS_{kind.upper()}_COMMAND": ("components", kind, "command") for kind in _KINDS},
}

CONFIG_VARIABLES: Final = frozenset({
    *_VARIABLES, "ATMOS_BINARY", "ATMOS_CLI_CONFIG_PATH", "ATMOS_GIT_ROOT_BASEPATH", "ATMOS_PROFILE", "HOME"
})  # fmt: skip
"""All variables that say where the configuration is, or what it holds: no other `ATMOS_*`, which may be tokens.

Source: https://atmos.tools/cli/configuration (ATMOS_BINARY is ours; HOME says which `~/.atmos` is not read)
"""


class ConfigPlaces:
    """Where the values of a configuration come from.

    Args:
        files: the files, the lowest precedence first.
        env: the environment, whose `ATMOS_*` variables win over all files.
    """

    def __init__(self, files: tuple[ConfigFile, ...] = (), env: Mapping[str, str] | None = None) -> None:
        self._files = files
        self._variables = {path: name for name, path in _VARIABLES.items() if (env or {}).get(name)}

    @property
    def files(self) -> tuple[ConfigFile, ...]:
        """The files, the lowest precedence first."""
        return self._files

    def where(self, *path: str) -> Where:
        """The file and line that give a key its value; the main file for a key that nobody gives."""
        key = ".".join(path)
        if path in self._variables:
            return Where(key=f"{key} (of {self._variables[path]})")
        for file in reversed(self._files):
            line = file.line(path)
            if line is not None:
                return Where(file=file.name, line=line, key=key)
        return Where(file=self._files[-1].name if self._files else "atmos.yaml", key=key)


class ConfigValues:
    """A merged configuration.

    Args:
        merged: its sections, keys in lower case.
        places: where they come from.
    """

    def __init__(self, merged: Section, places: ConfigPlaces) -> None:
        self._merged = merged
        self._places = places

    def at(self, *path: str) -> Value:
        """The value at a path of keys, `None` if there is none."""
        value: Value = self._merged
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, FunctionCall):
            raise StackError(
                f"{value.tag} is not evaluated in the configuration",
                where=self._places.where(*path),
                remedy="Write the value itself, or !env.",
            )
        return value

    def text(self, *path: str) -> str:
        """Text; that of a number or a boolean, too."""
        value = self.at(*path)
        if isinstance(value, dict | list):
            raise self._invalid(path, "text")
        return "" if value is None else value if isinstance(value, str) else as_text(value)

    def number(self, *path: str) -> int:
        """An integer, 0 if there is none."""
        value = self.at(*path) or 0
        try:
            return int(value)
        except (TypeError, ValueError, OverflowError):
            raise self._invalid(path, "a number") from None

    def flag(self, *path: str, default: bool = False) -> bool:
        """A boolean, which may be text as Go's `strconv.ParseBool` reads it."""
        value = self.at(*path)
        text = "" if value is None else as_text(value)
        if not text:
            return default
        if text not in _TRUE | _FALSE:
            raise self._invalid(path, "true or false")
        return text in _TRUE

    def texts(self, *path: str) -> tuple[str, ...]:
        """A list of text; a text alone is a list with its parts between commas."""
        value = self.at(*path) or []
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",")]
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._invalid(path, "a list of text")
        return tuple(value)

    def map(self, *path: str) -> dict[str, Value]:
        """A mapping, empty if there is none."""
        value = self.at(*path) or {}
        if not isinstance(value, dict):
            raise self._invalid(path, "a mapping")
        return value

    def variables(self, *path: str) -> dict[str, str]:
        """Environment variables: a mapping, or a list of `NAME=value` or of one-entry mappings."""
        value = self.at(*path) or {}
        entries = list(value.items()) if isinstance(value, dict) else []
        for item in value if isinstance(value, list) else []:
            if isinstance(item, str) and "=" in item:
                name, _, text = item.partition("=")
                entries.append((name, text))
            elif isinstance(item, dict):
                entries += item.items()
            else:
                raise self._invalid(path, "a mapping, or a list of NAME=value")
        if not isinstance(value, dict | list) or any(isinstance(text, dict | list) for _, text in entries):
            raise self._invalid(path, "a mapping, or a list of NAME=value")
        return {name: "" if text is None else as_text(text) for name, text in entries}

    def _invalid(self, path: tuple[str, ...], wanted: str) -> StackError:
        key = ".".join(path)
        return StackError(f"invalid {key}: it must be {wanted}", where=self._places.where(*path), remedy="Correct it.")


def with_variables(merged: Section, env: Mapping[str, str]) -> Section:
    """The configuration with what `ATMOS_*` variables say instead; an empty one says nothing."""
    for variable, path in _VARIABLES.items():
        text = env.get(variable)
        if text:
            value: Value = [part.strip() for part in text.split(",")] if path[-1] in _LISTS else text
            for key in reversed(path):
                value = {key: value}
            merged = merge_maps(merged, value)
    return merged
