"""Change instances and clusters after the call was answered."""

from __future__ import annotations

import copy
import logging
import secrets
import string
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

from secrets_pipeline.emulator.core.activity import ACTIVITY

logger = logging.getLogger(__name__)

RESETTING_STATUS = "resetting-master-credentials"
_UNTAGGABLE = frozenset({"creating", "deleting", RESETTING_STATUS})
_RESOURCE_ALPHABET = string.ascii_uppercase + string.digits


def new_resource_id(prefix: str) -> str:
    """A DbiResourceId (`db-`) or DbClusterResourceId (`cluster-`), never the same twice."""
    return prefix + "".join(secrets.choice(_RESOURCE_ALPHABET) for _ in range(26))


WHOLE = "whole"


class Background:
    """Runs jobs one after another; a model of moto's mixes it in.

    Attributes:
        pending_modified_values: what was asked for and has not happened yet.
        status_infos: why a job failed, as DBInstanceStatusInfo and DBClusterStatusInfo have it.
    """

    status: str
    status_infos: list[dict[str, object]] | None = None
    pending_modified_values: dict[str, str] | None = None
    _jobs: ThreadPoolExecutor | None = None

    @property
    def takes_tags(self) -> bool:
        """Whether its status lets its tags be changed."""
        return self.status not in _UNTAGGABLE

    def __copy__(self) -> Self:
        """A snapshot's picture of the database has neither server nor thread."""
        picture = object.__new__(type(self))
        picture.__dict__ |= {**self.__dict__, "server": None, "_jobs": None}
        return picture

    def __deepcopy__(self, memo: dict[Any, Any]) -> Self:
        """The same: moto answers a start or a stop with a deep copy. If `WHOLE` is in the memo, a copy that can run."""
        if WHOLE not in memo:
            return self.__copy__()
        copied = memo[id(self)] = object.__new__(type(self))
        copied.__dict__ |= copy.deepcopy({**self.__dict__, "_jobs": None}, memo)
        return copied

    def submit(self, job: Callable[[], None], failed: str) -> None:
        """Run a job after those before it; an error is logged, and leaves the status `failed` with its reason."""
        ACTIVITY.begin()

        def run() -> None:
            try:
                job()
            except Exception as error:
                logger.exception("%s: %s", type(self).__name__, failed)
                self.status = failed
                self.status_infos = [{"Normal": False, "Status": failed, "Message": str(error)}]
            finally:
                ACTIVITY.end()

        self._jobs = self._jobs or ThreadPoolExecutor(max_workers=1, thread_name_prefix="rds")
        self._jobs.submit(run)
