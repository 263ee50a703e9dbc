from __future__ import annotations

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
    assert "stacks/deploy/a.yaml" in error.message
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
