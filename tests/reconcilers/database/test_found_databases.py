"""A database that no YAML names is looked at where it is proven; its password is set for whoever may alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline.desired.boundary import ALLOW_TAG
from secrets_pipeline.desired.database.model import DatabaseSpec, DatabaseTraits
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.engine.model import Applied, ChangeClass, Skipped, Unchanged
from secrets_pipeline.operations.stages import STAGES
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.database.followed import followed, serving
from secrets_pipeline.reconcilers.database.login_place import trust_at
from secrets_pipeline.reconcilers.tag_keys import COMPONENT, SPEC, STACK
from tests.databases import logs_in
from tests.waiting import WAITER

if TYPE_CHECKING:
    from secrets_pipeline.desired.stack import StackSpec
    from tests.bench import Bench

STAGE = "rds_instances"
ROW = "rds"
THEIRS = "a-password-of-theirs"
OFFLINE = OperatorSettings(database_logins=False)


def unnamed(bench: Bench, **more: object) -> DatabaseSpec:
    """The database of the component `rds`, which Terraform calls as the stack or tags with its labels."""
    traits = DatabaseTraits(
        stack=bench.stack,
        component="rds",
        names=(bench.stack,),
        labels={"Stage": (bench.stack,)},
        words=tuple(sorted({*bench.stack.split("-"), "orders"})),
        own_words=("orders",),
        telling_words=tuple(sorted(bench.stack.split("-"))),
    )
    given = {"create": False, "engine": "mysql", "db_name": None, **more}
    return bench.database(**given).model_copy(update={"identifier": None, "traits": traits})


def labels(bench: Bench) -> dict[str, str]:
    return {"Stage": bench.stack, "Name": f"{bench.stack}-orders"}


def make(bench: Bench, identifier: str, tags: dict[str, str] | None = None, engine: str = "mysql") -> dict[str, Any]:
    bench.rds.create_db_instance(
        DBInstanceIdentifier=identifier,
        Engine=engine,
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        MasterUsername="owner",
        MasterUserPassword=THEIRS,
        Tags=[{"Key": key, "Value": value} for key, value in (tags or {}).items()],
    )
    bench.rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=identifier, WaiterConfig=WAITER)
    return instance(bench, identifier)


def instance(bench: Bench, identifier: str) -> dict[str, Any]:
    return dict(bench.rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0])


def tags_of(bench: Bench, identifier: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in instance(bench, identifier)["TagList"]}


def claiming(bench: Bench, **more: object) -> StackSpec:
    return bench.spec(bench.generated(), databases=(unnamed(bench, **more),))


def reason(bench: Bench, spec: StackSpec, **how: Any) -> str:  # noqa: ANN401 - as `Bench.plan` has it
    change = bench.plan(spec, STAGE, **how)[ROW]
    assert change.action is ChangeClass.BLOCKED
    return change.reason


@pytest.mark.parametrize("by", ["its identifier", "its tags"])
def test_a_database_that_is_only_looked_at_is_found_and_its_endpoint_handed_out(bench: Bench, by: str) -> None:
    name = bench.stack if by == "its identifier" else f"{bench.stack}-by-hand"
    made = make(bench, name, None if by == "its identifier" else labels(bench))
    spec = bench.spec(databases=(unnamed(bench, password=None),))
    assert bench.plan(spec, STAGE)[ROW].reason == f"found: {name}, by {by}"
    context = bench.context(spec)
    port = made["Endpoint"]["Port"]
    assert context.resolve.text(bench.late("${output.rds.endpoint}")) == f"{made['Endpoint']['Address']}:{port}"
    assert set(serving(spec, context.observed.databases)) == {name}
    outcomes = bench.run(STAGES["rds_endpoints"](context))
    assert set(followed(context, outcomes.values())) == {name}


def test_a_password_is_set_only_after_an_adoption_by_the_whole_name_of_the_database(bench: Bench) -> None:
    make(bench, bench.stack, engine="postgres")
    spec = claiming(bench, engine="postgres")
    assert reason(bench, spec).startswith(f"exists without our tags: `apply -s {bench.stack} --adopt {bench.stack}`")
    bench.reset_calls()
    for adopt in ((), ("*",), (ROW,)):
        outcomes = bench.provision(spec, options=ApplyOptions(adopt=adopt))
        assert isinstance(outcomes[f"{STAGE} {ROW}"], Skipped)
    assert (bench.calls("rds")["ModifyDBInstance"], tags_of(bench, bench.stack)) == (0, {})
    outcomes = bench.provision(spec, options=ApplyOptions(adopt=(bench.stack,)))
    assert isinstance(outcomes[f"rds_endpoints {ROW}"], Applied)
    assert {STACK, COMPONENT, SPEC} <= set(tags_of(bench, bench.stack))
    at = instance(bench, bench.stack)["Endpoint"]
    assert not logs_in(at["Address"], at["Port"], "owner", THEIRS, "postgres")
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_tags_alone_never_let_a_password_be_set_whatever_is_adopted_granted_or_tagged(bench: Bench) -> None:
    name = f"{bench.stack}-of-a-team"
    make(bench, name, {**labels(bench), ALLOW_TAG: bench.stack})
    spec = claiming(bench)
    assert reason(bench, spec) == (
        "was found by its tags alone: write settings: {secrets_pipeline: {identifier: "
        f"{name}}}}} under components.terraform.rds to set its password"
    )
    bench.reset_calls()
    outcomes = bench.provision(spec, settings=OFFLINE, options=ApplyOptions(adopt=(name, "*")))
    assert isinstance(outcomes[f"{STAGE} {ROW}"], Skipped)
    assert isinstance(outcomes[f"rds_endpoints {ROW}"], Skipped)
    assert (bench.calls("rds")["ModifyDBInstance"], bench.calls("rds")["AddTagsToResource"]) == (0, 0)


def test_neither_a_grant_nor_the_owners_tag_counts_for_a_database_that_two_stacks_could_find(bench: Bench) -> None:
    make(bench, bench.stack, {ALLOW_TAG: bench.stack})
    spec = claiming(bench)
    assert "exists without our tags" in reason(bench, spec)
    assert "grant" not in reason(bench, spec)


def test_of_two_stacks_that_find_the_same_database_only_the_one_that_adopted_it_has_it(bench: Bench) -> None:
    make(bench, bench.stack)
    first = claiming(bench)
    bench.provision(first, settings=OFFLINE, options=ApplyOptions(adopt=(bench.stack,)))
    second = first.model_copy(update={"stack": f"{bench.stack}-other", "secrets": ()})
    found = second.databases[0].traits.model_copy(update={"stack": second.stack})
    database = second.databases[0].model_copy(update={"traits": found})
    second = second.model_copy(update={"databases": (database,)})
    for adopt in ((), (bench.stack,)):
        why = bench.plan(second, STAGE, options=ApplyOptions(adopt=adopt))[ROW]
        assert why.action is ChangeClass.BLOCKED
        assert f"it carries the tag of stack {bench.stack}" in why.reason
    looked_at = second.model_copy(update={"databases": (database.model_copy(update={"password": None}),)})
    assert bench.plan(looked_at, STAGE)[ROW].action is ChangeClass.BLOCKED


def test_a_database_that_is_ours_by_its_mark_stays_ours_when_a_second_one_matches(bench: Bench) -> None:
    make(bench, bench.stack, labels(bench))
    spec = claiming(bench)
    bench.provision(spec, settings=OFFLINE, options=ApplyOptions(adopt=(bench.stack,)))
    copied = {**tags_of(bench, bench.stack), **labels(bench)}
    make(bench, f"{bench.stack}-planted", copied)
    bench.reset_calls()
    assert {type(one) for one in bench.provision(spec, settings=OFFLINE).values()} == {Unchanged}
    context = bench.context(spec)
    found = context.observed.databases.find(spec.databases[0])
    assert found is not None
    assert found.identifier == bench.stack
    assert bench.calls("rds")["ModifyDBInstance"] == 0


def test_a_second_database_that_matches_blocks_one_that_no_mark_proves(bench: Bench) -> None:
    make(bench, bench.stack)
    spec = bench.spec(databases=(unnamed(bench, password=None),))
    assert bench.plan(spec, STAGE)[ROW].action is ChangeClass.NONE
    make(bench, f"{bench.stack}-planted", labels(bench))
    why = reason(bench, spec)
    assert "component rds names no identifier, and several databases may be meant" in why
    assert f"{bench.stack} (mysql; identifier" in why
    assert f"{bench.stack}-planted (mysql; tag Stage={bench.stack}, tag Name={bench.stack}-orders)" in why


def test_no_login_is_tried_at_a_database_that_only_tags_connect_with_the_stack(bench: Bench) -> None:
    by_tags = make(bench, f"{bench.stack}-of-a-team", labels(bench))["Endpoint"]
    spec = bench.spec(databases=(unnamed(bench, password=None),))
    untrusting = OperatorSettings()
    assert trust_at(bench.context(spec, settings=untrusting), by_tags["Address"], by_tags["Port"]) is None
    bench.rds.delete_db_instance(DBInstanceIdentifier=f"{bench.stack}-of-a-team", SkipFinalSnapshot=True)
    named = make(bench, bench.stack)["Endpoint"]
    assert trust_at(bench.context(spec, settings=untrusting), named["Address"], named["Port"]) is not None
