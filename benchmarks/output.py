"""How much is printed at size: lines on a terminal, and in a pipe, of each command, as a table in Markdown.

    .venv/bin/python benchmarks/output.py [--secrets 150] [--columns 110] [--print]

A generated repository with one stack of N secrets and a consumer of all of them, on an embedded AWS of its own. Each
command is a process; once its stdout and stderr are one terminal of so many columns, whose final screen is counted with
all that was scrolled away, and once two pipes. With --print the screens are shown as well.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import yaml

from secrets_pipeline import emulator

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

ATMOS = """\
base_path: ""
stacks: {base_path: stacks, included_paths: ["*.yaml"], name_template: "{{.vars.context_name}}-{{.vars.environment}}"}
"""
ACCOUNT = "111122223333"
ROLE = "reports"
STRANGER = "stranger"
READS = ("secretsmanager:GetSecretValue", "kms:Decrypt")
ROWS = 50
_CONTROL = re.compile(r"\x1b\[(?P<numbers>[0-9;?]*)(?P<kind>[A-Za-z])|(?P<one>[\r\n\b])|(?P<text>[^\x1b\r\n\b]+)|\x1b.")


class Screen:
    """What a terminal shows at the end, with all that was scrolled away.

    Args:
        columns: of the terminal.
    """

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._lines = [""]
        self._row = self._column = 0

    def feed(self, text: str) -> None:
        """Draw what a program writes: text, line ends, and the few sequences that move the cursor or erase."""
        for found in _CONTROL.finditer(text):
            if found["text"]:
                for one in found["text"]:
                    self._put(one)
            elif found["one"]:
                self._move(found["one"])
            elif found["kind"]:
                self._control(found["kind"], int(found["numbers"].lstrip("?") or 0) if found["kind"] in "AK" else 0)

    @property
    def lines(self) -> list[str]:
        """Return the lines, each as long as it was drawn."""
        drawn = [line.rstrip() for line in self._lines]
        while drawn and not drawn[-1]:
            drawn.pop()
        return drawn

    def _put(self, one: str) -> None:
        if self._column == self._columns:
            self._move("\n")
            self._column = 0
        line = self._lines[self._row].ljust(self._column)
        self._lines[self._row] = line[: self._column] + one + line[self._column + 1 :]
        self._column += 1

    def _move(self, one: str) -> None:
        if one == "\n":
            self._row += 1
            if self._row == len(self._lines):
                self._lines.append("")
        else:
            self._column = 0 if one == "\r" else max(self._column - 1, 0)

    def _control(self, kind: str, number: int) -> None:
        if kind == "A":
            self._row = max(self._row - max(number, 1), 0)
        elif kind == "K":
            line = self._lines[self._row]
            self._lines[self._row] = line[: self._column] if number == 0 else ""


def main() -> None:
    """Run every command on a terminal and in pipes, and print the table."""
    options = _options()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _repository(folder, options.secrets)
        aws = emulator.start(folder / "aws", die_with_parent=True)
        try:
            rows = [*_measured(folder, aws, options)]
        finally:
            emulator.stop(aws.state_dir)
    print(f"{options.secrets} secrets, {options.columns} columns\n")
    print("| command | exit code | lines on a terminal | lines in a pipe, stdout and stderr | longest line in a pipe |")
    print("|---|--:|--:|--:|--:|")
    for row in rows:
        print("|", " | ".join(map(str, row)), "|")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--secrets", type=int, default=150)
    parser.add_argument("--columns", type=int, default=110)
    parser.add_argument("--print", action="store_true", help="also show the screens")
    return parser.parse_args()


def _repository(folder: Path, size: int) -> None:
    (folder / "atmos" / "stacks").mkdir(parents=True)
    (folder / "atmos" / "atmos.yaml").write_text(ATMOS)
    secrets = {f"s{number:04}": {"path": "api", "generate_random_password": True} for number in range(size)}
    consumer = {"type": "app", "role_arn": f"arn:aws:iam::{ACCOUNT}:role/{ROLE}", "secrets": list(secrets)}
    component = {"create_kms_key": True, "secrets": secrets, "consumers": {ROLE: consumer}}
    stack = {
        "vars": {"context_name": "shop", "environment": "dev", "account_id": ACCOUNT, "region": "eu-west-2"},
        "components": {"terraform": {"secretsmanager/app": {"vars": component}}},
    }
    (folder / "atmos" / "stacks" / "dev.yaml").write_text(yaml.safe_dump(stack))
    (folder / "operator.yaml").write_text("repository: github.com/acme/infra\ngrants: {preset: single-team}\n")


def _measured(
    folder: Path, aws: emulator.LocalAws, options: argparse.Namespace
) -> Sequence[tuple[str, int, int, str, int]]:
    iam = _iam(aws)
    environment = {
        **os.environ,
        **aws.environment(),
        "SECRETS_PIPELINE_CONFIG": str(folder / "operator.yaml"),
        "ATMOS_BASE_PATH": str(folder / "atmos"),
        "DAGSTER_HOME": str(folder / "home"),
        "TERM": "xterm-256color",
    }
    rows = []

    def measure(title: str, *command: str, before: Callable[[], None] = lambda: None) -> None:
        before()
        code, screen = on_terminal(command, environment, options.columns)
        if options.print:
            print(f"--- {title}", *screen, sep="\n", flush=True)
        before()
        done = subprocess.run(_line(command), check=False, capture_output=True, text=True, env=environment)
        out, err = done.stdout.splitlines(), done.stderr.splitlines()
        rows.append((title, code, len(screen), f"{len(out)} and {len(err)}", max(map(len, [*out, *err]), default=0)))

    def empty() -> None:
        emulator.empty(aws)
        _role(iam, ROLE, READS)

    def refusing() -> None:
        empty()
        every = range(1, 1 + options.secrets)
        fault = emulator.InjectedFault(emulator.FaultAction.DENY, service="secretsmanager", operation="CreateSecret")
        emulator.arm(aws, *(replace(fault, at=number) for number in every))

    empty()
    measure("plan of everything", "plan")
    measure("apply that may create no secret", "apply", "--all", "--yes", before=refusing)
    measure("first apply", "apply", "--all", "--yes", before=empty)
    measure("apply with nothing to do", "apply", "--all", "--yes")
    measure("verify", "verify")
    iam.delete_role_policy(RoleName=ROLE, PolicyName=ROLE)
    _role(iam, STRANGER, ["secretsmanager:*", "kms:*"])
    measure("verify, all read by a stranger and none by its consumer", "verify")
    return rows


def _iam(aws: emulator.LocalAws) -> IAMClient:
    own = aws.environment()
    session = boto3.Session(
        aws_access_key_id=own["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=own["AWS_SECRET_ACCESS_KEY"],
        region_name=own["AWS_REGION"],
    )
    return session.client("iam", endpoint_url=aws.endpoint_url)


def _role(iam: IAMClient, name: str, actions: Sequence[str]) -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    allowed = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    trusted, reads = (json.dumps({"Version": "2012-10-17", "Statement": [one]}) for one in (trust, allowed))
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusted)
    iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=reads)


def _line(command: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "secrets_pipeline", *command]


def on_terminal(command: Sequence[str], environment: Mapping[str, str], columns: int) -> tuple[int, list[str]]:
    """Run a command of `secrets-pipeline` on a terminal.

    Args:
        command: its words.
        environment: of the process.
        columns: of the terminal.

    Returns:
        The exit code, and the lines of the final screen and of what was scrolled away.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
    with subprocess.Popen(_line(command), stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        written = b""
        while True:
            select.select([ours], [], [])
            try:
                read = os.read(ours, 65_536)
            except OSError:  # Linux's way to say that nobody has the other end any more.
                break
            if not read:
                break
            written += read
        os.close(ours)
    screen = Screen(columns)
    screen.feed(written.decode())
    return process.returncode, screen.lines


if __name__ == "__main__":
    main()
