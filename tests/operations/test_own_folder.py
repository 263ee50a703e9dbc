"""A folder of ours that the repository brings: nothing in it is obeyed, followed or deleted. Git brings each one."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from secrets_pipeline.cli.app import app
from secrets_pipeline.emulator import stop
from secrets_pipeline.errors import LocalError
from secrets_pipeline.operations.own_folder import why_not_own
from tests.cli.conftest import ATMOS, DEV, write
from tests.cli.processes import PROGRAM, environment

SAFE = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true"}
EVIL = """
    python_logs:
      dagster_handler_config:
        handlers:
          evil: {"()": subprocess.getoutput, cmd: "touch %s"}
"""
SHADOW = "open(%r, 'w').close()\n"


def git(folder: Path, *arguments: str) -> None:
    named = ["-c", "user.name=author", "-c", "user.email=author@example.com"]
    subprocess.run(["git", *named, *arguments], cwd=folder, check=True, capture_output=True)  # noqa: S607 - the PATH's


class Author:
    """Commits into a repository, of which the operator has a clone."""

    def __init__(self, folder: Path) -> None:
        self.origin, self.clone, self.precious = folder / "origin", folder / "clone", folder / "precious"
        self.precious.mkdir(mode=0o755)
        (self.precious / "file").write_text("precious")
        write(self.origin / "atmos.yaml", ATMOS)
        write(self.origin / "stacks" / "dev.yaml", DEV)
        write(self.origin / ".gitignore", ".dagster/\n.local-aws/\n")
        git(self.origin, "init", "--quiet", "--initial-branch=main")
        self.commits()

    def commits(self) -> None:
        git(self.origin, "add", "--force", ".")
        git(self.origin, "commit", "--quiet", "--message=change")

    def is_cloned(self, umask: int = 0o022) -> None:
        before = os.umask(umask)
        try:
            git(self.origin, "clone", "--quiet", ".", str(self.clone))
        finally:
            os.umask(before)

    def is_pulled(self) -> None:
        git(self.clone, "pull", "--quiet")

    def runs(self, *arguments: str, **variables: str) -> Result:
        """The program, called by the operator in the clone."""
        with contextlib.chdir(self.clone):
            env = {"DAGSTER_HOME": None, **variables}
            return CliRunner().invoke(app, arguments, env=env, prog_name="secrets-pipeline")

    def starts(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The same as a process of its own, whose modules come from wherever Python looks."""
        return subprocess.run(
            [PROGRAM, *arguments], cwd=self.clone, env=environment(**SAFE), check=False, capture_output=True, text=True
        )

    def loses_nothing(self) -> bool:
        kept = [(path.name, path.read_text()) for path in self.precious.iterdir()]
        return kept == [("file", "precious")] and self.precious.stat().st_mode & 0o777 == 0o755


@pytest.fixture
def author(tmp_path: Path) -> Iterator[Author]:
    made = Author(tmp_path)
    yield made
    with contextlib.suppress(LocalError, OSError):
        stop(made.clone / ".local-aws")


def assert_refused(done: Result, *said: str) -> None:
    assert done.exit_code == 1, done.output
    text = " ".join(done.stderr.split())
    assert all(one in text for one in said), done.stderr
    assert "bug" not in text


@pytest.mark.parametrize(
    ("umask", "why"),
    [
        (
            0o022,
            "its mode is 755, and this program makes it 700 If an older version made it for you, chmod 700",
        ),
        (
            0o077,
            "git tracks dagster.yaml in it The repository may have brought it: look at it, and move it away",
        ),
    ],
)
def test_a_dagster_yaml_that_the_repository_brings_runs_nothing(author: Author, umask: int, why: str) -> None:
    ran = author.precious.parent / "ran"
    write(author.origin / ".dagster" / "dagster.yaml", EVIL % ran)
    author.commits()
    author.is_cloned(umask)
    assert_refused(author.runs("verify"), f"DAGSTER_HOME {author.clone}/.dagster cannot be used: {why}")
    assert not ran.exists()


def test_nor_does_one_that_is_pulled_over_ours(author: Author) -> None:
    author.is_cloned()
    assert "DAGSTER_HOME" not in author.runs("verify", AWS_ENDPOINT_URL="http://127.0.0.1:1").stderr
    assert (author.clone / ".dagster" / "dagster.yaml").exists()
    ran = author.precious.parent / "ran"
    write(author.origin / ".dagster" / "dagster.yaml", EVIL % ran)
    author.commits()
    author.is_pulled()
    assert "subprocess" in (author.clone / ".dagster" / "dagster.yaml").read_text()
    assert_refused(author.runs("verify"), "git tracks dagster.yaml in it")
    assert not ran.exists()


def test_nor_does_one_of_a_submodule_that_a_later_commit_takes_out(author: Author, tmp_path: Path) -> None:
    evil, local = tmp_path / "evil", ("-c", "protocol.file.allow=always")
    write(evil / "dagster.yaml", EVIL % (tmp_path / "ran"))
    for step in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message=evil"]):
        git(evil, *step)
    git(author.origin, *local, "submodule", "--quiet", "add", "--force", str(evil), ".dagster")
    author.commits()
    before = os.umask(0o077)
    try:
        git(author.origin, *local, "clone", "--quiet", "--recurse-submodules", ".", str(author.clone))
    finally:
        os.umask(before)
    git(author.origin, "rm", "--quiet", "--cached", ".dagster", ".gitmodules")
    git(author.origin, "commit", "--quiet", "--message=gone")
    author.is_pulled()
    assert (author.clone / ".dagster" / "dagster.yaml").exists()
    assert_refused(author.runs("verify"), ".git in it is a git repository's")
    assert not (tmp_path / "ran").exists()


def test_a_dagster_yaml_of_the_operators_own_is_obeyed_in_either_place(author: Author) -> None:
    author.is_cloned()
    ran = author.precious.parent / "ran"
    (author.clone / ".dagster").mkdir(mode=0o700)
    for folder, variables in ((author.clone / ".dagster", {}), (author.precious, {"DAGSTER_HOME": author.precious})):
        write(folder / "dagster.yaml", EVIL % ran)
        author.runs("verify", **{name: str(value) for name, value in variables.items()})
        assert ran.exists()
        ran.unlink()


@pytest.mark.parametrize("name", ["history", "seals"])
def test_a_link_in_dagsters_home_is_not_followed(author: Author, name: str) -> None:
    author.is_cloned()
    (author.clone / ".dagster").mkdir(mode=0o700)
    (author.origin / ".dagster").mkdir()
    (author.origin / ".dagster" / name).symlink_to(author.precious)
    author.commits()
    author.is_pulled()
    assert_refused(author.runs("verify"), f"{name} in it is a link")
    assert author.loses_nothing()


def test_a_home_that_is_a_link_is_not_followed(author: Author) -> None:
    (author.origin / ".dagster").symlink_to(author.precious)
    author.commits()
    author.is_cloned()
    assert_refused(author.runs("verify"), f"DAGSTER_HOME {author.clone}/.dagster cannot be used: it is a link")
    assert author.loses_nothing()


@pytest.mark.parametrize(
    ("command", "name"),
    [*(("start", name) for name in ("server.log", "rds-ca.pem", "server.lock", "postgres")), ("stop", "state.json")],
)
def test_a_link_in_the_embedded_aws_s_folder_is_not_followed(author: Author, command: str, name: str) -> None:
    author.is_cloned()
    (author.clone / ".local-aws").mkdir(mode=0o700)
    (author.origin / ".local-aws").mkdir()
    (author.origin / ".local-aws" / name).symlink_to(author.precious / "file")
    author.commits()
    author.is_pulled()
    assert_refused(
        author.runs("local", command),
        f"--state-dir .local-aws cannot be used: {name} in it is a link The repository may have brought it: look at it,"
        " and move it away, or name another folder by --state-dir.",
    )
    assert author.loses_nothing()


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_a_state_that_the_repository_brings_deletes_nothing(author: Author, umask: int) -> None:
    state = (
        '{"endpoint_url": "http://127.0.0.1:1", "account_id": "111122223333", "region": "eu-west-2", "pid": 1, '
        f'"postgres_root": "{author.precious}", "lambda_root": "{author.precious}", '
        '"access_key_id": "x", "secret_access_key": "x"}'
    )
    write(author.origin / ".local-aws" / "state.json", state)
    author.commits()
    author.is_cloned(umask)
    said = {0o022: "its mode is 755", 0o077: "git tracks state.json in it"}[umask]
    assert_refused(author.runs("local", "stop"), said)
    assert_refused(author.runs("dev", "--base-path", "."), said)
    assert author.loses_nothing()
    # Nor does one in a folder that would be ours.
    stop(author.clone / ".local-aws")
    assert author.loses_nothing()


def test_no_module_of_the_repository_is_imported(author: Author) -> None:
    ran = author.precious.parent / "ran"
    for name in ("filelock", "secrets_pipeline", "moto"):
        write(author.origin / f"{name}.py", SHADOW % str(ran))
    author.commits()
    author.is_cloned()
    started = author.starts("local", "start")
    assert started.returncode == 0, started.stderr
    # The folder that it made is taken again.
    assert author.starts("local", "stop").returncode == 0
    assert not ran.exists()


def test_what_no_program_of_ours_makes_is_said(tmp_path: Path) -> None:
    assert why_not_own(tmp_path / "none") is None
    (tmp_path / "file").write_text("")
    assert why_not_own(tmp_path / "file") == (
        "it is no folder",
        "The repository may have brought it: look at it, and move it away",
    )
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "index").write_bytes(b"none")
    (tmp_path / "own").mkdir(mode=0o700)
    assert why_not_own(tmp_path / "own") is None
    (tmp_path / "own" / "file").write_text("")
    assert "the git index" in str(why_not_own(tmp_path / "own"))
    if os.geteuid() == 0:
        os.chown(tmp_path / "own", 1, 1)
        assert "it belongs to another user" in str(why_not_own(tmp_path / "own"))
