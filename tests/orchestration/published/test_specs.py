"""Which secrets are published, and what the catalogue has of each before it has a version."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.definitions_load_context import DefinitionsLoadContext, DefinitionsLoadType

from secrets_pipeline.orchestration.build import build_definitions
from secrets_pipeline.orchestration.published import specs
from secrets_pipeline.orchestration.published.specs import published_specs
from secrets_pipeline.orchestration.shared.names import PLAIN, Names
from secrets_pipeline.orchestration.shared.publish import NOTHING, Publish, published_key
from secrets_pipeline.orchestration.shared.resources import Asked
from tests.gits import committed
from tests.orchestration.conftest import Repository

PAYMENTS = Names("payments")
GENERATED = {"generate_random_password": True}
MANIFEST = """
vars: {stage: dev, environment: dev, region: eu-west-2, account_id: "111122223333", context_name: shop}
components:
  terraform:
    secretsmanager/app:
      vars:
        secrets:
          token: {path: api, generate_random_password: true}
"""


@pytest.fixture(autouse=True)
def code_server() -> None:
    """Definitions are loaded as a code server does, whatever a test before this one has loaded them for."""
    DefinitionsLoadContext.set(DefinitionsLoadContext(load_type=DefinitionsLoadType.INITIALIZATION))


def component(context: str = "shop", region: str = "eu-west-2", **secrets: Any) -> dict[str, dict[str, Any]]:  # noqa: ANN401 - variables of a component
    """The variables of a stack's only component."""
    place = {"environment": "dev", "region": region, "account_id": "111122223333", "context_name": context}
    return {"secretsmanager": {**place, "secrets": secrets}}


def test_a_glob_is_for_the_whole_name_and_the_key_has_its_parts(repository: Repository) -> None:
    database = {**GENERATED, "path": "database"}
    repository.tree = {"a": component(connection=database, token=GENERATED)}
    found = published_specs(PAYMENTS, Publish(("shop/*/database/*", "token")), repository.desired())
    [spec] = found
    assert spec.key.path == ["payments", "secret", "shop", "dev", "database", "connection"]
    assert (spec.group_name, dict(spec.tags)["stack"], dict(spec.tags)["component"]) == (
        "payments_published",
        "a",
        "secretsmanager",
    )
    assert spec.partitions_def is None
    assert spec.description is not None
    assert "`shop/dev/database/connection` of stack a." in spec.description
    [plain] = published_specs(PLAIN, Publish(("*/connection",)), repository.desired())
    assert plain.key.to_user_string() == "secret/shop/dev/database/connection"


def test_without_globs_or_a_repository_nothing_is_defined(repository: Repository) -> None:
    repository.tree = {"a": component(token=GENERATED)}
    assert published_specs(PLAIN, NOTHING, repository.desired()) == []
    assert published_specs(PLAIN, Publish(("*",)), None) == []


def test_a_name_that_two_stacks_declare_is_one_asset_that_names_both(repository: Repository) -> None:
    repository.tree = {"a": component(token=GENERATED), "b": component(region="eu-west-1", token=GENERATED)}
    [spec] = published_specs(PLAIN, Publish(("*",)), repository.desired())
    assert "`shop/dev/token` of stacks a, b." in (spec.description or "")
    assert dict(spec.tags)["stack"] == "several"


def test_characters_of_aws_names_stay_in_the_key_and_slashes_leave_no_empty_part() -> None:
    assert published_key(PLAIN, "/shop//a+b=c.d@e!/x-y_z/").path == ["secret", "shop", "a+b=c.d@e!", "x-y_z"]


def test_names_that_differ_in_slashes_alone_are_one_asset(repository: Repository) -> None:
    named = {**GENERATED, "full_name": "/shop/dev/token"}
    repository.tree = {"a": component(token=GENERATED, slashed=named)}
    [spec] = published_specs(PLAIN, Publish(("*token",)), repository.desired())
    assert "`/shop/dev/token` and `shop/dev/token` of stack a." in (spec.description or "")


def test_of_more_than_can_be_assets_the_first_by_name_are_and_the_log_names_number_and_setting(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(specs, "MOST", 2)
    repository.tree = {"a": component(one=GENERATED, two=GENERATED)}
    assert len(published_specs(PLAIN, Publish(("shop/*",)), repository.desired())) == 2
    repository.tree["b"] = component("other", three=GENERATED)
    assert caplog.messages == []
    found = published_specs(PLAIN, Publish(("*",)), repository.desired())
    assert [spec.key.path[-1] for spec in found] == ["three", "one"]
    [said] = caplog.messages
    assert said.startswith(
        "`publish` matches 3 secrets (*), and the first 2 by name are assets, up to secret/shop/dev/one."
    )


def test_the_line_of_yaml_is_linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECRETS_PIPELINE_FROM_FILE", "SECRETS_PIPELINE_FROM_ATMOS"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "stacks").mkdir()
    settings = 'base_path: "."\nstacks: {base_path: stacks, included_paths: ["**/*"], name_pattern: "{stage}"}\n'
    (tmp_path / "atmos.yaml").write_text(settings)
    (tmp_path / "stacks" / "dev.yaml").write_text(MANIFEST)
    committed(tmp_path)
    built = build_definitions(
        asked=Asked(base_path=tmp_path, publish=("shop/*",)), names=PAYMENTS, owners=["team:them"]
    )
    spec = built.resolve_asset_graph().get(published_key(PAYMENTS, "shop/dev/api/token"))
    [line] = spec.metadata["dagster/code_references"].code_references
    assert isinstance(line, dg.LocalFileCodeReference)
    assert (line.file_path, line.line_number) == (str(tmp_path / "stacks" / "dev.yaml"), 8)
    assert spec.owners == ["team:them"]


def test_the_environment_names_the_globs_where_the_component_does_not() -> None:
    env = {"SECRETS_PIPELINE_PUBLISH": "shop/*, other/dev/token,"}
    assert Publish.chosen(None, env).globs == ("shop/*", "other/dev/token")
    assert Publish.chosen([], env) == NOTHING
    assert Publish.chosen(["mine/*"], env).globs == ("mine/*",)
