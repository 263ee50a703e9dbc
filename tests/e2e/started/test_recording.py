"""README's recording shows what the program prints now, and nothing that must not be shown."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from benchmarks.recording import RECORDING, Scene, draw, play
from secrets_pipeline.emulator import LocalAws

MADE_ANEW = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""Ids that AWS draws."""


@pytest.fixture(scope="module")
def played(aws: LocalAws, repository: Path) -> list[Scene]:
    """What the commands of the recording print now; stacks, settings and account come by the environment."""
    assert aws.environment().items() <= os.environ.items()
    return play(repository, os.environ)


def test_the_recording_is_what_the_program_prints_now(played: list[Scene]) -> None:
    shown, now = (MADE_ANEW.sub("id", one) for one in (RECORDING.read_text(), draw(played)))
    assert shown == now, "make it anew with `make pictures`"


def values(boto: boto3.Session) -> Iterator[str]:
    client = boto.client("secretsmanager")
    for secret in client.list_secrets(MaxResults=100)["SecretList"]:
        yield from leaves(client.get_secret_value(SecretId=secret["ARN"])["SecretString"])


def leaves(text: str) -> Iterator[str]:
    """The texts of a JSON document of one level, or the text itself."""
    yield from re.findall(r'": "([^"]{16,})"', text) or [text]


def test_no_value_of_a_secret_is_shown(played: list[Scene], boto: boto3.Session) -> None:
    generated = set(values(boto))
    assert len(generated) > 5
    assert [one for one in generated if any(one in scene.printed for scene in played)] == []


def test_the_recording_fetches_and_runs_nothing_and_is_small() -> None:
    text = RECORDING.read_text()
    assert re.findall(r"<script|<image|<foreignObject|@import|@font-face|url\((?!#)|\bhref=", text) == []
    assert set(re.findall(r'https?://[^"\s<]+', text)) == {"http://www.w3.org/2000/svg"}
    assert len(text) < 150_000


def test_who_asks_for_no_motion_sees_every_line_at_once() -> None:
    rules: Any = re.search(r"<style>(.*?)</style>", RECORDING.read_text(), re.DOTALL)
    assert "@media (prefers-reduced-motion: reduce) { text { animation: none !important } }" in rules[1]
    # Without an animation nothing hides a line, and none is hidden at its end.
    assert re.findall(r"opacity: ?0|display: ?none|visibility", rules[1]) == ["opacity: 0"]
    assert "@keyframes appear { from { opacity: 0 } }" in rules[1]
