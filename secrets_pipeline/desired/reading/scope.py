"""Hold one stack, and one component of it, while its desired state is built: reading, placing, collecting errors."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path as FilePath
from typing import Final, Protocol

from secrets_pipeline.desired.boundary import Crossing
from secrets_pipeline.desired.kinds import TERRAFORM, setting
from secrets_pipeline.desired.plaintext import Plaintext
from secrets_pipeline.desired.reading.interpolation import OFF, ON, SETTING, Dialect
from secrets_pipeline.desired.reading.ours import Ours
from secrets_pipeline.desired.reading.spelling import function_at, shown_call
from secrets_pipeline.desired.reading.variables import read_expression
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.terraform_state.model import TerraformState
from secrets_pipeline.desired.unresolved import Unresolved, UnresolvedReason
from secrets_pipeline.errors import ExpressionError, SecretsPipelineError, SpecError, Where
from secrets_pipeline.golang.values import Value
from secrets_pipeline.references.inline import NoValueError
from secrets_pipeline.references.model import Expression, Output, Path, dotted
from secrets_pipeline.stacks import AtmosStack, Component

_VALUES = frozenset(
    {"password", "master_password", "environment_variables", "container_definitions", "stage_variables"}
)
_NO_VARIABLE = "a variable in the middle of this text has no value, and is near to none of this component"
_NO_VARIABLE_REMEDY = "Set it under vars, or give it a default: ${name | default('…')}; for a literal `${` write `$${`."


class Locate(Protocol):
    """Says which manifest and line set a key, as `stacks.AtmosRepository.locate` does."""

    def __call__(self, component: Component, path: Path, /) -> Where:
        """The place of `path` inside the component's sections."""


_LISTED: Final = 20
_FEW: Final = 200  # names that each error is compared with


def near_miss(name: str, known: Iterable[str]) -> str:
    """` Did you mean x?`, or nothing."""
    likely = list(known)
    if len(likely) > _FEW:
        alike = (one for one in likely if one[:1] == name[:1] and abs(len(one) - len(name)) <= 1)
        likely = list(itertools.islice(alike, _FEW))
    close = difflib.get_close_matches(name, likely, n=1)
    return f" Did you mean {close[0]}?" if close else ""


def listed(names: Iterable[str], most: int = _LISTED) -> str:
    """Names for a message, the first ones of many."""
    ordered = sorted(names)
    more = f" … and {len(ordered) - most:,} more" if len(ordered) > most else ""
    return (", ".join(ordered[:most]) or "none") + more


@dataclass
class StackScope:
    """One stack while its desired state is built.

    Attributes:
        locate: places a key for messages.
        settings: the operator's.
        base_path: of the repository; None if files need not exist.
        environment: what `${env:X}` reads where the text must be known now.
        stacks: every stack that a reference may name.
        ours: which of their components are this project's affair.
        dialect: whether `${…}` is a reference.
        errors: everything found so far, but for `withheld`.
        withheld: why the stack may be shown and nothing may ask AWS for it: missing grants, imports that are not read.
        unresolved: references inside secrets that have no value, by component and place.
        notices: what a user should know although nothing is wrong.
        crossings: what the stack takes in and writes to beyond its own.
        plaintext: literals that look like secrets.
        states: Terraform states that the stack reads, by stack and component.
    """

    stack: AtmosStack
    locate: Locate
    settings: OperatorSettings
    base_path: FilePath | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    stacks: Mapping[str, AtmosStack] = field(default_factory=dict)
    ours: Ours = field(default_factory=dict)
    dialect: Dialect = field(default_factory=Dialect)
    errors: list[SecretsPipelineError] = field(default_factory=list)
    withheld: list[SecretsPipelineError] = field(default_factory=list)
    unresolved: list[tuple[str, Path, Unresolved]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    crossings: list[Crossing] = field(default_factory=list)
    plaintext: list[Plaintext] = field(default_factory=list)
    states: dict[tuple[str, str], TerraformState] = field(default_factory=dict)

    @cached_property
    def kinds(self) -> Mapping[str, str]:
        """Name → kind of the components that are this project's affair, in the order of the stack."""
        return self.ours.get(self.stack.name, {})

    @cached_property
    def components(self) -> Mapping[str, ComponentScope]:
        """Every Terraform component of the stack by name, whatever it is."""
        return {name: ComponentScope(self, one) for name, one in self.stack.components.get(TERRAFORM, {}).items()}

    def of_kind(self, *kinds: str) -> list[ComponentScope]:
        """Those of our components that are of these kinds, in the order of the stack."""
        return [self.components[name] for name, kind in self.kinds.items() if kind in kinds]

    def said_once(self, setting: str, remedy: str) -> ComponentScope | None:
        """The first of our components that has a setting of the whole stack; one that says another is an error.

        Args:
            setting: its key below `settings.secrets_pipeline`.
            remedy: why there is one, and what to write.
        """
        said = [self.components[name] for name in self.kinds if self.components[name].setting(setting) is not None]
        for scope in said[1:]:
            if scope.setting(setting) != said[0].setting(setting):
                problem = f"{setting} differs from that of component {said[0].name}"
                scope.error(("settings", "secrets_pipeline", setting), problem, remedy)
        return said[0] if said else None

    def component(self, component: Component) -> ComponentScope:
        """One component of the stack, of whatever kind."""
        return ComponentScope(self, component)

    def reads_state(self, output: Output) -> bool:
        """Whether an output that was checked is read from a Terraform state."""
        state = self.states.get((output.stack or self.stack.name, output.component))
        return state is not None and output.path in state.outputs

    def other(self, stack: AtmosStack) -> StackScope:
        """Another stack, seen from this one; what is wrong there is not this one's error."""
        empty = replace(self, stack=stack, errors=[], withheld=[], unresolved=[], notices=[])
        return replace(empty, crossings=[], plaintext=[], states={})


class ComponentScope:
    """One component while its desired state is built.

    Args:
        stack: the stack that it is in.
        component: as resolved.
    """

    def __init__(self, stack: StackScope, component: Component) -> None:
        self.stack = stack
        self.component = component
        self.name = component.name

    def where(self, path: Path) -> Where:
        """The place of a key; its stack and component are always known."""
        place = self.stack.locate(self.component, path)
        key = ".".join(map(str, path)) or None
        return replace(
            place,
            stack=place.stack or self.stack.stack.name,
            component=place.component or self.name,
            key=place.key or key,
        )

    def error(self, path: Path, message: str, remedy: str) -> None:
        """Collect an error about a key."""
        self.stack.errors.append(SpecError(message, remedy=remedy, where=self.where(path)))

    def expression_error(self, path: Path, error: ExpressionError) -> None:
        """Collect an error of the expression language about a key."""
        self.stack.errors.append(ExpressionError(error.message, remedy=error.remedy, where=self.where(path)))

    def unresolvable(self, path: Path, expression: str, reason: UnresolvedReason, problem: str, remedy: str) -> None:
        """Collect a reference without a value: it blocks the secret that it stands in; elsewhere it is an error.

        Args:
            path: where it stands.
            expression: the reference, without its default.
            reason: why there is no value.
            problem: what is wrong, in one sentence.
            remedy: what to write instead.
        """
        if not _blocks_secrets(path):
            self.stack.errors.append(ExpressionError(problem, remedy=remedy, where=self.where(path)))
            return
        one = Unresolved(
            expression=expression,
            key=dotted(path),
            reason=reason,
            problem=problem,
            remedy=remedy,
            where=str(self.where(path)),
            written=shown_call(function_at(self.component, path)),
        )
        self.stack.unresolved.append((self.name, path, one))

    def unresolved(self, path: Path) -> list[Unresolved]:
        """The references without a value at a place and below it, each once."""
        found = (one for name, at, one in self.stack.unresolved if name == self.name and at[: len(path)] == path)
        return list(dict.fromkeys(found))

    @property
    def reads_references(self) -> bool:
        """Whether `${…}` in this component is a reference."""
        return self.stack.dialect.reads(self.component)

    def check_dialect(self) -> None:
        """Collect an error if the setting of the dialect is none that there is."""
        said = setting(self.component, SETTING)
        if said is not None and said not in (ON, *OFF):
            path = ("settings", "secrets_pipeline", SETTING)
            self.error(path, f"{SETTING} is {said!r}", f"Write {SETTING}: {ON}, or off to keep ${{…}} as text.")

    def expression(self, value: Value, path: Path) -> Expression | None:
        """The expression of a YAML value without variables; None, with what is wrong collected, if there is none."""
        try:
            return self.read(value)
        except NoValueError as error:
            reason = UnresolvedReason.CIRCULAR if error.circular else UnresolvedReason.VARIABLE
            if error.embedded and _takes_values(path) and not self._names(error.path):
                self.unresolvable(path, "${…}", reason, _NO_VARIABLE, _NO_VARIABLE_REMEDY)
            else:
                self.unresolvable(path, f"${{{dotted(error.path)}}}", reason, error.message, error.remedy)
        except ExpressionError as error:
            self.expression_error(path, error)
        return None

    def _names(self, path: Path) -> bool:
        """Whether a variable that does not exist is so near to what does that it must be meant."""
        close = len(path) == 1 and difflib.get_close_matches(str(path[0]), list(self.component.vars), n=1)
        return bool(close) or path[0] in self.stack.components

    def read(self, value: Value) -> Expression:
        """The same, but it raises.

        Raises:
            ExpressionError: if it cannot be parsed, or a variable has no value.
        """
        return read_expression(self.component, self.stack.components, value, references=self.reads_references)

    def setting(self, name: str) -> Value:
        """`settings.secrets_pipeline.<name>`, or None."""
        return setting(self.component, name)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A true or false under `settings.secrets_pipeline`; `default` if it is not there."""
        value = self.setting(name)
        if value not in (None, True, False):
            path = ("settings", "secrets_pipeline", name)
            self.error(path, f"{name} is neither true nor false", f"Write {name}: true, without quotes.")
        return default if value is None else value is True


def _takes_values(path: Path) -> bool:
    """Whether what stands at a place may be a password that somebody wrote out, with `${` in it by chance."""
    match path:
        case ("vars", "secrets", _, "secret_data" | "secret_binary", *_):
            return True
        case ("vars", name, *_):
            return name in _VALUES
        case _:
            return False


def _blocks_secrets(path: Path) -> bool:
    """Whether a reference without a value at a place blocks secrets and nothing else; without a name there is none."""
    match path:
        case ("vars", "secrets", _, "name" | "path" | "full_name" | "previous_name", *_):
            return False
        case ("vars", "secrets", _, *_) | ("vars", "default_kms_key_id"):
            return True
        case _:
            return False
