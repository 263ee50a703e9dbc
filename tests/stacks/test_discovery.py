from __future__ import annotations

from pathlib import Path

import pytest

from secrets_pipeline.errors import StackError
from secrets_pipeline.stacks.config import load_config
from secrets_pipeline.stacks.discovery import stack_file_name, stack_files
from secrets_pipeline.stacks.globs import FileTree, compiled

from .conftest import ATMOS, Write


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("**/*.yaml", ["a.yaml", "x/a.yaml", "x/y/a.yaml"], ["a.yml", "x/ayaml"]),
        ("orgs/**/*", ["orgs/a", "orgs/x/a"], ["orgs", "other/a"]),
        ("orgs/**", ["orgs", "orgs/a/b"], ["orgsx/a"]),
        ("a/*/c", ["a/b/c"], ["a/c", "a/b/b/c"]),
        ("a?.yaml", ["ab.yaml"], ["a.yaml", "a/.yaml"]),
        ("{dev,prod}/*.{yaml,yml}", ["dev/a.yaml", "prod/b.yml"], ["stage/a.yaml"]),
        ("[ab]/[!x]", ["a/y", "b/z"], ["c/y", "a/x"]),
        (r"a\*", ["a*"], ["ab"]),
        ("**/catalog/**", ["catalog/a", "x/catalog/a/b"], ["catalogs/a"]),
        ("a+b.yaml", ["a+b.yaml"], ["aab.yaml"]),
    ],
)
def test_globs_match_as_doublestar_does(pattern: str, matching: list[str], other: list[str]) -> None:
    expression = compiled(pattern)
    assert [name for name in [*matching, *other] if expression.fullmatch(name)] == matching


def files(root: Path) -> list[str]:
    config = load_config(root, {})
    return [str(path.relative_to(config.stacks)) for path in stack_files(config, FileTree())]


def test_patterns_without_extension_take_all_four(write: Write) -> None:
    names = ["a.yaml", "b.yml", "c.yaml.tmpl", "x/d.yml.tmpl"]
    root = write({f"stacks/deploy/{name}": "" for name in [*names, "e.json", "f.yaml.txt"]})
    assert files(root) == [f"deploy/{name}" for name in names]


def test_excluded_paths_are_left_out(write: Write) -> None:
    atmos = ATMOS.replace('["deploy/**/*"]', '["**/*"]\n  excluded_paths: ["**/_defaults.yaml", "catalog/**/*"]')
    root = write(
        {
            "atmos.yaml": atmos,
            "stacks/_defaults.yaml": "",
            "stacks/deploy/x/_defaults.yaml": "",
            "stacks/deploy/x/dev.yaml": "",
            "stacks/catalog/vpc.yaml": "",
        }
    )
    assert files(root) == ["deploy/x/dev.yaml"]


def test_a_folder_that_links_to_its_parent_is_walked_once(write: Write) -> None:
    root = write({"stacks/deploy/dev.yaml": ""})
    (root / "stacks" / "deploy" / "loop").symlink_to(root / "stacks" / "deploy")
    assert files(root) == ["deploy/dev.yaml"]


def test_no_manifest_at_all_is_an_error(write: Write) -> None:
    with pytest.raises(StackError, match="no stack manifests found in the paths deploy"):
        files(write({"stacks/catalog/vpc.yaml": ""}))


@pytest.mark.parametrize("extension", [".yaml", ".yml", ".yaml.tmpl", ".yml.tmpl"])
def test_the_stack_file_name_has_no_extension(write: Write, extension: str) -> None:
    config = load_config(write({}), {})
    assert stack_file_name(config.stacks / f"deploy/us-east-1{extension}", config) == "deploy/us-east-1"
