from __future__ import annotations

import os
from pathlib import Path

import pytest

from secrets_pipeline.errors import StackError
from secrets_pipeline.stacks.config import load_config
from secrets_pipeline.stacks.merge import ListStrategy

from .conftest import ATMOS, Write


def test_the_file_at_the_root_is_read(write: Write) -> None:
    root = write({})
    config = load_config(root, {})
    assert (config.base, config.stacks, config.included) == (root, root / "stacks", ("deploy/**/*",))
    assert config.kind("terraform")["base_path"] == "components/terraform"
    assert config.kind("packer") == {}


def test_a_parent_folder_is_searched(write: Write) -> None:
    root = write({"components/terraform/vpc/main.tf": ""})
    assert load_config(root / "components" / "terraform", {}).base == root


def test_without_atmos_yaml_the_error_says_how_to_name_the_repository(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="--base-path"):
        load_config(tmp_path, {})


def test_keys_are_case_insensitive_but_environment_variables_are_not(write: Write) -> None:
    root = write({"atmos.yaml": ATMOS + 'Settings: {List_Merge_Strategy: append}\nenv: {Path_X: "1"}\n'})
    config = load_config(root, {})
    assert config.lists is ListStrategy.APPEND
    assert config.env == {"Path_X": "1"}


def test_drop_ins_lie_below_the_file(write: Write) -> None:
    root = write(
        {
            "atmos.d/extra.yaml": "stacks: {name_pattern: '{stage}'}\nsettings: {list_merge_strategy: merge}\n",
            "atmos.yaml": ATMOS + "settings: {list_merge_strategy: append}\n",
        }
    )
    config = load_config(root, {})
    assert (config.name_pattern, config.lists) == ("{stage}", ListStrategy.APPEND)


def test_a_configuration_path_lies_above_the_root(write: Write) -> None:
    root = write({"config/atmos.yaml": "base_path: ..\nstacks: {name_pattern: '{tenant}'}\n"})
    config = load_config(root, {"ATMOS_CLI_CONFIG_PATH": str(root / "config")})
    assert (config.name_pattern, config.included) == ("{tenant}", ("deploy/**/*",))


def test_the_environment_overrides(write: Write, tmp_path: Path) -> None:
    root = write({})
    other = tmp_path / "other"
    env = {
        "ATMOS_BASE_PATH": str(other),
        "ATMOS_STACKS_BASE_PATH": "s",
        "ATMOS_STACKS_INCLUDED_PATHS": "a/*, b/*",
        "ATMOS_STACKS_EXCLUDED_PATHS": "**/x.yaml",
        "ATMOS_STACKS_NAME_PATTERN": "{stage}",
        "ATMOS_STACKS_NAME_TEMPLATE": "{{ .vars.stage }}",
        "ATMOS_SETTINGS_LIST_MERGE_STRATEGY": "append",
        "ATMOS_COMPONENTS_TERRAFORM_COMMAND": "tofu",
    }
    config = load_config(root, env)
    assert (config.base, config.stacks) == (other, other / "s")
    assert (config.included, config.excluded) == (("a/*", "b/*"), ("**/x.yaml",))
    assert (config.name_pattern, config.name_template) == ("{stage}", "{{ .vars.stage }}")
    assert (config.lists, config.kind("terraform")["command"]) == (ListStrategy.APPEND, "tofu")


def test_env_in_atmos_yaml_reads_the_given_environment_only(write: Write) -> None:
    root = write({"atmos.yaml": ATMOS.replace("base_path: stacks", "base_path: !env STACKS_DIR stacks")})
    assert load_config(root, {"STACKS_DIR": "deep/stacks"}).stacks == root / "deep" / "stacks"
    assert load_config(root, {}).stacks == root / "stacks"


def test_an_empty_base_path_is_the_git_root_if_there_is_one(write: Write) -> None:
    root = write({"infra/atmos.yaml": ATMOS.replace('base_path: "."', "base_path: ''")})
    assert load_config(root / "infra", {}).base == root / "infra"
    (root / ".git").mkdir()
    assert load_config(root / "infra", {}).base == root
    assert load_config(root / "infra", {"ATMOS_GIT_ROOT_BASEPATH": "false"}).base == root / "infra"


@pytest.mark.parametrize("base", ["..", "../..", "/etc"])
def test_atmos_yaml_cannot_widen_the_base_path_beyond_the_repository(write: Write, base: str) -> None:
    root = write({"infra/atmos.yaml": ATMOS.replace('"."', base)})
    with pytest.raises(StackError, match="leaves the repository"):
        load_config(root / "infra", {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stacks: {included_paths: [a]}", "stacks.base_path must be provided"),
        ("stacks: {base_path: stacks}", "stacks.included_paths must be provided"),
        ("stacks: [1]\n", "stacks.base_path must be provided"),
        ("- a\n", "top level is not a mapping"),
        (ATMOS + "settings: {list_merge_strategy: union}", "invalid Atmos manifests list_merge_strategy"),
        (ATMOS + "templates: {settings: {delimiters: ['[[']}}", "invalid templates.settings.delimiters"),
        (ATMOS + "templates: {settings: {evaluations: two}}", "invalid templates.settings.evaluations"),
        (ATMOS + "import: [other]", "`import` in atmos.yaml is not supported"),
        ("base_path: {a: 1}", "invalid base_path"),
        ("a: b: c", "mapping values are not allowed"),
    ],
)
def test_an_invalid_configuration_is_refused(write: Write, text: str, message: str) -> None:
    with pytest.raises(StackError, match=message.replace(".", r"\.")):
        load_config(write({"atmos.yaml": text}), {})


def test_the_process_environment_is_not_consulted(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "ATMOS_STACKS_NAME_PATTERN", "{stage}")
    assert load_config(write({}), {}).name_pattern == ""
