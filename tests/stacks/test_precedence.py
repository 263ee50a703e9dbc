from __future__ import annotations

import pytest

from secrets_pipeline.stacks.components.sections import maps_of
from tests.stacks.conftest import ATMOS, Only, Open


def test_root_type_base_component_and_overrides_come_in_this_order(only: Only) -> None:
    app = only("""
        vars: {a: root, b: root, c: root, d: root, e: root}
        terraform:
          vars: {b: type, c: type, d: type, e: type}
          overrides: {vars: {e: overrides}}
        components:
          terraform:
            base: {vars: {c: base, d: base, e: base}}
            app: {metadata: {inherits: [base]}, vars: {d: component, e: component}}
    """)
    assert app.vars == {"a": "root", "b": "type", "c": "base", "d": "component", "e": "overrides"}


@pytest.mark.parametrize("section", ["settings", "env", "auth", "secrets", "dependencies", "hooks", "generate"])
def test_every_section_merges_like_vars(only: Only, section: str) -> None:
    app = only(f"""
        {section}: {{a: root, b: root, c: root}}
        terraform: {{{section}: {{b: type, c: type}}}}
        components: {{terraform: {{app: {{{section}: {{c: component}}}}}}}}
    """)
    assert app.sections[section] == {"a": "root", "b": "type", "c": "component"}


def test_sections_of_one_kind_do_not_reach_another(repository: Open) -> None:
    manifest = """
        vars: {all: 1}
        terraform: {vars: {tf: 1}}
        helmfile: {vars: {hf: 1}}
        packer: {vars: {pk: 1}}
        components: {terraform: {app: {}}, helmfile: {app: {}}, packer: {app: {}}}
    """
    kinds = repository({"stacks/deploy/dev.yaml": manifest}).resolve().stacks["deploy/dev"].components
    assert {kind: set(found["app"].vars) for kind, found in kinds.items()} == {
        "terraform": {"all", "tf"},
        "helmfile": {"all", "hf"},
        "packer": {"all", "pk"},
    }
    assert "backend" not in kinds["helmfile"]["app"].sections


def test_env_of_atmos_yaml_comes_first(only: Only) -> None:
    atmos = ATMOS + "env: {A: atmos, B: atmos}\n"
    app = only("env: {B: root}\ncomponents: {terraform: {app: {}}}", {"atmos.yaml": atmos})
    assert app.env == {"A": "atmos", "B": "root"}


@pytest.mark.parametrize(
    ("manifest", "atmos", "expected"),
    [
        ("components: {terraform: {app: {}}}", "", "terraform"),
        ("components: {terraform: {app: {}}}", "command: tofu", "tofu"),
        ("terraform: {command: t}\ncomponents: {terraform: {app: {}}}", "command: tofu", "t"),
        ("terraform: {command: t}\ncomponents: {terraform: {app: {command: c}}}", "", "c"),
        ("terraform: {overrides: {command: o}}\ncomponents: {terraform: {app: {command: c}}}", "", "o"),
    ],
)
def test_the_command_follows_the_order(only: Only, manifest: str, atmos: str, expected: str) -> None:
    text = ATMOS.replace("components/terraform}", f"components/terraform, {atmos}}}") if atmos else ATMOS
    assert only(manifest, {"atmos.yaml": text}).sections["command"] == expected


def test_root_metadata_reaches_components(only: Only) -> None:
    app = only("metadata: {labels: {a: 1}}\ncomponents: {terraform: {app: {metadata: {labels: {b: 2}}}}}")
    assert app.metadata == {"labels": {"a": 1, "b": 2}}


def test_overrides_reach_the_components_of_the_file_and_of_its_imports_only(repository: Open) -> None:
    found = repository(
        {
            "stacks/deploy/dev.yaml": "import: [catalog/team, catalog/other]",
            "stacks/catalog/team.yaml": """
                import: [catalog/nested]
                overrides: {vars: {team: core}}
                terraform: {overrides: {env: {T: x}}}
                components: {terraform: {mine: {}}}
            """,
            "stacks/catalog/nested.yaml": "components: {terraform: {nested: {}}}",
            "stacks/catalog/other.yaml": "components: {terraform: {other: {}}}",
        }
    ).resolve()
    components = found.stacks["deploy/dev"].components["terraform"]
    assert {name: dict(component.vars) for name, component in components.items()} == {
        "nested": {"team": "core"},
        "mine": {"team": "core"},
        "other": {"team": "core"},
    }


def test_imported_overrides_reach_only_what_is_imported_after_them(repository: Open) -> None:
    found = repository(
        {
            "stacks/deploy/dev.yaml": "import: [catalog/before, catalog/overrides, catalog/after]",
            "stacks/catalog/before.yaml": "components: {terraform: {before: {}}}",
            "stacks/catalog/overrides.yaml": "overrides: {vars: {x: 1}}",
            "stacks/catalog/after.yaml": "components: {terraform: {after: {}}}",
        }
    ).resolve()
    components = found.stacks["deploy/dev"].components["terraform"]
    assert (components["before"].vars, components["after"].vars) == ({}, {"x": 1})


def test_inline_overrides_win_over_imported_ones(only: Only) -> None:
    app = only(
        "import: [catalog/o]\noverrides: {vars: {x: inline}}\ncomponents: {terraform: {app: {}}}",
        {"stacks/catalog/o.yaml": "overrides: {vars: {x: imported, y: imported}}"},
    )
    assert app.vars == {"x": "inline", "y": "imported"}


@pytest.mark.parametrize(
    ("strategy", "expected"), [("replace", [3]), ("append", [1, 2, 3]), ("merge", [1, 2]), (None, [3])]
)
def test_lists_follow_the_strategy_of_atmos_yaml(only: Only, strategy: str | None, expected: list[int]) -> None:
    atmos = ATMOS + (f"settings: {{list_merge_strategy: {strategy}}}\n" if strategy else "")
    app = only("vars: {l: [1, 2]}\ncomponents: {terraform: {app: {vars: {l: [3]}}}}", {"atmos.yaml": atmos})
    assert app.vars["l"] == expected


def test_a_component_may_ask_for_its_own_list_strategy(only: Only) -> None:
    app = only("""
        vars: {l: [1]}
        components: {terraform: {app: {settings: {list_merge_strategy: append}, vars: {l: [2]}}}}
    """)
    assert app.vars["l"] == [1, 2]


@pytest.mark.parametrize("holder", ["settings: {S}", "terraform: {settings: {S}}"])
def test_a_stack_may_ask_for_a_list_strategy(only: Only, holder: str) -> None:
    asked = holder.replace("S", "list_merge_strategy: append")
    manifest = "vars: {l: [1]}\ncomponents: {terraform: {app: {vars: {l: [2]}}}}\n"
    assert only(manifest + asked).vars["l"] == [1, 2]


def test_the_nearest_list_strategy_counts_and_only_text_does(only: Only) -> None:
    manifest = """
        vars: {l: [1]}
        settings: {list_merge_strategy: append}
        components: {terraform: {app: {vars: {l: [2]}, settings: {list_merge_strategy: STRATEGY}}}}
    """
    assert only(manifest.replace("STRATEGY", "replace")).vars["l"] == [2]
    assert only(manifest.replace("STRATEGY", "7")).vars["l"] == [1, 2]


def test_the_list_strategy_of_a_component_governs_how_its_bases_merge_too(only: Only) -> None:
    app = only(
        """
        components:
          terraform:
            a: {vars: {l: [a]}}
            b: {vars: {l: [b]}}
            app: {metadata: {inherits: [a, b]}, settings: {list_merge_strategy: append}, vars: {l: [own]}}
            plain: {metadata: {inherits: [a, b]}}
        """
    )
    assert app.vars["l"] == ["a", "b", "own"]


@pytest.mark.parametrize("asking", ["a", "b"])
def test_a_list_strategy_of_one_stack_is_not_that_of_another_with_the_same_imports(
    repository: Open, asking: str
) -> None:
    catalog = """
        components:
          terraform:
            base: {vars: {l: [1]}}
            app: {metadata: {inherits: [base]}, vars: {l: [2]}}
    """
    files = {f"stacks/deploy/{stack}.yaml": "import: [catalog/app]\n" for stack in ("a", "b")}
    files[f"stacks/deploy/{asking}.yaml"] += "settings: {list_merge_strategy: append}\n"
    found = repository({"stacks/catalog/app.yaml": catalog, **files}).resolve()
    lists = {name: stack.components["terraform"]["app"].vars["l"] for name, stack in found.stacks.items()}
    assert lists == {"deploy/a": [2], "deploy/b": [2], f"deploy/{asking}": [1, 2]}


def test_kinds_that_atmos_does_not_describe_are_ignored(repository: Open) -> None:
    manifest = "components: {weird: {w: {}}, emulator: {e: {}}}"
    found = repository({"stacks/deploy/dev.yaml": manifest, "stacks/deploy/b.yaml": "components: {weird: {w: {}}}"})
    assert {name: list(stack.components) for name, stack in found.resolve().stacks.items()} == {
        "deploy/dev": ["emulator"]
    }


def test_an_unknown_list_strategy_of_a_component_names_its_line(repository: Open) -> None:
    manifest = "components:\n  terraform:\n    app:\n      settings:\n        list_merge_strategy: union\n"
    (error,) = repository({"stacks/deploy/dev.yaml": manifest}).resolve().errors
    assert "invalid Atmos manifests list_merge_strategy 'union'" in error.message
    assert error.where is not None
    assert error.where.line == 5


def test_unset_removes_what_came_before(only: Only) -> None:
    app = only("vars: {a: 1, b: 2}\ncomponents: {terraform: {app: {vars: {a: !unset }}}}")
    assert app.vars == {"b": 2}


def test_append_extends_an_inherited_list(only: Only) -> None:
    app = only("vars: {l: [1]}\ncomponents:\n  terraform:\n    app:\n      vars: {l: !append [2]}")
    assert app.vars == {"l": [1, 2]}
    assert type(app.vars["l"]) is list


def test_unknown_top_level_keys_are_ignored(only: Only) -> None:
    assert only("whatever: {x: 1}\ncomponents: {terraform: {app: {other: 1}}}").vars == {}


def test_the_abstract_component_loses_the_switch_of_spacelift(only: Only) -> None:
    app = only("""
        settings: {spacelift: {workspace_enabled: true, labels: [a]}}
        components: {terraform: {app: {metadata: {type: abstract}}}}
    """)
    assert app.settings == {"spacelift": {"labels": ["a"]}}


def test_only_terraform_components_lose_that_switch(repository: Open) -> None:
    manifest = (
        "components: {helmfile: {app: {metadata: {type: abstract}, settings: {spacelift: {workspace_enabled: true}}}}}"
    )
    stack = repository({"stacks/deploy/dev.yaml": manifest}).stack("deploy/dev")
    assert stack.components["helmfile"]["app"].settings == {"spacelift": {"workspace_enabled": True}}


@pytest.mark.parametrize("section", [name for name in maps_of("terraform") if name != "locals"])
@pytest.mark.parametrize("value", ["null", "[1]", "text"])
def test_a_section_of_the_wrong_type_is_refused(repository: Open, section: str, value: str) -> None:
    manifest = f"components:\n  terraform:\n    app:\n      {section}: {value}\n"
    (error,) = repository({"stacks/deploy/dev.yaml": manifest}).resolve().errors
    assert f"invalid component {section} section: 'components.terraform.app.{section}'" in error.message
    assert error.where is not None
    assert (error.where.line, error.where.component) == (4, "app")


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ("vars: [1]", "invalid vars section: 'vars' in the file 'stacks/deploy/dev.yaml'"),
        ("terraform: null", "invalid terraform section"),
        ("terraform: {vars: 1}", "invalid vars section: 'terraform.vars'"),
        ("components: [1]", "invalid components section"),
        ("components: {terraform: 1}", "invalid terraform section: 'components.terraform'"),
        ("overrides: 1", "invalid overrides section in the stack manifest 'stacks/deploy/dev.yaml'"),
        ("terraform: {overrides: 1}", "invalid terraform.overrides section"),
        ("metadata: {owner: x}", "metadata field is not allowed at global (stack-wide) scope: owner"),
        ("packer: null", "invalid packer section"),
        ("helmfile: {vars: []}", "invalid vars section: 'helmfile.vars'"),
    ],
)
def test_a_wrong_section_of_the_manifest_is_refused(repository: Open, manifest: str, message: str) -> None:
    text = manifest + ("\ncomponents: {terraform: {app: {}}}" if "components" not in manifest else "")
    (error,) = repository({"stacks/deploy/dev.yaml": text}).resolve().errors
    assert message in error.message
    assert error.where is not None
    assert error.where.line == 1


def test_overrides_of_the_wrong_type_are_refused(repository: Open) -> None:
    manifest = "overrides: {vars: 1}\ncomponents: {terraform: {app: {}}}"
    (error,) = repository({"stacks/deploy/dev.yaml": manifest}).resolve().errors
    assert "invalid component vars section: 'components.terraform.app.overrides.vars'" in error.message
    assert error.where is not None
    assert error.where.line == 1
