"""Runs inside the subprocess: loads the handler, calls it, writes the answer. Standard library only.

Arguments: task root, handler (`module.function`), file for the answer, and `before` or `after` where this process is
to be killed right before or after the handler's work. The event comes on standard input.
"""

import importlib
import json
import logging
import os
import signal
import sys
import traceback
from types import SimpleNamespace


def main(task_root: str, handler: str, answer_file: str, killed: str = "") -> int:
    """Call the handler once; 0 if it returned, 1 if it raised."""
    event = json.load(sys.stdin)
    # Lambda gives the root logger a handler and leaves its level at WARNING.
    logging.basicConfig(stream=sys.stdout, format="[%(levelname)s]\t%(asctime)s\t%(message)s")
    sys.path.insert(0, task_root)
    try:
        module, _, function = handler.rpartition(".")
        call = getattr(importlib.import_module(module.replace("/", ".")), function)
        _die_if(killed == "before")
        answer, status = call(event, SimpleNamespace(aws_request_id="local", function_name=handler)), 0
    except Exception as error:  # noqa: BLE001 - whatever the function raises is its answer, as in Lambda
        lines = traceback.format_exception(error)
        answer, status = (
            {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": lines},
            1,
        )
        sys.stderr.write("".join(lines))
    _die_if(killed == "after")
    with open(answer_file, "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib would double the start-up time
        json.dump(answer, file)
    return status


def _die_if(due: bool) -> None:
    if due:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:5]))
