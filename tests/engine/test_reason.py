"""Reasons are told apart by their types, and by nothing that their texts say."""

from __future__ import annotations

import pytest

from secrets_pipeline.engine.model import Change, ChangeClass, Resource
from secrets_pipeline.engine.reason import (
    Because,
    ChangedOutside,
    Detail,
    Differs,
    Missing,
    NotOurs,
    Reason,
    Sign,
    Waits,
)


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (Because("no value yet"), "no value yet"),
        (Because("is Disabled", "enable it"), "is Disabled: enable it"),
        (Waits("secret a/b has no value"), "waits: secret a/b has no value"),
        (ChangedOutside(Differs("tag Team", "'a'", "'b'")), "changed outside: tag Team differs: 'a' → 'b'"),
        (ChangedOutside(Missing("role x is gone", "make it")), "changed outside: role x is gone: make it"),
        (Differs("key policy"), "key policy differs"),
        (NotOurs("belongs to stack a", "rename it"), "belongs to stack a: rename it"),
    ],
)
def test_a_reason_reads_as_one_line(reason: Reason, text: str) -> None:
    assert str(reason) == text


def test_a_detail_is_a_line_unless_the_text_tells_it() -> None:
    added, changed = Detail(Sign.ADDED, "tag Team", wanted="'b'"), Detail(Sign.CHANGED, "tag Name", "'x'", "'y'")
    outside = ChangedOutside(Because("tag Team is missing", details=(added, changed)))
    assert outside.lines == ("+ tag Team: 'b'", "~ tag Name: 'x' → 'y'")
    told = Differs("tag Team", "'a'", "'b'")
    assert told.details == (Detail(Sign.CHANGED, "tag Team", "'a'", "'b'"),)
    assert told.lines == ()


def test_what_unblocks_a_change_is_its_remedy_and_not_what_stands_behind_a_colon() -> None:
    said = (Because("is left as it is: secret a/b is not ours"), NotOurs("belongs to stack a", "rename it"))
    change = Change(Resource("role", "r"), ChangeClass.BLOCKED, said)
    assert change.hindrance == "is left as it is: secret a/b is not ours; belongs to stack a"
    assert change.unblocked_by == "rename it"
    assert Change(Resource("role", "r"), ChangeClass.BLOCKED, said[:1]).unblocked_by == ""


def test_reasons_of_two_types_differ_even_where_they_read_the_same() -> None:
    waits: Reason = Waits("a")
    because: Reason = Because("waits: a")
    assert (waits == Waits("a"), waits == because) == (True, False)


def test_what_holds_for_two_parts_of_a_change_is_said_once() -> None:
    twice = (Waits("instance x does not exist yet"),) * 2
    change = Change(Resource("rotation", "a/b", "app"), ChangeClass.CREATE, twice)
    assert change.reason == change.hindrance == "waits: instance x does not exist yet"
    blocked = (Missing("role a is gone", "make it"), Missing("role b is gone", "make it"))
    assert Change(Resource("consumer", "a", "app"), ChangeClass.BLOCKED, blocked).unblocked_by == "make it"
