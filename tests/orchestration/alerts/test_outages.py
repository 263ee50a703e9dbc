"""Outages by looks of runs: which accounts cannot be asked, since when, and when every stack was looked at."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.errors import Unasked
from secrets_pipeline.orchestration.alerts.outages import Look, Outage, followed, outage_alert, over_alert
from secrets_pipeline.orchestration.verification.not_asked import NotAsked

WHO, OTHER = "account 111122223333", "account 444455556666"
SILENT = NotAsked(WHO, Unasked.NO_ANSWER, "GetCallerIdentity failed: EndpointConnectionError: https://sts.example")
EXPIRED = NotAsked(OTHER, Unasked.CREDENTIALS, "GetCallerIdentity failed: ExpiredToken")
KNOWN = {"a-dev", "b-dev", "c-dev"}
BOTH = frozenset({"one", "two"})


def blind(stack: str, at: float, why: NotAsked = SILENT, checks: frozenset[str] = BOTH) -> Look:
    return Look(stack, why.who, at, (why,), checks)


def seen(stack: str, at: float, who: str = WHO, checks: frozenset[str] = BOTH) -> Look:
    return Look(stack, who, at, known=checks)


def test_an_account_and_a_cause_are_one_outage_however_many_stacks_it_has() -> None:
    (silent, expired) = followed([], [blind("a-dev", 10), blind("c-dev", 12, EXPIRED), blind("b-dev", 11)], KNOWN)
    assert (silent.who, silent.since, set(silent.stacks)) == (WHO, 10, {"a-dev", "b-dev"})
    assert (expired.cause, set(expired.stacks)) == (Unasked.CREDENTIALS, {"c-dev"})


def test_it_is_over_when_every_stack_was_looked_at_after_it() -> None:
    outages = followed([], [blind("a-dev", 10), blind("b-dev", 11)], KNOWN)
    # A run that looked before, and ended after.
    (one,) = followed(outages, [seen("a-dev", 9)], KNOWN)
    assert (set(one.stacks), one.answered) == ({"a-dev", "b-dev"}, 0)
    (one,) = followed([one], [seen("a-dev", 20)], KNOWN)
    assert (set(one.stacks), one.answered, one.is_over) == ({"b-dev"}, 20, False)
    (one,) = followed([one], [seen("b-dev", 21)], KNOWN)
    assert one.is_over


def test_an_outage_that_is_over_and_there_again_within_a_tick_is_the_same_one() -> None:
    told = Outage(WHO, Unasked.NO_ANSWER, 1.0, 1.0, (SILENT.said,), {"a-dev": 1.0}, is_told=True)
    (one,) = followed([told], [seen("a-dev", 10), blind("a-dev", 11)], KNOWN)
    assert (one.since, one.is_told, one.answered, one.stacks) == (1.0, True, 0.0, {"a-dev": 11})


def test_a_stack_that_was_not_hit_shows_that_the_account_answers() -> None:
    outages = followed([], [blind("a-dev", 10)], KNOWN)
    (one,) = followed(outages, [seen("c-dev", 20)], KNOWN)
    assert (set(one.stacks), one.answered) == ({"a-dev"}, 20)
    (one,) = followed(outages, [seen("c-dev", 20, who=OTHER)], KNOWN)
    assert one.answered == 0


def test_where_one_service_does_not_answer_only_its_checks_show_that_it_does_again() -> None:
    partly = Look("a-dev", WHO, 10, (SILENT,), unknown=frozenset({"functions"}), known=frozenset({"secrets"}))
    outages = followed([], [partly], KNOWN)
    (one,) = followed(outages, [seen("a-dev", 20, checks=frozenset({"secrets"}))], KNOWN)
    assert set(one.stacks) == {"a-dev"}
    (one,) = followed(outages, [seen("a-dev", 20, checks=frozenset({"functions"}))], KNOWN)
    assert one.is_over


def test_a_stack_that_left_the_repository_is_waited_for_no_longer() -> None:
    (one,) = followed(followed([], [blind("a-dev", 10)], KNOWN), [], KNOWN - {"a-dev"})
    assert one.is_over
    assert not one.answered


def test_a_run_of_a_whole_account_is_made_good_by_any_run_that_could_ask_it() -> None:
    (one,) = followed([], [Look("", WHO, 10, (SILENT,))], KNOWN)
    assert not one.is_over
    (one,) = followed([one], [seen("b-dev", 20)], KNOWN)
    assert one.is_over


@given(st.lists(st.tuples(st.sampled_from(sorted(KNOWN)), st.booleans()), max_size=12))
def test_outages_do_not_depend_on_how_looks_are_cut_into_ticks(said: list[tuple[str, bool]]) -> None:
    looks = [(blind if down else seen)(stack, float(at)) for at, (stack, down) in enumerate(said)]
    whole = [one for one in followed([], looks, KNOWN) if not one.is_over]
    outages: list[Outage] = []
    for look in looks:
        outages = [one for one in followed(outages, [look], KNOWN) if not one.is_over]
    assert [(one.key, one.stacks) for one in whole] == [(one.key, one.stacks) for one in outages]
    last = dict(said)
    assert {stack for one in outages for stack in one.stacks} == {stack for stack, down in last.items() if down}


def test_the_alert_has_the_words_of_its_cause_and_fits_a_subject() -> None:
    stacks = {f"stack-{number:03}": 1_796_104_800.0 for number in range(300)}
    one = Outage(WHO, Unasked.NO_ANSWER, 1_796_104_800.0, 1_796_104_900.0, (SILENT.said,), stacks)
    said = outage_alert(one, "https://dagster.example/runs")
    assert said.subject == "AWS account 111122223333 cannot be asked: no answer; 300 stacks not looked at"
    assert "300 stacks not looked at since 2026-12-01 06:00 UTC: 300, for example stack-000" in said.text
    assert SILENT.said in said.text
    assert "rotate --readable-by" not in said.text
    over = over_alert(one, 1_796_108_400.0, "https://dagster.example/runs")
    assert over.subject == "AWS account 111122223333: every stack that could not be asked about was checked"
    assert all(len(alert.subject) <= 100 for alert in (said, over))


def test_where_no_stack_is_known_the_alert_counts_none() -> None:
    one = Outage("account of profile dev", Unasked.CREDENTIALS, 1_796_104_800.0, 1_796_104_900.0, ("said",), {"": 1.0})
    said = outage_alert(one, "https://dagster.example/runs")
    assert said.subject == "AWS account of profile dev cannot be asked: no valid credentials"
    first = "AWS account of profile dev cannot be asked since 2026-12-01 06:00 UTC: AWS does not take the credentials."
    assert said.text.splitlines()[0] == first


def test_a_run_that_could_ask_nothing_for_another_cause_does_not_say_that_the_account_answers() -> None:
    failed = Look("a-dev", WHO, 10, (SILENT,))
    throttled = NotAsked(WHO, Unasked.THROTTLED, "ListSecrets failed: ThrottlingException")
    outages = followed([], [failed, blind("a-dev", 20, throttled)], KNOWN)
    assert [(one.cause, set(one.stacks), one.answered) for one in outages] == [
        (Unasked.NO_ANSWER, {"a-dev"}, 0),
        (Unasked.THROTTLED, {"a-dev"}, 0),
    ]


def test_an_outage_is_read_as_it_was_written() -> None:
    one = Outage(WHO, Unasked.ROLE, 1.0, 2.0, ("said",), {"a-dev": 2.0}, ("check",), is_told=True)
    assert Outage.read(json.loads(json.dumps(one.write()))) == one
