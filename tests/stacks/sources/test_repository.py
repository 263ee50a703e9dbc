from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from secrets_pipeline.errors import StackError
from secrets_pipeline.golang.values import Value
from secrets_pipeline.golang.yaml.tags import FunctionCall
from secrets_pipeline.stacks import AtmosRepository, Component, Resolution
from tests.stacks.conftest import ATMOS, Open

SHARED = {
    "stacks/catalog/app.yaml": """
        vars: {tags: {team: core}, zones: [a, b]}
        components:
          terraform:
            base: {metadata: {type: abstract}, vars: {nested: {list: [{x: 1}]}}, settings: {s: {t: 1}}}
            app: {metadata: {inherits: [base]}}
    """,
    "stacks/deploy/dev.yaml": "import: [catalog/app]",
    "stacks/deploy/prod.yaml": "import: [catalog/app]",
}


def containers(value: Value) -> Iterator[int]:
    if isinstance(value, dict | list):
        yield id(value)
        for inner in value.values() if isinstance(value, dict) else value:
            yield from containers(inner)


def all_components(resolution: Resolution) -> list[Component]:
    return [c for s in resolution.stacks.values() for kind in s.components.values() for c in kind.values()]


def test_no_two_components_share_what_can_change(repository: Open) -> None:
    opened = repository(SHARED)
    found = [*all_components(opened.resolve()), *all_components(opened.resolve())]
    ids = [identity for component in found for identity in containers(dict(component.sections))]
    assert len(found) == 8
    assert len(ids) == len(set(ids))


def test_changing_a_component_changes_no_later_resolution(repository: Open) -> None:
    opened = repository(SHARED)
    first = opened.resolve().stacks["deploy/dev"].components["terraform"]["app"]
    first.sections["vars"]["tags"]["team"] = "changed"
    again = opened.resolve().stacks["deploy/dev"].components["terraform"]["app"]
    assert again.vars["tags"] == {"team": "core"}


def test_broken_stacks_do_not_block_others_and_all_errors_are_reported(repository: Open) -> None:
    found = repository(
        {
            "stacks/deploy/a.yaml": "vars: {a: 1\n",
            "stacks/deploy/b.yaml": "components: {terraform: {x: {vars: 1}, y: {env: 1}, z: {}}}",
            "stacks/deploy/c.yaml": "components: {terraform: {z: {}}}",
            "stacks/deploy/d.yaml": "import: [catalog/none]",
        }
    ).resolve()
    assert list(found.stacks) == ["deploy/c"]
    assert [(e.where.file, e.where.component) for e in found.errors if e.where] == [
        ("stacks/deploy/a.yaml", None),
        ("stacks/deploy/b.yaml", "x"),
        ("stacks/deploy/b.yaml", "y"),
        ("stacks/deploy/d.yaml", None),
    ]


def test_a_broken_import_of_many_stacks_is_reported_once(repository: Open) -> None:
    found = repository({**SHARED, "stacks/catalog/app.yaml": "a: 1\na: 2\n"}).resolve()
    (error,) = found.errors
    assert error.chain == ("stacks/deploy/dev.yaml",)


def test_one_stack_is_resolved_without_reading_the_files_of_others(repository: Open) -> None:
    opened = repository({**SHARED, "stacks/deploy/broken.yaml": "a: [\n"})
    found = opened.resolve(["deploy/dev"])
    assert (list(found.stacks), found.errors) == (["deploy/dev"], ())


def test_a_name_in_any_manifest_makes_every_file_a_candidate(repository: Open) -> None:
    opened = repository({**SHARED, "stacks/deploy/named.yaml": "name: deploy/dev\ncomponents: {terraform: {more: {}}}"})
    assert set(opened.resolve(["deploy/dev"]).stacks["deploy/dev"].components["terraform"]) == {"app", "base", "more"}


def test_a_stack_is_resolved_once(repository: Open) -> None:
    opened = repository(SHARED)
    assert opened.stack("deploy/dev") is opened.stack("deploy/dev")


def test_an_unknown_stack_names_near_misses(repository: Open) -> None:
    with pytest.raises(StackError, match="there is no stack 'deploy/dve'") as raised:
        repository(SHARED).stack("deploy/dve")
    assert raised.value.remedy.startswith("Did you mean deploy/dev")


def test_a_broken_stack_raises_its_error(repository: Open) -> None:
    opened = repository({"stacks/deploy/dev.yaml": "components: {terraform: {ok: {}}}\nvars: 1"})
    with pytest.raises(StackError, match="invalid vars section"):
        opened.stack("deploy/dev")


def test_files_that_change_later_are_not_read_again(repository: Open, tmp_path: Path) -> None:
    opened = repository(SHARED)
    before = opened.resolve().stacks["deploy/dev"].components["terraform"]["app"].vars
    (tmp_path / "stacks" / "catalog" / "app.yaml").write_text("broken: [")
    assert opened.resolve().stacks["deploy/dev"].components["terraform"]["app"].vars == before


def test_describe_has_the_shape_of_atmos(repository: Open) -> None:
    opened = repository(SHARED)
    described = opened.resolve().described()
    assert list(described) == ["deploy/dev", "deploy/prod"]
    sections = described["deploy/dev"]["components"]["terraform"]["app"]
    assert sections["vars"] == {"tags": {"team": "core"}, "zones": ["a", "b"], "nested": {"list": [{"x": 1}]}}
    assert {
        "atmos_component", "atmos_manifest", "atmos_stack", "atmos_stack_file", "backend", "command", "component",
        "component_info", "env", "imports", "inheritance", "metadata", "overrides", "settings", "stack", "vars",
        "workspace",
    } <= set(sections)  # fmt: skip


def test_a_manifest_without_components_gives_no_stack(repository: Open) -> None:
    found = repository({**SHARED, "stacks/deploy/empty.yaml": "", "stacks/deploy/vars.yaml": "vars: {a: 1}"}).resolve()
    assert set(found.stacks) == {"deploy/dev", "deploy/prod"}
    assert found.errors == ()


def test_the_process_environment_serves_when_none_is_given(
    repository: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    repository({"stacks/deploy/dev.yaml": "components: {terraform: {app: {vars: {v: !env OF_PROCESS}}}}"})
    monkeypatch.setenv("OF_PROCESS", "seen")
    component = AtmosRepository.open(tmp_path).stack("deploy/dev").components["terraform"]["app"]
    assert component.vars["v"] == "seen"


def test_a_folder_below_the_repository_opens_it(repository: Open, tmp_path: Path) -> None:
    repository(SHARED)
    assert AtmosRepository.open(tmp_path / "stacks" / "deploy", env={}).stack_names() == ("deploy/dev", "deploy/prod")


def test_a_repository_without_manifests_is_an_error(repository: Open) -> None:
    with pytest.raises(StackError, match="no stack manifests found"):
        repository({"atmos.yaml": ATMOS}).resolve()


def test_the_error_of_a_component_names_line_and_imports_of_the_manifest_that_has_the_mistake(repository: Open) -> None:
    found = repository(
        {
            "stacks/deploy/dev.yaml": "import: [mixins/all]\ncomponents: {terraform: {app: {}}}",
            "stacks/mixins/all.yaml": "import: [catalog/base]\n",
            "stacks/catalog/base.yaml": "components:\n  terraform:\n    app:\n      vars: [1]\n",
        }
    ).resolve()
    (error,) = found.errors
    assert error.diagnostics().splitlines()[:2] == [
        (
            "stacks/catalog/base.yaml:4, component app, key vars: invalid component vars section: "
            "'components.terraform.app.vars' in the file 'stacks/deploy/dev.yaml'"
        ),
        "  imported by: stacks/deploy/dev.yaml → stacks/mixins/all.yaml",
    ]


def test_one_mistake_that_reaches_many_components_is_one_error_a_stack(repository: Open) -> None:
    found = repository(
        {
            "atmos.yaml": ATMOS + "templates: {settings: {enabled: true}}\n",
            "stacks/mixins/tags.yaml": "vars:\n  tag: '{{ nope }}'\n",
            "stacks/deploy/a.yaml": "import: [mixins/tags]\ncomponents: {terraform: {x: {}, y: {}, z: {}}}",
            "stacks/deploy/b.yaml": "import: [mixins/tags]\ncomponents: {terraform: {x: {}}}",
        }
    ).resolve()
    texts = [(error.where.stack, error.where.line, error.message) for error in found.errors if error.where]
    undefined = 'template: function "nope" not defined'
    assert texts == [("deploy/a", 2, f"{undefined} (the same in 2 more components)"), ("deploy/b", 2, undefined)]


def test_a_stack_of_several_manifests_is_not_whole_while_one_of_them_is_broken(repository: Open) -> None:
    atmos = ATMOS.replace("components:", '  name_template: "{{ .vars.stage }}"\ncomponents:')
    found = repository(
        {
            "atmos.yaml": atmos,
            "stacks/deploy/a.yaml": "vars: {stage: dev}\ncomponents: {terraform: {x: {}}}",
            "stacks/deploy/b.yaml": "vars: {stage: dev}\ncomponents: {terraform: {y: {vars: [1]}}}",
            "stacks/deploy/c.yaml": "vars: {stage: prod}\ncomponents: {terraform: {x: {}}}",
        }
    ).resolve()
    assert list(found.stacks) == ["prod"]
    assert len(found.errors) == 1


def test_a_stack_is_found_by_a_name_that_an_import_from_elsewhere_gives(repository: Open) -> None:
    opened = repository(
        {
            "shared/name.yaml": "name: named",
            "stacks/deploy/dev.yaml": "import: [../../shared/name]\ncomponents: {terraform: {x: {}}}",
            "stacks/deploy/flow.yaml": "{name: flow, components: {terraform: {x: {}}}}",
        }
    )
    assert opened.stack_names() == ("flow", "named")
    assert [opened.stack(name).name for name in ("flow", "named")] == ["flow", "named"]


def test_threads_may_share_a_repository(repository: Open) -> None:
    files = {f"stacks/deploy/s{n}.yaml": "import: [catalog/app]" for n in range(20)}
    opened = repository({**SHARED, **files})
    with ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(lambda n: opened.stack(f"deploy/s{n % 20}").components["terraform"]["app"].vars, range(80))
        )
    assert all(variables == found[0] for variables in found)


def test_a_component_that_fails_may_be_kept_as_merged_with_its_failure(repository: Open) -> None:
    manifest = """
        vars: {stage: dev}
        components:
          terraform:
            broken: {vars: {id: '{{ atmos.Store "a" "b" "c" "d" }}', called: !env A B C, own: !env HOME}}
            whole: {vars: {name: '{{ .vars.stage }}'}}
        """
    rendering = ATMOS + "templates: {settings: {enabled: true}}\n"
    opened = repository({"atmos.yaml": rendering, "stacks/deploy/dev.yaml": manifest})
    assert not opened.resolve().stacks
    kept = opened.resolve(keep_failing=True)
    assert kept.errors == ()
    broken, whole = kept.stacks["deploy/dev"].components["terraform"].values()
    (failure,) = broken.failures
    assert failure.where is not None
    assert (failure.where.file, failure.where.line) == ("stacks/deploy/dev.yaml", 5)
    assert broken.vars["id"].startswith("{{ atmos.Store")
    assert isinstance(broken.vars["own"], FunctionCall)
    assert (whole.failures, whole.vars["name"]) == ((), "dev")
    assert opened.stack("deploy/dev").components["terraform"]["whole"].vars == whole.vars
