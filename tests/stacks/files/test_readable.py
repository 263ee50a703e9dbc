"""Which files a repository may read: one rule, for every way in."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from secrets_pipeline.errors import StackError
from secrets_pipeline.stacks import AtmosRepository, readable_problem
from secrets_pipeline.stacks.files.disk import read_text
from secrets_pipeline.stacks.files.readable import ReadableFiles, Use
from tests.stacks.conftest import ATMOS, Write

SUBMODULES = ("-c", "protocol.file.allow=always")


def git(folder: Path, *arguments: str) -> None:
    """Run git in a folder, as nobody in particular."""
    who = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    program = shutil.which("git") or "git"
    subprocess.run([program, *who, *arguments], cwd=folder, env=env, check=True, capture_output=True)


def manifest(value: str) -> str:
    return f"components: {{terraform: {{app: {{vars: {{v: {value} }}}}}}}}"


def problem(base: Path, name: str) -> str | None:
    unreadable = readable_problem(base, name)
    return None if unreadable is None else unreadable.problem


def error_of(root: Path) -> str:
    """The only error of the repository, or of its configuration."""
    try:
        found = AtmosRepository.open(root, env={}).resolve()
    except StackError as error:
        return error.message
    assert not found.stacks
    (only,) = found.errors
    return only.message


@pytest.fixture
def walked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders that are looked through, links followed."""
    folders: list[str] = []
    scandir = os.scandir

    def noted(path: str) -> Iterator[os.DirEntry[str]]:
        folders.append(os.path.realpath(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", noted)
    return folders


# What a link may not open


@pytest.mark.parametrize("target", ["/", ".."])
@pytest.mark.parametrize("base", ["up", "./up", "up/../up", "inner/up"])
@pytest.mark.parametrize("in_git", [True, False])
def test_a_link_cannot_widen_the_base_path(write: Write, target: str, base: str, in_git: bool) -> None:
    root = write({"repo/stacks/deploy/dev.yaml": manifest("!include.raw proc/self/environ"), "secret": "s"}) / "repo"
    for link in ("up", "inner/up"):
        (root / link).parent.mkdir(exist_ok=True)
        (root / link).symlink_to(target if target == "/" or link == "up" else "../..")
    if in_git:
        git(root, "init", "-q")
    below = str(root).lstrip("/") if target == "/" else "repo"
    text = ATMOS.replace('base_path: "."', f'base_path: "{base}"').replace(": stacks\n", f": {below}/stacks\n")
    (root / "atmos.yaml").write_text(text)
    assert error_of(root) == f"base_path {base!r} of atmos.yaml leaves the repository"


def test_a_link_in_place_of_the_folder_that_was_asked_for_cannot_leave_its_git_repository(write: Write) -> None:
    root = write({"repo/x": "", "elsewhere/atmos.yaml": ATMOS, "elsewhere/stacks/deploy/dev.yaml": manifest("1")})
    git(root / "repo", "init", "-q")
    (root / "repo" / "infra").symlink_to(root / "elsewhere")
    assert "leads out of its git repository by a symbolic link" in error_of(root / "repo" / "infra")
    assert "deploy/dev" in AtmosRepository.open(root / "elsewhere", env={}).resolve().stacks


def test_a_link_to_another_folder_of_the_repository_may_be_the_base_path(write: Write) -> None:
    root = write({"real/stacks/deploy/dev.yaml": manifest("1")})
    (root / "atmos.yaml").write_text(ATMOS.replace('"."', "link"))
    (root / "link").symlink_to("real")
    assert AtmosRepository.open(root, env={}).resolve().errors == ()


@pytest.mark.parametrize("stacks", ["out", "../outside", "out/../out"])
def test_the_stacks_folder_cannot_leave_the_base_path(write: Write, stacks: str) -> None:
    root = write({"outside/deploy/dev.yaml": manifest("1"), "repo/x": ""}) / "repo"
    (root / "out").symlink_to("../outside")
    (root / "atmos.yaml").write_text(ATMOS.replace(": stacks\n", f": {stacks}\n"))
    assert "is outside of the base path" in error_of(root)


@pytest.mark.parametrize(
    "pattern", ["../../../../**/*", "/../../**/*", "x/../../../**/*", "out/**/*", "*/../../../**/*"]
)
def test_included_paths_that_leave_are_refused_before_anything_is_walked(
    write: Write, walked: list[str], pattern: str
) -> None:
    root = write({"stacks/deploy/dev.yaml": manifest("1")})
    (root / "stacks" / "out").symlink_to("/usr")
    (root / "atmos.yaml").write_text(ATMOS.replace("deploy/**/*", pattern))
    assert "is outside of the base path" in error_of(root)
    assert [path for path in walked if not path.startswith(str(root))] == []


@pytest.mark.parametrize("entry", ["../../../../**/*", "./../../../../**/*", "/../../../../etc/hostname", "out/*"])
def test_imports_that_leave_are_refused_before_anything_is_walked(write: Write, walked: list[str], entry: str) -> None:
    root = write({"stacks/deploy/dev.yaml": f"import: ['{entry}']\n" + manifest("1")})
    (root / "stacks" / "out").symlink_to("/usr")
    assert error_of(root) == f"the import {entry!r} is outside of the base path"
    assert [path for path in walked if not path.startswith(str(root))] == []


def test_links_to_folders_outside_are_not_walked(write: Write) -> None:
    root = write({"repo/stacks/deploy/dev.yaml": manifest("1"), "outside/x.yaml": manifest("2")}) / "repo"
    (root / "atmos.yaml").write_text(ATMOS)
    (root / "stacks" / "deploy" / "out").symlink_to("../../../outside")
    assert list(AtmosRepository.open(root, env={}).resolve().stacks) == ["deploy/dev"]


def test_links_that_fan_out_are_refused(write: Write) -> None:
    root = write({f"stacks/f/{level}/x.yaml": "" for level in range(40)})
    for level in range(39):
        for side in "ab":
            (root / "stacks" / "f" / str(level) / side).symlink_to(f"../{level + 1}")
    (root / "atmos.yaml").write_text(ATMOS.replace("deploy/**/*", "f/0/**/*"))
    assert "are to be looked through" in error_of(root)


def test_profiles_outside_of_the_repository_are_not_listed(write: Write) -> None:
    root = write({"outside/secret.json": "{}", "repo/profiles/dev/a.yaml": ""}) / "repo"
    (root / "atmos.yaml").write_text(ATMOS + "profiles: {base_path: ../outside, default: x}\n")
    assert error_of(root) == "Atmos profile 'x' not found; there are: dev"


@pytest.mark.parametrize("link", ["/proc/self/environ", "/dev/zero", "pipe"])
def test_only_regular_files_are_read(tmp_path: Path, link: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    if link == "/dev/zero":
        with pytest.raises(OSError, match="no regular file"):
            read_text(link)
    if link == "pipe":
        with pytest.raises(OSError, match="no regular file"):
            read_text(tmp_path / link)
    else:
        assert ReadableFiles(Path("/")).problem(Path(link)) is not None


# Names with a dot in front


@pytest.mark.parametrize(
    "name", [".git/config", ".env", ".env.prod", "./.netrc", "a/.ssh/id", ".dagster/x", ".local-aws/x", "a/../.env"]
)
def test_a_name_with_a_dot_in_front_is_never_a_value(write: Write, name: str) -> None:
    root = write({name: "stolen", "a/x": "", "stacks/deploy/dev.yaml": manifest(f"!include.raw {name}")})
    assert "has a dot in front of its name" in error_of(root)
    assert "has a dot in front of its name" in str(problem(root, name))
    (root / "link").symlink_to(root / name)
    assert "has a dot in front of its name" in str(problem(root, "link"))


@pytest.mark.parametrize("name", [".git", ".hidden/infra", "link"])
def test_the_base_path_is_no_folder_with_a_dot_in_front(write: Write, name: str) -> None:
    root = write({".git/stacks/deploy/dev.yaml": "", ".hidden/infra/stacks/deploy/dev.yaml": ""})
    (root / "link").symlink_to(".git")
    (root / "atmos.yaml").write_text(ATMOS.replace('"."', name))
    assert "has a dot in front of its name" in error_of(root)


@pytest.mark.parametrize(
    ("atmos", "stack"),
    [
        ("import: [.git/config.yaml]\n", manifest("1")),
        ("", "import: [../../.git/config]\n" + manifest("1")),
        ("", "import: [.hidden]\n" + manifest("1")),
    ],
)
def test_a_name_with_a_dot_in_front_is_never_a_manifest(write: Write, atmos: str, stack: str) -> None:
    files = {".git/config.yaml": "vars: {a: 1}", "stacks/.hidden.yaml": "vars: {a: 1}"}
    root = write({**files, "atmos.yaml": ATMOS + atmos, "stacks/deploy/dev.yaml": stack})
    assert "has a dot in front of its name" in error_of(root)


def test_what_atmos_keeps_in_folders_with_a_dot_is_configuration(write: Write) -> None:
    root = write({".atmos.d/a.yaml": "env: {A: a}", ".atmos/profiles/p/b.yaml": "env: {B: b}", "x": ""})
    (root / "atmos.yaml").write_text(ATMOS + "profiles: {default: p}\n")
    (root / "stacks" / "deploy").mkdir(parents=True)
    (root / "stacks" / "deploy" / "dev.yaml").write_text(manifest("1"))
    app = AtmosRepository.open(root, env={}).stack("deploy/dev").components["terraform"]["app"]
    assert app.env == {"A": "a", "B": "b"}
    assert "dot in front" in str(problem(root, ".atmos.d/a.yaml"))


# What git tracks


def test_what_git_does_not_track_becomes_no_value_until_it_is_added(write: Write) -> None:
    root = write({"data/x": "value", "stacks/deploy/dev.yaml": manifest("!include data/x")})
    git(root, "init", "-q")
    assert error_of(root).startswith(
        "invalid stack manifest: the !include function may not read 'data/x': it is not tracked by git: git add data/x"
    )
    assert problem(root, "data/x") == "is not tracked by git"
    git(root, "add", "data/x")
    assert AtmosRepository.open(root, env={}).stack("deploy/dev").components["terraform"]["app"].vars == {"v": "value"}
    assert problem(root, "data/x") is None


def test_a_manifest_that_was_just_written_is_read_and_no_value_even_so(write: Write) -> None:
    root = write({"stacks/deploy/dev.yaml": "import: [c/new]\n" + manifest("1"), "stacks/c/new.yaml": "vars: {w: 2}"})
    git(root, "init", "-q")
    assert AtmosRepository.open(root, env={}).stack("deploy/dev").components["terraform"]["app"].vars == {
        "v": 1,
        "w": 2,
    }
    (root / "stacks" / "deploy" / "dev.yaml").write_text(manifest("!include stacks/c/new.yaml"))
    assert "not tracked by git: git add stacks/c/new.yaml" in error_of(root)


def test_a_file_that_is_no_yaml_is_imported_only_if_git_tracks_it(write: Write) -> None:
    root = write(
        {"creds.json": '{"vars": {"a": 1}}', "stacks/deploy/dev.yaml": "import: [../../creds.json]\n" + manifest("1")}
    )
    git(root, "init", "-q")
    assert error_of(root) == "the file is not tracked by git"
    git(root, "add", "creds.json")
    assert AtmosRepository.open(root, env={}).resolve().errors == ()


@pytest.mark.parametrize(
    ("atmos", "stack"),
    [
        ("", "import: ['../../private/decrypted']\n"),
        ("", "import: ['../../private/*']\n"),
        ("", "import: [link]\n"),
        ("import: [private/decrypted.yaml]\n", ""),
        ("profiles: {base_path: private, default: p}\n", ""),
    ],
)
def test_yaml_beside_the_stacks_that_git_does_not_track_is_nobodys_to_name(
    write: Write, atmos: str, stack: str
) -> None:
    files = {"private/decrypted.yaml": "vars: {db_password: stolen}", "private/p/x.yaml": "env: {A: stolen}"}
    root = write({**files, "stacks/deploy/dev.yaml": stack + manifest("1"), ".gitignore": "private/\n"})
    (root / "atmos.yaml").write_text(ATMOS + atmos)
    (root / "stacks" / "link.yaml").symlink_to("../private/decrypted.yaml")
    git(root, "init", "-q")
    git(root, "add", ".")
    assert error_of(root) == "the file is not tracked by git"
    git(root, "add", "-f", "private")
    assert AtmosRepository.open(root, env={}).resolve().errors == ()


def test_where_stacks_have_no_folder_of_their_own_git_tracks_each_manifest(write: Write) -> None:
    root = write({"deploy/dev.yaml": "import: [private/new]\n" + manifest("1"), "private/new.yaml": "vars: {w: 2}"})
    (root / "atmos.yaml").write_text(ATMOS.replace("base_path: stacks", 'base_path: "."'))
    git(root, "init", "-q")
    git(root, "add", "deploy")
    assert error_of(root) == "the file is not tracked by git"
    git(root, "add", "private")
    assert AtmosRepository.open(root, env={}).stack("deploy/dev").components["terraform"]["app"].vars == {
        "v": 1,
        "w": 2,
    }


def test_a_configuration_that_was_just_written_is_read(write: Write) -> None:
    root = write({"atmos.d/a.yaml": "env: {A: a}", ".atmos.d/b.yaml": "env: {B: b}"})
    root = write({"stacks/deploy/dev.yaml": manifest("1")})
    git(root, "init", "-q")
    app = AtmosRepository.open(root, env={}).stack("deploy/dev").components["terraform"]["app"]
    assert app.env == {"A": "a", "B": "b"}


def test_a_tracked_link_opens_no_file_that_is_not_tracked(write: Write) -> None:
    root = write({"token": "stolen"})
    (root / "link").symlink_to("token")
    git(root, "init", "-q")
    git(root, "add", "link")
    assert problem(root, "link") == "is not tracked by git"


@pytest.mark.parametrize("version", ["2", "3", "4"])
@pytest.mark.parametrize("form", ["sha1", "sha256"])
def test_every_version_of_the_index_is_read(write: Write, version: str, form: str) -> None:
    names = [f"{'d' * length}/{'n' * length}{number}.txt" for length in range(1, 30) for number in (1, 2)]
    root = write(dict.fromkeys([*names, "é/ü", "later", "never"], "x"))
    git(root, "init", "-q", f"--object-format={form}")
    git(root, "update-index", "--index-version", version)
    git(root, "add", "é", *{name.split("/")[0] for name in names})
    git(root, "add", "-N", "later")  # which takes an extended entry
    for committed in (False, True):
        if committed:
            git(root, "commit", "-qm", "x")  # adds extensions
        assert [name for name in [*names, "é/ü", "later"] if problem(root, name)] == []
        assert problem(root, "never") == problem(root, "d/n3.txt") == "is not tracked by git"


@pytest.mark.parametrize("damage", ["split", "cut", "version", "empty", "flipped"])
def test_an_index_that_is_not_understood_tracks_nothing(write: Write, damage: str) -> None:
    root = write({"a": "", "b/c": ""})
    git(root, "init", "-q")
    git(root, "add", ".")
    index = root / ".git" / "index"
    content = index.read_bytes()
    if damage == "split":
        git(root, "update-index", "--split-index")
    else:
        index.write_bytes(
            {
                "cut": content[:100],
                "version": b"DIRC\0\0\0\x09" + content[8:],
                "empty": b"",
                "flipped": b"X" + content[1:],
            }[damage]
        )
    assert str(problem(root, "a")).startswith("cannot be told from files that git does not track: the git index is ")


def test_a_further_work_tree_has_an_index_of_its_own(write: Write, tmp_path: Path) -> None:
    root = write({"repo/a": "", "repo/b": ""}) / "repo"
    git(root, "init", "-q")
    git(root, "add", "a")
    git(root, "commit", "-qm", "x")
    git(root, "worktree", "add", "-q", str(tmp_path / "second"))
    (tmp_path / "second" / "b").write_text("")
    assert problem(tmp_path / "second", "a") is None
    assert problem(tmp_path / "second", "b") == "is not tracked by git"


def test_a_submodule_is_read_by_its_own_index_and_another_clone_is_not(write: Write) -> None:
    root = write({"other/shared.txt": "", "repo/a": "", "repo/clone/token": ""})
    for name in ("other", "repo/clone"):
        git(root / name, "init", "-q")
        git(root / name, "add", ".")
        git(root / name, "commit", "-qm", "x")
    repo = root / "repo"
    git(repo, "init", "-q")
    git(repo, *SUBMODULES, "submodule", "add", "-q", str(root / "other"), "sub/module")
    (repo / "sub" / "module" / "new").write_text("")
    assert problem(repo, "sub/module/shared.txt") is None
    assert problem(repo, "sub/module/new") == problem(repo, "clone/token") == "is not tracked by git"


def test_a_clone_of_somebody_else_is_no_submodule_whatever_a_commit_says(write: Write) -> None:
    root = write({"a": "", "private/token": ""})
    for name in (".", "private"):
        git(root / name, "init", "-q")
    git(root / "private", "add", ".")
    git(root, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},private")
    assert "is no submodule that git made, but a repository of its own" in str(problem(root, "private/token"))


def test_a_base_path_in_another_clone_is_judged_by_the_repository_that_was_asked_for(write: Write) -> None:
    stack = manifest("!include token")
    root = write(
        {"clone/token": "stolen", "clone/stacks/deploy/dev.yaml": stack, "atmos.yaml": ATMOS.replace('"."', "clone")}
    )
    for name in ("clone", "."):
        git(root / name, "init", "-q")
    git(root / "clone", "add", ".")
    assert "not tracked by git" in error_of(root)


def test_variables_of_git_change_nothing(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write({"a": "", "other/b": ""})
    for name in (".", "other"):
        git(root / name, "init", "-q")
    git(root / "other", "add", "b")
    for variable, value in (("GIT_DIR", "other/.git"), ("GIT_INDEX_FILE", "other/.git/index"), ("GIT_WORK_TREE", ".")):
        monkeypatch.setenv(variable, str(root / value))
    assert problem(root, "a") == "is not tracked by git"


def test_nothing_of_the_repository_is_run_and_git_need_not_be_there(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write({"a": "", "run": f"#!/bin/sh\ntouch {os.devnull}.ran\n"})
    git(root, "init", "-q")
    git(root, "add", "a")
    git(root, "config", "core.fsmonitor", str(root / "run"))
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(subprocess, "Popen", None)
    assert problem(root, "a") is None
    assert problem(root, "run") == "is not tracked by git"


@pytest.mark.parametrize(
    "name", ["c/terraform.tfstate", "c/terraform.tfstate.backup", "old.tfstate", "c/terraform.tfstate.d/dev/x.json"]
)
def test_a_state_of_terraform_is_no_value_and_is_read_as_a_state_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).touch()
    assert "is a state of Terraform" in str(problem(tmp_path, name))
    (tmp_path / "link").symlink_to(tmp_path / name)
    assert "is a state of Terraform" in str(problem(tmp_path, "link"))
    assert ReadableFiles(tmp_path).problem(tmp_path / name, Use.STATE) is None


def test_without_a_git_work_tree_only_names_count(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    assert problem(tmp_path, "a") is None
    assert ReadableFiles(tmp_path).problem(Path(".env"), Use.MANIFEST) is not None
