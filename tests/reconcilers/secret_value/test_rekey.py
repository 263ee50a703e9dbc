"""A secret moves to another KMS key as a whole, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.model import Applied, Failed, Skipped, Unchanged
from secrets_pipeline.operations.stages import STAGES
from secrets_pipeline.reconcilers.finding import Verdict
from secrets_pipeline.reconcilers.secret_value.checks import current_values
from secrets_pipeline.reconcilers.tag_keys import VALUE_KEY
from tests.bench import Killed, said

if TYPE_CHECKING:
    from tests.bench import Bench, Interruption
    from tests.moved_time import MovedTime


def new_key(bench: Bench) -> str:
    arn: str = bench.kms.create_key()["KeyMetadata"]["Arn"]
    return arn


def under(bench: Bench, key: str | None) -> StackSpec:
    return bench.spec(bench.generated(kms_key=key))


def keys_of_versions(bench: Bench) -> dict[str, list[str]]:
    """By staging label: keys that open the version; former ones go on opening it.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/manage_update-encryption-key.html
    """
    listed = bench.secrets.list_secret_version_ids(SecretId=bench.name("password"))
    return {label: version["KmsKeyIds"] for version in listed["Versions"] for label in version.get("VersionStages", ())}


def untouched(bench: Bench, old: str, value: str) -> None:
    assert bench.describe("password")["KmsKeyId"] == old
    assert (bench.value("password"), bench.versions("password")) == (value, 1)


def test_no_labelled_version_stays_under_the_old_key_alone_and_the_current_one_leaves_it(bench: Bench) -> None:
    old, new = new_key(bench), new_key(bench)
    bench.provision(under(bench, old))
    value = bench.value("password")
    outcome = bench.provision(under(bench, new))[f"secrets {bench.name('password')}"]
    assert isinstance(outcome, Applied)
    assert outcome.detail == "kms key"
    keys = keys_of_versions(bench)
    assert (keys["AWSCURRENT"], keys["AWSPREVIOUS"]) == ([new], [new, old])
    assert (bench.value("password"), bench.versions("password")) == (value, 2)
    assert bench.written("password") == bench.current("password")


def test_an_old_key_that_cannot_be_used_stops_the_move_before_anything_changed(bench: Bench) -> None:
    old, new = new_key(bench), new_key(bench)
    bench.provision(under(bench, old))
    value = bench.value("password")
    bench.kms.disable_key(KeyId=old)
    outcome = bench.provision(under(bench, new), "secrets")[f"secrets {bench.name('password')}"]
    assert isinstance(outcome, Failed)
    assert "GetSecretValue" in outcome.error.message
    bench.kms.enable_key(KeyId=old)
    untouched(bench, old, value)


def test_a_new_key_that_cannot_be_used_any_more_stops_the_move_before_anything_changed(bench: Bench) -> None:
    old, new = new_key(bench), new_key(bench)
    bench.provision(under(bench, old))
    value = bench.value("password")
    context = bench.context(under(bench, new))
    reconciler = STAGES["secrets"](context)
    changes = reconciler.plan()
    # The plan has looked at it already.
    bench.kms.disable_key(KeyId=new)
    outcome = bench.run(reconciler, changes)[bench.name("password")]
    assert isinstance(outcome, Failed)
    assert "Encrypt" in outcome.error.message
    untouched(bench, old, value)


def test_a_value_that_cannot_be_written_under_the_new_key_takes_the_secret_back_to_the_old_one(
    bench: Bench, interruption: Interruption
) -> None:
    old, new = new_key(bench), new_key(bench)
    bench.provision(under(bench, old))
    value = bench.value("password")

    def refuse(operation: str) -> None:
        if operation == "PutSecretValue":
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "Access to KMS"}}, operation)

    interruption.before = refuse
    context = bench.context(under(bench, new), interruption=interruption)
    assert isinstance(bench.run(STAGES["secrets"](context))[bench.name("password")], Failed)
    untouched(bench, old, value)
    # The run itself knows it: its check is red.
    [found] = current_values(context, connections=False)
    assert (found.verdict, found.detail) == (Verdict.WRONG, f"is encrypted under {old}")
    assert said(bench.plan(under(bench, old))[bench.name("password")]) == ()


def test_a_version_that_a_killed_run_stored_while_somebody_took_the_key_back_is_not_made_current(
    bench: Bench, interruption: Interruption, killed: type[BaseException]
) -> None:
    old, new = new_key(bench), new_key(bench)
    bench.provision(under(bench, old))
    value, struck = bench.value("password"), []

    def interfere(operation: str) -> None:
        if operation == "PutSecretValue":
            bench.secrets.update_secret(SecretId=bench.name("password"), KmsKeyId=old)
        if operation == "UpdateSecretVersionStage":
            struck.append(operation)
            raise Killed

    interruption.before = interfere
    with pytest.raises(killed):
        bench.provision(under(bench, new), "secrets", interruption=interruption)
    assert struck
    bench.provision(under(bench, new))
    assert keys_of_versions(bench)["AWSCURRENT"] == [new]
    assert bench.value("password") == value
    assert {type(one) for one in bench.provision(under(bench, new)).values()} == {Unchanged}


def test_a_rotation_in_progress_is_not_disturbed(bench: Bench, time: MovedTime) -> None:
    old, new = new_key(bench), new_key(bench)
    bench.provision(under(bench, old))
    value = bench.value("password")
    bench.secrets.put_secret_value(SecretId=bench.name("password"), SecretString="x", VersionStages=["AWSPENDING"])
    outcome = bench.provision(under(bench, new), "secrets", time=time)[f"secrets {bench.name('password')}"]
    assert isinstance(outcome, Skipped)
    assert "rotation" in outcome.reason
    assert bench.describe("password")["KmsKeyId"] == old
    assert bench.value("password") == value


def test_a_value_that_somebody_else_wrote_is_moved_and_does_not_become_ours(bench: Bench) -> None:
    old, new = new_key(bench), new_key(bench)
    bench.provision(under(bench, old))
    bench.secrets.put_secret_value(SecretId=bench.name("password"), SecretString="theirs")
    bench.provision(under(bench, new))
    assert bench.value("password") == "theirs"
    assert bench.written("password") != bench.current("password")
    change = bench.plan(under(bench, new))[bench.name("password")]
    assert change.drift
    assert "was written by somebody else and is kept" in change.reason


def test_an_alias_that_points_elsewhere_is_another_key_each_time(bench: Bench) -> None:
    alias = f"alias/their-{bench.stack}"
    first, *others = (new_key(bench).rpartition("/")[2] for _ in range(3))
    bench.kms.create_alias(AliasName=alias, TargetKeyId=first)
    bench.provision(under(bench, alias))
    for number, key in enumerate([*others, *others], start=2):
        bench.kms.update_alias(AliasName=alias, TargetKeyId=key)
        bench.reset_calls()
        bench.provision(under(bench, alias))
        assert bench.tags("password")[VALUE_KEY] == key
        assert bench.calls()["PutSecretValue"] == 1
        assert bench.versions("password") == number


@pytest.mark.parametrize("then", [0, 2], ids=["back", "a third key"])
def test_an_interrupted_copy_of_a_value_of_ours_stays_ours_whatever_the_yaml_says_next(
    bench: Bench, interruption: Interruption, killed: type[BaseException], then: int
) -> None:
    keys = [new_key(bench) for _ in range(3)]
    bench.provision(under(bench, keys[0]))
    value = bench.value("password")

    interruption.kill_after("UpdateSecretVersionStage")
    with pytest.raises(killed):
        bench.provision(under(bench, keys[1]), interruption=interruption)
    bench.provision(under(bench, keys[then]))
    assert bench.written("password") == bench.current("password")
    assert bench.value("password") == value
    assert {type(one) for one in bench.provision(under(bench, keys[then])).values()} == {Unchanged}


def test_a_copy_of_a_value_that_somebody_else_wrote_is_never_called_ours(bench: Bench) -> None:
    keys = [new_key(bench) for _ in range(2)]
    bench.provision(under(bench, keys[0]))
    ours = bench.current("password")
    bench.secrets.put_secret_value(SecretId=bench.name("password"), SecretString="typed-by-a-human")
    bench.provision(under(bench, keys[1]))
    assert bench.value("password") == "typed-by-a-human"
    assert bench.written("password") == ours
