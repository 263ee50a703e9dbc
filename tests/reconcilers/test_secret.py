"""Secrets: created in one call, compared without reading them, never taken from anybody."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.engine import Applied, ChangeClass, Failed, Skipped, Unchanged
from secrets_pipeline.reconcilers import STAGES, ApplyOptions, generate_passwords, plan_stack
from secrets_pipeline.reconcilers.marks import (
    COMPONENT,
    INPUTS,
    KEY,
    SPEC,
    STACK,
    VALUE_KEY,
    VALUE_VERSION,
    MarkState,
)
from secrets_pipeline.spec import LambdaDelivery

if TYPE_CHECKING:
    from tests.reconcilers.conftest import Bench, Interruption

READS = ("Describe", "List", "Get")


# creating


def test_a_secret_is_created_by_one_call_with_its_identity_and_a_provisional_mark(bench: Bench) -> None:
    spec = bench.spec(bench.generated(description="master", tags={"Team": "orders"}))
    bench.reset_calls()
    outcome = bench.provision(spec, "secrets")[f"secrets {bench.name('password')}"]
    assert bench.calls() == {"ListSecrets": 2, "CreateSecret": 1}
    assert isinstance(outcome, Applied)
    assert outcome.detail == "generated password"
    tags = bench.tags("password")
    assert (tags[STACK], tags[COMPONENT], tags[KEY]) == (bench.stack, "secrets", "password")
    assert tags["Team"] == "orders"
    assert tags[VALUE_VERSION] == bench.current("password")
    assert INPUTS not in tags
    context = bench.context(spec)
    state = context.inventory.secret(bench.name("password"))
    assert state is not None
    assert context.marks.verify(state).state is MarkState.UNFINISHED
    assert len(bench.value("password")) == 24


def test_a_finished_secret_is_unchanged_and_the_mark_is_final(bench: Bench) -> None:
    spec = bench.create(bench.generated(), bench.declared())
    context = bench.context(spec)
    state = context.inventory.secret(bench.name("api"))
    assert state is not None
    assert context.marks.verify(state).state is MarkState.FINISHED
    bench.reset_calls()
    assert {type(outcome) for outcome in bench.provision(spec).values()} == {Unchanged}
    assert bench.calls() == {"ListSecrets": 1}


def test_a_secret_without_its_generated_password_is_skipped_and_says_what_to_materialise(bench: Bench) -> None:
    spec = bench.spec(bench.generated(), bench.declared())
    context = bench.context(spec)
    outcomes = bench.run(STAGES["secrets"](context))
    skipped = outcomes[bench.name("password")]
    assert isinstance(skipped, Skipped)
    assert "materialise generated_passwords too" in skipped.reason
    assert isinstance(outcomes[bench.name("api")], Applied)


def test_a_secret_that_waits_is_skipped_and_so_is_what_is_rendered_from_it(bench: Bench) -> None:
    first = bench.declared("first", "${output.worker.function_arn}")
    second = bench.declared("second", "${output.secrets.secret_values.first}", depends_on=(bench.ref("first"),))
    deliveries = (LambdaDelivery(component="worker", deliver=False, function_name=bench.stack, environment={}),)
    outcomes = bench.provision(bench.spec(first, second, deliveries=deliveries), "secrets")
    one, two = outcomes[f"secrets {first.name}"], outcomes[f"secrets {second.name}"]
    assert isinstance(one, Skipped)
    assert "does not exist yet" in one.reason
    assert isinstance(two, Skipped)
    assert two.reason == f"needs {first.name}, which was skipped"


# whose it is


@pytest.mark.parametrize("options", [ApplyOptions(), ApplyOptions(prune=True)])
def test_somebody_elses_secret_is_blocked_and_untouched(bench: Bench, options: ApplyOptions) -> None:
    bench.secrets.create_secret(Name=bench.name("api"), SecretString="theirs")
    outcome = bench.provision(bench.spec(bench.declared()), options=options)[f"secrets {bench.name('api')}"]
    assert isinstance(outcome, Skipped)
    assert "apply --adopt" in outcome.reason
    assert (bench.value("api"), bench.versions("api")) == ("theirs", 1)
    assert "Tags" not in bench.describe("api") or bench.tags("api") == {}


def test_adoption_marks_the_secret_and_keeps_its_value_and_version(bench: Bench) -> None:
    bench.secrets.create_secret(
        Name=bench.name("password"), SecretString="theirs", Description="old", Tags=[{"Key": "Old", "Value": "1"}]
    )
    version = bench.current("password")
    spec = bench.spec(bench.generated(description="ours"))
    change = bench.plan(spec, options=ApplyOptions(adopt=True))[bench.name("password")]
    assert change.action is ChangeClass.ADOPT
    bench.provision(spec, options=ApplyOptions(adopt=True))
    assert (bench.value("password"), bench.current("password"), bench.versions("password")) == ("theirs", version, 1)
    assert bench.describe("password")["Description"] == "ours"
    assert "Old" not in bench.tags("password")
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_a_forged_mark_is_blocked_even_where_adoption_is_asked(bench: Bench) -> None:
    spec = bench.create(bench.declared(), bench.declared("other"))
    tags = bench.tags("other")
    bench.secrets.tag_resource(SecretId=bench.name("api"), Tags=[{"Key": SPEC, "Value": tags[SPEC]}])
    outcome = bench.provision(spec, options=ApplyOptions(adopt=True))[f"secrets {bench.name('api')}"]
    assert isinstance(outcome, Skipped)
    assert "does not verify" in outcome.reason
    assert bench.tags("api")[SPEC] == tags[SPEC]


def test_a_secret_of_another_stack_is_blocked_for_every_stage(bench: Bench) -> None:
    secret = bench.generated(fields={"engine": "postgres"})
    theirs = bench.create(secret)
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::444455556666:root"},
        "Action": "*",
        "Resource": "*",
    }
    wanted = secret.model_copy(
        update={"value": secret.value.model_copy(update={"fields": {"engine": "mysql"}}), "policy": (statement,)}
    )
    before = bench.describe("password")
    ours = theirs.model_copy(update={"stack": f"{bench.stack}-other", "secrets": (wanted,)})
    outcomes = bench.provision(ours, options=ApplyOptions(adopt=True, prune=True))
    blocked = outcomes[f"secrets {secret.name}"]
    assert isinstance(blocked, Skipped)
    assert f"belongs to stack {bench.stack}, component secrets, key password" in blocked.reason
    assert not [one for name, one in outcomes.items() if secret.name in name and isinstance(one, Applied | Failed)]
    after = bench.describe("password")
    assert {**after, "ResponseMetadata": None, "LastAccessedDate": None} == {
        **before,
        "ResponseMetadata": None,
        "LastAccessedDate": None,
    }
    assert "ResourcePolicy" not in bench.secrets.get_resource_policy(SecretId=secret.name)


def test_what_the_list_says_is_confirmed_before_a_write(bench: Bench) -> None:
    # The list is read, then somebody else deletes the secret and makes one of the same name.
    spec = bench.create(bench.declared(description="old"))
    edited = bench.spec(bench.declared(description="new"))
    context = bench.context(edited)
    reconciler = STAGES["secrets"](context)
    changes = reconciler.plan()
    assert changes[0].action is ChangeClass.UPDATE
    bench.secrets.delete_secret(SecretId=spec.secrets[0].name, ForceDeleteWithoutRecovery=True)
    bench.secrets.create_secret(Name=bench.name("api"), SecretString="theirs", Description="theirs")
    outcome = bench.run(reconciler, changes)[bench.name("api")]
    assert isinstance(outcome, Skipped)
    assert "apply --adopt" in outcome.reason
    assert bench.describe("api")["Description"] == "theirs"


@pytest.mark.parametrize("state", ["ours", "theirs", "ours, deleted"])
def test_a_create_on_a_stale_list_plans_again_on_what_describe_says(bench: Bench, state: str) -> None:
    spec = bench.spec(bench.generated(description="wanted"))
    context = bench.context(spec)
    context.passwords = generate_passwords(context)
    assert not context.inventory.secrets()
    name = bench.name("password")
    if state == "theirs":
        bench.secrets.create_secret(Name=name, SecretString="theirs")
    else:
        bench.create(bench.generated(description="older"))
    value = bench.value("password")
    if state == "ours, deleted":
        bench.secrets.delete_secret(SecretId=name, RecoveryWindowInDays=7)
    outcome = bench.run(STAGES["secrets"](context))[name]
    if state == "theirs":
        assert isinstance(outcome, Skipped)
        assert "apply --adopt" in outcome.reason
    else:
        assert isinstance(outcome, Applied)
        assert bench.describe("password")["Description"] == "wanted"
    assert (bench.value("password"), bench.versions("password")) == (value, 1)


# deleting


def test_a_secret_of_ours_that_is_scheduled_for_deletion_is_restored_then_reconciled(bench: Bench) -> None:
    bench.create(bench.generated(description="old"))
    value = bench.value("password")
    bench.secrets.delete_secret(SecretId=bench.name("password"), RecoveryWindowInDays=7)
    spec = bench.spec(bench.generated(description="new"))
    assert bench.plan(spec)[bench.name("password")].action is ChangeClass.RESTORE
    outcome = bench.provision(spec)[f"secrets {bench.name('password')}"]
    assert isinstance(outcome, Applied)
    assert outcome.detail == "restored, description"
    assert "DeletedDate" not in bench.describe("password")
    assert (bench.value("password"), bench.versions("password")) == (value, 1)


def test_what_left_the_stack_is_reported_and_only_prune_deletes_it_with_thirty_days(bench: Bench) -> None:
    bench.create(bench.declared("kept"), bench.declared("left"))
    bench.secrets.create_secret(
        Name=bench.name("theirs"), SecretString="x", Tags=[{"Key": STACK, "Value": bench.stack}]
    )
    spec = bench.spec(bench.declared("kept"))
    reported = bench.provision(spec, "secrets")[f"secrets {bench.name('left')}"]
    assert isinstance(reported, Skipped)
    assert reported.change.action is ChangeClass.ORPHAN
    assert "apply --prune" in reported.reason
    assert "DeletedDate" not in bench.describe("left")

    outcomes = bench.provision(spec, "secrets", options=ApplyOptions(prune=True))
    assert isinstance(outcomes[f"secrets {bench.name('left')}"], Applied)
    about = bench.describe("left")
    assert 29.9 < (about["DeletedDate"] - about["LastChangedDate"]).total_seconds() / 86400 < 30.1
    assert "DeletedDate" not in bench.describe("kept")
    assert "DeletedDate" not in bench.describe("theirs")
    again = bench.provision(spec, "secrets", options=ApplyOptions(prune=True))
    assert f"secrets {bench.name('left')}" not in again


def test_prune_leaves_what_lost_its_mark_meanwhile(bench: Bench) -> None:
    bench.create(bench.declared("left"))
    context = bench.context(bench.spec(), options=ApplyOptions(prune=True))
    reconciler = STAGES["secrets"](context)
    changes = reconciler.plan()
    bench.secrets.untag_resource(SecretId=bench.name("left"), TagKeys=[STACK])
    outcome = bench.run(reconciler, changes)[bench.name("left")]
    assert isinstance(outcome, Skipped)
    assert "DeletedDate" not in bench.describe("left")


# metadata


def test_a_secret_that_moves_to_another_component_is_marked_again_in_one_call_that_may_be_the_last(
    bench: Bench, interruption: Interruption, killed: type[BaseException]
) -> None:
    bench.create(bench.generated(tags={"Team": "orders"}))
    version = bench.current("password")
    moved = bench.generated(tags={"Team": "orders"}).model_copy(
        update={"ref": bench.ref("password").model_copy(update={"component": "secrets/new"})}
    )
    spec = bench.spec(moved, components={"secrets/new": "secretsmanager"})

    def strike(operation: str) -> None:
        if operation == "TagResource":
            raise killed

    interruption.after = strike
    bench.reset_calls()
    with pytest.raises(killed):
        bench.provision(spec, "secrets", interruption=interruption)
    assert {one: n for one, n in bench.calls().items() if not one.startswith(READS)} == {"TagResource": 1}
    assert bench.tags("password")[COMPONENT] == "secrets/new"
    assert bench.plan(spec)[bench.name("password")].action is ChangeClass.NONE
    assert isinstance(bench.provision(spec)[f"commit {bench.name('password')}"], Applied)
    assert bench.current("password") == version


def test_description_and_tags_are_repaired_without_touching_the_value(bench: Bench) -> None:
    spec = bench.create(bench.generated(description="ours", tags={"Team": "orders"}))
    version, value = bench.current("password"), bench.value("password")
    bench.secrets.update_secret(SecretId=bench.name("password"), Description="theirs")
    bench.secrets.tag_resource(
        SecretId=bench.name("password"), Tags=[{"Key": "Team", "Value": "x"}, {"Key": "Y", "Value": "y"}]
    )
    change = bench.plan(spec)[bench.name("password")]
    assert change.drift
    assert change.reasons == (
        "changed outside: description differs: 'theirs' → 'ours'",
        "changed outside: tag Team differs: 'x' → 'orders'",
        "changed outside: tag Y is not declared",
    )
    bench.reset_calls()
    bench.provision(spec, "secrets")
    written = {one for one in bench.calls() if not one.startswith(READS)}
    assert written == {"UpdateSecret", "TagResource", "UntagResource"}
    assert bench.calls()["GetSecretValue"] == 0
    assert (bench.value("password"), bench.current("password"), bench.versions("password")) == (value, version, 1)
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_a_change_in_the_yaml_is_no_drift(bench: Bench) -> None:
    bench.create(bench.generated(description="old"))
    change = bench.plan(bench.spec(bench.generated(description="new")))[bench.name("password")]
    assert not change.drift
    assert change.reasons == ("description differs: 'old' → 'new'",)


# the key


def moved_to_own_key(bench: Bench) -> tuple[str, str]:
    """Created under the default key; returns value and version."""
    bench.create(bench.generated(), keys=(bench.key(),))
    return bench.value("password"), bench.current("password")


def test_another_kms_key_gets_the_same_value_as_one_new_version(bench: Bench) -> None:
    value, version = moved_to_own_key(bench)
    spec = bench.spec(bench.generated(kms_key=bench.late("${output.kms.key_arn}")), keys=(bench.key(),))
    reason = bench.plan(spec)[bench.name("password")].reason
    assert reason.startswith("kms key differs: default → arn:aws:kms:")
    bench.provision(spec)
    key = bench.kms.describe_key(KeyId=bench.alias)["KeyMetadata"]
    assert bench.describe("password")["KmsKeyId"] == key["Arn"]
    assert bench.value("password") == value
    assert (bench.versions("password"), bench.current("password") != version) == (2, True)
    tags = bench.tags("password")
    assert (tags[VALUE_VERSION], tags[VALUE_KEY]) == (bench.current("password"), key["KeyId"])
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_a_key_named_by_alias_arn_or_id_is_the_same_key(bench: Bench) -> None:
    bench.create(bench.generated(kms_key=bench.late("${output.kms.key_arn}")), keys=(bench.key(),))
    about = bench.kms.describe_key(KeyId=bench.alias)["KeyMetadata"]
    alias_arn = about["Arn"].rsplit(":", 1)[0] + ":" + bench.alias
    for spelling in (about["Arn"], about["KeyId"], bench.alias, alias_arn):
        spec = bench.spec(bench.generated(kms_key=spelling), keys=(bench.key(),))
        assert bench.plan(spec)[bench.name("password")].action is ChangeClass.NONE, spelling


def test_a_run_killed_between_the_new_key_and_the_new_version_is_finished_by_the_next(
    bench: Bench, interruption: Interruption, killed: type[BaseException]
) -> None:
    value, _ = moved_to_own_key(bench)
    spec = bench.spec(bench.generated(kms_key=bench.late("${output.kms.key_arn}")), keys=(bench.key(),))

    def strike(operation: str) -> None:
        if operation == "UpdateSecret":
            raise killed

    interruption.after = strike
    with pytest.raises(killed):
        bench.provision(spec, "secrets", interruption=interruption)
    assert bench.versions("password") == 1
    assert "value is still under kms key default" in bench.plan(spec)[bench.name("password")].reasons
    bench.provision(spec)
    assert (bench.value("password"), bench.versions("password")) == (value, 2)
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_a_key_that_is_pending_is_said_to_be_waited_for_and_nothing_is_written(bench: Bench) -> None:
    bench.create(bench.generated(description="old"))
    spec = bench.spec(
        bench.generated(description="new", kms_key=bench.late("${output.kms.key_arn}")), keys=(bench.key(),)
    )
    reasons = bench.plan(spec)[bench.name("password")].reasons
    assert f"waits: KMS key {bench.alias} does not exist yet" in reasons
    outcome = bench.provision(spec, "secrets")[f"secrets {bench.name('password')}"]
    assert isinstance(outcome, Skipped)
    assert bench.describe("password")["Description"] == "old"


# the value


def test_a_value_changed_by_hand_is_not_put_back(bench: Bench) -> None:
    spec = bench.create(bench.generated(), bench.declared())
    for key in ("password", "api"):
        bench.secrets.put_secret_value(SecretId=bench.name(key), SecretString="by hand")
    bench.reset_calls()
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}
    assert bench.calls()["GetSecretValue"] == 0
    assert (bench.value("password"), bench.value("api")) == ("by hand", "by hand")


def test_a_changed_password_policy_never_regenerates(bench: Bench) -> None:
    spec = bench.create(bench.generated())
    value = bench.value("password")
    generated = spec.secrets[0].value
    assert generated.kind == "generated"
    longer = generated.model_copy(update={"policy": generated.policy.model_copy(update={"length": 40})})
    edited = bench.spec(spec.secrets[0].model_copy(update={"value": longer}))
    assert {type(one) for one in bench.provision(edited).values()} == {Unchanged}
    assert bench.value("password") == value


def test_a_declared_value_is_rendered_again_only_when_its_yaml_changes(bench: Bench) -> None:
    spec = bench.create(bench.declared("api", {"url": "https://one", "token": "t"}))
    bench.secrets.put_secret_value(
        SecretId=bench.name("api"), SecretString='{"url":"https://one","token":"by hand","theirs":1}'
    )
    assert bench.plan(spec)[bench.name("api")].action is ChangeClass.NONE
    bench.yaml["api", "url"] = "https://two"
    assert bench.plan(spec)[bench.name("api")].reasons == ("value is rendered from other inputs",)
    bench.provision(spec)
    assert bench.document("api") == {"url": "https://two", "token": "t", "theirs": 1}
    assert bench.versions("api") == 3
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_what_is_rendered_from_a_secret_follows_its_versions_and_is_planned_with_it(bench: Bench) -> None:
    first = bench.declared("first", "one")
    second = bench.declared("second", "<${output.secrets.secret_values.first}>", depends_on=(bench.ref("first"),))
    spec = bench.create(first, second)
    assert bench.value("second") == "<one>"
    bench.yaml["first",] = "two"
    changes = bench.plan(spec)
    assert changes[second.name].reason == f"value is rendered from {first.name}, which changes"
    bench.provision(spec)
    assert (bench.value("first"), bench.value("second")) == ("two", "<two>")
    bench.secrets.put_secret_value(SecretId=first.name, SecretString="rotated")
    assert bench.plan(spec)[second.name].reasons == ("value is rendered from other inputs",)
    bench.provision(spec)
    assert bench.value("second") == "<rotated>"


def test_an_environment_variable_and_a_parameter_are_inputs_too(bench: Bench) -> None:
    bench.ssm.put_parameter(Name=f"/{bench.stack}/host", Value="one", Type="String")
    secret = bench.declared("api", f"${{ssm:/{bench.stack}/host}} ${{env:ALLOWED}}")
    spec = bench.create(secret)
    assert bench.value("api") == "one from the environment"
    bench.ssm.put_parameter(Name=f"/{bench.stack}/host", Value="two", Type="String", Overwrite=True)
    bench.provision(spec)
    assert bench.value("api") == "two from the environment"


def test_a_secret_without_a_value_gets_its_first_one(bench: Bench) -> None:
    bench.secrets.create_secret(Name=bench.name("password"))
    bench.secrets.create_secret(Name=bench.name("api"))
    spec = bench.spec(bench.generated(), bench.declared())
    assert "value is missing" in bench.plan(spec, options=ApplyOptions(adopt=True))[bench.name("password")].reasons
    bench.provision(spec, options=ApplyOptions(adopt=True))
    assert (len(bench.value("password")), bench.value("api")) == (24, "declared")
    assert bench.versions("password") == 1
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_a_binary_value_is_refused_with_a_remedy_and_kept(bench: Bench) -> None:
    bench.secrets.create_secret(Name=bench.name("password"), SecretBinary=b"\x00binary")
    spec = bench.spec(bench.generated(kms_key=bench.late("${output.kms.key_arn}")), keys=(bench.key(),))
    outcomes = bench.provision(spec, options=ApplyOptions(adopt=True))
    outcome = outcomes[f"secrets {bench.name('password')}"]
    assert isinstance(outcome, Failed)
    assert "is binary" in outcome.error.message
    assert "Store it as text" in outcome.error.remedy
    assert bench.secrets.get_secret_value(SecretId=bench.name("password"))["SecretBinary"] == b"\x00binary"


# cost


def test_a_plan_of_a_hundred_and_twenty_secrets_costs_at_most_three_calls_and_reads_no_value(bench: Bench) -> None:
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "*",
        "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    secrets = [bench.declared(f"n{number:03}", policy=(statement,)) for number in range(120)]
    spec = bench.create(*secrets)
    context = bench.context(spec, writing=False)
    bench.reset_calls()
    changes = [change for stages in plan_stack(context).values() for change in stages]
    assert {change.action for change in changes} == {ChangeClass.NONE}
    assert set(bench.calls()) == {"ListSecrets"}
    assert bench.calls().total() <= 3


def test_the_same_name_listed_for_another_stack_with_a_longer_name_is_not_ours(bench: Bench) -> None:
    # ListSecrets matches tag values by prefix.
    spec = bench.create(bench.declared())
    longer = spec.model_copy(update={"stack": f"{bench.stack}-two", "secrets": (bench.declared("two"),)})
    assert isinstance(bench.provision(longer)[f"secrets {bench.name('two')}"], Applied)
    context = bench.context(spec, options=ApplyOptions(prune=True))
    assert [change.resource.name for change in STAGES["secrets"](context).plan()] == [bench.name("api")]
    state = context.inventory.secret(bench.name("api"))
    assert state is not None
    assert replace(state, confirmed=True) == context.inventory.confirm(bench.name("api"))
