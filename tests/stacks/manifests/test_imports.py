from __future__ import annotations

from pathlib import Path

import pytest

from secrets_pipeline.errors import StackError
from secrets_pipeline.stacks import AtmosRepository
from tests.stacks.conftest import ATMOS, Only, Open

APP = "\ncomponents: {terraform: {app: {}}}\n"


def error_of(repository: AtmosRepository) -> StackError:
    (error,) = repository.resolve().errors
    return error


def test_a_later_import_wins_and_the_file_itself_last(only: Only) -> None:
    app = only(
        "import: [catalog/a, catalog/b]\nvars: {own: file}" + APP,
        {
            "stacks/catalog/a.yaml": "vars: {x: a, y: a, own: a}",
            "stacks/catalog/b.yaml": "vars: {y: b, own: b}",
        },
    )
    assert app.vars == {"x": "a", "y": "b", "own": "file"}


def test_imports_go_depth_first(only: Only) -> None:
    app = only(
        "import: [catalog/a, catalog/b]" + APP,
        {
            "stacks/catalog/a.yaml": "import: [catalog/deep]\nvars: {x: a}",
            "stacks/catalog/deep.yaml": "vars: {x: deep, y: deep}",
            "stacks/catalog/b.yaml": "vars: {y: b}",
        },
    )
    assert app.vars == {"x": "a", "y": "b"}


def test_components_of_importing_and_imported_files_merge(only: Only) -> None:
    app = only(
        "import: [catalog/app]\ncomponents: {terraform: {app: {vars: {tags: {stage: dev}}}}}",
        {"stacks/catalog/app.yaml": "components: {terraform: {app: {vars: {size: 1, tags: {team: core}}}}}"},
    )
    assert app.vars == {"size": 1, "tags": {"team": "core", "stage": "dev"}}


def test_paths_with_dots_are_relative_to_the_file(only: Only) -> None:
    app = only(
        "import: [./_shared/near, ../catalog/far]" + APP,
        {"stacks/deploy/_shared/near.yml": "vars: {near: 1}", "stacks/catalog/far.yaml": "vars: {far: 1}"}
        | {"atmos.yaml": ATMOS.replace("deploy/**/*", "deploy/*")},
    )
    assert app.vars == {"near": 1, "far": 1}


def test_globs_are_merged_in_sorted_order(only: Only) -> None:
    app = only(
        "import: ['mixins/**/*']" + APP,
        {
            "stacks/mixins/b.yaml": "vars: {last: b, b: 1}",
            "stacks/mixins/a.yaml": "vars: {last: a, a: 1}",
            "stacks/mixins/sub/c.yaml": "vars: {last: c, c: 1}",
        },
    )
    assert app.vars == {"last": "c", "a": 1, "b": 1, "c": 1}


def test_a_template_beside_the_named_file_is_preferred(only: Only) -> None:
    app = only(
        "import: [{path: catalog/a.yaml, context: {size: 7}}]" + APP,
        {"stacks/catalog/a.yaml": "vars: {from: plain}", "stacks/catalog/a.yaml.tmpl": "vars: {size: {{ .size }}}"},
    )
    assert app.vars == {"size": 7}


def test_a_dot_in_the_last_element_is_no_extension(only: Only) -> None:
    app = only("import: [catalog/vpc-1.2]" + APP, {"stacks/catalog/vpc-1.2.yaml": "vars: {v: 1}"})
    assert app.vars == {"v": 1}


def test_a_diamond_is_no_cycle(only: Only) -> None:
    app = only(
        "import: [catalog/a, catalog/b]" + APP,
        {
            "stacks/catalog/a.yaml": "import: [catalog/base]",
            "stacks/catalog/b.yaml": "import: [catalog/base]",
            "stacks/catalog/base.yaml": "vars: {v: 1}",
        },
    )
    assert app.vars == {"v": 1}
    assert app.sections["imports"] == ["catalog/a", "catalog/b", "catalog/base"]


def test_a_missing_import_may_be_skipped(only: Only) -> None:
    assert only("import: [{path: catalog/none, skip_if_missing: true}]" + APP).vars == {}


def test_an_import_template_is_rendered_with_its_context_and_keeps_types(only: Only) -> None:
    app = only(
        "import: [{path: catalog/app, context: {flavor: blue, on: true, ports: [1, 2]}}]",
        {
            "stacks/catalog/app.yaml": """
                components:
                  terraform:
                    "app-{{ .flavor }}":
                      vars: {name: 'x-{{ .flavor }}', enabled: '{{ .on }}', ports: "{{ .ports }}"}
            """
        },
        name="app-blue",
    )
    assert app.vars == {"name": "x-blue", "enabled": True, "ports": [1, 2]}


def test_the_context_of_the_importing_file_wins_over_nested_ones(only: Only) -> None:
    app = only(
        "import: [{path: catalog/a, context: {size: 1}}]" + APP,
        {
            "stacks/catalog/a.yaml": "import: [{path: catalog/b, context: {size: 2, color: red}}]",
            "stacks/catalog/b.yaml": "vars: {size: '{{ .size }}', color: '{{ .color }}'}",
        },
    )
    assert app.vars == {"size": 1, "color": "red"}


def test_the_same_file_imported_with_two_contexts_gives_two_components(repository: Open) -> None:
    found = repository(
        {
            "stacks/deploy/dev.yaml": """
                import:
                  - {path: catalog/app, context: {n: one}}
                  - {path: catalog/app, context: {n: two}}
            """,
            "stacks/catalog/app.yaml": "components: {terraform: {'app-{{ .n }}': {vars: {n: '{{ .n }}'}}}}",
        }
    ).resolve()
    components = found.stacks["deploy/dev"].components["terraform"]
    assert {name: component.vars["n"] for name, component in components.items()} == {"app-one": "one", "app-two": "two"}


def test_templates_of_an_import_may_be_left_alone(only: Only) -> None:
    app = only(
        "import: [{path: catalog/a, context: {x: 1}, skip_templates_processing: true}]" + APP,
        {"stacks/catalog/a.yaml": "vars: {x: '{{ .x }}'}"},
    )
    assert app.vars == {"x": "{{ .x }}"}


def test_a_missing_value_may_be_ignored(only: Only) -> None:
    app = only(
        "import: [{path: catalog/a, context: {x: 1}, ignore_missing_template_values: true}]" + APP,
        {"stacks/catalog/a.yaml": "vars: {y: 'a {{ .y }}'}"},
    )
    assert app.vars == {"y": "a <no value>"}


def test_without_context_templates_stay(only: Only) -> None:
    app = only("import: [catalog/a]" + APP, {"stacks/catalog/a.yaml": "vars: {y: '{{ .y }}'}"})
    assert app.vars == {"y": "{{ .y }}"}


def test_import_paths_are_rendered_when_templates_are_on(only: Only) -> None:
    app = only(
        "import: [mixins/stage, 'mixins/region/{{ .vars.region }}']" + APP,
        {
            "atmos.yaml": ATMOS + "templates: {settings: {enabled: true}}\n",
            "stacks/mixins/stage.yaml": "vars: {region: eu}",
            "stacks/mixins/region/eu.yaml": "vars: {zones: 3}",
        },
    )
    assert app.vars == {"region": "eu", "zones": 3}


def test_a_cycle_is_reported_with_the_chain(repository: Open) -> None:
    error = error_of(
        repository(
            {
                "stacks/deploy/dev.yaml": "import: [catalog/a]",
                "stacks/catalog/a.yaml": "import: [catalog/b]",
                "stacks/catalog/b.yaml": "import: [catalog/a]",
            }
        )
    )
    assert error.message == ("import cycle: stacks/catalog/a.yaml → stacks/catalog/b.yaml → stacks/catalog/a.yaml")
    assert error.chain == ("stacks/deploy/dev.yaml", "stacks/catalog/a.yaml", "stacks/catalog/b.yaml")


def test_an_error_in_an_import_names_its_chain(repository: Open) -> None:
    error = error_of(
        repository(
            {
                "stacks/deploy/dev.yaml": "import: [catalog/a]",
                "stacks/catalog/a.yaml": "import: [catalog/b]",
                "stacks/catalog/b.yaml": "vars: {a: 1\n",
            }
        )
    )
    assert error.where is not None
    assert error.where.file == "stacks/catalog/b.yaml"
    assert error.chain == ("stacks/deploy/dev.yaml", "stacks/catalog/a.yaml")


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ("import: [catalog/none]", "failed to find import 'catalog/none'"),
        ("import: ['catalog/*']", "failed to find import"),
        ("import: catalog/a", "invalid import section"),
        ("import: [null]", "invalid import in the file"),
        ("import: ['']", "invalid import in the file"),
        ("import: [1]", "invalid import in the file"),
        ("import: [{context: {}}]", "invalid import"),
        ("import: [{path: a, context: [1]}]", "`context` is not a mapping"),
        ("import: [deploy/dev]", "the file imports itself"),
        ("import: ['git::https://example.com/a.yaml']", "remote import not supported"),
        ("import: ['https://example.com/a.yaml']", "remote import not supported"),
        ("- a", "top level is not a mapping"),
    ],
)
def test_a_wrong_import_is_refused_with_its_file(repository: Open, manifest: str, message: str) -> None:
    error = error_of(repository({"stacks/deploy/dev.yaml": manifest}))
    assert message in error.message
    assert error.where is not None
    assert (error.where.file, error.where.line) == ("stacks/deploy/dev.yaml", 1)


def test_an_import_cannot_leave_the_repository(repository: Open, tmp_path: Path) -> None:
    (tmp_path.parent / "outside.yaml").write_text("vars: {stolen: 1}")
    error = error_of(repository({"stacks/deploy/dev.yaml": "import: [../../../outside]"}))
    assert "outside of the base path" in error.message


def test_a_link_cannot_leave_the_repository(repository: Open, tmp_path: Path) -> None:
    (tmp_path.parent / "linked.yaml").write_text("vars: {stolen: 1}")
    opened = repository({"stacks/deploy/dev.yaml": "import: [catalog/linked]"})
    (tmp_path / "stacks" / "catalog").mkdir()
    (tmp_path / "stacks" / "catalog" / "linked.yaml").symlink_to(tmp_path.parent / "linked.yaml")
    assert "outside of the base path" in error_of(opened).message


def test_a_missing_template_value_is_an_error_with_context(repository: Open) -> None:
    error = error_of(
        repository(
            {
                "stacks/deploy/dev.yaml": "import: [{path: catalog/a, context: {x: 1}}]",
                "stacks/catalog/a.yaml": "vars: {y: 'a {{ .y }}'}",
            }
        )
    )
    assert 'map has no entry for key "y"' in error.message


def test_a_template_that_cannot_be_rendered_names_file_and_action(repository: Open) -> None:
    error = error_of(
        repository(
            {
                "stacks/deploy/dev.yaml": "import: [{path: catalog/a, context: {x: 1}}]",
                "stacks/catalog/a.yaml": "vars:\n  y: '{{ .x | nope }}'",
            }
        )
    )
    assert 'invalid stack manifest: function "nope" not defined' in error.message
    assert error.where is not None
    assert (error.where.file, error.where.line) == ("stacks/catalog/a.yaml", 2)
    assert error.chain == ("stacks/deploy/dev.yaml",)


@pytest.mark.parametrize(
    "path",
    ['https://artifacts.example/{{ env "TOKEN" }}/x.yaml', 'git::https://u:p#{{ env "TOKEN" }}@example.com/x'],
)
def test_the_error_of_a_remote_import_says_nothing_that_a_template_put_into_it(repository: Open, path: str) -> None:
    atmos = ATMOS + "templates: {settings: {enabled: true, sprig: {enabled: true}}}"
    files = {"atmos.yaml": atmos, "stacks/deploy/dev.yaml": f"import: ['{path}']"}
    opened = repository(files, env={"TOKEN": "hunter2"})
    message = error_of(opened).message
    assert "remote import not supported" in message
    assert "hunter2" not in message
