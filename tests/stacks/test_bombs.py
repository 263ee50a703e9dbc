"""Small repositories that would cost without end: each has stacks, or an error of ours, soon."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from typing import Final

import pytest

from secrets_pipeline.errors import StackError
from secrets_pipeline.golang.failure import TemplateError
from secrets_pipeline.golang.limits import Spending
from secrets_pipeline.golang.template.functions.environment import RenderingEnvironment
from secrets_pipeline.golang.template.functions.libraries import sprig
from secrets_pipeline.golang.template.functions.namespaces.library import gomplate
from secrets_pipeline.golang.template.template import parse
from secrets_pipeline.golang.values import Value
from secrets_pipeline.stacks import amounts
from secrets_pipeline.stacks.amounts import Amounts, TooMuch, make
from secrets_pipeline.stacks.config import config_files
from secrets_pipeline.stacks.config.config import load_config
from secrets_pipeline.stacks.config.config_files import find_config
from secrets_pipeline.stacks.files.disk import read_text
from secrets_pipeline.stacks.files.files import Files
from secrets_pipeline.stacks.files.globs import compiled
from secrets_pipeline.stacks.functions import yq
from secrets_pipeline.stacks.manifests.includes import Parser
from secrets_pipeline.stacks.templates.rendering import render_section
from secrets_pipeline.stacks.templates.templates import with_values
from tests.stacks.conftest import ATMOS, Only, Open, Write

TEMPLATES = ATMOS + "templates: {settings: {enabled: true, evaluations: 1000000000}}\n"


def imports_twice(levels: int, *, context: str = "", more: str = "") -> Mapping[str, str]:
    """Files each of which imports the next one twice: the last is merged two to the power of `levels` times."""
    files = {
        f"stacks/c/{level}.yaml": f"import: [{{path: c/{level + 1}, {context}}}, c/{level + 1}]\n{more}"
        for level in range(levels)
    }
    stack = "import: [c/0]\ncomponents: {terraform: {app: {}}}"
    return {**files, f"stacks/c/{levels}.yaml": "vars: {a: [1]}", "stacks/deploy/dev.yaml": stack}


ENVIRONMENT = RenderingEnvironment({}, lambda: datetime.now(UTC), SystemRandom())
FUNCTIONS = {**gomplate(ENVIRONMENT), **sprig(ENVIRONMENT)}


def rendered(template: str, most: int) -> str:
    """What a template prints with that budget beyond what it has for nothing."""
    return parse(template, functions=FUNCTIONS).render({}, functions=FUNCTIONS, spending=Spending(most))


def inherits(count: int, bases: str) -> str:
    """Components each of which inherits from the one before it."""
    components = [f"    c{n}: {{metadata: {{inherits: [{bases.format(n - 1)}]}}}}\n" for n in range(1, count)]
    return "".join(["components:\n  terraform:\n    c0: {vars: {a: [1]}}\n", *components])


def only_message(repository: Open, files: Mapping[str, str]) -> str:
    found = repository(files).resolve()
    assert not found.stacks
    (error,) = found.errors
    return error.message


def test_a_file_that_is_imported_along_many_ways_is_merged_along_each(repository: Open) -> None:
    files = {**imports_twice(10), "atmos.yaml": ATMOS + "settings: {list_merge_strategy: append}"}
    (stack,) = repository(files).resolve().stacks.values()
    assert stack.components["terraform"]["app"].vars == {"a": [1] * 2**10}


@pytest.mark.parametrize(
    ("context", "more"),
    [
        ("", ""),
        ("context: {a: 1}", ""),
        ("", "terraform: {overrides: {vars: {o: 1}}}"),
        ("", "locals: {a: 1}"),
    ],
)
def test_imports_that_double_at_each_level_are_refused(repository: Open, context: str, more: str) -> None:
    found = only_message(repository, imports_twice(40, context=context, more=more))
    assert found.startswith("more than 10000 files to merge")


def test_an_endless_chain_of_imports_is_refused(repository: Open) -> None:
    files = {f"stacks/c/{level}.yaml": f"import: [c/{level + 1}]" for level in range(1_000)}
    stack = {"stacks/deploy/dev.yaml": "import: [c/0]", "stacks/c/1000.yaml": "{}"}
    assert only_message(repository, {**files, **stack}) == "more than 100 manifests import each other in a row"


def configured(levels: int, times: int) -> Mapping[str, str]:
    """Files of the configuration, each of which imports the next one so often."""
    imports = {"atmos.yaml": ATMOS + f"import: [{', '.join(['c0.yaml'] * times)}]\n"}
    imports |= {f"c{n}.yaml": f"import: [{', '.join([f'c{n + 1}.yaml'] * times)}]\n" for n in range(levels)}
    return {**imports, f"c{levels}.yaml": "logs: {level: Debug}\n"}


@pytest.mark.parametrize(
    ("levels", "times", "message"),
    [
        (
            40,
            2,
            "more than 20 files of the configuration to merge: files that are imported several times import others",
        ),
        (100, 1, "more than 100 files of the configuration import each other in a row"),
        (1_200, 1, "more than 100 files of the configuration import each other in a row"),
    ],
)
def test_imports_of_the_configuration_without_end_are_refused(
    write: Write, monkeypatch: pytest.MonkeyPatch, levels: int, times: int, message: str
) -> None:
    if times > 1:
        monkeypatch.setattr(config_files, "MOST_MERGES", 20)
    with pytest.raises(StackError) as raised:
        load_config(write(configured(levels, times)), {})
    assert raised.value.message.startswith(message)
    assert raised.value.where is not None
    assert str(raised.value.where.file).startswith("c")


def test_a_hundred_files_of_the_configuration_in_a_row_are_read_and_each_once_for_all_its_imports(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(find_config(write(configured(99, 1)), {}).files) == 101
    root = write(configured(5, 2))
    read: list[str] = []

    def noted(path: str) -> str:
        read.append(Path(path).name)
        return read_text(path)

    monkeypatch.setattr(config_files, "read_text", noted)
    assert len(find_config(root, {}).files) == 1 + sum(2**level for level in range(1, 7))
    assert sorted(read) == ["atmos.yaml", *(f"c{level}.yaml" for level in range(6))]


@pytest.mark.parametrize(("count", "bases"), [(60, "c{0}, c{0}"), (300, "c{0}")])
@pytest.mark.parametrize("lists", ["replace", "append"])
def test_inheritance_without_end_is_refused(repository: Open, count: int, bases: str, lists: str) -> None:
    atmos = ATMOS + f"settings: {{list_merge_strategy: {lists}}}"
    found = repository({"atmos.yaml": atmos, "stacks/deploy/dev.yaml": inherits(count, bases)}).resolve()
    assert {error.message.partition(":")[0] for error in found.errors} == {"too many base components"}


def test_a_hundred_components_in_a_row_are_not_without_end(repository: Open) -> None:
    found = repository({"stacks/deploy/dev.yaml": inherits(101, "c{0}")}).resolve()
    assert found.errors == ()
    assert len(found.stacks["deploy/dev"].components["terraform"]["c100"].sections["inheritance"]) == 100


@pytest.mark.parametrize("value", ["{a: " * 5_000 + "}" * 5_000, "[" * 5_000 + "]" * 5_000])
def test_five_thousand_levels_are_refused(repository: Open, value: str) -> None:
    files = {"stacks/deploy/dev.yaml": f"components: {{terraform: {{app: {{vars: {{a: {value}}}}}}}}}"}
    assert only_message(repository, files).startswith("invalid stack manifest: ")


def test_ten_megabytes_of_text_are_read(only: Only) -> None:
    text = "a" * 10_000_000
    assert only(f"components: {{terraform: {{app: {{vars: {{a: '{text}'}}}}}}}}").vars == {"a": text}


def test_many_keys_are_read(only: Only) -> None:
    keys = "".join(f"  k{number}: {number}\n" for number in range(20_000))
    app = only(f"vars:\n{keys}components: {{terraform: {{app: {{vars: {{k7: x}}}}, b: {{vars: {{k8: x}}}}}}}}")
    assert len(app.vars) == 20_000
    assert (app.vars["k7"], app.vars["k8"]) == ("x", 8)


def test_evaluations_end_where_nothing_changes(only: Only) -> None:
    app = only("components: {terraform: {app: {vars: {a: 'x{{ 1 }}'}}}}", {"atmos.yaml": TEMPLATES})
    assert app.vars == {"a": "x1"}


def test_evaluations_that_never_end_are_refused(repository: Open) -> None:
    manifest = "components: {terraform: {app: {vars: {a: '{{ .vars.a }}{{ len .stack }}'}}}}"
    files = {"atmos.yaml": TEMPLATES, "stacks/deploy/dev.yaml": manifest}
    assert only_message(repository, files) == "template: the text still changes after 100 evaluations"


def test_components_that_fail_because_of_each_other_fail_once_each(repository: Open) -> None:
    failing = "    c0: {vars: {a: '{{ fail \"broken\" }}'}}\n"
    chain = [
        f"    c{n}: {{vars: {{a: '{{{{ (atmos.Component \"c{n - 1}\" .stack).vars.a }}}}'}}}}\n" for n in range(1, 20)
    ]
    atmos = ATMOS + "templates: {settings: {enabled: true, sprig: {enabled: true}}}"
    manifest = "".join(["components:\n  terraform:\n", *reversed(chain), failing])
    found = repository({"atmos.yaml": atmos, "stacks/deploy/dev.yaml": manifest}).resolve()
    assert len(found.errors) == 20
    assert all("broken" in error.message for error in found.errors)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ("{'<% if false %>a': 1, b: '<% end %>'}", None),
        ("{'<% if false %>a': 1, b: '<% end %>text'}", "the section vars is of another type"),
    ],
)
def test_templates_do_not_change_what_a_section_is(repository: Open, variables: str, message: str | None) -> None:
    atmos = ATMOS + 'templates: {settings: {enabled: true, delimiters: ["<%", "%>"]}}'
    manifest = f"components: {{terraform: {{app: {{vars: {variables}}}}}}}"
    found = repository({"atmos.yaml": atmos, "stacks/deploy/dev.yaml": manifest}).resolve()
    messages = [error.message for error in found.errors]
    assert messages == ([] if message is None else [f"{message} after its templates were rendered"])


def test_unset_takes_items_from_lists_and_sections_from_components(only: Only) -> None:
    app = only("components: {terraform: {app: {metadata: !unset , vars: {a: [1, !unset , {b: !unset }]}}}}")
    assert app.vars == {"a": [1, {}]}
    assert app.metadata == {}


@pytest.mark.parametrize(
    "pattern", ["{" * 3_000 + "a" + "}" * 3_000, "{a," * 3_000 + "a" + "}" * 3_000, "{a,b}" * 3_000, "{" * 3_000]
)
def test_braces_within_each_other_are_refused(repository: Open, pattern: str) -> None:
    with pytest.raises(StackError, match="it has too many braces") as raised:
        repository({"atmos.yaml": ATMOS.replace("deploy/**/*", pattern)}).resolve()
    assert len(str(raised.value)) < 1_000


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("a" * 4_096 + "*", "it is longer than 4096 characters"),
        ("a" * 1_000 + "{" + ",".join(map(str, range(200))) + "}", "its alternatives are too long"),
        ("a" * 3_900 + "{,b}" * 6, "its alternatives are too long"),
    ],
)
def test_long_globs_and_many_alternatives_of_long_ones_are_refused(
    repository: Open, pattern: str, problem: str
) -> None:
    stack = {"stacks/deploy/dev.yaml": f"import: ['{pattern}']\n"}
    message = only_message(repository, stack)
    assert message.endswith(f": {problem}")
    assert len(message) < 300


def test_many_short_alternatives_are_matched() -> None:
    accounts = ",".join(f"account-{number}" for number in range(300))
    matches = compiled(f"orgs/acme/{{{accounts}}}/{{dev,test,prod}}.yaml")
    assert matches("orgs/acme/account-299/prod.yaml")
    assert not matches("orgs/acme/account-300/prod.yaml")
    assert compiled("a" * 4_095 + "*")("a" * 4_095)


@pytest.mark.parametrize("name", ["a" * 5_000, "a\\0b", "\\0/../../../etc"])
@pytest.mark.parametrize(
    ("key", "atmos"),
    [
        ("base_path", ATMOS.replace('"."', '"NAME"')),
        ("stacks", ATMOS.replace("base_path: stacks", 'base_path: "NAME"')),
        ("pattern", ATMOS.replace("deploy/**/*", "NAME/*")),
        ("import", ATMOS + 'import: ["NAME"]\n'),
        ("glob", ATMOS + 'import: ["NAME/*"]\n'),
        ("profile", ATMOS + 'profiles: {default: "NAME"}\n'),
        ("profiles", ATMOS + 'profiles: {base_path: "NAME", default: x}\n'),
    ],
)
def test_names_that_no_file_can_have_are_errors_of_ours(repository: Open, name: str, key: str, atmos: str) -> None:
    files = {"atmos.yaml": atmos.replace("NAME", name), "stacks/deploy/dev.yaml": "components: {terraform: {a: {}}}"}
    try:
        found = repository(files).resolve()
    except StackError:
        return
    assert key in ("import", "glob")  # which match no file, as in Atmos
    assert list(found.stacks) == ["deploy/dev"]


def doubled(levels: int, value: str) -> Mapping[str, str]:
    """Files each of which includes the next one twice."""
    files = {f"f{n}.yaml": f"a: !include f{n + 1}.yaml\nb: !include f{n + 1}.yaml\n" for n in range(levels)}
    return {**files, f"f{levels}.yaml": value}


def including(*values: str) -> str:
    variables = ", ".join(f"v{number}: {value} " for number, value in enumerate(values))
    return f"components: {{terraform: {{app: {{vars: {{{variables}}}}}}}}}"


@pytest.mark.parametrize("levels", [21, 40])
def test_includes_that_double_at_each_level_are_refused(repository: Open, levels: int) -> None:
    files = {**doubled(levels, "x: 1"), "stacks/deploy/dev.yaml": including("!include f0.yaml")}
    assert "included files and aliases give more than 2000000 values" in only_message(repository, files)


def test_an_included_file_counts_as_often_as_it_is_included_and_its_texts_by_length(repository: Open) -> None:
    once = {"data": "x" * 1_000_000, "stacks/deploy/dev.yaml": including(*["!include data"] * 180)}
    assert repository(once).resolve().errors == ()
    more = {f"stacks/deploy/{name}.yaml": including(*["!include data"] * 120) for name in ("dev", "prod")}
    found = repository({**once, **more}).resolve()
    assert ["included files and aliases give more than" in error.message for error in found.errors] == [True]
    assert list(found.stacks) == ["deploy/dev"]


def test_an_expression_over_an_included_file_is_evaluated_once(write: Write) -> None:
    root = write({"a.json": '{"x": [{"y": 1}, {"y": 2}]}'})
    text = 'a: !include a.json "[.x[].y]"\nb: !include a.json "[.x[].y]"\n'
    parsed = Parser(Files(root), Amounts()).parse(text, root / "m.yaml")
    assert parsed["a"] == [1, 2]
    assert parsed["a"] is parsed["b"]


def test_templates_of_a_repository_have_a_budget_together(repository: Open) -> None:
    looping = {f"stacks/deploy/s{number:02}.yaml": including("'{{ $x := until 900000 }}'") for number in range(8)}
    cheap = {"stacks/deploy/zz.yaml": including("'{{ range until 100 }}a{{ end }}'")}
    atmos = ATMOS + "templates: {settings: {enabled: true, sprig: {enabled: true}}}\n"
    found = repository({"atmos.yaml": atmos, **looping, **cheap}).resolve()
    texts = {error.message.partition(": ")[2].partition("templates")[2] for error in found.errors}
    problem = " with a cost of more than 5000000 steps in one repository are not supported"
    assert texts == {f"{problem}: loop less, or over smaller lists and texts"}
    assert len(found.errors) in range(2, 6)
    assert found.stacks["deploy/zz"].components["terraform"]["app"].vars == {"v0": "a" * 100}


def test_templates_without_loops_cost_nothing() -> None:
    functions = {"upper": str.upper}
    spent = Spending(0)
    straight = parse("{{ .a }}{{ upper .a }}" * 10_000, functions=functions)
    loops = parse("{{ range .l }}{{ upper $.a }}{{ end }}", functions=functions)
    for _ in range(3):
        assert straight.render({"a": "x"}, functions=functions, spending=spent) == "xX" * 10_000
        assert loops.render({"a": "x", "l": [1] * 100}, functions=functions, spending=spent) == "X" * 100
        with pytest.raises(TemplateError, match="templates with a cost of more than"):
            loops.render({"a": "x", "l": [1] * 1_000}, functions=functions, spending=spent)


def test_aliases_that_multiply_have_a_budget_of_the_repository(repository: Open) -> None:
    anchors = "x0: &x0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
        f"x{level}: &x{level} [{', '.join([f'*x{level - 1}'] * 10)}]\n" for level in range(1, 5)
    )
    files = {f"stacks/deploy/{name}.yaml": f"{anchors}{including('1')}" for name in "abcdefghijklmnopqrstuvwxyz"}
    found = repository(files).resolve()
    assert 10 < len(found.stacks) < 26
    assert len(found.errors) == 26 - len(found.stacks)
    assert all("included files and aliases give more than 2000000 values" in error.message for error in found.errors)


def test_hcl_that_would_be_read_for_minutes_is_refused(repository: Open) -> None:
    files = {"a.tfvars": f"a = [{'1,' * 5_000_000}]\n", "stacks/deploy/dev.yaml": including("!include a.tfvars")}
    found = repository(files).resolve()
    (error,) = found.errors
    assert "included HCL files have more than 250000 characters in this repository" in error.message
    assert error.where is not None
    assert error.where.file == "a.tfvars"


def test_hcl_of_a_repository_has_a_limit_together(repository: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(amounts, "MOST_HCL", 500)
    monkeypatch.setattr(amounts, "FREE_HCL", 0)
    many = {f"{n}.tfvars": f"a = {'1' * 90}\n" for n in range(9)}
    stacks = {f"stacks/deploy/s{n}.yaml": including(f"!include {n}.tfvars", f"!include {n}.tfvars") for n in range(9)}
    last = {"b.hcl": "b = 1", "stacks/deploy/z.yaml": including("!include b.hcl")}
    found = repository({**many, **stacks, **last}).resolve()
    assert list(found.stacks) == [*(f"deploy/s{n}" for n in range(5)), "deploy/z"]
    assert len(found.errors) == 4


NUMBERS = json.dumps({"x": list(range(100))})
GREEDY: Mapping[str, tuple[int, Mapping[str, str], list[str], str]] = {
    "MOST_HCL": (
        500,
        {"a.hcl": "a = 1\n", "b.hcl": f"a = {'1' * 494}\n"},
        ["!include b.hcl"],
        "!include a.hcl",
    ),
    "MOST_STEPS": (
        3_000,
        {"a.json": NUMBERS},
        # The last one alone takes twice as much as all may.
        [*(f"!include 'a.json [.x[] | select(. == {n})]'" for n in range(9)), "!include 'a.json [.x[] == .x[]]'"],
        "!include 'a.json .x[3]'",
    ),
    "MOST_VALUES": (2_000, {"a.json": NUMBERS}, ["!include a.json"] * 30, "!include a.json"),
}
"""By limit: how much is left of it, files, what one manifest includes and what each of many others does."""


@pytest.mark.parametrize("limit", GREEDY)
def test_a_manifest_that_includes_all_that_there_is_stops_no_other_stack(
    repository: Open, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    most, files, greedy, modest = GREEDY[limit]
    monkeypatch.setattr(amounts, limit, most)
    if limit == "MOST_STEPS":
        monkeypatch.setattr(amounts, "FREE_STEPS", 50)
    # Whoever has spent all fails at the file that it shares with the others: they read it themselves.
    head, shared = "import: [shared]\n", {"stacks/shared.yaml": including(modest)}
    evil = {f"stacks/deploy/evil{number}.yaml": including(*greedy) for number in range(3)}
    evil |= {f"stacks/deploy/evil9{number}.yaml": head + including(*greedy) for number in range(3)}
    others = {f"stacks/deploy/zed{number}.yaml": head + including(modest) for number in range(40)}
    found = repository({**files, **shared, **evil, **others}).resolve()
    assert {f"deploy/zed{number}" for number in range(40)} <= found.stacks.keys()


def test_an_expression_over_pairs_is_refused_where_it_stands(repository: Open) -> None:
    found = repository(
        {
            "a.json": json.dumps({"x": list(range(6_000))}),
            "stacks/deploy/dev.yaml": including("!include 'a.json [.x[] == .x[]] | length'"),
        },
    ).resolve()
    (error,) = found.errors
    assert "takes more than 1000000 steps" in error.message
    assert "choose with paths or select()" in error.message
    assert error.where is not None
    assert (error.where.file, error.where.line) == ("stacks/deploy/dev.yaml", 1)


def test_expressions_of_a_repository_have_a_budget_together(repository: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(amounts, "MOST_STEPS", 3_000)
    monkeypatch.setattr(amounts, "FREE_STEPS", 0)
    queries = {f"stacks/deploy/s{n}.yaml": including(f"!include 'a.json [.x[] | select(. == {n})]'") for n in range(9)}
    found = repository({"a.json": json.dumps({"x": list(range(100))}), **queries}).resolve()
    assert 0 < len(found.stacks) < 9
    assert len(found.errors) == 9 - len(found.stacks)
    assert all("the yq expressions of this repository take more than" in error.message for error in found.errors)


def test_when_the_steps_of_expressions_are_spent_no_more_are_taken(
    repository: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(amounts, "MOST_STEPS", 2_000)
    monkeypatch.setattr(amounts, "FREE_STEPS", 0)
    evaluated: list[str] = []
    evaluate = yq.evaluate

    def counted(expression: str, value: Value, steps: yq.Steps) -> Value:
        evaluated.append(expression)
        return evaluate(expression, value, steps)

    monkeypatch.setattr(yq, "evaluate", counted)
    queries = {f"stacks/deploy/s{n}.yaml": including(f"!include 'a.json [.x[] | select(. == {n})]'") for n in range(9)}
    found = repository({"a.json": json.dumps({"x": list(range(100))}), **queries}).resolve()
    assert len(evaluated) == len(found.stacks) + 1
    assert len(found.errors) == 9 - len(found.stacks)


@pytest.mark.parametrize(
    ("value", "few", "many", "call"),
    [
        ("until COUNT", 20, 2_000, "has -5 $v"),
        ("until COUNT", 20, 2_000, "coll.Has $v -5"),
        ('splitList "" (repeat COUNT "a")', 20, 2_000, 'without $v "a"'),
        ("until COUNT", 20, 5_000, "first $v"),
        ("until COUNT", 20, 5_000, "index $v 1"),
        ('dict "a" (until COUNT) "b" (until COUNT)', 20, 2_000, "has $v.a (list $v.b)"),
        ('dict "a" (until COUNT) "b" (until COUNT)', 20, 2_000, "deepEqual $v.a $v.b"),
        ("list (until COUNT)", 20, 2_000, "toJson $v"),
        ("list (until COUNT)", 20, 2_000, "toString $v"),
        ('repeat COUNT "ab"', 50, 50_000, "sha512sum $v"),
        ('repeat COUNT "ab"', 50, 50_000, 'contains "x" $v'),
        ('repeat COUNT "ab"', 50, 50_000, 'regexMatch "x" $v'),
        ('repeat COUNT "ab"', 50, 5_000, 'regexFindAll "[ab]{900}c" $v -1'),
        ('repeat COUNT "ab"', 50, 5_000, 'regexReplaceAll "[ab]{900}c" $v "x"'),
        ('repeat COUNT "ab"', 5, 10_000, "kebabcase $v"),
        ('repeat COUNT "ab"', 50, 10_000, "title $v"),
        ('repeat COUNT "ab"', 50, 10_000, "swapcase $v"),
        ('repeat COUNT "ab"', 50, 10_000, "quote $v"),
        ('repeat COUNT "ab"', 50, 10_000, "js $v"),
        ('repeat COUNT "ab"', 50, 10_000, "shuffle $v"),
        ('repeat COUNT "("', 20, 10_000, 'regexMatch $v "x"'),
        ('list (dict (repeat COUNT "k") 1)', 20, 20_000, "toString $v"),
        ('printf "a: [%s]" (repeat COUNT "1,")', 50, 5_000, "yaml $v"),
        ('printf "a = [%s]" (repeat COUNT "1,")', 50, 5_000, "toml $v"),
        ('printf "%sa = 1" (repeat COUNT "a.")', 10, 2_000, "toml $v"),
    ],
)
def test_what_functions_take_and_look_at_costs(value: str, few: int, many: int, call: str) -> None:
    template = "{{ $v := VALUE }}{{ range until 20 }}{{ $_ := CALL }}{{ end }}".replace("VALUE", value)
    template = template.replace("CALL", call)
    assert rendered(template.replace("COUNT", str(few)), 10_000) == ""
    most = many + 2_500
    assert rendered(template.replace("COUNT", str(many)).replace(call, "1"), most) == ""
    with pytest.raises(TemplateError, match="templates with a cost of more than 5000000 steps in one repository"):
        rendered(template.replace("COUNT", str(many)), most)


def test_printing_costs() -> None:
    template = '{{ $v := repeat 50000 "ab" }}{{ $v }}{{ $v }}'
    assert len(rendered(template, 20_000)) == 200_000
    with pytest.raises(TemplateError, match="templates with a cost of more than"):
        rendered(template, 8_000)


@pytest.mark.parametrize(
    ("call", "expected", "what"),
    [
        ('float64 (print "1." (repeat COUNT "0"))', "1", "number"),
        ('float64 (print "0x" (repeat COUNT "0") "1p1")', "2", "number"),
        ('conv.ParseFloat (print "1." (repeat COUNT "0")) 64', "1", "number"),
        ('time.ParseDuration (print (repeat COUNT "0") "1s")', "1s", "duration"),
        ('toDate (repeat COUNT "2") "2"', None, "time or layout"),
        ('toDate "2006" (repeat COUNT "2")', None, "time or layout"),
    ],
)
def test_numbers_and_times_of_any_length_are_not_read(call: str, expected: str | None, what: str) -> None:
    if expected is not None:
        assert rendered("{{ " + call.replace("COUNT", "900") + " }}", 0) == expected
    with pytest.raises(TemplateError, match=f"a {what} of more than 1000 characters is not supported"):
        rendered("{{ " + call.replace("COUNT", "1001") + " }}", 0)


@pytest.mark.parametrize(
    ("value", "call", "most"),
    [
        ('splitList "" (repeat 20000 "a")', "mustUniq $v", 30_000),
        ('splitList "" (repeat 20000 "a")', "coll.Uniq $v", 30_000),
        ('splitList "" (repeat 20000 "a")', 'conv.Join $v ""', 30_000),
        ('splitList "" (repeat 20000 "a")', "toYAML $v", 100_000),
        ('repeat 100000 "ab"', "toYAML $v", 40_000),
        ('repeat 100000 "ab"', "shuffle $v", 100_000),
        ('repeat 20000 "a1"', "snakecase $v", 100_000),
        ('repeat 50000 "a "', 'wrapWith 1 "x" $v', 15_000),
    ],
)
def test_what_takes_longer_with_each_element_costs_more(value: str, call: str, most: int) -> None:
    assert rendered(f"{{{{ $v := {value} }}}}{{{{ $_ := 1 }}}}", most) == ""
    with pytest.raises(TemplateError, match="templates with a cost of more than"):
        rendered(f"{{{{ $v := {value} }}}}{{{{ $_ := {call} }}}}", most)


def test_a_text_of_too_many_parts_is_not_made_into_a_map() -> None:
    tracemalloc.start()
    try:
        with pytest.raises(TemplateError, match="a list of more than 1000000 elements is not supported"):
            rendered('{{ $_ := split "a" (repeat 1000001 "a") }}', 1_000_000)
        assert tracemalloc.get_traced_memory()[1] < 70_000_000
    finally:
        tracemalloc.stop()


def test_what_is_too_large_to_compile_costs_as_well() -> None:
    spending = Spending(300_000)
    for message in ("too large", "with a cost of more than"):
        with pytest.raises(TemplateError, match=message):
            parse('{{ regexMatch (repeat 200000 "9") "x" }}', functions=FUNCTIONS).render(
                {}, functions=FUNCTIONS, spending=spending
            )


@pytest.mark.parametrize("digits", ["0x" + "f" * 1_000_000, "1" * 1_000_000 + "x", "." + "1" * 1_000_000 + "."])
def test_what_is_no_number_is_none_at_any_length(digits: str) -> None:
    template = parse("{{ float64 .x }}", functions=FUNCTIONS)
    assert template.render({"x": digits}, functions=FUNCTIONS, spending=Spending(100_000)) == "0"


def test_a_number_of_toml_that_python_does_not_read_is_an_error_of_ours() -> None:
    with pytest.raises(TemplateError, match="unable to unmarshal: "):
        rendered('{{ toml (print "a=" (repeat 5000 "1")) }}', 100_000)


@pytest.mark.parametrize(
    "call",
    [
        "join $t (until 1000)",
        "conv.Join (until 1000) $t",
        'wrapWith 1 $t (repeat 1000 "a ")',
    ],
)
def test_a_text_that_would_be_too_long_is_not_made_first(call: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(TemplateError, match="a text of more than 16777216 characters is not supported"):
            rendered('{{ $t := repeat 100000 "a" }}{{ $_ := ' + call + " }}", 1_000_000)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_values_that_fill_templates_of_a_file_are_no_longer_than_a_template(repository: Open) -> None:
    manifest = f"locals: {{a: 1}}\nvars: {{t: &t {'a' * 70_000}, big: [{', '.join(['*t'] * 10)}]}}\n"
    once = manifest + "components: {terraform: {app: {vars: {k0: '{{ .vars.big }}'}}}}"
    found = repository({"stacks/deploy/dev.yaml": once}).resolve()
    assert found.stacks["deploy/dev"].components["terraform"]["app"].vars["k0"] == ["a" * 70_000] * 10
    twice = manifest + "components: {terraform: {app: {vars: {k0: '{{ .vars.big }}', k1: '{{ .vars.big }}'}}}}"
    files = {"stacks/deploy/dev.yaml": twice, "stacks/deploy/good.yaml": "components: {terraform: {app: {}}}"}
    found = repository(files).resolve()
    (error,) = found.errors
    assert error.message == "a template of more than 1048576 characters is not supported"
    assert error.where is not None
    assert error.where.file == "stacks/deploy/dev.yaml"
    assert list(found.stacks) == ["deploy/good"]


@pytest.mark.parametrize(
    "value", [["a" * 100_000] * 500, [{"a" * 100_000: 1}] * 500, [[["a" * 100] * 200] * 200] * 200, {"a": "b" * 2**20}]
)
def test_a_value_that_would_be_too_long_a_template_is_not_written_first(value: object) -> None:
    context = {"big": value}
    message = r"^a template of more than 1048576 characters is not supported$"
    tracemalloc.start()
    try:
        with pytest.raises(TemplateError, match=message):
            with_values("a: '{{ .big }}'", context)
        with pytest.raises(TemplateError, match=message):
            render_section({"a": "{{ .x }}", **context}, str)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def keys(count: int, indent: str = "  ") -> str:
    return "".join(f"{indent}k{number}: 0\n" for number in range(count))


def empty_components(count: int, content: str = "{}") -> str:
    return "components:\n  terraform:\n" + "".join(f"    c{number}: {content}\n" for number in range(count))


APPENDING: Final = "settings: {list_merge_strategy: append}\n"
RENDERING: Final = "templates: {settings: {enabled: true, sprig: {enabled: true}}}\n"
COSTLY: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "large files, imported often": (
        "",
        {
            "stacks/deploy/dev.yaml": f"import: [{', '.join(['c/big'] * 20)}]\n{empty_components(1)}",
            "stacks/c/big.yaml": f"vars:\n{keys(2_000)}",
        },
    ),
    "lists that grow": (
        APPENDING,
        {
            "stacks/deploy/dev.yaml": f"import: [{', '.join(['c/list'] * 200)}]\n{empty_components(1)}",
            "stacks/c/list.yaml": f"vars: {{l: [{', '.join('1' * 20)}]}}",
        },
    ),
    "variables of many components": ("", {"stacks/deploy/dev.yaml": f"vars:\n{keys(1_000)}{empty_components(50)}"}),
    "an alias in many components": (
        "",
        {
            "stacks/deploy/dev.yaml": "x0: &x0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\nx1: &x1 [*x0, *x0, *x0, *x0, *x0, *x0]\n"
            f"vars: {{a: [*x1, *x1, *x1, *x1, *x1, *x1, *x1, *x1, *x1]}}\n{empty_components(50)}"
        },
    ),
    "a text in many components": (
        "",
        {"stacks/deploy/dev.yaml": f"vars: {{a: {'a' * 50_000}}}\n{empty_components(50)}"},
    ),
    "bases of many components": (
        "",
        {
            "stacks/deploy/dev.yaml": empty_components(50, "{metadata: {inherits: [base, base]}, vars: {k1: 1}}")
            + f"    base:\n      metadata: {{type: abstract}}\n      vars:\n{keys(1_000, ' ' * 8)}",
        },
    ),
    "templates of many components": (
        RENDERING,
        {
            "stacks/deploy/dev.yaml": f"vars:\n{keys(500)}"
            + empty_components(10, "{vars: {k1: '{{ .atmos_component }}'}}")
        },
    ),
    "a template that is imported often": (
        "",
        {
            "stacks/deploy/dev.yaml": "import:\n"
            + "".join(f"  - {{path: c/t, context: {{a: {n}}}}}\n" for n in range(50)),
            "stacks/c/t.yaml": f"vars: {{a: '{{{{ .a }}}}', t: {'a' * 5_000}}}",
        },
    ),
    "functions that change what they see": (
        "",
        {
            "stacks/deploy/dev.yaml": f"vars:\n{keys(1_000)}locals:\n"
            + "".join(f"  l{n}: '{{{{ $_ := set (dict) \"a\" 1 }}}}'\n" for n in range(20))
            + empty_components(1)
        },
    ),
    "functions that change what they see in components": (
        RENDERING + "env: {}\n".replace("env: {}\n", ""),
        {
            "stacks/deploy/dev.yaml": f"terraform:\n  settings:\n{keys(300, '    ')}vars:\n{keys(30)}"
            + empty_components(20, "{vars: {k1: '{{ $_ := set (dict) .atmos_component 1 }}'}}")
        },
    ),
    "components that templates ask for": (
        RENDERING,
        {
            "stacks/deploy/dev.yaml": f"terraform:\n  settings:\n{keys(200, '    ')}"
            + empty_components(20, "{vars: {k1: '{{ (atmos.Component \"base\" .stack).component }}'}}")
            + f"    base: {{vars: {{a: [{', '.join('1' * 600)}]}}}}\n"
        },
    ),
    "locals of a file that is imported often": (
        "",
        {
            "stacks/deploy/dev.yaml": "import:\n"
            + "".join(f"  - {{path: c/t, context: {{a: {n}}}}}\n" for n in range(50)),
            "stacks/c/t.yaml": f"locals: {{l: 1}}\nvars:\n  a: '{{{{ .locals.l }}}}'\n{keys(100)}",
        },
    ),
}


@pytest.mark.parametrize("name", COSTLY)
def test_what_merging_makes_has_a_limit_that_stops_the_stack_alone(
    repository: Open, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    settings, files = COSTLY[name]
    others = {
        "atmos.yaml": ATMOS + settings,
        "stacks/deploy/good.yaml": "import: [c/good]\nvars: {a: 1}\n" + empty_components(20),
        "stacks/c/good.yaml": f"vars:\n{keys(50)}",
    }
    assert repository({**others, **files}).resolve().errors == ()
    monkeypatch.setattr(amounts, "FREE", 2_000)
    monkeypatch.setattr(amounts, "MOST_OF_ONE", 10_000)
    found = repository({**others, **files}).resolve()
    (error,) = found.errors
    assert error.message.startswith("more than 10000 values are made here of those that are written")
    assert error.where is not None
    assert (error.where.file, error.where.stack) == ("stacks/deploy/dev.yaml", "deploy/dev")
    assert list(found.stacks) == ["deploy/good"]
    assert len(found.stacks["deploy/good"].components["terraform"]["c1"].vars) == 51


def test_each_manifest_may_make_some_values_when_all_are_spent(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, most in (("FREE", 100), ("MOST_OF_ONE", 1_000), ("MOST_MADE", 1_500)):
        monkeypatch.setattr(amounts, name, most)
    of_repository = Amounts()
    here, in_all = "more than 1000 values are made here", "more than 1500 values are made in this repository"
    for what, most in (("a", 1_100), ("a", 0), ("b", 600), ("c", 100), ("b", 0), ("d", 100)):
        with of_repository.of(what):
            make(most)
            with pytest.raises(TooMuch, match=here if what == "a" else in_all):
                make(1)
    make(10_000)


def test_a_stack_that_makes_too_much_costs_the_same_however_often_it_is_asked_for(
    repository: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, most in (("FREE", 2_000), ("MOST_OF_ONE", 10_000), ("MOST_MADE", 25_000)):
        monkeypatch.setattr(amounts, name, most)
    dear = f"vars:\n{keys(500)}" + empty_components(3, "{vars: {k1: '{{ .atmos_component }}'}}")
    fair = f"vars:\n{keys(300)}" + empty_components(3, "{vars: {k1: '{{ .atmos_component }}'}}")
    opened = repository(
        {
            "atmos.yaml": ATMOS + "templates: {settings: {enabled: true}}\n",
            "stacks/deploy/dear.yaml": dear,
            "stacks/deploy/fair.yaml": fair,
        }
    )
    for _ in range(4):
        with pytest.raises(StackError, match="component c2: more than 10000 values are made here"):
            opened.stack("deploy/dear")
    assert opened.stack("deploy/fair").components["terraform"]["c2"].vars["k1"] == "c2"
