"""A clone of two stacks on the embedded AWS, read whole by whoever watches it, and by its index by whoever runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest

from secrets_pipeline import emulator
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.engine.model import Change
from secrets_pipeline.operations.open_repository import OpenRepository, operator_settings
from secrets_pipeline.operations.repository_cache import Place, RepositoryCache
from secrets_pipeline.operations.repository_index.reading import Indexes, index_name
from secrets_pipeline.operations.repository_index.store import LocalIndexStore
from secrets_pipeline.operations.repository_index.writing import IndexWriter
from secrets_pipeline.operations.stages import plan_stack
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from tests.applying import apply_stack
from tests.embedded import lead_to
from tests.gits import committed
from tests.strategies.small_repositories import write

ATMOS = """
base_path: "."
stacks: {base_path: stacks, included_paths: ["deploy/*"], name_template: "{{ .vars.stage }}"}
components: {terraform: {base_path: components/terraform}}
"""
SETTINGS: Mapping[str, Any] = {"grants": [{"preset": "single-team", "readers": "*"}]}


class Watched:
    """The clone, and the two ways of reading it.

    Attributes:
        folder: of the clone.
        place: where it is, for those who open it.
        indexes: where its index lies.
        store: likewise.
        store_folder: its folder.
        writer: writes it, as the sensor does.
        clock: seconds, for the writer.
    """

    def __init__(self, folder: Path, region: str, account: str) -> None:
        self.folder = folder / "clone"
        self._where = {"region": region, "account_id": account}
        self.settings = folder / "operator.yaml"
        self.operator(SETTINGS)
        write({"atmos.yaml": ATMOS}, self.folder)
        self.place = Place(self.folder, settings_file=self.settings)
        self.store_folder = folder / "indexes"
        self.store = LocalIndexStore(self.store_folder)
        self.indexes = Indexes(lambda _: self.store, Sessions())
        self.clock = 0.0
        self.writer = IndexWriter(lambda: self.clock)

    def operator(self, settings: Mapping[str, Any]) -> None:
        """Write the operator's settings."""
        self.settings.write_text(json.dumps(settings))

    def stack(self, name: str, *secrets: str, **place: str) -> None:
        """Write the manifest of a stack that declares generated secrets of these names, here or in another place."""
        declared = {one.replace("/", "-"): {"full_name": one, "generate_random_password": True} for one in secrets}
        variables = {"context_name": "shop", "environment": name, **self._where, **place, "secrets": declared}
        manifest = {
            "vars": {"stage": name},
            "components": {"terraform": {"secretsmanager": {"vars": variables}}},
        }
        write({f"stacks/deploy/{name}.yaml": json.dumps(manifest)}, self.folder)

    def commit(self) -> str:
        """Commit what is there."""
        return committed(self.folder)

    def whole(self) -> OpenRepository:
        """Read all stacks."""
        return RepositoryCache().open(self.place)

    @property
    def file(self) -> Path:
        """Of its index, under the settings of now."""
        return self.store_folder / index_name(self.place, operator_settings(self.settings))

    def watch(self) -> int:
        """Read all stacks, and write the index, as the sensor does."""
        return self.writer.write(self.indexes, self.place, self.whole()).proven

    def alone(self, stack: str) -> OpenRepository:
        """Open the repository by its index."""
        return self.indexes.open(self.place, stack)

    def apply(self, opened: OpenRepository, stack: str, *, prune: bool = False) -> list[str]:
        """Apply a stack, and return what was done to which resource."""
        options = ApplyOptions(prune=prune)
        made = opened.assemble(Sessions(), options=options, writing=True).stack(stack)
        done = [one for outcomes in apply_stack(made).values() for one in outcomes]
        return [f"{one.change.action} {one.change.resource.name}" for one in done]

    def plan(self, opened: OpenRepository, stack: str) -> list[Change]:
        """Plan a stack as for an apply that prunes."""
        return plan_rows(opened, stack)


def plan_rows(opened: OpenRepository, stack: str) -> list[Change]:
    """Plan every stage of a stack as for an apply that prunes."""
    made = opened.assemble(Sessions(), options=ApplyOptions(prune=True)).stack(stack)
    return [change for changes in plan_stack(made).values() for change in changes]


@pytest.fixture
def watched(aws: emulator.LocalAws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Watched:
    lead_to(aws, monkeypatch)
    for name in ("SECRETS_PIPELINE_CONFIG", "ATMOS_BASE_PATH", "SECRETS_PIPELINE_COMMIT"):
        monkeypatch.delenv(name, raising=False)
    emulator.empty(aws)
    return Watched(tmp_path, aws.region, aws.account_id)


def names_in_aws() -> set[str]:
    """The secrets that are there, and not deleted."""
    return {one["Name"] for one in boto3.client("secretsmanager").list_secrets()["SecretList"]}
