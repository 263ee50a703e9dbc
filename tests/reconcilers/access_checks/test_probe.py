"""The live probe: AWS's own answer to each consumer beside the evaluator's; no value outlives its answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from secrets_pipeline.reconcilers.access_checks.checks import consumers_can_read, probe_agrees
from secrets_pipeline.reconcilers.finding import Verdict
from tests.reconcilers.readers import AWAY, READS, allow, by_account

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.finding import Finding
    from secrets_pipeline.reconcilers.stack import Stack
    from tests.reconcilers.readers import Readers, Statement

CANARY = "canary-of-the-probe-4417"


def reader(readers: Readers, *statements: Statement) -> str:
    return readers.role("reader", *statements, trust=(by_account(readers.account_id),))


def applied(readers: Readers, *arns: str) -> Stack:
    """A stack whose secret all of these are to read, looked at anew."""
    bench = readers.bench
    consumers = [readers.consumer(arn, "a", name=f"consumer-{number}") for number, arn in enumerate(arns)]
    return readers.look(bench.create(bench.declared("a", CANARY), consumers=tuple(consumers)))


def reads(readers: Readers) -> int:
    return readers.bench.calls()["GetSecretValue"]


def whole(findings: list[Finding]) -> str:
    return json.dumps([[one.name, one.verdict.value, one.detail, dict(one.columns)] for one in findings])


def test_a_value_that_comes_back_agrees_and_is_in_no_finding(readers: Readers) -> None:
    context = applied(readers, reader(readers, *READS))
    readers.bench.reset_calls()
    (one,) = probe_agrees(context)
    assert (one.name, one.verdict) == ("consumer-0", Verdict.RIGHT)
    assert one.detail == "AWS returned the value, which was dropped, as the policies say"
    assert one.columns["verdict"] == "Allowed"
    assert reads(readers) == 1
    assert CANARY not in whole([one])


def test_a_refusal_that_the_policies_foretold_agrees(readers: Readers) -> None:
    (one,) = probe_agrees(applied(readers, reader(readers)))
    assert (one.verdict, one.columns["verdict"]) == (Verdict.RIGHT, "DeniedBySecretsManager")
    assert one.detail.startswith("AWS refused: ")
    assert "secretsmanager:GetSecretValue is not allowed on arn:" in one.detail


def test_what_changed_after_the_snapshot_is_a_disagreement_with_both_answers(readers: Readers) -> None:
    arn = reader(readers, *READS)
    context = applied(readers, arn)
    assert consumers_can_read(context)[0].verdict is Verdict.RIGHT
    readers.policy_of("a", {**allow({"AWS": arn}), "Effect": "Deny"})
    (refused,) = probe_agrees(context)
    assert refused.verdict is Verdict.WRONG
    assert refused.detail.startswith("the evaluator says Allowed, AWS refused with ")
    again = readers.look(context.spec)
    assert consumers_can_read(again)[0].verdict is Verdict.WRONG
    readers.policy_of("a", allow({"AWS": arn}))
    (returned,) = probe_agrees(again)
    assert returned.verdict is Verdict.WRONG
    assert returned.detail == "the evaluator says DeniedBySecretsManager, AWS returned the value"
    assert CANARY not in whole([refused, returned])


def test_a_role_that_the_pipeline_may_not_assume_waits_and_nobody_reads(readers: Readers) -> None:
    context = applied(readers, readers.role("reader", *READS))
    readers.bench.reset_calls()
    (one,) = probe_agrees(context)
    assert one.verdict is Verdict.WAITING
    assert one.detail == f"not probed: {readers.account_id} may not assume it (AccessDenied)"
    assert reads(readers) == 0


def test_a_reader_of_a_visible_account_is_asked_through_the_role_that_looks_there(readers: Readers) -> None:
    away = readers.role("reports", *READS, account_id=AWAY, trust=(by_account(AWAY),))
    spec = readers.keyed_stack(readers.consumer(away, "a", name="reports"), readers=(away,))
    (waits,) = probe_agrees(readers.look(spec, organization_policies="allow"))
    assert waits.verdict is Verdict.WAITING
    context = readers.look(spec, accounts=(readers.administrator(AWAY),), organization_policies="allow")
    (one,) = probe_agrees(context)
    assert (one.name, one.verdict, one.columns["verdict"]) == ("reports", Verdict.RIGHT, "Allowed")
    readers.iam(AWAY).delete_role_policy(RoleName="reports", PolicyName="own")
    (denied,) = probe_agrees(readers.look(spec, accounts=(readers.administrator(AWAY),), organization_policies="allow"))
    assert (denied.verdict, denied.columns["verdict"]) == (Verdict.RIGHT, "DeniedBySecretsManager")


def test_a_secret_that_is_gone_since_the_snapshot_waits_and_hides_no_other(readers: Readers) -> None:
    bench, arn = readers.bench, reader(readers, *READS)
    spec = bench.create(*map(bench.declared, ("a", "b")), consumers=(readers.consumer(arn, "a", "b"),))
    context = readers.look(spec)
    assert [one.verdict for one in consumers_can_read(context)] == [Verdict.RIGHT, Verdict.RIGHT]
    bench.secrets.delete_secret(SecretId=bench.name("a"), ForceDeleteWithoutRecovery=True)
    gone, right = probe_agrees(context)
    assert (gone.columns["secret"], gone.verdict) == (bench.name("a"), Verdict.WAITING)
    assert "ResourceNotFoundException" in gone.detail
    assert (right.columns["secret"], right.verdict) == (bench.name("b"), Verdict.RIGHT)
