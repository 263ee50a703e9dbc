"""Start the command line. What it needs is imported in here, when it is: typer takes longer than to print the help."""

from __future__ import annotations

import atexit
import gc
import os
import resource
import sys
from typing import Final

_INTERRUPTED: Final = 130
"""Exit code after Ctrl-C, as a shell gives it: 128 and the number of SIGINT."""
_COMPLETING: Final = "_SECRETS_PIPELINE_COMPLETE"
"""Set by a shell's completion function: typer finds the words elsewhere."""


def main() -> None:
    """Run the command line, without core dumps (`setrlimit`), also of what it starts: they would hold values."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # A plugin of pydantic's would see what is validated; to look for one takes as long as to print the help.
    # Source: https://docs.pydantic.dev/latest/concepts/plugins/
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
    # Modules are never garbage: to look through them, while they come and at the end, is a fifth of a short run.
    gc.disable()
    atexit.register(gc.freeze)
    try:
        if sys.argv[1:] in (["-h"], ["--help"]) and _COMPLETING not in os.environ:
            from secrets_pipeline.cli.overview import overview  # noqa: PLC0415 - see the module's docstring

            sys.stdout.write(overview())
        else:
            from secrets_pipeline.cli.app import run  # noqa: PLC0415 - see the module's docstring

            run()
    except KeyboardInterrupt:
        # It came before a command ran.
        sys.stderr.write("Interrupted.\n")
        sys.exit(_INTERRUPTED)
