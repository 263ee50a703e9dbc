"""Read of `atmos.yaml` what the stack language needs (Atmos `pkg/config/load.go`, `pkg/config/utils.go`)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from secrets_pipeline.errors import Lines, StackError, Where
from secrets_pipeline.golang.template.template import DELIMITERS
from secrets_pipeline.golang.values import Value
from secrets_pipeline.stacks.config.config_files import ConfigFiles, find_config
from secrets_pipeline.stacks.config.config_values import ConfigPlaces, ConfigValues, with_variables
from secrets_pipeline.stacks.config.stores import Stores, read_stores
from secrets_pipeline.stacks.files.disk import real_path
from secrets_pipeline.stacks.files.readable import git_root, is_hidden, limit, relative, within
from secrets_pipeline.stacks.functions.functions import Variables
from secrets_pipeline.stacks.merge import ListStrategy

__all__ = ["AtmosConfig", "TemplateSettings", "load_config"]


@dataclass(frozen=True, slots=True)
class TemplateSettings:
    """`templates.settings`: whether and how component sections are rendered.

    Attributes:
        enabled: whether they are.
        evaluations: how often, each time the result of the time before.
        delimiters: of template actions.
        ignore_missing: whether a missing key of a manifest's template gives `<no value>`, not an error.
        sprig: whether the functions of Sprig are there.
        gomplate: whether those of Gomplate are.
        env: environment variables that templates see.
    """

    enabled: bool = False
    evaluations: int = 1
    delimiters: tuple[str, str] = DELIMITERS
    ignore_missing: bool = False
    sprig: bool = False
    gomplate: bool = False
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def marker(self) -> str | None:
        """What a text with something to render contains; `None` if nothing is rendered."""
        return self.delimiters[0] if self.enabled else None


@dataclass(frozen=True, slots=True)
class AtmosConfig:
    """What the stack language needs of `atmos.yaml`.

    Attributes:
        base: absolute base path; every file read is inside it.
        top: folder of the operator's choice that the base path is inside of: its repository, if it is in one.
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
        stores: what `!secret` and `!store` read, by name.
        notices: what a user should know of how the configuration was found, each a sentence.
        unread: whether it imports what is not read, which may say where more manifests are.
        places: where its values come from.
    """

    base: Path
    top: Path
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
    stores: Stores = field(default_factory=dict)

    notices: tuple[str, ...] = ()
    unread: bool = False
    places: ConfigPlaces = field(default_factory=ConfigPlaces, compare=False, repr=False)

    def where(self, *path: str) -> Where:
        """The file and line of the configuration that give a key its value, for errors about it."""
        return self.places.where(*path)

    def kind(self, kind: str) -> Mapping[str, Value]:
        """The `components.<kind>` section, empty if there is none."""
        return self.components.get(kind, {})


def load_config(root: Path, env: Mapping[str, str], readable: Variables | None = None) -> AtmosConfig:
    """Find, merge and read the configuration of the repository at `root`.

    Args:
        root: absolute folder to start from, as Atmos starts from the current folder.
        env: `CONFIG_VARIABLES`.
        readable: what `!env` in `atmos.yaml` may read; `env` if not given.

    Raises:
        StackError: if there is no `atmos.yaml`, or it is invalid, or lacks what Atmos requires.
    """
    found = find_config(root, env, readable=readable)
    places = ConfigPlaces(found.files, env)
    values = ConfigValues(with_variables(found.merged(), env), places)
    base, top = _base_path(values.text("base_path"), root, found, env, places)
    included = values.texts("stacks", "included_paths")
    for key, given in (("base_path", values.text("stacks", "base_path")), ("included_paths", included)):
        if not given:
            raise StackError(
                f"stacks.{key} must be provided in the configuration or ATMOS_STACKS_{key.upper()}",
                where=places.where("stacks", key),
                remedy=Lines.of(f"Write stacks.{key} into atmos.yaml.", *found.notices),
            )
    strategy = ("settings", "list_merge_strategy")
    return AtmosConfig(
        base=base,
        top=top,
        stacks=Path(os.path.normpath(base / values.text("stacks", "base_path"))),
        included=included,
        excluded=values.texts("stacks", "excluded_paths"),
        name_template=values.text("stacks", "name_template"),
        name_pattern=values.text("stacks", "name_pattern"),
        inherit_metadata=values.flag("stacks", "inherit", "metadata", default=True),
        lists=ListStrategy.parse(values.at(*strategy), places.where(*strategy)),
        templates=_templates(values, places),
        components={kind: section for kind, section in values.map("components").items() if isinstance(section, dict)},
        env=values.variables("env"),
        stores=read_stores(values.map("stores")),
        notices=found.notices,
        unread=found.unread,
        places=places,
    )


def _templates(values: ConfigValues, places: ConfigPlaces) -> TemplateSettings:
    at = ("templates", "settings")
    delimiters = values.texts(*at, "delimiters") or DELIMITERS
    if len(delimiters) != len(DELIMITERS) or not all(delimiters):
        raise StackError(
            "invalid templates.settings.delimiters: two that are not empty are needed",
            where=places.where(*at, "delimiters"),
            remedy='Write two, such as ["{{", "}}"].',
        )
    return TemplateSettings(
        enabled=values.flag(*at, "enabled"),
        evaluations=max(1, values.number(*at, "evaluations")),
        delimiters=(delimiters[0], delimiters[1]),
        ignore_missing=values.flag(*at, "ignore_missing_template_values"),
        sprig=values.flag(*at, "sprig", "enabled"),
        gomplate=values.flag(*at, "gomplate", "enabled"),
        env=values.variables(*at, "env"),
    )


def _base_path(
    text: str, root: Path, found: ConfigFiles, env: Mapping[str, str], places: ConfigPlaces
) -> tuple[Path, Path]:
    """The base path, and what it is inside of: a folder of the operator's choice, or of atmos.yaml's inside of it."""
    if env.get("ATMOS_BASE_PATH"):
        chosen = Path(os.path.normpath(Path(text).absolute()))
        return chosen, limit(chosen, chosen)
    git = git_root(root) if env.get("ATMOS_GIT_ROOT_BASEPATH", "").lower() not in ("false", "0") else None
    # Without a clone, what a configuration from elsewhere leaves open is where the search began, not its own folder.
    start = git or (found.folder if root.is_relative_to(found.folder) else root)
    anchor = found.folder if text.startswith(".") else start
    base = Path(os.path.normpath(anchor / text))
    top = limit(root, found.folder)
    real, here = real_path(base), real_path(root)
    problem = None
    if not within(real, str(top)):
        problem = "leaves the repository"
    elif not within(here, real) and is_hidden(relative(real, here if within(real, here) else str(top))):
        problem = "has a dot in front of its name, or is in such a folder"
    if problem:
        raise StackError(
            f"base_path {text!r} of atmos.yaml {problem}",
            where=places.where("base_path"),
            remedy="Keep it inside, or set ATMOS_BASE_PATH, which is the operator's to choose.",
        )
    return base, top
