"""What a database's tag says about its password."""

from __future__ import annotations

from typing import Any

import pytest

from secrets_pipeline.desired.tags import TAG_VALUE_LENGTH
from secrets_pipeline.reconcilers.database.password_mark import (
    PasswordMark,
    begun,
    is_being_set,
    proves,
    setting,
    was_restored,
)
from secrets_pipeline.reconcilers.observed.database_state import DatabaseState
from secrets_pipeline.reconcilers.observed.secret_state import SecretState
from secrets_pipeline.reconcilers.tag_keys import PASSWORD


def database(mark: str | None, resource_id: str = "db-A") -> DatabaseState:
    texts: dict[str, Any] = dict.fromkeys(("identifier", "arn", "status", "engine", "username"), "x")
    tags = {} if mark is None else {PASSWORD: mark}
    return DatabaseState(
        **texts,
        resource_id=resource_id,
        db_name=None,
        address=None,
        port=None,
        tags=tags,
        password_pending=False,
        master_secret_arn=None,
    )


SECRET = SecretState(name="s", arn="a", versions={"v2": ("AWSCURRENT",), "v1": ("AWSPREVIOUS",)})


@pytest.mark.parametrize(
    ("mark", "proven", "restored", "unfinished"),
    [
        (None, False, False, False),
        ("db-A:v2", True, False, False),
        ("db-A:v1", False, False, False),
        ("db-A:v2:setting", False, False, True),
        ("db-B:v2", False, True, False),
        ("db-B:v2:setting", False, True, False),
        ("something else", False, True, False),
        ("", False, True, False),
    ],
)
def test_a_mark_proves_one_version_in_one_database(
    mark: str | None, proven: bool, restored: bool, unfinished: bool
) -> None:
    state = database(mark)
    assert (proves(state, SECRET), was_restored(state), is_being_set(state)) == (proven, restored, unfinished)


@pytest.mark.parametrize("mark", ["db-A:v2", "db-A:v2:setting", "db-A:v2:setting:v1 v0"])
def test_a_mark_is_read_as_it_was_written(mark: str) -> None:
    assert str(PasswordMark.read(database(mark))) == mark


def test_a_secret_without_a_value_is_proven_nowhere() -> None:
    assert not proves(database("db-A:"), SecretState(name="s", arn="a"))


def test_what_runs_began_to_set_is_remembered_until_a_login_proves_one() -> None:
    first = setting(database(None), "v1")
    assert str(first) == "db-A:v1:setting"
    second = setting(database(str(first)), "v2")
    assert str(second) == "db-A:v2:setting:v1"
    assert begun(database(str(second))) == ("v2", "v1")
    assert is_being_set(database(str(second)))
    assert not proves(database(str(second)), SECRET)
    again = setting(database(str(second)), "v1", "v2")
    assert begun(database(str(again))) == ("v1", "v2")
    assert begun(database("db-A:v2")) == begun(database("db-B:v2:setting:v1")) == begun(database(None)) == ()


def test_what_is_remembered_fits_into_a_tag() -> None:
    resource_id, mark = "cluster-" + "A" * 26, ""
    for version in "abcde":
        mark = str(setting(database(mark or None, resource_id), version * 64))
    assert len(mark) <= TAG_VALUE_LENGTH
    assert begun(database(mark, resource_id)) == ("e" * 64, "d" * 64, "c" * 64)
