"""What the operator may say of leases."""

from __future__ import annotations

from pathlib import Path

import pytest

from secrets_pipeline.desired.settings.leases import BucketLeases, LeaseSettings
from secrets_pipeline.desired.settings.operator import load_settings
from secrets_pipeline.errors import SpecError

REGION = "eu-west-2"


def load(tmp_path: Path, text: str) -> LeaseSettings:
    (tmp_path / "operator.yaml").write_text(text)
    return load_settings(tmp_path / "operator.yaml").leases


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "local"),
        ("leases: local", "local"),
        ("leases: {bucket: ours, region: eu-west-2}", BucketLeases(bucket="ours", region=REGION)),
        (
            "leases: {bucket: ours, prefix: a, region: eu-west-2, role_arn: 'arn:aws:iam::1:role/r', seconds: 200}",
            BucketLeases(bucket="ours", prefix="a", region=REGION, role_arn="arn:aws:iam::1:role/r", seconds=200),
        ),
        ("leases: {bucket: ours, region: eusc-de-east-1}", BucketLeases(bucket="ours", region="eusc-de-east-1")),
    ],
)
def test_leases_are_a_file_or_a_bucket(tmp_path: Path, text: str, expected: LeaseSettings) -> None:
    assert load(tmp_path, text) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("leases: file", "key leases: this setting is wrong: Input should be 'local'"),
        ("leases: {bucket: ours}", "key leases.region: this setting is wrong: it is missing"),
        (
            "leases: {bucket: ours, region: eu-west-2, seconds: 159}",
            "key leases.seconds: this setting is wrong: Input",
        ),
        ("leases: {region: eu-west-2}", "key leases.bucket: this setting is wrong: it is missing"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(SpecError) as refused:
        load(tmp_path, text)
    assert problem in str(refused.value)
