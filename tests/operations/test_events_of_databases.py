"""An event of RDS reaches the stack whose component names no identifier, once the database is known by its traits."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.operations.concerned_stacks import EventStacks
from secrets_pipeline.operations.unread_stacks import UnreadStacks
from secrets_pipeline.operations.verdict import Concern, Dismissed, Verdict
from secrets_pipeline.rotation.events.hints import Hint, HintKind
from tests.reconcilers.database.test_found_databases import labels, make, unnamed

if TYPE_CHECKING:
    from secrets_pipeline.aws.session import Sessions
    from tests.bench import Bench


def of_event(bench: Bench, sessions: Sessions, spec: StackSpec, identifier: str, noun: str = "db") -> Verdict:
    account, region = bench.aws.account_id, bench.aws.region
    resource = f"arn:aws:rds:{region}:{account}:{noun}:{identifier}"
    hint = Hint(HintKind.DATABASE, "event-1", account, region, datetime.now(UTC), resource=resource)
    return EventStacks({spec.stack: spec}, UnreadStacks(), sessions).concerned(hint)


def test_an_event_concerns_the_stack_that_finds_the_database_by_its_tags(bench: Bench, sessions: Sessions) -> None:
    spec = bench.spec(databases=(unnamed(bench, password=None),))
    make(bench, f"{bench.stack}-by-hand", labels(bench))
    make(bench, f"{bench.stack}-billing")
    assert of_event(bench, sessions, spec, f"{bench.stack}-by-hand") == (Concern(bench.stack),)
    assert isinstance(of_event(bench, sessions, spec, f"{bench.stack}-billing"), Dismissed)


def test_an_event_concerns_the_stack_whose_database_would_have_that_identifier(
    bench: Bench, sessions: Sessions
) -> None:
    # It may be gone by now: whoever reads it has to know.
    spec = bench.spec(databases=(unnamed(bench, password=None),))
    assert of_event(bench, sessions, spec, bench.stack) == (Concern(bench.stack),)


def test_all_that_a_stack_finds_has_to_serve_before_an_apply_has_followed_it(bench: Bench, sessions: Sessions) -> None:
    spec = bench.spec(databases=(unnamed(bench, password=None),))
    account, region = bench.aws.account_id, bench.aws.region
    hint = Hint(HintKind.DATABASE, "event-1", account, region, datetime.now(UTC))
    assert EventStacks({spec.stack: spec}, UnreadStacks(), sessions).databases(hint, spec.stack) is None
    make(bench, bench.stack)
    found = EventStacks({spec.stack: spec}, UnreadStacks(), sessions).databases(hint, spec.stack)
    assert found is not None
    assert set(found) == {bench.stack}
