"""What every test of the embedded AWS does first."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import boto3

from secrets_pipeline import emulator

if TYPE_CHECKING:
    import pytest

    from secrets_pipeline.emulator import LocalAws


def operator(aws: LocalAws, region: str | None = None) -> boto3.Session:
    """Plain boto3 with the credentials that the embedded AWS made as it started; the region is its own if not given."""
    return boto3.Session(aws.access_key_id, aws.secret_access_key, region_name=region or aws.region)


def emptied(aws: LocalAws) -> LocalAws:
    """Make the embedded AWS as empty as a new account, with nothing going on and no call counted."""
    emulator.settle(aws)
    emulator.reset_conditions(aws)
    emulator.empty(aws)
    emulator.reset_calls(aws)
    return aws


def lead_to(aws: LocalAws, patch: pytest.MonkeyPatch, **more: str) -> None:
    """Set the environment so that every client talks to the embedded AWS, whatever the machine's settings say.

    Args:
        aws: where to.
        patch: ends it.
        more: further variables.
    """
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "SECRETS_PIPELINE_READ_ONLY"):
        patch.delenv(name, raising=False)
    # It would go on with the credentials of another embedded AWS.
    patch.setattr(boto3, "DEFAULT_SESSION", None)
    files = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    for name, value in {**files, **aws.environment(), **more}.items():
        patch.setenv(name, value)
