"""Commands as processes of their own, and what they leave."""

from __future__ import annotations

import os
import sys
from pathlib import Path

COMMAND = [sys.executable, "-m", "secrets_pipeline"]
PROGRAM = str(Path(sys.executable).with_name("secrets-pipeline"))
"""The same without the current folder on its path."""


def environment(**more: str) -> dict[str, str]:
    """No setting of whoever runs the tests but what processes need to start."""
    return {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **more}


def running(mark: str | Path) -> list[str]:
    """Command lines of all processes that mention `mark`, which only the test in question uses."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(mark) in line:
                found.append(line)
    return found
