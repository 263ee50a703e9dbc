"""Find Go templates in manifests and render them with the functions that Atmos gives them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from random import SystemRandom
from typing import Final

from secrets_pipeline.golang.failure import FunctionFailure, TemplateError
from secrets_pipeline.golang.limits import Spending, require_template, require_written
from secrets_pipeline.golang.template.functions.environment import RenderingEnvironment
from secrets_pipeline.golang.template.functions.libraries import ATMOS, sprig
from secrets_pipeline.golang.template.functions.namespaces.library import gomplate
from secrets_pipeline.golang.template.signature import signature_of
from secrets_pipeline.golang.template.template import DELIMITERS, parse
from secrets_pipeline.golang.values import Function, MissingKey, Namespace, Value
from secrets_pipeline.stacks.amounts import Sizes, make
from secrets_pipeline.stacks.files.disk import note_unrepeatable
from secrets_pipeline.stacks.functions.copies import copied

__all__ = [
    "DELIMITERS",
    "MissingKey",
    "Renderer",
    "TemplateError",
    "TemplateFunctions",
    "has_template",
    "with_values",
]

NO_VALUE: Final = "<no value>"
"""What Go prints for a missing key."""
_MUTATING: Final = frozenset({"set", "unset", "merge", "mergeOverwrite", "mustMerge", "mustMergeOverwrite"})
_SPEAKING: Final = frozenset({"fail", "Component", "Store", "GomplateDatasource"})
"""Functions whose failures name components and the like, or what the author wrote."""
_CONSTANT: Final = re.compile(
    r"runtime error: |templates with a cost |"
    r"[\w.]+ is not supported: |an? [a-z ]+ of more than \d+ [a-z ]+ is not supported|components are "
)
"""How failures begin that hold nothing of the arguments."""
_WHOLE_SCALAR: Final = re.compile(
    r"""(?P<before>(?:^|[\s,\[{]))(?P<quote>['"])\{\{\s*(?P<chain>(?:\.[A-Za-z_][A-Za-z0-9_]*)+)\s*\}\}(?P=quote)"""
    r"""(?=[ \t]*(?:$|[,\]}]|[ ]\#))""",
    re.MULTILINE,
)
_ABSENT: Final = object()
_LITERAL: Final = re.compile(
    r"""(?<!entry for key )(?<!undefined variable )(?<!function )"(?:\\.|[^"\\])*"|`[^`]*`|'(?:\\[^']*|[^'\\])'"""
    r"""|(?<![\w.$])(?<!want )(?<!got )(?<!least )(?<!than )(?<!depth \()[-+]?\.?[0-9][\w.]*"""
)
"""Texts, characters and numbers of a template as an error shows them, but for names and numbers of arguments."""


def has_template(text: str, delimiters: tuple[str, str] = DELIMITERS) -> bool:
    """Whether there is anything to render."""
    return delimiters[0] in text


def with_values(text: str, context: Mapping[str, Value]) -> str:
    """YAML text in which each quoted scalar that is one field chain is replaced by the field's own value, as JSON.

    A chain whose field is missing stays for `Renderer.render`.

    Raises:
        TemplateError: if these values are longer than a template may be.
    """
    length = 0

    def value(match: re.Match[str]) -> str:
        nonlocal length
        found: Value = context
        for name in match["chain"].split(".")[1:]:
            found = found.get(name, _ABSENT) if isinstance(found, Mapping) else _ABSENT
        if found is _ABSENT:
            return match[0]
        require_written(found)
        written = json.dumps(found, ensure_ascii=False, default=str)
        length += len(written)
        require_template(length)
        return match["before"] + written

    return _WHOLE_SCALAR.sub(value, text)


class Renderer:
    """Renders templates with one set of functions.

    Args:
        functions: by name, beside the builtins of Go.
        spending: what its renderings may cost together with those of others.
    """

    def __init__(self, functions: Mapping[str, Function], spending: Spending) -> None:
        self._functions = functions
        self._spending = spending

    def render(
        self,
        text: str,
        context: Mapping[str, Value],
        missing: MissingKey = MissingKey.ERROR,
        delimiters: tuple[str, str] = DELIMITERS,
    ) -> str:
        """The text with its actions replaced; the context is not changed.

        Args:
            text: with or without actions.
            context: what `.` stands for.
            missing: what a missing key stands for.
            delimiters: what starts and ends an action.

        Raises:
            TooMuch: if the context is to be copied, and this is too much.
            TemplateError: if the template cannot be parsed or fails; its text holds no value of the context, which may
                be a secret, unless the template itself gives it to `fail`.
        """
        if not has_template(text, delimiters):
            return text
        try:
            template = parse(text, functions=self._functions, delimiters=delimiters)
        except TemplateError as error:
            raise _shown(error) from None
        if not _MUTATING.isdisjoint(function.name for function in template.tree.functions):
            context = dict(context)
            make(Sizes().of(context))
            context = copied(context)
        try:
            return template.render(context, functions=self._functions, missing=missing, spending=self._spending)
        except TemplateError as error:
            raise _shown(error) from None


def _shown(error: TemplateError) -> TemplateError:
    return TemplateError(_without_values(error.message), error.line, error.column)


def _without_values(message: str) -> str:
    """The message without literals, and without what a function says of its arguments: both may be secrets."""
    head, calling, detail = message.partition("error calling ")
    head = _LITERAL.sub("…", head)
    name, _, said = detail.partition(": ")
    if not calling or name in _SPEAKING or _CONSTANT.match(said):
        return head + calling + detail
    return f"{head}{calling}{name}: it refuses its arguments"


class TemplateFunctions:
    """The functions of templates: Sprig's over gomplate's, and `atmos`.

    Args:
        variables: all that templates may see of the environment; `None` for one that is not set.
        withhold: whether others are `<no value>`, which is not empty.
    """

    def __init__(self, variables: Mapping[str, str | None], *, withhold: bool = False) -> None:
        self._variables = variables
        self._withhold = withhold
        self._spending = Spending()
        self._known: dict[tuple[bool, bool, tuple[tuple[str, str], ...]], dict[str, Function]] = {}

    def everywhere(self) -> Renderer:
        """For imports, locals and names of stacks, which always have all functions."""
        library = self._library(sprig_on=True, gomplate_on=True, more={})
        return Renderer({**library, "atmos": lambda: _NO_COMPONENT}, self._spending)

    def of_component(
        self, *, sprig_on: bool, gomplate_on: bool, variables: Mapping[str, str], atmos: Mapping[str, Function]
    ) -> Renderer:
        """For the sections of a component.

        Args:
            sprig_on: `templates.settings.sprig.enabled`.
            gomplate_on: `templates.settings.gomplate.enabled`.
            variables: set over those of the environment, `templates.settings.env`.
            atmos: methods of `atmos`, such as `Component`.
        """
        library = self._library(sprig_on=sprig_on, gomplate_on=gomplate_on, more=variables)
        namespace = Namespace("*exec.AtmosFuncs", atmos)
        return Renderer({**library, "atmos": lambda: namespace}, self._spending)

    def names(self) -> list[str]:
        """Every function, `strings.Title` and the like with their namespaces."""
        names: list[str] = []
        for name, function in self._library(sprig_on=True, gomplate_on=True, more={}).items():
            takes_nothing = not signature_of(function).kinds and signature_of(function).rest is None
            found = function() if takes_nothing else None
            names += [f"{name}.{method}" for method in found.methods] if isinstance(found, Namespace) else [name]
        return sorted(names)

    def _library(self, *, sprig_on: bool, gomplate_on: bool, more: Mapping[str, str]) -> dict[str, Function]:
        key = (sprig_on, gomplate_on, tuple(sorted(more.items())))
        if key not in self._known:
            variables = _Variables({**self._variables, **more}, withhold=self._withhold)
            environment = RenderingEnvironment(variables, _now, _Random())
            self._known[key] = {
                **(gomplate(environment) if gomplate_on else {}),
                **(sprig(environment) if sprig_on else {}),
                **ATMOS,
            }
        return self._known[key]


def _now() -> datetime:
    note_unrepeatable()
    return datetime.now(UTC).astimezone()


class _Random(SystemRandom):
    """Random numbers that the reading is known to depend on."""

    def random(self) -> float:
        note_unrepeatable()
        return super().random()

    def getrandbits(self, k: int) -> int:
        note_unrepeatable()
        return super().getrandbits(k)

    def randbytes(self, n: int) -> bytes:
        note_unrepeatable()
        return super().randbytes(n)


class _Variables(Mapping[str, str]):
    """Variables of the environment; one that may not be read has no value, which is not the same as an empty one."""

    def __init__(self, variables: Mapping[str, str | None], *, withhold: bool) -> None:
        self._variables = variables
        self._withhold = withhold

    def __getitem__(self, name: str) -> str:
        if self._withhold and name not in self._variables:
            return NO_VALUE
        value = self._variables[name]
        if value is None:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)


def _no_component(*_arguments: Value) -> Value:
    raise FunctionFailure("components are not known yet where imports, locals and names of stacks are rendered")


_NO_COMPONENT: Final = Namespace(
    "*exec.AtmosFuncs", dict.fromkeys(("Component", "Store", "GomplateDatasource", "Resolve"), _no_component)
)
