"""What a repository is called: the operator's word, else where its clone came from, and never a credential."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.desired.settings.operator import REPOSITORY_ID, load_settings
from secrets_pipeline.errors import SpecError
from secrets_pipeline.operations.repository_id import id_of_url, repository_id

FORK = '[remote "fork"]\n\turl = https://github.com/eve/infra\n'
REMOTE = f'[core]\n\tbare = false\n{FORK}[remote "origin"]\n\turl = {{}}\n'
ID = "github.com/acme/infra"


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/infra",
        "https://x:token@github.com/acme/infra.git",
        "https://x:to@ken@GitHub.com:443/acme/infra.git/",
        "https://github.com/acme/infra.git?access_token=token#token",
        "ssh://git@github.com:22/acme/infra.git",
        "git@github.com:acme/infra",
        "git@github.com:/acme/infra.git",
        "x:token@github.com:acme/infra.git",
        "git://github.com//acme/infra",
    ],
)
def test_every_way_to_write_a_remote_is_one_id(url: str) -> None:
    assert id_of_url(url) == ID


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/srv/git/infra.git",
        "../infra",
        "file:///srv/git/infra",
        "C:/git/infra",
        "https://github.com",
        "https://[github.com/acme/infra",
        "codecommit::eu-west-2://profile@infra",
        "https://github.com/acme/größe",
        "https://x:tok/en@github.com/acme/infra",
        "user:token@github.com/acme/infra",
        "https://github.com/" + "a" * 128,
    ],
)
def test_what_names_no_host_and_path_that_a_tag_holds_is_no_id(url: str) -> None:
    assert id_of_url(url) == ""


@given(
    st.text("abcXYZ019:%?#.-_", max_size=20),
    st.sampled_from(["https://x:{}@github.com/acme/infra", "https://{}@github.com/acme/infra", "{}@github.com:acme/i"]),
)
def test_no_part_of_a_credential_is_in_an_id(credential: str, url: str) -> None:
    said = id_of_url(url.format(f"tok{credential}ken"))
    assert "tok" not in said
    assert "ken" not in said


@given(st.text(max_size=60))
def test_an_id_is_always_what_a_tag_holds(url: str) -> None:
    said = id_of_url(url)
    assert said == "" or REPOSITORY_ID.fullmatch(said)


def test_the_remote_of_the_work_tree_around_the_base_path_is_read_without_git(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text(REMOTE.format("git@github.com:acme/infra.git"))
    base = tmp_path / "infra" / "atmos"
    base.mkdir(parents=True)
    assert repository_id("", base) == ID
    assert repository_id("named", base) == "named"


def test_a_linked_work_tree_has_the_remote_of_its_repository(tmp_path: Path) -> None:
    git = tmp_path / "main" / ".git"
    (git / "worktrees" / "w").mkdir(parents=True)
    (git / "worktrees" / "w" / "commondir").write_text("../..\n")
    (git / "config").write_text(REMOTE.format("https://github.com/acme/infra"))
    linked = tmp_path / "w"
    linked.mkdir()
    (linked / ".git").write_text(f"gitdir: {git / 'worktrees' / 'w'}\n")
    assert repository_id("", linked) == ID


def test_a_submodule_has_a_remote_of_its_own(tmp_path: Path) -> None:
    inside = tmp_path / ".git" / "modules" / "infra"
    inside.mkdir(parents=True)
    (tmp_path / ".git" / "config").write_text(REMOTE.format("https://github.com/acme/parent"))
    (inside / "config").write_text(REMOTE.format("https://github.com/acme/infra"))
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / ".git").write_text("gitdir: ../.git/modules/infra\n")
    assert repository_id("", tmp_path / "infra") == ID


@pytest.mark.parametrize("config", ["", FORK, "[core]\n\turl = x\n"])
def test_a_clone_without_that_remote_has_no_id(tmp_path: Path, config: str) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text(config)
    assert repository_id("", tmp_path) == ""


@pytest.mark.parametrize("text", ["gitdir: /nowhere/at/all", "something else", ""])
def test_a_git_file_that_leads_nowhere_gives_no_id(tmp_path: Path, text: str) -> None:
    (tmp_path / ".git").write_text(text)
    assert repository_id("", tmp_path) == ""


@pytest.mark.parametrize(("text", "fits"), [("acme/infra", True), ("a" * 129, False), ("é", False), ("' a'", False)])
def test_the_operators_id_is_one_that_a_tag_holds(tmp_path: Path, text: str, fits: bool) -> None:
    settings = tmp_path / "operator.yaml"
    settings.write_text(f"repository: {text}\n")
    if fits:
        assert load_settings(settings).repository == text
        return
    with pytest.raises(SpecError, match="key repository: this setting is wrong: String should match pattern"):
        load_settings(settings)
