"""The images, made once; and the log of urllib3, which the client of Kubernetes silences as it is imported or made."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.deploy.images import Images, make_images

_URLLIB3 = logging.getLogger("urllib3")
_LEVEL = _URLLIB3.level


def pytest_collection_finish() -> None:
    """Undo what the import did: other tests listen."""
    _URLLIB3.setLevel(_LEVEL)


@pytest.fixture(autouse=True)
def unsilenced() -> Iterator[None]:
    yield
    _URLLIB3.setLevel(_LEVEL)


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Images:
    return make_images(tmp_path_factory.mktemp("images"))
