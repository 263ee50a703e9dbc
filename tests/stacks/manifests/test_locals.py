from __future__ import annotations

import pytest

from tests.stacks.conftest import Only, Open

APP = "components: {terraform: {app: {vars: {v: '{{ .locals.v }}'}}}}"


def test_locals_refer_to_each_other_and_to_sections_of_the_file(only: Only) -> None:
    app = only("""
        settings: {team: core}
        vars: {stage: dev}
        locals:
          name: "{{ .locals.prefix }}-{{ .vars.stage }}"
          prefix: "acme-{{ .settings.team }}"
          tags: {team: "{{ .settings.team }}"}
        components:
          terraform:
            app: {vars: {name: "{{ .locals.name }}", tags: "{{ .locals.tags }}"}}
    """)
    assert app.vars == {"stage": "dev", "name": "acme-core-dev", "tags": {"team": "core"}}
    assert "locals" not in app.sections


def test_type_sections_have_locals_of_their_own_over_those_of_the_root(only: Only) -> None:
    app = only(f"locals: {{v: root, w: 1}}\nterraform: {{locals: {{v: '{{{{ .locals.w }}}}-type'}}}}\n{APP}")
    assert app.vars == {"v": "1-type"}


def test_sections_of_the_file_see_its_locals(only: Only) -> None:
    app = only("""
        locals: {a: x}
        settings: {s: "{{ .locals.a }}1"}
        vars: {v: "{{ .settings.s }}2"}
        components: {terraform: {app: {}}}
    """)
    assert (app.settings, app.vars) == ({"s": "x1"}, {"v": "x12"})


def test_functions_in_locals_run_before_their_templates(only: Only) -> None:
    app = only(f"locals: {{v: !env GIVEN}}\n{APP}", env={"GIVEN": "g"})
    assert app.vars == {"v": "g"}


def test_locals_stay_in_their_file(only: Only) -> None:
    app = only(
        "import: [catalog/a]\ncomponents: {terraform: {app: {}}}",
        {"stacks/catalog/a.yaml": "locals: {v: 1}\nvars: {from: '{{ .locals.v }}'}"},
    )
    assert app.vars == {"from": "1"}


def test_templates_that_need_the_component_wait_for_it(only: Only) -> None:
    app = only("locals: {v: 1}\ncomponents: {terraform: {app: {vars: {v: 'a {{ .atmos_component }}'}}}}")
    assert app.vars == {"v": "a {{ .atmos_component }}"}


def test_locals_of_a_component_are_inherited_and_shown(only: Only) -> None:
    app = only("components: {terraform: {base: {locals: {a: 1}}, app: {metadata: {inherits: [base]}, locals: {b: 2}}}}")
    assert app.sections["locals"] == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ("locals: {a: '{{ .locals.b }}', b: '{{ .locals.a }}'}", "circular dependency in locals"),
        ("locals: {a: '{{ .vars.missing }}'}", "failed to resolve the local 'a'"),
        ("locals: [1]", "invalid locals section"),
        ("locals:", "invalid locals section"),
        (
            "locals: {a: !env A b c d}",
            "failed to resolve the local 'a': invalid number of arguments in the !env function",
        ),
        ("locals: {a: '{{ .vars.x | nope }}'}\nvars: {x: 1}", "the local 'a': function \"nope\" not defined"),
    ],
)
def test_wrong_locals_are_refused_with_their_file(repository: Open, manifest: str, message: str) -> None:
    (error,) = repository({"stacks/deploy/dev.yaml": f"{manifest}\n{APP}"}).resolve().errors
    assert message in error.message
    assert error.where is not None
    assert error.where.file == "stacks/deploy/dev.yaml"
