"""`atmos_stack`: what the catalogue finds by a secret's name, the lines that declare them, and the versions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.definitions_load_context import DefinitionsLoadContext, DefinitionsLoadType

from secrets_pipeline.operations.open_repository import OpenRepository, open_repository
from secrets_pipeline.orchestration.build import build_definitions
from secrets_pipeline.orchestration.pages.declared import (
    VERSION_TAG,
    atmos_stack_spec,
    observe_declared,
    secret_tags,
)
from secrets_pipeline.orchestration.shared.names import ATMOS_STACK, PLAIN
from secrets_pipeline.orchestration.shared.resources import Asked
from tests.gits import committed
from tests.orchestration.conftest import Repository

MANIFEST = """
vars: {stage: dev, environment: dev, region: eu-west-2, account_id: "111122223333", context_name: shop}
components:
  terraform:
    secretsmanager/app:
      vars:
        secrets:
          token: {path: api, generate_random_password: true}
          key@1:
            path: a-path-that-is-so-long-that-no-tag-of-dagster-can-have-all-of-its-characters
            generate_random_password: true
"""


@pytest.fixture(autouse=True)
def code_server() -> None:
    """Definitions are loaded as a code server does, whatever a test before this one has loaded them for."""
    DefinitionsLoadContext.set(DefinitionsLoadContext(load_type=DefinitionsLoadType.INITIALIZATION))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of one stack."""
    for name in ("SECRETS_PIPELINE_FROM_FILE", "SECRETS_PIPELINE_FROM_ATMOS"):
        monkeypatch.delenv(name, raising=False)
    atmos = tmp_path / "atmos"
    (atmos / "stacks").mkdir(parents=True)
    (atmos / "atmos.yaml").write_text(
        'base_path: "."\nstacks: {base_path: stacks, included_paths: ["**/*"], name_pattern: "{stage}"}\n'
    )
    (atmos / "stacks" / "dev.yaml").write_text(MANIFEST)
    return atmos


def references(desired: OpenRepository) -> list[Any]:
    """The code references of the asset."""
    value = atmos_stack_spec(PLAIN, desired).metadata["dagster/code_references"]
    assert isinstance(value, dg.CodeReferencesMetadataValue)
    return list(value.code_references)


def test_each_secret_is_a_tag_that_dagster_takes_whose_value_is_its_stack(folder: Path) -> None:
    tags = secret_tags(open_repository(folder))
    assert tags["secret/shop.dev.api.token"] == "dev"
    # By name, so that it is always the last ones that have no room.
    long, short = tags
    assert short == "secret/shop.dev.api.token"
    assert long.endswith("all-of-its-characters.key_1")
    assert all(re.fullmatch(r"secret/[\w.-]{1,63}", name) for name in tags)
    spec = build_definitions(asked=Asked(base_path=folder)).resolve_asset_graph().get(dg.AssetKey(ATMOS_STACK))
    assert spec.tags["secret/shop.dev.api.token"] == "dev"


def test_secrets_beyond_the_first_300_are_counted_as_they_have_no_tag(repository: Repository) -> None:
    place = {"environment": "dev", "region": "eu-west-2", "account_id": "111122223333", "context_name": "shop"}
    secrets: dict[str, Any] = {f"s{number}": {"generate_random_password": True} for number in range(300)}
    repository.tree = {"a": {"secretsmanager": {**place, "secrets": secrets}}}

    def described() -> tuple[int, str]:
        spec = atmos_stack_spec(PLAIN, repository.desired())
        return sum(tag.startswith("secret/") for tag in spec.tags), spec.description or ""

    count, description = described()
    assert count == 300
    assert "have none" not in description
    secrets["s300"] = secrets["s301"] = secrets["s0"]
    count, description = described()
    assert count == 300
    assert "It has 300 tags, so 2 secrets have none." in description


def test_the_line_that_declares_a_secret_is_linked_here_or_on_the_web_at_its_commit(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here, _) = references(open_repository(folder))
    assert (here.file_path, here.line_number) == (str(folder / "stacks" / "dev.yaml"), 8)
    assert here.label == "shop/dev/api/token"
    commit = committed(folder.parent)
    settings = folder.parent / "operator.yaml"
    settings.write_text(
        "targets: [{stacks: '*', account_id: '111122223333'}]\nrepository: github.com/acme/infra\n"
        "grants: [{stacks: '*', preset: single-team}]\n"
    )
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(settings))
    (there, _) = references(open_repository(folder))
    assert there.url == f"https://github.com/acme/infra/blob/{commit}/atmos/stacks/dev.yaml#L8"
    # What nobody committed is on no page of the web.
    (folder / "stacks" / "dev.yaml").write_text(MANIFEST.replace("token:", "tokens:"))
    assert isinstance(references(open_repository(folder))[0], dg.LocalFileCodeReference)


def test_a_repository_that_cannot_be_read_leaves_the_asset_without_tags(folder: Path) -> None:
    (folder / "atmos.yaml").write_text("stacks: [")
    built = build_definitions(asked=Asked(base_path=folder))
    assert not [tag for tag in built.resolve_asset_graph().get(dg.AssetKey(ATMOS_STACK)).tags if "secret/" in tag]


def test_a_version_is_observed_once_and_another_one_again(repository: Repository, instance: dg.DagsterInstance) -> None:
    place = {"environment": "dev", "region": "eu-west-2", "account_id": "111122223333", "context_name": "shop"}
    secrets: dict[str, Any] = {"token": {"generate_random_password": True}}
    repository.tree = {"a": {"secretsmanager": {**place, "secrets": secrets}}}

    def versions() -> list[str]:
        desired = repository.desired()
        for _ in range(2):
            observe_declared(instance, PLAIN, desired, "a")
        observe_declared(instance, PLAIN, desired, "no such stack")
        records = instance.fetch_observations(dg.AssetKey(ATMOS_STACK), limit=10, ascending=True).records
        return [(one.asset_observation.tags or {})[VERSION_TAG] for one in records if one.asset_observation]

    first = versions()
    assert first == [repository.desired().digest("a")]
    secrets["more"] = {"generate_random_password": True}
    assert versions() == [*first, repository.desired().digest("a")]
