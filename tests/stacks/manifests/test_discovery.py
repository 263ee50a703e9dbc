from __future__ import annotations

import os
from pathlib import Path

import pytest

from secrets_pipeline.errors import StackError
from secrets_pipeline.stacks.config.config import load_config
from secrets_pipeline.stacks.files.globs import FileTree
from secrets_pipeline.stacks.manifests.discovery import is_top_level, stack_file_name, stack_files
from tests.stacks.conftest import ATMOS, Write


def files(root: Path) -> list[str]:
    config = load_config(root, {})
    return [os.path.relpath(path, config.stacks) for path in stack_files(config, FileTree(config.base))]


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


def test_paths_above_the_stacks_folder_can_be_included_and_excluded(write: Write) -> None:
    atmos = ATMOS.replace('["deploy/**/*"]', '["../more/**/*", "/deploy/dev"]\n  excluded_paths: ["../more/x/**"]')
    root = write({"atmos.yaml": atmos, "more/a.yaml": "", "more/x/b.yaml": "", "stacks/deploy/dev.yaml": ""})
    assert files(root) == ["../more/a.yaml", "deploy/dev.yaml"]


@pytest.mark.parametrize("pattern", ["./**/*", "/./deploy/*", "deploy/../deploy/*.yaml", "**/*"])
def test_a_file_that_would_be_a_stack_is_known_before_it_exists(write: Write, pattern: str) -> None:
    root = write({"atmos.yaml": ATMOS.replace("deploy/**/*", pattern), "stacks/deploy/dev.yaml": ""})
    assert files(root) == ["deploy/dev.yaml"]
    config = load_config(root, {})
    assert is_top_level("deploy/new.yaml", config)
    assert not is_top_level("deploy/new.json", config)


def test_a_file_that_several_patterns_match_is_one_stack(write: Write) -> None:
    atmos = ATMOS.replace(
        '["deploy/**/*"]', '["deploy/*", "deploy/dev.yaml", "**/d?v", "{none,deploy}/[a-e]*.y{a,}ml"]'
    )
    assert files(write({"atmos.yaml": atmos, "stacks/deploy/dev.yaml": ""})) == ["deploy/dev.yaml"]


def test_a_pattern_that_matches_nothing_is_fine_beside_others(write: Write) -> None:
    atmos = ATMOS.replace('["deploy/**/*"]', '["none/*", "deploy/*"]')
    assert files(write({"atmos.yaml": atmos, "stacks/deploy/dev.yaml": ""})) == ["deploy/dev.yaml"]


def test_a_repository_in_a_folder_with_wildcards_in_its_name_is_read(write: Write) -> None:
    root = write({"x[y]*/atmos.yaml": ATMOS, "x[y]*/stacks/deploy/dev.yaml": "", "x[y]*/stacks/deploy/_d.yaml": ""})
    assert files(root / "x[y]*") == ["deploy/_d.yaml", "deploy/dev.yaml"]


@pytest.mark.parametrize("key", ["included_paths", "excluded_paths"])
def test_an_invalid_pattern_has_a_place(write: Write, key: str) -> None:
    included = '["deploy/**/*"]'
    text = ATMOS.replace(included, '["a["]' if key == "included_paths" else f'{included}\n  {key}: ["a["]')
    with pytest.raises(StackError, match="invalid glob pattern 'a\\['") as raised:
        files(write({"atmos.yaml": text, "stacks/deploy/dev.yaml": ""}))
    assert raised.value.where is not None
    assert (raised.value.where.file, raised.value.where.key) == ("atmos.yaml", f"stacks.{key}")
    assert raised.value.where.line == (5 if key == "included_paths" else 6)


def test_a_folder_that_links_to_its_parent_is_walked_once(write: Write) -> None:
    root = write({"stacks/deploy/dev.yaml": ""})
    (root / "stacks" / "deploy" / "loop").symlink_to(root / "stacks" / "deploy")
    assert files(root) == ["deploy/dev.yaml"]


def test_no_manifest_at_all_is_an_error(write: Write) -> None:
    with pytest.raises(StackError, match="no stack manifests found in the paths deploy") as raised:
        files(write({"stacks/catalog/vpc.yaml": ""}))
    assert str(raised.value.where) == "atmos.yaml:5, key stacks.included_paths"


@pytest.mark.parametrize("extension", [".yaml", ".yml", ".yaml.tmpl", ".yml.tmpl"])
def test_the_stack_file_name_has_no_extension(write: Write, extension: str) -> None:
    config = load_config(write({}), {})
    assert stack_file_name(config.stacks / f"deploy/us-east-1{extension}", config) == "deploy/us-east-1"
