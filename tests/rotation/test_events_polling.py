"""What two lists of secrets, one after the other, say."""

from __future__ import annotations

from dataclasses import replace

from secrets_pipeline.rotation.events.hints import HintKind
from secrets_pipeline.rotation.events.polling import PENDING_SECONDS, Known, Sight, compare

FIRST, SECOND = "1" * 32, "2" * 32
DB = Sight(name="shop/dev/db", stack="shop-dev", version=FIRST, rotated_at=0, pending="", written=frozenset())


def test_the_first_look_learns_and_asks_for_nothing() -> None:
    assert compare(Known(), [DB], 1000)[1] == ()


def test_nothing_new_is_no_news() -> None:
    known, _ = compare(Known(), [DB], 1000)
    assert compare(known, [DB], 2000) == (known, ())


def test_another_version_is_a_rotation_and_is_told_once() -> None:
    known, _ = compare(Known(), [DB], 1000)
    known, [news] = compare(known, [replace(DB, version=SECOND)], 2000)
    assert (news.kind, news.name, news.stack, news.version) == (HintKind.ROTATED, DB.name, DB.stack, SECOND)
    assert compare(known, [replace(DB, version=SECOND)], 3000)[1] == ()


def test_a_later_date_of_the_last_rotation_is_one_too() -> None:
    known, _ = compare(Known(), [DB], 1000)
    assert len(compare(known, [replace(DB, rotated_at=1500)], 2000)[1]) == 1


def test_what_the_pipeline_wrote_itself_is_learnt_without_news() -> None:
    known, _ = compare(Known(), [DB], 1000)
    ours = replace(DB, version=SECOND, written=frozenset({SECOND}))
    known, news = compare(known, [ours], 2000)
    assert news == ()
    assert compare(known, [ours], 3000)[1] == ()


def test_a_version_that_the_pipeline_wrote_long_ago_and_somebody_went_back_to_is_news() -> None:
    ours = replace(DB, written=frozenset({FIRST}))
    known, _ = compare(Known(), [ours], 1000)
    known, [rotated] = compare(known, [replace(ours, version=SECOND)], 2000)
    known, [back] = compare(known, [ours], 3000)
    assert (rotated.version, back.version) == (SECOND, FIRST)
    assert compare(known, [ours], 4000)[1] == ()


def test_a_new_secret_is_learnt_without_news() -> None:
    known, _ = compare(Known(), [replace(DB, name="shop/dev/other")], 1000)
    assert compare(known, [DB], 2000)[1] == ()


def test_a_pending_version_that_stays_is_a_failed_rotation() -> None:
    stuck = replace(DB, pending=SECOND)
    known, news = compare(Known(), [stuck], 1000)
    assert news == ()
    known, news = compare(known, [stuck], 1000 + PENDING_SECONDS - 1)
    assert news == ()
    known, [failed] = compare(known, [stuck], 1000 + PENDING_SECONDS)
    assert (failed.kind, failed.version) == (HintKind.FAILED, SECOND)
    # Another try begins to count anew.
    assert compare(known, [replace(DB, pending="3" * 32)], 1000 + 2 * PENDING_SECONDS)[1] == ()


def test_names_whose_digests_are_the_same_hide_no_rotation_and_make_none() -> None:
    first, second = (replace(DB, name=f"shop/dev/{number}") for number in (6420, 7774))
    known, _ = compare(Known(), [first, second], 1000)
    assert known.seen[:4] == known.seen[11:15]
    assert compare(known, [first, second], 2000)[1] == ()
    _, [news] = compare(known, [first, replace(second, version=SECOND)], 2000)
    assert news.name == second.name


def test_without_versions_only_pending_ones_are_known() -> None:
    stuck = replace(DB, pending=SECOND)
    known, _ = compare(Known(), [stuck, replace(DB, name="shop/dev/other")], 1000, versions=False)
    assert known == Known(pending={DB.name: (SECOND[:12], 1000)})
    _, [news] = compare(known, [replace(stuck, version="3" * 32)], 1000 + PENDING_SECONDS, versions=False)
    assert news.kind is HintKind.FAILED


def test_what_is_not_listed_while_stacks_cannot_be_read_is_compared_when_they_can() -> None:
    known, _ = compare(Known(), [DB, replace(DB, name="shop/dev/other")], 1000)
    known, _ = compare(known, [replace(DB, name="shop/dev/other")], 2000, whole=False)
    _, [news] = compare(known, [replace(DB, version=SECOND)], 3000)
    assert news.name == DB.name
