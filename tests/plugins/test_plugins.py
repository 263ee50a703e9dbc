"""Runs of pytest in a folder of their own, each with one of the plugins."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from secrets_pipeline.emulator import LocalAws
from tests.embedded import lead_to

ROOT = Path(__file__).parents[2]
SKIPPED = """
import pytest

def test_that_lacks_something():
    pytest.skip({reason!r})
"""


def run(folder: Path, *options: str, ci: bool) -> subprocess.CompletedProcess[str]:
    # With SWEEP=all nothing is judged.
    own = {"PYTHONPATH": str(ROOT), "CI": "true" if ci else "", "SWEEP": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment = {**os.environ, **own}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, "."]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("reason", "ci", "whole", "fails"),
    [
        ("there is no browser", False, False, False),
        ("there is no browser", True, False, True),
        ("there is no browser", True, True, True),
        ("only Linux signals the child of a killed parent", True, False, False),
    ],
)
def test_a_skip_is_a_failure_in_ci_unless_nothing_could_cure_it(
    tmp_path: Path, reason: str, ci: bool, whole: bool, fails: bool
) -> None:
    at_import = f"import pytest\npytest.skip({reason!r}, allow_module_level=True)\n"
    (tmp_path / "test_it.py").write_text(at_import if whole else SKIPPED.format(reason=reason))
    done = run(tmp_path, "-p", "tests.plugins.skips", ci=ci)
    assert (done.returncode in {pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED}) == fails, done.stdout
    assert (reason in done.stdout) == fails


NEEDS = """
import pathlib
import pytest
from secrets_pipeline import emulator
from tests.embedded import operator

@pytest.fixture
def embedded_aws():
    return emulator.status(pathlib.Path({folder!r}))

@pytest.mark.needs("kms:ListKeys")
def test_that_asks_for_something(embedded_aws):
    operator(embedded_aws).client("kms", endpoint_url=embedded_aws.endpoint_url).{call}()
"""


@pytest.mark.parametrize(("call", "fails"), [("list_keys", False), ("list_aliases", True)])
def test_a_test_fails_that_does_not_ask_for_what_it_is_marked_with(
    tmp_path: Path, aws: LocalAws, monkeypatch: pytest.MonkeyPatch, call: str, fails: bool
) -> None:
    lead_to(aws, monkeypatch)
    (tmp_path / "test_it.py").write_text(NEEDS.format(folder=str(aws.state_dir), call=call))
    done = run(tmp_path, "--strict-markers", "-p", "tests.plugins.needs", ci=False)
    assert done.returncode == (pytest.ExitCode.TESTS_FAILED if fails else pytest.ExitCode.OK), done.stdout
    assert ("{'kms:ListKeys'} <= {'kms:ListAliases'}" in done.stdout) == fails


BEYOND = """
import contextlib
import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError

EVENTS = boto3.client(
    "events",
    region_name="eu-west-2",
    endpoint_url="http://127.0.0.1:9",
    aws_access_key_id="a",
    aws_secret_access_key="b",
    config=Config(retries={{"total_max_attempts": 1}}),
)
PRODUCT = {{"__name__": "secrets_pipeline.reconcilers.made_up"}}
exec("def put(events, name): events.put_rule(Name=name, EventPattern='secret')", PRODUCT)

{mark}
def test_a_rule():
    with contextlib.suppress(BotoCoreError):
        {call}
"""


@pytest.mark.parametrize(
    ("call", "mark", "refused"),
    [
        ("PRODUCT['put'](EVENTS, 'a' * 64)", "", ""),
        ("PRODUCT['put'](EVENTS, 'a' * 65)", "", "less than or equal to 64"),
        ("PRODUCT['put'](EVENTS, 'a/b')", "", "regular expression pattern"),
        ("PRODUCT['put'](EVENTS, 'a/b')", "@pytest.mark.beyond_the_model('events:PutRule')", ""),
        ("PRODUCT['put'](EVENTS, 'a/b')", "@pytest.mark.beyond_the_model('events:PutTargets')", "events:PutRule"),
        ("EVENTS.put_rule(Name='a' * 65, EventPattern='secret')", "", ""),
    ],
)
def test_a_request_of_the_product_that_the_service_model_refuses_fails_its_test(
    tmp_path: Path, call: str, mark: str, refused: str
) -> None:
    (tmp_path / "test_it.py").write_text(BEYOND.format(call=call, mark=mark))
    done = run(tmp_path, "-p", "tests.plugins.models", ci=False)
    assert (done.returncode == pytest.ExitCode.TESTS_FAILED) is bool(refused), done.stdout
    assert refused in done.stdout
    assert done.returncode in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}, done.stdout
