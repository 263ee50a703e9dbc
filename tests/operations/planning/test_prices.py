"""What a plan says that it costs."""

from __future__ import annotations

import pytest

from secrets_pipeline.engine.model import Change, ChangeClass, Resource
from secrets_pipeline.operations.planning.prices import Costs


def change(kind: str, action: ChangeClass, quantity: int = 1) -> Change:
    return Change(Resource(kind, "a"), action, quantity=quantity)


CREATE = ChangeClass.CREATE
RDS = "what RDS charges for the instance class and storage of"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            [change("kms-key", CREATE), change("kms-key", CREATE), change("secret", CREATE), change("secret", CREATE)],
            "2.80",
        ),
        ([change("secret", ChangeClass.RESTORE), change("replica", ChangeClass.REPLICATE, 2)], "1.20"),
        ([change("secret", ChangeClass.ADOPT), change("secret", ChangeClass.UPDATE), change("outputs", CREATE)], ""),
        ([change("secret", ChangeClass.BLOCKED), change("kms-key", ChangeClass.ORPHAN)], ""),
    ],
)
def test_only_what_is_made_costs_more(changes: list[Change], said: str) -> None:
    whole = f"costs about ${said} a month more (list price of us-east-1)" if said else ""
    assert str(Costs.of(changes)) == whole


def test_what_is_deleted_costs_less() -> None:
    costs = Costs.of([change("secret", ChangeClass.PRUNE), change("kms-key", ChangeClass.PRUNE)])
    assert (costs.dollars, str(costs)) == (-1.4, "costs about $1.40 a month less (list price of us-east-1)")


def test_a_database_has_no_number_of_its_own() -> None:
    database = change("database", CREATE)
    assert str(Costs.of([database])) == f"costs {RDS} the database"
    both = str(Costs.of([database, database, change("kms-key", CREATE)]))
    assert both == f"costs about $1.00 a month more (list price of us-east-1), and {RDS} 2 databases"
