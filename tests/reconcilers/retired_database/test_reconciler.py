"""Databases of a stack that is taken down are listed, with how they are deleted, and never deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secrets_pipeline.engine.model import ChangeClass, Skipped
from secrets_pipeline.operations.decommission.retire import taken_down
from secrets_pipeline.operations.stages import STAGES
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.database.mark import database_tags
from secrets_pipeline.reconcilers.observed.tags import tag_list
from secrets_pipeline.reconcilers.tag_keys import STACK
from tests.bench import said

if TYPE_CHECKING:
    from tests.bench import Bench

STAGE = "rds_instances"


def made(bench: Bench, identifier: str, tags: dict[str, str]) -> None:
    bench.rds.create_db_instance(
        DBInstanceIdentifier=identifier,
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="owner",
        MasterUserPassword="not-a-secret-of-ours",
        Tags=tag_list(tags),
    )


def test_a_database_is_listed_with_the_commands_that_delete_it_and_stays(bench: Bench) -> None:
    spec = bench.spec(databases=(bench.database(password=None),))
    bench.service_keys(spec)
    context = bench.context(spec)
    made(bench, bench.stack, database_tags(context, spec.databases[0]))
    # Whoever may tag could have written the stack's name.
    made(bench, f"{bench.stack}-other", {STACK: bench.stack})
    gone, prune = taken_down(spec), ApplyOptions(prune=True)
    planned = bench.plan(gone, STAGE, options=prune)
    assert {name: change.action for name, change in planned.items()} == {bench.stack: ChangeClass.ORPHAN}
    (text,) = said(planned[bench.stack])
    assert "the pipeline deletes no database" in text
    assert f"--db-instance-identifier {bench.stack} --no-deletion-protection" in text
    assert f"--final-db-snapshot-identifier {bench.stack}-final" in text
    outcomes = bench.run(STAGES[STAGE](bench.context(gone, options=prune)))
    assert isinstance(outcomes[bench.stack], Skipped)
    there = bench.rds.describe_db_instances()["DBInstances"]
    assert {one["DBInstanceIdentifier"] for one in there} >= {bench.stack, f"{bench.stack}-other"}
    # Another stack of the repository may have taken it over.
    other = bench.another().spec(databases=(bench.database(password=None),))
    assert bench.context(gone, other, writing=False).ownership.repository.specs.keys() == {spec.stack, other.stack}
    assert STAGES[STAGE](bench.context(gone, other, writing=False)).plan() == []
