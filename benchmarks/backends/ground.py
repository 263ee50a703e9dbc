"""One emulator with a repository on it: the command line in processes of its own, and plain boto3 beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from benchmarks.backends.judgement import Shortfall
from benchmarks.backends.servers import REGION, client_of
from secrets_pipeline.emulator import LocalAws

_COMMAND = Path(sys.executable).parent / "secrets-pipeline"
_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")
_LONGEST_SECONDS = 600


@dataclass(frozen=True)
class Said:
    """What a command said.

    Attributes:
        shown: its JSON; empty where it came to none.
    """

    code: int
    shown: Mapping[str, Any]
    errors: str


@dataclass
class Ground:
    """Where the chain runs.

    Attributes:
        aws: the emulator.
        repository: which may be edited.
        folder: for DAGSTER_HOME; `ca.pem` there is who signs the emulator's certificate.
        first: what the first apply said.
    """

    aws: LocalAws
    repository: Path
    folder: Path
    first: Said | None = None

    def run(self, *arguments: str) -> Said:
        """Run a command of `secrets-pipeline` with `--format json`."""
        environment = {name: os.environ[name] for name in _INHERITED if name in os.environ} | {
            "AWS_ENDPOINT_URL": self.aws.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.aws.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.aws.secret_access_key,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CA_BUNDLE": str(self.folder / "ca.pem"),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "ATMOS_BASE_PATH": str(self.repository),
            "SECRETS_PIPELINE_CONFIG": str(self.repository / "operator.yaml"),
            "DAGSTER_HOME": str(self.folder / "home"),
        }
        done = subprocess.run(
            [str(_COMMAND), *arguments, "--format", "json"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=_LONGEST_SECONDS,
            check=False,
        )
        try:
            shown = json.loads(done.stdout)
        except ValueError:
            shown = {}
        return Said(done.returncode, shown, done.stderr.strip())

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 has a type for each service
        """A client of the administrator's."""
        session = boto3.Session(self.aws.access_key_id, self.aws.secret_access_key, region_name=REGION)
        return client_of(session, self.aws.endpoint_url, service)


def exits(said: Said, code: int) -> list[Shortfall]:
    """Expect an exit code."""
    if said.code == code:
        return []
    return [Shortfall("exit code", f"{said.code}, not {code}: {said.errors[-400:]}")]


def outcomes(said: Said, *, right: Iterable[str]) -> list[Shortfall]:
    """Expect these outcomes alone; a shortfall for each other one."""
    wanted, rows = set(right), [row for one in _runs(said) for row in one["outcomes"]]
    wrong = [row for row in rows if row["outcome"] not in wanted]
    if not rows:
        return [Shortfall("outcomes", f"there are none: {said.errors[-400:]}")]
    return [
        Shortfall(
            row["stage"],
            f"{row['name']} {row['outcome']}: {row['detail']}",
            f"{row['kind']} {row['action']}",
            f"{row['outcome']} {row['reason_type']}".strip(),
        )
        for row in wrong
    ]


def checks(rows: Iterable[Mapping[str, Any]]) -> list[Shortfall]:
    """Expect every check to pass; a shortfall for each thing that one says in each stack."""
    return [
        Shortfall(row["check"], f"{row['stack']}: {said['sentence']}", said["verdict"], said["reason_type"])
        for row in rows
        if not row["passed"]
        for said in row["open"] or [{"sentence": row["detail"], "verdict": row["severity"], "reason_type": ""}]
    ]


def checks_of(said: Said) -> list[Mapping[str, Any]]:
    """The checks that runs evaluated."""
    return [row for one in _runs(said) for row in one["checks"]]


def changes(said: Said) -> list[Shortfall]:
    """Expect a plan without changes; a shortfall for each reason of each."""
    return [
        Shortfall(row["stage"], f"{row['name']} {row['action']}: {text}", f"{row['kind']} {row['action']}", type_)
        for row in planned(said)
        for text, type_ in zip(row["reasons"] or [""], row["reason_types"] or [""], strict=True)
    ]


def planned(said: Said) -> list[Mapping[str, Any]]:
    """The changes that a plan shows."""
    every = [row for one in said.shown.get("stacks", {}).values() for row in one["changes"]]
    return [row for row in every if row["action"] != "none"]


def unless(holds: object, what: str, said: object = "") -> list[Shortfall]:
    """Expect something to hold."""
    return [] if holds else [Shortfall(what, str(said))]


def _runs(said: Said) -> list[Mapping[str, Any]]:
    return list(said.shown.get("stacks", {}).values())


Shortfalls = Sequence[Shortfall]
