"""A newcomer's folder: a repository of theirs, the wheel, an account, and what its commands did."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from subprocess import CompletedProcess
from textwrap import dedent, shorten
from typing import Any

from benchmarks.newcomer.account import client, holdings, touched
from secrets_pipeline import emulator
from secrets_pipeline.emulator import LocalAws
from tests.cli.installed import Installed

QUOTED = 150
"""Characters of a line that is quoted in the table."""


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        title: what is tried.
        before: what happened when a newcomer tried it first.
        script: runs it, and says what it expects.
    """

    title: str
    before: str
    script: Callable[[Team], None]


@dataclass
class Team:
    """Runs commands of the installed wheel, and notes what happened and what is not as expected.

    Args:
        installed: the wheel's environment, and the folder that is written to.
        aws: the account.
    """

    installed: Installed
    aws: LocalAws
    happened: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    _before: dict[str, str] | None = None

    @property
    def folder(self) -> Path:
        """Where the commands run."""
        return self.installed.folder

    def unseen(self, *command: str, **variables: str) -> CompletedProcess[str]:
        """Run `secrets-pipeline`, and expect nothing."""
        return self.installed.run("secrets-pipeline", *command, **{**self._settings, **variables})

    def write(self, files: Mapping[str, str], below: str = "") -> None:
        """Write files, dedented, by paths below the folder; an empty text removes the file."""
        for name, text in files.items():
            path = self.folder / below / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text:
                path.write_text(dedent(text))
            else:
                path.unlink()

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text that stands in a file.

        Raises:
            LookupError: if it does not.
        """
        text = (self.folder / name).read_text()
        if old not in text:
            raise LookupError(f"{name} has no {old!r}")
        (self.folder / name).write_text(text.replace(old, new))

    def console(self, service: str, region: str | None = None) -> Any:  # noqa: ANN401 # boto3's clients have no common type.
        """Return a client for what others do in the account; the next command is not held for it."""
        self._before = None
        return client(self.aws, service, region)

    def elsewhere(self, name: str) -> Team:
        """Return a colleague: the same repository and account, another home."""
        home = self.folder.parent / name
        shutil.copytree(self.folder, home)
        return replace(self, installed=replace(self.installed, folder=home))

    def run(
        self,
        *command: str,
        exits: int = 0,
        says: Sequence[str] = (),
        lacks: Sequence[str] = (),
        touches: Sequence[str] = (),
        quote: bool = True,
        variables: Mapping[str, str] | None = None,
    ) -> str:
        """Run `secrets-pipeline` without anything of this process's environment.

        Args:
            command: its words.
            exits: exit code that is expected.
            says: what has to stand in stdout or stderr; the line of the first is quoted in the table.
            lacks: what must not.
            touches: globs of `holdings`; each has to meet something that the command changed, and all of
                that has to be met.
            quote: note it in the table.
            variables: further variables.

        Returns:
            stdout and stderr.
        """
        before = self._before if self._before is not None else holdings(self.aws)
        done = self.unseen(*command, **(variables or {}))
        self._before = holdings(self.aws)
        said = done.stdout + done.stderr
        shown = " ".join(command)
        problems = [f"{shown}: exit code {done.returncode}, not {exits}"] if done.returncode != exits else []
        problems += [f"{shown}: does not say {text!r}" for text in says if text not in said]
        problems += [f"{shown}: says {text!r}" for text in (*lacks, "Traceback", "this is a bug") if text in said]
        changed = touched(before, self._before)
        problems += [
            f"{shown}: touches {one}" for one in changed if not any(fnmatchcase(one, glob) for glob in touches)
        ]
        problems += [
            f"{shown}: leaves {glob}" for glob in touches if not any(fnmatchcase(one, glob) for one in changed)
        ]
        if problems and os.environ.get("NEWCOMER_VERBOSE"):
            print("---", self.folder, shown, done.returncode, changed, said, sep="\n", flush=True)
        self.wrong += problems
        if quote:
            line = next((line for text in says[:1] for line in said.splitlines() if text in line), "")
            self.happened.append(f"`{shown}` → {done.returncode}{': ' + shorten(line, QUOTED) if line else ''}")
        return said

    def expect(self, holds: bool, otherwise: str) -> None:
        """Note what is wrong unless something holds."""
        if not holds:
            self.wrong.append(otherwise)

    @property
    def _settings(self) -> dict[str, str]:
        """Variables of the commands: where AWS is, a home of this folder's own, and columns that fold no table."""
        home = self.folder.parent / f"{self.folder.name}-home"
        home.mkdir(exist_ok=True)
        return {**self.aws.environment(), "DAGSTER_HOME": str(home), "COLUMNS": "400"}


def tried(row: Row, installed: Installed, folder: Path, aws: LocalAws) -> Team:
    """Run a row in a folder of its own, on an empty account."""
    emulator.empty(aws)
    folder.mkdir(parents=True)
    team = Team(replace(installed, folder=folder), aws)
    try:
        row.script(team)
    except (OSError, LookupError) as error:
        team.wrong.append(f"{type(error).__name__}: {error}")
    return team
