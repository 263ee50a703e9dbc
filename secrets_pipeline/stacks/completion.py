"""The last steps of a component: its templates, then its functions (Atmos `processComponentEntry`)."""

from __future__ import annotations

from secrets_pipeline.errors import StackError, Where
from secrets_pipeline.stacks.config import TemplateSettings
from secrets_pipeline.stacks.functions import Evaluator
from secrets_pipeline.stacks.markers import FunctionCall, Value
from secrets_pipeline.stacks.merge import Section
from secrets_pipeline.stacks.model import Component
from secrets_pipeline.stacks.ownership import CallFailed, own
from secrets_pipeline.stacks.processing import Draft
from secrets_pipeline.stacks.rendering import contains_template, render_section
from secrets_pipeline.stacks.templates import Missing, TemplateError, TemplateUnsupported

_NOT_RENDERED = ("component_info", "imports", "sources", "inheritance")


def complete(draft: Draft, templates: TemplateSettings, evaluate: Evaluator | None) -> Component:
    """The component that a draft becomes.

    Args:
        draft: what the merge gave.
        templates: whether and how its sections are rendered.
        evaluate: evaluates its functions; without it they all stay.

    Raises:
        StackError: if a template or function fails, or a template is not supported.
    """
    if not draft.dynamic:
        return Component(draft.name, draft.kind, draft.stack, draft.sections, draft.file)
    sections = _rendered(draft, templates) if templates.enabled else draft.sections

    def evaluated(call: FunctionCall) -> Value:
        return evaluate(call, sections) if evaluate else call

    try:
        owned = own(sections, evaluated)
    except CallFailed as error:
        key = ".".join(str(step) for step in reversed(error.path))
        raise _error(draft, str(error), "Correct the arguments of this function.", key) from None
    return Component(draft.name, draft.kind, draft.stack, owned, draft.file)


def _rendered(draft: Draft, templates: TemplateSettings) -> Section:
    sections = draft.sections
    for _ in range(templates.evaluations):
        part = {key: value for key, value in sections.items() if key not in _NOT_RENDERED}
        if not contains_template(part, templates.delimiters):
            break
        try:
            rendered = render_section(part, sections, Missing.NO_VALUE, templates.delimiters)
        except TemplateError as error:
            raise _error(draft, f"template: {error}", "Correct the template, or define what it refers to.") from None
        except TemplateUnsupported as error:
            raise _error(draft, str(error), "Use plain fields such as {{ .vars.stage }} for now.") from None
        except StackError as error:
            raise _error(
                draft, f"{error.message} after its templates were rendered", "Quote the scalar that holds the template."
            ) from None
        sections = {**sections, **rendered}
    return sections


def _error(draft: Draft, message: str, remedy: str, key: str | None = None) -> StackError:
    where = Where(file=draft.file, stack=draft.stack, component=draft.name, key=key)
    return StackError(message, remedy=remedy, where=where)
