"""Databases are created once, found where others made them, and never taken over unasked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.engine.model import Applied, ChangeClass, Failed, Skipped, Unchanged
from secrets_pipeline.operations.mark_checks import marks_verify
from secrets_pipeline.operations.stages import STAGES
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.finding import Verdict
from secrets_pipeline.reconcilers.tag_keys import COMPONENT, PASSWORD, SPEC, STACK
from tests.bench import said
from tests.databases import logs_in
from tests.waiting import WAITER

if TYPE_CHECKING:
    from mypy_boto3_rds.type_defs import DBInstanceTypeDef

    from tests.bench import Bench, Interruption

STAGE = "rds_instances"
THEIRS = "a-password-of-theirs"
OFFLINE = OperatorSettings(database_logins=False)
"""The embedded AWS keeps records of MySQL: nobody answers there."""


def instance(bench: Bench, identifier: str = "") -> DBInstanceTypeDef:
    return bench.rds.describe_db_instances(DBInstanceIdentifier=identifier or bench.stack)["DBInstances"][0]


def tags(bench: Bench) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in instance(bench)["TagList"]}


def logged_in(bench: Bench, password: str) -> bool:
    endpoint = instance(bench)["Endpoint"]
    return logs_in(endpoint["Address"], endpoint["Port"], "owner", password, "postgres")


def made_by_terraform(bench: Bench, **settings: object) -> None:
    given: dict[str, Any] = {
        "DBInstanceIdentifier": bench.stack,
        "Engine": "postgres",
        "DBInstanceClass": "db.t4g.micro",
        "AllocatedStorage": 20,
        "MasterUsername": "owner",
        "MasterUserPassword": THEIRS,
        **settings,
    }
    bench.rds.create_db_instance(**{name: value for name, value in given.items() if value is not None})
    bench.rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=bench.stack, WaiterConfig=WAITER)


def adopting(bench: Bench) -> ApplyOptions:
    return ApplyOptions(adopt=(bench.stack,))


def test_a_found_instance_that_nobody_handed_over_gets_no_password_and_is_not_looked_at(bench: Bench) -> None:
    made_by_terraform(bench)
    spec = bench.spec(bench.generated(), databases=(bench.database(create=False),))
    bench.reset_calls()
    outcomes = bench.provision(spec, options=ApplyOptions(adopt=("another", bench.name("password"))))
    for stage in (STAGE, "rds_endpoints"):
        outcome = outcomes[f"{stage} {bench.stack}"]
        assert isinstance(outcome, Skipped)
        assert outcome.reason == (
            f"exists without our tags: `apply -s {bench.stack} --adopt {bench.stack}` takes it over and may set its "
            "master password, or let a grant of the operator or its own tag secrets-pipeline:allow name it"
        )
    assert (bench.calls("rds")["ModifyDBInstance"], bench.calls("rds")["AddTagsToResource"]) == (0, 0)
    assert tags(bench) == {}
    assert logged_in(bench, THEIRS)


def test_a_found_instance_is_adopted_by_name_once_and_left_as_it_is_but_for_tags_and_password(bench: Bench) -> None:
    made_by_terraform(bench)
    database = bench.database(create=False, tags={"Team": "orders"})
    spec = bench.spec(bench.generated(), databases=(database,))
    change = bench.plan(spec, STAGE, options=adopting(bench))[bench.stack]
    assert (change.action, said(change)[0]) == (ChangeClass.ADOPT, "exists without a mark of ours")
    assert change.resource.component == database.component
    bench.reset_calls()
    bench.provision(spec, options=adopting(bench))
    assert bench.calls("rds")["ModifyDBInstance"] == 1
    assert set(tags(bench)) == {PASSWORD, STACK, COMPONENT, SPEC}
    assert bench.plan(spec, STAGE)[bench.stack].reason == "found"
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_a_stack_tag_that_no_mark_proves_makes_nothing_ours(bench: Bench) -> None:
    made_by_terraform(bench, Tags=[{"Key": STACK, "Value": bench.stack}, {"Key": COMPONENT, "Value": "rds"}])
    for create in (True, False):
        spec = bench.spec(bench.generated(), databases=(bench.database(create=create),))
        change = bench.plan(spec, STAGE)[bench.stack]
        assert change.action is ChangeClass.BLOCKED
        assert "and no mark that proves it, as older versions left it: `apply -s" in change.reason
    bench.provision(spec, options=adopting(bench))
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_a_mark_that_was_copied_from_another_database_is_blocked_even_where_adoption_is_asked(bench: Bench) -> None:
    other = bench.another()
    other.create(other.generated(), databases=(other.database(),))
    copied = {**tags(other), STACK: bench.stack}
    made_by_terraform(bench, Tags=[{"Key": key, "Value": value} for key, value in copied.items()])
    spec = bench.spec(bench.generated(), databases=(bench.database(create=False),))
    bench.reset_calls()
    outcomes = bench.provision(spec, options=adopting(bench))
    outcome = outcomes[f"{STAGE} {bench.stack}"]
    assert isinstance(outcome, Skipped)
    assert "its mark does not verify: find out who tagged it" in outcome.reason
    assert bench.calls("rds")["ModifyDBInstance"] == 0
    (found,) = [one for one in marks_verify(bench.context(spec)) if one.name == f"database {bench.stack}"]
    assert found.verdict is Verdict.WRONG


def test_an_instance_of_another_repository_is_blocked_until_it_is_adopted_and_then_no_more_theirs(bench: Bench) -> None:
    spec = bench.spec(bench.generated(), databases=(bench.database(),))
    bench.provision(spec, repository="theirs")
    change = bench.plan(spec, STAGE, repository="ours")[bench.stack]
    assert change.action is ChangeClass.BLOCKED
    assert change.reason.startswith(f"belongs to stack {bench.stack} of repository theirs: `apply -s")
    assert bench.plan(spec, STAGE)[bench.stack].reason.endswith("as this repository has no id")
    bench.provision(spec, repository="ours", options=ApplyOptions(adopt=("*",)))
    assert bench.plan(spec, STAGE, repository="ours")[bench.stack].action is ChangeClass.BLOCKED
    named = (bench.stack, bench.name("password"), f"/secrets-pipeline/{bench.stack}")
    bench.provision(spec, repository="ours", options=ApplyOptions(adopt=named))
    assert {type(one) for one in bench.provision(spec, repository="ours").values()} == {Unchanged}
    assert bench.plan(spec, STAGE, repository="theirs")[bench.stack].action is ChangeClass.BLOCKED


def test_a_mark_of_our_instance_from_before_the_repository_had_an_id_is_written_anew(bench: Bench) -> None:
    spec = bench.create(bench.generated(), databases=(bench.database(),))
    change = bench.plan(spec, STAGE, repository="ours")[bench.stack]
    assert (change.action, said(change)[0]) == (ChangeClass.UPDATE, "its mark does not name the repository yet")
    bench.provision(spec, repository="ours")
    assert {type(one) for one in bench.provision(spec, repository="ours").values()} == {Unchanged}


@pytest.mark.parametrize(("engine", "name", "dbname"), [("postgres", None, "postgres"), ("mysql", "shop", "shop")])
def test_what_a_found_instance_is_called_comes_back_into_its_credentials(
    bench: Bench, engine: str, name: str | None, dbname: str
) -> None:
    made_by_terraform(bench, Engine=engine, DBName=name)
    fields = {"username": "${output.rds.username}", "dbname": "${output.rds.db_name}", "port": "${output.rds.port}"}
    spec = bench.spec(
        bench.generated(fields=fields), databases=(bench.database(create=False, engine=engine, db_name=None),)
    )
    bench.provision(spec, settings=OFFLINE, options=adopting(bench))
    port = instance(bench)["Endpoint"]["Port"]
    document = bench.document("password")
    assert (document["username"], document["dbname"], document["port"]) == ("owner", dbname, port)


def test_a_database_of_mysql_without_a_name_leaves_it_out_of_its_credentials(bench: Bench) -> None:
    made_by_terraform(bench, Engine="mysql")
    spec = bench.spec(
        bench.generated(fields={"username": "owner", "dbname": "${output.rds.db_name}"}),
        databases=(bench.database(create=False, engine="mysql", db_name=None),),
    )
    bench.provision(spec, settings=OFFLINE, options=adopting(bench))
    assert set(bench.document("password")) == {"username", "password"}
    assert {type(one) for one in bench.provision(spec, settings=OFFLINE).values()} == {Unchanged}


def test_an_instance_of_that_name_that_we_did_not_create_is_blocked_and_nothing_of_it_is_used(bench: Bench) -> None:
    made_by_terraform(bench)
    url = "postgresql://owner@${output.rds.endpoint}/orders"
    spec = bench.spec(bench.generated(), bench.declared("url", url, needs_endpoint=True), databases=(bench.database(),))
    change = bench.plan(spec, STAGE)[bench.stack]
    assert change.action is ChangeClass.BLOCKED
    assert change.reason == (
        f"exists without our tags: `apply -s {bench.stack} --adopt {bench.stack}` takes it over and may set its master "
        "password"
    )
    bench.reset_calls()
    outcomes = bench.provision(spec)
    assert isinstance(outcomes[f"rds_endpoints {bench.stack}"], Skipped)
    waiting = outcomes[f"connection_secrets {bench.name('url')}"]
    assert isinstance(waiting, Skipped)
    assert "exists without our tags" in waiting.reason
    assert (bench.calls("rds")["ModifyDBInstance"], bench.calls("rds")["AddTagsToResource"]) == (0, 0)
    assert tags(bench) == {}


def test_adopting_takes_an_instance_over_and_sets_its_password(bench: Bench) -> None:
    made_by_terraform(bench)
    spec = bench.spec(bench.generated(), databases=(bench.database(),))
    adopt = adopting(bench)
    change = bench.plan(spec, STAGE, options=adopt)[bench.stack]
    assert (change.action, said(change)[0]) == (ChangeClass.ADOPT, "exists without a mark of ours")
    assert bench.plan(spec, "rds_endpoints", options=adopt)[bench.stack].reason == "follows when it is adopted"
    outcomes = bench.provision(spec, options=adopt)
    assert isinstance(outcomes[f"rds_endpoints {bench.stack}"], Applied)
    assert tags(bench)[STACK] == bench.stack
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_an_instance_of_another_stack_is_blocked_with_its_password_but_may_be_looked_at(bench: Bench) -> None:
    spec = bench.create(bench.generated(), databases=(bench.database(),))
    other = spec.model_copy(update={"stack": f"{bench.stack}-other", "secrets": ()})
    for create in (True, False):
        theirs = other.model_copy(update={"databases": (bench.database(create=create),)})
        change = bench.plan(theirs, STAGE)[bench.stack]
        assert change.action is ChangeClass.BLOCKED
        assert change.reason.startswith(f"belongs to stack {bench.stack}: `apply -s {theirs.stack} --adopt")
        both = STAGES[STAGE](bench.context(theirs, spec, writing=False, options=adopting(bench))).plan()[0]
        assert both.reason.startswith(f"belongs to stack {bench.stack}: take it out of that stack first")
    looked_at = other.model_copy(update={"databases": (bench.database(create=False, password=None),)})
    assert bench.plan(looked_at, STAGE)[bench.stack].reason == "found"
    endpoint = bench.context(looked_at).resolve.text(bench.late("${output.rds.endpoint}"))
    assert endpoint == f"127.0.0.1:{instance(bench)['Endpoint']['Port']}"


def test_a_missing_instance_is_blocked_with_what_to_do(bench: Bench) -> None:
    spec = bench.spec(databases=(bench.database(create=False),))
    change = bench.plan(spec, STAGE)[bench.stack]
    assert change.action is ChangeClass.BLOCKED
    assert change.reason == (
        "does not exist: write settings: {secrets_pipeline: {identifier: NAME}} under components.terraform.rds, or "
        "apply the component with Terraform first"
    )


def test_tags_of_our_instance_are_repaired(bench: Bench) -> None:
    bench.create(bench.generated(), databases=(bench.database(),))
    edited = bench.spec(bench.generated(), databases=(bench.database(tags={"Team": "orders"}),))
    assert bench.plan(edited, STAGE)[bench.stack].reason == "tag Team differs"
    bench.provision(edited, STAGE)
    assert tags(bench)["Team"] == "orders"
    assert PASSWORD in tags(bench)


def test_an_instance_that_is_not_what_the_stack_says_is_blocked(bench: Bench) -> None:
    made_by_terraform(bench)
    reasons: list[tuple[dict[str, str], str]] = [
        ({"engine": "mysql"}, "has engine postgres, but the stack says mysql: write engine: postgres"),
        ({"username": "app"}, "has the master user owner, but the stack says app: write what it has"),
        ({"engine": "aurora-postgresql"}, "is an RDS instance, not an Aurora cluster: write engine: postgres"),
    ]
    bench.reset_calls()
    for declared, reason in reasons:
        database = bench.database(create=False).model_copy(update=declared)
        spec = bench.spec(bench.generated(), databases=(database,))
        assert bench.plan(spec, STAGE)[bench.stack].reason == reason
        assert isinstance(bench.provision(spec)[f"rds_endpoints {bench.stack}"], Skipped)
    assert bench.calls("rds")["ModifyDBInstance"] == 0


def test_a_password_that_rds_keeps_is_not_set_beside_it(bench: Bench) -> None:
    made_by_terraform(bench, MasterUserPassword=None, ManageMasterUserPassword=True)
    spec = bench.spec(bench.generated(), databases=(bench.database(create=False),))
    change = bench.plan(spec, STAGE)[bench.stack]
    assert (change.action, change.reason) == (
        ChangeClass.BLOCKED,
        "keeps its master password in a secret of RDS: write manage_master_user_password: true, and no password",
    )


def test_the_secret_of_a_found_instance_that_rds_manages_is_named_and_never_written(bench: Bench) -> None:
    made_by_terraform(bench, MasterUserPassword=None, ManageMasterUserPassword=True)
    spec = bench.create(
        bench.declared("arn", "${output.rds.master_user_secret_arn}", needs_endpoint=True),
        databases=(bench.database(create=False, password=None),),
    )
    arn = instance(bench)["MasterUserSecret"]["SecretArn"]
    assert bench.value("arn") == arn
    assert len(bench.secrets.describe_secret(SecretId=arn)["VersionIdsToStages"]) == 1
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_wherever_a_run_is_killed_while_it_creates_the_next_one_finishes(
    bench: Bench, interruption: Interruption, killed: type[BaseException]
) -> None:
    for edge in ("before", "after"):
        own = bench.another()
        spec = own.spec(own.generated(), databases=(own.database(),))

        def strike(operation: str) -> None:
            if operation == "CreateDBInstance":
                raise killed

        interruption.before = interruption.after = lambda _operation: None
        setattr(interruption, edge, strike)
        with pytest.raises(killed):
            own.provision(spec, interruption=interruption)
        outcomes = own.provision(spec)
        assert isinstance(outcomes[f"rds_endpoints {own.stack}"], Applied)
        assert {type(one) for one in own.provision(spec).values()} == {Unchanged}


def test_an_instance_that_somebody_creates_meanwhile_is_not_taken_for_ours(
    bench: Bench, interruption: Interruption
) -> None:
    spec = bench.spec(bench.generated(), databases=(bench.database(),))

    def quicker(operation: str) -> None:
        if operation == "CreateDBInstance":
            made_by_terraform(bench)

    interruption.before = quicker
    outcome = bench.provision(spec, "secrets", STAGE, interruption=interruption)[f"{STAGE} {bench.stack}"]
    assert isinstance(outcome, Skipped)
    assert "exists without our tags" in outcome.reason


def test_what_rds_refuses_fails_without_its_text_and_the_password_in_it(bench: Bench) -> None:
    database = bench.database().model_copy(update={"username": "rdsadmin"})
    spec = bench.spec(bench.generated(), databases=(database,))
    outcome = bench.provision(spec, "secrets", STAGE)[f"{STAGE} {bench.stack}"]
    assert isinstance(outcome, Failed)
    assert "CreateDBInstance" in outcome.error.message
    assert bench.value("password") not in outcome.error.diagnostics()
