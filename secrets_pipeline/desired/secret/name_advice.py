"""Suggest a name_template: the author's own, with the parts about the secret escaped.

Atmos renders `{{ }}` in manifests, and knows no secret. Go takes what stands between backquotes as it is.
Source: https://atmos.tools/core-concepts/stacks/templates (escaping), https://go.dev/ref/spec#String_literals
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Self

from secrets_pipeline.desired.names import stack_owns
from secrets_pipeline.stacks import Component

SETTING: Final = "name_template"
_NAMED: Final = "{{ .secret.path }}/{{ .secret.name }}"
_ACTION: Final = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_ESCAPED: Final = re.compile(r"\{\{-?\s*`(.*)`\s*-?\}\}", re.DOTALL)
_OPENS, _ENDS = (re.compile(rf"\{{\{{-?\s*({words})\b") for words in ("if|range|with|block|define", "end"))
_NAMING_VARIABLES: Final = ("namespace", "tenant", "environment", "stage", "project", "env")
"""Variables that names of stacks are made of in Cloud Posse's convention, and others' words for these, in order."""


@dataclass(frozen=True, slots=True)
class Advice:
    """A name_template in three parts.

    Attributes:
        before: text that Atmos renders.
        secret: text that Atmos must leave as it is.
        after: text that Atmos renders.
    """

    before: str
    secret: str = _NAMED
    after: str = ""

    @classmethod
    def of_author(cls, component: Component) -> Self | None:
        """Part the template that the author wrote; None if that is not known, names no secret, or has several lines."""
        text = written(component).strip()
        if "\n" in text:
            return None  # A scalar in quotes would fold them.
        if (escaped := _ESCAPED.search(text)) and ".secret" in escaped.group(1):
            return cls(text[: escaped.start()], escaped.group(1), text[escaped.end() :])
        actions = list(_ACTION.finditer(text))
        of_secret = [one for one in actions if ".secret" in one.group()]
        if not of_secret or "`" in text:
            return None
        begin, end = of_secret[0].start(), of_secret[-1].end()
        if not _is_balanced(text[begin:end]):
            begin, end = actions[0].start(), actions[-1].end()
        return cls(text[:begin], text[begin:end], text[end:])

    @classmethod
    def below(cls, template: str) -> Self:
        """Add the secret to a template that names none, or to its part before the secret; its lines are joined."""
        prefix = "".join(map(str.strip, template.splitlines())).rstrip("/")
        return cls(f"{prefix}/" if prefix else "")

    @classmethod
    def example(cls, component: Component, stack: str) -> Self | None:
        """Make a template of the variables of a component that names are made of; None if it has none of these.

        If the values that the stack's name holds make names of its own, only these: such names need no grant.
        """
        named = [one for one in _NAMING_VARIABLES if _is_word(component.vars, one)]
        own = [one for one in named if stack_owns(stack, f"{stack}/{component.vars[one]}/")]
        if stack_owns(stack, "".join(f"{component.vars[one]}/" for one in own)):
            named = own
        return cls("".join(f"{{{{ .vars.{one} }}}}/" for one in named)) if named else None

    @property
    def line(self) -> str:
        """The value of the setting, as YAML."""
        return _quoted(f"{self.before}{{{{`{self.secret}`}}}}{self.after}")

    @property
    def line_for_two_renderings(self) -> str:
        """The same where Atmos renders twice."""
        inner = self.secret.replace("\\", "\\\\").replace('"', '\\"')
        return _quoted(f'{self.before}{{{{ "{{{{`{inner}`}}}}" }}}}{self.after}')


def written(component: Component) -> str:
    """Return the name_template of a component as its author wrote it; empty if nobody knows."""
    settings = component.merged.get("settings")
    own = settings.get("secrets_pipeline") if isinstance(settings, Mapping) else None
    text = own.get(SETTING) if isinstance(own, Mapping) else None
    return text if isinstance(text, str) else ""


def _is_word(variables: Mapping[str, object], name: str) -> bool:
    value = variables.get(name)
    return isinstance(value, str) and bool(value) and "${" not in value


def _is_balanced(text: str) -> bool:
    depth = 0
    for action in _actions(text):
        depth += bool(_OPENS.match(action)) - bool(_ENDS.match(action))
        if depth < 0:
            return False
    return depth == 0


def _actions(text: str) -> Iterable[str]:
    return (one.group() for one in _ACTION.finditer(text))


def _quoted(text: str) -> str:
    if '"' in text or "\\" in text:
        return "'" + text.replace("'", "''") + "'"
    return f'"{text}"'
