"""Values are written when they are missing or their declaration changes, and once more under another key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.engine.model import Applied, ChangeClass, Skipped, Unchanged
from secrets_pipeline.operations.stages import STAGES
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.tag_keys import VALUE_KEY
from tests.bench import said

if TYPE_CHECKING:
    from tests.bench import Bench, Interruption


def moved_to_own_key(bench: Bench) -> tuple[str, str]:
    """Created under the default key; returns value and version."""
    bench.create(bench.generated(), keys=(bench.key(),))
    return bench.value("password"), bench.current("password")


def test_another_kms_key_gets_the_same_value_as_one_new_version(bench: Bench) -> None:
    value, version = moved_to_own_key(bench)
    spec = bench.spec(bench.generated(kms_key=bench.late("${output.kms.key_arn}")), keys=(bench.key(),))
    reason = bench.plan(spec)[bench.name("password")].reason
    assert reason == f"kms key differs: default → {bench.alias}"
    bench.provision(spec)
    key = bench.kms.describe_key(KeyId=bench.alias)["KeyMetadata"]
    assert bench.describe("password")["KmsKeyId"] == key["Arn"]
    assert bench.value("password") == value
    assert (bench.versions("password"), bench.current("password") != version) == (2, True)
    tags = bench.tags("password")
    assert (bench.written("password"), tags[VALUE_KEY]) == (bench.current("password"), key["KeyId"])
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

    interruption.kill_after("UpdateSecret")
    with pytest.raises(killed):
        bench.provision(spec, "secrets", interruption=interruption)
    assert bench.versions("password") == 1
    assert "value is still under kms key default" in said(bench.plan(spec)[bench.name("password")])
    bench.provision(spec)
    assert (bench.value("password"), bench.versions("password")) == (value, 2)
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_a_key_that_is_pending_is_said_to_be_waited_for_and_nothing_is_written(bench: Bench) -> None:
    bench.create(bench.generated(description="old"))
    late = bench.late("${output.kms.key_arn}")
    spec = bench.spec(
        bench.generated(description="new", kms_key=late), bench.generated("added", kms_key=late), keys=(bench.key(),)
    )
    reasons = said(bench.plan(spec)[bench.name("password")])
    assert f"waits: KMS key {bench.alias} does not exist yet" in reasons
    outcomes = bench.provision(spec, "secrets")
    waiting = {name: one.reason for name, one in outcomes.items() if isinstance(one, Skipped)}
    assert waiting == {
        f"secrets {bench.name(key)}": f"KMS key {bench.alias} does not exist yet" for key in ("password", "added")
    }
    assert bench.describe("password")["Description"] == "old"


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
    assert said(bench.plan(spec)[bench.name("api")]) == ("what its value is rendered from has changed",)
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
    assert said(bench.plan(spec)[second.name]) == ("what its value is rendered from has changed",)
    bench.provision(spec)
    assert bench.value("second") == "<rotated>"


def test_what_is_rendered_from_a_secret_that_somebody_deletes_since_the_plan_is_waited_for(bench: Bench) -> None:
    first = bench.declared("first", "one")
    second = bench.declared("second", "<${output.secrets.secret_values.first}>", depends_on=(bench.ref("first"),))
    spec = bench.create(first, second)
    bench.secrets.put_secret_value(SecretId=first.name, SecretString="two")
    reconciler = STAGES["secrets"](bench.context(spec))
    changes = reconciler.plan()
    bench.secrets.delete_secret(SecretId=first.name)
    outcome = bench.run(reconciler, changes)[second.name]
    assert isinstance(outcome, Skipped)
    assert outcome.reason == f"secret {first.name} does not exist yet"
    assert bench.value("second") == "<one>"


def test_an_environment_variable_and_a_parameter_are_inputs_too(bench: Bench) -> None:
    bench.ssm.put_parameter(Name=f"/{bench.stack}/host", Value="one", Type="String")
    secret = bench.declared("api", f"${{ssm:/{bench.stack}/host}} ${{env:ALLOWED}}")
    spec = bench.create(secret)
    assert bench.value("api") == "one from the environment"
    bench.ssm.put_parameter(Name=f"/{bench.stack}/host", Value="two", Type="String", Overwrite=True)
    bench.provision(spec)
    assert bench.value("api") == "two from the environment"


def test_a_parameter_that_is_gone_is_waited_for_and_the_value_stays(bench: Bench) -> None:
    parameter = f"/{bench.stack}/host"
    bench.ssm.put_parameter(Name=parameter, Value="one", Type="String")
    spec = bench.create(bench.declared("api", f"${{ssm:{parameter}}}"))
    bench.ssm.delete_parameter(Name=parameter)
    change = bench.plan(spec)[bench.name("api")]
    assert said(change) == (f"waits: SSM parameter {parameter} does not exist",)
    assert not change.rewrites
    assert isinstance(bench.provision(spec)[f"secrets {bench.name('api')}"], Skipped)
    assert bench.value("api") == "one"


def test_a_changed_environment_variable_is_noticed_and_told_to_nobody(bench: Bench) -> None:
    secret = bench.declared("api", "x-${env:ALLOWED}")
    spec = bench.create(secret)
    assert bench.plan(spec)[secret.name].action is ChangeClass.NONE
    bench.environment["ALLOWED"] = "canary-3f9a"
    change = bench.plan(spec)[secret.name]
    assert said(change) == ("what its value is rendered from has changed",)
    assert "canary-3f9a" not in repr(change)
    outcomes = bench.provision(spec)
    assert bench.value("api") == "x-canary-3f9a"
    assert bench.plan(spec)[secret.name].action is ChangeClass.NONE
    assert "canary-3f9a" not in repr(outcomes)
    described = bench.secrets.describe_secret(SecretId=secret.name)
    assert "canary-3f9a" not in repr(described)


def test_a_secret_without_a_value_gets_its_first_one(bench: Bench) -> None:
    bench.secrets.create_secret(Name=bench.name("password"))
    bench.secrets.create_secret(Name=bench.name("api"))
    spec = bench.spec(bench.generated(), bench.declared())
    assert "value is missing" in said(bench.plan(spec, options=ApplyOptions(adopt=("*",)))[bench.name("password")])
    outcomes = bench.provision(spec, options=ApplyOptions(adopt=("*",)))
    made = outcomes[f"secrets {bench.name('password')}"]
    assert isinstance(made, Applied)
    assert made.detail.endswith(", generated password")
    assert (len(bench.value("password")), bench.value("api")) == (24, "declared")
    assert bench.versions("password") == 1
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_a_value_that_a_killed_run_wrote_is_rendered_again_after_the_yaml_is_taken_back(
    bench: Bench, interruption: Interruption, killed: type[BaseException]
) -> None:
    bench.create(bench.declared(value="one"))
    moved: list[str] = []

    def strike(operation: str) -> None:
        if operation == "UpdateSecretVersionStage":
            moved.append(operation)
        if operation == "TagResource" and moved:
            raise killed

    interruption.before = strike
    with pytest.raises(killed):
        bench.provision(bench.spec(bench.declared(value="two")), interruption=interruption)
    assert bench.value("api") == "two"
    spec = bench.spec(bench.declared(value="one"))
    assert said(bench.plan(spec)[bench.name("api")]) == ("value was written by a run that did not finish",)
    bench.provision(spec)
    assert bench.value("api") == "one"
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}


def test_a_value_of_somebody_else_is_kept_when_it_is_written_again_under_another_key(bench: Bench) -> None:
    bench.create(bench.declared(value="one"))
    bench.secrets.put_secret_value(SecretId=bench.name("api"), SecretString="theirs")
    spec = bench.create(bench.declared(value="one", kms_key=bench.kms.create_key()["KeyMetadata"]["Arn"]))
    assert bench.value("api") == "theirs"
    assert {type(one) for one in bench.provision(spec).values()} == {Unchanged}
    assert bench.value("api") == "theirs"
