"""Decide whether `${…}` in a repository is a reference, as in tf-atmos, or text, as for Atmos itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, Final

from secrets_pipeline.desired.kinds import TERRAFORM, recognised, setting
from secrets_pipeline.desired.reading.ours import Ours, our_components
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.errors import Where
from secrets_pipeline.golang.yaml.tags import FunctionCall
from secrets_pipeline.golang.yaml.tags import LiteralText as KeptText
from secrets_pipeline.references.model import Path, dotted
from secrets_pipeline.stacks import AtmosStack, Component, texts

SETTING: Final = "dialect"
ON: Final = "tf-atmos"
OFF: Final = ("off", "atmos", False)
"""`off` without quotes is false for a reader of YAML 1.1."""

_FORM: Final = re.compile(
    r"""(?<!\$)\$\{\s*(?:!\s*|(?:keys|values|urlencode|not)\s*\(\s*)*
    (?: output\.[A-Za-z0-9_/-]
      | vars\.[A-Za-z_]
      | env:\s*[A-Za-z_]
      | ssm:\s*/
      | file:\s*[A-Za-z./]
      | (?P<component>[A-Za-z0-9_./-]+)\.outputs\.[A-Za-z_]
      | [A-Za-z_][A-Za-z0-9_./-]*(?:\[[0-9]+\])*\s*\|\s*default\s*\(
    )""",
    re.VERBOSE,
)
_ANY: Final = re.compile(r"(?<!\$)\$\{")


@dataclass(frozen=True, slots=True)
class AmbiguousText:
    """A text with `${` in a component that does not say what it means."""

    component: Component
    path: Path


@dataclass(frozen=True, slots=True)
class Dialect:
    """What `${…}` means in the components of a repository.

    Attributes:
        is_used: whether it is used; otherwise `${…}` is text wherever a component does not ask for it.
        use: where it is used first.
        text: where a secret's value holds `${` and nothing says what it means.
    """

    is_used: bool = False
    use: AmbiguousText | None = None
    text: AmbiguousText | None = None

    def reads(self, component: Component) -> bool:
        """Whether `${…}` in a component is a reference."""
        said = setting(component, SETTING)
        return said == ON or (said not in OFF and self.is_used)


def dialect_of(
    stacks: Mapping[str, AtmosStack], settings: OperatorSettings, base_path: FilePath | None = None
) -> Dialect:
    """The dialect of a repository: used as soon as one of our components has a form that only it has.

    `${HOME}`, `${var.x}`, `${aws_kms_key.x.arn}` and `${dependency.x.outputs.y}` belong to shells, Terraform and
    Terragrunt, and do not count. In the parts of a secret's name every `${` counts: AWS takes none there.

    Args:
        stacks: all of the repository.
        settings: the operator's.
        base_path: see `our_components`.
    """
    text: AmbiguousText | None = None
    for use, components in _unsaid(stacks, settings, base_path):
        if _used(use, components):
            return Dialect(is_used=True, use=use)
        if text is None and use.path[:2] == ("vars", "secrets"):
            text = use
    return Dialect(text=text)


def notice(dialect: Dialect, locate: Callable[[Component, Path], Where]) -> str | None:
    """What a user is told once where nothing says what `${…}` means; None if there is none.

    Args:
        dialect: of the repository.
        locate: the place of a key.
    """
    use = dialect.use or dialect.text
    if use is None:
        return None
    place = locate(use.component, use.path)
    line = f"{place.file}:{place.line}" if place.file and place.line else place.file
    where = f"{line or 'somewhere'}, stack {use.component.stack}, component {use.component.name}, {dotted(use.path)}"
    setting_ = f"settings.secrets_pipeline.{SETTING}"
    if dialect.use is None:
        return f"${{…}} is kept as text, as Atmos does (first: {where}). If it is a reference, set {setting_}: {ON}."
    return (
        f"${{…}} is read as a reference, in the dialect of tf-atmos (first: {where}). "
        f"Set {setting_} to {ON} to ask for it, or to off to keep it as text."
    )


def stacks_with_text(
    stacks: Mapping[str, AtmosStack], settings: OperatorSettings, base_path: FilePath | None = None
) -> frozenset[str]:
    """The stacks in which a component of ours has `${` in a text and does not say what it means."""
    return frozenset(use.component.stack for use, _ in _unsaid(stacks, settings, base_path))


def _unsaid(
    stacks: Mapping[str, AtmosStack], settings: OperatorSettings, base_path: FilePath | None
) -> Iterator[tuple[AmbiguousText, Collection[str]]]:
    """Each text with `${` in a component of ours that leaves the setting out, with the components beside it."""
    ours: Ours | None = None
    for name, stack in sorted(stacks.items()):
        components = stack.components.get(TERRAFORM, {})
        for component in components.values():
            if not recognised(component, settings.components).kind or setting(component, SETTING) in (ON, *OFF):
                continue
            for path, text in texts(component.resolved.get("vars"), ("vars",)):
                if _ANY.search(text) and not isinstance(text, FunctionCall | KeptText):
                    # What is ours follows from references, if these are some.
                    ours = our_components(stacks, _may_read, settings, base_path) if ours is None else ours
                    if component.name not in ours[name]:
                        break
                    yield AmbiguousText(component, path), components


def _may_read(component: Component) -> bool:
    return setting(component, SETTING) not in OFF


def _used(use: AmbiguousText, components: Collection[str]) -> bool:
    match use.path:
        case ("vars", "context_name" | "environment"):
            return True
        case ("vars", "secrets", _, "name" | "path" | "full_name" | "previous_name"):
            return True
    text: Any = use.component.vars
    for step in use.path[1:]:
        text = text[step]
    return any(found["component"] is None or found["component"] in components for found in _FORM.finditer(text))
