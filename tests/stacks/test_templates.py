from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.stacks.markers import Literal, Value
from secrets_pipeline.stacks.rendering import render_section
from secrets_pipeline.stacks.templates import (
    Missing,
    TemplateError,
    TemplateUnsupported,
    render,
    with_values,
)

from .conftest import ATMOS, Only, Open

CONTEXT: dict[str, Value] = {"vars": {"a": "x", "n": 1, "none": None, "l": [1, 2], "m": {"k": True}}, "top": 1.0}
ENABLED = ATMOS + "templates: {settings: {enabled: true}}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no template", "no template"),
        ("{{ .vars.a }}-{{.vars.n}}", "x-1"),
        ("{{ .top }}", "1"),
        ("{{ .vars.none }}", "<no value>"),
        ("{{ .vars.l }} {{ .vars.m }}", "[1 2] map[k:true]"),
        ("a {{- .vars.a -}} b", "axb"),
        ("{{/* a comment */}}x", "x"),
        ('{{ "}} quoted \\n" }}', "}} quoted \n"),
        ("{{`{{ .kept }}`}}", "{{ .kept }}"),
    ],
)
def test_chains_literals_and_comments_are_rendered(text: str, expected: str) -> None:
    assert render(text, CONTEXT) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ .vars.z }}", 'at <.vars.z>: map has no entry for key "z"'),
        ("{{ .vars.a.b }}", "at <.vars.a.b>: can't evaluate field b in type string"),
        ("{{ .vars.none.b }}", "nil pointer evaluating interface {}.b"),
        ("{{ .vars.a", "unclosed action"),
    ],
)
def test_what_fails_in_go_fails(text: str, message: str) -> None:
    with pytest.raises(TemplateError) as raised:
        render(text, CONTEXT)
    assert message in str(raised.value)


@pytest.mark.parametrize("action", ["if .a", ".vars.a | upper", 'env "X"', "$x", "printf", "end", ""])
def test_anything_more_is_refused_not_guessed(action: str) -> None:
    with pytest.raises(TemplateUnsupported):
        render(f"{{{{ {action} }}}}", CONTEXT)


def test_a_missing_key_may_be_no_value() -> None:
    assert render("{{ .vars.z }}", CONTEXT, Missing.NO_VALUE) == "<no value>"
    with pytest.raises(TemplateError, match="nil pointer"):
        render("{{ .vars.z.y }}", CONTEXT, Missing.NO_VALUE)


def test_other_delimiters_replace_the_usual_ones() -> None:
    assert render("[[ .vars.a ]] {{ .vars.a }}", CONTEXT, delimiters=("[[", "]]")) == "x {{ .vars.a }}"


@given(st.text(alphabet='{}.-` "ab\n', max_size=30))
def test_any_text_renders_or_fails_with_our_errors(text: str) -> None:
    try:
        render(text, CONTEXT)
    except (TemplateError, TemplateUnsupported) as error:
        assert str(error)  # noqa: PT017 - either outcome is right, another exception is not


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("k: '{{ .vars.l }}'", "k: [1, 2]"),
        ('k: "{{ .vars.m }}" # why', 'k: {"k": true} # why'),
        ("k: ['{{ .vars.n }}', a]", "k: [1, a]"),
        ("k: '{{ .vars.a }}-'", "k: '{{ .vars.a }}-'"),
        ("'{{ .vars.a }}': 1", "'{{ .vars.a }}': 1"),
        ("k: '{{ .vars.z }}'", "k: '{{ .vars.z }}'"),
    ],
)
def test_a_quoted_scalar_that_is_one_chain_becomes_the_value(text: str, expected: str) -> None:
    assert with_values(text, CONTEXT) == expected


def test_a_section_is_rendered_as_the_yaml_text_that_atmos_makes_of_it() -> None:
    section: dict[str, Value] = {
        "string": "{{ .vars.n }}",
        "joined": "1{{ .vars.n }}",
        "multi": "a {{ .vars.a }}\nb\n",
        "kept": Literal("{{ .vars.a }}"),
        "{{ .vars.a }}": [None, True, 1, "08", "text: {{ .vars.a }}"],
    }
    assert render_section(section, CONTEXT, Missing.NO_VALUE) == {
        "string": "1",
        "joined": 11,
        "multi": "a x\nb\n",
        "kept": "{{ .vars.a }}",
        "x": [None, True, 1, "08", "text: x"],
    }


def test_a_section_without_templates_is_itself() -> None:
    section: dict[str, Value] = {"a": {"b": "c"}}
    assert render_section(section, {}, Missing.ERROR) is section


def test_components_see_their_own_sections_and_the_names_of_atmos(only: Only) -> None:
    app = only(
        """
        vars: {stage: dev, size: 3}
        components:
          terraform:
            app:
              settings: {x: {y: deep}}
              metadata: {component: base}
              vars:
                a: "{{ .vars.stage }}-{{ .settings.x.y }}"
                b: "{{ .atmos_component }} {{ .atmos_stack }} {{ .component }} {{ .workspace }}"
                c: "{{ .nothing }}"
                d: !terraform.output vpc {{ .stack }} id
                e: !literal "{{ .vars.stage }}"
        """,
        {"atmos.yaml": ENABLED},
    )
    assert app.vars == {
        "stage": "dev",
        "size": 3,
        "a": "dev-deep",
        "b": "app deploy/dev base deploy-dev",
        "c": "<no value>",
        "d": "!terraform.output vpc deploy/dev id",
        "e": "{{ .vars.stage }}",
    }


def test_components_are_not_rendered_unless_templates_are_on(only: Only) -> None:
    assert only("components: {terraform: {app: {vars: {a: '{{ .vars.b }}'}}}}").vars == {"a": "{{ .vars.b }}"}


def test_several_evaluations_render_what_the_first_gave(only: Only) -> None:
    manifest = "components: {terraform: {app: {vars: {a: '{{ .vars.b }}', b: '{{ .vars.c }}', c: end}}}}"
    atmos = ATMOS + "templates: {settings: {enabled: true, evaluations: 2}}\n"
    assert only(manifest, {"atmos.yaml": atmos}).vars["a"] == "end"
    assert only(manifest, {"atmos.yaml": ENABLED}).vars["a"] == "{{ .vars.c }}"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("'{{ .vars.a | upper }}'", "the template action '.vars.a | upper' is not supported"),
        ("'{{ .nothing.more }}'", "template: at <.nothing.more>: nil pointer"),
        ("'x {{ .vars.colon }}'", "after its templates were rendered"),
    ],
)
def test_a_template_that_fails_names_stack_and_component_and_spares_others(
    repository: Open, value: str, message: str
) -> None:
    found = repository(
        {
            "atmos.yaml": ENABLED,
            "stacks/deploy/dev.yaml": f"components: {{terraform: {{app: {{vars: {{colon: 'a: b', v: {value}}}}}}}}}",
            "stacks/deploy/other.yaml": "components: {terraform: {app: {}}}",
        }
    ).resolve()
    assert list(found.stacks) == ["deploy/other"]
    (error,) = found.errors
    assert message in error.message
    assert error.where is not None
    assert (error.where.file, error.where.stack, error.where.component) == (
        "stacks/deploy/dev.yaml",
        "deploy/dev",
        "app",
    )
