from __future__ import annotations

from pathlib import Path

import pytest

from secrets_pipeline.stacks import Included
from secrets_pipeline.stacks.amounts import Amounts
from secrets_pipeline.stacks.files.files import Files
from secrets_pipeline.stacks.manifests.includes import Parser
from tests.stacks.conftest import ATMOS, Only, Open, Write


def manifest(value: str) -> str:
    return f"components:\n  terraform:\n    app:\n      vars:\n        v: {value}\n"


FILES = {
    "stacks/deploy/_data/near.yml": "a: {b: [1, {c: !env GIVEN}]}",
    "data/far.json": '{"x": [1, 2]}',
    "data/text.txt": "plain\n",
    "data/name with space.txt": "spaced",
    "data/values.tfvars": 'size = "t3.micro"\nzones = ["a", "b"]\n',
    "data/values.TF": "count = 2\n",
    "data/values.hcl": "settings = {a = {b = true}}\n",
    "data/plain": "no extension\n",
    "data/comment.txt": "# not a comment",
    "data/empty.yaml": "",
    "same.yaml": "of: base",
    "stacks/deploy/same.yaml": "import: []\nvars: {of: manifest}",
}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("!include ./_data/near.yml", {"a": {"b": [1, {"c": "g"}]}}),
        ("!include ./_data/near.yml .a.b[0]", 1),
        ("!include data/far.json", {"x": [1, 2]}),
        ("!include data/far.json .x", [1, 2]),
        ("!include data/text.txt", "plain\n"),
        ("!include.raw data/far.json", '{"x": [1, 2]}'),
        ("!include '\"data/name with space.txt\"'", "spaced"),
        ("!include data/values.tfvars", {"size": "t3.micro", "zones": ["a", "b"]}),
        ("!include data/values.tfvars .zones[1]", "b"),
        ("!include data/values.TF .count", 2),
        ("!include data/values.hcl .settings.a", {"b": True}),
        ("!include.raw data/values.TF", "count = 2\n"),
        ("!include data/plain", "no extension\n"),
        ("!include data/comment.txt", "# not a comment"),
        ("!include data/empty.yaml", None),
        ("!include same.yaml .of", "base"),
        ("!include ./same.yaml .vars.of", "manifest"),
        ("!include ./data/plain", "no extension\n"),
        ("!include data/far.json .x | length", 2),
        ("!include data/far.json '.y // \"none\"'", "none"),
        ("!include 'data/far.json \".x[-1]\"'", 2),
    ],
)
def test_files_of_the_repository_are_values(only: Only, value: str, expected: object) -> None:
    files = {**FILES, "atmos.yaml": ATMOS.replace("deploy/**/*", "deploy/dev")}
    assert only(manifest(value), files, env={"GIVEN": "g"}).vars["v"] == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("!include", "invalid number of arguments in the !include function"),
        ("!include data/none.yaml", "the !include function references a file that does not exist: 'data/none.yaml'"),
        (f"!include {'x' * 5000}", "does not exist"),
        ('!include "a\\0b"', "does not exist"),
        ("!include near.yml", "does not exist: 'near.yml' (below the base path; write ./ for a file beside"),
        ("!include git@github.com:a/b.git", "remote include not supported"),
        ("!include https://example.com/a.yaml", "remote include not supported"),
        ("!include data/far.json .x | sort", "the yq expression '.x | sort' is not supported"),
        ("!include data/far.json .x[]", "gives 2 values"),
        ("!include ../../../outside.yaml", "outside of the base path"),
        ("!include /etc/hostname", "outside of the base path"),
        ("!include linked.yaml", "outside of the base path"),
    ],
)
def test_what_cannot_be_included_is_an_error(repository: Open, tmp_path: Path, value: str, message: str) -> None:
    outside = tmp_path.parent / "outside.yaml"
    outside.write_text("stolen: 1")
    (tmp_path / "linked.yaml").symlink_to(outside)
    (error,) = repository({**FILES, "stacks/deploy/dev.yaml": manifest(value)}).resolve().errors[-1:]
    assert message in error.message


def test_an_error_inside_an_included_file_names_that_file(repository: Open) -> None:
    files = {"stacks/deploy/dev.yaml": manifest("!include data/bad.yaml"), "data/bad.yaml": "a: 1\na: 2\n"}
    (error,) = repository(files).resolve().errors
    assert error.where is not None
    assert (error.where.file, error.where.line) == ("data/bad.yaml", 2)


@pytest.mark.parametrize(
    ("name", "text", "message", "line"),
    [
        ("bad.json", '{"a": 1,\n"b" 2}', "invalid JSON", 2),
        ("bad.json", "NaN", "NaN", None),
        ("bad.hcl", "a = 1\nb = [", "invalid HCL in line 2", None),
        ("bad.tf", 'variable "x" {}\n', "unsupported HCL block 'variable'", None),
        ("bad.yml", "a: 1\nb: *c\n", "found undefined alias", 2),
    ],
)
def test_a_broken_file_and_who_includes_it_are_named(
    repository: Open, name: str, text: str, message: str, line: int | None
) -> None:
    files = {
        "stacks/deploy/dev.yaml": manifest("!include data/between.yaml"),
        "data/between.yaml": f"x: !include ./{name}",
        f"data/{name}": text,
    }
    (error,) = repository(files).resolve().errors
    assert message in error.message
    assert error.message.endswith("; included by stacks/deploy/dev.yaml → data/between.yaml")
    assert error.where is not None
    assert (error.where.file, error.where.line) == (f"data/{name}", line)


def test_a_file_is_read_and_parsed_once_however_often_it_is_included(write: Write) -> None:
    root = write({"a.yaml": "x: {y: 1}"})
    parser = Parser(Files(root), Amounts())
    first = parser.parse("v: !include a.yaml\nw: !include a.yaml .x\n", root / "m.yaml")
    (root / "a.yaml").write_text("x: {y: 2}")
    second = parser.parse("v: !include ./a.yaml\n", root / "n.yaml")
    assert first["v"] is second["v"]
    assert first["w"] is first["v"]["x"]


def test_a_merge_key_cannot_be_an_included_file_as_in_yaml_v3(repository: Open) -> None:
    text = "vars: {<<: !include data/far.json}\ncomponents: {terraform: {app: {}}}\n"
    (error,) = repository({**FILES, "stacks/deploy/dev.yaml": text}).resolve().errors[-1:]
    assert "map merge requires map" in error.message


@pytest.mark.parametrize("name", ["deep.yaml", "deep.json", "deep.hcl"])
@pytest.mark.parametrize(("depth", "fits"), [(100, True), (150, False), (201, False), (900, False)])
def test_a_file_adds_to_the_depth_of_what_includes_it(repository: Open, name: str, depth: int, fits: bool) -> None:
    inner = "[" * (depth - 1) + "]" * (depth - 1)
    text = f"a = {inner}" if name.endswith(".hcl") else f'{{"a": {inner}}}'
    manifest = f"components: {{terraform: {{app: {{vars: {{v: {'[' * 50}!include {name} {']' * 50}}}}}}}}}\n"
    manifest = manifest.replace(f"!include {name} ", f"!include '{name}'")
    errors = repository({"stacks/deploy/dev.yaml": manifest, name: text}).resolve().errors
    assert fits is not bool(errors)
    for error in errors:
        assert "nested too deeply" in error.message
        assert error.where is not None
        assert error.where.file in {name, "stacks/deploy/dev.yaml"}


def test_files_that_are_deep_only_together_are_refused(repository: Open) -> None:
    levels = {f"{n}.yaml": "[" * 150 + f"!include '{n + 1}.yaml'" + "]" * 150 for n in range(9)}
    text = "vars: {v: !include 0.yaml}\ncomponents: {terraform: {app: {}}}\n"
    errors = repository({**levels, "9.yaml": "1", "stacks/deploy/dev.yaml": text}).resolve().errors
    assert errors
    assert all("nested too deeply" in error.message for error in errors)


@pytest.mark.parametrize("name", ["long.yaml", "long.json", "long.hcl"])
def test_a_number_of_thousands_of_digits_is_no_traceback(repository: Open, name: str) -> None:
    text = {"yaml": "a: {}", "json": '{{"a": {}}}', "hcl": "a = {}"}[name.partition(".")[2]].format("9" * 5_000)
    found = repository({"stacks/deploy/dev.yaml": manifest(f"!include {name} .a"), name: text}).resolve()
    assert bool(found.errors) is not name.endswith(".yaml")
    assert all("too large" in error.message for error in found.errors)


def test_a_whole_section_can_be_included(only: Only) -> None:
    text = "components: {terraform: {app: {vars: !include data/values.tfvars }}}\n"
    assert only(text, {"data/values.tfvars": "a = 1\n"}).vars == {"a": 1}


def test_a_link_does_not_hide_a_cycle(repository: Open, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "link.yaml").symlink_to("a.yaml")
    files = {"stacks/deploy/dev.yaml": manifest("!include data/a.yaml"), "data/a.yaml": "x: !include ./link.yaml"}
    (error,) = repository(files).resolve().errors
    assert "!include cycle" in error.message


def test_files_that_include_each_other_are_refused(repository: Open) -> None:
    files = {
        "stacks/deploy/dev.yaml": manifest("!include data/a.yaml"),
        "data/a.yaml": "x: !include data/b.yaml",
        "data/b.yaml": "x: !include data/a.yaml",
    }
    (error,) = repository(files).resolve().errors
    assert "!include cycle: stacks/deploy/dev.yaml → data/a.yaml → data/b.yaml → data/a.yaml" in error.message


def test_a_stack_says_which_files_its_manifests_take_in(repository: Open) -> None:
    files = {
        "stacks/deploy/dev.yaml": "import: [c/shared]\n" + manifest("!include.raw data/a.txt"),
        "stacks/deploy/prod.yaml": manifest("1"),
        "stacks/c/shared.yaml": "vars: {a: !include data/one.yaml .x}",
        "data/a.txt": "a",
        "data/one.yaml": "x: !include ./two.json",
        "data/two.json": "2",
    }
    opened = repository(files)
    assert opened.stack("deploy/dev").included == (
        Included("data/a.txt", "stacks/deploy/dev.yaml"),
        Included("data/one.yaml", "stacks/c/shared.yaml"),
        Included("data/two.json", "data/one.yaml"),
    )
    assert opened.stack("deploy/prod").included == ()
