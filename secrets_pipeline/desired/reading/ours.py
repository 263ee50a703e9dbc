"""Tell which components of a repository are this project's affair: one rule, for all of its stacks at once.

A `secretsmanager` component is. One of another kind that is recognised (`rds`, `kms` and the like) is where the
settings name it, where its own settings ask for something, where it refers to a secret, and where one that is ours
refers to it. Any other is as if it were not there: it is Terraform's.

A component that refers to one of ours, or is referred to, is an `rds` component also if only its Terraform code says
so. If only its name says so, the code decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Final, TypeAlias

from secrets_pipeline.desired.boundary import Boundary
from secrets_pipeline.desired.kinds import (
    COMPONENTS,
    SECRETS,
    TERRAFORM,
    Recognised,
    own_settings,
    physical_name,
    recognised,
    setting,
)
from secrets_pipeline.desired.names import alias_variable, key_alias
from secrets_pipeline.desired.outputs import KINDS
from secrets_pipeline.desired.reading.database_code import databases_made
from secrets_pipeline.desired.reading.keys import SWITCHES
from secrets_pipeline.desired.reading.variables import OTHER_SECTIONS, read_expression
from secrets_pipeline.desired.settings.grants import granted
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.errors import ExpressionError
from secrets_pipeline.golang.values import Value
from secrets_pipeline.golang.yaml.tags import FunctionCall
from secrets_pipeline.references.model import Literal
from secrets_pipeline.references.walk import outputs
from secrets_pipeline.stacks import AtmosStack, Component, texts

Ours: TypeAlias = Mapping[str, Mapping[str, str]]
"""Stack → component → kind, both in the order of the stacks."""
Reads: TypeAlias = Callable[[Component], bool]
"""Whether `${…}` in a component is a reference."""
_Place: TypeAlias = tuple[str, str]
"""Stack and component."""

_DELIVERED: Final = ("lambda", "ecs", "apigateway")
ASKING: Final[Mapping[str, tuple[str, ...]]] = {
    "kms": ("create",),
    "rds": ("create",),
    **dict.fromkeys(_DELIVERED, ("deliver", "refresh")),
}
"""Kind → settings by which a component asks for something."""
_PASSWORDS: Final = ("password", "master_password")
_IDENTIFIER: Final = "identifier"
_REFERRING: Final[Mapping[str, tuple[str, ...]]] = {
    SECRETS: ("secrets", "default_kms_key_id", "consumers"),
    "kms": ("policy",),
    "rds": (*_PASSWORDS, "username", "master_username"),
    "lambda": ("environment_variables",),
    "ecs": ("container_definitions",),
    "apigateway": ("stage_variables",),
}
"""Kind → variables whose references are followed: what else a component holds is for Terraform."""
_NOT_ASKING: Final = frozenset(
    {
        COMPONENTS,
        "consumers",
        "dialect",
        _IDENTIFIER,
        "name_template",
        "plaintext_allowed",
        "secret_defaults",
        "secrets",
    }
)
"""Settings that say how components are read, or are of secrets alone: they ask for nothing of another component."""
_NAMING_KEYS: Final = frozenset({"default_kms_key_id", "kms_key_id"})
"""Variables that name a key, also by its alias."""
_ONE: Final = re.compile(r"\$\{[^{}]*\}")


def our_components(
    stacks: Mapping[str, AtmosStack], reads: Reads, settings: OperatorSettings, base_path: Path | None = None
) -> dict[str, dict[str, str]]:
    """The components that are this project's affair, with their kinds; disabled and abstract ones are not.

    Args:
        stacks: all of the repository, since references may cross stacks.
        reads: whether `${…}` in a component is a reference.
        settings: the operator's, whose `components` count first. A stack that no grant lets read outputs of another one
            has no say in what is this project's affair there.
        base_path: of the repository, whose Terraform code tells databases; None if no code may be read.
    """
    return _Search(stacks, reads, settings, base_path).found()


def asks(component: Component, kind: str) -> bool:
    """Whether a component of a kind asks for something in its settings."""
    return any(setting(component, name) not in (None, False) for name in ASKING.get(kind, ()))


class _Search:
    def __init__(
        self, stacks: Mapping[str, AtmosStack], reads: Reads, settings: OperatorSettings, base_path: Path | None
    ) -> None:
        self._base_path = base_path
        self._judged: set[_Place] = set()
        self._components = {name: stack.components.get(TERRAFORM, {}) for name, stack in stacks.items()}
        self._reads, self._grants, self._by_operator = reads, settings.grants, settings.components
        self._known = {
            (stack, name): what
            for stack, components in self._components.items()
            for name, component in components.items()
            if (what := recognised(component, settings.components)).kind
            and is_active(component, components, references=reads(component))
        }

    def found(self) -> dict[str, dict[str, str]]:
        for place in [place for place, what in self._known.items() if self._is_rds_by_name(place, what)]:
            self._judge_by_code(place)
        for place in list(self._unnamed_databases()):
            self._judge_by_code(place)
        ours = {place for place, what in self._known.items() if self._is_root(place, what)}
        ours |= {place for place in self._known.keys() - ours if self._refers_to_a_secret(place)}
        self._follow(ours)
        return {
            stack: {name: str(self._known[stack, name].kind) for name in components if (stack, name) in ours}
            for stack, components in self._components.items()
        }

    def _is_root(self, place: _Place, what: Recognised) -> bool:
        if what.kind == SECRETS or what.named:
            return True
        component = self._at(place)
        return asks(component, str(what.kind)) or self._says_more(place[0], component)

    def _says_more(self, stack: str, component: Component) -> bool:
        """Whether its settings say what nobody says who cannot ask: what all of a stack inherit is no request."""
        said = self._settings.get(stack)
        own = ((key, value) for key, value in own_settings(component).items() if key not in _NOT_ASKING and value)
        if component.failures:  # It is as merged: a template that the others have rendered says nothing.
            own = ((key, value) for key, value in own if not any(component.opening in text for _, text in texts(value)))
        return said is not None and any(all(one.get(key) != value for one in said) for key, value in own)

    def _refers_to_a_secret(self, place: _Place) -> bool:
        kind = str(self._known[place].kind)
        # What is delivered to must not take in a secret's value anywhere.
        return self._names_a_secret(place, None if kind in _DELIVERED else _REFERRING[kind])

    def _names_a_secret(self, place: _Place, keys: Collection[str] | None) -> bool:
        found = (self._known.get(other) for other in self._references(place, keys))
        return any(what is not None and what.kind == SECRETS for what in found)

    def _follow(self, ours: set[_Place]) -> None:
        """Add all that those of ours refer to."""
        queue = list(ours)
        while queue:
            place = queue.pop()
            kind = str(self._known[place].kind)
            if kind in _DELIVERED and not asks(self._at(place), kind):
                continue
            more = {*filter(partial(self._may_reach, place), self._references(place, _REFERRING[kind]))}
            for other in more - self._judged - ours:
                self._judge_by_code(other)
            more &= self._known.keys() - ours
            ours |= more
            queue += more

    def _is_rds_by_name(self, place: _Place, what: Recognised) -> bool:
        """Whether nothing but its name says that a component is a database."""
        component = self._at(place)
        said = asks(component, "rds") or setting(component, _IDENTIFIER) is not None
        return what == Recognised("rds") and not said

    def _unnamed_databases(self) -> Iterator[_Place]:
        """Yield components of no kind that may be databases: the identifier is set, or a secret is the password."""
        for stack, components in self._components.items():
            for name, component in components.items():
                if recognised(component, self._by_operator) != Recognised(None):
                    continue
                variables = component.resolved.get("vars")
                passworded = isinstance(variables, dict) and any(variables.get(one) for one in _PASSWORDS)
                if setting(component, _IDENTIFIER) is not None or (
                    passworded and self._names_a_secret((stack, name), _PASSWORDS)
                ):
                    yield stack, name

    def _judge_by_code(self, place: _Place) -> None:
        """Let the Terraform code decide about a component, if only its name has decided yet, or nothing."""
        self._judged.add(place)
        component = self._components.get(place[0], {}).get(place[1])
        if component is None or recognised(component, self._by_operator).named:
            return
        if physical_name(component).split("/", 1)[0] in KINDS:
            return
        made = databases_made(component, self._base_path)
        if made:
            if is_active(component, self._components[place[0]], references=self._reads(component)):
                self._known[place] = Recognised("rds")
        elif made is not None:
            self._known.pop(place, None)

    def _may_reach(self, place: _Place, other: _Place) -> bool:
        """Whether a reference is in one stack, or the operator lets it cross."""
        crossed = (Boundary.OUTPUT, Boundary.VALUE)
        return place[0] == other[0] or any(granted(self._grants, place[0], one, other[0]) for one in crossed)

    def _references(self, place: _Place, keys: Collection[str] | None) -> Iterator[_Place]:
        """What the variables of a component refer to, or some of them."""
        component, names = self._at(place), self._components[place[0]]
        references, names_outputs = self._reads(component), _names_outputs(component)
        variables: Value = component.resolved.get("vars")
        if isinstance(variables, dict) and keys is not None:
            variables = {key: variables.get(key) for key in keys}
        for path, text in texts(variables):
            if names_outputs and (isinstance(text, FunctionCall) or (references and "${" in text)):
                for other in _named(component, names, text, references=references):
                    yield other[0] or place[0], other[1]
            alias = self._literal(place, text) if path[-1] in _NAMING_KEYS else None
            if isinstance(alias, str) and (key := self._keys.get((place[0], alias))):  # A reference may be to a map.
                yield key

    @cached_property
    def _settings(self) -> Mapping[str, list[Mapping[str, Value]]]:
        """Stack with secrets → the settings of these components, and of those that are of no kind of this project's."""
        stacks = {place[0] for place, what in self._known.items() if what.kind == SECRETS}
        return {
            stack: [
                own_settings(component)
                for component in self._components[stack].values()
                if recognised(component, self._by_operator).kind in (None, SECRETS)
            ]
            for stack in stacks
        }

    @cached_property
    def _keys(self) -> Mapping[tuple[str, str], _Place]:
        """Stack and alias → the `kms` component that makes such a key."""
        found: dict[tuple[str, str], _Place] = {}
        for place in (place for place, what in self._known.items() if what.kind == "kms"):
            variables = self._at(place).resolved.get("vars") or {}
            alias = self._literal(place, variables.get(alias_variable(variables)))
            if isinstance(alias, str):
                found[place[0], key_alias(alias)] = place
        return found

    def _literal(self, place: _Place, value: object) -> object:
        return literal(self._at(place), self._components[place[0]], value, references=self._reads(self._at(place)))

    def _at(self, place: _Place) -> Component:
        return self._components[place[0]][place[1]]


def _names_outputs(component: Component) -> bool:
    """Whether an output can stand in a component, and be it in a variable that another one names: most have none."""
    sections = [component.resolved.get(name) for name in ("vars", *OTHER_SECTIONS)]
    return any(isinstance(text, FunctionCall) or "output" in text for _, text in texts(sections))


def _named(
    component: Component, names: Collection[str], text: str, *, references: bool
) -> Iterable[tuple[str | None, str]]:
    """Stack and component of each output that a text names, in the end; one that cannot be read hides no other."""
    try:
        return _outputs(component, names, text, references=references)
    except ExpressionError:
        if isinstance(text, FunctionCall):
            return ()
    found: list[tuple[str | None, str]] = []
    for part in _ONE.findall(text):
        try:
            found += _outputs(component, names, part, references=references)
        except ExpressionError:
            continue  # Said where the component is read.
    return found


def _outputs(
    component: Component, names: Collection[str], text: str, *, references: bool
) -> list[tuple[str | None, str]]:
    expression = read_expression(component, names, text, references=references)
    return [(output.stack, output.component) for output in outputs(expression)]


def is_active(component: Component, names: Collection[str], *, references: bool) -> bool:
    """Whether a component is neither abstract nor disabled.

    Args:
        component: as resolved.
        names: components of the stack.
        references: whether `${…}` in it is a reference.
    """
    variables = component.resolved.get("vars") or {}
    if not component.enabled or component.abstract:
        return False
    switches = (literal(component, names, variables.get(key), references=references) for key in SWITCHES)
    return not any(switch is False or switch == "false" for switch in switches)


def literal(component: Component, names: Collection[str], value: object, *, references: bool) -> object:
    """What a variable is if the YAML alone says it, else None."""
    if not isinstance(value, str):
        return value
    try:
        expression = read_expression(component, names, value, references=references)
    except ExpressionError:
        return None  # Said where the component is read.
    return expression.value if isinstance(expression, Literal) else None
