from __future__ import annotations

import pytest

from tests.stacks.conftest import Open

FILES = {
    "stacks/deploy/dev.yaml": """\
import:
  - catalog/app
  - catalog/overrides
vars:
  stage: dev
components:
  terraform:
    app:
      vars:
        own: 1
        deep: {list: [{x: 1}]}
""",
    "stacks/catalog/app.yaml": """\
vars:
  root: 1
terraform:
  vars:
    kind: 1
components:
  terraform:
    base:
      vars:
        inherited: 1
        own: 0
    app:
      metadata: {inherits: [base]}
      vars:
        imported: 1
""",
    "stacks/catalog/overrides.yaml": "terraform:\n  overrides:\n    vars:\n      overridden: 1\n",
}


@pytest.mark.parametrize(
    ("path", "file", "line"),
    [
        (("vars", "own"), "stacks/deploy/dev.yaml", 10),
        (("vars", "deep", "list", 0, "x"), "stacks/deploy/dev.yaml", 11),
        (("vars", "stage"), "stacks/deploy/dev.yaml", 5),
        (("vars", "imported"), "stacks/catalog/app.yaml", 15),
        (("vars", "inherited"), "stacks/catalog/app.yaml", 10),
        (("vars", "kind"), "stacks/catalog/app.yaml", 5),
        (("vars", "root"), "stacks/catalog/app.yaml", 2),
        (("vars", "overridden"), "stacks/catalog/overrides.yaml", 4),
        (("metadata", "inherits"), "stacks/catalog/app.yaml", 13),
        (("vars", "own", "not", "there"), "stacks/deploy/dev.yaml", 10),
        (("nothing", "at", "all"), "stacks/deploy/dev.yaml", 8),
        ((), "stacks/deploy/dev.yaml", 8),
    ],
)
def test_the_manifest_and_line_of_the_highest_precedence_are_found(
    repository: Open, path: tuple[str | int, ...], file: str, line: int
) -> None:
    opened = repository(FILES)
    component = opened.stack("deploy/dev").components["terraform"]["app"]
    place = opened.locate(component, path)
    assert (place.file, place.line) == (file, line)
    assert (place.stack, place.component) == ("deploy/dev", "app")
    assert place.key == (".".join(str(step) for step in path) or None)


def test_a_key_of_a_merged_anchor_is_found(repository: Open) -> None:
    manifest = "x: &x\n  a: 1\ncomponents:\n  terraform:\n    app:\n      vars:\n        <<: *x\n"
    opened = repository({"stacks/deploy/dev.yaml": manifest})
    component = opened.stack("deploy/dev").components["terraform"]["app"]
    assert opened.locate(component, ("vars", "a")).line == 2


def test_a_component_of_a_template_is_located_in_its_manifest(repository: Open) -> None:
    opened = repository(
        {
            "stacks/deploy/dev.yaml": "import: [{path: catalog/a, context: {n: 1}}]",
            "stacks/catalog/a.yaml.tmpl": "components: {terraform: {app-{{ .n }}: {vars: {a: 1}}}}",
        }
    )
    component = opened.stack("deploy/dev").components["terraform"]["app-1"]
    place = opened.locate(component, ("vars", "a"))
    assert (place.file, place.line) == ("stacks/deploy/dev.yaml", None)
