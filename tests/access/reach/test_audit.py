"""Who reads what: the declared consumers, and everybody else who can, wherever a policy hides them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from secrets_pipeline.access.evaluator import Layer
from secrets_pipeline.access.reach.audit import AuditedRead, declared_readings, matrix, readable_by, undeclared_readings
from secrets_pipeline.access.reach.reader import Allowed, DeniedBySecretsManager, Unknown
from secrets_pipeline.access.snapshot.model import GroupSnapshot, RotationSnapshot
from secrets_pipeline.desired.base import SecretRef, Target
from secrets_pipeline.desired.consumer.model import ConsumerSpec, ReaderType
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.desired.value.model import DeclaredValue, Leaf
from tests.access.builders import (
    AWAY,
    DECRYPT,
    DELEGATES,
    ELSEWHERE,
    FOREIGN,
    HOME,
    KEY,
    NAME,
    OTHER_NAME,
    READS,
    REGION,
    ROLE,
    World,
    allow,
    decided,
    deny,
    document,
    foreign_world,
    when,
    world,
)

DB, API = (SecretRef(component="secrets", key=key) for key in ("db", "api"))
EXECUTION, TASK = f"arn:aws:iam::{HOME}:role/exec", f"arn:aws:iam::{HOME}:role/task"
PARTNER = f"arn:aws:iam::{ELSEWHERE}:role/partner"
SERVICE = "appflow.amazonaws.com"
EVERYBODY_OF_THE_KEY = allow(
    "kms:*", principal="*", condition=when("StringEquals", "kms:CallerAccount", [HOME, AWAY, ELSEWHERE])
)


def secret(ref: SecretRef, name: str) -> SecretSpec:
    leaf = Leaf(path=(), source=("vars", "secrets", ref.key, "secret_data"))
    return SecretSpec(ref=ref, name=name, value=DeclaredValue(document=False, leaves=(leaf,)))


@dataclass
class Stack:
    """Two secrets and their consumers."""

    consumers: list[ConsumerSpec] = field(default_factory=list)

    def consumer(self, name: str, *secrets: SecretRef, **more: object) -> None:
        kind = {"type": ReaderType.APP, "principals": {"role": ROLE}, **more}
        self.consumers.append(ConsumerSpec(component="secrets", name=name, secrets=secrets, **kind))

    @property
    def spec(self) -> StackSpec:
        return StackSpec(
            stack="shop-dev",
            target=Target(account_id=HOME, region=REGION),
            secrets=(secret(DB, NAME), secret(API, OTHER_NAME)),
            consumers=tuple(self.consumers),
        )


def told(readings: tuple[AuditedRead, ...]) -> list[tuple[str, str, str, str]]:
    return [(one.principal, one.secret, type(one.verdict).__name__, one.expected) for one in readings]


def others(made: World, stack: Stack | None = None, *allowed: str) -> dict[str, str]:
    """Readers of the first secret who are nobody's consumers → why they should."""
    found = undeclared_readings((stack or Stack()).spec, made.estate(), allowed_readers=allowed)
    return {one.principal: one.expected for one in found if one.secret == NAME}


def test_every_consumer_is_asked_for_each_of_its_secrets() -> None:
    made, stack = world(), Stack()
    made.secret(OTHER_NAME, policy=document(deny(principal=ROLE)))
    stack.consumer("orders", DB, API)
    assert told(declared_readings(stack.spec, made.estate())) == [
        (ROLE, NAME, "Allowed", "orders"),
        (ROLE, OTHER_NAME, "DeniedBySecretsManager", "orders"),
    ]


def test_a_secret_that_does_not_exist_yet_is_left_out() -> None:
    stack = Stack()
    stack.consumer("orders", DB, API)
    assert [one.secret for one in declared_readings(stack.spec, world().estate())] == [NAME]


@pytest.mark.parametrize(("delivery", "reader"), [("secrets", EXECUTION), ("arn", TASK)])
def test_what_ecs_injects_its_execution_role_reads_and_what_code_fetches_its_task_role(
    delivery: str, reader: str
) -> None:
    made, stack = world(), Stack()
    made.role(reader, *READS["Statement"])
    roles = {"execution_role": EXECUTION, "task_role": TASK}
    stack.consumer("orders", DB, type=ReaderType.ECS, principals=roles, delivery=delivery)
    assert told(declared_readings(stack.spec, made.estate())) == [(reader, NAME, "Allowed", "orders")]
    # The other role of the same task is nobody's consumer.
    made.role({EXECUTION: TASK, TASK: EXECUTION}[reader], *READS["Statement"])
    assert others(made, stack) == {ROLE: "", ({EXECUTION: TASK, TASK: EXECUTION}[reader]): ""}


def test_a_consumer_of_one_secret_is_nobody_to_another() -> None:
    made, stack = world(), Stack()
    made.secret(OTHER_NAME)
    stack.consumer("orders", DB)
    assert told(undeclared_readings(stack.spec, made.estate())) == [(ROLE, OTHER_NAME, "Allowed", "")]


def test_whoever_cannot_read_is_not_told() -> None:
    made, stack = world(), Stack()
    stack.consumer("orders", DB)
    made.role(f"arn:aws:iam::{HOME}:role/idle", allow("s3:*"))
    assert others(made, stack) == {}


def test_a_user_who_reads_by_a_group_is_told() -> None:
    user = f"arn:aws:iam::{HOME}:user/ana"
    made = world()
    made.role(ROLE)
    made.user(user, groups=("staff",))
    made.groups["staff"] = GroupSnapshot(inline={"reads": READS})
    assert others(made) == {user: ""}


def test_a_role_of_another_visible_account_is_told() -> None:
    made = foreign_world()
    made.role(ROLE)
    assert others(made) == {FOREIGN: ""}


def test_whoever_may_be_able_to_read_is_told_as_unknown() -> None:
    made = world()
    made.role(ROLE, allow(condition=when("StringEquals", "aws:SourceVpce", "vpce-1")), allow(DECRYPT))
    assert told(undeclared_readings(Stack().spec, made.estate())) == [(ROLE, NAME, "Unknown", "")]


OUTSIDE = {
    "its ARN": (allow(principal=PARTNER), PARTNER),
    "its account": (allow(principal=ELSEWHERE), f"arn:aws:iam::{ELSEWHERE}:root"),
    "its account's root": (allow(principal=f"arn:aws:iam::{ELSEWHERE}:root"), f"arn:aws:iam::{ELSEWHERE}:root"),
    "one session of it": (allow(principal=f"arn:aws:sts::{ELSEWHERE}:assumed-role/partner/one"), PARTNER),
    "a condition on the ARN": (allow(principal="*", condition=when("ArnLike", "aws:PrincipalArn", PARTNER)), PARTNER),
    "a condition on the account": (
        allow(principal="*", condition=when("StringEquals", "aws:PrincipalAccount", [ELSEWHERE])),
        f"arn:aws:iam::{ELSEWHERE}:root",
    ),
    "a pattern of ARNs": (
        allow(
            principal=ELSEWHERE,
            condition=when("ArnLike", "aws:PrincipalArn", f"arn:aws:iam::{ELSEWHERE}:role/part*"),
        ),
        f"arn:aws:iam::{ELSEWHERE}:role/part*",
    ),
    "a policy with one statement": (allow(principal=PARTNER), PARTNER),
}


@pytest.mark.parametrize("how", OUTSIDE)
def test_a_stranger_whom_the_secrets_policy_names_is_told(how: str) -> None:
    statement, reader = OUTSIDE[how]
    made = world()
    made.role(ROLE)
    made.secret(NAME, policy={"Version": "2012-10-17", "Statement": statement})
    made.key(KEY, EVERYBODY_OF_THE_KEY)
    assert others(made) == {reader: ""}


def test_a_stranger_whom_only_the_keys_policy_names_is_told_where_the_secret_names_its_account() -> None:
    made = world()
    made.role(ROLE)
    made.secret_policy(allow(principal=ELSEWHERE))
    made.key(KEY, *DELEGATES["Statement"], allow(DECRYPT, principal=PARTNER))
    assert others(made) == {PARTNER: ""}


def test_a_stranger_who_has_a_grant_is_told_where_the_secret_names_its_account() -> None:
    made = world()
    made.role(ROLE)
    made.secret_policy(allow(principal=ELSEWHERE))
    made.grant(PARTNER)
    assert others(made) == {PARTNER: ""}


def service_world(*statements: dict[str, Any]) -> World:
    """A secret whose policy and key let in a service of AWS; the account's own role cannot read."""
    made = world()
    made.role(ROLE)
    made.secret_policy(*statements)
    made.key(KEY, *DELEGATES["Statement"], allow(DECRYPT, principal={"Service": SERVICE}))
    return made


@pytest.mark.parametrize("caller", [f"arn:aws:iam::{HOME}:user/ci", f"arn:aws:sts::{HOME}:assumed-role/ci/run"])
def test_a_service_whom_the_secrets_policy_names_is_told_whoever_runs_the_audit(caller: str) -> None:
    made = service_world(allow(principal={"Service": [SERVICE, "apigateway.amazonaws.com"]}))
    made.caller_arn = caller
    assert others(made) == {SERVICE: ""}
    assert others(made, None, "*.amazonaws.com") == {SERVICE: "allowed_readers: *.amazonaws.com"}


def test_a_service_whom_the_key_does_not_serve_is_not_told() -> None:
    made = service_world(allow(principal={"Service": SERVICE}))
    made.key()
    assert others(made) == {}


def test_a_service_whom_the_policy_only_denies_is_not_told() -> None:
    assert others(service_world(deny(principal={"Service": SERVICE}))) == {}


@pytest.mark.parametrize("key", ["aws:SourceAccount", "aws:SourceArn", "aws:SourceOrgID"])
def test_on_whose_behalf_a_service_asks_is_not_known(key: str) -> None:
    made = service_world(allow(principal={"Service": SERVICE}, condition=when("StringEquals", key, HOME)))
    assert told(undeclared_readings(Stack().spec, made.estate())) == [(SERVICE, NAME, "Unknown", "")]


def test_a_stranger_whom_the_default_key_does_not_serve_is_not_told() -> None:
    made = world()
    made.role(ROLE)
    made.secret_policy(allow(principal=PARTNER))
    made.key(KEY, aws_managed=True)
    assert others(made) == {}


def test_a_name_that_nobody_of_an_account_that_was_read_has_is_not_told() -> None:
    ghost = f"arn:aws:iam::{HOME}:role/ghost"
    made = world()
    made.role(ROLE)
    made.secret_policy(allow(principal="*", condition=when("ArnEquals", "aws:PrincipalArn", ghost)))
    assert others(made) == {}


def test_a_session_of_a_known_role_is_told_as_that_role() -> None:
    known = f"arn:aws:iam::{AWAY}:role/teams/reports"
    made = world()
    made.role(ROLE)
    made.role(known, *READS["Statement"])
    made.secret_policy(allow(principal=f"arn:aws:sts::{AWAY}:assumed-role/reports/one"))
    made.key(KEY, EVERYBODY_OF_THE_KEY)
    assert others(made) == {known: ""}


def test_the_role_of_a_secrets_rotation_function_is_expected_to_read_it_and_no_other() -> None:
    rotates = f"arn:aws:iam::{HOME}:role/rotate"
    made = world()
    made.role(ROLE)
    made.role(rotates, *READS["Statement"])
    made.secret(NAME, rotation=RotationSnapshot(enabled=True, lambda_role=rotates))
    made.secret(OTHER_NAME)
    assert told(undeclared_readings(Stack().spec, made.estate())) == [
        (rotates, NAME, "Allowed", "its rotation function"),
        (rotates, OTHER_NAME, "Allowed", ""),
    ]


@pytest.mark.parametrize("path", ["", "platform/ci/"])
def test_this_pipeline_is_expected_whatever_the_path_of_its_role(path: str) -> None:
    own = f"arn:aws:iam::{HOME}:role/{path}secrets-pipeline"
    made = world()
    made.role(ROLE)
    made.role(own, *READS["Statement"])
    assert others(made) == {own: "this pipeline"}


def test_a_user_or_a_role_of_another_account_with_the_pipelines_name_is_not_the_pipeline() -> None:
    user, away = f"arn:aws:iam::{HOME}:user/secrets-pipeline", f"arn:aws:iam::{AWAY}:role/secrets-pipeline"
    made = foreign_world()
    made.role(ROLE)
    made.user(user, *READS["Statement"])
    made.role(away, *READS["Statement"])
    made.secret_policy(allow(principal=away))
    made.key(KEY, *DELEGATES["Statement"], allow(DECRYPT, principal=away))
    assert others(made) == {user: "", away: ""}


@pytest.mark.parametrize("named", ["arn:x:role/secrets-pipeline", "arn:aws:iam::role/secrets-pipeline", "arn:::::"])
def test_what_a_policy_names_that_is_no_arn_is_not_the_pipeline(named: str) -> None:
    made = world()
    made.role(ROLE)
    made.secret_policy(allow(principal=named))
    made.key(KEY, *DELEGATES["Statement"], allow(DECRYPT, principal=named))
    assert others(made) == {named: ""}


def test_a_user_who_runs_the_pipeline_is_expected() -> None:
    user = f"arn:aws:iam::{HOME}:user/ci"
    made = world()
    made.role(ROLE)
    made.user(user, *READS["Statement"])
    made.caller_arn = user
    assert others(made) == {user: "this pipeline"}


def test_allowed_readers_are_globs_and_the_one_that_matches_is_named() -> None:
    sso = f"arn:aws:iam::{HOME}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123"
    made = world()
    made.role(sso, allow("*"))
    found = others(made, None, "arn:aws:iam::*:role/nobody", "*/AWSReservedSSO_Admin_*")
    assert found == {ROLE: "", sso: "allowed_readers: */AWSReservedSSO_Admin_*"}


def test_a_matrix_asks_every_reader_for_every_secret_that_exists() -> None:
    made = foreign_world()
    made.secret(OTHER_NAME)
    found = matrix(made.estate(), [ROLE, FOREIGN], [NAME, OTHER_NAME, "shop/dev/nothing"])
    assert told(found) == [
        (ROLE, NAME, "Allowed", ""),
        (ROLE, OTHER_NAME, "Allowed", ""),
        (FOREIGN, NAME, "Allowed", ""),
        (FOREIGN, OTHER_NAME, "DeniedBySecretsManager", ""),
    ]
    assert decided(found[3].verdict) == ("DeniedBySecretsManager", Layer.SECRET_POLICY, "", "")
    assert isinstance(found[3].verdict, DeniedBySecretsManager)


def test_what_a_compromised_principal_could_read_is_all_that_it_can_or_may_be_able_to() -> None:
    made = foreign_world()
    made.secret(OTHER_NAME)
    assert [one.secret for one in readable_by(made.estate(), FOREIGN)] == [NAME]
    made.unread[AWAY] = "refused"
    assert [type(one.verdict) for one in readable_by(made.estate(), FOREIGN)] == [Unknown]
    assert [(one.secret, type(one.verdict)) for one in readable_by(made.estate(), ROLE)] == [
        (NAME, Allowed),
        (OTHER_NAME, Allowed),
    ]
    assert readable_by(made.estate(), f"arn:aws:iam::{HOME}:role/ghost") == ()


UNNAMED = {
    "any of its roles": (when("StringEquals", "aws:PrincipalType", "AssumedRole"), {"role/*"}),
    "any of its users": (when("StringEquals", "aws:PrincipalType", "User"), {"user/*"}),
    "whoever is not its root": (
        when("ArnNotEquals", "aws:PrincipalArn", f"arn:aws:iam::{ELSEWHERE}:root"),
        {"role/*", "user/*"},
    ),
    "a role of any account": (when("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/deploy"), {"role/deploy"}),
    "a role, whatever stands before it": (when("StringLike", "aws:PrincipalArn", "*role/deploy"), {"role/deploy"}),
    "all of it": (when("StringLike", "aws:PrincipalArn", "*"), {"root"}),
    "a role of yet another account": (when("ArnEquals", "aws:PrincipalArn", f"arn:aws:iam::{AWAY}:role/x"), set()),
}


@pytest.mark.parametrize("how", UNNAMED)
def test_whomever_of_an_account_a_condition_lets_in_is_told(how: str) -> None:
    condition, readers = UNNAMED[how]
    made = world()
    made.role(ROLE)
    made.secret_policy(allow(principal=ELSEWHERE, condition=condition))
    made.key(KEY, EVERYBODY_OF_THE_KEY)
    assert others(made) == dict.fromkeys((f"arn:aws:iam::{ELSEWHERE}:{one}" for one in readers), "")


def test_an_account_whose_principals_were_read_is_told_by_their_names() -> None:
    known = f"arn:aws:iam::{ELSEWHERE}:role/known"
    made = world()
    made.role(ROLE)
    made.role(known, *READS["Statement"])
    made.secret_policy(allow(principal=ELSEWHERE, condition=when("StringEquals", "aws:PrincipalType", "AssumedRole")))
    made.key(KEY, EVERYBODY_OF_THE_KEY)
    assert others(made) == {known: ""}
