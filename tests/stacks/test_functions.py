from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from secrets_pipeline.stacks import FunctionCall

from .conftest import Only, Open


def manifest(value: str, more: str = "") -> str:
    return f"components:\n  terraform:\n    app:\n      vars:\n        v: {value}\n{more}"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("!env GIVEN", "yes"),
        ("!env OTHER", ""),
        ("!env OTHER fallback", "fallback"),
        ("!env OTHER 'two words'", "two words"),
        ("!env OF_COMPONENT", "component"),
        ("!env NUMBER", "8080"),
        ("'!env GIVEN'", "yes"),
        ("!env PATH none", "none"),
    ],
)
def test_env_reads_the_component_then_the_given_environment_then_the_default(
    only: Only, value: str, expected: str
) -> None:
    text = manifest(value, "      env: {OF_COMPONENT: component, NUMBER: 8080}\n")
    assert only(text, env={"GIVEN": "yes", "OF_COMPONENT": "process"}).vars["v"] == expected


def test_the_result_of_a_function_is_not_evaluated_again(only: Only) -> None:
    app = only("""
        components:
          terraform:
            app:
              env: {FIRST: !env GIVEN, SECOND: !env FIRST}
    """, env={"GIVEN": "g"})  # fmt: skip
    assert app.env == {"FIRST": "g", "SECOND": "!env GIVEN"}


@pytest.mark.parametrize(
    "text",
    [
        "!terraform.output vpc vpc_id",
        "!terraform.state vpc dev vpc_id",
        "!store prod vpc id",
        "!store.get prod key",
        "!secret DB_PASSWORD",
        "!aws.account_id",
        "!git.sha",
        "!version x",
        "!random 1 2",
    ],
)
def test_functions_that_need_the_outside_stay_as_calls(only: Only, text: str) -> None:
    call = only(manifest(text)).vars["v"]
    assert isinstance(call, FunctionCall)
    assert call == text
    assert call.tag == text.split(maxsplit=1)[0]
    assert json.dumps(call) == json.dumps(text)
    assert pickle.loads(pickle.dumps(call)).args == call.args  # noqa: S301 - our own bytes


def test_a_call_that_quoted_text_spells_is_one_too(only: Only) -> None:
    call = only(manifest("'!terraform.output vpc vpc_id'")).vars["v"]
    assert isinstance(call, FunctionCall)
    assert (call.tag, call.args) == ("!terraform.output", "vpc vpc_id")


def test_text_that_only_looks_like_a_call_is_text(only: Only) -> None:
    value = only(manifest("'!important, really'")).vars["v"]
    assert (value, type(value)) == ("!important, really", str)


def test_exec_stays_a_call_unless_allowed(only: Only) -> None:
    assert only(manifest("!exec echo 42")).vars["v"] == "!exec echo 42"


@pytest.mark.parametrize(
    ("value", "expected"),
    [("!exec echo 42", 42), ("!exec echo hello", "hello"), ("!exec printf '[1,2]'", [1, 2])],
)
def test_exec_gives_json_or_text_when_allowed(only: Only, value: str, expected: object) -> None:
    assert only(manifest(value), allow_exec=True).vars["v"] == expected


def test_exec_sees_only_the_given_environment(only: Only, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", "leaked")
    assert only(manifest('!exec echo "[$CANARY][$GIVEN]"'), env={"GIVEN": "g"}, allow_exec=True).vars["v"] == "[][g]"


def test_a_failing_command_is_an_error_without_its_output(repository: Open) -> None:
    opened = repository({"stacks/deploy/dev.yaml": manifest("!exec echo canary; exit 3")}, allow_exec=True)
    (error,) = opened.resolve().errors
    assert error.message == "!exec ended with exit status 3"
    assert error.where is not None
    assert (error.where.line, error.where.component, error.where.key) == (5, "app", "vars.v")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("!env", "invalid number of arguments in !env"),
        ("!env A b c", "invalid number of arguments in !env"),
        ("!env 'a", "invalid arguments"),
    ],
)
def test_wrong_arguments_name_the_key(repository: Open, value: str, message: str) -> None:
    text = manifest(f'{value.split(maxsplit=1)[0]} "{" ".join(value.split()[1:])}"')
    (error,) = repository({"stacks/deploy/dev.yaml": text}).resolve().errors
    assert message in error.message
    assert error.where is not None
    assert (error.where.file, error.where.line, error.where.key) == ("stacks/deploy/dev.yaml", 5, "vars.v")


def test_functions_stay_when_they_are_not_to_be_processed(repository: Open) -> None:
    opened = repository({"stacks/deploy/dev.yaml": manifest("!env GIVEN")}, env={"GIVEN": "x"})
    found = opened.resolve(process_functions=False)
    assert found.stacks["deploy/dev"].components["terraform"]["app"].vars["v"] == "!env GIVEN"


def test_metadata_functions_read_the_component(only: Only) -> None:
    app = only("""
        components:
          terraform:
            app:
              metadata: {labels: {b: 2, a: 1}, tags: [x, y]}
              vars: {l: !labels , k: !labels.keys , v: !labels.values , t: !tags }
    """)
    assert app.vars == {"l": {"a": 1, "b": 2}, "k": ["a", "b"], "v": [1, 2], "t": ["x", "y"]}


def test_labels_are_a_copy_of_their_own(only: Only) -> None:
    app = only("components: {terraform: {app: {metadata: {labels: {a: [1]}}, vars: {l: !labels }}}}")
    assert app.vars["l"]["a"] is not app.metadata["labels"]["a"]


def test_literal_text_is_neither_function_nor_template(only: Only) -> None:
    value = only(manifest("!literal '!env HOME {{ .x }}'")).vars["v"]
    assert (value, type(value)) == ("!env HOME {{ .x }}", str)


def test_cwd_and_repo_root_are_the_repository(only: Only, tmp_path: Path) -> None:
    app = only("components: {terraform: {app: {vars: {c: !cwd , r: !repo-root , d: !repo-root fallback}}}}")
    assert app.vars == {"c": str(tmp_path), "r": str(tmp_path), "d": "fallback"}


def test_a_json_template_function_is_decoded(only: Only) -> None:
    assert only(manifest("!template '[1, 2]'")).vars["v"] == [1, 2]
