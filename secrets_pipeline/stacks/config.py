"""`atmos.yaml`: where it is found and what it says (Atmos `pkg/config/load.go`, `pkg/config/utils.go`)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from secrets_pipeline.errors import StackError, Where
from secrets_pipeline.stacks import dialect
from secrets_pipeline.stacks.functions import FunctionError, construct, env_value
from secrets_pipeline.stacks.globs import FileTree
from secrets_pipeline.stacks.markers import FunctionCall, Value
from secrets_pipeline.stacks.merge import ListStrategy, Section, merge_all, merge_maps
from secrets_pipeline.stacks.templates import DELIMITERS

_NAMES: Final = (".atmos.yml", ".atmos.yaml", "atmos.yml", "atmos.yaml")
_DROP_INS: Final = (".atmos.d", "atmos.d")
_KINDS: Final = ("terraform", "helmfile", "packer", "ansible", "kubernetes", "helm")
_CASED: Final = frozenset({"env"})  # Viper lower-cases every key but those of environment variables
_ENVIRONMENT: Final[Mapping[str, tuple[str, ...]]] = {
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
_LISTS: Final = frozenset({"included_paths", "excluded_paths"})


@dataclass(frozen=True, slots=True)
class TemplateSettings:
    """`templates.settings`: whether and how component sections are rendered."""

    enabled: bool = False
    evaluations: int = 1
    delimiters: tuple[str, str] = DELIMITERS
    ignore_missing: bool = False

    @property
    def marker(self) -> str | None:
        """What a text with something to render contains; `None` if nothing is rendered."""
        return self.delimiters[0] if self.enabled else None


@dataclass(frozen=True, slots=True)
class AtmosConfig:
    """What the stack language needs of `atmos.yaml`.

    Attributes:
        base: absolute base path; every file read is inside it.
        stacks: absolute folder of the stack manifests.
        included: globs of top-level manifests, relative to `stacks`.
        excluded: globs of files that are no top-level manifests, relative to `stacks`.
        name_template: Go template of the logical stack name, or empty.
        name_pattern: `{tenant}-{stage}` and the like, or empty.
        inherit_metadata: whether `metadata` of a base component is inherited.
        lists: how lists merge.
        templates: how component sections are rendered.
        components: `components` section: base path, command and workspace settings by kind.
        env: environment of every component, lowest precedence.
    """

    base: Path
    stacks: Path
    included: tuple[str, ...]
    excluded: tuple[str, ...] = ()
    name_template: str = ""
    name_pattern: str = ""
    inherit_metadata: bool = True
    lists: ListStrategy = ListStrategy.REPLACE
    templates: TemplateSettings = field(default_factory=TemplateSettings)
    components: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    env: Mapping[str, Value] = field(default_factory=dict)

    def kind(self, kind: str) -> Mapping[str, Value]:
        """The `components.<kind>` section, empty if there is none."""
        return self.components.get(kind, {})


def load_config(root: Path, env: Mapping[str, str]) -> AtmosConfig:
    """Find, merge and read the configuration of the repository at `root`.

    Args:
        root: absolute folder to start from, as Atmos starts from the current folder.
        env: environment: `ATMOS_*` overrides, and what `!env` in `atmos.yaml` may read.

    Raises:
        StackError: if there is no `atmos.yaml`, or it is invalid, or lacks what Atmos requires.
    """
    folders = _folders(root, env)
    if not folders:
        raise StackError(
            f"no atmos.yaml in {root} or a parent folder",
            remedy="Name the Atmos repository: --base-path DIR, or ATMOS_BASE_PATH, or ATMOS_CLI_CONFIG_PATH.",
        )
    merged: Section = {}
    for folder in folders:
        merged = merge_maps(merged, _read_folder(folder, root, env))
    merged = merge_maps(merged, _overrides(env))
    return _parse(merged, root, folders[-1], env)


def git_root(folder: Path) -> Path | None:
    """The nearest folder at or above with a `.git`."""
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), None)


def _files_of(folder: Path) -> list[Path]:
    """Configuration files of a folder, lowest precedence first."""
    tree = FileTree()
    drop_ins = [
        path for name in _DROP_INS for ext in ("yaml", "yml") for path in tree.matches(folder / name, f"**/*.{ext}")
    ]
    return [*drop_ins, *(folder / name for name in _NAMES if (folder / name).is_file())]


def _folders(root: Path, env: Mapping[str, str]) -> list[Path]:
    """Folders with a configuration, lowest precedence first."""
    folders = [root] if _files_of(root) else []
    explicit = env.get("ATMOS_CLI_CONFIG_PATH")
    if explicit:
        folder = Path(explicit).absolute()
        folder = folder.parent if folder.is_file() else folder
        if not _files_of(folder):
            raise StackError(f"no atmos.yaml in ATMOS_CLI_CONFIG_PATH ({explicit})")
        return [*folders, folder]
    if not folders:
        folders = [place for place in root.parents if any((place / name).is_file() for name in _NAMES)][:1]
    return folders


def _read_folder(folder: Path, root: Path, env: Mapping[str, str]) -> Section:
    return merge_all(_read(path, root, env) for path in _files_of(folder))


def _read(path: Path, root: Path, env: Mapping[str, str]) -> Section:
    name = os.path.relpath(path, root)

    def constructed(tag: str, text: str) -> Value:
        value = construct(tag, text)
        if isinstance(value, FunctionCall) and value.tag == "!env":
            try:
                return env_value(value.args, {}, env)
            except FunctionError as error:
                raise ValueError(str(error)) from None
        if isinstance(value, FunctionCall) and value.tag in ("!repo-root", "!git.root"):
            return str(git_root(root) or root)
        return value

    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise StackError(f"{name} cannot be read: {error}", where=Where(file=name)) from None
    value = dialect.load(text, name, constructed)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise StackError("invalid atmos.yaml: the top level is not a mapping", where=Where(file=name))
    lowered: Section = _lowered(value)
    if lowered.get("import"):
        raise StackError(
            "`import` in atmos.yaml is not supported",
            where=Where(file=name),
            remedy="Put those settings into the file.",
        )
    return lowered


def _lowered(value: Value) -> Value:
    if not isinstance(value, dict):
        return value
    return {key.lower(): inner if key.lower() in _CASED else _lowered(inner) for key, inner in value.items()}


def _overrides(env: Mapping[str, str]) -> Section:
    section: Section = {}
    for variable, path in _ENVIRONMENT.items():
        text = env.get(variable)
        if text:
            value: Value = [part.strip() for part in text.split(",")] if path[-1] in _LISTS else text
            for key in reversed(path):
                value = {key: value}
            section = merge_maps(section, value)
    return section


def _parse(merged: Section, root: Path, folder: Path, env: Mapping[str, str]) -> AtmosConfig:
    reader = _Reader(merged)
    base = _base_path(reader.text("base_path"), root, folder, env)
    stacks = reader.text("stacks", "base_path")
    included = reader.texts("stacks", "included_paths")
    if not stacks or not included:
        key = "stacks.base_path" if not stacks else "stacks.included_paths"
        raise StackError(f"{key} must be provided in atmos.yaml", where=Where(file="atmos.yaml", key=key))
    delimiters = reader.texts("templates", "settings", "delimiters") or DELIMITERS
    if len(delimiters) != len(DELIMITERS) or not all(delimiters):
        raise StackError(
            "invalid templates.settings.delimiters: two that are not empty are needed", where=Where(file="atmos.yaml")
        )
    return AtmosConfig(
        base=base,
        stacks=Path(os.path.normpath(base / stacks)),
        included=included,
        excluded=reader.texts("stacks", "excluded_paths"),
        name_template=reader.text("stacks", "name_template"),
        name_pattern=reader.text("stacks", "name_pattern"),
        inherit_metadata=reader.at("stacks", "inherit", "metadata") is not False,
        lists=ListStrategy.parse(reader.at("settings", "list_merge_strategy")),
        templates=TemplateSettings(
            enabled=reader.at("templates", "settings", "enabled") is True,
            evaluations=max(1, reader.number("templates", "settings", "evaluations")),
            delimiters=(delimiters[0], delimiters[1]),
            ignore_missing=reader.at("templates", "settings", "ignore_missing_template_values") is True,
        ),
        components={k: v for k, v in reader.map("components").items() if isinstance(v, dict)},
        env=reader.map("env"),
    )


def _base_path(text: str, root: Path, folder: Path, env: Mapping[str, str]) -> Path:
    """The base path: a folder of the operator's choice, or one that atmos.yaml names inside of the repository."""
    if env.get("ATMOS_BASE_PATH"):
        return Path(os.path.normpath(Path(text).absolute()))
    git = git_root(root) if env.get("ATMOS_GIT_ROOT_BASEPATH", "").lower() not in ("false", "0") else None
    anchor = folder if text.startswith(".") or git is None else git
    base = Path(os.path.normpath(anchor / text))
    limit = git or (root if root.is_relative_to(folder) is False else folder)
    if not base.is_relative_to(limit):
        raise StackError(
            f"base_path {text!r} of atmos.yaml leaves the repository",
            where=Where(file="atmos.yaml", key="base_path"),
            remedy="Keep it inside, or set ATMOS_BASE_PATH, which is the operator's to choose.",
        )
    return base


class _Reader:
    """Typed look-ups in the merged configuration."""

    def __init__(self, merged: Section) -> None:
        self._merged = merged

    def at(self, *path: str) -> Value:
        value: Value = self._merged
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def text(self, *path: str) -> str:
        value = self.at(*path)
        if value is not None and not isinstance(value, str):
            raise self._invalid(path, "text")
        return value or ""

    def number(self, *path: str) -> int:
        value = self.at(*path) or 0
        if not isinstance(value, int):
            raise self._invalid(path, "a number")
        return value

    def texts(self, *path: str) -> tuple[str, ...]:
        value = self.at(*path) or []
        if isinstance(value, str):
            value = [value]
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._invalid(path, "a list of text")
        return tuple(value)

    def map(self, *path: str) -> Mapping[str, Value]:
        value = self.at(*path) or {}
        if not isinstance(value, dict):
            raise self._invalid(path, "a mapping")
        return value

    @staticmethod
    def _invalid(path: tuple[str, ...], wanted: str) -> StackError:
        key = ".".join(path)
        return StackError(f"invalid {key} in atmos.yaml: it must be {wanted}", where=Where(file="atmos.yaml", key=key))
