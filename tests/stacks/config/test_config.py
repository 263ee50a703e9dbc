from __future__ import annotations

import os
from pathlib import Path

import pytest

from secrets_pipeline.errors import StackError
from secrets_pipeline.stacks.config.config import TemplateSettings, load_config
from secrets_pipeline.stacks.merge import ListStrategy
from tests.stacks.conftest import ATMOS, Write


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


def test_what_a_configuration_from_elsewhere_leaves_open_is_where_the_search_began(write: Write) -> None:
    etc = "rootfs/usr/local/etc/atmos"
    root = write({f"{etc}/atmos.yaml": ATMOS.replace('base_path: "."', "base_path: ''")})
    (root / "atmos.yaml").unlink()
    env = {"ATMOS_CLI_CONFIG_PATH": str(root / etc)}
    assert load_config(root, env).base == root
    assert load_config(root / etc, {}).base == root / etc
    (root / "infra").mkdir()
    assert load_config(root / "infra", {**env, "ATMOS_BASE_PATH": str(root)}).base == root
    (root / ".git").mkdir()
    assert load_config(root / "infra", env).base == root


def test_a_base_path_may_leave_its_folder_inside_the_clone(write: Write) -> None:
    etc = "rootfs/usr/local/etc/atmos"
    root = write({f"{etc}/atmos.yaml": ATMOS.replace('"."', "../../../../..")})
    (root / "atmos.yaml").unlink()
    env = {"ATMOS_CLI_CONFIG_PATH": str(root / etc)}
    assert load_config(root, env).base == root
    with pytest.raises(StackError, match="leaves the repository"):
        load_config(root / etc, {})
    assert load_config(root / etc, {"ATMOS_BASE_PATH": str(root)}).base == root
    (root / ".git").mkdir()
    assert load_config(root / etc, {}).base == root


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
        ("- a\n", "invalid Atmos configuration: the top level is not a mapping but a sequence (column 1)"),
        (ATMOS + "settings: {list_merge_strategy: union}", "invalid Atmos manifests list_merge_strategy"),
        (ATMOS + "templates: {settings: {delimiters: ['[[']}}", "invalid templates.settings.delimiters"),
        (ATMOS + "templates: {settings: {evaluations: two}}", "invalid templates.settings.evaluations"),
        ("base_path: {a: 1}", "invalid base_path: it must be text"),
        (
            ATMOS + "templates: {settings: {enabled: maybe}}",
            "invalid templates.settings.enabled: it must be true or false",
        ),
        (ATMOS + "templates: {settings: {env: [A]}}", "invalid templates.settings.env: it must be a mapping"),
        (ATMOS + "env: {A: [1]}", "invalid env: it must be a mapping"),
        (ATMOS + "env: text", "invalid env: it must be a mapping"),
        (
            ATMOS.replace("\n  terraform: {base_path: components/terraform}", " [a]"),
            "invalid components: it must be a mapping",
        ),
        (ATMOS.replace('["deploy/**/*"]', "[1]"), "invalid stacks.included_paths: it must be a list of text"),
        (ATMOS.replace(" stacks\n", " !exec echo stacks\n"), "!exec is not evaluated in the configuration"),
        (ATMOS + "x: !nope 1", "unsupported YAML tag"),
        (ATMOS + "x: !env", "invalid number of arguments in the !env function"),
        ("a: b: c", "mapping values are not allowed"),
    ],
)
def test_an_invalid_configuration_is_refused(write: Write, text: str, message: str) -> None:
    with pytest.raises(StackError) as raised:
        load_config(write({"atmos.yaml": text}), {})
    assert message in raised.value.message
    assert raised.value.where is not None
    assert raised.value.where.file == "atmos.yaml"


def test_a_mistake_is_placed_in_the_file_that_makes_it(write: Write) -> None:
    root = write(
        {
            "atmos.yaml": ATMOS + "import: [config/more.yaml]\n",
            "config/more.yaml": "# settings\nSettings:\n  List_Merge_Strategy: union\n",
        }
    )
    with pytest.raises(StackError, match="invalid Atmos manifests list_merge_strategy 'union'") as raised:
        load_config(root, {})
    assert str(raised.value.where) == "config/more.yaml:3, key settings.list_merge_strategy"


def test_a_mistake_in_the_environment_names_the_variable(write: Write) -> None:
    with pytest.raises(StackError) as raised:
        load_config(write({}), {"ATMOS_SETTINGS_LIST_MERGE_STRATEGY": "union"})
    assert str(raised.value.where) == "key settings.list_merge_strategy (of ATMOS_SETTINGS_LIST_MERGE_STRATEGY)"


def test_a_value_has_a_place_with_file_and_line(write: Write) -> None:
    config = load_config(write({}), {"ATMOS_STACKS_NAME_PATTERN": "{stage}"})
    assert str(config.where("stacks", "base_path")) == "atmos.yaml:4, key stacks.base_path"
    assert str(config.where("stacks", "name_pattern")) == "key stacks.name_pattern (of ATMOS_STACKS_NAME_PATTERN)"
    assert str(config.where("stacks", "name_template")) == "atmos.yaml, key stacks.name_template"


@pytest.mark.parametrize("kind", ["terraform", "helmfile", "packer", "ansible", "kubernetes", "helm"])
def test_the_environment_overrides_every_kind_of_component(write: Write, kind: str) -> None:
    env = {f"ATMOS_COMPONENTS_{kind.upper()}_BASE_PATH": "c", f"ATMOS_COMPONENTS_{kind.upper()}_COMMAND": "run"}
    assert load_config(write({}), env).kind(kind) == {"base_path": "c", "command": "run"}


def test_an_empty_variable_overrides_nothing(write: Write) -> None:
    assert load_config(write({}), {"ATMOS_STACKS_BASE_PATH": ""}).stacks.name == "stacks"


def test_template_settings_are_read(write: Write) -> None:
    root = write(
        {
            "atmos.yaml": ATMOS
            + """
templates:
  settings:
    enabled: "true"
    evaluations: "3"
    delimiters: ["[[", "]]"]
    ignore_missing_template_values: 1
    sprig: {enabled: true}
    gomplate: {enabled: !env GOMPLATE false}
    env: {AWS_Profile: dev, Count: 3, Empty: }
"""
        }
    )
    templates = load_config(root, {"GOMPLATE": "T"}).templates
    assert (templates.enabled, templates.evaluations, templates.delimiters) == (True, 3, ("[[", "]]"))
    assert (templates.ignore_missing, templates.sprig, templates.gomplate) == (True, True, True)
    assert templates.env == {"AWS_Profile": "dev", "Count": "3", "Empty": ""}
    assert load_config(root, {}).templates.gomplate is False


def test_templates_are_off_and_have_no_functions_unless_told(write: Write) -> None:
    assert load_config(write({}), {}).templates == TemplateSettings(enabled=False, sprig=False, gomplate=False, env={})


def test_environment_variables_may_be_a_list(write: Write) -> None:
    root = write({"atmos.yaml": ATMOS + "env: [Path_X=a=b, {Y: 1}]\n"})
    assert load_config(root, {}).env == {"Path_X": "a=b", "Y": "1"}


def test_a_list_may_be_text_with_commas(write: Write) -> None:
    root = write({"atmos.yaml": ATMOS.replace('["deploy/**/*"]', "a/*, b/*")})
    assert load_config(root, {}).included == ("a/*", "b/*")


@pytest.mark.parametrize(("value", "expected"), [("true", True), ("false", False), ('"false"', False), ("", True)])
def test_metadata_is_inherited_unless_switched_off(write: Write, value: str, *, expected: bool) -> None:
    root = write({"atmos.yaml": ATMOS.replace("stacks:\n", f"stacks:\n  inherit: {{metadata: {value}}}\n")})
    assert load_config(root, {}).inherit_metadata is expected


def test_unset_takes_out_what_an_earlier_file_says(write: Write) -> None:
    root = write(
        {
            "atmos.d/a.yaml": "stacks: {name_pattern: '{stage}', name_template: x}\n",
            "atmos.yaml": ATMOS.replace("stacks:\n", "stacks:\n  name_pattern: !unset\n"),
        }
    )
    config = load_config(root, {})
    assert (config.name_pattern, config.name_template) == ("", "x")


def test_functions_of_the_configuration_are_evaluated(write: Write) -> None:
    text = ATMOS.replace('"."', "!cwd ./infra") + "env: {R: !repo-root , G: !git.root x, L: !literal '{{ a }}'}\n"
    root = write({"atmos.yaml": text, "infra/x": ""})
    config = load_config(root, {})
    assert config.base == root / "infra"
    assert config.env == {"R": str(root), "G": "x", "L": "{{ a }}"}


def test_the_process_environment_is_not_consulted(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "ATMOS_STACKS_NAME_PATTERN", "{stage}")
    assert load_config(write({}), {}).name_pattern == ""
