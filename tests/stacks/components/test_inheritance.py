from __future__ import annotations

import pytest

from secrets_pipeline.stacks import AtmosRepository, Component
from tests.stacks.conftest import ATMOS, Open


def components(repository: AtmosRepository) -> dict[str, Component]:
    found = repository.resolve()
    assert found.errors == ()
    return dict(found.stacks["deploy/dev"].components["terraform"])


def test_bases_apply_far_to_near_and_the_component_last(repository: Open) -> None:
    found = components(
        repository(
            {
                "stacks/deploy/dev.yaml": """
                    components:
                      terraform:
                        far: {vars: {a: far, b: far, c: far}}
                        near: {metadata: {inherits: [far]}, vars: {b: near, c: near}}
                        app: {metadata: {inherits: [near]}, vars: {c: app}}
                """
            }
        )
    )
    assert found["app"].vars == {"a": "far", "b": "near", "c": "app"}
    assert found["app"].sections["inheritance"] == ["near", "far"]


def test_a_later_entry_of_inherits_wins(repository: Open) -> None:
    found = components(
        repository(
            {
                "stacks/deploy/dev.yaml": """
                    components:
                      terraform:
                        a: {vars: {x: a, y: a}, settings: {s: a}, env: {E: a}}
                        b: {vars: {y: b}}
                        app: {metadata: {inherits: [a, b]}}
                """
            }
        )
    )
    assert found["app"].vars == {"x": "a", "y": "b"}
    assert (found["app"].settings, found["app"].env) == ({"s": "a"}, {"E": "a"})
    assert found["app"].sections["inheritance"] == ["b", "a"]


def test_component_inherits_before_metadata_inherits(repository: Open) -> None:
    found = components(
        repository(
            {
                "stacks/deploy/dev.yaml": """
                    components:
                      terraform:
                        old: {vars: {x: old, y: old}}
                        new: {vars: {y: new}}
                        app: {component: old, metadata: {inherits: [new]}}
                """
            }
        )
    )
    assert found["app"].vars == {"x": "old", "y": "new"}
    assert found["app"].base == "old"


@pytest.mark.parametrize(
    ("kind", "expected", "inheritance"),
    [("real", {"x": "old", "y": "base"}, ["base", "old"]), ("abstract", {"y": "base"}, ["base"])],
)
def test_the_physical_component_of_an_abstract_base_is_not_inherited(
    repository: Open, kind: str, expected: dict[str, str], inheritance: list[str]
) -> None:
    # Source: Atmos, internal/exec/stack_processor_utils.go, ProcessBaseComponentConfig
    manifest = f"""
        components:
          terraform:
            old: {{vars: {{x: old}}}}
            base: {{component: old, metadata: {{type: {kind}}}, vars: {{y: base}}}}
            app: {{metadata: {{inherits: [base]}}}}
    """
    app = components(repository({"stacks/deploy/dev.yaml": manifest}))["app"]
    assert app.vars == expected
    assert app.sections["inheritance"] == inheritance


def test_an_undefined_component_is_fine_if_its_folder_exists(repository: Open) -> None:
    found = components(
        repository(
            {
                "stacks/deploy/dev.yaml": "components: {terraform: {app: {component: infra/vpc}}}",
                "components/terraform/infra/vpc/main.tf": "",
            }
        )
    )
    assert found["app"].sections["inheritance"] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", "app"),
        ("{metadata: {component: own}}", "own"),
        ("{metadata: {inherits: [base]}}", "of-base"),
        ("{metadata: {component: own, inherits: [base]}}", "own"),
        ("{component: base}", "base"),
    ],
)
def test_the_physical_component_follows_the_order(repository: Open, text: str, expected: str) -> None:
    manifest = f"components: {{terraform: {{base: {{metadata: {{component: of-base}}}}, app: {text}}}}}"
    files = {"stacks/deploy/dev.yaml": manifest, "components/terraform/of-base/x": ""}
    assert components(repository(files))["app"].base == expected


def test_metadata_is_inherited_but_for_inherits_and_type(repository: Open) -> None:
    manifest = """
        components:
          terraform:
            root: {}
            base: {metadata: {type: abstract, inherits: [root], labels: {team: core}, enabled: false}}
            app: {metadata: {inherits: [base], enabled: true}}
    """
    found = components(repository({"stacks/deploy/dev.yaml": manifest}))
    assert found["app"].metadata == {"inherits": ["base"], "labels": {"team": "core"}, "enabled": True}
    assert (found["app"].abstract, found["app"].enabled) == (False, True)
    assert (found["base"].abstract, found["base"].enabled) == (True, False)


def test_metadata_inheritance_can_be_turned_off(repository: Open) -> None:
    manifest = "components: {terraform: {base: {metadata: {component: m}}, app: {metadata: {inherits: [base]}}}}"
    atmos = ATMOS.replace("components:", "  inherit: {metadata: false}\ncomponents:")
    found = components(repository({"stacks/deploy/dev.yaml": manifest, "atmos.yaml": atmos}))
    assert found["app"].metadata == {"inherits": ["base"]}
    assert found["app"].base == "app"


def test_the_last_base_decides_the_backend_type_even_by_having_none(repository: Open) -> None:
    manifest = """
        components:
          terraform:
            has_backend: {backend_type: s3, backend: {s3: {bucket: b}}, command: tofu}
            plain: {}
            kept: {metadata: {inherits: [plain, has_backend]}}
            lost: {metadata: {inherits: [has_backend, plain]}}
    """
    found = components(repository({"stacks/deploy/dev.yaml": manifest}))
    assert (found["kept"].sections["backend_type"], found["kept"].sections["command"]) == ("s3", "tofu")
    assert (found["lost"].sections["backend_type"], found["lost"].sections["command"]) == ("", "terraform")


def test_a_base_reached_on_two_ways_is_no_cycle(repository: Open) -> None:
    manifest = """
        components:
          terraform:
            base: {vars: {x: base}}
            left: {metadata: {inherits: [base]}, vars: {x: left}}
            right: {metadata: {inherits: [base]}}
            app: {metadata: {inherits: [left, right]}}
    """
    app = components(repository({"stacks/deploy/dev.yaml": manifest}))["app"]
    assert app.vars == {"x": "base"}
    assert app.sections["inheritance"] == ["right", "base", "left"]


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("app: {metadata: {inherits: [nowhere]}}", "component not defined in any config files", 3),
        ("app: {component: nowhere}", "component not defined in any config files", 3),
        ("app: {metadata: {inherits: base}}", "invalid component metadata.inherits section", 3),
        ("app: {metadata: {inherits: [1]}}", "invalid component metadata.inherits section", 3),
        (
            "app: {metadata: {component: 1}}",
            "invalid component component attribute: 'components.terraform.app.metadata.component'",
            3,
        ),
        ("app: {component: [1]}", "invalid component component attribute", 3),
        ("app: {metadata: null}", "invalid component metadata section", 3),
        ("app: null", "invalid component map type for component 'app'", 3),
    ],
)
def test_wrong_inheritance_names_the_component_and_its_line(
    repository: Open, text: str, message: str, line: int
) -> None:
    (error,) = repository({"stacks/deploy/dev.yaml": f"components:\n  terraform:\n    {text}\n"}).resolve().errors
    assert message in error.message
    assert error.where is not None
    assert (error.where.file, error.where.component, error.where.line) == ("stacks/deploy/dev.yaml", "app", line)


def test_a_cycle_of_bases_is_reported_with_its_chain(repository: Open) -> None:
    manifest = """
        components:
          terraform:
            app: {metadata: {inherits: [b]}}
            b: {metadata: {inherits: [c]}}
            c: {metadata: {inherits: [b]}}
    """
    errors = repository({"stacks/deploy/dev.yaml": manifest}).resolve().errors
    assert any(error.message == "circular component inheritance detected: app → b → c → b" for error in errors)
