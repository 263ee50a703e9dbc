"""The function is killed before, between and after all of its calls, twice in a row, and begins again each time.

At every instant the database accepts a login that AWSCURRENT or AWSPENDING holds, and the rotation always ends.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rotation_lambda.grounds import Ground, Server, User, master_secret, new_user
from tests.sweep import DAYS, turn

FEWEST = {"single": 22, "clone is made": 30, "clone is there": 28}
"""Instants to be killed at, at least, by strategy."""


class Killer:
    """Takes the four steps in processes that it kills."""

    def __init__(self, output: Path) -> None:
        self._errors = output.open("wb")
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("killed.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def rotate(self, arn: str, token: str, kill: int | None = None) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {"event": {"SecretId": arn, "ClientRequestToken": token}, "kill": kill}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        self._process.communicate()
        self._errors.close()


@pytest.fixture
def killer(ground: Ground, tmp_path: Path) -> Iterator[Killer]:
    """What it wrote holds no password that the test saw."""
    made = Killer(tmp_path / "output")
    yield made
    made.close()
    written = (tmp_path / "output").read_text()
    assert not [password for password in ground.seen if password in written]


def held(ground: Ground, user: User) -> list[dict[str, Any]]:
    """What AWSCURRENT and AWSPENDING hold."""
    return [ground.document(user.arn, stage) for stage in ("AWSCURRENT", "AWSPENDING") if ground.value(user.arn, stage)]


def is_whole(ground: Ground, user: User, *, alternating: bool) -> bool:
    """Whether the database is as the secret says: its user's password is among AWSCURRENT and AWSPENDING.

    Of alternating users the one in use keeps its password, whatever happens to the other.
    """
    found = held(ground, user)
    return user.accepts(found[0]) if alternating else any(user.accepts(one) for one in found)


@pytest.mark.parametrize("strategy", FEWEST)
def test_a_rotation_killed_at_any_instant_ends_rotated(
    ground: Ground, killer: Killer, server: Server, strategy: str
) -> None:
    alternating = strategy != "single"
    superuser = master_secret(ground, server) if alternating else None

    def one() -> User:
        user = new_user(ground, server, superuser=superuser)
        if strategy == "clone is there":
            ground.rotate(user.arn)
        return user

    undisturbed = one()
    boundaries = range(killer.rotate(undisturbed.arn, ground.start(undisturbed.arn))["boundaries"])
    assert len(boundaries) >= FEWEST[strategy]
    taken = turn(boundaries)
    assert len(taken) >= len(boundaries) // DAYS
    for boundary in taken:
        user = one()
        before, token = user.current, ground.start(user.arn)
        for attempt in range(2):
            done = killer.rotate(user.arn, token, boundary)
            # The second attempt may have less to do than the first.
            assert done["killed"] or (attempt == 1 and not done["error"]), (boundary, done)
            assert is_whole(ground, user, alternating=alternating), boundary
        done = killer.rotate(user.arn, token)
        assert not done["error"], (boundary, done)
        assert "AWSCURRENT" in ground.stages(user.arn)[token], boundary
        after = user.current
        assert user.accepts(after), boundary
        assert user.accepts(before) == alternating, boundary
        assert server.acts_as(after, user.name), boundary
