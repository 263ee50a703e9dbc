from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.golang.values import Value
from secrets_pipeline.golang.yaml.tags import FunctionCall
from secrets_pipeline.stacks.components.deferred import Deferred, NotAMapping, merge_layers
from secrets_pipeline.stacks.merge import ListStrategy, Section, merge_all
from tests.stacks.conftest import ATMOS, Only, Open
from tests.strategies.values import list_strategies, nested_maps

REPLACE, APPEND, MERGE = ListStrategy.REPLACE, ListStrategy.APPEND, ListStrategy.MERGE
OUTPUT = FunctionCall("!terraform.output", "vpc id")


def settled(layers: list[Section], lists: ListStrategy = REPLACE, given: Value = OUTPUT) -> Value:
    """What `v` is when the function `OUTPUT` gives `given`."""
    merged, deferred = merge_layers(layers, lists)
    if not deferred:
        return given if merged["v"] == OUTPUT else merged["v"]
    late = deferred["v",]
    return Deferred([given if value == OUTPUT else value for value in late.values], late.lists).settled()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([OUTPUT, {"a": 1}], {"x": 0, "a": 1}),
        ([{"a": 1}, OUTPUT], {"a": 1, "x": 0}),
        ([{"x": 1}, OUTPUT, {"x": 2}], {"x": 2}),
        ([OUTPUT, "text"], "text"),
        (["text", OUTPUT], {"x": 0}),
        ([OUTPUT, None], {"x": 0}),
    ],
)
def test_the_mapping_that_a_function_gives_merges_with_those_of_other_layers(
    values: list[Value], expected: Value
) -> None:
    assert settled([{"v": value} for value in values], given={"x": 0}) == expected


@pytest.mark.parametrize(
    ("lists", "expected"),
    [(REPLACE, [1, 2]), (APPEND, [0, 1, 2, 3]), (MERGE, [3, 2])],
)
def test_the_list_that_a_function_gives_follows_the_strategy(lists: ListStrategy, expected: list[int]) -> None:
    layers: list[Section] = [{"v": [0]}, {"v": OUTPUT}]
    if lists is not REPLACE:
        layers.append({"v": [3]})
    assert settled(layers, lists, given=[1, 2]) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([OUTPUT, {"a": 1}, {"b": 2}], {"b": 2}),
        ([{"a": 1}, OUTPUT, {"b": 2}], OUTPUT),
        ([{"a": 1}, OUTPUT], OUTPUT),
        ([[1], OUTPUT], OUTPUT),
    ],
)
def test_a_function_without_a_value_is_a_text_like_any_other(values: list[Value], expected: Value) -> None:
    assert settled([{"v": value} for value in values]) == expected


@pytest.mark.parametrize(
    "tag",
    ["!template", "!terraform.output", "!terraform.state", "!store", "!store.get", "!exec", "!env", "!labels", "!tags"],
)
def test_every_function_that_is_evaluated_after_the_merge_waits_for_its_value(tag: str) -> None:
    call = FunctionCall(tag, "a b")
    assert merge_layers([{"v": call}, {"v": {"a": 1}}], REPLACE)[1] == {("v",): Deferred([call, {"a": 1}], REPLACE)}
    assert merge_layers([{"v": call}, {"v": None}], REPLACE) == ({"v": call}, {})


def test_what_is_no_such_function_waits_for_nothing() -> None:
    assert merge_layers([{"v": "!random 1 2"}, {"v": {"a": 1}}], REPLACE) == ({"v": {"a": 1}}, {})


def test_what_is_beside_a_function_merges_as_ever() -> None:
    merged, _ = merge_layers([{"m": {"a": 1, "f": OUTPUT}}, {"m": {"b": {"c": 2}}}, {"m": {"b": {"d": 3}}}], REPLACE)
    assert merged == {"m": {"a": 1, "f": OUTPUT, "b": {"c": 2, "d": 3}}}


def test_replacing_a_mapping_that_has_a_function_in_it_is_refused() -> None:
    with pytest.raises(NotAMapping, match=r"cannot navigate path: v.m is not a map .* the function of v.m.f"):
        merge_layers([{"v": {"m": {"f": OUTPUT}}}, {"v": {"m": "text"}}], REPLACE)


@given(st.lists(nested_maps, max_size=4), list_strategies)
def test_layers_without_functions_merge_plainly(layers: list[Section], lists: ListStrategy) -> None:
    assert merge_layers(layers, lists) == (merge_all(layers, lists), {})


def test_a_component_merges_what_its_function_gives_over_its_base(only: Only) -> None:
    app = only(
        """
        vars: {tags: {org: acme}}
        components:
          terraform:
            base: {vars: {tags: !template '{"team": "core", "org": "x"}', kept: !terraform.output vpc id}}
            app: {metadata: {inherits: [base]}, vars: {tags: {app: a}, kept: null}}
        """
    )
    assert app.vars == {"tags": {"org": "x", "team": "core", "app": "a"}, "kept": "!terraform.output vpc id"}


def test_the_error_names_component_and_key(repository: Open) -> None:
    manifest = """
        components:
          terraform:
            base: {vars: {m: {f: !terraform.output vpc id}}}
            app:
              metadata: {inherits: [base]}
              vars:
                m: text
    """
    (error,) = repository({"stacks/deploy/dev.yaml": manifest}).resolve().errors
    assert error.where is not None
    assert (error.where.component, error.where.key, error.where.line) == ("app", "vars.m", 8)


TEMPLATES = (
    ATMOS.replace("base_path: stacks", "base_path: stacks\n  name_template: '{{ .vars.stage }}'")
    + """
templates: {settings: {enabled: true, sprig: {enabled: true}}}
"""
)


def test_templates_in_functions_that_wait_are_rendered_before_they_merge(only: Only) -> None:
    app = only(
        """
        vars: {stage: dev}
        settings: {x: {k: from-settings, l: 2}}
        components:
          terraform:
            base: {vars: {a: !template '{{ toJson .settings.x }}', c: !template '{{ toJson .settings.x }}'}}
            app:
              metadata: {inherits: [base]}
              vars: {a: {k: own}, b: '{{ .vars.a.k }}', c: {nested: !template '{{ .vars.stage }}', plain: 1}}
        """,
        {"atmos.yaml": TEMPLATES},
    )
    assert app.vars == {
        "stage": "dev",
        "a": {"k": "own", "l": 2},
        "b": "own",
        "c": {"k": "from-settings", "l": 2, "nested": "dev", "plain": 1},
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'  dev  '", "dev"),
        ("|\n            {{ .vars.stage }}  \n\n", "dev"),
        ("""'{{ "  " }}{{ .vars.stage }}{{ "\\n" }}'""", "dev"),
        ("""'{{ " " }}[1, "{{ .vars.stage }}"]{{ " " }}'""", [1, "dev"]),
        ("""'"{{ .vars.stage }} "'""", "dev "),
    ],
)
def test_the_rendered_text_of_a_template_function_is_trimmed_then_decoded(only: Only, text: str, value: object) -> None:
    # Atmos: getStringAfterTag, then json.Unmarshal (internal/exec/yaml_func_template.go)
    manifest = f"vars: {{stage: dev}}\ncomponents:\n  terraform:\n    app:\n      vars:\n        v: !template {text}\n"
    assert only(manifest, {"atmos.yaml": TEMPLATES}).vars["v"] == value


def test_names_of_stacks_are_made_of_the_text_of_functions(repository: Open) -> None:
    manifest = "vars: {stage: test}\ncomponents: {terraform: {app: {vars: {stage: !env STAGE}}}}"
    opened = repository({"atmos.yaml": TEMPLATES, "stacks/deploy/dev.yaml": manifest}, env={"STAGE": "x"})
    assert opened.stack_names() == ("!env STAGE",)


def test_functions_that_are_not_evaluated_stay_as_the_text_that_counts(repository: Open) -> None:
    manifest = "vars: {stage: dev, a: {x: 1}}\ncomponents: {terraform: {app: {vars: {a: !exec echo}}}}"
    opened = repository({"atmos.yaml": TEMPLATES, "stacks/deploy/dev.yaml": manifest})
    (stack,) = opened.resolve(process_functions=False).stacks.values()
    assert stack.components["terraform"]["app"].vars["a"] == "!exec echo"
