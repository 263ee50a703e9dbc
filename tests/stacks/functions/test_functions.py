from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from secrets_pipeline.golang.yaml.tags import FunctionCall
from secrets_pipeline.stacks import AtmosRepository
from secrets_pipeline.stacks.functions.functions import FunctionError, FunctionEvaluator, decoded
from tests.stacks.conftest import ATMOS, Only, Open, Write


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
        "!starlark x",
        "!git.url",
        "!store prod vpc id | default offline",
        '!terraform.state vpc dev .subnets[0] // "none"',
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
        ("!env", "invalid number of arguments in the !env function"),
        ("!env A b c", "invalid number of arguments in the !env function"),
        ("!env 'a", "invalid arguments of the !env function: a quote does not end"),
        (
            "!terraform.output vpc",
            "invalid number of arguments in the !terraform.output function: it takes 2 or 3, not 1",
        ),
        ("!terraform.state a b c d", "invalid number of arguments in the !terraform.state function"),
        ("!store prod vpc", "invalid number of arguments in the !store function: it takes 3 or 4, not 2"),
        ("!store prod vpc id | default", "invalid arguments of the !store function: `| default` takes one value"),
        ("!store.get prod", "invalid number of arguments in the !store.get function: it takes 2, not 1"),
        ("!secret", "invalid number of arguments in the !secret function"),
        ("!exec", "invalid number of arguments in the !exec function"),
        ("!random 1 2 3", "invalid number of arguments in the !random function: it takes 0 to 2, not 3"),
        ("!random a", "the !random function: they must be integers"),
        ("!random 5 5", "the !random function: the first is not less than the second"),
        ("!tags x", "invalid number of arguments in the !tags function: it takes 0, not 1"),
        ("!labels.keys x", "invalid number of arguments in the !labels.keys function"),
        ("!labels none", "the component has no label of that name"),
    ],
)
def test_wrong_arguments_name_the_key(repository: Open, value: str, message: str) -> None:
    tag, _, arguments = value.partition(" ")
    text = manifest(f"{tag} {json.dumps(arguments)}")
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


@pytest.mark.parametrize(
    ("value", "expected"),
    [("!labels a", 1), ("!labels z none", "none"), ("!labels z ''", ""), ("!labels '\"a b\"'", 2)],
)
def test_one_label_can_be_asked_for_with_a_default(only: Only, value: str, expected: object) -> None:
    text = manifest(value, "      metadata: {labels: {a: 1, 'a b': 2}}\n")
    assert only(text).vars["v"] == expected


def test_metadata_functions_of_a_component_without_any_are_empty(only: Only) -> None:
    app = only("components: {terraform: {app: {vars: {l: !labels , k: !labels.keys , t: !tags }}}}")
    assert app.vars == {"l": {}, "k": [], "t": []}


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [("!random", 0, 65535), ("!random 3", 0, 3), ("!random -2 -1", -2, -1), ("!random 7 9", 7, 9)],
)
def test_random_numbers_lie_between_their_limits(only: Only, value: str, low: int, high: int) -> None:
    assert low <= only(manifest(value)).vars["v"] <= high


def test_both_limits_of_random_numbers_are_drawn() -> None:
    evaluate = FunctionEvaluator({}, Path("/"), None, allow_exec=False)
    assert {evaluate(FunctionCall("!random", "1 2"), {}) for _ in range(200)} == {1, 2}


def test_labels_are_a_copy_of_their_own(only: Only) -> None:
    app = only("components: {terraform: {app: {metadata: {labels: {a: [1]}}, vars: {l: !labels }}}}")
    assert app.vars["l"]["a"] is not app.metadata["labels"]["a"]


def test_literal_text_is_neither_function_nor_template(only: Only) -> None:
    value = only(manifest("!literal '!env HOME {{ .x }}'")).vars["v"]
    assert (value, type(value)) == ("!env HOME {{ .x }}", str)


def test_cwd_and_repo_root_are_the_repository(only: Only, tmp_path: Path) -> None:
    app = only(
        "components: {terraform: {app: {vars: {c: !cwd , p: !cwd ./a/b, r: !repo-root , d: !repo-root no git}}}}"
    )
    assert app.vars == {"c": str(tmp_path), "p": str(tmp_path / "a" / "b"), "r": str(tmp_path), "d": "no git"}


def test_the_root_of_the_git_repository_wins_over_a_default(only: Only, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    app = only("components: {terraform: {app: {vars: {r: !repo-root x, g: !git.root }}}}")
    assert app.vars == {"r": str(tmp_path), "g": str(tmp_path)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1, 2]", [1, 2]),
        ('{"a": 1.0, "b": 1.5, "c": 1e3}', {"a": 1, "b": 1.5, "c": 1000}),
        ("true", True),
        ("plain", "plain"),
        ("NaN", "NaN"),
        ("1e400", "1e400"),
        ("9" * 5_000, "9" * 5_000),
    ],
)
def test_results_that_are_json_are_decoded_as_go_does(text: str, expected: object) -> None:
    found = decoded(text)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize("depth", [51, 900, 100_000])
def test_results_that_are_nested_too_deeply_are_errors(depth: int) -> None:
    with pytest.raises(FunctionError, match="nested too deeply: more than 50"):
        decoded("[" * depth + "]" * depth)
    assert isinstance(decoded("[" * 50 + "]" * 50), list)


def test_a_json_template_function_is_decoded(only: Only) -> None:
    assert only(manifest("!template '[1, 2]'")).vars["v"] == [1, 2]


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        (["{{- toJson .vars.list }}"], ["a", "b"]),
        (["{{- $x := .vars.list -}}", "{{- toJson $x -}}"], ["a", "b"]),
        (["{{- 42 }}"], 42),
        (["{{- range .vars.list }}", "{{- . }}", "{{- end }}"], "ab"),
        (["{{ toJson .vars.list }}"], ["a", "b"]),
    ],
)
def test_a_template_that_trims_the_blank_after_its_tag_is_a_native_value(
    write: Write, lines: list[str], value: object
) -> None:
    atmos = ATMOS + "templates: {settings: {enabled: true, sprig: {enabled: true}}}\n"
    text = "vars: {list: [a, b]}\ncomponents:\n  terraform:\n    app:\n      vars:\n        v: !template |\n"
    text += "".join(f"          {line}\n" for line in lines)
    root = write({"atmos.yaml": atmos, "stacks/deploy/dev.yaml": text})
    opened = AtmosRepository.open(root, env={})
    assert opened.stack("deploy/dev").components["terraform"]["app"].vars["v"] == value


def test_a_variable_that_may_not_be_read_is_not_an_empty_one(write: Write) -> None:
    manifest = """
        locals: {l: !env PASSWORD}
        components:
          terraform:
            app:
              env: {OWN: mine}
              vars:
                withheld: !env PASSWORD default
                text: 'x-{{ env "PASSWORD" | default "d" }}'
                local: "{{ .locals.l }}-y"
                own: !env OWN
                allowed: !env ALLOWED
                unset: !env UNSET
                number: !random 1 9
    """
    atmos = ATMOS + "templates: {settings: {enabled: true, sprig: {enabled: true}}}\n"
    folder = write({"atmos.yaml": atmos, "stacks/deploy/dev.yaml": manifest})
    opened = AtmosRepository.open(folder, env={"ALLOWED": "a", "UNSET": None}, withhold=True)
    assert opened.stack("deploy/dev").components["terraform"]["app"].vars == {
        "withheld": "!env PASSWORD default",
        "text": "x-<no value>",
        "local": "<no value>-y",
        "own": "mine",
        "allowed": "a",
        "unset": "",
        "number": "!random 1 9",
    }
