"""Functions run as a user of their own where the embedded AWS is root and that user can reach Python."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from secrets_pipeline.emulator.core.identity import Identity, of_functions, unprivileged
from secrets_pipeline.emulator.services.lambda_.forks import BOOTSTRAP, ForkServer

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can switch to another user")

PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six.py", "urllib3")
_NEEDLESS = shutil.ignore_patterns("*-packages", "test", "tests", "idlelib", "tkinter", "ensurepip", "config-*", "20*")


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    """A folder that others may enter, unlike pytest's."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="secrets-pipeline-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def python(open_folder: Path) -> str:
    """This interpreter with boto3, where everybody can reach it."""
    base, name = Path(sys.base_prefix), f"python{sysconfig.get_python_version()}"
    library = open_folder / "lib" / name
    shutil.copytree(sysconfig.get_path("stdlib"), library, symlinks=True, ignore=_NEEDLESS, copy_function=link)
    for shared in (base / "lib").glob("libpython*"):
        link(str(shared), str(open_folder / "lib" / shared.name))
    # Distributions disagree on the folder of packages, not on this one.
    for package in PACKAGES:
        source, target = Path(sysconfig.get_path("purelib"), package), library / package
        if source.is_dir():
            shutil.copytree(source, target, ignore=_NEEDLESS, copy_function=link)
        else:
            link(str(source), str(target))
    models = Path("botocore", "data", "secretsmanager")
    source = Path(sysconfig.get_path("purelib"), models)
    shutil.copytree(source, library / models, copy_function=link, dirs_exist_ok=True)
    (open_folder / "bin").mkdir()
    link(str(Path(sys.executable).resolve()), str(open_folder / "bin" / name))
    # An interpreter may know its library by a path that only root can reach.
    started = open_folder / "python"
    started.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH={open_folder}/lib exec {open_folder}/bin/{name} "$@"\n')
    started.chmod(0o755)
    return str(started)


def link(source: str, target: str) -> object:
    """A hard link, or a copy where the file system has none to offer."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target


def invoked(forks: ForkServer, folder: Path, code: str, event: object) -> Any:  # noqa: ANN401 - JSON
    """What a function answers that is run as the embedded AWS runs it."""
    root, own = folder / "code", Path(tempfile.mkdtemp(dir=folder))
    root.mkdir(exist_ok=True)
    (root / "index.py").write_text(code)
    request = {
        "root": str(root),
        "handler": "index.handler",
        "event": json.dumps(event),
        "environment": {"TMPDIR": str(own), "LANG": "C.UTF-8", "LD_LIBRARY_PATH": str(folder / "lib")},
        "killed": None,
    }
    (own / "request.json").write_text(json.dumps(request))
    forks.identity.give(own)
    assert forks.run(own, 120) == 0, (own / "log").read_text()
    return json.loads((own / "answer.json").read_text())


TRIES = """
import boto3, os, tempfile
def handler(event, context):
    found = {"user": os.getresuid(), "group": os.getresgid(), "groups": os.getgroups()}
    with tempfile.NamedTemporaryFile() as file:
        found["writes"] = file.write(b"x")
    for name, attempt in {
        "reads": lambda: open(event["private"]).read(),
        "changes its code": lambda: open(__file__, "a"),
        "asks the server's environment": lambda: open(f"/proc/{event['server']}/environ").read(),
        "signals the server": lambda: os.kill(event["server"], 0),
        "becomes root": lambda: os.setuid(0),
    }.items():
        try:
            attempt()
            found[name] = True
        except PermissionError:
            found[name] = False
    return found
"""


def test_a_function_is_nobody_who_owns_anything(open_folder: Path, python: str) -> None:
    private = open_folder / "private"
    private.touch(mode=0o600)
    # PostgreSQL's user is another one.
    unprivileged().give(private)
    forks = ForkServer(python, Path(shutil.copy2(BOOTSTRAP, open_folder)))
    try:
        found = invoked(forks, open_folder, TRIES, {"private": str(private), "server": os.getpid()})
    finally:
        forks.stop()
    own = forks.identity.user
    assert own not in {None, 0, unprivileged().user}
    assert found == {
        "user": [own] * 3,
        "group": [own] * 3,
        "groups": [],
        "writes": 1,
        "reads": False,
        "changes its code": False,
        "asks the server's environment": False,
        "signals the server": False,
        "becomes root": False,
    }


def test_where_that_user_cannot_reach_python_functions_run_as_root_and_the_log_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tmp_path.chmod(0o700)
    hidden = tmp_path / "python"
    hidden.symlink_to(sys.executable)
    with caplog.at_level(logging.WARNING):
        assert of_functions(str(hidden), BOOTSTRAP) == Identity(None, None)
    assert f"cannot run {hidden} with boto3" in caplog.text
