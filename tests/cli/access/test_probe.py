"""`verify --probe`: AWS is asked under each reader's own role, and has to agree with what its policies say.

The policies of the organisation are what makes them differ here: a member's credentials cannot read them, and the
operator's settings promise that they let everybody read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from tests.cli.access.access_shop import (
    ACCOUNT,
    CANARY,
    CONFIG,
    OTHER,
    PARTNER,
    READ,
    STACK,
    TOKEN,
    WORKER,
    AccessShop,
    deny,
    document,
)

ACCESS = ("consumers_can_read", "foreign_readers_can_read", "nobody_else_can_read", "probe_agrees")


def told(check: Mapping[str, Any]) -> str:
    """What is not right, all of it: the line of a check has the first alone."""
    return "; ".join(f"{', '.join(one['subjects'])}: {one['sentence']}" for one in check["open"])


@pytest.fixture(scope="module")
def shop(access_shop: AccessShop) -> Iterator[AccessShop]:
    """Both consumers may read what they are declared to."""
    with ExitStack() as attached:
        for consumer, arn in (("worker", WORKER), ("partner", PARTNER)):
            (found,) = access_shop.read("access", "policy", "-s", STACK, "--consumer", consumer)
            policies = {**found["identity"], **found["handover"].get(OTHER, {})}
            attached.enter_context(access_shop.policy(arn, *policies[arn]["Statement"]))
        yield access_shop


@contextmanager
def denying_scp(shop: AccessShop) -> Iterator[None]:
    """No role of the path that the worker has may read a value; everybody else may, the pipeline too."""
    organization = shop.organization
    closed = deny(READ, Condition={"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/jobs/*"}})
    made = organization.create_policy(
        Name="closed", Description="", Type="SERVICE_CONTROL_POLICY", Content=document(closed)
    )["Policy"]["PolicySummary"]["Id"]
    organization.attach_policy(PolicyId=made, TargetId=ACCOUNT)
    try:
        yield
    finally:
        organization.detach_policy(PolicyId=made, TargetId=ACCOUNT)
        organization.delete_policy(PolicyId=made)


def verified(shop: AccessShop, *more: str, **environment: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code, and the checks by name."""
    result = shop.run("verify", "-s", STACK, "--format", "json", *more, **environment)
    assert CANARY not in result.output
    found = json.loads(result.stdout)
    assert found["errors"] == {}, result.output
    return result.exit_code, {row["check"]: row for row in found["checks"]}


def asked(shop: AccessShop) -> dict[str, int]:
    """How often each reader's role asked for a value in the last command."""
    return {
        role: sum(one.count for one in shop.calls if one.operation == "GetSecretValue" and role in one.principal)
        for role in (WORKER, PARTNER)
    }


def test_aws_gives_each_consumer_what_the_policies_promise(shop: AccessShop) -> None:
    code, checks = verified(shop, "--probe")
    assert {name: checks[name]["passed"] for name in ACCESS} == dict.fromkeys(ACCESS, True), checks
    assert code == 0, checks
    assert asked(shop) == {WORKER: 1, PARTNER: 1}


def test_nobody_is_asked_without_the_option(shop: AccessShop) -> None:
    code, checks = verified(shop)
    assert (code, checks["consumers_can_read"]["passed"]) == (0, True)
    assert "probe_agrees" not in checks
    assert asked(shop) == {WORKER: 0, PARTNER: 0}


def test_a_refusal_that_the_policies_foretell_agrees_with_them(shop: AccessShop) -> None:
    """The reader cannot read, which is an error of its own; the probe has nothing to add."""
    for action, verdict in ((READ, "DeniedBySecretsManager"), ("kms:Decrypt", "DeniedByKms")):
        with shop.policy(WORKER, deny(action), name="stop"):
            code, checks = verified(shop, "--probe")
        assert code == 1
        assert (checks["consumers_can_read"]["passed"], checks["probe_agrees"]["passed"]) == (False, True), checks
        types = [one.get("reason_type") for one in checks["consumers_can_read"]["open"]]
        assert types == [f"{verdict} identity policy"]
        assert asked(shop) == {WORKER: 1, PARTNER: 1}


def test_a_role_that_nobody_may_assume_is_not_probed_and_that_is_no_error(shop: AccessShop) -> None:
    iam = shop.iam(WORKER)
    kept = iam.get_role(RoleName="worker")["Role"]["AssumeRolePolicyDocument"]
    run = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam.update_assume_role_policy(RoleName="worker", PolicyDocument=document(run))
    try:
        code, checks = verified(shop, "--probe")
    finally:
        iam.update_assume_role_policy(RoleName="worker", PolicyDocument=json.dumps(kept))
    probe = checks["probe_agrees"]
    assert (code, probe["passed"], probe["severity"]) == (0, False, "WARN")
    assert f"not probed: {ACCOUNT} may not assume it (AccessDenied)" in told(probe)
    assert asked(shop) == {WORKER: 0, PARTNER: 1}


def test_what_no_snapshot_can_see_turns_the_probe_red_with_both_answers(shop: AccessShop) -> None:
    with denying_scp(shop):
        code, checks = verified(shop, "--probe")
        said = {pair: one["verdict"] for pair, one in shop.readings().items()}
        answer = shop.answer(WORKER, TOKEN)
    assert (said[WORKER, TOKEN], said[PARTNER, CONFIG]) == ("Allowed", "Allowed")
    assert answer.endswith("with an explicit deny in a service control policy")
    probe = checks["probe_agrees"]
    assert (code, probe["passed"], probe["severity"]) == (1, False, "ERROR")
    assert "worker: the evaluator says Allowed, AWS refused with " in told(probe)
    assert "explicit deny in a service control policy" in told(probe)
    assert "partner" not in told(probe)
    assert checks["consumers_can_read"]["passed"]
    code, checks = verified(shop, "--probe")
    assert (code, checks["probe_agrees"]["passed"]) == (0, True), checks


def test_settings_that_promise_nothing_make_the_same_reader_unknown(shop: AccessShop) -> None:
    """Without that promise nothing is claimed, so AWS's refusal contradicts nobody."""
    cautious = shop.folder / "cautious.yaml"
    cautious.write_text((shop.folder / "operator.yaml").read_text().replace("organization_policies: allow", ""))
    with denying_scp(shop):
        _, checks = verified(shop, "--probe", SECRETS_PIPELINE_CONFIG=str(cautious))
    assert checks["probe_agrees"]["passed"], checks["probe_agrees"]
    can = checks["consumers_can_read"]
    assert (can["passed"], can["severity"]) == (False, "WARN")
    assert "is not known: service control policy" in told(can)
