"""Rotations whose process is killed at a chosen instant: run as a script, told what to do on standard input.

Each line of input is `{"event": …, "kill": number or null}`. The four steps are taken in a process of its own, which
SIGKILL ends at the boundary of that number: between two calls (of AWS, a login, a statement), before the first of them,
or after the last of a step. The answer is `{"killed": …, "boundaries": …, "error": …}`.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import botocore.client
import pg8000.native
import pymysql.connections

from secrets_pipeline.rotation_lambda import secret_versions
from secrets_pipeline.rotation_lambda.handler import handle

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
_passed = itertools.count()


def _guard(owner: object, name: str, kill: int | None) -> None:
    call: Callable[..., Any] = getattr(owner, name)

    def guarded(*args: object, **named: object) -> object:
        _boundary(kill)
        return call(*args, **named)

    setattr(owner, name, guarded)


def _boundary(kill: int | None) -> None:
    if next(_passed) == kill:
        os.kill(os.getpid(), signal.SIGKILL)


def _rotate(event: dict[str, str], kill: int | None, answer: int) -> None:
    _guard(botocore.client.BaseClient, "_make_api_call", kill)
    for owner, name in (
        (pg8000.native.Connection, "__init__"),
        (pg8000.native.Connection, "run"),
        (pymysql.connections.Connection, "connect"),
        (pymysql.connections.Connection, "query"),
    ):
        _guard(owner, name, kill)
    error = ""
    try:
        for step in STEPS:
            handle({**event, "Step": step})
            _boundary(kill)
    except Exception as caught:  # noqa: BLE001 - the answer says what it was
        error = f"{type(caught).__name__}: {caught}"
    os.write(answer, json.dumps({"killed": False, "boundaries": next(_passed), "error": error}).encode())


def _in_a_process_of_its_own(event: dict[str, str], kill: int | None) -> dict[str, Any]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _rotate(event, kill, writing)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        written = pipe.read()
    os.waitpid(child, 0)
    found: dict[str, Any] = json.loads(written) if written else {"killed": True, "boundaries": None, "error": ""}
    return found


if __name__ == "__main__":
    # The service's description is read once, not by every child.
    secret_versions.client("secretsmanager")
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(_in_a_process_of_its_own(order["event"], order["kill"])), flush=True)  # noqa: T201 - the answer
