from __future__ import annotations

import pytest

from secrets_pipeline.golang.failure import TemplateError
from secrets_pipeline.golang.limits import MAX_NESTING, MAX_OUTPUT, MAX_TEMPLATE_DEPTH
from secrets_pipeline.golang.template.template import parse, render

DOUBLED = "{{ $x := list 1 }}{{ range 60 }}{{ $x = list $x $x }}{{ end }}"


def fails(text: str, message: str, data: object = None) -> None:
    with pytest.raises(TemplateError, match=message):
        render(text, data, functions={"list": lambda *values: list(values)})


@pytest.mark.parametrize(
    "text",
    [
        "{{ range 1000000000 }}{{ end }}",
        "{{ range 2000 }}{{ range 2000 }}{{ end }}{{ end }}",
        "{{ range 2000 }}{{ range 2000 }}{{ continue }}{{ end }}{{ end }}",
        '{{ define "t" }}{{ end }}{{ range 1000 }}{{ range 999 }}{{ template "t" }}{{ end }}{{ end }}',
    ],
)
def test_a_template_takes_a_bounded_number_of_steps(text: str) -> None:
    fails(text, "the template takes more than 1000000 steps")


def test_a_template_that_calls_itself_without_end_fails() -> None:
    fails('{{ define "t" }}{{ template "t" }}{{ end }}{{ template "t" }}', "exceeded maximum template depth")


def test_a_template_may_call_itself_as_deep_as_the_limit() -> None:
    text = '{{ define "t" }}{{ if . }}{{ len . }} {{ template "t" (slice . 1) }}{{ end }}{{ end }}{{ template "t" . }}'
    items = list(range(MAX_TEMPLATE_DEPTH - 1))
    assert render(text, items, functions={}).split() == [str(n + 1) for n in reversed(items)]


def test_recursion_through_many_blocks_is_an_error_of_the_template() -> None:
    blocks = "{{ if true }}" * (MAX_NESTING - 2)
    ends = "{{ end }}" * (MAX_NESTING - 2)
    fails(
        f'{{{{ define "t" }}}}{blocks}{{{{ template "t" }}}}{ends}{{{{ end }}}}{{{{ template "t" }}}}', "too deep|depth"
    )


@pytest.mark.parametrize(
    "text",
    [
        '{{ range 1000 }}{{ printf "%20000d" 1 }}{{ end }}',
        '{{ $x := "0123456789" }}{{ range 60 }}{{ $x = print $x $x }}{{ end }}',
        '{{ $x := "0123456789" }}{{ range 60 }}{{ $x = printf "%s%[1]s%[1]s" $x }}{{ end }}',
        DOUBLED + "{{ $x }}",
        DOUBLED + "{{ print $x }}",
        DOUBLED + "{{ println $x }}",
        DOUBLED + "{{ html $x }}",
        DOUBLED + '{{ printf "%q" $x }}',
        '{{ printf "%1000000v" (list 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18) }}',
        '{{ printf "%.1000000f" 1.5 | printf "%[1]s%[1]s%[1]s%[1]s%[1]s%[1]s" | printf "%[1]s%[1]s%[1]s" }}',
    ],
)
def test_no_text_grows_beyond_the_limit(text: str) -> None:
    fails(text, f"{MAX_OUTPUT} characters")


@pytest.mark.parametrize(
    "text",
    [
        "{{" + "(" * 1000 + "1" + ")" * 1000 + "}}",
        "{{ if true }}" * 1000 + "{{ end }}" * 1000,
        "{{ if 0 }}" + "{{ else if 0 }}" * 1000 + "{{ end }}",
        "{{ range 1 }}" * 1000,
        '{{ block "a" . }}' * 1000,
    ],
)
def test_blocks_and_parentheses_nest_only_so_deep(text: str) -> None:
    with pytest.raises(TemplateError, match="nested too deeply"):
        parse(text, functions=())


def test_many_blocks_beside_each_other_are_no_problem() -> None:
    assert (
        render("{{ if true }}x{{ end }}" * 1000 + "{{ (print 1) }}" * 1000, {}, functions={}) == "x" * 1000 + "1" * 1000
    )


def test_a_value_that_is_nested_too_deeply_to_print_is_an_error_of_the_template() -> None:
    value: list[object] = []
    for _ in range(5000):
        value = [value]
    fails("{{ . }}", "nested too deeply", value)


def test_a_template_that_is_too_long_is_refused() -> None:
    with pytest.raises(TemplateError, match="of more than 1048576 characters"):
        parse("x" * 2**20 + "{{ 1 }}", functions=())
