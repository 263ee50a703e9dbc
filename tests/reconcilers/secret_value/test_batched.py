"""A verification reads values twenty a call; a refusal of one secret, or of the call, costs no other its verdict.

https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline import emulator
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.reconcilers.connection.checks import connections
from secrets_pipeline.reconcilers.finding import Finding, Verdict
from secrets_pipeline.reconcilers.secret_value.strength_checks import secret_values_well_formed
from secrets_pipeline.reconcilers.stack import Stack
from tests.bench import Interruption

if TYPE_CHECKING:
    from tests.bench import Bench

VALUE = "Canary-batched-7"
DENIED = {"Version": "2012-10-17"} | {
    "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}]
}
Answer = dict[str, Any]


@pytest.fixture
def spec(bench: Bench) -> StackSpec:
    return bench.create(*(bench.declared(f"s{number:02}", VALUE) for number in range(21)))


def read(bench: Bench) -> Counter[str]:
    """How often values were asked for since the last reset, by operation."""
    return Counter({name: count for name, count in bench.calls().items() if name.endswith("GetSecretValue")})


def found(bench: Bench, stack: Stack) -> dict[str, Finding]:
    bench.reset_calls()
    return {one.name.rpartition("/")[2]: one for one in secret_values_well_formed(stack)}


def wrong(findings: dict[str, Finding]) -> dict[str, str]:
    return {name: one.detail for name, one in findings.items() if one.verdict is not Verdict.RIGHT}


def answered(bench: Bench, spec: StackSpec, change: Any) -> Stack:  # noqa: ANN401 - a function of an answer
    """A run in which AWS's answers to a batch are changed on their way."""
    stack = bench.context(spec, writing=False, interruption=Interruption())
    events = stack.account.botocore_session.get_component("event_emitter")
    events.register("after-call.secrets-manager.BatchGetSecretValue", lambda parsed, **_: change(parsed))
    return stack


def test_values_are_read_twenty_a_call(bench: Bench, spec: StackSpec) -> None:
    findings = found(bench, bench.context(spec, writing=False))
    assert (len(findings), wrong(findings)) == (21, {})
    assert read(bench) == {"BatchGetSecretValue": 2}


def test_connection_secrets_are_read_in_batches_of_their_own(bench: Bench) -> None:
    master = bench.generated()
    declared = [bench.declared(f"c{number}", "${output.rds.address}", needs_endpoint=True) for number in range(3)]
    spec = bench.create(master, *declared, databases=(bench.database(),))
    bench.reset_calls()
    findings = connections(bench.context(spec, writing=False), deep=True)
    assert [one.verdict for one in findings] == [Verdict.RIGHT] * 3
    assert read(bench) == {"BatchGetSecretValue": 1}


def test_a_value_that_is_denied_is_told_of_that_secret_alone_and_not_asked_for_again(
    bench: Bench, spec: StackSpec
) -> None:
    bench.secrets.put_resource_policy(SecretId=bench.name("s07"), ResourcePolicy=json.dumps(DENIED))
    findings = found(bench, bench.context(spec, writing=False))
    assert list(wrong(findings)) == ["s07"]
    assert findings["s07"].detail.startswith(f"GetSecretValue {bench.name('s07')} failed: AccessDeniedException")
    assert "secretsmanager:GetSecretValue is not allowed" in findings["s07"].detail
    assert read(bench) == {"BatchGetSecretValue": 2}


def test_a_key_that_is_denied_is_told_of_its_secret_alone(bench: Bench, spec: StackSpec) -> None:
    def no_key(answer: Answer) -> None:
        if moved := [one for one in answer["SecretValues"] if one["Name"] == bench.name("s03")]:
            answer["SecretValues"].remove(moved[0])
            refused = {"ErrorCode": "AccessDeniedException", "Message": f"Access to KMS is not allowed {VALUE}"}
            answer["Errors"].append({"SecretId": moved[0]["ARN"], **refused})

    findings = found(bench, answered(bench, spec, no_key))
    assert wrong(findings) == {
        "s03": f"GetSecretValue {bench.name('s03')} failed: AccessDeniedException: Access to KMS is not allowed "
        "(AWS's text is left out: it may quote a value)"
    }
    assert read(bench) == {"BatchGetSecretValue": 2}


def test_a_secret_whose_error_may_pass_is_asked_for_by_itself(bench: Bench, spec: StackSpec) -> None:
    def overloaded(answer: Answer) -> None:
        for one in answer["SecretValues"][:2]:
            answer["Errors"].append({"SecretId": one["ARN"], "ErrorCode": "InternalServiceError", "Message": "later"})
        del answer["SecretValues"][:2]

    assert wrong(found(bench, answered(bench, spec, overloaded))) == {}
    assert read(bench) == {"BatchGetSecretValue": 2, "GetSecretValue": 3}


def test_a_version_that_is_not_current_is_no_value(bench: Bench, spec: StackSpec) -> None:
    def older(answer: Answer) -> None:
        for one in answer["SecretValues"]:
            if one["Name"] == bench.name("s00"):
                one.update(VersionStages=["AWSPREVIOUS"], SecretString="[")

    assert wrong(found(bench, answered(bench, spec, older))) == {}
    assert read(bench) == {"BatchGetSecretValue": 2, "GetSecretValue": 1}


def test_a_role_that_may_not_call_it_reads_each_value_by_itself(bench: Bench, spec: StackSpec) -> None:
    """The policies of older releases do not allow it."""
    denied = emulator.InjectedFault(emulator.FaultAction.DENY, operation="BatchGetSecretValue")
    emulator.arm(bench.aws, denied)
    try:
        findings = found(bench, bench.context(spec, writing=False))
        assert wrong(findings) == {}
        assert read(bench) == {"BatchGetSecretValue": 1, "GetSecretValue": 21}
    finally:
        emulator.disarm(bench.aws)


def test_a_binary_value_comes_in_a_batch_as_bytes(bench: Bench, spec: StackSpec) -> None:
    bench.secrets.put_secret_value(SecretId=bench.name("s20"), SecretBinary=b"\x00\xff")
    findings = found(bench, bench.context(spec, writing=False))
    assert wrong(findings) == {"s20": "its value is binary: somebody replaced it by hand"}
    assert read(bench) == {"BatchGetSecretValue": 2}
