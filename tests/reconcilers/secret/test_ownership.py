from dataclasses import replace
from datetime import UTC, datetime

import pytest

from secrets_pipeline.engine.model import ChangeClass
from secrets_pipeline.reconcilers.marks.secret_mark import Mark, MarkState, Owner
from secrets_pipeline.reconcilers.observed.secret_state import SecretState
from secrets_pipeline.reconcilers.secret.ownership import claim

OWNER = Owner("myapp-dev", "secretsmanager/api", "api_key")
STATE = SecretState(name="n", arn="a")
DELETED = replace(STATE, deleted_at=datetime(2026, 1, 1, tzinfo=UTC))
OURS = Mark(MarkState.FINISHED, OWNER)
OTHER_STACK = Mark(MarkState.FINISHED, Owner("myapp-prod", "c", "k"))
FORGED = Mark(MarkState.FORGED, OWNER)
UNMARKED = Mark(MarkState.UNMARKED)


@pytest.mark.parametrize(
    ("state", "mark", "adopt", "expected"),
    [
        (None, None, False, ChangeClass.CREATE),
        (STATE, OURS, False, ChangeClass.NONE),
        (DELETED, OURS, False, ChangeClass.RESTORE),
        (STATE, UNMARKED, False, ChangeClass.BLOCKED),
        (STATE, UNMARKED, True, ChangeClass.ADOPT),
        (DELETED, UNMARKED, False, ChangeClass.BLOCKED),
        (DELETED, UNMARKED, True, ChangeClass.ADOPT),
        (STATE, FORGED, True, ChangeClass.BLOCKED),
        (DELETED, FORGED, True, ChangeClass.BLOCKED),
        (STATE, OTHER_STACK, True, ChangeClass.BLOCKED),
        (replace(STATE, owning_service="rds"), OURS, True, ChangeClass.BLOCKED),
        (replace(STATE, owning_service="rds"), UNMARKED, True, ChangeClass.BLOCKED),
        (replace(STATE, primary_region="eu-west-1"), UNMARKED, True, ChangeClass.BLOCKED),
        (replace(STATE, primary_region="eu-west-1"), OURS, True, ChangeClass.BLOCKED),
    ],
)
def test_ownership_decides_what_may_happen(
    state: SecretState | None, mark: Mark | None, adopt: bool, expected: ChangeClass
) -> None:
    action, why = claim(state, mark, OWNER, adopt=adopt)
    assert action is expected
    assert bool(why) is (expected is not ChangeClass.NONE)


def test_a_blocked_secret_says_what_unblocks_it() -> None:
    _, why = claim(STATE, UNMARKED, OWNER, adopt=False)
    assert "`apply -s myapp-dev --adopt n` takes it over" in str(why)


def test_a_secret_that_moved_between_components_of_its_stack_stays_ours() -> None:
    moved = Mark(MarkState.FINISHED, Owner("myapp-dev", "secretsmanager/old", "api_key"))
    assert claim(STATE, moved, OWNER, adopt=False)[0] is ChangeClass.NONE
