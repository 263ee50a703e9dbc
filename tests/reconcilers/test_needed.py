"""What a change waits for, as the function that decides what is blocked is told of it."""

from __future__ import annotations

from secrets_pipeline.engine.blocking import hindrance
from secrets_pipeline.engine.reason import Because, Standing
from secrets_pipeline.reconcilers.needed import any_of
from secrets_pipeline.references.resolve import Pending


def test_where_one_of_several_is_enough_what_no_plan_shows_does_not_hide_why_another_is_blocked() -> None:
    shown = Pending("secret one has no ARN yet", on="secret one")
    needs = any_of([shown, Pending("the parameter is not there", missing=True)])
    because = Because("needs secret one, which is blocked", "unblock secret one")
    assert hindrance(needs, {"secret one": Standing.BLOCKED}) == because
