"""Complete a component: render its templates, then evaluate its functions (Atmos `processComponentEntry`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from secrets_pipeline.errors import StackError, Where
from secrets_pipeline.golang.failure import FunctionFailure, TemplateError
from secrets_pipeline.golang.values import MissingKey, Value
from secrets_pipeline.golang.yaml.tags import FunctionCall
from secrets_pipeline.stacks.amounts import RENDERED, Sizes, TooMuch, make
from secrets_pipeline.stacks.components.deferred import Deferred, NotAMapping, with_value
from secrets_pipeline.stacks.components.draft import Draft
from secrets_pipeline.stacks.components.model import Component
from secrets_pipeline.stacks.config.config import TemplateSettings
from secrets_pipeline.stacks.config.stores import Stores
from secrets_pipeline.stacks.functions.copies import CallFailed, copied, own
from secrets_pipeline.stacks.functions.functions import FunctionError, FunctionEvaluator, parse_call
from secrets_pipeline.stacks.merge import Section
from secrets_pipeline.stacks.templates.rendering import contains_template, render_section, without_quotes
from secrets_pipeline.stacks.templates.templates import Renderer, TemplateFunctions
from secrets_pipeline.stacks.texts import texts

Find = Callable[[str, str], Draft | None]
"""Given a component and a stack, its draft."""

_LATE: Final = "(deferred)"
"""Where what merges late travels through templates and functions; no section has that name."""
_MOST_EVALUATIONS: Final = 100
_NOT_RENDERED: Final = frozenset({"component_info", "imports", "sources", "inheritance"})


class Completer:
    """Completes drafts, each once.

    Args:
        templates: whether and how sections are rendered.
        functions: what templates may call.
        evaluate: evaluates YAML functions; without it they all stay.
        find: finds the drafts that templates refer to with `atmos.Component`.
        stores: of the configuration, which every component is handed.
    """

    def __init__(
        self,
        templates: TemplateSettings,
        functions: TemplateFunctions,
        evaluate: FunctionEvaluator | None,
        find: Find,
        stores: Stores,
    ) -> None:
        self._templates = templates
        self._functions = functions
        self._evaluate = evaluate
        self._find = find
        self._stores = stores
        self._completed: dict[tuple[str, str, str], Section] = {}
        self._open: list[tuple[str, str, str]] = []

    def complete(self, draft: Draft) -> Component:
        """Complete a draft: render its templates and evaluate its functions.

        Raises:
            StackError: if a template or function fails.
            TooMuch: if there is too much to render.
        """
        return Component(
            draft.name,
            draft.kind,
            draft.stack,
            self._sections(draft),
            draft.file,
            stores=self._stores,
            merged=draft.sections,
            opening=self._templates.delimiters[0],
        )

    def _sections(self, draft: Draft) -> Section:
        if not draft.dynamic:
            return draft.sections
        key = (draft.stack, draft.kind, draft.name)
        if key in self._completed:
            return self._completed[key]
        if key in self._open:
            chain = " → ".join(f"{name} ({stack})" for stack, _, name in (*self._open[self._open.index(key) :], key))
            raise _error(draft, f"components refer to each other with atmos.Component: {chain}", "Break this cycle.")
        self._open.append(key)
        try:
            sections = {**draft.sections, _LATE: [list(late.values) for late in draft.deferred.values()]}
            if self._templates.enabled:
                sections = self._rendered(draft, sections)
            self._completed[key] = self._merged(draft, self._evaluated(draft, sections))
        finally:
            self._open.pop()
        return self._completed[key]

    def _evaluated(self, draft: Draft, sections: Section) -> Section:
        def evaluated(call: FunctionCall) -> Value:
            return self._evaluate(call, sections) if self._evaluate else call

        try:
            owned: Section = own(sections, evaluated)
        except CallFailed as error:
            key = ".".join(str(step) for step in reversed(error.path))
            raise _error(draft, str(error), "Correct the arguments of this function.", key) from None
        return owned

    def _merged(self, draft: Draft, sections: Section) -> Section:
        """The sections with what waited for the values of functions merged, if they were evaluated."""
        late: list[list[Value]] = sections.pop(_LATE)
        if self._evaluate is None:
            return sections
        for (path, deferred), values in zip(draft.deferred.items(), late, strict=True):
            try:
                sections = with_value(sections, path, Deferred(values, deferred.lists).settled())
            except NotAMapping as error:
                remedy = "Remove one of the two values."
                raise _error(draft, str(error), remedy, ".".join(error.path)) from None
        return sections

    def _rendered(self, draft: Draft, sections: Section) -> Section:
        """The sections with their templates rendered, as often as `evaluations` says: text again and again."""
        templates = self._templates
        left = {
            name: section
            for name, section in sections.items()
            if name not in _NOT_RENDERED and contains_template(section, templates.delimiters)
        }
        make(RENDERED * Sizes().of(left))
        renderer = self._renderer(draft)

        def render(text: str) -> str:
            for number in range(templates.evaluations):
                if number == _MOST_EVALUATIONS:
                    raise TemplateError(f"the text still changes after {number} evaluations")
                before = text
                text = renderer.render(text, draft.sections, MissingKey.NO_VALUE, templates.delimiters)
                if text == before:
                    break
            return text

        try:
            return {**sections, **_like(left, render_section(left, render, templates.delimiters))} if left else sections
        except TemplateError as error:
            key = _failing(left, render) if len(self._open) == 1 else None  # only that of who asked first is shown
            raise _error(
                draft, f"template: {error}", "Correct the template, or define what it refers to.", key
            ) from None
        except TooMuch:
            raise
        except StackError as error:
            raise _error(
                draft,
                f"{without_quotes(error.message)} after its templates were rendered",
                "Quote the scalar that holds the template.",
            ) from None

    def _renderer(self, draft: Draft) -> Renderer:
        enabled = (draft.sections.get("metadata") or {}).get("enabled") is not False

        def component(name: str, stack: str) -> Value:
            return (
                self._described(name, stack) if enabled else {key: {} for key in ("vars", "settings", "env", "outputs")}
            )

        def resolve(text: str) -> Value:
            call = parse_call(text)
            if call is None or self._evaluate is None:
                return text
            try:
                return self._evaluate(call, draft.sections)
            except FunctionError as error:
                raise FunctionFailure(str(error)) from None

        return self._functions.of_component(
            sprig_on=self._templates.sprig,
            gomplate_on=self._templates.gomplate,
            variables={**self._templates.env, **_stack_env(draft.sections)},
            atmos={"Component": component, "Resolve": resolve, "Store": _store, "GomplateDatasource": _datasource},
        )

    def _described(self, name: str, stack: str) -> Section:
        """What `atmos.Component` gives: the component's sections, and those `outputs` that need no Terraform."""
        draft = self._find(name, stack)
        if draft is None:
            raise FunctionFailure(f"Could not find the component '{name}' in the stack '{stack}'")
        try:
            sections = self._sections(draft)
        except TooMuch:
            raise
        except StackError as error:
            raise FunctionFailure(error.message) from None
        make(Sizes().of(sections))
        sections = copied(sections)
        static = sections.get("remote_state_backend_type") == "static"
        return {**sections, "outputs": sections.get("remote_state_backend", {}) if static else {}}


def _store(store: str, stack: str, component: str, key: str) -> Value:
    raise FunctionFailure(
        f"the store {store!r} is not read by templates here: with --from-atmos, Atmos reads it; or write "
        f"`!store {store} {stack} {component} {key}` as a value"
    )


def _datasource(alias: str, *_arguments: Value) -> Value:
    raise FunctionFailure(f"the data source {alias!r} is not read here: with --from-atmos, Atmos reads it")


def _stack_env(sections: Section) -> Mapping[str, str]:
    """`settings.templates.settings.env` of the stack; only text counts."""
    section: Value = sections
    for name in ("settings", "templates", "settings", "env"):
        section = section.get(name) if isinstance(section, dict) else None
    return {k: v for k, v in section.items() if isinstance(v, str)} if isinstance(section, dict) else {}


def _like(sections: Section, rendered: Section) -> Section:
    """The rendered sections, which must be mappings where they were; one that became `null` is empty.

    Raises:
        StackError: if templates changed what a section is.
    """
    kept = {**rendered}
    for name, section in sections.items():
        found = kept[name] = {} if rendered.get(name) is None else rendered[name]
        if isinstance(section, dict) != isinstance(found, dict):
            raise StackError(f"the section {name} is of another type")
    if _LATE in sections and _sizes(kept[_LATE]) != _sizes(sections[_LATE]):
        raise StackError("a value that merges with others is split, or joined with another")
    return kept


def _sizes(values: Value) -> list[int | None] | None:
    """How many values are at each place of `_LATE`."""
    if not isinstance(values, list):
        return None
    return [len(inner) if isinstance(inner, list) else None for inner in values]


def _failing(sections: Section, render: Callable[[str], str]) -> str | None:
    """The dotted path of the first text whose template fails by itself."""
    for path, text in texts(sections):
        try:
            render(text)
        except TemplateError:
            return ".".join(map(str, path))
    return None


def _error(draft: Draft, message: str, remedy: str, key: str | None = None) -> StackError:
    where = Where(file=draft.file, stack=draft.stack, component=draft.name, key=key)
    return StackError(message, remedy=remedy, where=where)
