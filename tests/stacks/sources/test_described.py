from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from secrets_pipeline.cli.describe.masking import MASK
from secrets_pipeline.errors import StackError
from secrets_pipeline.golang.values import Value
from secrets_pipeline.golang.yaml.tags import FunctionCall
from secrets_pipeline.stacks.functions.functions import FunctionEvaluator
from secrets_pipeline.stacks.sources.described import MASKS, DescribedStacks

CANARY = "canary-Zx81-literal-value"


def described(text: str, *, env: Mapping[str, str] | None = None, name: str = "stacks.json") -> DescribedStacks:
    return DescribedStacks.parse(text, name, FunctionEvaluator(env or {}, Path("/"), None, allow_exec=False))


def of(sections: Value, *, stack: str = "dev", kind: str = "terraform", component: str = "app") -> str:
    return json.dumps({stack: {"components": {kind: {component: sections}}}})


def only_error(text: str) -> StackError:
    (error,) = described(text).resolve().errors
    return error


def test_a_component_says_what_the_description_says() -> None:
    sections = {
        "vars": {"a": [1, None, True]},
        "settings": {"s": 1.5},
        "metadata": {"component": "vpc", "enabled": False},
        "component": "vpc",
        "atmos_manifest": "orgs/acme/dev",
    }
    stack = described(of(sections)).resolve().stacks["dev"]
    component = stack.components["terraform"]["app"]
    assert component.sections == sections
    assert (component.vars, component.settings) == ({"a": [1, None, True]}, {"s": 1.5})
    assert (component.base, component.enabled, component.manifest) == ("vpc", False, "orgs/acme/dev")
    assert stack.files == ("stacks.json",)


def test_a_component_without_the_section_that_names_its_base_is_its_own() -> None:
    component = described(of({"vars": {}})).stack("dev").components["terraform"]["app"]
    assert component.base == "app"
    assert component.manifest == "stacks.json"


def test_function_texts_are_functions_again_and_the_local_ones_are_evaluated() -> None:
    text = of({"vars": {"id": "!terraform.output vpc vpc_id", "who": ["!env WHO"]}, "env": {"WHO": "me"}})
    variables = described(text).stack("dev").components["terraform"]["app"].vars
    assert variables["who"] == ["me"]
    call = variables["id"]
    assert isinstance(call, FunctionCall)
    assert (call.tag, call.args) == ("!terraform.output", "vpc vpc_id")


def test_functions_stay_calls_where_they_are_not_processed() -> None:
    resolved = described(of({"vars": {"who": "!env WHO"}}), env={"WHO": "me"}).resolve(process_functions=False)
    who = resolved.stacks["dev"].components["terraform"]["app"].vars["who"]
    assert isinstance(who, FunctionCall)
    assert who == "!env WHO"


def test_only_the_stacks_asked_for_are_resolved_and_a_stack_is_the_same_object_each_time() -> None:
    text = json.dumps({name: {"components": {"terraform": {"app": {}}}} for name in ("b", "a", "c")})
    stacks = described(text)
    assert stacks.stack_names() == ("a", "b", "c")
    assert list(stacks.resolve(["c", "a"]).stacks) == ["a", "c"]
    assert stacks.stack("a") is stacks.stack("a")


def test_a_stack_without_components_is_left_out() -> None:
    text = json.dumps({"none": {}, "null": {"components": {"terraform": None}}, "dev": json.loads(of({}))["dev"]})
    assert list(described(text).resolve().stacks) == ["dev"]


def test_yaml_is_read_as_json_is() -> None:
    tree = {"dev": {"components": {"terraform": {"app": {"vars": {"on": "yes", "n": 1, "id": "!store s c k"}}}}}}
    as_yaml = described(yaml.safe_dump(tree)).resolve().stacks
    assert as_yaml == described(json.dumps(tree)).resolve().stacks
    tagged = described("dev: {components: {terraform: {app: {vars: {on: yes, n: 1, id: !store s c k}}}}}")
    assert tagged.resolve().stacks == as_yaml


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("", "it is empty", None),
        (" \n", "it is empty", None),
        ("[]", "the top level is not a mapping", None),
        ("just text", "the top level is not a mapping", None),
        ('{"dev":\n {,}}', "not valid JSON: Expecting property name enclosed in double quotes (column 3)", 2),
        ('{} {"more": 1}', "not valid JSON: Extra data (column 4)", 1),
        ('{"dev": {}, "prod": {}, "dev": {}}', "not valid JSON: a key of a mapping is there twice", None),
        ('{"dev": NaN}', "not valid JSON: NaN is not JSON", None),
        ('{"dev": ' + "[" * 200_000, "not valid JSON: nested too deeply", None),
        ('{"dev": ' + "[" * 300 + "]" * 300 + "}", "nested deeper than 200 levels", None),
        ("dev: " + "[" * 300 + "]" * 300, "nested too deeply: more than 200", 1),
        ("dev: {}\ndev: {}\n", "not valid YAML: this mapping key is already defined", 2),
        ("dev: !nope x", "not valid YAML: unsupported YAML tag: an unknown tag", 1),
    ],
)
def test_what_is_no_description_is_an_error_with_its_place(text: str, message: str, line: int | None) -> None:
    with pytest.raises(StackError) as caught:
        described(text)
    assert message in caught.value.message
    assert caught.value.where is not None
    assert (caught.value.where.file, caught.value.where.line) == ("stacks.json", line)
    assert "atmos describe stacks" in caught.value.remedy


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('{"a-b": 1}', '."a-b"'),
        ('{"dev": {"components": []}}', None),
        ('{"dev": {"components": [1]}}', ".dev.components"),
        ('{"dev": {"components": {"terraform": "x"}}}', ".dev.components.terraform"),
        (of([1]), ".dev.components.terraform.app"),
        (of({"vars": "x"}, component="secretsmanager/app"), '.dev.components.terraform."secretsmanager/app".vars'),
        (of({"metadata": [1]}), ".dev.components.terraform.app.metadata"),
    ],
)
def test_what_is_no_mapping_is_an_error_with_its_path(text: str, key: str | None) -> None:
    resolution = described(text).resolve()
    assert resolution.stacks == {}
    assert [(error.where.key, error.where.file) for error in resolution.errors if error.where] == (
        [(key, "stacks.json")] if key else []
    )


def test_a_broken_stack_does_not_hide_the_others_and_names_every_error() -> None:
    tree = {**json.loads(of({})), "bad": {"components": {"terraform": {"one": {"vars": 1}, "two": {"env": 2}}}}}
    resolution = described(json.dumps(tree)).resolve()
    assert list(resolution.stacks) == ["dev"]
    assert [error.where.component for error in resolution.errors if error.where] == ["one", "two"]
    with pytest.raises(StackError, match="component one"):
        described(json.dumps(tree)).stack("bad")


def test_a_function_that_is_called_wrongly_is_an_error_at_its_key() -> None:
    error = only_error(of({"vars": {"list": ["x", {"who": "!env A B C"}]}}))
    assert "invalid number of arguments" in error.message
    assert error.where is not None
    assert error.where.key == ".dev.components.terraform.app.vars.list[1].who"
    assert error.where.component == "app"


def test_an_unknown_stack_names_near_misses() -> None:
    with pytest.raises(StackError, match=r"there is no stack 'shop-de' in stacks\.json(?s:.*)Did you mean shop-dev\?"):
        described(of({}, stack="shop-dev")).stack("shop-de")


def test_a_place_is_a_path_as_jq_takes_it() -> None:
    stacks = described(of({"vars": {"a b": [{"é": 1}]}}, component="secretsmanager/app"))
    component = stacks.stack("dev").components["terraform"]["secretsmanager/app"]
    place = stacks.locate(component, ("vars", "a b", 0, "é"))
    assert place.key == '.dev.components.terraform."secretsmanager/app".vars."a b"[0]."\\u00e9"'
    assert (place.file, place.stack, place.component) == ("stacks.json", "dev", "secretsmanager/app")


@pytest.mark.parametrize("mask", [*MASKS, "https://user:<MASKED>@host"])
def test_a_masked_value_never_becomes_a_secret(mask: str) -> None:
    error = only_error(of({"vars": {"secrets": {"db": {"secret_data": {"pin": [mask]}}}}}))
    assert "a value that was not printed" in error.message
    assert error.remedy.startswith("Print it with")
    assert error.where is not None
    assert error.where.key == ".dev.components.terraform.app.vars.secrets.db.secret_data.pin[0]"


def test_what_describe_prints_for_a_value_is_known_as_a_mask() -> None:
    assert MASK in MASKS


def test_a_mask_elsewhere_is_text() -> None:
    assert described(of({"vars": {"note": MASK}, "env": {"KEY": "<MASKED>"}})).resolve().errors == ()


@pytest.mark.parametrize("text", ['{"dev": "' + CANARY, f'{{"dev": {{}}, "x": {CANARY}}}', f"dev: [{CANARY}"])
def test_no_error_quotes_the_description(text: str) -> None:
    with pytest.raises(StackError) as caught:
        described(text)
    assert CANARY not in str(caught.value)
    assert CANARY not in repr(caught.value.__cause__)


def test_a_component_that_fails_may_be_kept_with_its_failures() -> None:
    tree = json.loads(of({"vars": {"secrets": {"db": MASK}, "who": "!env A B C"}}))
    tree["dev"]["components"]["terraform"]["other"] = {"vars": {"x": 1}}
    kept = described(json.dumps(tree)).resolve(keep_failing=True)
    assert kept.errors == ()
    app, other = kept.stacks["dev"].components["terraform"].values()
    assert [failure.message.partition(":")[0] for failure in app.failures] == [
        f"{MASK} stands for a value that was not printed",
        "invalid number of arguments in the !env function",
    ]
    assert app.vars["who"] == "!env A B C"
    assert other.failures == ()
    assert described(json.dumps(tree)).stack("dev").components["terraform"]["app"].failures
    assert not described(json.dumps(tree)).resolve().stacks
