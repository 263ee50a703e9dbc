"""The oracle's process: `@cloud-copilot/iam-simulate` under Node.js, installed for tests only.

It is licensed under the AGPL: it runs by itself, is asked over a pipe, and nothing of it is shipped.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import IO, Any, Final

from filelock import FileLock

from tests.waiting import SECONDS

_HERE: Final = Path(__file__).parent
FOLDER: Final = _HERE.parents[2] / ".oracle"
"""Where it is installed; Git ignores it."""
_MANIFESTS: Final = ("package.json", "package-lock.json")


class Unavailable(Exception):
    """The oracle cannot be had on this machine."""


def installed() -> Path:
    """The folder that holds the oracle's `node_modules`; installs it once.

    Raises:
        Unavailable: there is no Node.js, or the npm registry cannot be reached.
    """
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise Unavailable("needs Node.js and the npm registry: node or npm is not on PATH")
    FOLDER.mkdir(exist_ok=True)
    with FileLock(FOLDER / "lock"):
        done = FOLDER / "done"
        wanted = "".join((_HERE / name).read_text() for name in _MANIFESTS)
        if not (done.exists() and done.read_text() == wanted):
            for name in _MANIFESTS:
                shutil.copy(_HERE / name, FOLDER / name)
            _install(npm)
            done.write_text(wanted)
    return FOLDER


def _install(npm: str) -> None:
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        subprocess.run(command, cwd=FOLDER, check=True, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"needs Node.js and the npm registry: no answer in {SECONDS} s") from None
    except subprocess.CalledProcessError as error:
        said = "; ".join(error.stderr.strip().splitlines()[:4]) or str(error)
        raise Unavailable(f"needs Node.js and the npm registry: {said}") from None


def ask(simulations: Iterable[Any]) -> Iterator[Any]:
    """The oracle's answers, in order; one process answers all.

    Raises:
        Unavailable: it is not installed, and cannot be.
    """
    command = ["node", str(_HERE / "oracle.mjs"), str(installed())]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        writer = Thread(target=_write, args=(process.stdin, simulations), daemon=True)
        writer.start()
        try:
            for line in process.stdout:
                yield json.loads(line)
        finally:
            # Ends both where nobody wants the remaining answers.
            process.kill()
            writer.join()


def _write(pipe: IO[str], simulations: Iterable[Any]) -> None:
    with suppress(BrokenPipeError), pipe:
        for one in simulations:
            pipe.write(json.dumps(one) + "\n")
