"""The images, made once."""

from __future__ import annotations

import pytest

from tests.deploy.images import Images, make_images


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Images:
    return make_images(tmp_path_factory.mktemp("images"))
