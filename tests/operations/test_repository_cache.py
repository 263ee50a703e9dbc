"""What the cache opens is what a fresh reading gives, whatever was changed since; what was not is not read again."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.errors import SecretsPipelineError, StackError
from secrets_pipeline.operations import repository_cache
from secrets_pipeline.operations.open_repository import OpenRepository, open_repository, operator_settings
from secrets_pipeline.operations.repository_cache import Place, RepositoryCache
from secrets_pipeline.stacks import SourceChoice
from secrets_pipeline.stacks.files import disk
from tests.gits import committed, git
from tests.strategies.manifests import mutated
from tests.strategies.small_repositories import (
    MutatedRepository,
    SmallRepository,
    mutated_repositories,
    small_repositories,
    write,
)

ATMOS = """
base_path: "."
stacks: {base_path: stacks, included_paths: ["*"], excluded_paths: ["**/_*"], name_template: "{{ .vars.stage }}"}
templates: {settings: {enabled: true, sprig: {enabled: true}, gomplate: {enabled: true}}}
components: {terraform: {base_path: components/terraform}}
"""
STACK = """
vars: {stage: shop-dev}
components:
  terraform:
    secretsmanager:
      vars:
        context_name: shop
        environment: dev
        region: eu-west-1
        secrets: {token: {generate_random_password: true, description: "%s"}}
"""


AGES = pytest.mark.parametrize("settled", [True, False], ids=["stamps of files are trusted", "files are too young"])


@contextmanager
def trusting(*, settled: bool) -> Iterator[None]:
    """Let files be old enough for their stamps to count when the block begins, or too young for it."""
    with pytest.MonkeyPatch.context() as patch:
        if settled:
            patch.setattr(disk, "_SETTLED_NS", 20_000_000)
            time.sleep(0.03)
        yield


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write({"atmos.yaml": ATMOS, "stacks/dev.yaml": STACK % "old"}, tmp_path / "repository")


@pytest.fixture
def cache() -> RepositoryCache:
    return RepositoryCache()


def outcome(opened: Callable[[], OpenRepository]) -> Any:  # noqa: ANN401 - compared as a whole
    """All that a reading says."""
    try:
        found = opened()
        resolved = found.source.resolve()
    except SecretsPipelineError as error:
        return error.diagnostics()
    return (
        dict(found.specs),
        {stack: [one.diagnostics() for one in errors] for stack, errors in found.errors.items()},
        found.notices,
        found.settings,
        found.repository,
        resolved.stacks,
        [one.diagnostics() for one in resolved.errors],
    )


def fresh(place: Place) -> OpenRepository:
    return open_repository(place.base_path, settings=operator_settings(place.settings_file), origin=place.origin)


def assert_current(cache: RepositoryCache, place: Place) -> None:
    assert outcome(lambda: cache.open(place)) == outcome(lambda: fresh(place))


NAMES = (
    "atmos.yaml", ".atmos.yaml", "atmos.d/more.yaml", "stacks/deploy/dev.yaml", "stacks/deploy/new.yaml",
    "stacks/deploy/.hidden.yaml", "stacks/catalog/core.yaml", "stacks/catalog/core.yaml.tmpl", "stacks/mixins/b.yaml",
    "stacks/catalog/extra.yaml", "stacks/catalog/none.yaml", "stacks/mixins/c.yaml", "stacks/dev.yaml", "dev.yaml",
    "stacks/deploy/dev/inner.yaml", "components/terraform/alpha/main.tf", "operator.yaml",
)  # fmt: skip


@st.composite
def edits(draw: st.DrawFn) -> list[Callable[[Path], object]]:
    """What people, editors and git do to the files of a repository."""
    texts = sorted(draw(small_repositories()).files.items())
    found: list[Callable[[Path], object]] = []
    for _ in range(draw(st.integers(1, 4))):
        name, other = draw(st.sampled_from(NAMES)), draw(st.sampled_from(NAMES))
        text = draw(st.sampled_from(texts))[1]
        kind = draw(st.sampled_from(["write", "mistake", "swap", "remove", "rename", "link", "folder", "touch", "env"]))
        if kind == "mistake":
            text = draw(mutated(text))
        seed = draw(st.integers(0, 10_000))
        found.append(partial(edit, kind=kind, name=name, other=other, text=text, seed=seed))
    return found


def edit(folder: Path, *, kind: str, name: str, other: str, text: str, seed: int) -> None:
    """Do one edit; one that the file system refuses is none."""
    path, second = folder / name, folder / other
    try:
        if kind in ("write", "mistake"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode("utf-8", "surrogatepass"))
        elif kind == "swap":
            swap(path, seed)
        elif kind == "remove":
            path.unlink()
        elif kind == "rename":
            path.replace(second)
        elif kind == "link":
            second.unlink(missing_ok=True)
            second.symlink_to(path)
        elif kind == "folder":
            second.mkdir(parents=True)
        elif kind == "touch":
            os.utime(path)
        else:
            os.environ["ATMOS_STACKS_NAME_TEMPLATE"] = "{{ .vars.stage }}-" + str(seed % 2)
    except OSError:
        pass


def swap(path: Path, seed: int = 0) -> None:
    """Change one character of a file, which keeps its size and its date."""
    before, content = path.stat(), bytearray(path.read_bytes())
    words = [at for at, byte in enumerate(content) if chr(byte).isalnum()]
    if words:
        at = words[seed % len(words)]
        content[at] = ord("b") if content[at] == ord("a") else ord("a")
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@AGES
@given(repository=small_repositories() | mutated_repositories(), changes=edits())
def test_after_any_edit_of_any_repository_the_cache_says_what_a_fresh_reading_says(
    settled: bool,
    repository: SmallRepository | MutatedRepository,
    changes: list[Callable[[Path], object]],
) -> None:
    cache, environment = RepositoryCache(), dict(os.environ)
    with tempfile.TemporaryDirectory() as temporary:
        folder = repository.write(Path(temporary) / "repository")
        (folder / "operator.yaml").write_text("environment_allowed: [A]")
        place = Place(folder, settings_file=folder / "operator.yaml")
        try:
            with trusting(settled=settled):
                assert_current(cache, place)
                for change in changes:
                    change(folder)
                    assert_current(cache, place)
        finally:
            os.environ.clear()
            os.environ.update(environment)


@AGES
def test_what_did_not_change_is_not_read_again_nor_is_what_was_only_touched(
    cache: RepositoryCache,
    folder: Path,
    settled: bool,
) -> None:
    with trusting(settled=settled):
        first = cache.open(Place(folder))
        assert cache.open(Place(folder)) is first
        os.utime(folder / "stacks/dev.yaml")
        (folder / "stacks/.dev.yaml.swp").write_text("")
        assert cache.open(Place(folder)) is first
    assert cache.open(Place(folder, called=Path("/elsewhere"))) is not first


@AGES
def test_an_edit_that_keeps_size_and_date_is_seen(
    cache: RepositoryCache,
    folder: Path,
    settled: bool,
) -> None:
    text = (folder / "stacks/dev.yaml").read_text()
    with trusting(settled=settled):
        first = cache.open(Place(folder))
        swap(folder / "stacks/dev.yaml", [at for at, c in enumerate(filter(str.isalnum, text)) if c == "o"][-1])
        assert (folder / "stacks/dev.yaml").read_text() != text
        assert cache.open(Place(folder)) is not first
        assert_current(cache, Place(folder))


REACHED = {
    "an include": ("notes.txt", "!include notes.txt"),
    "a raw include": ("notes.yaml", "!include.raw notes.yaml"),
    "a query of an include": ("notes.json", "!include notes.json .a"),
    "HCL": ("notes.tfvars", "!include notes.tfvars"),
}


@pytest.mark.parametrize("way", REACHED)
def test_what_a_function_includes_is_noticed_as_it_comes_changes_and_goes(
    cache: RepositoryCache, folder: Path, way: str
) -> None:
    name, call = REACHED[way]
    (folder / "stacks/dev.yaml").write_text(STACK.replace('"%s"', call))
    for text in ('{"a": "x"}', '{"a": "y"}', None, '{"a": "z"}'):
        if text is None:
            (folder / name).unlink()
        else:
            (folder / name).write_text(f"a = {text[6:9]}" if way == "HCL" else text)
        assert_current(cache, Place(folder))


def test_what_git_tracks_is_noticed(cache: RepositoryCache, folder: Path) -> None:
    git(folder, "init", "-q")
    (folder / "notes.txt").write_text("said")
    (folder / "stacks/dev.yaml").write_text(STACK.replace('"%s"', "!include notes.txt"))
    refused = outcome(lambda: cache.open(Place(folder)))
    assert "not tracked" in str(refused)
    git(folder, "add", "notes.txt", "atmos.yaml")
    assert_current(cache, Place(folder))
    assert outcome(lambda: cache.open(Place(folder))) != refused
    git(folder, "remote", "add", "origin", "https://example.com/a/b.git")
    assert cache.open(Place(folder)).repository == "example.com/a/b"


@pytest.mark.parametrize("call", ["{{ now }}", "{{ uuidv4 }}", "{{ randAlphaNum 9 }}", "{{ random.AlphaNum 5 }}"])
def test_what_the_clock_or_chance_decides_is_read_each_time(cache: RepositoryCache, folder: Path, call: str) -> None:
    (folder / "stacks/dev.yaml").write_text(STACK % call)
    first = cache.open(Place(folder))
    assert first.specs
    assert cache.open(Place(folder)) is not first


def test_a_description_that_another_file_holds_and_the_settings_are_noticed(
    cache: RepositoryCache, tmp_path: Path
) -> None:
    described, settings = tmp_path / "stacks.json", tmp_path / "operator.yaml"
    described.write_text("{}")
    settings.write_text("repository: one")
    place = Place(tmp_path, SourceChoice(str(described)), settings)
    first = cache.open(place)
    assert cache.open(place) is first
    described.write_text('{"dev": {}}')
    assert cache.open(place).source.stack_names() == ("dev",)
    settings.write_text("repository: two")
    assert cache.open(place).repository == "two"


def test_what_is_asked_later_of_a_kept_repository_counts_too(cache: RepositoryCache, folder: Path) -> None:
    kept = cache.open(Place(folder))
    with disk.noted_in(kept.seen):
        assert not disk.is_file(folder / "later")
    assert cache.open(Place(folder)) is kept
    (folder / "later").write_text("")
    assert cache.open(Place(folder)) is not kept


def test_a_repository_that_changes_while_it_is_read_is_read_again_and_refused_in_the_end(
    cache: RepositoryCache, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, left = open_repository, [1]

    def disturbed(*arguments: Any, **named: Any) -> OpenRepository:  # noqa: ANN401 - as they come
        found = read(*arguments, **named)
        if left[0]:
            left[0] -= 1
            (folder / "stacks/dev.yaml").write_text(STACK % f"as it is at last {left}")
        return found

    monkeypatch.setattr(repository_cache, "open_repository", disturbed)
    (secret,) = cache.open(Place(folder)).specs["shop-dev"].secrets
    assert secret.description == "as it is at last [0]"
    left[0] = 100
    (folder / "stacks/dev.yaml").write_text(STACK % "new")
    with pytest.raises(StackError, match="keeps changing while it is read"):
        cache.open(Place(folder))


def test_the_environment_is_compared_and_not_kept(
    cache: RepositoryCache, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOMEBODYS_TOKEN", "hunter2")
    first = cache.open(Place(folder))
    assert "hunter2" not in repr(vars(cache))
    assert cache.open(Place(folder)) is first
    monkeypatch.setenv("SOMEBODYS_TOKEN", "\udcff")
    assert cache.open(Place(folder)) is not first


def test_threads_share_one_reading(cache: RepositoryCache, folder: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: cache.open(Place(folder)), range(32)))
    assert len(set(map(id, found))) == 1


def test_few_repositories_are_kept(cache: RepositoryCache, folder: Path, tmp_path: Path) -> None:
    first = cache.open(Place(folder))
    for number in range(9):
        cache.open(Place(folder, called=tmp_path / str(number)))
    assert cache.open(Place(folder)) is not first


def test_half_of_a_pull_is_not_read(cache: RepositoryCache, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    committed(folder)
    lock, waits = folder / ".git/index.lock", []

    def finish(seconds: float) -> None:
        waits.append(seconds)
        (folder / "stacks/dev.yaml").write_text(STACK % "pulled")
        lock.unlink()

    lock.write_text("")
    monkeypatch.setattr("secrets_pipeline.operations.repository_cache.time.sleep", finish)
    (secret,) = cache.open(Place(folder)).specs["shop-dev"].secrets
    assert (secret.description, len(waits)) == ("pulled", 1)
    # One that a killed git left is no reason to wait.
    lock.write_text("")
    os.utime(lock, (1_000_000_000, 1_000_000_000))
    (folder / "stacks/dev.yaml").write_text(STACK % "edited")
    assert cache.open(Place(folder)).specs["shop-dev"].secrets[0].description == "edited"
    assert len(waits) == 1
