"""Resource policies: made, changed, removed, and read only where there is a reason to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline.desired.settings.grants import GrantRule
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.model import Applied, Change, ChangeClass, Failed, Skipped, Unchanged
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.secret_policy.reconciler import SecretPolicyReconciler
from secrets_pipeline.reconcilers.stack import Stack
from tests.bench import said
from tests.statements import TLS_ONLY

if TYPE_CHECKING:
    from tests.bench import Bench

STAGE = "secret_policies"
READER = "arn:aws:iam::444455556666:role/reports"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
OF_KEYS = {"StringEquals": {"kms:CallerAccount": "111122223333"}}
"""Narrows a key's policy; Secrets Manager does not know it, and calls the statement public."""


def statement(**more: object) -> dict[str, Any]:
    return {"Sid": "Tls", **TLS_ONLY, **more}


def spec_with(bench: Bench, *statements: dict[str, Any], readers: tuple[str, ...] = ()) -> StackSpec:
    return bench.spec(bench.declared(policy=statements, readers=readers))


@pytest.fixture
def spec(bench: Bench) -> StackSpec:
    spec = spec_with(bench, statement())
    bench.provision(spec)
    return spec


def policy(bench: Bench) -> dict[str, Any] | None:
    text = bench.secrets.get_resource_policy(SecretId=bench.name("api")).get("ResourcePolicy")
    return json.loads(text) if text else None


def planned(context: Stack, *, deep: bool) -> list[Change]:
    return list(SecretPolicyReconciler(context, deep=deep).plan())


def test_declared_statements_and_foreign_readers_make_one_policy(bench: Bench) -> None:
    outcome = bench.provision(spec_with(bench, statement(), readers=(READER,)))[f"{STAGE} {bench.name('api')}"]
    assert isinstance(outcome, Applied)
    assert outcome.detail == "2 statements"
    document = policy(bench)
    assert document is not None
    assert [one["Sid"] for one in document["Statement"]] == ["Tls", "SecretsPipelineReaders"]
    assert document["Statement"][1]["Principal"] == {"AWS": [READER]}


def test_an_organisation_narrows_the_readers_and_is_a_change_of_policy(bench: Bench) -> None:
    spec = spec_with(bench, readers=(READER,))
    bench.provision(spec)
    narrowed = spec.model_copy(update={"organization_id": "o-a1b2c3d4e5"})
    assert said(bench.plan(narrowed, STAGE)[bench.name("api")]) == ("policy differs",)
    bench.provision(narrowed)
    document = policy(bench)
    assert document is not None
    assert document["Statement"][0]["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}
    assert {type(one) for one in bench.provision(narrowed).values()} == {Unchanged}


def test_a_changed_policy_is_put_again_and_a_removed_one_is_deleted(bench: Bench, spec: StackSpec) -> None:
    changed = spec_with(bench, statement(Sid="Other"))
    change = bench.plan(changed, STAGE)[bench.name("api")]
    assert said(change) == ("policy differs",)
    assert change.lets_read == ()
    bench.provision(changed)
    document = policy(bench)
    assert document is not None
    assert document["Statement"][0]["Sid"] == "Other"
    removed = spec_with(bench)
    assert said(bench.plan(removed, STAGE)[bench.name("api")]) == ("policy is not declared",)
    bench.provision(removed)
    assert policy(bench) is None
    assert {type(one) for one in bench.provision(removed).values()} == {Unchanged}


def test_a_reader_that_was_deleted_and_made_anew_gets_in_again(bench: Bench) -> None:
    iam, name = bench.session.client("iam"), bench.name("reader").replace("/", "-")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    spec = spec_with(bench, statement(), readers=(arn,))
    bench.provision(spec)
    iam.delete_role(RoleName=name)
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
    before = policy(bench)
    assert before is not None
    assert before["Statement"][1]["Principal"] != {"AWS": [arn]}
    [change] = planned(bench.context(spec, writing=False), deep=True)
    assert (change.action, change.reason, change.drift) == (
        ChangeClass.UPDATE,
        "changed outside: policy differs",
        True,
    )
    assert isinstance(bench.run(SecretPolicyReconciler(bench.context(spec), deep=True))[bench.name("api")], Applied)
    after = policy(bench)
    assert after is not None
    assert after["Statement"][1]["Principal"] == {"AWS": [arn]}


def test_a_finished_policy_is_not_read_by_a_shallow_plan_and_its_drift_is_seen_by_a_deep_one(
    bench: Bench, spec: StackSpec
) -> None:
    name = bench.name("api")
    bench.secrets.delete_resource_policy(SecretId=name)
    bench.reset_calls()
    (shallow,) = planned(bench.context(spec, writing=False), deep=False)
    assert (shallow.action, shallow.reason) == (ChangeClass.NONE, "not read: `verify` and `plan --deep` do")
    assert bench.calls()["GetResourcePolicy"] == 0
    (deep,) = planned(bench.context(spec, writing=False), deep=True)
    assert (deep.action, deep.reason, deep.drift) == (ChangeClass.CREATE, "changed outside: no policy yet", True)
    assert bench.calls()["GetResourcePolicy"] == 1
    reconciler = SecretPolicyReconciler(bench.context(spec), deep=True)
    assert isinstance(bench.run(reconciler)[name], Applied)
    assert policy(bench) is not None


def test_a_policy_that_somebody_else_put_on_a_secret_without_one_is_left_alone(bench: Bench) -> None:
    theirs = json.dumps({"Version": "2012-10-17", "Statement": [statement()]})
    bench.secrets.create_secret(Name=bench.name("api"), SecretString="declared")
    bench.secrets.put_resource_policy(SecretId=bench.name("api"), ResourcePolicy=theirs)
    spec = bench.spec(bench.declared())
    bench.provision(spec, options=ApplyOptions(adopt=("*",)))
    assert policy(bench) == json.loads(theirs)
    assert planned(bench.context(spec, writing=False), deep=True) == []


def test_a_policy_that_replaced_one_kept_at_adoption_is_ours_to_take_away(bench: Bench) -> None:
    theirs = json.dumps({"Version": "2012-10-17", "Statement": [statement()]})
    bench.secrets.create_secret(Name=bench.name("api"), SecretString="declared")
    bench.secrets.put_resource_policy(SecretId=bench.name("api"), ResourcePolicy=theirs)
    bench.provision(bench.spec(bench.declared()), options=ApplyOptions(adopt=("*",)))
    bench.provision(spec_with(bench, readers=(READER,)))
    assert (policy(bench) or {})["Statement"][0]["Principal"] == {"AWS": [READER]}
    bench.provision(bench.spec(bench.declared()))
    assert policy(bench) is None


def test_a_public_policy_is_refused_and_the_secret_is_not_finished(bench: Bench) -> None:
    public = statement(Effect="Allow", Condition=OF_KEYS)
    outcomes = bench.provision(spec_with(bench, public))
    failed = outcomes[f"{STAGE} {bench.name('api')}"]
    assert isinstance(failed, Failed)
    assert "PublicPolicyException" in failed.error.message
    assert "name the principals" in failed.error.remedy
    assert policy(bench) is None
    unfinished = outcomes[f"commit {bench.name('api')}"]
    assert isinstance(unfinished, Skipped)
    assert unfinished.reason == "not finished: policy"


def test_a_policy_that_waits_says_for_what(bench: Bench) -> None:
    late = statement(Principal={"AWS": bench.late("${output.rds.instance_arn}")})
    spec = bench.spec(bench.declared(policy=(late,)), databases=(bench.database(),))
    assert bench.plan(spec, STAGE)[bench.name("api")].reason == f"waits: RDS instance {bench.stack} does not exist yet"
    outcome = bench.provision(spec, "secrets", STAGE)[f"{STAGE} {bench.name('api')}"]
    assert isinstance(outcome, Skipped)


def test_a_policy_that_turns_out_to_let_others_in_waits_for_a_grant(bench: Bench) -> None:
    late = statement(Effect="Allow", Principal={"AWS": bench.late("${ssm:/" + bench.stack + "}")})
    bench.ssm.put_parameter(Name=f"/{bench.stack}", Value="arn:aws:iam::444455556666:role/thief", Type="String")
    spec, name = bench.spec(bench.declared(policy=(late,))), bench.name("api")
    nobody = OperatorSettings(grants=(GrantRule(parameters=("*",)),))
    outcome = bench.provision(spec, "secrets", STAGE, settings=nobody)[f"{STAGE} {name}"]
    assert isinstance(outcome, Skipped)
    assert "lets in arn:aws:iam::444455556666:role/thief, and no grant of the operator names it" in outcome.reason
    assert "ResourcePolicy" not in bench.secrets.get_resource_policy(SecretId=name)
    assert isinstance(bench.provision(spec, STAGE)[f"{STAGE} {name}"], Applied)


def test_the_order_of_a_policys_lists_is_no_difference(bench: Bench) -> None:
    actions = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
    spec = spec_with(bench, statement(Action=actions))
    bench.provision(spec)
    other = spec_with(bench, statement(Action=actions[::-1]))
    assert planned(bench.context(other, writing=False), deep=True)[0].action is ChangeClass.NONE


def test_a_policy_kept_at_adoption_is_still_theirs_after_a_declared_one_that_was_refused(bench: Bench) -> None:
    theirs = json.dumps({"Version": "2012-10-17", "Statement": [statement(Sid="Theirs")]})
    bench.secrets.create_secret(Name=bench.name("api"), SecretString="{}")
    bench.secrets.put_resource_policy(SecretId=bench.name("api"), ResourcePolicy=theirs)
    plain = bench.spec(bench.declared())
    bench.provision(plain, options=ApplyOptions(adopt=("*",)))
    public = statement(Effect="Allow", Condition=OF_KEYS)
    assert isinstance(bench.provision(spec_with(bench, public))[f"{STAGE} {bench.name('api')}"], Failed)
    bench.provision(plain)
    kept = bench.secrets.get_resource_policy(SecretId=bench.name("api"))["ResourcePolicy"]
    assert json.loads(kept) == json.loads(theirs)
    assert {type(one) for one in bench.provision(plain).values()} == {Unchanged}
