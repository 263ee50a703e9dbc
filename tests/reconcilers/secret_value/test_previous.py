"""A rename keeps the value: read once from the secret of the previous name, which is an orphan afterwards."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.desired.rotation.model import RotationSpec
from secrets_pipeline.emulator import StandInFunction, StandInRole, stand_in
from secrets_pipeline.engine.model import Applied, ChangeClass, Skipped, Unchanged
from secrets_pipeline.operations.stages import plan_stack
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.secret_value.generate import lacking_values
from secrets_pipeline.reconcilers.tag_keys import VALUE_VERSION
from tests.bench import ROTATES, Bench, Interruption, said

if TYPE_CHECKING:
    from secrets_pipeline.desired.secret.model import SecretSpec
    from secrets_pipeline.desired.stack import StackSpec

ROLE = "arn:aws:iam::111122223333:role/rotation-of-renamed"
PRUNE = ApplyOptions(prune=True)


def renamed(secret: SecretSpec, *, says_so: bool = True) -> SecretSpec:
    """The same secret of the same key, by another name."""
    previous = secret.name if says_so else ""
    return secret.model_copy(update={"name": f"{secret.name}-new", "previous_name": previous})


def quiet(bench: Bench, spec: StackSpec) -> bool:
    """Whether an apply has nothing more to do."""
    return {type(one) for one in bench.provision(spec).values()} <= {Unchanged, Skipped}


def test_a_generated_value_is_kept_and_the_old_secret_is_an_orphan(bench: Bench) -> None:
    bench.create(bench.generated())
    before = bench.value("password")
    spec = bench.spec(renamed(bench.generated()))
    plan = bench.plan(spec)
    assert plan[bench.name("password-new")].action is ChangeClass.CREATE
    assert said(plan[bench.name("password-new")]) == (f"keeps the value of {bench.name('password')}",)
    assert plan[bench.name("password")].action is ChangeClass.ORPHAN
    assert lacking_values(bench.context(spec, writing=False)) == ()
    made = bench.provision(spec)[f"secrets {bench.name('password-new')}"]
    assert isinstance(made, Applied)
    assert made.detail == f"value of {bench.name('password')}"
    assert bench.value("password-new") == bench.value("password") == before
    assert bench.written("password-new") == bench.current("password-new")
    bench.reset_calls()
    assert quiet(bench, spec)
    assert not {"GetSecretValue", "PutSecretValue"} & bench.calls().keys()
    assert isinstance(bench.provision(spec, options=PRUNE)[f"secrets {bench.name('password')}"], Applied)
    assert "DeletedDate" in bench.describe("password")
    assert bench.value("password-new") == before


def test_a_rename_and_a_prune_in_one_apply_lose_nothing(bench: Bench) -> None:
    bench.create(bench.generated())
    before = bench.value("password")
    spec = bench.spec(renamed(bench.generated()))
    assert {type(one) for one in bench.provision(spec, options=PRUNE).values()} <= {Applied, Unchanged}
    assert (bench.value("password-new"), "DeletedDate" in bench.describe("password")) == (before, True)


def test_what_could_not_be_made_keeps_the_old_secret_from_being_pruned(bench: Bench) -> None:
    bench.create(bench.generated())
    secret = renamed(bench.generated(kms_key=bench.late("${output.kms.key_arn}")))
    spec = bench.spec(secret, keys=(bench.key(),))
    outcome = bench.provision(spec, "secrets", options=PRUNE)
    assert isinstance(outcome[f"secrets {bench.name('password')}"], Skipped)
    assert "DeletedDate" not in bench.describe("password")


def test_killed_at_any_call_the_value_is_kept_once(bench: Bench, killed: type[BaseException]) -> None:
    for boundary in itertools.count(1, 2):  # after each call
        one, strike = bench.another(), Interruption()
        one.create(one.generated())
        before, spec = one.value("password"), one.spec(renamed(one.generated()))
        strike.kill_at(boundary)
        try:
            one.provision(spec, "secrets", interruption=strike, options=PRUNE)
        except killed:
            one.provision(spec, options=PRUNE)
            assert (one.value("password-new"), one.versions("password-new")) == (before, 1)
            assert "DeletedDate" in one.describe("password")
        else:
            break
    assert boundary > 4


def test_a_json_keeps_its_password_and_what_others_put_into_it(bench: Bench) -> None:
    fields = {"engine": "postgres", "host": "old", "username": "app"}
    bench.create(bench.generated(fields=fields))
    changed = {**bench.document("password"), "theirs": 1}
    bench.secrets.put_secret_value(SecretId=bench.name("password"), SecretString=json.dumps(changed))
    spec = bench.spec(renamed(bench.generated(fields={**fields, "host": "new"})))
    outcomes = bench.provision(spec)
    assert {type(one) for one in outcomes.values()} <= {Applied, Unchanged, Skipped}
    assert bench.document("password-new") == {**changed, "host": "new"}
    # It is complete from the first.
    assert isinstance(outcomes[f"connection_secrets {bench.name('password-new')}"], Unchanged)
    # Somebody else wrote the version that was copied.
    assert VALUE_VERSION not in bench.tags("password-new")
    assert quiet(bench, spec)


def test_a_declared_document_keeps_keys_of_others_and_a_rendered_one_what_a_rotation_made(bench: Bench) -> None:
    bench.create(bench.declared(value={"a": "one"}), bench.declared("token", "first"))
    bench.secrets.put_secret_value(SecretId=bench.name("api"), SecretString='{"a":"one","theirs":1}')
    bench.secrets.put_secret_value(SecretId=bench.name("token"), SecretString="rotated")
    again = (renamed(bench.declared(value={"a": "two"})), renamed(bench.declared("token", "first")))
    bench.provision(bench.spec(*again))
    assert bench.document("api-new") == {"a": "two", "theirs": 1}
    assert bench.value("token-new") == "rotated"


def test_a_value_of_somebody_else_is_kept_as_it_is(bench: Bench) -> None:
    bench.create(bench.external())
    bench.secrets.put_secret_value(SecretId=bench.name("vendor"), SecretBinary=b"\x00\xff")
    spec = bench.spec(renamed(bench.external()))
    assert said(bench.plan(spec)[bench.name("vendor-new")]) == (f"keeps the value of {bench.name('vendor')}",)
    bench.provision(spec)
    found = bench.secrets.get_secret_value(SecretId=bench.name("vendor-new"))
    assert found["SecretBinary"] == b"\x00\xff"
    assert VALUE_VERSION not in bench.tags("vendor-new")
    assert quiet(bench, spec)


def test_the_rotation_of_the_old_secret_ends_before_its_value_is_read(bench: Bench) -> None:
    stand_in(
        bench.aws,
        [
            StandInRole(ROLE, "lambda.amazonaws.com", policies={"rotate": json.loads(ROTATES)}),
            StandInFunction(bench.stack, ROLE, invoked_by=("secretsmanager.amazonaws.com",)),
        ],
    )
    arn = f"arn:aws:lambda:{bench.aws.region}:{bench.aws.account_id}:function:{bench.stack}"
    turning = RotationSpec(lambda_arn=arn, automatically_after_days=30)
    bench.create(bench.generated(rotation=turning))
    before, spec = bench.value("password"), bench.spec(renamed(bench.generated(rotation=turning)))
    assert {type(one) for one in bench.provision(spec).values()} <= {Applied, Unchanged, Skipped}
    assert not bench.describe("password").get("RotationEnabled")
    assert bench.describe("password-new")["RotationEnabled"]
    assert bench.value("password-new") == before
    assert quiet(bench, spec)


def test_what_is_not_ours_is_not_read_until_the_operator_names_it(bench: Bench) -> None:
    bench.secrets.create_secret(Name=bench.name("password"), SecretString="theirs")
    spec = bench.spec(renamed(bench.generated()))
    change = bench.plan(spec)[bench.name("password-new")]
    assert change.action is ChangeClass.BLOCKED
    assert f"--adopt {bench.name('password')}" in change.unblocked_by
    assert lacking_values(bench.context(spec, writing=False)) == ()
    globbed = bench.plan(spec, options=ApplyOptions(adopt=("*",)))
    assert globbed[bench.name("password-new")].action is ChangeClass.BLOCKED
    bench.provision(spec, options=ApplyOptions(adopt=(bench.name("password"),)))
    assert bench.value("password-new") == "theirs"
    assert not bench.describe("password").get("Tags")


def test_a_secret_that_is_to_be_deleted_is_restored_first(bench: Bench) -> None:
    bench.create(bench.generated())
    bench.secrets.delete_secret(SecretId=bench.name("password"), RecoveryWindowInDays=7)
    change = bench.plan(bench.spec(renamed(bench.generated())))[bench.name("password-new")]
    assert change.action is ChangeClass.BLOCKED
    assert "aws secretsmanager restore-secret" in change.unblocked_by


def test_a_previous_name_that_never_was_gives_a_new_value_and_says_so(bench: Bench) -> None:
    spec = bench.spec(renamed(bench.generated()))
    assert "does not exist: the value is new" in bench.plan(spec)[bench.name("password-new")].reason
    assert {type(one) for one in bench.provision(spec).values()} == {Applied}
    assert len(bench.value("password-new")) == 24
    assert quiet(bench, spec)


@pytest.mark.parametrize("kind", ["generated", "external", "declared"])
def test_a_rename_that_is_not_said_is_noticed_where_it_would_lose_a_value(bench: Bench, kind: str) -> None:
    secrets = {
        "generated": bench.generated("one"),
        "external": bench.external("one"),
        "declared": bench.declared("one"),
    }
    spec = bench.create(secrets[kind])
    bench.secrets.put_secret_value(SecretId=bench.name("one"), SecretString="value")
    change = bench.plan(bench.spec(renamed(spec.secrets[0], says_so=False)))[bench.name("one-new")]
    assert change.action is ChangeClass.CREATE
    assert (f"previous_name: {bench.name('one')} keeps it" in change.reason) is (kind != "declared")


def test_of_secrets_of_one_key_the_one_of_the_same_component_is_taken_for_the_renamed_one(bench: Bench) -> None:
    here, there = bench.generated("one"), bench.generated("there")
    there = there.model_copy(update={"ref": SecretRef(component="secretsmanager/other", key="one")})
    bench.create(here, there)
    change = bench.plan(bench.spec(renamed(here, says_so=False)))[bench.name("one-new")]
    assert f"previous_name: {here.name} keeps it" in change.reason


def test_a_database_accepts_the_password_under_the_new_name(bench: Bench) -> None:
    fields = {"engine": "postgres", "host": "${output.rds.address}", "username": "owner"}
    bench.create(bench.generated(fields=fields), databases=(bench.database(),))
    before = bench.document("password")
    secret = renamed(bench.generated(fields=fields))
    spec = bench.spec(secret, databases=(bench.database(),))
    bench.reset_calls()
    assert {type(one) for one in bench.provision(spec).values()} <= {Applied, Unchanged, Skipped}
    assert bench.document("password-new") == before
    assert not bench.calls("rds")["ModifyDBInstance"]
    assert quiet(bench, spec)
    stages = plan_stack(bench.context(spec, writing=False))
    assert all(change.action is not ChangeClass.UPDATE for changes in stages.values() for change in changes)
