from __future__ import annotations

from pathlib import Path

import pytest

from secrets_pipeline.stacks.includes import query

from .conftest import Only, Open


def manifest(value: str) -> str:
    return f"components:\n  terraform:\n    app:\n      vars:\n        v: {value}\n"


FILES = {
    "stacks/deploy/_data/near.yml": "a: {b: [1, {c: !env GIVEN}]}",
    "data/far.json": '{"x": [1, 2]}',
    "data/text.txt": "plain\n",
    "data/name with space.txt": "spaced",
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
    ],
)
def test_files_of_the_repository_are_values(only: Only, value: str, expected: object) -> None:
    from .conftest import ATMOS  # noqa: PLC0415 - only this test needs it

    files = {**FILES, "atmos.yaml": ATMOS.replace("deploy/**/*", "deploy/*")}
    assert only(manifest(value), files, env={"GIVEN": "g"}).vars["v"] == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("!include", "invalid number of arguments in !include"),
        ("!include data/none.yaml", "the included file 'data/none.yaml' does not exist"),
        ("!include https://example.com/a.yaml", "remote include not supported"),
        ("!include data/far.json .x | length", "invalid number of arguments"),
        ("!include data/far.json .x|length", "is not supported: only keys and indices"),
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


def test_files_that_include_each_other_are_refused(repository: Open) -> None:
    files = {
        "stacks/deploy/dev.yaml": manifest("!include data/a.yaml"),
        "data/a.yaml": "x: !include data/b.yaml",
        "data/b.yaml": "x: !include data/a.yaml",
    }
    (error,) = repository(files).resolve().errors
    assert "!include cycle: stacks/deploy/dev.yaml → data/a.yaml → data/b.yaml → data/a.yaml" in error.message


@pytest.mark.parametrize(
    ("path", "expected"),
    [(".", {"a": [{"b c": 1}]}), (".a[0]", {"b c": 1}), ('.a[0].["b c"]', 1), (".a[5]", None), (".z.y", None)],
)
def test_queries_follow_keys_and_indices(path: str, expected: object) -> None:
    assert query({"a": [{"b c": 1}]}, path) == expected
