from __future__ import annotations

import json

from tests.stacks.conftest import ATMOS, Open

ONE_NAME = ATMOS.replace("components:", "  name_template: '{{ .vars.stage }}'\ncomponents:")


def test_files_of_one_name_make_one_stack(repository: Open) -> None:
    opened = repository(
        {
            "atmos.yaml": ONE_NAME,
            "stacks/deploy/a.yaml": "vars: {stage: dev, only: a}\ncomponents: {terraform: {one: {}}}",
            "stacks/deploy/b.yaml": "vars: {stage: dev}\ncomponents: {terraform: {two: {}}, helmfile: {three: {}}}",
        }
    )
    stack = opened.stack("dev")
    assert stack.files == ("stacks/deploy/a.yaml", "stacks/deploy/b.yaml")
    assert {kind: set(found) for kind, found in stack.components.items()} == {
        "terraform": {"one", "two"},
        "helmfile": {"three"},
    }
    assert stack.components["terraform"]["one"].vars == {"stage": "dev", "only": "a"}
    assert stack.components["terraform"]["two"].vars == {"stage": "dev"}


def test_an_equal_component_of_two_files_is_kept_once_from_the_first(repository: Open) -> None:
    manifest = "vars: {stage: dev}\ncomponents: {terraform: {app: {vars: {x: 1}}}}"
    files = {"stacks/deploy/us-east-2-extras.yaml": manifest, "stacks/deploy/us-east-2.yaml": manifest}
    found = repository({"atmos.yaml": ONE_NAME, **files}).resolve()
    assert found.errors == ()
    assert found.stacks["dev"].components["terraform"]["app"].manifest == "stacks/deploy/us-east-2.yaml"


def test_a_component_that_differs_in_two_files_breaks_that_stack_only(repository: Open) -> None:
    opened = repository(
        {
            "atmos.yaml": ONE_NAME,
            "stacks/deploy/a.yaml": "vars: {stage: dev}\ncomponents: {terraform: {app: {vars: {x: 1}}}}",
            "stacks/deploy/b.yaml": "vars: {stage: dev}\ncomponents: {terraform: {app: {vars: {x: 2}}}}",
            "stacks/deploy/c.yaml": "vars: {stage: prod}\ncomponents: {terraform: {app: {}}}",
        }
    )
    found = opened.resolve()
    assert list(found.stacks) == ["prod"]
    (error,) = found.errors
    assert "Found duplicate config for the component 'app' in the stack 'dev'" in error.message
    assert "stacks/deploy/a.yaml and stacks/deploy/b.yaml differ" in error.message
    assert "are one stack by name_template of atmos.yaml" in error.message
    kept = opened.resolve(keep_conflicting=True)
    assert kept.stacks["dev"].components["terraform"]["app"].vars["x"] == 1
    assert len(kept.errors) == 1


def test_a_base_in_a_peer_file_only_is_not_defined(repository: Open) -> None:
    found = repository(
        {
            "atmos.yaml": ONE_NAME,
            "stacks/deploy/a.yaml": "vars: {stage: dev}\ncomponents: {terraform: {base: {}}}",
            "stacks/deploy/b.yaml": (
                "vars: {stage: dev}\ncomponents: {terraform: {app: {metadata: {inherits: [base]}}}}"
            ),
        }
    ).resolve()
    (error,) = found.errors
    assert "component not defined in any config files" in error.message


def test_manifests_that_one_imported_name_makes_one_stack_are_said_once_with_its_place(repository: Open) -> None:
    components: dict[str, object] = {"terraform": {f"c{number}": {} for number in range(12)}}
    files = {
        f"stacks/deploy/{stage}.yaml": json.dumps(
            {"import": ["catalog/base"], "vars": {"stage": stage}, "components": components}
        )
        for stage in ("dev", "prod", "staging")
    }
    opened = repository({"stacks/catalog/base.yaml": "vars: {}\nname: infrastructure\n", **files})
    (error,) = opened.resolve().errors
    assert error.where is not None
    assert str(error.where) == "stacks/catalog/base.yaml:2, stack infrastructure"
    assert "Found duplicate config for 12 components (c0, c1, " in error.message
    assert "c9 and 2 more) in the stack 'infrastructure'" in error.message
    assert "stacks/deploy/dev.yaml, stacks/deploy/prod.yaml and stacks/deploy/staging.yaml differ" in error.message
    assert "are one stack by `name` in stacks/catalog/base.yaml:2" in error.message
    assert "Take `name` out of there, or give each manifest another." in error.remedy
    assert set(opened.resolve(keep_conflicting=True).stacks) == {"infrastructure"}


def test_names_of_their_own_that_are_the_same_are_named_each(repository: Open) -> None:
    manifest = "name: one\nvars: {{x: {}}}\ncomponents: {{terraform: {{app: {{}}}}}}"
    opened = repository({f"stacks/deploy/{one}.yaml": manifest.format(one) for one in "ab"})
    (error,) = opened.resolve().errors
    assert "by `name` in stacks/deploy/a.yaml:1 and `name` in stacks/deploy/b.yaml:1" in error.message
