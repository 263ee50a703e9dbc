"""Whoever reads without being a consumer: by name, by a wildcard, by a policy for all, or by what nobody could read."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.reconcilers.access_checks.checks import nobody_else_can_read, policies_are_not_public
from secrets_pipeline.reconcilers.access_checks.snapshot import estate_of
from secrets_pipeline.reconcilers.finding import Verdict
from tests.reconcilers.readers import AWAY, DECRYPT, READ, READS, about, allow, document, told

if TYPE_CHECKING:
    from secrets_pipeline.desired.stack import StackSpec
    from secrets_pipeline.reconcilers.finding import Finding
    from secrets_pipeline.reconcilers.stack import Stack
    from tests.reconcilers.readers import Readers, Statement

ORGANIZATION = "o-exampleorg"
OF_ORGANIZATION = {"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}}


def others(readers: Readers, spec: StackSpec, **access: object) -> list[Finding]:
    return nobody_else_can_read(readers.look(spec, **access))


def test_where_only_consumers_read_it_says_among_how_many(readers: Readers) -> None:
    spec = readers.stack(readers.consumer(readers.role("reader", *READS), "a"))
    readers.role("idle")
    readers.user("ana")
    (one,) = others(readers, spec)
    assert (one.name, one.verdict) == (readers.bench.name("a"), Verdict.RIGHT)
    assert one.detail == "nobody else of 3 principals can read it"


def wildcard(prefix: str, action: str) -> tuple[Statement, ...]:
    """Every secret that begins with a prefix, under any key."""
    secrets = f"arn:aws:secretsmanager:*:*:secret:{prefix}*"
    return (
        {"Sid": "Wild", "Effect": "Allow", "Action": action, "Resource": secrets},
        {"Effect": "Allow", "Action": DECRYPT, "Resource": "*"},
    )


@pytest.mark.parametrize("kind", ["role", "user"])
@pytest.mark.parametrize("action", [READ, "secretsmanager:Get*", "*"])
def test_an_outsider_is_wrong_with_the_statement_that_lets_it(readers: Readers, kind: str, action: str) -> None:
    make = {"role": readers.role, "user": readers.user}[kind]
    spec = readers.stack(keys=("a", "b"))
    arn = make("outsider", *wildcard(f"{readers.bench.stack}/a", action))
    found = others(readers, spec)
    a, b = readers.bench.name("a"), readers.bench.name("b")
    assert told(found) == [(a, "wrong"), (b, "right")]
    assert found[0].columns == {
        "principal": arn,
        "secret": a,
        "verdict": "Allowed",
        "layer": "identity policy",
        "policy": "inline policy own",
        "statement": "Wild",
    }
    assert found[0].detail.startswith(f"{kind} outsider of {readers.account_id} can read {a}")
    assert found[0].detail.endswith("It is nobody's consumer here.")


def test_a_consumer_of_one_secret_is_an_outsider_to_the_others(readers: Readers) -> None:
    arn = readers.role("reader", *READS)
    spec = readers.stack(readers.consumer(arn, "a"), keys=("a", "b"))
    found = others(readers, spec)
    assert [(one.columns["secret"], one.verdict.value) for one in about(found, arn)] == [
        (readers.bench.name("b"), "wrong")
    ]
    assert told(found) == [(readers.bench.name("b"), "wrong"), (readers.bench.name("a"), "right")]


def test_a_secret_policy_for_everybody_makes_an_outsider_of_every_principal(readers: Readers) -> None:
    spec = readers.stack()
    arns = {readers.role("one", READS[1]), readers.user("two", READS[1])}
    readers.policy_of("a", allow("*", Sid="All"))
    found = others(readers, spec)
    assert {one.columns["principal"] for one in found} == arns
    assert {(one.verdict, one.columns["layer"], one.columns["statement"]) for one in found} == {
        (Verdict.WRONG, "secret policy", "All")
    }


def test_break_glass_roles_are_allowed_by_the_operator_and_nobody_beside_them(readers: Readers) -> None:
    spec = readers.stack()
    glass, outsider = readers.role("break-glass-1", *READS), readers.role("unbroken-glass", *READS)
    found = others(readers, spec, allowed_readers=("arn:aws:iam::*:role/break-glass-*",))
    (allowed,), (wrong,) = about(found, glass), about(found, outsider)
    assert (allowed.verdict, allowed.columns["verdict"]) == (Verdict.RIGHT, "Allowed")
    assert allowed.detail.endswith("Expected: allowed_readers: arn:aws:iam::*:role/break-glass-*.")
    assert wrong.verdict is Verdict.WRONG
    both = others(readers, spec, allowed_readers=("*glass*",))
    assert {one.verdict for one in both} == {Verdict.RIGHT}


def test_one_that_may_be_able_to_read_waits(readers: Readers) -> None:
    spec = readers.stack()
    through = {"StringEquals": {"aws:SourceVpce": "vpce-1"}}
    arn = readers.role("outsider", {**READS[0], "Condition": through}, READS[1])
    (one,) = others(readers, spec)
    assert (one.verdict, one.columns["principal"], one.columns["verdict"]) == (Verdict.WAITING, arn, "Unknown")
    assert "aws:sourcevpce" in one.detail.lower()


def test_a_service_of_aws_that_policies_let_in_is_an_outsider(readers: Readers) -> None:
    service = {"Service": "appflow.amazonaws.com"}
    spec = readers.keyed_stack()
    readers.policy_of("a", allow(service, Sid="Flows"))
    readers.key_policy(allow(service, DECRYPT))
    (one,) = others(readers, spec)
    assert (one.verdict, one.columns["principal"], one.columns["statement"]) == (
        Verdict.WRONG,
        "appflow.amazonaws.com",
        "Flows",
    )


@pytest.mark.parametrize("named", [f"arn:aws:iam::{AWAY}:role/partner", AWAY])
def test_whom_a_policy_names_in_an_account_that_nobody_looks_at_waits(readers: Readers, named: str) -> None:
    readers.role("partner", *READS, account_id=AWAY)
    spec = readers.keyed_stack()
    readers.policy_of("a", allow({"AWS": named}))
    readers.key_policy(allow({"AWS": named}, DECRYPT))
    (one,) = others(readers, spec)
    assert (one.verdict, one.columns["verdict"]) == (Verdict.WAITING, "Unknown")
    assert one.columns["principal"] in (named, f"arn:aws:iam::{AWAY}:root")


@pytest.mark.parametrize(
    ("service", "operation"),
    [("iam", "GetAccountAuthorizationDetails"), ("secretsmanager", "GetResourcePolicy")],
)
def test_where_aws_refuses_to_tell_who_there_is_it_is_wrong_as_a_deny_may_hide_a_reader(
    readers: Readers, service: str, operation: str
) -> None:
    spec = readers.stack(readers.consumer(readers.role("reader", *READS), "a"))
    readers.refuse(service, operation)
    (one,) = others(readers, spec)
    assert (one.name, one.verdict) == (readers.bench.name("a"), Verdict.WRONG)
    assert one.detail.startswith("whether nobody else can read it is not known: ")
    assert operation in one.detail
    assert told(others(readers, spec)) == [(readers.bench.name("a"), "right")]


@pytest.mark.parametrize(
    ("service", "operation"),
    [("iam", "GetAccountAuthorizationDetails"), ("kms", "GetKeyPolicy"), ("kms", "ListGrants")],
)
def test_a_reader_who_was_found_stays_wrong_where_aws_refuses_the_pipeline_what_told_of_him(
    readers: Readers, service: str, operation: str
) -> None:
    outsider = readers.role("outsider", *READS)
    spec = readers.keyed_stack()
    readers.policy_of("a", allow({"AWS": outsider}))
    assert [one.verdict for one in about(others(readers, spec), outsider)] == [Verdict.WRONG]
    readers.refuse(service, operation)
    found = others(readers, spec)
    assert {one.verdict for one in found} == {Verdict.WRONG}
    assert any(operation in one.detail for one in found)


PUBLIC = {
    "everybody": allow("*", Sid="Wide"),
    "everybody as AWS": allow({"AWS": "*"}, Sid="Wide"),
    "a condition that everybody meets": allow("*", Sid="Wide", Condition={"Null": {"aws:SourceIp": "false"}}),
}


@pytest.mark.parametrize("how", PUBLIC)
def test_a_public_secret_policy_is_wrong_and_its_statement_named(readers: Readers, how: str) -> None:
    spec = readers.stack(keys=("a", "b"))
    readers.policy_of("a", PUBLIC[how])
    wrong, right = policies_are_not_public(readers.look(spec))
    assert (wrong.name, wrong.verdict) == (readers.bench.name("a"), Verdict.WRONG)
    assert wrong.detail == "its secret policy (statement Wide) lets in everybody"
    assert wrong.columns == {"layer": "secret policy", "statement": "Wide"}
    assert (right.name, right.verdict) == (readers.bench.name("b"), Verdict.RIGHT)


def test_a_secret_policy_for_a_whole_organisation_is_wrong_and_the_organisation_named(readers: Readers) -> None:
    spec = readers.stack()
    readers.policy_of("a", allow("*", Sid="Ours", Condition=OF_ORGANIZATION))
    (one,) = policies_are_not_public(readers.look(spec))
    assert (one.name, one.verdict) == (readers.bench.name("a"), Verdict.WRONG)
    assert one.detail == f"its secret policy (statement Ours) lets in the whole organisation {ORGANIZATION}"


def test_a_named_reader_who_has_to_be_of_an_organisation_is_no_crowd(readers: Readers) -> None:
    arn = readers.role("reader", *READS)
    spec = readers.stack(readers.consumer(arn, "a"))
    readers.policy_of("a", allow({"AWS": arn}, Condition=OF_ORGANIZATION))
    assert told(policies_are_not_public(readers.look(spec))) == [(readers.bench.name("a"), "right")]


@pytest.mark.parametrize(
    ("condition", "crowd"), [({}, "everybody"), (OF_ORGANIZATION, f"the whole organisation {ORGANIZATION}")]
)
def test_a_key_policy_for_a_crowd_is_wrong_and_its_secret_is_not_called_right(
    readers: Readers, condition: dict[str, Any], crowd: str
) -> None:
    spec = readers.keyed_stack()
    readers.key_policy(allow("*", DECRYPT, Sid="Wide", Condition=condition))
    (one,) = policies_are_not_public(readers.look(spec))
    assert (one.name, one.verdict) == (readers.key_arn, Verdict.WRONG)
    assert one.detail == f"its key policy (statement Wide) lets in {crowd}"
    readers.key_policy()
    assert told(policies_are_not_public(readers.look(spec))) == [(readers.bench.name("a"), "right")]


@pytest.mark.parametrize(
    ("service", "operation"), [("secretsmanager", "GetResourcePolicy"), ("kms", "GetKeyPolicy"), ("kms", "DescribeKey")]
)
def test_a_policy_of_the_stacks_own_that_aws_refuses_to_the_pipeline_is_wrong(
    readers: Readers, service: str, operation: str
) -> None:
    spec = readers.keyed_stack()
    readers.refuse(service, operation)
    (one,) = policies_are_not_public(readers.look(spec))
    assert (one.name, one.verdict) == (readers.bench.name("a"), Verdict.WRONG)
    assert operation in one.detail


def shared_by_ram(stack: Stack, *statements: Statement) -> Stack:
    """Answer GetKeyPolicy for `AWS_RAM`, which the embedded AWS never has, as KMS does for a key that RAM shares.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html
    """

    def answer(params: dict[str, Any], **_: object) -> tuple[SimpleNamespace, dict[str, str]] | None:
        if b"AWS_RAM" not in params["body"]:
            return None
        return SimpleNamespace(status_code=200), {"Policy": document(*statements), "PolicyName": "AWS_RAM"}

    events: Any = stack.account.client("kms").meta.events
    events.register("before-call.kms.GetKeyPolicy", answer)
    return stack


def test_a_reader_of_another_account_that_ram_shares_the_key_with_is_wrong(readers: Readers) -> None:
    declared, partner = (readers.role(one, *READS, account_id=AWAY) for one in ("declared", "partner"))
    spec = readers.keyed_stack(readers.consumer(declared, "a"), readers=(declared,))
    readers.policy_of("a", allow({"AWS": [declared, partner]}))
    accounts: dict[str, Any] = {"accounts": (readers.administrator(AWAY),), "organization_policies": "allow"}
    assert told(others(readers, spec, **accounts)) == [(readers.bench.name("a"), "right")]
    shared = shared_by_ram(readers.look(spec, **accounts), allow({"AWS": AWAY}, DECRYPT, Sid="Shared"))
    (one,) = nobody_else_can_read(shared)
    assert (one.name, one.verdict) == (readers.bench.name("a"), Verdict.WRONG)
    assert one.columns["principal"] == partner


def test_a_key_that_ram_shares_with_everybody_is_public(readers: Readers) -> None:
    shared = shared_by_ram(readers.look(readers.keyed_stack()), allow("*", DECRYPT))
    wrong = [one for one in policies_are_not_public(shared) if one.verdict is not Verdict.RIGHT]
    assert [(one.verdict, one.columns["statement"]) for one in wrong] == [(Verdict.WRONG, "AWS_RAM #1")]


def copied(stack: Stack) -> Stack:
    """Answer DescribeSecret as Secrets Manager does for a secret that is replicated to another account.

    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CrossAccountReplicaEntry.html
    """

    def answer(parsed: dict[str, Any], **_: object) -> None:
        parsed["CrossAccountReplicas"] = [{"ReplicaSecretARN": COPY, "ReplicationStatus": "InSync"}]

    stack.account.client("secretsmanager").meta.events.register("after-call.secretsmanager.DescribeSecret", answer)
    return stack


COPY = f"arn:aws:secretsmanager:eu-west-2:{AWAY}:secret:stolen-AbCdEf"


def test_a_copy_in_another_account_is_wrong(readers: Readers) -> None:
    (one,) = nobody_else_can_read(copied(readers.look(readers.stack())))
    assert (one.name, one.verdict) == (readers.bench.name("a"), Verdict.WRONG)
    assert f"is replicated to account {AWAY} as {COPY} (InSync)" in one.detail
    assert f'replicas: ["{AWAY}"]' in one.detail
    assert one.columns["principal"] == f"arn:aws:iam::{AWAY}:root"
    assert one.reason_type == "CrossAccountReplica"


def test_a_copy_in_an_account_that_the_operator_grants_is_expected(readers: Readers) -> None:
    spec = readers.stack()
    settings = OperatorSettings.model_validate({"grants": [{"stacks": spec.stack, "replicas": [AWAY]}]})
    stack = copied(readers.bench.context(spec, writing=False, settings=settings))
    copy, nobody = nobody_else_can_read(stack)
    assert (copy.verdict, nobody.verdict) == (Verdict.RIGHT, Verdict.RIGHT)
    assert f"Expected: grants: stacks {spec.stack}." in copy.detail


@pytest.mark.parametrize(
    ("again", "kind"), [(False, "UnreadPolicies"), (True, "AwsError DescribeSecret AccessDeniedException")]
)
def test_a_secret_that_may_not_be_described_is_not_said_to_have_no_copy(
    readers: Readers, again: bool, kind: str
) -> None:
    stack = readers.look(readers.stack())
    readers.refuse("secretsmanager", "DescribeSecret")
    if again:
        estate_of(stack)
        readers.refuse("secretsmanager", "DescribeSecret")
    (one,) = nobody_else_can_read(stack)
    assert (one.verdict, one.reason_type) == (Verdict.WRONG, kind)
    assert "DescribeSecret" in one.detail


def test_the_role_that_rotates_a_managed_external_secret_is_expected(readers: Readers) -> None:
    stack, role = readers.look(readers.stack()), readers.role("partner-rotation", *READS)

    def answer(parsed: dict[str, Any], **_: object) -> None:
        for one in parsed.get("SecretList", [parsed]):
            one["ExternalSecretRotationRoleArn"] = role

    for operation in ("DescribeSecret", "ListSecrets"):
        stack.account.client("secretsmanager").meta.events.register(f"after-call.secretsmanager.{operation}", answer)
    found = nobody_else_can_read(stack)
    assert {one.verdict for one in found} == {Verdict.RIGHT}
    assert "Secrets Manager rotates it at its partner by this role" in " ".join(one.detail for one in found)
