from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.golang.failure import FunctionFailure, TemplateError
from secrets_pipeline.golang.template.template import parse, render
from secrets_pipeline.golang.values import Function, MissingKey
from secrets_pipeline.golang.yaml.tags import FunctionCall
from tests.golang.template.cases import DATA
from tests.golang.template.twins import FUNCTIONS

PIECES = st.sampled_from(
    [
        *("{{", "}}", "{{-", "-}}", "{{ ", " }}", " -}}", "(", ")", "|", ".", "$", "$x", ":=", "=", ",", "\n", " "),
        *("if ", "else ", "end", "with ", "range ", "define ", "template ", "block ", "break", "continue", "nil", "/*"),
        *(
            ".name",
            ".vars",
            ".list",
            ".nil",
            '"a"',
            '"',
            "`",
            "'",
            "1",
            "-",
            "0x",
            "1.5",
            "e",
            "_",
            "\\",
            "i",
            "²",
            "é",
        ),
        *("eq ", "and ", "index ", "len ", "printf ", '"%d %[2]*q"', "textOf ", "object", "*/", "slice ", "not ", "é"),
    ]
)


def outcome(text: str, missing: MissingKey = MissingKey.NO_VALUE) -> str:
    try:
        return render(text, DATA, functions=FUNCTIONS, missing=missing)
    except TemplateError as error:
        return f"failed: {error}"


@given(st.text())
def test_text_without_delimiters_renders_to_itself(text: str) -> None:
    plain = text.replace("{{", "")
    assert render(plain, {}, functions={}) == plain


@given(st.text(), st.text())
def test_text_around_an_action_is_kept(before: str, after: str) -> None:
    before, after = before.replace("{", ""), after.replace("{", "")
    assert render(f"{before}{{{{ .x }}}}{after}", {"x": "\n"}, functions={}) == f"{before}\n{after}"


@given(st.text() | st.lists(PIECES, max_size=40).map("".join))
def test_any_text_renders_or_fails_with_a_template_error(text: str) -> None:
    assert isinstance(outcome(text), str)


@given(st.lists(PIECES, max_size=12).map("".join))
def test_any_action_renders_or_fails_with_a_template_error(inside: str) -> None:
    assert isinstance(outcome(f"{{{{ {inside} }}}}"), str)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=9))
def test_a_value_prints_the_same_by_every_way(value: object) -> None:
    text = render("{{ .x }}|{{ printf `%v` .x }}|{{ print .x }}", {"x": value}, functions={})
    first, second, third = text.split("|") if text.count("|") == 2 else (text, text, text)
    if value is None:
        first = first.replace("<no value>", "<nil>")
    assert first == second == third


def test_an_error_has_the_line_and_the_column_of_the_action() -> None:
    with pytest.raises(TemplateError) as raised:
        render("a\n\nb: {{ .vars.nope }}", {"vars": {}}, functions={})
    assert str(raised.value) == raised.value.message == 'at <.vars.nope>: map has no entry for key "nope"'
    assert (raised.value.line, raised.value.column) == (3, 7)


def test_an_unknown_function_is_found_before_anything_runs() -> None:
    calls: list[str] = []
    with pytest.raises(TemplateError, match='function "missing" not defined'):
        render('{{ log "x" }}{{ if false }}{{ missing }}{{ end }}', {}, functions={"log": calls.append})
    assert not calls


def test_functions_that_are_gone_at_rendering_are_an_error() -> None:
    template = parse("{{ later }}", functions={"later"})
    assert template.render({}, functions={"later": lambda: "x"}) == "x"
    with pytest.raises(TemplateError, match='at <later>: "later" is not a defined function'):
        template.render({}, functions={})


def test_a_text_is_parsed_once() -> None:
    text = "{{ .x }} parsed once"
    assert parse(text, functions=()).tree is parse(text, functions={"more"}).tree
    assert parse(text, functions=(), delimiters=("[[", "]]")).tree is not parse(text, functions=()).tree


def test_a_function_hides_the_builtin_of_its_name() -> None:
    functions: dict[str, Function] = {"len": lambda _value: "mine", "and": lambda *values: len(values)}
    assert render("{{ len 1 }} {{ and 0 1 }}", {}, functions=functions) == "mine 2"


def test_renderings_do_not_share_variables_or_output() -> None:
    template = parse("{{ $x := .n }}{{ range 50 }}{{ $x = $.n }}{{ end }}{{ $x }}", functions=())
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda n: template.render({"n": n}, functions={}), range(200)))
    assert texts == [str(n) for n in range(200)]


def test_subclasses_of_str_print_as_their_text() -> None:
    call = FunctionCall("!terraform.output", "vpc id")
    text = render("{{ .x }} {{ print .x .y }} {{ len .x }}", {"x": call, "y": [call]}, functions={})
    assert text == "!terraform.output vpc id !terraform.output vpc id[!terraform.output vpc id] 24"


def test_rendering_never_changes_its_data() -> None:
    data = {"list": [3, 1], "map": {"b": 1, "a": {"c": 2}}}
    render("{{ range $k, $v := .map }}{{ $v = 1 }}{{ end }}{{ .list }}{{ slice .list 1 }}", data, functions={})
    assert data == {"list": [3, 1], "map": {"b": 1, "a": {"c": 2}}}


def test_a_failure_in_a_template_that_a_function_renders_is_told() -> None:
    def nested(text: str) -> str:
        return render(text, {}, functions={})

    with pytest.raises(TemplateError) as raised:
        render("{{ nested `{{ .a }}` }}", {}, functions={"nested": nested})
    assert raised.value.message == (
        'at <nested `{{ .a }}`>: error calling nested: at <.a>: map has no entry for key "a"'
    )


def test_a_bug_in_a_function_is_not_taken_for_a_failure_of_the_template() -> None:
    def broken() -> NoReturn:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        render("{{ broken }}", {}, functions={"broken": broken})


def test_a_failure_of_a_function_is_the_cause_of_the_error() -> None:
    with pytest.raises(TemplateError) as raised:
        render("{{ fails .name }}", {"name": "web"}, functions=FUNCTIONS)
    assert isinstance(raised.value.__cause__, FunctionFailure)
    assert raised.value.message == "at <fails .name>: error calling fails: refused web"


@pytest.mark.parametrize(
    "template",
    ["{{ range .x }}{{ end }}", "{{ eq .list .list }}", "{{ eq .list .map }}", "{{ call .x }}", "{{ .x.y }}"],
)
def test_errors_never_show_values(template: str) -> None:
    data = {"x": "hunter2", "list": ["hunter2"], "map": {"k": "hunter2"}}
    with pytest.raises(TemplateError) as raised:
        render(template, data, functions={})
    assert "hunter2" not in str(raised.value)
