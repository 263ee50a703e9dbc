"""How long a snapshot of many secrets takes under AWS's published rates: prints a table.

    .venv/bin/python benchmarks/snapshot.py [--secrets 200,1000]

The embedded AWS answers ThrottlingException above the rates. Each secret's policy and versions are read, at 50 a second
each: both at once, or it would take twice as long. Exit code 1 if anything was throttled.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import boto3

from secrets_pipeline import emulator
from secrets_pipeline.access.snapshot.collect import take_snapshot
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.settings.access import AccessSettings


def main() -> int:
    """Measure one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--secrets", default="200,1000")
    options = parser.parse_args()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores\n")
    print("| secrets | seconds | at a rate of 50 a second | throttled |\n|---|---|---|---|")
    throttled = 0
    for secrets in map(int, options.secrets.split(",")):
        seconds, refused = _measured(secrets)
        print(f"| {secrets:,} | {seconds:.1f} | {secrets / 50:.1f} | {refused} |")
        throttled += refused
    return 1 if throttled else 0


def _measured(secrets: int) -> tuple[float, int]:
    with tempfile.TemporaryDirectory(prefix="secrets-pipeline-snapshot-") as folder:
        aws = emulator.start(Path(folder), die_with_parent=True)
        try:
            os.environ.update(aws.environment())
            # A session of its own, as boto3 keeps the credentials of the first emulator in its default one.
            client = boto3.Session().client("secretsmanager")
            for number in range(secrets):
                client.create_secret(Name=f"secret-{number:05}", SecretString="x")
            emulator.enforce_quotas(aws)
            emulator.reset_calls(aws)
            sessions = Sessions(read_only=True)
            account = sessions.for_target(Target(region=aws.region))
            began = time.perf_counter()
            taken = take_snapshot(account, settings=AccessSettings(), sessions=sessions, now=datetime.now(UTC))
            seconds = time.perf_counter() - began
            if len(taken.secrets) != secrets:
                raise RuntimeError(f"{len(taken.secrets)} of {secrets} secrets are in the snapshot")
            refused = sum(call.count for call in emulator.calls(aws) if call.error == "ThrottlingException")
            return seconds, refused
        finally:
            emulator.stop(aws.state_dir)


if __name__ == "__main__":
    raise SystemExit(main())
