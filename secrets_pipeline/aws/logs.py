"""Mask log records of the libraries that carry values: fixed texts and numbers stay, requests and answers do not.

At DEBUG botocore logs the bodies of requests and answers, boto3 parameters, urllib3 headers that it cannot parse, and
the encryption SDK, at ERROR already, the answer of a failed Decrypt. Every record of theirs passes the process's log
record factory, whichever logger, handler and level it was made for, so `logging.config`, Dagster's
`managed_python_loggers` and later changes of a level come too late for a value.
Source: https://docs.python.org/3/library/logging.html#logging.setLogRecordFactory
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

LIBRARIES: Final = frozenset({"aws_encryption_sdk", "boto3", "botocore", "s3transfer", "urllib3"})
"""Top-level loggers; those below them are meant as well."""
_PUTS_TOGETHER: Final = "s3transfer"
"""Its texts hold arguments already."""

_lock = threading.Lock()


def mask_logs() -> None:
    """Replace the process's log record factory by one that leaves out what may be a value.

    It is safe to repeat, and is repeated for every session: somebody may have set another factory meanwhile.
    """
    with _lock:
        make = logging.getLogRecordFactory()
        if not isinstance(make, _Masking):
            logging.setLogRecordFactory(_Masking(make))


class _Masking:
    """A log record factory that masks what another one makes."""

    def __init__(self, make: Callable[..., logging.LogRecord]) -> None:
        self._make = make

    def __call__(  # noqa: PLR0917 - what Logger.makeRecord gives
        self,
        name: str | None,
        level: object,
        file: str,
        line: int,
        message: object,
        arguments: object,
        raised: object,
        *rest: object,
        **more: object,
    ) -> logging.LogRecord:
        library = (name or "").partition(".")[0]
        if library in LIBRARIES:
            if library == _PUTS_TOGETHER:
                message = _Masked()
            if isinstance(raised, tuple) and isinstance(raised[0], type):
                message = f"{message} ({raised[0].__name__})"
            arguments = tuple(map(_masked, arguments)) if isinstance(arguments, tuple) else ()
            raised = None
        return self._make(name, level, file, line, message, arguments, raised, *rest, **more)


class _Masked:
    """Stands in the place of an argument."""

    def __repr__(self) -> str:
        return "…"


def _masked(argument: object) -> object:
    return argument if isinstance(argument, int | float) else _Masked()
