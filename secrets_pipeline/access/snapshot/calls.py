"""Make the calls of a snapshot: many at once; what is refused becomes a sentence instead of an error."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from secrets_pipeline.errors import AwsError, PolicyError

_THREADS = 16

Item = TypeVar("Item")
Read = TypeVar("Read")


def at_once(read: Callable[[Item], Read], items: Iterable[Item]) -> tuple[Read, ...]:
    """What `read` returns for every item, in their order; a few threads share the work.

    Raises:
        Exception: the first that `read` raises; what has not been started then is not started any more.
    """
    with ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="snapshot") as pool:
        try:
            return tuple(pool.map(read, items))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


class UnreadParts:
    """Collects why parts of one thing could not be read.

    Args:
        whatever: whether every failure is one of these, an outage too: of what is judged both ways where it is unknown.
    """

    def __init__(self, *, whatever: bool = False) -> None:
        self._whatever = whatever
        self._refusals: list[str] = []

    @property
    def unread(self) -> str:
        """Every refusal as one text, empty if there was none."""
        return "; ".join(dict.fromkeys(self._refusals))

    def attempt(self, read: Callable[[], Read], *also: str) -> Read | None:
        """What `read` returns, or None where AWS refuses it.

        Args:
            read: makes calls inside `calling`.
            also: error codes, beyond those of `AwsError.denied`, that mean that it cannot be read.

        Raises:
            AwsError: any other, unless whatever: an outage is no finding about access.
        """
        try:
            return read()
        except AwsError as error:
            if not (self._whatever or error.denied or error.code in also):
                raise
            self._refusals.append(error.message)
            return None


def parsed(text: str, whose: str) -> dict[str, Any]:
    """A policy that AWS hands out as text.

    Args:
        text: JSON.
        whose: for the error, for example `the policy of key arn:…`.

    Raises:
        PolicyError: if it is no JSON object.
    """
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise PolicyError(f"{whose} is not a JSON object", remedy="Look at it with the AWS CLI, and put it right.")
    return document
