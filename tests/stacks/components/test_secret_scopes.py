"""Where a secret is declared says its scope; the layers merge as in Atmos's `pkg/secrets/scope_test.go`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from secrets_pipeline.errors import StackError
from secrets_pipeline.stacks import AtmosRepository


def declared(tmp_path: Path, text: str, component: str = "api") -> Any:  # noqa: ANN401 - a section
    (tmp_path / "atmos.yaml").write_text('stacks: {base_path: ".", included_paths: ["dev.yaml"]}')
    (tmp_path / "dev.yaml").write_text(text)
    found = AtmosRepository.open(tmp_path, env={}).resolve()
    if found.errors:
        raise found.errors[0]
    return found.stacks["dev"].components["terraform"][component].sections["secrets"]["vars"]


def test_the_root_says_stack_and_a_component_that_declares_it_again_says_instance(tmp_path: Path) -> None:
    found = declared(
        tmp_path,
        """
secrets: {vars: {SHARED: {store: s, required: true}, STACK_ONLY: {store: s}, EVERYWHERE: {store: s, scope: global}}}
components:
  terraform:
    base: {metadata: {type: abstract}, secrets: {vars: {OF_BASE: {store: s}}}}
    api: {metadata: {inherits: [base]}, secrets: {vars: {SHARED: {description: mine}, FREE: {scope: global}}}}
""",
    )
    assert {name: one["scope"] for name, one in found.items()} == {
        "SHARED": "instance",
        "STACK_ONLY": "stack",
        "EVERYWHERE": "global",
        "OF_BASE": "instance",
        "FREE": "global",
    }
    assert found["SHARED"] == {"store": "s", "required": True, "description": "mine", "scope": "instance"}


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("secrets: {vars: {X: {scope: instance}}}\ncomponents: {terraform: {api: {}}}", "'stack'"),
        ("components: {terraform: {api: {secrets: {vars: {X: {scope: stack}}}}}}", "'instance'"),
    ],
)
def test_a_scope_that_contradicts_its_place_is_an_error(tmp_path: Path, text: str, position: str) -> None:
    with pytest.raises(StackError, match=f"secret scope conflicts with declaration position.*{position}"):
        declared(tmp_path, text)
