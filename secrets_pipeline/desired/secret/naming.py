"""Name the secrets of a component: by context and environment, by the stack's name_template, or by a full name.

What a template says before it names the secret is the prefix of the component's names. Where that is made of words of
the stack's name, all names below it are the stack's own.
Source: https://atmos.tools/core-concepts/stacks/templates (escaping what another program renders)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from secrets_pipeline.desired.atmos_secrets.components import DeclaredSecrets
from secrets_pipeline.desired.names import own_key_alias, secret_name, stack_owns
from secrets_pipeline.desired.reading.inputs import Inputs
from secrets_pipeline.desired.reading.scope import ComponentScope
from secrets_pipeline.desired.secret.name_advice import SETTING, Advice, written
from secrets_pipeline.golang.failure import TemplateError
from secrets_pipeline.golang.template.functions.libraries import PURE
from secrets_pipeline.golang.template.template import DELIMITERS, render
from secrets_pipeline.references.model import Path

FULL_NAME: Final = "full_name"
PREVIOUS_NAME: Final = "previous_name"
_PATH: Final[Path] = ("settings", "secrets_pipeline", SETTING)
_NO_VALUE: Final = "<no value>"
_HERE: Final = "\ue000"
"""Stands for the secret while the prefix is found: nobody's text holds it."""
_MUTATING: Final = frozenset({"set", "unset", "merge", "mergeOverwrite", "mustMerge", "mustMergeOverwrite"})
_FUNCTIONS: Final = {name: function for name, function in PURE.items() if name not in _MUTATING}
_PASSES: Final = 2
"""Where Atmos renders no templates, what is escaped for it is still so: one rendering takes that off."""


@dataclass(frozen=True, slots=True)
class Name:
    """The name of one secret.

    Attributes:
        text: of the secret; empty with an error collected.
        home: the prefix below which all names are the stack's own; empty where this one is not below it.
        path: where the YAML says it.
        pattern: what a grant names that lets the stack have it.
    """

    text: str
    home: str
    path: Path
    pattern: str


class Naming:
    """Names the secrets of one component; what is wrong is collected.

    Args:
        inputs: the component's variables.
    """

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        errors = len(inputs.scope.stack.errors)
        self._template = _template(inputs)
        self._context, self._environment = "", None
        if self._template is None and len(inputs.scope.stack.errors) == errors and _names_by_parts(inputs):
            by_template = Advice.example(inputs.scope.component, inputs.scope.stack.stack.name)
            instead = f"; or settings.secrets_pipeline.{SETTING}: {by_template.line}" if by_template else ""
            self._context = inputs.required_text(
                "context_name",
                "Write vars.context_name, for example myapp: it begins every secret's name and is never guessed"
                f"{instead}.",
            )
            self._environment = inputs.text("environment")
        self.prefix = self._prefix()

    @property
    def complete(self) -> bool:
        """Whether names can be made; else an error was collected."""
        return bool(self._template or self._context)

    def of(self, entry: Inputs, key: str) -> Name:
        """Name one secret.

        Args:
            entry: the secret.
            key: in the component's map.
        """
        full = entry.text(FULL_NAME, example="legacy/smtp-password")
        if full is not None:
            for other in ("name", "path"):
                if entry.has(other):
                    entry.error(other, f"{other} stands beside {FULL_NAME}, which is the whole name", "Keep one.")
            below = bool(self.prefix) and full.startswith(self.prefix)
            home = self.prefix if below and self._owned() else ""
            if below and isinstance(self._inputs.scope.component, DeclaredSecrets):
                # Atmos computes them: one grant lets the stack have all that it keeps in the store.
                return Name(full, home, ("vars", "secrets"), f"{self.prefix}*")
            return Name(full, home, entry.at(FULL_NAME), full)
        path, name = entry.text("path") or "", entry.text("name", example=key) or key
        if self._template is None:
            text = secret_name(self._context, self._environment, path, name)
        else:
            text = self._rendered(key, path, name)
        # A template may decide by the secret what it begins with.
        home = self.prefix if self._owned() and text.startswith(self.prefix) else ""
        where: Path = ("vars", "context_name") if self._template is None else _PATH
        return Name(text, home, where, f"{self.prefix}*" if self.prefix and text.startswith(self.prefix) else text)

    def every(self) -> Name:
        """Name all that is below the prefix, for what serves every secret of it."""
        where: Path = ("vars", "context_name") if self._template is None else _PATH
        return Name(f"{self.prefix}*", self.prefix if self._owned() else "", where, f"{self.prefix}*")

    @property
    def key_alias(self) -> str:
        """The alias of the key that `create_kms_key` makes: one for each prefix."""
        return own_key_alias(self.prefix)

    def _owned(self) -> bool:
        return stack_owns(self._inputs.scope.stack.stack.name, self.prefix)

    def _prefix(self) -> str:
        if self._template is None:
            return secret_name(self._context, self._environment, "", "") + "/" if self._context else ""
        told = self._rendered(_HERE, _HERE, _HERE, silent=True)
        before, here, _ = told.partition(_HERE)
        return before[: before.rfind("/") + 1] if here else ""

    def _rendered(self, key: str, path: str, name: str, *, silent: bool = False) -> str:
        scope = self._inputs.scope
        data = {**scope.component.sections, "secret": {"key": key, "path": path.strip("/"), "name": name}}
        text, errors = self._template or "", len(scope.stack.errors)
        try:
            for _ in range(_PASSES):
                if DELIMITERS[0] in text:
                    text = render(text, data, functions=_FUNCTIONS)
        except TemplateError as error:
            if not silent:
                what = f"{SETTING} cannot be rendered: {error.message}"
                scope.error(_PATH, what, _example(scope))
            return ""
        # Variables may hold references of their own.
        text = Inputs(scope, {SETTING: text}, _PATH[:-1]).text(SETTING) or ""
        found = "/".join(part for part in text.strip().split("/") if part)
        if not found and not silent and len(scope.stack.errors) == errors:
            what = f"{SETTING} gives the secret {key} an empty name"
            scope.error(_PATH, what, _example(scope))
        return found if len(scope.stack.errors) == errors else ""


def _names_by_parts(inputs: Inputs) -> bool:
    """Whether any secret of a component is named by parts; where each has a full name, there is nothing to begin."""
    entries = inputs.values.get("secrets")
    if not isinstance(entries, Mapping) or not entries:
        return True
    return inputs.has("context_name") or any(
        not isinstance(one, Mapping) or FULL_NAME not in one for one in entries.values()
    )


def _template(inputs: Inputs) -> str | None:
    """The template as far as Atmos rendered it; None for none, and with an error collected."""
    given = inputs.scope.setting(SETTING)
    if given is None:
        return None
    if not isinstance(given, str) or not given.strip():
        inputs.scope.error(_PATH, f"{SETTING} is not text", _example(inputs.scope))
        return None
    why = "Atmos renders {{ }} in manifests first, and knows no secret: what is escaped reaches the pipeline."
    component = inputs.scope.component
    if _NO_VALUE in given:
        # The last ones are the secret's: what comes before is known to Atmos.
        advice = Advice.of_author(component) or Advice.below(given.partition(_NO_VALUE)[0])
        inputs.scope.error(
            _PATH,
            f"{SETTING} holds {_NO_VALUE}, which Atmos made of what it does not know",
            f"{why} Write {SETTING}: {advice.line}; where templates.settings.evaluations is 2, "
            f"{SETTING}: {advice.line_for_two_renderings}.",
        )
        return None
    if ".secret" not in given:
        advice = Advice.of_author(component) or Advice.below(written(component) or given)
        inputs.scope.error(
            _PATH,
            f"{SETTING} names no secret: all would be {given.strip()}",
            f"{why} Write {SETTING}: {advice.line}.",
        )
        return None
    return given


def _example(scope: ComponentScope) -> str:
    """Advise a template of the component's own variables."""
    advice = Advice.example(scope.component, scope.stack.stack.name) or Advice("myapp/")
    return f"Write for example {SETTING}: {advice.line}."
