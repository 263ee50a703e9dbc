from __future__ import annotations

import pytest

from tests.stacks.conftest import ATMOS, Open

APP = "components: {terraform: {app: {}}}"


def with_naming(text: str) -> str:
    return ATMOS.replace("components:", f"  {text}\ncomponents:")


@pytest.mark.parametrize(
    ("naming", "manifest", "expected"),
    [
        ("", "", "deploy/dev"),
        ("", "name: mine", "mine"),
        ("name_template: '{{ .vars.tenant }}-{{.vars.stage}}'", "", "t1-dev"),
        ("name_template: '{{ .vars.tenant }}-{{.vars.stage}}'", "name: mine", "mine"),
        ("name_template: 'x-{{ .settings.region }}'", "settings: {region: eu}", "x-eu"),
        ("name_pattern: '{tenant}-{stage}'", "", "t1-dev"),
        ("name_pattern: '{tenant}-{stage}'", "name: mine", "mine"),
        ("name_pattern: '{tenant}-x-{dir}-{stage}'", "", "t1-dev"),
        ("name_pattern: '{tenant}-{environment}'", "", "deploy/dev"),
        ("name_pattern: '{dir}'", "", "deploy/dev"),
        ("name_template: '{{ .vars.tenant }}'\n  name_pattern: '{stage}'", "", "t1"),
    ],
)
def test_the_name_follows_the_order_of_its_sources(repository: Open, naming: str, manifest: str, expected: str) -> None:
    files = {
        "atmos.yaml": with_naming(naming) if naming else ATMOS,
        "stacks/deploy/dev.yaml": f"vars: {{tenant: t1, stage: dev}}\n{manifest}\n{APP}",
    }
    opened = repository(files)
    assert opened.stack_names() == (expected,)
    component = opened.stack(expected).components["terraform"]["app"]
    assert (component.stack, component.sections["atmos_stack"], component.sections["stack"]) == (expected,) * 3
    assert component.sections["atmos_stack_file"] == component.sections["atmos_manifest"] == "deploy/dev"


def test_a_name_in_a_catalog_renames_every_stack_that_imports_it(repository: Open) -> None:
    opened = repository(
        {"stacks/deploy/dev.yaml": f"import: [catalog/a]\n{APP}", "stacks/catalog/a.yaml": "name: catalog"}
    )
    assert opened.stack_names() == ("catalog",)


def test_components_of_one_manifest_may_belong_to_several_stacks(repository: Open) -> None:
    opened = repository(
        {
            "atmos.yaml": with_naming("name_template: '{{ .vars.stage }}'"),
            "stacks/deploy/all.yaml": "components: {terraform: {a: {vars: {stage: x}}, b: {vars: {stage: y}}}}",
        }
    )
    assert {name: set(opened.stack(name).components["terraform"]) for name in ("x", "y")} == {"x": {"a"}, "y": {"b"}}


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ .vars.stage }}", 'map has no entry for key "stage"'),
        ("{{ .vars.stage | lower }}", 'map has no entry for key "stage"'),
    ],
)
def test_a_name_that_cannot_be_made_is_an_error_of_that_manifest(repository: Open, template: str, message: str) -> None:
    found = repository(
        {
            "atmos.yaml": with_naming(f"name_template: '{template}'"),
            "stacks/deploy/bad.yaml": APP,
            "stacks/deploy/good.yaml": f"name: good\n{APP}",
        }
    ).resolve()
    assert list(found.stacks) == ["good"]
    (error,) = found.errors
    assert message in error.message
    assert error.where is not None
    assert (error.where.file, error.where.component) == ("stacks/deploy/bad.yaml", "app")


def test_a_name_that_is_not_text_is_ignored(repository: Open) -> None:
    manifest = "name: 5\ncomponents: {terraform: {a: {}}}"
    assert repository({"stacks/deploy/dev.yaml": manifest}).stack_names() == ("deploy/dev",)


def test_a_name_pattern_takes_text_only(repository: Open) -> None:
    atmos = with_naming('name_pattern: "{tenant}-{stage}"')
    manifest = "vars: {tenant: a, stage: 1}\ncomponents: {terraform: {a: {}}}"
    assert repository({"atmos.yaml": atmos, "stacks/deploy/dev.yaml": manifest}).stack_names() == ("deploy/dev",)


def test_a_component_with_its_own_variables_names_its_own_stack(repository: Open) -> None:
    atmos = with_naming('name_template: "{{ .vars.tenant }}-{{ .vars.stage }}"')
    manifest = """
        vars: {tenant: a, stage: dev}
        components: {terraform: {one: {}, two: {vars: {stage: prod}}, three: {metadata: {inherits: [two]}}, four: {}}}
    """
    found = repository({"atmos.yaml": atmos, "stacks/deploy/dev.yaml": manifest}).resolve().stacks
    assert {name: sorted(stack.components["terraform"]) for name, stack in found.items()} == {
        "a-dev": ["four", "one"],
        "a-prod": ["three", "two"],
    }


def test_a_name_may_be_made_of_what_a_component_gets_computed(repository: Open) -> None:
    atmos = with_naming('name_template: "{{ .backend.bucket }}"')
    manifest = """
        terraform: {backend_type: s3, backend: {s3: {bucket: one}}}
        components: {terraform: {a: {}, b: {backend: {s3: {bucket: two}}}}}
    """
    opened = repository({"atmos.yaml": atmos, "stacks/deploy/dev.yaml": manifest})
    assert opened.stack_names() == ("one", "two")
    assert list(opened.stack("two").components["terraform"]) == ["b"]
