"""Parse a template once, and render it many times."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from secrets_pipeline.golang.failure import TemplateError, error_at
from secrets_pipeline.golang.limits import RENDERING, Spending, require_template
from secrets_pipeline.golang.template.builtins import BUILTINS, SHORT_CIRCUITS
from secrets_pipeline.golang.template.evaluator import PipelineEvaluator
from secrets_pipeline.golang.template.execution import Execution
from secrets_pipeline.golang.template.parser import Tree, parse_tree
from secrets_pipeline.golang.values import Function, MissingKey, Value

DELIMITERS: Final = ("{{", "}}")

_CACHED: Final = 2**16  # longer templates are not kept
_TOO_DEEP: Final = "the template is nested too deeply"


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template; it may be rendered from several threads at once."""

    text: str
    tree: Tree = field(repr=False)

    def render(
        self,
        data: Value,
        *,
        functions: Mapping[str, Function],
        missing: MissingKey = MissingKey.ERROR,
        spending: Spending | None = None,
    ) -> str:
        """What the template prints.

        Args:
            data: dot, and `$`.
            functions: by name; one of them hides a builtin of its name.
            missing: what a missing key of a map stands for.
            spending: what it may cost together with others; by itself if not given.

        Raises:
            TemplateError: if the template fails, or costs more than `limits` allows.
        """
        spending = spending or Spending()
        budget = spending.budget(self.text)
        evaluator = PipelineEvaluator(self.text, functions, missing, budget)
        outer = RENDERING.set(budget)
        try:
            return Execution(evaluator, self.tree.definitions).text(data, self.tree.body)
        except RecursionError:
            raise evaluator.error(_TOO_DEEP) from None
        finally:
            RENDERING.reset(outer)
            spending.settle(budget)


def parse(text: str, *, functions: Collection[str], delimiters: tuple[str, str] = DELIMITERS) -> Template:
    """A template, from the cache if the same text was parsed lately.

    Args:
        text: the template.
        functions: names of the functions, beside the builtins, that it may call.
        delimiters: what starts and ends an action; neither is empty.

    Raises:
        TemplateError: if it is not a template, is too long, or calls another function.
    """
    require_template(len(text))
    parsed = _parsed if len(text) <= _CACHED else _parsed.__wrapped__
    template = parsed(text, *delimiters)
    for function in template.tree.functions:
        name = function.name
        if name not in functions and name not in BUILTINS and name not in SHORT_CIRCUITS:
            raise error_at(f'function "{name}" not defined', text, function.position)
    return template


def render(
    text: str,
    data: Value,
    *,
    functions: Mapping[str, Function],
    missing: MissingKey = MissingKey.ERROR,
    delimiters: tuple[str, str] = DELIMITERS,
) -> str:
    """What the template of this text prints; see `parse` and `Template.render`.

    Raises:
        TemplateError: if it is not a template, or fails.
    """
    return parse(text, functions=functions, delimiters=delimiters).render(data, functions=functions, missing=missing)


@lru_cache(maxsize=4096)
def _parsed(text: str, left: str, right: str) -> Template:
    try:
        return Template(text, parse_tree(text, left, right))
    except RecursionError:
        raise TemplateError(_TOO_DEEP) from None
