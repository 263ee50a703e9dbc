"""Dagster may be told to keep what Python's loggers say: no value is in it."""

import logging
from pathlib import Path

import pytest
import yaml

from secrets_pipeline import emulator
from secrets_pipeline.orchestration.in_process.running import provision, verify
from secrets_pipeline.orchestration.shared.home import prepare_home
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from tests.e2e.test_canary import every_text, planted, planted_in_state, secrets_of, values_in_aws
from tests.runs import assert_applied


def test_no_value_is_left_where_dagster_keeps_what_the_libraries_log_at_debug(
    repository: Path, aws: emulator.LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    loggers = ["root", "boto3", "botocore", "botocore.parsers", "urllib3", "aws_encryption_sdk"]
    before = [(logging.getLogger(name), logging.getLogger(name).level) for name in loggers]
    settings = yaml.safe_load((prepare_home() / "dagster.yaml").read_text())
    settings["python_logs"] = {"managed_python_loggers": loggers, "python_log_level": "DEBUG"}
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(settings))
    planted(repository)
    planted_in_state(repository)
    try:
        report, _ = provision("infra-shared", base_path=repository, options=ApplyOptions())
        checks = verify("infra-shared", base_path=repository, probe=True)
    finally:
        for logger, level in before:
            logger.setLevel(level)
    assert_applied(report)
    assert all(check.passed for check in checks)
    values = {name: value for name, value in values_in_aws().items() if name.startswith("infra/shared/")}
    canaries = secrets_of(values)
    assert len(canaries) >= 3
    searched = list(every_text(tmp_path))
    kept = b"".join(text for _, text in searched)
    assert b"botocore.parsers" in kept or b"Response body" in kept
    assert b"Making request for" in kept
    assert [place for place, text in searched for canary in canaries if canary in text] == []
