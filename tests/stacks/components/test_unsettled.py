"""Components of which nobody can tell what they are stay in their stack, each with why."""

from __future__ import annotations

from secrets_pipeline.stacks import AtmosStack, UnsettledBy
from secrets_pipeline.stacks.sources.repository import AtmosRepository
from tests.stacks.conftest import ATMOS, Open

ONE_NAME = ATMOS.replace("components:", "  name_template: '{{ .vars.stage }}'\ncomponents:")


def kept(opened: AtmosRepository, name: str = "dev") -> AtmosStack:
    found = opened.resolve(keep_unsettled=True, keep_failing=True)
    assert found.errors == ()
    return found.stacks[name]


def reasons(stack: AtmosStack) -> dict[str, list[UnsettledBy]]:
    components = (one for of_kind in stack.components.values() for one in of_kind.values())
    return {one.name: [why.by for why in one.unsettled] for one in components}


def test_of_a_duplicate_every_version_is_kept_and_the_others_of_the_stack_are_as_ever(repository: Open) -> None:
    opened = repository(
        {
            "atmos.yaml": ONE_NAME,
            "stacks/deploy/a.yaml": "vars: {stage: dev}\ncomponents: {terraform: {vpc: {vars: {x: 1}}, app: {}}}",
            "stacks/deploy/b.yaml": "vars: {stage: dev}\ncomponents: {terraform: {vpc: {vars: {x: 2}}}}",
            "stacks/deploy/c.yaml": "vars: {stage: dev}\ncomponents: {terraform: {vpc: {vars: {x: 3}}}}",
        }
    )
    stack = kept(opened)
    assert reasons(stack) == {"vpc": [UnsettledBy.DUPLICATE], "app": []}
    vpc = stack.components["terraform"]["vpc"]
    assert [one.vars["x"] for one in (vpc, *vpc.others)] == [1, 2, 3]
    assert "Found duplicate config for the component 'vpc' in the stack 'dev'" in vpc.unsettled[0].error.message
    assert reasons(opened.stack("dev")) == reasons(stack)


def test_a_template_that_names_a_duplicate_fails_where_one_version_must_not_be_chosen(repository: Open) -> None:
    template = """'{{ (atmos.Component "vpc" .stack).vars.x }}'"""
    opened = repository(
        {
            "atmos.yaml": ONE_NAME + "templates: {settings: {enabled: true}}\n",
            "stacks/deploy/a.yaml": "vars: {stage: dev}\n"
            f"components: {{terraform: {{vpc: {{vars: {{x: 1}}}}, app: {{vars: {{y: {template}}}}}}}}}",
            "stacks/deploy/b.yaml": "vars: {stage: dev}\ncomponents: {terraform: {vpc: {vars: {x: 2}}}}",
        }
    )
    (failure,) = kept(opened).components["terraform"]["app"].failures
    assert "several manifests of the stack 'dev' define 'vpc', and differ" in failure.message
    # As in `atmos describe stacks`.
    described = opened.resolve(keep_conflicting=True, keep_failing=True).stacks["dev"].components["terraform"]["app"]
    assert (described.failures, described.vars["y"]) == ((), "1")


def test_a_component_that_cannot_be_made_stays_as_it_is_written(repository: Open) -> None:
    opened = repository(
        {
            "stacks/deploy/dev.yaml": "components: {terraform: {ok: {}, x: {vars: {a: 1}, settings: 1, "
            "metadata: {component: vpc}}}}"
        }
    )
    stack = kept(opened, "deploy/dev")
    assert reasons(stack) == {"ok": [], "x": [UnsettledBy.UNMADE]}
    made = stack.components["terraform"]["x"]
    assert (made.base, made.vars, made.settings) == ("vpc", {"a": 1}, {})
    error = made.unsettled[0].error
    assert error.where is not None
    assert (error.where.stack, error.where.component) == ("deploy/dev", "x")
    assert not opened.resolve().stacks


def test_a_stack_of_which_no_component_can_be_made_is_not_lost(repository: Open) -> None:
    stack = kept(repository({"stacks/deploy/dev.yaml": "components: {terraform: {x: {vars: 1}}}"}), "deploy/dev")
    assert reasons(stack) == {"x": [UnsettledBy.UNMADE]}


def test_an_import_from_elsewhere_leaves_open_what_its_manifests_say(repository: Open) -> None:
    opened = repository(
        {
            "stacks/catalog/base.yaml": "import: ['https://example.com/x.yaml']\nvars: {a: 1}",
            "stacks/deploy/dev.yaml": "import: [catalog/base]\ncomponents: {terraform: {x: {}}}",
            "stacks/deploy/prod.yaml": "components: {terraform: {x: {}}}",
        }
    )
    stack = kept(opened, "deploy/dev")
    assert reasons(stack) == {"x": [UnsettledBy.REMOTE_IMPORT]}
    assert stack.components["terraform"]["x"].vars == {"a": 1}
    error = stack.components["terraform"]["x"].unsettled[0].error
    assert (str(error.where), error.chain) == (
        "stacks/catalog/base.yaml:1, stack deploy/dev, key import",
        ("stacks/deploy/dev.yaml",),
    )
    assert "--from-atmos" in error.remedy
    assert reasons(kept(opened, "deploy/prod")) == {"x": []}
    whole = opened.resolve()
    assert (list(whole.stacks), len(whole.errors)) == (["deploy/prod"], 1)


def test_a_manifest_that_says_nothing_but_an_import_from_elsewhere_is_an_error_of_its_stack(repository: Open) -> None:
    opened = repository({"stacks/deploy/dev.yaml": "import: ['https://example.com/x.yaml']"})
    found = opened.resolve(keep_unsettled=True)
    assert not found.stacks
    (error,) = found.errors
    assert error.where is not None
    assert error.where.stack == "deploy/dev"
