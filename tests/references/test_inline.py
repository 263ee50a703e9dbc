from __future__ import annotations

from typing import ClassVar

import pytest

from secrets_pipeline.errors import ExpressionError
from secrets_pipeline.references.inline import NoValueError, inline
from secrets_pipeline.references.model import (
    Call,
    Environment,
    Expression,
    Literal,
    Output,
    Path,
    Text,
    Variable,
    WithDefault,
    dotted,
)
from secrets_pipeline.references.parse import parse
from secrets_pipeline.references.walk import outputs, ssm_parameters


class Vars:
    def __init__(self, **values: str | int | None) -> None:
        self.values = values

    def find(self, path: Path) -> Expression | None:
        if dotted(path) not in self.values:
            return None
        value = self.values[dotted(path)]
        return parse(value) if isinstance(value, str) else Literal(value)

    def unknown(self, path: Path) -> NoValueError:
        return NoValueError(f"no variable {dotted(path)}", remedy="Set it.", path=path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${a}", Literal("x")),
        ("${n}", Literal(3)),
        ("${a}-${n}", Literal("x-3")),
        ("${chain}", Literal("x!")),
        ("${none | default('d')}", Literal("d")),
        ("${null | default('d')}", Literal("d")),
        ("${a | default('d')}", Literal("x")),
        ("${urlencode(at)}", Literal("a%40b")),
        ("${host}", Output("rds", ("address",))),
        ("${host | default('d')}", WithDefault(Output("rds", ("address",)), "d")),
        ("${a}:${host}", Text((Literal("x:"), Output("rds", ("address",))))),
        ("[${mixed}]", Text((Literal("[h="), Output("rds", ("address",)), Literal("]")))),
    ],
)
def test_variables_give_way_to_what_they_stand_for(text: str, expected: Expression) -> None:
    variables = Vars(
        a="x", n=3, chain="${a}!", null=None, at="a@b", host="${output.rds.address}", mixed="h=${output.rds.address}"
    )
    assert inline(parse(text), variables) == expected


def test_a_variable_in_the_user_part_of_a_url_is_encoded_as_a_reference_is() -> None:
    inlined = inline(parse("pg://${user}:${pw}@h"), Vars(user="a@b", pw="${ssm:/p}"))
    assert inlined == Text((Literal("pg://a%40b:"), Call("urlencode", parse("${ssm:/p}")), Literal("@h")))


def test_a_missing_variable_is_named() -> None:
    with pytest.raises(ExpressionError, match="no variable b"):
        inline(parse("${a} ${b}"), Vars(a="x"))


def test_null_inside_a_text_is_missing() -> None:
    with pytest.raises(ExpressionError, match="no variable a"):
        inline(parse("x${a}"), Vars(a=None))


def test_variables_that_stand_for_each_other_are_a_cycle() -> None:
    with pytest.raises(ExpressionError, match="circular variables: a → b → a"):
        inline(parse("${a}"), Vars(a="${b}", b="x${a}"))


def test_the_error_of_a_variable_without_a_value_tells_a_cycle_from_a_gap() -> None:
    with pytest.raises(NoValueError) as gap:
        inline(parse("${a.b}"), Vars())
    with pytest.raises(NoValueError) as cycle:
        inline(parse("${a}"), Vars(a="${a}"))
    assert (gap.value.path, gap.value.circular) == (("a", "b"), False)
    assert (cycle.value.path, cycle.value.circular) == (("a",), True)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({f"v{n}": f"${{v{n + 1}}}" for n in range(5_000)}, "leads through more than 100 variables"),
        ({f"v{n}": f"${{v{n + 1}}}${{v{n + 1}}}" for n in range(40)} | {"v40": "x"}, "variables make a text of more"),
        ({f"v{n}": f"${{v{n + 1}}}${{v{n + 1}}}" for n in range(40)} | {"v40": "${ssm:/p}-"}, "or 10000 references"),
    ],
)
def test_variables_beyond_all_measure_are_refused_and_exhaust_nothing(values: dict[str, str], message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        inline(parse("${v0}"), Vars(**values))
    assert message in caught.value.message


def test_each_part_of_a_text_is_measured_once() -> None:
    class Counted(str):
        __slots__ = ()
        measured: ClassVar[list[None]] = []

        def __len__(self) -> int:
            self.measured.append(None)
            return super().__len__()

        def __str__(self) -> str:
            self.measured.append(None)
            return self

    class One(Vars):
        def find(self, path: Path) -> Expression | None:
            assert path == ("a",)
            return Literal(Counted("x"))

    text = Text((Variable(("a",)), Environment("E")) * 1_000)
    assert inline(text, One()) == Text((Literal("x"), Environment("E")) * 1_000)
    assert len(Counted.measured) <= 5_000


def test_many_variables_in_one_text_are_one_literal() -> None:
    text = Text((Variable(("a",)),) * 400_000)
    assert inline(text, Vars(a="ab")) == Literal("ab" * 400_000)
    with pytest.raises(ExpressionError, match="a text of more than 1000000 characters"):
        inline(text, Vars(a="abc"))


def test_a_variable_that_many_refer_to_is_read_once() -> None:
    class Counted(Vars):
        asked: ClassVar[list[Path]] = []

        def find(self, path: Path) -> Expression | None:
            self.asked.append(path)
            return super().find(path)

    inline(parse("${a}${a}${b}"), Counted(a="x", b="${a}"))
    assert sorted(Counted.asked) == [("a",), ("b",)]


def test_an_expression_knows_what_it_names() -> None:
    expression = parse("${output.a.x} ${keys(output.b.secret_values)} ${ssm:/p | 1} ${output.a.x}")
    assert outputs(expression) == (Output("a", ("x",)), Output("b", ("secret_values",)))
    assert ssm_parameters(expression) == ("/p",)
