"""Sign requests at another time than now, as a thread did that stood still since, or as a wrong clock does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import botocore.auth
import pytest

_ago = threading.local()


@contextmanager
def signing_ago() -> Iterator[None]:
    """Let each thread say, by `sign_ago`, how old its signatures are."""

    def moment(remove_tzinfo: bool = True) -> datetime:
        then = datetime.now(UTC) - timedelta(seconds=getattr(_ago, "seconds", 0.0))
        return then.replace(tzinfo=None) if remove_tzinfo else then

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.auth, "get_current_datetime", moment)
        yield


def sign_ago(seconds: float) -> None:
    """Let what this thread signs from now on be so many seconds old."""
    _ago.seconds = seconds
