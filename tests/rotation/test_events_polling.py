"""What two lists of secrets, one after the other, say."""

from __future__ import annotations

from dataclasses import replace

from secrets_pipeline.rotation.events.hints import HintKind
from secrets_pipeline.rotation.events.polling import PENDING_SECONDS, Sight, compare

FIRST, SECOND = "1" * 32, "2" * 32
DB = Sight(name="shop/dev/db", stack="shop-dev", version=FIRST, rotated_at=0, pending="", own=False)


def test_the_first_look_learns_and_asks_for_nothing() -> None:
    known, news = compare(None, [DB], 1000)
    assert list(known) == [DB.name]
    assert news == ()


def test_nothing_new_is_no_news() -> None:
    known, _ = compare(None, [DB], 1000)
    assert compare(known, [DB], 2000) == (known, ())


def test_another_version_is_a_rotation_and_is_told_once() -> None:
    known, _ = compare(None, [DB], 1000)
    known, [news] = compare(known, [replace(DB, version=SECOND)], 2000)
    assert (news.kind, news.name, news.stack, news.version) == (HintKind.ROTATED, DB.name, DB.stack, SECOND)
    assert compare(known, [replace(DB, version=SECOND)], 3000)[1] == ()


def test_a_later_date_of_the_last_rotation_is_one_too() -> None:
    known, _ = compare(None, [DB], 1000)
    assert len(compare(known, [replace(DB, rotated_at=1500)], 2000)[1]) == 1


def test_what_the_pipeline_wrote_itself_is_learnt_without_news() -> None:
    known, _ = compare(None, [DB], 1000)
    known, news = compare(known, [replace(DB, version=SECOND, own=True)], 2000)
    assert news == ()
    assert compare(known, [replace(DB, version=SECOND)], 3000)[1] == ()


def test_a_new_secret_is_learnt_without_news() -> None:
    known, _ = compare(None, [], 1000)
    assert compare(known, [DB], 2000)[1] == ()


def test_a_pending_version_that_stays_is_a_failed_rotation() -> None:
    stuck = replace(DB, pending=SECOND)
    known, news = compare(None, [stuck], 1000)
    assert news == ()
    known, news = compare(known, [stuck], 1000 + PENDING_SECONDS - 1)
    assert news == ()
    known, [failed] = compare(known, [stuck], 1000 + PENDING_SECONDS)
    assert (failed.kind, failed.version) == (HintKind.FAILED, SECOND)
    # Another try begins to count anew.
    assert compare(known, [replace(DB, pending="3" * 32)], 1000 + 2 * PENDING_SECONDS)[1] == ()
