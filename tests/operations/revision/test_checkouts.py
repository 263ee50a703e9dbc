"""A commit that is kept: its files as git has them, whole, for a while; a hostile commit writes nothing elsewhere."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from dulwich.objects import Blob, ShaFile, Tree
from dulwich.objects import Commit as GitCommit
from dulwich.repo import Repo

from secrets_pipeline.operations.open_repository import open_repository
from secrets_pipeline.operations.revision.checkouts import CheckoutError, Checkouts
from tests.gits import committed, git
from tests.operations.test_repository_cache import ATMOS, STACK
from tests.strategies.small_repositories import write


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = write(
        {"infra/atmos.yaml": ATMOS, "infra/stacks/dev.yaml": STACK % "x", "infra/said.txt": "said"}, tmp_path / "clone"
    )
    committed(folder)
    git(folder, "remote", "add", "origin", "https://user:password@example.com/acme/infra.git")
    return folder


@pytest.fixture
def checkouts(tmp_path: Path) -> Checkouts:
    return Checkouts(tmp_path / "home" / "checkouts")


def head(clone: Path) -> str:
    return git(clone, "rev-parse", "HEAD")


def test_it_is_a_clone_to_all_that_reads_it_and_to_git(clone: Path, checkouts: Checkouts) -> None:
    (clone / "infra/untracked.txt").write_text("nobody's")
    kept = checkouts.keep(clone, head(clone))
    here, there = open_repository(clone / "infra"), open_repository(kept / "infra")
    assert (there.specs, there.repository) == (here.specs, "example.com/acme/infra")
    assert there.read_file("said.txt") == "said"
    assert str(there.revision) == str(here.revision) == head(clone)
    assert git(kept, "log", "-1", "--format=%H") == head(clone)
    assert git(kept, "status", "--porcelain") == ""
    assert not (kept / "infra/untracked.txt").exists()
    assert "password" not in (kept / ".git/config").read_text()
    assert stat.S_IMODE(checkouts.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700


def test_values_call_the_folder_what_it_is_and_not_where_it_is_kept(clone: Path, checkouts: Checkouts) -> None:
    (clone / "infra/stacks/dev.yaml").write_text(STACK.replace('"%s"', "!cwd "))
    commit = committed(clone)
    kept = open_repository(checkouts.keep(clone, commit) / "infra", called=clone / "infra")
    assert kept.specs == open_repository(clone / "infra").specs
    assert str(clone / "infra") in str(kept.specs)


def test_neither_hooks_nor_filters_nor_commands_of_the_clone_are_run(
    clone: Path, checkouts: Checkouts, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    script = f"#!/bin/sh\ntouch {ran}\ncat\n"
    for hook in ("post-checkout", "post-index-change", "reference-transaction", "fsmonitor-watchman"):
        (clone / ".git/hooks" / hook).write_text(script)
        (clone / ".git/hooks" / hook).chmod(0o755)
    write({".gitattributes": "* filter=theirs text eol=crlf export-subst\n"}, clone)
    commit = committed(clone)
    for key in ("filter.theirs.clean", "filter.theirs.smudge", "core.fsmonitor", "core.sshCommand", "core.pager"):
        git(clone, "config", key, str(clone / ".git/hooks/post-checkout"))
    ran.unlink(missing_ok=True)
    kept = checkouts.keep(clone, commit)
    assert open_repository(clone / "infra").revision.commit == commit
    assert (kept / "infra/said.txt").read_bytes() == b"said"
    assert not ran.exists()


def stored(clone: Path, *objects: ShaFile) -> None:
    with Repo(str(clone)) as repo:
        for one in objects:
            repo.object_store.add_object(one)


def hostile(clone: Path, *entries: tuple[bytes, int, ShaFile]) -> str:
    """A commit whose tree has entries as git would not make them."""
    raw = b"".join(b"%o %s\0" % (mode, name) + bytes.fromhex(one.id.decode()) for name, mode, one in entries)
    tree = ShaFile.from_raw_string(Tree.type_num, raw)
    made = GitCommit()
    made.tree = tree.id
    made.author = made.committer = b"a <a@example.com>"
    made.author_time = made.commit_time = made.author_timezone = made.commit_timezone = 0
    made.message = b"hostile"
    stored(clone, *(one for _, _, one in entries), tree, made)
    return made.id.decode()


def below(*entries: tuple[bytes, int, ShaFile]) -> Tree:
    made = Tree()
    for name, mode, one in entries:
        made.add(name, mode, one.id)
    return made


def kept_in(checkouts: Checkouts) -> set[str]:
    return {one.name for one in checkouts.folder.iterdir()} - {".lock"}


BLOB = Blob.from_string(b"hostile")
FILE, FOLDER, LINK, SUBMODULE = 0o100644, 0o040000, 0o120000, 0o160000


@pytest.mark.parametrize("name", [b"..", b".git", b".GIT", b".", b"", b"../../x", b"a//b", b"/x"])
def test_a_file_of_a_forbidden_name_is_not_written(
    clone: Path, checkouts: Checkouts, tmp_path: Path, name: bytes
) -> None:
    with pytest.raises(CheckoutError, match="a file of the name"):
        checkouts.keep(clone, hostile(clone, (name, FILE, BLOB)))
    inner = below((b"hooks", FILE, BLOB))
    stored(clone, BLOB, inner)
    with pytest.raises(CheckoutError, match="a file of the name"):
        checkouts.keep(clone, hostile(clone, (name, FOLDER, inner)))
    assert kept_in(checkouts) == set()
    assert not (tmp_path / "x").exists()


def test_nothing_is_written_through_a_link(clone: Path, checkouts: Checkouts, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    inner = below((b"written", FILE, BLOB))
    stored(clone, BLOB, inner)
    link = Blob.from_string(os.fsencode(outside))
    both = [(b"a", LINK, link), (b"a", FOLDER, inner)]
    for entries in (both, both[::-1]):
        kept = checkouts.keep(clone, hostile(clone, *entries))
        assert len(list(kept.iterdir())) == 2
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("mode", [LINK, FILE])
def test_a_name_with_a_slash_leads_through_no_link(
    clone: Path, checkouts: Checkouts, tmp_path: Path, mode: int
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    link = Blob.from_string(os.fsencode(outside))
    for name in (b"a/usercustomize.py", b"a/b/usercustomize.py"):
        with pytest.raises(CheckoutError, match="a file of the name"):
            checkouts.keep(clone, hostile(clone, (b"a", LINK, link), (name, mode, link)))
    assert list(outside.iterdir()) == []


def test_a_submodule_is_read_from_its_own_folder_alone(clone: Path, checkouts: Checkouts) -> None:
    with Repo(str(clone)) as repo:
        unmerged = repo[head(clone).encode()]
    kept = checkouts.keep(clone, hostile(clone, (b"a", FILE, BLOB), (b"b", SUBMODULE, unmerged)))
    assert {one.name for one in kept.iterdir()} == {".git", "a"}
    write({".gitmodules": '[submodule "own"]\npath = infra/own\nurl = .', "infra/own/said.txt": "said"}, clone)
    committed(clone / "infra/own")
    commit = committed(clone)
    with pytest.raises(CheckoutError, match=r"infra/own is no submodule that git made.*git submodule absorbgitdirs"):
        checkouts.keep(clone, commit)
    git(clone, "submodule", "absorbgitdirs")
    kept = checkouts.keep(clone, commit)
    assert (kept / "infra/own/said.txt").read_text() == "said"


def test_a_link_that_leads_out_is_kept_and_not_followed_by_what_reads(clone: Path, checkouts: Checkouts) -> None:
    (clone / "infra/out.txt").symlink_to("/etc/passwd")
    (clone / "infra/stacks/dev.yaml").write_text(STACK.replace('"%s"', "!include out.txt"))
    kept = checkouts.keep(clone, committed(clone))
    assert "outside of the base path" in str(open_repository(kept / "infra").errors)


@pytest.mark.parametrize("more", [{"large.txt": "x" * 9_000}, {"1.txt": "", "2.txt": ""}], ids=["a file", "files"])
def test_a_commit_that_is_too_large_is_not_kept(
    clone: Path, checkouts: Checkouts, monkeypatch: pytest.MonkeyPatch, more: Mapping[str, str]
) -> None:
    monkeypatch.setattr("secrets_pipeline.operations.revision.checkouts._MOST_BYTES", 4 * 4_096)
    shutil.rmtree(checkouts.keep(clone, head(clone)))
    write(more, clone)
    committed(clone)
    with pytest.raises(CheckoutError, match="more than"):
        checkouts.keep(clone, head(clone))
    assert kept_in(checkouts) == set()


def test_a_commit_of_folders_without_end_is_not_kept(
    clone: Path, checkouts: Checkouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secrets_pipeline.operations.revision.commits._MOST_ENTRIES", 10_000)
    folders = [Tree()]
    for _ in range(40):
        folders.append(below((b"a", FOLDER, folders[-1]), (b"b", FOLDER, folders[-1])))
    stored(clone, *folders)
    with pytest.raises(CheckoutError, match="more than 10,000 files and folders"):
        checkouts.keep(clone, hostile(clone, (b"a", FOLDER, folders[-1])))
    assert kept_in(checkouts) == set()


def test_a_commit_that_is_not_there_and_a_folder_that_cannot_be_written_are_said(clone: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckoutError, match="cannot be read"):
        Checkouts(tmp_path / "kept").keep(clone, "f" * 40)
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckoutError, match="cannot be written"):
        Checkouts(tmp_path / "file" / "kept").keep(clone, head(clone))


def test_whoever_keeps_it_at_once_has_the_same_whole_checkout(clone: Path, checkouts: Checkouts) -> None:
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(lambda _: checkouts.keep(clone, head(clone)), range(16)))
    assert found == {checkouts.folder / head(clone)}
    assert kept_in(checkouts) == {head(clone)}
    assert open_repository(found.pop() / "infra").revision.is_committed


def test_only_what_was_current_is_found_and_only_by_its_id(clone: Path, checkouts: Checkouts) -> None:
    kept = checkouts.keep(clone, head(clone))
    now = time.time()
    assert checkouts.current_at(head(clone), now) == kept
    assert checkouts.current_at(head(clone), now - 86_400) == kept
    assert checkouts.current_at(head(clone), now + 3_600) is None
    os.utime(checkouts.folder, (0, 0))
    for commit in ("f" * 40, "", ".", "..", f"../checkouts/{head(clone)}", head(clone)[:12]):
        assert checkouts.current_at(commit, now) is None
    assert checkouts.folder.stat().st_mtime == 0


def test_what_nobody_uses_goes_after_a_day_and_the_oldest_beyond_a_number_after_an_hour(
    clone: Path, checkouts: Checkouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secrets_pipeline.operations.revision.checkouts._MOST_KEPT", 2)
    ids = []
    for number in range(5):
        ids.append(committed(clone, str(number)))
        kept = checkouts.keep(clone, ids[-1])
        hours = {0: 25, 1: 3, 2: 0.5, 3: 0, 4: 0}[number]
        os.utime(kept, (time.time() - hours * 3_600,) * 2)
    checkouts.keep(clone, committed(clone, "another"))
    assert kept_in(checkouts) == {*ids[2:], head(clone)}


def test_all_that_is_kept_has_a_size_too_and_a_run_loses_nothing_to_it(
    clone: Path, checkouts: Checkouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secrets_pipeline.operations.revision.checkouts._MOST_BYTES_IN_ALL", 2**30 + 100_000)
    (clone / "large.txt").write_bytes(b"x" * 60_000)
    old, used, new = (committed(clone, str(number)) for number in range(3))
    for commit, hours in ((old, 3), (used, 0.5)):
        os.utime(checkouts.keep(clone, commit), (time.time() - hours * 3_600,) * 2)
    assert kept_in(checkouts) == {old, used}
    checkouts.keep(clone, new)
    assert kept_in(checkouts) == {used, new}
    monkeypatch.setattr("secrets_pipeline.operations.revision.checkouts._MOST_BYTES_IN_ALL", 200_000)
    with pytest.raises(CheckoutError, match="all of the last hour"):
        checkouts.keep(clone, committed(clone, "one more"))
    assert kept_in(checkouts) == {used, new}


def test_whoever_forgets_at_once_disturbs_nobody(clone: Path, checkouts: Checkouts) -> None:
    for number in range(200):
        os.utime(write({"infra/said.txt": ""}, checkouts.folder / f"{number:040x}"), (0, 0))
    ids = [committed(clone, str(number)) for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda commit: checkouts.keep(clone, commit), ids))
    assert kept_in(checkouts) == set(ids)


def test_nothing_but_checkouts_is_removed_however_old(
    clone: Path, checkouts: Checkouts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secrets_pipeline.operations.revision.checkouts._UNUSED_SECONDS", -1)
    theirs = write({"kept.txt": "theirs"}, tmp_path / "theirs")
    for name in ("history", ".git", head(clone)[:12]):
        write({"kept.txt": "theirs"}, checkouts.folder / name)
    names = {"history", ".git", head(clone)[:12], "a" * 40, ".partial-linked"}
    for name in ("a" * 40, ".partial-linked"):
        (checkouts.folder / name).symlink_to(theirs)
    for name in ("b" * 40, ".partial-abandoned"):
        write({"kept.txt": "ours"}, checkouts.folder / name)
    checkouts.keep(clone, head(clone))
    left = {one.name for one in checkouts.folder.iterdir()}
    assert (names - left, left & {"b" * 40, ".partial-abandoned"}) == (set(), set())
    assert {(checkouts.folder / name / "kept.txt").read_text() for name in names} == {"theirs"}


def test_a_link_is_neither_the_folder_nor_a_checkout(clone: Path, checkouts: Checkouts, tmp_path: Path) -> None:
    kept = checkouts.keep(clone, head(clone))
    (tmp_path / "link").symlink_to(checkouts.folder)
    linked = Checkouts(tmp_path / "link")
    assert linked.current_at(head(clone), 0) is None
    with pytest.raises(CheckoutError, match="is a link"):
        linked.keep(clone, head(clone))
    (checkouts.folder / ("a" * 40)).symlink_to(kept)
    assert checkouts.current_at("a" * 40, 0) is None


def test_what_a_repository_brings_is_no_checkout(clone: Path, checkouts: Checkouts, tmp_path: Path) -> None:
    """As git may make `.dagster/checkouts` in the current folder: files, or a submodule, whose `.git` is a file."""
    for commit, named in (("a" * 40, "stacks/dev.yaml"), ("b" * 40, ".git")):
        write({named: "gitdir: ../../../.git/modules/theirs"}, checkouts.folder / commit)
        assert checkouts.current_at(commit, 0) is None
    planted = checkouts.folder / head(clone)
    write({"infra/atmos.yaml": "theirs"}, planted)
    with pytest.raises(CheckoutError):
        checkouts.keep(clone, head(clone))
