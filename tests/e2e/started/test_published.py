"""Assets of another code location depend on what the pipeline makes, as docs/depend-on-a-secret.md says it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from playwright.sync_api import expect

from secrets_pipeline import emulator
from secrets_pipeline.orchestration.shared.home import prepare_home
from secrets_pipeline.orchestration.shared.run_requests import VERIFY_TAG
from tests.e2e.browser import NARROW, WIDE, chromium, look_at, tables_fit, window
from tests.e2e.deployment import PROJECT, Deployment, serving
from tests.gits import committed
from tests.waiting import eventually

STACK = "myapp-prod"
CREDENTIALS, CONNECTION = "myapp/prod/database/credentials", "myapp/prod/database/connection"
PUBLISHED = ["payments", "secret", *CONNECTION.split("/")]
PAGE = PROJECT / "docs" / "depend-on-a-secret.md"
RECIPES = ("dashboard", "service_catalogue", "smoke_test")
THEIRS = "their_location"
AUTOMATION = "default_automation_condition_sensor"
ENDED_RUNS = "payments_ended_runs_sensor"
WORKSPACE = f"""
load_from:
  - python_module: {{module_name: definitions, working_directory: {PROJECT}, location_name: secrets_pipeline}}
  - python_file: {{relative_path: their_location.py, location_name: {THEIRS}}}
"""
ONE_PROCESS = "\ndefs = dg.Definitions.merge(defs, dg.Definitions(executor=dg.in_process_executor))\n"
_START = """mutation ($sensor: SensorSelector!) {
  startSensor(sensorSelector: $sensor) { __typename ... on Sensor { sensorState { status } } }
}"""
_TICKS = """query ($sensor: SensorSelector!) {
  sensorOrError(sensorSelector: $sensor) {
    ... on Sensor { sensorState { ticks(limit: 10, statuses: [SUCCESS, SKIPPED]) { timestamp endTimestamp } } }
  }
}"""
_MATERIALIZATIONS = """query ($asset: AssetKeyInput!) {
  assetOrError(assetKey: $asset) {
    ... on Asset { assetMaterializations(limit: 50) { runId partition tags { key value } } }
  }
}"""


class Theirs:
    """The other code location, as the UI shows what it did."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment

    def launch(self, job: str, **tags: str) -> None:
        """Run a job of the pipeline for the stack."""
        run = self.deployment.ended(self.deployment.launch(f"payments_{job}", partition=STACK, tags=tags))
        assert run.status == "SUCCESS", run.failures()

    def come_to_rest(self) -> None:
        """Wait for a whole tick of either sensor, one after the other, and for the runs that they request."""
        self.deployment.come_to_rest()
        self._tick("secrets_pipeline", ENDED_RUNS)
        self._tick(THEIRS, AUTOMATION)
        self.deployment.come_to_rest()

    def start_automation(self) -> None:
        """Switch the sensor on, as the toggle under Automation does."""
        answer = self.deployment.query(_START, {"sensor": _sensor(THEIRS, AUTOMATION)})["startSensor"]
        assert answer["sensorState"]["status"] == "RUNNING", answer

    def counts(self) -> tuple[int, ...]:
        """How often each recipe was materialised."""
        return tuple(len(self.materializations([recipe])) for recipe in RECIPES)

    def versions(self) -> list[str]:
        """The data versions of the published secret that were reported, the newest first."""
        tags = [{tag["key"]: tag["value"] for tag in one["tags"]} for one in self.materializations(PUBLISHED)]
        return [one["dagster/data_version"] for one in tags]

    def materializations(self, path: list[str]) -> list[dict[str, Any]]:
        found = self.deployment.query(_MATERIALIZATIONS, {"asset": {"path": path}})["assetOrError"]
        return list(found.get("assetMaterializations", ()))

    def _tick(self, location: str, sensor: str) -> None:
        """Wait for a tick that begins from now on to end."""

        def ticks() -> list[dict[str, float]]:
            state = self.deployment.query(_TICKS, {"sensor": _sensor(location, sensor)})["sensorOrError"]["sensorState"]
            return list(state["ticks"])

        last = max((one["timestamp"] for one in ticks()), default=0.0)
        eventually(
            lambda: any(one["timestamp"] > last and one["endTimestamp"] for one in ticks()), f"a tick of {sensor}"
        )


def _sensor(location: str, sensor: str) -> dict[str, str]:
    return {"repositoryLocationName": location, "repositoryName": "__repository__", "sensorName": sensor}


@pytest.fixture(scope="module")
def deployment(
    aws: emulator.LocalAws, repository: Path, home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """Two code locations on one instance: the pipeline as `payments`, and the recipes of the page."""
    prepare_home(home)
    committed(repository)
    folder = tmp_path_factory.mktemp("workspace")
    recipes = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    (folder / f"{THEIRS}.py").write_text("\n".join(recipes) + ONE_PROCESS)
    (folder / "workspace.yaml").write_text(WORKSPACE)
    globs = re.findall(r'^  publish: \["(.*)"\]$', PAGE.read_text(), re.MULTILINE)
    command = (sys.executable, "-m", "dagster", "dev", "-w", str(folder / "workspace.yaml"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECRETS_PIPELINE_NAME", "payments")
        patch.setenv("SECRETS_PIPELINE_PUBLISH", ",".join(globs))
        with serving(folder / "dagster-dev.log", command=command, locations=("secrets_pipeline", THEIRS)) as served:
            yield served


@pytest.fixture(scope="module")
def theirs(deployment: Deployment) -> Theirs:
    """Its conditions are evaluated, and the stack has been applied once."""
    made = Theirs(deployment)
    made.start_automation()
    keys = '{ assetNodeOrError(assetKey: {path: ["payments", "secrets"]}) { ... on AssetNode { partitionKeys } } }'
    eventually(lambda: STACK in deployment.query(keys)["assetNodeOrError"]["partitionKeys"], "the partition")
    made.launch("provision")
    made.come_to_rest()
    return made


def current(secret: str) -> str:
    stages = boto3.client("secretsmanager").describe_secret(SecretId=secret)["VersionIdsToStages"]
    return next(version for version, labels in stages.items() if "AWSCURRENT" in labels)


def test_another_location_follows_an_apply_and_a_rotation_once_and_no_run_that_changed_nothing(
    theirs: Theirs, aws: emulator.LocalAws
) -> None:
    first = current(CONNECTION)
    assert theirs.versions() == [first]
    eventually(lambda: theirs.counts() == (1, 1, 1), "each recipe to follow the apply")
    # Dagster takes what happened between two ticks together: one that materialised an asset follows nothing else then.
    theirs.come_to_rest()
    theirs.launch("provision")
    theirs.launch("verify", **{VERIFY_TAG: "true"})
    theirs.come_to_rest()
    # An apply that found nothing to do is followed. A run that only looks, such as `verify`, is not.
    eventually(lambda: theirs.counts()[1:] == (2, 2), "the recipes that follow each apply")
    theirs.come_to_rest()
    assert theirs.versions() == [first]
    assert theirs.counts() == (1, 2, 2)
    boto3.client("secretsmanager").rotate_secret(SecretId=CREDENTIALS)
    emulator.settle(aws)
    eventually(lambda: theirs.counts()[0] > 1, "the recipe of one secret to follow the rotation")
    theirs.come_to_rest()
    assert theirs.versions() == [current(CONNECTION), first]
    assert theirs.counts()[0] == 2


def test_the_search_finds_the_secret_and_its_page_says_where_it_is(theirs: Theirs, tmp_path: Path) -> None:
    with chromium() as browser:
        page = window(browser, theirs.deployment.url, tmp_path / "received.har")
        page.goto("/overview")
        expect(page.get_by_text("Search", exact=True)).to_be_visible()
        page.keyboard.press("/")
        expect(page.get_by_placeholder("Search").last).to_be_visible()
        page.keyboard.type("prod/database/connection")
        page.get_by_role("link").filter(has_text=" / ".join(PUBLISHED)).click()
        version = page.get_by_text(f"version {current(CONNECTION)[:8]}").first
        look_at(page, version, "published-secret", anew=True)
        tables_fit(page, WIDE, NARROW)
        page.context.close()
