"""Which commit was read, and whether anything that was read differs from it: told from `.git`, and nothing is run."""

from __future__ import annotations

import gc
import mmap
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given

from secrets_pipeline.errors import SpecError
from secrets_pipeline.operations.open_repository import open_repository
from secrets_pipeline.operations.repository_cache import Place, RepositoryCache
from secrets_pipeline.operations.revision.checkouts import CheckoutError, Checkouts
from secrets_pipeline.operations.revision.commits import Commit
from secrets_pipeline.operations.revision.model import COMMIT_VARIABLE, Revision, revision_of
from secrets_pipeline.stacks import SourceChoice
from secrets_pipeline.stacks.files.disk import Seen, is_file, is_folder, noted_in
from tests.gits import committed, git
from tests.operations.test_repository_cache import ATMOS, STACK, edits, outcome
from tests.strategies.small_repositories import MutatedRepository, SmallRepository, small_repositories, write


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (COMMIT_VARIABLE, "SECRETS_PIPELINE_CONFIG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = write(
        {
            "infra/atmos.yaml": ATMOS,
            "infra/stacks/dev.yaml": STACK.replace('"%s"', "!include notes.txt"),
            "infra/stacks/prod.yaml": (STACK % "x").replace("shop-dev", "shop-prod"),
            "infra/stacks/catalog/part.yaml": "vars: {a: 1}",
            "infra/notes.txt": "said",
            "README.md": "hello",
            ".gitignore": "ignored*",
        },
        tmp_path / "clone",
    )
    committed(folder)
    return folder


def revision(folder: Path, origin: SourceChoice | None = None) -> Revision:
    return open_repository(folder, origin=origin or SourceChoice()).revision


def test_a_clone_is_at_its_commit_from_any_folder_of_it_however_git_stores_it(clone: Path, tmp_path: Path) -> None:
    head = git(clone, "rev-parse", "HEAD")
    assert str(revision(clone / "infra")) == head
    git(clone, "gc", "-q")
    git(clone, "pack-refs", "--all")
    assert str(revision(clone / "infra")) == head
    git(clone, "checkout", "-q", "--detach")
    assert str(revision(clone / "infra")) == head
    git(clone, "worktree", "add", "-q", str(tmp_path / "linked"))
    assert str(revision(tmp_path / "linked" / "infra")) == head
    (tmp_path / "link").symlink_to(clone)
    assert str(revision(tmp_path / "link" / "infra")) == head
    git(tmp_path, "clone", "-q", "--depth=1", clone.as_uri(), "shallow")
    assert str(revision(tmp_path / "shallow" / "infra")) == head


def test_a_signal_amid_a_read_of_a_pack_is_no_error_of_the_clone(clone: Path) -> None:
    git(clone, "gc", "-q")
    held: list[memoryview] = []

    def interrupted() -> None:
        with Commit(str(clone), git(clone, "rev-parse", "HEAD")) as commit:
            assert commit.find("README.md") is not None
            held.extend(memoryview(one) for one in gc.get_objects() if isinstance(one, mmap.mmap) and not one.closed)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert held
    for one in held:
        one.release()


def test_a_repository_of_sha256_is_read_and_not_kept(tmp_path: Path) -> None:
    folder = write({"atmos.yaml": ATMOS, "stacks/dev.yaml": STACK % "x"}, tmp_path / "clone")
    git(folder, "init", "-q", "--object-format=sha256")
    head = committed(folder)
    assert len(head) == 64
    assert str(revision(folder)) == head
    with pytest.raises(CheckoutError, match="SHA-256"):
        Checkouts(tmp_path / "kept").keep(folder, head)


def changed(folder: Path, change: str) -> None:
    """Do one of `CHANGES` to a clone."""
    stack, notes = folder / "infra/stacks/dev.yaml", folder / "infra/notes.txt"
    match change:
        case "an edit":
            stack.write_text(STACK % "other")
        case "an edit that git was told of":
            notes.write_text("other")
            git(folder, "add", "--all")
        case "a new manifest":
            (folder / "infra/stacks/new.yaml").write_text("vars: {stage: shop-new}")
        case "a manifest that went":
            stack.rename(folder / "infra/stacks/_dev.yaml")
        case "an included file that went":
            notes.unlink()
        case "a file that git forgot":
            git(folder, "rm", "-q", "--cached", "infra/notes.txt")
        case "a link in place of a file":
            notes.rename(folder / "infra/more.txt")
            notes.symlink_to("more.txt")
        case "a folder in place of a file":
            stack.unlink()
            stack.mkdir()
        case "a new configuration":
            write({"more.yaml": "logs: {level: Info}"}, folder / "infra" / "atmos.d")
        case _:
            notes.write_bytes(b"said\r\n")


CHANGES = (
    "an edit",
    "an edit that git was told of",
    "a new manifest",
    "a manifest that went",
    "an included file that went",
    "a file that git forgot",
    "a link in place of a file",
    "a folder in place of a file",
    "a new configuration",
    "a text that a filter changed",
)


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_read_otherwise_than_the_commit_has_it_is_told_and_always_told_alike(
    clone: Path, tmp_path: Path, change: str
) -> None:
    head = git(clone, "rev-parse", "HEAD")
    (tmp_path / "other").mkdir()
    git(tmp_path / "other", "clone", "-q", clone.as_uri(), "clone")
    texts = set()
    for folder in (clone, tmp_path / "other" / "clone"):
        changed(folder, change)
        found = revision(folder / "infra")
        assert (found.commit, found.is_committed) == (head, False)
        assert found.files
        texts.add(str(found))
        assert git(folder, "rev-parse", "HEAD") == head
    assert len(texts) == 1
    committed(clone)
    now = revision(clone / "infra")
    assert now.is_committed or change == "a link in place of a file"
    assert now.commit != head


def test_what_was_asked_for_alone_is_of_the_kind_that_the_commit_has(clone: Path, tmp_path: Path) -> None:
    (clone / "infra/link").symlink_to("stacks")
    committed(write({"part.yaml": ""}, tmp_path / "shared"))
    git(clone, "submodule", "add", "-q", (tmp_path / "shared").as_uri(), "infra/shared")
    committed(clone)
    git(tmp_path, "clone", "-q", clone.as_uri(), "unfetched")

    def files(question: Callable[[Path], bool], name: str, folder: Path = clone) -> tuple[str, ...]:
        seen = Seen()
        with noted_in(seen):
            assert question(folder / name), name
        return revision_of(seen, folder, "").files

    for name in ("infra", "infra/stacks/catalog", "infra/link/catalog", "infra/shared"):
        assert files(is_folder, name) == ()
    assert files(is_folder, "infra/shared", tmp_path / "unfetched") == ()
    (clone / "infra/notes.txt").unlink()
    for name in ("infra/notes.txt", "infra/new"):
        (clone / name).mkdir()
        assert files(is_folder, name) == (name,)
    shutil.rmtree(clone / "infra/stacks/catalog")
    (clone / "infra/stacks/catalog").write_text("")
    assert files(is_file, "infra/stacks/catalog") == ("infra/stacks/catalog",)


@pytest.mark.parametrize("name", ["README.md", "infra/README.md", "infra/ignored.txt", "infra/stacks/.dev.yaml.swp"])
def test_what_was_not_read_may_differ(clone: Path, name: str) -> None:
    (clone / name).write_text("edited")
    assert revision(clone / "infra").is_committed


def test_links_count_by_where_they_lead(clone: Path) -> None:
    git(clone, "mv", "infra/notes.txt", "infra/one.txt")
    (clone / "infra/two.txt").write_text("other")
    (clone / "infra/notes.txt").symlink_to("one.txt")
    committed(clone)
    assert revision(clone / "infra").is_committed
    (clone / "infra/notes.txt").unlink()
    (clone / "infra/notes.txt").symlink_to("two.txt")
    assert revision(clone / "infra").files == ("infra/notes.txt",)
    committed(clone)
    assert revision(clone / "infra").is_committed


def test_files_of_a_submodule_are_those_of_the_commit_that_the_clone_names(clone: Path, tmp_path: Path) -> None:
    shared = write({"part.yaml": "vars: {b: 2}"}, tmp_path / "shared")
    committed(shared)
    git(clone, "submodule", "add", "-q", shared.as_uri(), "infra/stacks/shared")
    (clone / "infra/stacks/dev.yaml").write_text("import: [shared/part]\n" + STACK % "x")
    head = committed(clone)
    assert str(revision(clone / "infra")) == head
    kept = Checkouts(tmp_path / "kept").keep(clone, head)
    assert str(revision(kept / "infra")) == head
    (clone / "infra/stacks/shared/part.yaml").write_text("vars: {b: 3}")
    assert not revision(clone / "infra").is_committed
    committed(clone / "infra/stacks/shared")
    assert not revision(clone / "infra").is_committed
    assert str(revision(clone / "infra")) != str(revision(kept / "infra"))


def test_the_operators_settings_are_no_part_of_it_and_a_description_from_elsewhere_is(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (clone / "infra/operator.yaml").write_text("repository: mine")
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(clone / "infra/operator.yaml"))
    assert RepositoryCache().open(Place(clone / "infra")).revision.is_committed
    described = tmp_path / "stacks.json"
    described.write_text("{}")
    first = revision(clone, SourceChoice(str(described)))
    described.write_text('{"a": {}}')
    assert len({str(first), str(revision(clone, SourceChoice(str(described)))), git(clone, "rev-parse", "HEAD")}) == 3


def test_without_a_clone_the_operator_says_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write({"atmos.yaml": ATMOS, "stacks/dev.yaml": STACK % "x"}, tmp_path / "image")
    assert not revision(folder).commit
    assert "no clone" in revision(folder).unknown
    monkeypatch.setenv(COMMIT_VARIABLE, "a" * 40)
    assert str(revision(folder)) == "a" * 40
    monkeypatch.setenv(COMMIT_VARIABLE, "v1.2.3")
    with pytest.raises(SpecError, match="SECRETS_PIPELINE_COMMIT is no commit"):
        revision(folder)


def test_a_clone_without_a_commit_and_a_damaged_one_are_unknown(clone: Path, tmp_path: Path) -> None:
    folder = write({"atmos.yaml": ATMOS, "stacks/dev.yaml": STACK % "x"}, tmp_path / "new")
    git(folder, "init", "-q")
    assert "no commit is checked out" in revision(folder).unknown
    for one in (clone / ".git" / "objects").glob("??/*"):
        one.chmod(0o600)
        one.write_bytes(b"damaged")
    found = revision(clone / "infra")
    assert (found.commit, "cannot be read" in found.unknown) == ("", True)


@pytest.mark.parametrize("how", ["by what lacks", "by git's extension", "by another extension"])
def test_a_partial_clone_says_so_and_what_to_do(clone: Path, tmp_path: Path, how: str) -> None:
    git(clone, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--filter=blob:none", "--no-checkout", clone.as_uri(), "partial")
    partial = shutil.copytree(clone / "infra", tmp_path / "partial/infra").parent
    if how != "by what lacks":
        git(partial, "config", "extensions.partialClone" if "git's" in how else "extensions.theirs", "origin")
    unknown = revision(partial / "infra").unknown
    assert str(partial) in unknown
    assert ("extension theirs" if "another" in how else "clone without --filter") in unknown


def test_the_cache_notices_a_commit_that_changes_no_file(clone: Path) -> None:
    cache = RepositoryCache()
    first = cache.open(Place(clone / "infra")).revision
    head = committed(clone)
    assert str(cache.open(Place(clone / "infra")).revision) == head != str(first)


@given(repository=small_repositories(), changes=edits())
def test_a_commit_that_has_all_that_was_read_gives_the_same_when_it_is_kept(
    repository: SmallRepository | MutatedRepository, changes: list[Callable[[Path], object]]
) -> None:
    environment = dict(os.environ)
    with tempfile.TemporaryDirectory() as temporary:
        folder = repository.write(Path(temporary) / "clone")
        committed(folder)
        try:
            for change in changes:
                change(folder)
            os.environ.pop("ATMOS_STACKS_NAME_TEMPLATE", None)
            here = outcome(lambda: open_repository(folder))
            if isinstance(here, str):
                return
            found = open_repository(folder).revision
            kept = Checkouts(Path(temporary) / "kept").keep(folder, found.commit)
            there = outcome(lambda: open_repository(kept))
            assert not found.is_committed or here == there
            assert found.is_committed == (str(revision(folder)) == str(revision(kept)))
        finally:
            os.environ.clear()
            os.environ.update(environment)
