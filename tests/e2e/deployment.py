"""A Dagster deployment as `make dev` serves it, and the GraphQL that its UI speaks."""

import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

from secrets_pipeline.cli.dev.command import GUARDED_DEV
from tests.ports import free_port
from tests.waiting import SECONDS, eventually

PROJECT = Path(__file__).parents[2]
LOCATION = {"repositoryLocationName": "secrets_pipeline", "repositoryName": "__repository__"}
QUEUE = "secrets-pipeline-events"
STACKS = ["infra-shared", "myapp-dev", "myapp-prod"]
"""Of examples/."""
ENDED = ("SUCCESS", "FAILURE", "CANCELED")
_POLL_SECONDS = 0.2
_GRACE_SECONDS = 5
"""After which what is left of a deployment is killed; nothing is judged by it."""

_READY = """{
  instance { daemonHealth { allDaemonStatuses { required healthy } } }
  repositoriesOrError { ... on RepositoryConnection { nodes { location { name } } } }
}"""

_LAUNCH = """mutation ($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
    ... on RunConfigValidationInvalid { errors { message } }
  }
}"""

_RUN = """query ($run: ID!) {
  runOrError(runId: $run) {
    ... on Run {
      status
      assetMaterializations { assetKey { path } partition }
      eventConnection {
        events {
          __typename
          ... on ExecutionStepFailureEvent { error { message cause { message } } }
          ... on ObservationEvent { partition metadataEntries { ... on IntMetadataEntry { intValue } } }
          ... on AssetCheckEvaluationEvent {
            evaluation {
              checkName partition success description
              metadataEntries { ... on TableMetadataEntry { table { records } } }
            }
          }
        }
      }
    }
  }
}"""

_UNDER_WAY = """{
  runsOrError(filter: {statuses: [QUEUED, NOT_STARTED, STARTING, STARTED, CANCELING]}) {
    ... on Runs { results { runId } }
  }
}"""


@dataclass(frozen=True)
class Run:
    """An ended run: what it materialised, observed and checked."""

    run_id: str
    status: str
    materialized: Sequence[tuple[str, str | None]]
    events: Sequence[Mapping[str, Any]] = field(repr=False)

    def of_kind(self, kind: str) -> list[Mapping[str, Any]]:
        """Its events of one GraphQL type."""
        return [event for event in self.events if event["__typename"] == kind]

    def failures(self) -> list[str]:
        """Why its steps failed."""
        return [str(event["error"]) for event in self.of_kind("ExecutionStepFailureEvent")]

    def evaluations(self) -> list[dict[str, Any]]:
        """The evaluations of its checks."""
        return [event["evaluation"] for event in self.of_kind("AssetCheckEvaluationEvent")]


@dataclass(frozen=True)
class Deployment:
    """A webserver with its daemon.

    Attributes:
        url: of the webserver.
        location: the code location that everything is asked of.
    """

    url: str
    location: str = LOCATION["repositoryLocationName"]

    def query(self, text: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What a GraphQL query or mutation answers."""
        answer = _post(self.url + "/graphql", {"query": text, "variables": variables or {}})
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    def launch(
        self,
        job: str,
        *,
        partition: str | None = None,
        assets: Sequence[str] = (),
        checks: Sequence[tuple[str, str]] = (),
        tags: Sequence[str] | Mapping[str, str] = (),
    ) -> str:
        """Launch as the UI's buttons do; `checks` are pairs of asset and check, `tags` without values are true.

        An asset's key is written with slashes.
        """
        selector: dict[str, Any] = {**LOCATION, "repositoryLocationName": self.location, "jobName": job}
        selection = {
            "assetSelection": [{"path": asset.split("/")} for asset in assets],
            "assetCheckSelection": [{"assetKey": {"path": asset.split("/")}, "name": check} for asset, check in checks],
        }
        valued = tags if isinstance(tags, Mapping) else dict.fromkeys(tags, "true")
        given = [{"key": tag, "value": value} for tag, value in valued.items()]
        given += [{"key": "dagster/partition", "value": partition}] if partition else []
        params = {
            "selector": {**selector, **(selection if assets or checks else {})},
            "mode": "default",
            "runConfigData": "{}",
            "executionMetadata": {"tags": given},
        }
        answer = self.query(_LAUNCH, {"params": params})["launchRun"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        run_id: str = answer["run"]["runId"]
        return run_id

    def ended(self, run_id: str) -> Run:
        """The run, once it has ended."""

        def look() -> dict[str, Any] | None:
            run: dict[str, Any] = self.query(_RUN, {"run": run_id})["runOrError"]
            return run if run["status"] in ENDED else None

        found = eventually(look, f"run {run_id} to end")
        events = found["eventConnection"]["events"]
        return Run(
            run_id,
            found["status"],
            [(one["assetKey"]["path"][-1], one["partition"]) for one in found["assetMaterializations"]],
            events,
        )

    def come_to_rest(self) -> None:
        """Wait until the sensors have taken all events out of the queue and the runs they asked for have ended."""

        def rests() -> bool:
            return queue_is_empty() and not self.query(_UNDER_WAY)["runsOrError"]["results"]

        eventually(rests, "the queue to run empty and every run to end")


def queue_is_empty() -> bool:
    """Whether the queue of events has no message, neither waiting nor taken."""
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    counted = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return counted["ApproximateNumberOfMessages"] == counted["ApproximateNumberOfMessagesNotVisible"] == "0"


@contextmanager
def serving(
    log: Path,
    command: Sequence[str] = GUARDED_DEV,
    folder: Path = PROJECT,
    locations: Sequence[str] = (LOCATION["repositoryLocationName"],),
) -> Iterator[Deployment]:
    """Serve on DAGSTER_HOME and the AWS of the environment; the process group is gone at the end.

    Args:
        log: what it prints.
        command: starts webserver, daemon and code servers, without host and port: by default that of `make dev`.
        folder: where it is started.
        locations: the code locations that have to load; everything is asked of the first one.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [*command, "--host", "127.0.0.1", "--port", str(port)]
    with (
        log.open("wb") as sink,
        subprocess.Popen(command, cwd=folder, stdout=sink, stderr=subprocess.STDOUT, start_new_session=True) as process,
    ):
        try:

            def ready() -> bool:
                assert process.poll() is None, f"{command[:4]} ended:\n{log.read_text()[-2000:]}"
                return _is_ready(url, locations)

            eventually(ready, lambda: f"{locations} to be ready:\n{log.read_text()[-2000:]}")
            yield Deployment(url, locations[0])
        finally:
            _end(process)


def _is_ready(url: str, locations: Sequence[str]) -> bool:
    try:
        answer = _post(url + "/graphql", {"query": _READY})["data"]
    except OSError:
        return False
    daemons = answer["instance"]["daemonHealth"]["allDaemonStatuses"]
    loaded = [node["location"]["name"] for node in answer["repositoriesOrError"].get("nodes", ())]
    return sorted(loaded) == sorted(locations) and all(d["healthy"] for d in daemons if d["required"])


def _post(url: str, document: Mapping[str, Any]) -> dict[str, Any]:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(document).encode(), headers)  # noqa: S310 - on 127.0.0.1
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - on 127.0.0.1
        found: dict[str, Any] = json.load(answer)
        return found


def _end(process: subprocess.Popen[bytes]) -> None:
    group = process.pid
    _signal(group, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_SECONDS
    # `poll` reaps the leader, without which its group never vanishes.
    while (process.poll() is None or _signal(group, 0)) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    _signal(group, signal.SIGKILL)


def _signal(group: int, number: int) -> bool:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True
