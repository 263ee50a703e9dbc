"""Read the console blocks of a page, and run them as its reader would, against the embedded AWS.

How a page is written so that it can be run:

* A page is one bash, in a scratch copy of examples/ that is a git repository with one commit. All `$ ` commands of all
  its ```console blocks run in order; `cd`, `export` and files last until the page ends. The next page begins in an
  empty account, where `local start` has been run.
* `secrets-pipeline`, git, jq, Python and what every Debian has are on PATH; `SECRETS_PIPELINE_CONFIG` names the copy's
  operator.yaml. The output is a pipe, so nothing is asked. `set -o pipefail` holds.
* A command goes on in the next line where bash wants more: after a backslash or a bar, in quotes, in a here-document.
* It ends with exit code 0, unless a comment in it says `exit code 2`, which the reader sees as well.
* Lines below a command are what it printed, stdout and stderr together, compared word by word: blanks and line ends do
  not count. `…` stands for any text. They may begin and end anywhere in what was printed.
* An HTML comment directly before a block says what the reader does not see. `<!-- setup: COMMANDS -->` runs first, a
  command a line, in which `$CHECKOUT` is the checkout's folder. `<!-- typed: yes -->` runs the block's commands on a
  terminal of 100 columns, each in a shell of its own, and types that.
* What cannot run here is an ```sh block without `$ `, with `<!-- not run: REASON -->` directly before it.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

_BASH: Final = shutil.which("bash") or "bash"
_FENCE: Final = re.compile(
    r"^(?P<indent> *)```(?P<language>[\w-]*)[^\n]*\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL
)
_COMMENT: Final = re.compile(r"<!--\s*(?P<kind>setup|typed|not run):(?P<said>.*?)-->", re.DOTALL)
_COMMENTS: Final = re.compile(r"(?:<!--(?:(?!-->).)*-->\s*)*\Z", re.DOTALL)
_EXIT_CODE: Final = re.compile(r"#.*\bexit code (\d+)")
_ESCAPE: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_PROMPT: Final = "$ "
_ANYTHING: Final = "…"
RUN: Final = "console"
NOT_RUN: Final = "sh"
SHELLS: Final = frozenset({RUN, NOT_RUN, "bash", "shell", "shell-session", "sh-session", "zsh"})


@dataclass(frozen=True, slots=True)
class Fence:
    """A fenced block of a page.

    Attributes:
        line: 1-based, of its first line of text.
        language: as it stands behind the backticks.
        text: what is in it, without its indentation.
        said: kind of comment directly before it → what that says.
    """

    line: int
    language: str
    text: str
    said: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a page.

    Attributes:
        line: 1-based.
        script: for bash.
        shown: the output that the page shows; empty for none.
        typed: what is typed on its terminal; None where it has none.
        seen: whether the reader sees it.
    """

    line: int
    script: str
    shown: str = ""
    typed: str | None = None
    seen: bool = True

    @property
    def exit_code(self) -> int:
        """What it has to end with."""
        found = _EXIT_CODE.search(self.script)
        return int(found[1]) if found else 0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: exit code and output, None and nothing where it did not begin or end."""

    exit_code: int | None
    output: str


def fences(page: str) -> Iterator[Fence]:
    """Find the fenced blocks of a page, each with what comments directly before it say."""
    for found in _FENCE.finditer(page):
        before = page[: found.start()]
        comments = _COMMENTS.search(before)
        said = {one["kind"]: one["said"].strip() for one in _COMMENT.finditer(comments[0] if comments else "")}
        indent = found["indent"]
        text = "".join(line.removeprefix(indent) for line in found["text"].splitlines(keepends=True))
        yield Fence(before.count("\n") + 2, found["language"], text, said)


def commands(page: str) -> list[Command]:
    """Read the commands of a page's console blocks, set-up included."""
    found: list[Command] = []
    for fence in fences(page):
        if fence.language == RUN:
            setup = fence.said.get("setup", "").splitlines()
            found += [Command(fence.line, line.strip(), seen=False) for line in setup if line.strip()]
            found += [replace(one, typed=fence.said.get("typed")) for one in _of_block(fence)]
    return found


def comments(page: str) -> int:
    """Count the comments that say something of a block, whether or not one follows."""
    return len(list(_COMMENT.finditer(page)))


def _of_block(fence: Fence) -> Iterator[Command]:
    lines = list(enumerate(fence.text.splitlines(), fence.line))
    while lines:
        number, line = lines.pop(0)
        if not line.startswith(_PROMPT):
            continue
        script, shown = [line.removeprefix(_PROMPT)], list[str]()
        while lines and not _whole("\n".join(script)):
            script.append(lines.pop(0)[1])
        while lines and not lines[0][1].startswith(_PROMPT):
            shown.append(lines.pop(0)[1])
        yield Command(number, "\n".join(script), "\n".join(shown))


def _whole(script: str) -> bool:
    """Whether bash wants no further line."""
    asked = subprocess.run([_BASH, "-n"], input=script, capture_output=True, text=True, check=False)
    return not asked.stderr and not script.endswith("\\")


def run(page: Iterable[Command], folder: Path, environment: Mapping[str, str], seconds: float) -> list[Ended]:
    """Run commands in one bash, until one ends otherwise than it has to.

    Args:
        page: the commands.
        folder: where the shell begins; scripts and outputs are beside it.
        environment: all of the shell's.
        seconds: how long all may take.

    Returns:
        For each how it ended; shorter where one did not end as it has to.
    """
    page = list(page)
    scripts = folder.with_name(f"{folder.name}.scripts")
    scripts.mkdir()
    lines = ["set -o pipefail"]
    for number, one in enumerate(page):
        script, output, code = (shlex.quote(str(scripts / f"{number}.{kind}")) for kind in ("sh", "out", "code"))
        (scripts / f"{number}.sh").write_text(one.script + "\n")
        called = f"source {script} </dev/null"
        if one.typed is not None:
            on_terminal = f"{_BASH} -c {shlex.quote(f'stty cols 100; set -o pipefail; source {script}')}"
            called = f"script -qec {shlex.quote(on_terminal)} /dev/null <<<{shlex.quote(one.typed)}"
        lines.append(f"{called} >{output} 2>&1; code=$?; echo $code >{code}; [ $code = {one.exit_code} ] || exit 1")
    (scripts / "page.sh").write_text("\n".join(lines) + "\n")
    shell = subprocess.Popen(
        [_BASH, "--noprofile", "--norc", scripts / "page.sh"], cwd=folder, env=dict(environment), start_new_session=True
    )
    with suppress(subprocess.TimeoutExpired):
        shell.wait(seconds)
    # Also what a page leaves running, which is of the shell's group.
    with suppress(ProcessLookupError):
        os.killpg(shell.pid, signal.SIGKILL)
    shell.wait()
    return [_ended(scripts, number) for number in range(len(page)) if (scripts / f"{number}.out").exists()]


def _ended(scripts: Path, number: int) -> Ended:
    output, code = (scripts / f"{number}.out").read_bytes().decode(errors="replace"), scripts / f"{number}.code"
    return Ended(int(code.read_text()) if code.exists() else None, _ESCAPE.sub("", output).replace("\r", "\n"))


def shows(shown: str, printed: str) -> bool:
    """Tell whether a page's output is in what was printed, word by word; `…` stands for any text."""
    parts = shown.split(_ANYTHING)
    last = len(parts) - 1
    pattern = ".*?".join(
        _words(part, whole_first=number == 0 or part[:1].isspace(), whole_last=number == last or part[-1:].isspace())
        for number, part in enumerate(parts)
    )
    return re.search(pattern, printed, re.DOTALL) is not None


def _words(text: str, *, whole_first: bool, whole_last: bool) -> str:
    words = r"\s+".join(map(re.escape, text.split()))
    return words and (r"(?<!\S)" if whole_first else "") + words + (r"(?!\S)" if whole_last else "")


def problem(page: str, asked: list[Command], ended: list[Ended]) -> str:
    """Say which command of a page did not do as the page says; empty where all did.

    Args:
        page: path of the page.
        asked: its commands.
        ended: how they ended.
    """
    for one, how in zip(asked, ended, strict=False):
        what = f"{page}:{one.line}: {'' if one.seen else 'set-up: '}$ {one.script}"
        if how.exit_code is None:
            return f"{what}\ndid not end. It printed:\n{how.output}"
        if how.exit_code != one.exit_code:
            return f"{what}\nended with exit code {how.exit_code}, not {one.exit_code}. It printed:\n{how.output}"
        if not shows(one.shown, how.output):
            return f"{what}\ndid not print what the page shows:\n{one.shown}\nbut:\n{how.output}"
    if len(ended) < len(asked):
        one = asked[len(ended)]
        return f"{page}:{one.line}: $ {one.script}\nwas not run: the shell had ended"
    return ""
