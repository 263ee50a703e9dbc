"""AWS's own judges beside the evaluator: agreement, disagreement with both answers, and what AWS did not say."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from botocore.config import Config

from secrets_pipeline import emulator
from secrets_pipeline.access.reach.simulated import OwnRight, Simulated, disagreement, simulate
from secrets_pipeline.emulator import FaultAction, InjectedFault, Opinions
from secrets_pipeline.reconcilers.access_checks.second_opinion import aws_agrees
from secrets_pipeline.reconcilers.finding import Finding, Verdict
from tests.reconcilers.readers import AWAY, DECRYPT, READ, READS, allow, document, told

if TYPE_CHECKING:
    from secrets_pipeline.aws.session import Sessions
    from secrets_pipeline.desired.stack import StackSpec
    from tests.reconcilers.readers import Readers

MANAGEMENT = "999988887777"
REGIONAL = {"StringEquals": {"aws:RequestedRegion": "eu-west-2"}}
THROUGH = {"StringEquals": {"kms:ViaService": "secretsmanager.eu-west-2.amazonaws.com"}}


def asked(readers: Readers, spec: StackSpec, **access: object) -> list[Finding]:
    return aws_agrees(readers.look(spec, **access))


def one_reader(readers: Readers, *statements: dict[str, object]) -> tuple[StackSpec, str]:
    """A secret under a key of its own, and its consumer."""
    arn = readers.role("reader", *statements)
    return readers.keyed_stack(readers.consumer(arn, "a")), arn


def of_reader(findings: list[Finding]) -> Finding:
    (one,) = [one for one in findings if one.name == "orders"]
    return one


def calls(readers: Readers, operation: str) -> int:
    """How often AWS was asked, whatever the service."""
    return sum(one.count for one in emulator.calls(readers.bench.aws) if one.operation == operation)


def test_where_both_say_the_same_it_is_right_and_says_what_aws_said(readers: Readers) -> None:
    spec, arn = one_reader(readers, *READS)
    found = asked(readers, spec)
    assert told(found) == [("orders", "right"), (readers.key_arn, "right")]
    assert found[0].columns == {
        "principal": arn,
        "secret": readers.bench.name("a"),
        "verdict": "Allowed",
        "aws": f"{READ} allowed, {DECRYPT} allowed",
    }


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        ((), f"{READ} implicitDeny, {DECRYPT} implicitDeny"),
        ((*READS, {**READS[0], "Sid": "Never", "Effect": "Deny"}), f"{READ} explicitDeny, {DECRYPT} allowed"),
        (
            ({**READS[0], "Condition": REGIONAL}, {**READS[1], "Condition": THROUGH}),
            f"{READ} allowed, {DECRYPT} allowed",
        ),
    ],
    ids=["nothing allowed", "denied", "allowed under conditions whose keys are sent"],
)
def test_denials_and_conditions_agree_as_well(
    readers: Readers, statements: tuple[dict[str, object], ...], said: str
) -> None:
    spec, _ = one_reader(readers, *statements)
    one = of_reader(asked(readers, spec))
    assert (one.verdict, one.columns["aws"]) == (Verdict.RIGHT, said)


def test_what_a_condition_compares_with_is_sent_as_well(readers: Readers) -> None:
    same_team = {"StringEquals": {"secretsmanager:ResourceTag/team": "${aws:PrincipalTag/team}"}}
    spec, _ = one_reader(readers, {**READS[0], "Condition": same_team}, READS[1])
    readers.iam().tag_role(RoleName="reader", Tags=[{"Key": "team", "Value": "shop"}])
    readers.bench.secrets.tag_resource(SecretId=readers.bench.name("a"), Tags=[{"Key": "team", "Value": "shop"}])
    one = of_reader(asked(readers, spec))
    assert (one.verdict, one.columns["aws"]) == (Verdict.RIGHT, f"{READ} allowed, {DECRYPT} allowed")


def test_a_boundary_is_in_both_answers(readers: Readers) -> None:
    spec, _ = one_reader(readers, *READS)
    iam = readers.iam()
    iam.create_policy(PolicyName="narrow", PolicyDocument=document({**READS[0], "Action": "s3:*"}))
    boundary = f"arn:aws:iam::{readers.account_id}:policy/narrow"
    iam.put_role_permissions_boundary(RoleName="reader", PermissionsBoundary=boundary)
    one = of_reader(asked(readers, spec))
    assert (one.verdict, one.columns["aws"]) == (Verdict.RIGHT, f"{READ} implicitDeny, {DECRYPT} implicitDeny")


@pytest.mark.parametrize(
    ("statements", "said", "ours"),
    [(READS, "explicitDeny", "allow"), (READS, "implicitDeny", "allow"), ((), "allowed", "do not allow")],
)
def test_a_disagreement_is_wrong_with_both_answers(
    readers: Readers, statements: tuple[dict[str, object], ...], said: str, ours: str
) -> None:
    spec, arn = one_reader(readers, *statements)
    emulator.set_opinions(readers.bench.aws, Opinions(simulated={arn: said}))
    one = of_reader(asked(readers, spec))
    assert one.verdict is Verdict.WRONG
    for action in (READ, DECRYPT):
        assert (
            f"the evaluator says that the role's own policies {ours} {action}, SimulatePrincipalPolicy says {said}"
        ) in one.detail


def test_scps_that_the_operator_waves_through_and_aws_does_not_are_a_disagreement(readers: Readers) -> None:
    client = readers.session(MANAGEMENT).client("organizations")
    client.create_organization(FeatureSet="ALL")
    invited = client.invite_account_to_organization(Target={"Id": readers.account_id, "Type": "ACCOUNT"})
    readers.bench.session.client("organizations").accept_handshake(HandshakeId=invited["Handshake"]["Id"])
    spec, _ = one_reader(readers, *READS)
    closed = document({"Effect": "Deny", "Action": READ, "Resource": "*"})
    made = client.create_policy(Name="closed", Description="", Type="SERVICE_CONTROL_POLICY", Content=closed)["Policy"]
    client.attach_policy(PolicyId=made["PolicySummary"]["Id"], TargetId=readers.account_id)
    unknown = of_reader(asked(readers, spec))
    assert unknown.verdict is Verdict.WAITING
    assert "the evaluator does not know" in unknown.detail
    assert f"SimulatePrincipalPolicy says {READ} explicitDeny" in unknown.detail
    waved = of_reader(asked(readers, spec, organization_policies="allow"))
    assert (waved.verdict, f"allow {READ}, SimulatePrincipalPolicy says explicitDeny" in waved.detail) == (
        Verdict.WRONG,
        True,
    )


@pytest.mark.parametrize("how", [FaultAction.DENY, FaultAction.THROTTLE])
@pytest.mark.parametrize(
    ("operation", "name"),
    [
        ("SimulatePrincipalPolicy", "orders"),
        ("CheckNoPublicAccess", "key"),
        ("ValidatePolicy", "key"),
    ],
)
def test_what_aws_did_not_say_is_a_warning_with_the_reason(
    readers: Readers, sessions: Sessions, how: FaultAction, operation: str, name: str
) -> None:
    spec, _ = one_reader(readers, *READS)
    stack = readers.look(spec)
    impatient = sessions.derived(config=Config(retries={"total_max_attempts": 1})).for_target(spec.target)
    emulator.arm(readers.bench.aws, InjectedFault(how, operation=operation))
    found = {one.name: one for one in aws_agrees(replace(stack, account=impatient))}
    one = found["orders" if name == "orders" else readers.key_arn]
    assert one.verdict is Verdict.WAITING
    assert operation in one.detail
    assert {each.verdict for each in found.values() if each is not one} == {Verdict.RIGHT}


def test_a_reader_of_another_account_is_not_asked_about(readers: Readers) -> None:
    away = readers.role("reports", *READS, account_id=AWAY)
    spec = readers.keyed_stack(readers.consumer(away, "a"), readers=(away,))
    readers.bench.reset_calls()
    one = of_reader(asked(readers, spec, accounts=(readers.administrator(AWAY),), organization_policies="allow"))
    assert one.verdict is Verdict.WAITING
    assert one.detail.startswith(f"role reports of {AWAY}: not asked: ")
    assert calls(readers, "SimulatePrincipalPolicy") == 0


def test_a_key_of_another_account_is_not_asked_about_and_no_agreement_is_claimed(readers: Readers) -> None:
    own = readers.account_id
    reader = readers.role("reader", *READS)
    kms = readers.session(AWAY).client("kms")
    ours = allow({"AWS": own}, "kms:*")
    key = kms.create_key(Policy=document(allow({"AWS": AWAY}, "kms:*"), ours))["KeyMetadata"]["Arn"]
    bench = readers.bench
    spec = readers.stack(readers.consumer(reader, "a"))
    bench.secrets.update_secret(SecretId=bench.name("a"), KmsKeyId=key, SecretString="x")
    one = of_reader(asked(readers, spec, accounts=(readers.administrator(AWAY),), organization_policies="allow"))
    assert one.verdict is Verdict.WAITING
    assert "not asked: " in one.detail
    assert one.columns["aws"] == f"{READ} allowed"


def test_a_role_that_does_not_exist_waits(readers: Readers) -> None:
    ghost = f"arn:aws:iam::{readers.account_id}:role/ghost"
    one = of_reader(asked(readers, readers.stack(readers.consumer(ghost, "a"))))
    assert (one.verdict, one.detail) == (
        Verdict.WAITING,
        f"role ghost does not exist in account {readers.account_id}",
    )


def test_what_the_evaluator_cannot_know_waits_with_what_aws_said(readers: Readers) -> None:
    network = {"StringEquals": {"aws:SourceVpce": "vpce-1"}}
    spec, _ = one_reader(readers, {**READS[0], "Condition": network}, READS[1])
    one = of_reader(asked(readers, spec))
    assert one.verdict is Verdict.WAITING
    assert f"the evaluator does not know {READ}: " in one.detail
    assert f"SimulatePrincipalPolicy says {READ} implicitDeny, {DECRYPT} allowed" in one.detail


def test_a_role_is_asked_once_for_all_of_its_secrets_and_for_each_where_its_policies_look_at_which(
    readers: Readers,
) -> None:
    plain = readers.role("plain", *READS)
    looking = {"StringLike": {"secretsmanager:SecretId": "arn:*"}}
    picky = readers.role("picky", {**READS[0], "Condition": looking})
    keys = ("a", "b", "c", "d")
    spec = readers.stack(readers.consumer(plain, *keys), keys=keys)
    readers.bench.reset_calls()
    assert {one.verdict for one in asked(readers, spec)} == {Verdict.RIGHT}
    assert calls(readers, "SimulatePrincipalPolicy") == 1, "the default key asks nothing of the role's own policies"
    readers.bench.reset_calls()
    spec = spec.model_copy(update={"consumers": (readers.consumer(picky, *keys),)})
    assert {one.verdict for one in asked(readers, spec)} == {Verdict.RIGHT}
    assert calls(readers, "SimulatePrincipalPolicy") == len(keys)


def test_many_resources_are_asked_about_in_parts_and_each_is_answered(readers: Readers) -> None:
    spec, arn = one_reader(readers, {**READS[0], "Resource": "arn:aws:secretsmanager:*:*:secret:even-*"})
    own = readers.look(spec).account
    place = f"arn:aws:secretsmanager:eu-west-2:{readers.account_id}:secret"
    rights = [OwnRight(arn, READ, f"{place}:{'odd' if n % 2 else 'even'}-{n}", n % 2 == 0) for n in range(120)]
    readers.bench.reset_calls()
    said = simulate(own, rights)
    assert calls(readers, "SimulatePrincipalPolicy") == 3
    assert {one: answer for one, answer in said.items() if disagreement(one, answer)} == {}
    assert said == {one: Simulated("allowed" if one.allowed else "implicitDeny") for one in rights}


def test_a_public_policy_is_public_to_both(readers: Readers) -> None:
    spec = readers.keyed_stack()
    readers.policy_of("a", allow("*", Sid="Wide"))
    found = asked(readers, spec)
    assert told(found) == [(readers.bench.name("a"), "right"), (readers.key_arn, "right")]
    assert found[0].columns["aws"] == "public"


@pytest.mark.parametrize(
    ("principal", "said", "both"),
    [
        ("*", "PASS", "lets in everybody, CheckNoPublicAccess says not public"),
        (None, "FAIL", "lets in nobody whom it does not name, CheckNoPublicAccess says public (statement Mine: Public"),
    ],
)
@pytest.mark.parametrize("of", ["secret", "key"])
def test_a_policy_that_aws_judges_otherwise_is_wrong_with_both_answers(
    readers: Readers, principal: str | None, said: str, both: str, of: str
) -> None:
    spec = readers.keyed_stack()
    whom = principal or {"AWS": readers.role("partner")}
    if of == "secret":
        readers.policy_of("a", allow(whom, Sid="Mine"))
    else:
        readers.key_policy(allow(whom, DECRYPT, Sid="Mine"))
    emulator.set_opinions(readers.bench.aws, Opinions(public={"Mine": said}))
    name = readers.bench.name("a") if of == "secret" else readers.key_arn
    (one,) = [one for one in asked(readers, spec) if one.name == name]
    assert one.verdict is Verdict.WRONG
    assert both in one.detail


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [
        ("ERROR", Verdict.WRONG),
        ("SECURITY_WARNING", Verdict.ADVISED),
        ("WARNING", Verdict.RIGHT),
        ("SUGGESTION", Verdict.RIGHT),
    ],
)
def test_what_validate_policy_finds_is_as_grave_as_aws_says(readers: Readers, kind: str, verdict: Verdict) -> None:
    spec = readers.stack()
    readers.policy_of("a", allow({"AWS": readers.role("partner")}, Sid="Mine"))
    finding = {"findingType": kind, "issueCode": "SOME_ISSUE", "findingDetails": "Mend it."}
    emulator.set_opinions(readers.bench.aws, Opinions(found={"Mine": finding}))
    (one,) = asked(readers, spec)
    assert (one.name, one.verdict) == (readers.bench.name("a"), verdict)
    assert one.columns["aws"] == f"not public, {kind} SOME_ISSUE"
    if verdict is not Verdict.RIGHT:
        assert "SOME_ISSUE: Mend it." in one.detail


def test_a_secret_without_policy_under_the_default_key_has_nothing_to_ask_about(readers: Readers) -> None:
    spec = readers.stack()
    readers.bench.reset_calls()
    assert asked(readers, spec) == []
    assert calls(readers, "CheckNoPublicAccess") == 0


def test_a_policy_that_could_not_be_read_waits_and_policies_alike_are_asked_about_once(readers: Readers) -> None:
    spec = readers.stack(keys=("a", "b"))
    partner = {"AWS": readers.role("partner")}
    for key in ("a", "b"):
        readers.policy_of(key, allow(partner, Sid="Mine"))
    readers.bench.reset_calls()
    assert {one.verdict for one in asked(readers, spec)} == {Verdict.RIGHT}
    assert [calls(readers, one) for one in ("CheckNoPublicAccess", "ValidatePolicy")] == [1, 1]
    readers.refuse("secretsmanager", "GetResourcePolicy")
    assert sorted(one.verdict.value for one in asked(readers, spec)) == ["right", "waiting"]


def test_no_value_is_asked_for(readers: Readers) -> None:
    canary = "canary-of-the-second-opinion-3391"
    bench = readers.bench
    spec = bench.create(bench.declared("a", canary), consumers=(readers.consumer(readers.role("reader", *READS), "a"),))
    bench.reset_calls()
    found = asked(readers, spec)
    assert calls(readers, "GetSecretValue") == 0
    assert canary not in json.dumps([[one.name, one.detail, dict(one.columns)] for one in found])
