"""Run `atmos describe stacks` over a repository (Atmos `cmd/describe_stacks.go`)."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from secrets_pipeline.errors import StackError
from secrets_pipeline.stacks.functions import processes

BINARY_VARIABLE: Final = "ATMOS_BINARY"
COMMAND: Final = "atmos describe stacks"
ARGUMENTS: Final = ("describe", "stacks", "--format", "json", "--process-functions=false")
SECONDS: Final = 600.0
MAX_OUTPUT: Final = 512 * 2**20
"""Bytes that the command may print."""

_BASE_PATH: Final = "ATMOS_BASE_PATH"
_FORCED: Final[Mapping[str, str]] = {
    "ATMOS_LOGS_FILE": "/dev/stderr",
    "ATMOS_MASK": "false",  # masked values would be written as secrets
    "ATMOS_PAGER": "false",
    "ATMOS_TELEMETRY_ENABLED": "false",
    "ATMOS_VERSION_CHECK_ENABLED": "false",
    "NO_COLOR": "1",
}
_OF_EVERY_PROCESS: Final = frozenset({
    "HOME", "HTTPS_PROXY", "HTTP_PROXY", "LANG", "LOGNAME", "NO_PROXY", "PATH", "SSH_AUTH_SOCK", "SSL_CERT_DIR",
    "SSL_CERT_FILE", "TMPDIR", "TZ", "USER", "https_proxy", "http_proxy", "no_proxy",
})  # fmt: skip
_OF_EVERY_PROCESS_PREFIXES: Final = ("LC_", "XDG_")


def describe_stacks(
    folder: Path,
    env: Mapping[str, str],
    *,
    process_templates: bool = True,
    seconds: float = SECONDS,
    most: int = MAX_OUTPUT,
) -> str:
    """What `atmos describe stacks` prints as JSON, its templates rendered and its YAML functions left as text.

    Args:
        folder: the repository, current folder of the command.
        env: what the command sees of the environment, beside what every process needs (`PATH`, `HOME`, proxies).
        process_templates: whether the templates of component sections are rendered, where atmos.yaml enables them.
        seconds: after which it is ended, with the processes that it started.
        most: bytes that it may print before it is ended likewise.

    Raises:
        StackError: if it cannot be found or started, fails, takes too long, or prints too much or no text. Nothing of
            what it printed is in it, standard error included: Atmos quotes values there.
    """
    command = [_binary(env), *ARGUMENTS, *([] if process_templates else ["--process-templates=false"])]
    bounds = processes.Bounds(seconds, most)
    try:
        finished = processes.run(command, folder, _environment(folder, env), bounds, count_complaints=True)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise StackError(f"`{command[0]}` cannot be started: {reason}") from None
    except processes.BoundError as error:
        raise StackError(
            f"`{COMMAND}` {error}", remedy="Give --from-file what it prints, or leave --from-atmos away."
        ) from None
    if finished.status:
        raise _failed(finished, command, folder)
    try:
        return finished.output.decode("utf-8")
    except UnicodeDecodeError as error:
        problem = f"`{COMMAND}` printed no UTF-8 text: byte {error.start}"
    raise StackError(problem)


def _failed(finished: processes.Finished, command: list[str], folder: Path) -> StackError:
    lines = f"{finished.complaints} line{'s' * (finished.complaints != 1)}"
    said = f"the {lines} that it said may hold values and are not shown" if finished.complaints else "it said nothing"
    return StackError(
        f"`{COMMAND}` ended with exit status {finished.status}; {said}",
        remedy=f"See what it says: cd {shlex.quote(str(folder.absolute()))} && {shlex.join(command)} >/dev/null",
    )


def _binary(env: Mapping[str, str]) -> str:
    named = env.get(BINARY_VARIABLE) or "atmos"
    found = shutil.which(named)
    if found is None:
        raise StackError(
            f"the command {named} was not found",
            remedy=f"Put it on PATH, name it with {BINARY_VARIABLE}, or leave --from-atmos away.",
        )
    return str(Path(found).absolute())


def _environment(folder: Path, env: Mapping[str, str]) -> dict[str, str]:
    passed = {
        name: value
        for name, value in os.environ.items()
        if name in _OF_EVERY_PROCESS or name.startswith(_OF_EVERY_PROCESS_PREFIXES)
    }
    passed |= {**env, **_FORCED}
    if _BASE_PATH in passed:
        # Relative to our current folder, which is not the command's.
        passed[_BASE_PATH] = str(folder.absolute())
    return passed
