"""Keep text from YAML or AWS from giving commands to the runner of GitHub Actions, which reads them out of the log.

The runner takes a line for a command if it begins with `::`, blanks in front left out, or has `##[` anywhere.
Source: https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs (TryParseV2, TryParse)
"""

from __future__ import annotations

import os
import re
from typing import Final

_COMMAND: Final = re.compile(r"^(?P<blanks>[^\S\n]*):(?=:)|##(?=\[)", re.MULTILINE)
_VARIABLE: Final = "GITHUB_ACTIONS"
"""Set in every job: https://docs.github.com/en/actions/reference/workflows-and-actions/variables"""


def has_command(text: str) -> bool:
    """Whether the runner would find a command in the text."""
    return _COMMAND.search(text) is not None


def without_commands(text: str) -> str:
    """Put a blank into each workflow command, so that the runner ignores it.

    Return the text unchanged outside GitHub Actions.
    """
    if not os.environ.get(_VARIABLE):
        return text
    return _COMMAND.sub(lambda found: f"{found[0]} ", text)
