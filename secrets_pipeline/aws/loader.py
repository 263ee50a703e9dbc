"""Share one botocore loader in a process, so that AWS's service models are read once for all sessions.

A session with a loader of its own reads and parses them anew: four fifths of what its first client of a service costs.
"""

from __future__ import annotations

import threading
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.loaders import JSONFileLoader, Loader, create_loader

if TYPE_CHECKING:
    from botocore.session import Session

_lock = threading.RLock()


def share_loader(session: Session) -> None:
    """Make a botocore session read models through the process's loader; no call is made.

    Args:
        session: that has made no client yet. Sessions with another `data_path` (AWS_DATA_PATH) share another loader.

    Raises:
        botocore.exceptions.ProfileNotFound: if the session's profile does not exist.
    """
    with _lock:
        session.register_component("data_loader", _loader(session.get_config_variable("data_path")))


@cache
def _loader(data_path: str | None) -> Loader:
    paths = _Paths(create_loader(data_path).search_paths)
    return _SharedLoader(paths, _Files(), include_default_search_paths=False)


class _Paths(list[str]):
    """Folders of models. Every boto3.Session appends boto3's to its loader's: once is enough."""

    def append(self, path: str) -> None:
        if path not in self:
            super().append(path)


class _SharedLoader(Loader):
    """A botocore loader for threads: botocore's own locks nothing, and changes a model after it is in its cache."""

    def load_service_model(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - JSON
        with _lock:
            return super().load_service_model(*args, **kwargs)

    def load_data_with_path(self, name: str) -> tuple[dict[str, Any], str]:
        with _lock:
            data, path = super().load_data_with_path(name)
        # botocore.translate.build_retry_config writes into it.
        return (deepcopy(data) if name == "_retry" else data), path


class _Files(JSONFileLoader):
    def load_file(self, file_path: str) -> Any:  # noqa: ANN401 - JSON
        data = super().load_file(file_path)
        if data is not None and Path(file_path).name == "endpoints":
            for partition in data["partitions"]:
                for service in partition["services"].values():
                    service["endpoints"] = _Endpoints(service.get("endpoints", {}))
        return data


class _Endpoints(dict[str, dict[str, Any]]):
    """A service's endpoints, handed out as copies: botocore.regions.EndpointResolver writes into it."""

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - JSON
        return dict(super().get(name, default))
