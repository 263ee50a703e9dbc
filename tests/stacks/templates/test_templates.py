from __future__ import annotations

import copy

import pytest

from secrets_pipeline.golang.failure import TemplateError
from secrets_pipeline.golang.values import MissingKey, Value
from secrets_pipeline.golang.yaml.tags import LiteralText
from secrets_pipeline.stacks.templates.rendering import render_section
from secrets_pipeline.stacks.templates.templates import TemplateFunctions, with_values
from tests.stacks.conftest import ATMOS, Only, Open

CONTEXT: dict[str, Value] = {"vars": {"a": "x", "n": 1, "none": None, "l": [1, 2], "m": {"k": True}}, "top": 1.0}
ENABLED = ATMOS + "templates: {settings: {enabled: true}}\n"


def render(text: str, missing: MissingKey = MissingKey.ERROR, delimiters: tuple[str, str] = ("{{", "}}")) -> str:
    return TemplateFunctions({"SHELL": "sh"}).everywhere().render(text, CONTEXT, missing, delimiters)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no template", "no template"),
        ("{{ .vars.a }}-{{.vars.n}}", "x-1"),
        ("{{ .vars.a | upper | quote }}", '"X"'),
        ('{{ env "SHELL" }} {{ strings.ToUpper "a" }}', "sh A"),
        ('{{ .vars.none | default "d" }}', "d"),
    ],
)
def test_templates_have_the_functions_of_sprig_and_gomplate(text: str, expected: str) -> None:
    assert render(text) == expected


def test_a_missing_key_fails_or_is_no_value() -> None:
    with pytest.raises(TemplateError, match='map has no entry for key "z"'):
        render("{{ .vars.z }}")
    assert render("{{ .vars.z }} {{ .vars.z.y }}", MissingKey.NO_VALUE) == "<no value> <no value>"


def test_other_delimiters_replace_the_usual_ones() -> None:
    assert render("[[ .vars.a ]] {{ .vars.a }}", delimiters=("[[", "]]")) == "x {{ .vars.a }}"


def test_a_template_that_changes_a_map_changes_it_for_itself_only() -> None:
    before = copy.deepcopy(CONTEXT)
    assert render('{{ $_ := set .vars.m "k" 2 }}{{ .vars.m.k }}') == "2"
    assert before == CONTEXT


def test_components_cannot_be_looked_up_before_they_are_known() -> None:
    with pytest.raises(TemplateError, match="error calling Component: components are not known yet"):
        render('{{ (atmos.Component "a" "b").vars }}')


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
        "kept": LiteralText("{{ .vars.a }}"),
        "{{ .vars.a }}": [None, True, 1, "08", "text: {{ .vars.a }}"],
    }
    assert render_section(section, render) == {
        "string": "1",
        "joined": 11,
        "multi": "a x\nb\n",
        "kept": "{{ .vars.a }}",
        "x": [None, True, 1, "08", "text: x"],
    }


def test_a_text_with_tabs_keeps_its_lines_and_the_quotes_of_its_templates() -> None:
    section: dict[str, Value] = {"makefile": 'all:\n\techo {{ default "x" .vars.none }}\n\techo "q"\n'}
    assert render_section(section, render) == {"makefile": 'all:\n\techo x\n\techo "q"\n'}


def test_a_section_without_templates_is_itself() -> None:
    section: dict[str, Value] = {"a": {"b": "c"}}
    assert render_section(section, render) is section


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


def test_each_evaluation_renders_the_text_of_the_one_before_in_the_unrendered_context(only: Only) -> None:
    manifest = """
        components: {terraform: {app: {vars: {b: x, a: '{{ .vars.b }}', c: '{{ .vars.a }}', d: '{{ .vars.c }}'}}}}
    """
    twice = ATMOS + "templates: {settings: {enabled: true, evaluations: 2}}\n"
    assert only(manifest, {"atmos.yaml": ENABLED}).vars == {
        "b": "x", "a": "x", "c": "{{ .vars.b }}", "d": "{{ .vars.a }}"
    }  # fmt: skip
    assert only(manifest, {"atmos.yaml": twice}).vars == {"b": "x", "a": "x", "c": "x", "d": "{{ .vars.b }}"}


def test_sprig_and_gomplate_are_off_for_components_unless_atmos_yaml_turns_them_on(repository: Open) -> None:
    manifest = "components: {terraform: {app: {vars: {a: '{{ upper .stack }}'}}}}"
    (error,) = repository({"atmos.yaml": ENABLED, "stacks/deploy/dev.yaml": manifest}).resolve().errors
    assert 'function "upper" not defined' in error.message
    assert error.where is not None
    assert error.where.key == "vars.a"


def test_templates_see_the_environment_that_atmos_yaml_and_the_stack_set(only: Only) -> None:
    atmos = ATMOS + "templates: {settings: {enabled: true, sprig: {enabled: true}, env: {A_b: one, C: file}}}\n"
    manifest = """
        components:
          terraform:
            app:
              settings: {templates: {settings: {env: {C: stack, N: 1}}}}
              vars: {a: '{{ env "A_b" }} {{ env "C" }} {{ env "D" }}{{ env "N" }}'}
    """
    assert only(manifest, {"atmos.yaml": atmos}, env={"D": "process"}).vars["a"] == "one stack process"


COMPONENTS = """
    vars: {stage: dev}
    components:
      terraform:
        app:
          vars:
            name: '{{ (atmos.Component "vpc" .stack).vars.name }}'
            cidr: '{{ (atmos.Component "vpc" .stack).outputs.cidr }}'
            unknown: '{{ (atmos.Component "other" .stack).outputs.id }}'
        other: {}
        vpc:
          vars: {name: "{{ .vars.stage }}-vpc"}
          remote_state_backend_type: static
          remote_state_backend: {static: {cidr: 10.0.0.0/8}}
"""


def test_templates_see_other_components_resolved_and_their_static_outputs(only: Only) -> None:
    app = only(COMPONENTS, {"atmos.yaml": ENABLED})
    assert app.vars == {"stage": "dev", "name": "dev-vpc", "cidr": "10.0.0.0/8", "unknown": "<no value>"}


def test_templates_of_a_component_that_is_switched_off_see_empty_components(only: Only) -> None:
    off = COMPONENTS.replace("        app:\n", "        app:\n          metadata: {enabled: false}\n")
    assert only(off, {"atmos.yaml": ENABLED}).vars["name"] == "<no value>"


def test_templates_see_components_of_other_stacks(repository: Open) -> None:
    app = '{{ (atmos.Component "vpc" "deploy/b").vars.name }}'
    found = repository(
        {
            "atmos.yaml": ENABLED,
            "stacks/deploy/a.yaml": f"components: {{terraform: {{app: {{vars: {{v: '{app}'}}}}}}}}",
            "stacks/deploy/b.yaml": "components: {terraform: {vpc: {vars: {name: b}}}}",
        }
    ).resolve(["deploy/a"])
    assert found.stacks["deploy/a"].components["terraform"]["app"].vars == {"v": "b"}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{{ (atmos.Component `nope` .stack).vars }}", "Could not find the component 'nope' in the stack 'deploy/dev'"),
        ("{{ (atmos.Component `app` .stack).vars }}", "components refer to each other with atmos.Component: app"),
        ("{{ atmos.Store `s` .stack `c` `k` }}", "write `!store s deploy/dev c k` as a value"),
    ],
)
def test_what_atmos_functions_cannot_give_is_an_error(repository: Open, value: str, message: str) -> None:
    manifest = f"components: {{terraform: {{app: {{vars: {{v: '{value}'}}}}}}}}"
    (error,) = repository({"atmos.yaml": ENABLED, "stacks/deploy/dev.yaml": manifest}).resolve().errors
    assert message in error.message


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("'{{ fail }}'", 'template: function "fail" not defined'),
        ("'{{ .vars.colon.more }}'", "template: at <.vars.colon.more>: can't evaluate field more in type interface {}"),
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


def test_what_a_template_does_to_another_component_stays_in_that_template(repository: Open) -> None:
    changing = '{{ $v := (atmos.Component "a" .stack).vars }}{{ $_ := set $v "t" "changed" }}{{ $v.t }}'
    manifest = f"""
        components:
          terraform:
            a: {{vars: {{t: plain}}}}
            b: {{vars: {{v: '{changing}'}}}}
            c: {{vars: {{v: '{{{{ (atmos.Component "a" .stack).vars.t }}}}'}}}}
    """
    atmos = ATMOS + "templates: {settings: {enabled: true, sprig: {enabled: true}}}\n"
    stack = repository({"atmos.yaml": atmos, "stacks/deploy/dev.yaml": manifest}).stack("deploy/dev")
    found = {name: component.vars for name, component in stack.components["terraform"].items()}
    assert found == {"a": {"t": "plain"}, "b": {"v": "changed"}, "c": {"v": "plain"}}


def test_of_several_kinds_templates_see_terraform_first(only: Only) -> None:
    manifest = """
        components:
          helmfile: {x: {vars: {kind: helmfile}}}
          terraform: {x: {vars: {kind: terraform}}, app: {vars: {v: '{{ (atmos.Component "x" .stack).vars.kind }}'}}}
    """
    assert only(manifest, {"atmos.yaml": ENABLED}).vars == {"v": "terraform"}


def test_a_stack_has_terraform_first_whatever_its_manifests_begin_with(repository: Open) -> None:
    stack = repository({"stacks/deploy/dev.yaml": "components: {helmfile: {x: {}}, terraform: {x: {}}}"}).stack(
        "deploy/dev"
    )
    assert list(stack.components) == ["terraform", "helmfile"]


@pytest.mark.parametrize(
    "action",
    ["mustToDate `2006` .vars.a", "semverCompare .vars.a `1.0`", "mustRegexMatch .vars.a `x`"],
)
def test_the_failure_of_a_function_does_not_quote_a_value(action: str) -> None:
    context: dict[str, Value] = {"vars": {"a": "[hunter2CANARY"}}
    with pytest.raises(TemplateError) as raised:
        TemplateFunctions({}).everywhere().render("{{ " + action + " }}", context)
    assert "CANARY" not in str(raised.value)
    assert action.split(maxsplit=1)[0] in str(raised.value)


def test_a_function_still_says_what_is_wrong_where_it_quotes_nothing() -> None:
    with pytest.raises(TemplateError, match="divide by zero"):
        render("{{ div 1 0 }}")
    with pytest.raises(TemplateError, match="set the stage: dev or prod"):
        render("{{ fail `set the stage: dev or prod` }}")


def test_sections_are_rendered_with_sorted_keys_as_yaml_v3_writes_them_and_keep_their_order() -> None:
    section: dict[str, Value] = {
        "z": "{{ $x }}",
        "a": "{{ $x := .vars.a }}{{ $x }}",
        "m": {"y": "{{ 1 }}", "b": [{"d": 1, "c": 2}]},
    }
    rendered = render_section(section, render)
    assert rendered == {"z": "x", "a": "x", "m": {"y": "1", "b": [{"d": 1, "c": 2}]}}
    assert [list(rendered), list(rendered["m"]), list(rendered["m"]["b"][0])] == [
        ["z", "a", "m"],
        ["y", "b"],
        ["d", "c"],
    ]


CANARY = "hunter2-CANARY"
FUNCTIONS = TemplateFunctions({}).names()


@pytest.mark.parametrize("arguments", [".v", ".v .v", ".v .v .v", "(list .v) .v", "(dict .v .v) .v", "1 .v"])
def test_no_function_that_fails_tells_its_arguments(arguments: str) -> None:
    """All functions, and all methods of namespaces, but `fail`, whose text is the author's."""
    renderer = TemplateFunctions({}).everywhere()
    for name in FUNCTIONS:
        try:
            renderer.render(f"{{{{ {name} {arguments} }}}}", {"v": CANARY})
        except TemplateError as error:
            assert name == "fail" or CANARY not in str(error), name  # noqa: PT017 - most of them do not fail


def test_no_local_tells_what_a_command_printed(repository: Open) -> None:
    manifest = f"""locals: {{a: !exec 'echo {CANARY}', b: '{{{{ mustToDate "2006" .locals.a }}}}'}}"""
    (error,) = repository({"stacks/deploy/dev.yaml": manifest}, allow_exec=True).resolve().errors
    assert "failed to resolve the local 'b'" in error.message
    assert CANARY not in error.diagnostics()


def test_yaml_that_a_template_broke_is_not_quoted_while_importing(repository: Open) -> None:
    found = repository(
        {
            "stacks/deploy/dev.yaml": f"import: [{{path: catalog/a, context: {{x: {CANARY}}}}}]",
            "stacks/catalog/a.yaml.tmpl": "vars: {v: !{{ .x }} y}",
        }
    ).resolve()
    (error,) = found.errors
    assert "unsupported YAML tag: an unknown tag" in error.message
    assert CANARY not in error.diagnostics()


def test_yaml_that_a_template_broke_is_not_quoted_in_a_component(repository: Open) -> None:
    manifest = f"""
        components:
          terraform:
            app: {{vars: {{a: {CANARY}, m: {{'{{{{ .vars.a }}}}': 1, '{{{{- .vars.a }}}}': 2}}}}}}
    """
    atmos = ATMOS + "templates: {settings: {enabled: true}}\n"
    (error,) = repository({"atmos.yaml": atmos, "stacks/deploy/dev.yaml": manifest}).resolve().errors
    assert "this mapping key is already defined" in error.message
    assert CANARY not in error.diagnostics()
