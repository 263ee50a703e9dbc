"""Write the output of a template (the `walk…` half of `exec.go` of text/template)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import assert_never

from secrets_pipeline.golang.failure import FunctionFailure
from secrets_pipeline.golang.limits import MAX_OUTPUT, MAX_STEPS, MAX_TEMPLATE_DEPTH
from secrets_pipeline.golang.printing import NO_VALUE, as_text, quoted
from secrets_pipeline.golang.template.evaluator import PipelineEvaluator
from secrets_pipeline.golang.template.nodes import (
    ActionNode,
    Body,
    BreakNode,
    ContinueNode,
    IfNode,
    RangeNode,
    TemplateNode,
    TextNode,
    WithNode,
)
from secrets_pipeline.golang.values import INVALID, Namespace, Value, go_type, is_map, is_true


class _BreakLoop(Exception):
    """`break`."""


class _ContinueLoop(Exception):
    """`continue`."""


class Execution:
    """One execution of a template.

    Args:
        evaluator: evaluates its pipelines.
        definitions: the templates that it defines.
    """

    def __init__(self, evaluator: PipelineEvaluator, definitions: Mapping[str, Body]) -> None:
        self._evaluator = evaluator
        self._definitions = definitions
        self._output: list[str] = []
        self._length = 0
        self._steps = 0
        self._depth = 0

    def text(self, data: Value, body: Body) -> str:
        """What the body prints with the data as dot and as `$`.

        Raises:
            TemplateError: if the template fails.
        """
        dot = INVALID if data is None else data
        self._evaluator.variables.append(("$", dot))
        self._body(dot, body)
        return "".join(self._output)

    def _body(self, dot: Value, body: Body) -> None:
        self._spend(1 + len(body))
        for statement in body:
            match statement:
                case TextNode():
                    self._write(statement.text)
                case ActionNode():
                    self._action(dot, statement)
                case IfNode() | WithNode():
                    self._branch(dot, statement)
                case RangeNode():
                    self._range(dot, statement)
                case TemplateNode():
                    self._template(dot, statement)
                case BreakNode():
                    raise _BreakLoop
                case ContinueNode():
                    raise _ContinueLoop
                case _:
                    assert_never(statement)

    def _spend(self, steps: int) -> None:
        self._steps += steps
        if self._steps > MAX_STEPS:
            raise self._evaluator.error(f"the template takes more than {MAX_STEPS} steps")
        try:
            self._evaluator.budget.spend(steps)
        except FunctionFailure as failure:
            raise self._evaluator.error(str(failure)) from None

    def _write(self, text: str) -> None:
        self._length += len(text)
        if self._length > MAX_OUTPUT:
            raise self._evaluator.error(f"the output is longer than {MAX_OUTPUT} characters")
        self._output.append(text)

    def _action(self, dot: Value, action: ActionNode) -> None:
        value = self._evaluator.pipeline(dot, action.pipeline)
        if action.pipeline.variables:
            return
        if type(value) is Namespace:
            self._evaluator.node = action
            raise self._evaluator.error(f"can't print {action} of type {go_type(value)}")
        try:
            text = NO_VALUE if value is INVALID else as_text(value)
            self._evaluator.budget.take((text,))
            self._write(text)
        except FunctionFailure as failure:
            raise self._evaluator.error(str(failure)) from None

    def _branch(self, dot: Value, statement: IfNode | WithNode) -> None:
        known = len(self._evaluator.variables)
        value = self._evaluator.pipeline(dot, statement.pipeline)
        if not is_true(value):
            self._body(dot, statement.otherwise)
        else:
            self._body(value if isinstance(statement, WithNode) else dot, statement.body)
        del self._evaluator.variables[known:]

    def _template(self, dot: Value, statement: TemplateNode) -> None:
        evaluator = self._evaluator
        evaluator.node = statement
        body = self._definitions.get(statement.name)
        if body is None:
            raise evaluator.error(f"template {quoted(statement.name)} not defined")
        if self._depth == MAX_TEMPLATE_DEPTH:
            raise evaluator.error(f"exceeded maximum template depth ({MAX_TEMPLATE_DEPTH})")
        value = INVALID if statement.pipeline is None else evaluator.pipeline(dot, statement.pipeline)
        outside, evaluator.variables = evaluator.variables, [("$", value)]
        self._depth += 1
        self._body(value, body)
        self._depth -= 1
        evaluator.variables = outside

    def _range(self, dot: Value, statement: RangeNode) -> None:
        variables = self._evaluator.variables
        outside = len(variables)
        value = self._evaluator.pipeline(dot, statement.pipeline)
        inside = len(variables)
        looped = False
        with suppress(_BreakLoop):
            for key, element in self._elements(value, len(statement.pipeline.variables)):
                looped = True
                self._set_loop_variables(statement, key, element)
                with suppress(_ContinueLoop):
                    self._body(element, statement.body)
                del variables[inside:]
        if not looped:
            self._body(dot, statement.otherwise)
        del variables[outside:]

    def _elements(self, value: Value, variables: int) -> Iterable[tuple[Value, Value]]:
        if value is INVALID:
            return ()
        if is_map(value):
            return [(key, value[key]) for key in sorted(value)]
        if isinstance(value, list | tuple):
            return enumerate(value)
        if isinstance(value, int) and not isinstance(value, bool):
            if variables > 1:
                raise self._evaluator.error("can't use an int to iterate over more than one variable")
            return ((INVALID, number) for number in range(value))
        raise self._evaluator.error(f"range can't iterate over {go_type(value)}")

    def _set_loop_variables(self, statement: RangeNode, key: Value, element: Value) -> None:
        names = statement.pipeline.variables
        values = (key, element)[2 - len(names) :]
        variables = self._evaluator.variables
        for at, (name, value) in enumerate(zip(names, values, strict=True), -len(names)):
            if statement.pipeline.assigns:
                self._evaluator.assign(name, value)
            else:
                variables[at] = (name, value)
