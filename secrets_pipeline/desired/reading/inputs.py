"""Read one map of a component with types; what is wrong is collected, and reading goes on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from secrets_pipeline.desired.base import Late
from secrets_pipeline.desired.reading.reference_targets import check, settled
from secrets_pipeline.desired.reading.scope import ComponentScope, listed, near_miss
from secrets_pipeline.desired.reading.spelling import shown_call
from secrets_pipeline.desired.tags import tag_problems
from secrets_pipeline.errors import ExpressionError
from secrets_pipeline.golang.yaml.tags import FunctionCall
from secrets_pipeline.references.model import (
    Environment,
    Expression,
    FileContents,
    Json,
    Output,
    Path,
    SsmParameter,
    Unsupported,
)
from secrets_pipeline.references.resolve import Plain, Resolved, of_environment, resolve
from secrets_pipeline.references.walk import nodes

_KINDS: Mapping[type, str] = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "a map",
    type(None): "nothing",
}


def found_kind(value: object) -> str:
    """What a YAML value is, for a message; never the value itself."""
    return next((text for kind, text in _KINDS.items() if isinstance(value, kind)), type(value).__name__)


class Inputs:
    """One map of a component, for example `vars`, or one entry of `vars.secrets`.

    Args:
        scope: the component; errors go there.
        values: the map; anything else is an error and reads as empty.
        path: its place inside the component's sections.
    """

    def __init__(self, scope: ComponentScope, values: object, path: Path) -> None:
        self.scope = scope
        self.path = path
        if values is not None and not isinstance(values, Mapping):
            name = path[-1] if isinstance(path[-1], str) else f"entry {path[-1]}"
            scope.error(path, f"{name} is {found_kind(values)}, not a map", f"Write keys under {name}.")
        self.values: Mapping[str, Any] = values if isinstance(values, Mapping) else {}

    def has(self, key: str) -> bool:
        """Whether the key has a value; null is none."""
        return self.values.get(key) is not None

    def at(self, key: str) -> Path:
        """The place of a key."""
        return (*self.path, key)

    def error(self, key: str, message: str, remedy: str) -> None:
        """Collect an error about a key."""
        self.scope.error(self.at(key), message, remedy)

    def known(self, key: str) -> Json:
        """A value that must be known from the YAML alone; None if it is not there."""
        raw: Any = self.values.get(key)
        if raw is None or not isinstance(raw, str):
            plain: Json = raw
            return plain
        expression = self._expression(key)
        if expression is None or not check(self.scope, expression, self.at(key)):
            return None
        if not _known_now(expression):
            written = shown_call(raw) if isinstance(raw, FunctionCall) else str(next(_known_later(expression)))
            self.error(
                key,
                f"{key} refers to {written}, which is only known later",
                "Write the value itself, or refer to variables of this component only.",
            )
            return None
        return self._now(key, expression)

    def text(
        self, key: str, default: str | None = None, *, pattern: re.Pattern[str] | None = None, example: str = ""
    ) -> str | None:
        """Text that is known from the YAML alone."""
        value = self.known(key)
        if value is None:
            return default
        if not isinstance(value, str):
            self.error(key, f"{key} is {found_kind(value)}, not text", f'Put it in quotes: {key}: "{example or "…"}".')
            return default
        if pattern is not None and not pattern.fullmatch(value):
            self.error(key, f"{key} is {value!r}", f'Write for example {key}: "{example}".')
            return default
        return value

    def required_text(self, key: str, remedy: str) -> str:
        """Text that must be there and not empty; empty with an error collected if it is not."""
        errors = len(self.scope.stack.errors)
        value = self.text(key) or ""
        if not value and len(self.scope.stack.errors) == errors:
            self.error(
                key, f"{key} is missing", f"{remedy}{near_miss(key, [one for one in self.values if one != key])}"
            )
        return value

    def integer(self, key: str, default: int | None = None, *, least: int = 0, most: int | None = None) -> int | None:
        """A whole number within bounds."""
        value = self.known(key)
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
            value = int(value)
        if value is None:
            return default
        bounds = f"{least} to {most}" if most is not None else f"{least} or more"
        if isinstance(value, bool) or not isinstance(value, int):
            self.error(key, f"{key} is {found_kind(value)}, not a whole number", f"Write a number from {bounds}.")
            return default
        if value < least or (most is not None and value > most):
            self.error(key, f"{key} is {value}", f"Write a number from {bounds}.")
            return default
        return value

    def boolean(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value = self.known(key)
        value = {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value
        if value is None:
            return default
        if not isinstance(value, bool):
            self.error(key, f"{key} is {found_kind(value)}", f"Write {key}: true or {key}: false, without quotes.")
            return default
        return value

    def late(
        self, key: str, default: Late | None = None, *, pattern: re.Pattern[str] | None = None, example: str = ""
    ) -> Late | None:
        """Text that is known now or answered by AWS later; never secret."""
        if not self.has(key):
            return default
        expression = self._expression(key)
        if expression is None or not check(self.scope, expression, self.at(key)):
            return default
        return self.text(key, None, pattern=pattern, example=example) if _known_now(expression) else expression

    def is_late(self, key: str) -> bool:
        """Whether a value refers to something that is only known later."""
        expression = self._expression(key) if isinstance(self.values.get(key), str) else None
        return expression is not None and not _known_now(expression)

    def inputs(self, key: str) -> Inputs:
        """The map under a key; empty if there is none."""
        return Inputs(self.scope, self.values.get(key), self.at(key))

    def entries(self, key: str) -> Iterator[Inputs]:
        """The maps of the list under a key."""
        value = self.values.get(key)
        if value is not None and not isinstance(value, list):
            self.error(key, f"{key} is {found_kind(value)}, not a list", f"Write each entry of {key} after a hyphen.")
            return
        for index, one in enumerate(value or []):
            yield Inputs(self.scope, one, (*self.path, key, index))

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        value = self.values.get(key)
        if value is None:
            return ()
        if not isinstance(value, list):
            self.error(key, f"{key} is {found_kind(value)}, not a list", f"Write {key}: [one, other].")
            return ()
        read = Inputs(self.scope, {str(index): one for index, one in enumerate(value)}, self.at(key))
        return tuple(text for index in range(len(value)) if (text := read.text(str(index))) is not None)

    def tags(self, key: str = "tags") -> dict[str, str]:
        """Tags within AWS's limits; numbers and true or false become text, as Terraform makes them."""
        read = self.inputs(key)
        tags: dict[str, str] = {}
        for name in read.values:
            value = read.known(name)
            if isinstance(value, Mapping | list):
                read.error(name, f"tag {name} is {found_kind(value)}", "Write one text for each tag.")
            elif value is not None:
                tags[name] = value if isinstance(value, str) else json.dumps(value)
        for problem in tag_problems(tags):
            self.error(key, problem, "Shorten, rename or remove it.")
        return tags

    def made_tags(self) -> dict[str, str]:
        """Read the tags of what a component makes: its own, and the operator's of other names."""
        own = self.tags()
        tags = {**self.scope.stack.settings.tags, **own}
        told = set(tag_problems(own))
        for problem in tag_problems(tags):
            if problem not in told:
                self.error("tags", f"together with the operator's: {problem}", "Take tags out.")
        return tags

    def refuse_unknown(
        self, known: frozenset[str], remedy: str = "", *, instead: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """An error for each key that means nothing here.

        Args:
            known: keys that do.
            remedy: what to do about any other; a near miss, and known keys, where it is empty.
            instead: by a key that others use for it, what to write here.
        """
        for key in self.values:
            if key in known:
                continue
            close = "" if key in instead else near_miss(key, known)
            advice = instead.get(key) or remedy or f"{close} Known keys: {listed(known, 12)}.".strip()
            # `secret_data hunter2`, without its colon, is one key.
            if re.search(r"\s", key):
                self.scope.error(self.path, "unknown key …, with a blank in it", f"Is a colon missing? {advice}")
            else:
                self.error(key, f"unknown key {key}", advice)

    def _expression(self, key: str) -> Expression | None:
        expression = self.scope.expression(self.values[key], self.at(key))
        return None if expression is None else settled(self.scope, expression)

    def _now(self, key: str, expression: Expression) -> Json:
        try:
            resolved = resolve(expression, _Now(self.scope.stack.environment))
        except ExpressionError as error:
            self.scope.expression_error(self.at(key), error)
            return None
        if isinstance(resolved, Plain):
            return resolved.value
        name = next(node.name for node in nodes(expression) if isinstance(node, Environment))
        self.error(key, f"environment variable {name} is not set", f"Set it, or write ${{env:{name}, default}}.")
        return None


def _known_now(expression: Expression) -> bool:
    return next(_known_later(expression), None) is None


def _known_later(expression: Expression) -> Iterator[Expression]:
    late = (Output, SsmParameter, FileContents, Unsupported)
    return (node for node in nodes(expression) if isinstance(node, late))


class _Now:
    """What can be answered while the desired state is built."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def environment(self, name: str) -> Resolved:
        # What is secret was refused before.
        return of_environment(name, self._environment.get(name), secret=False)

    def variable(self, path: Path) -> Json:
        raise KeyError(path)

    def file(self, path: str) -> str:
        raise ExpressionError(f"{path} is not read here")

    def output(self, output: Output) -> Resolved:
        raise ExpressionError(f"{output} is not known here")

    def ssm(self, name: str) -> Resolved:
        raise ExpressionError(f"{name} is not known here")
