"""The layout of a Geodesic image, no clone of git: every command and Dagster read the same folder."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from secrets_pipeline.operations.repository_cache import Place, RepositoryCache
from secrets_pipeline.orchestration.shared.resources import Asked
from tests.cli.conftest import ATMOS, DEV, Cli, write
from tests.runs import assert_exited

ETC = "rootfs/usr/local/etc/atmos"


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose atmos.yaml lies where Geodesic installs it, with an empty base_path."""
    folder = tmp_path / "image"
    write(folder / ETC / "atmos.yaml", ATMOS.replace('base_path: "."', 'base_path: ""'))
    write(folder / "stacks" / "dev.yaml", DEV)
    monkeypatch.setenv("ATMOS_CLI_CONFIG_PATH", str(folder / ETC))
    monkeypatch.chdir(tmp_path)
    return folder


def read(cli: Cli, *more: str | Path) -> set[str]:
    """The stacks that each command finds."""
    found = set()
    for command in (("describe", "stacks", "--format", "json"), ("plan", "--offline", "--format", "json")):
        result = cli(*command, *more)
        assert_exited(result)
        printed = json.loads(result.stdout)
        found |= set(printed if command[0] == "describe" else printed["stacks"])
    result = cli("tree", "--format", "json", *more)
    assert_exited(result)
    return found | {row["stack"] for row in json.loads(result.stdout)}


@pytest.mark.parametrize("named", ["{}", "image", "./image/"])
def test_atmos_base_path_is_the_base_path_of_every_command(
    cli: Cli, image: Path, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATMOS_BASE_PATH", named.format(image))
    assert read(cli) == {"shop-dev"}
    folder, origin = Asked().source(os.environ)
    assert set(RepositoryCache().open(Place(folder, origin)).specs) == {"shop-dev"}


def test_a_folder_that_is_named_by_an_option_is_too(cli: Cli, image: Path) -> None:
    assert read(cli, "--base-path", image) == {"shop-dev"}
    assert set(RepositoryCache().open(Place(image)).specs) == {"shop-dev"}


def test_it_wins_over_atmos_yaml_for_every_command_as_in_atmos(
    cli: Cli, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(image / ETC / "atmos.yaml", ATMOS.replace('base_path: "."', 'base_path: "."\n    unused: 1'))
    monkeypatch.setenv("ATMOS_BASE_PATH", str(image))
    assert read(cli) == {"shop-dev"}
    assert set(RepositoryCache().open(Place(image)).specs) == {"shop-dev"}


def test_where_there_is_nothing_the_error_says_which_folder_was_read_and_why(
    cli: Cli, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATMOS_BASE_PATH", str(image / "rootfs"))
    for command in (("describe", "stacks"), ("plan", "--offline"), ("tree",)):
        result = cli(*command)
        assert_exited(result, 1)
        assert f"the base path is {image}/rootfs (key base_path (of ATMOS_BASE_PATH))." in result.stderr


def test_a_kept_checkout_is_read_instead_of_the_folder_that_the_variable_names(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "kept"
    write(kept / "stacks" / "dev.yaml", DEV.replace("environment: dev", "environment: old"))
    monkeypatch.setenv("ATMOS_BASE_PATH", str(image))
    assert set(RepositoryCache().open(Place(kept, called=image)).specs) == {"shop-old"}
