"""The `atmos` command: `atmos describe stacks`, run over a repository (Atmos `cmd/describe_stacks.go`)."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from secrets_pipeline.errors import StackError

BINARY_VARIABLE: Final = "ATMOS_BINARY"
COMMAND: Final = "atmos describe stacks"
ARGUMENTS: Final = ("describe", "stacks", "--format", "json", "--process-functions=false")
SECONDS: Final = 600.0

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
_SHOWN_LINES: Final = 20
_CONTROL: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[^\t\n\x20-\x7e\u00a0-\uffff]")
_NAMED_SECRET: Final = re.compile(
    r"""([\w-]*(?:secret|passw|token|credential|api_?key|access_?key|private_?key)[\w-]*["']?\s*[:=]\s*)\S.*""",
    re.IGNORECASE,
)


def describe_stacks(
    folder: Path, env: Mapping[str, str], *, process_templates: bool = True, seconds: float = SECONDS
) -> str:
    """What `atmos describe stacks` prints as JSON, its templates rendered and its YAML functions left as text.

    Args:
        folder: the repository, current folder of the command.
        env: what the command sees of the environment, beside what every process needs (`PATH`, `HOME`, proxies).
        process_templates: whether the templates of component sections are rendered, where atmos.yaml enables them.
        seconds: after which it is ended, with the processes that it started.

    Raises:
        StackError: if it cannot be found or started, fails, takes too long, or prints no text.
    """
    arguments = [*ARGUMENTS, *([] if process_templates else ["--process-templates=false"])]
    printed, said, status = _run([_binary(env), *arguments], folder, _environment(folder, env), seconds)
    if status:
        raise StackError(
            f"`{COMMAND}` ended with exit status {status}:\n{_shown(said)}", remedy="Correct what it says, or its call."
        )
    try:
        return printed.decode("utf-8")
    except UnicodeDecodeError as error:
        problem = f"`{COMMAND}` printed no UTF-8 text: byte {error.start}"
    raise StackError(problem)


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


def _run(command: list[str], folder: Path, env: Mapping[str, str], seconds: float) -> tuple[bytes, bytes, int]:
    """Standard output, standard error and exit status."""
    try:
        # A session of its own: what it starts ends with it.
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise StackError(f"`{command[0]}` cannot be started: {error.strerror}") from None
    try:
        printed, said = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        problem = f"`{COMMAND}` took longer than {seconds:.0f} s"
    else:
        return printed, said, process.returncode
    finally:
        _end(process)
    raise StackError(problem, remedy="Give --from-file what it prints, or leave --from-atmos away.")


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _shown(said: bytes) -> str:
    """The end of what it said, without control characters, and without what follows the name of a secret."""
    text = _CONTROL.sub("", said.decode("utf-8", errors="replace"))
    lines = [line.rstrip() for line in text.splitlines() if line.strip()][-_SHOWN_LINES:]
    return "\n".join("  " + _NAMED_SECRET.sub(r"\1********", line) for line in lines) or "  it said nothing"
