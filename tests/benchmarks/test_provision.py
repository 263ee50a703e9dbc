"""What a whole run costs Secrets Manager, by the benchmark whose numbers docs/evidence.md shows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.provision import CREATE, NOTHING, VERIFY, WHOLE

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "provision.py"
SECRETS = 40
BUDGET = 4.1
"""Calls of Secrets Manager for each new secret with a policy, audit and checks included."""
VERIFY_BUDGET = 3.1
"""Calls of Secrets Manager for each secret with a policy that a verification looks at."""


@pytest.fixture(scope="module")
def measured() -> dict[str, dict[str, int]]:
    """Calls by operation of each run: a first apply, another one, a verification."""
    asked = json.dumps({"size": SECRETS, "who": WHOLE, "policies": 1})
    command = [sys.executable, str(BENCHMARK), "--one", asked]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return {row["work"]: row["operations"] for row in rows}


def test_a_whole_first_apply_stays_in_its_budget_and_reads_nothing_back(measured: dict[str, dict[str, int]]) -> None:
    calls = dict(measured[CREATE])
    assert sum(calls.values()) / SECRETS <= BUDGET, calls
    calls.pop("ListSecrets")
    assert calls == dict.fromkeys(("CreateSecret", "DescribeSecret", "PutResourcePolicy", "TagResource"), SECRETS)


def test_a_second_apply_lists_and_no_more(measured: dict[str, dict[str, int]]) -> None:
    assert measured[NOTHING] == {"ListSecrets": 1}


def test_a_verification_reads_every_secret_its_policy_and_its_versions_once_and_values_twenty_a_call(
    measured: dict[str, dict[str, int]],
) -> None:
    calls = dict(measured[VERIFY])
    assert sum(calls.values()) / SECRETS <= VERIFY_BUDGET, calls
    calls.pop("ListSecrets")
    once = dict.fromkeys(("DescribeSecret", "GetResourcePolicy", "ListSecretVersionIds"), SECRETS)
    assert calls == {**once, "BatchGetSecretValue": SECRETS // 20}
