"""Can the consumers read, and what is said where that cannot be told; no value is read for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.consumer.model import ReaderType
from secrets_pipeline.reconcilers.access_checks import checks as found
from secrets_pipeline.reconcilers.access_checks.checks import access_matrix
from secrets_pipeline.reconcilers.finding import Verdict, open_groups
from tests.reconcilers.readers import AWAY, READS, allow, told

if TYPE_CHECKING:
    from tests.reconcilers.readers import Readers

CHECKS = (
    found.consumers_can_read,
    found.foreign_readers_can_read,
    found.nobody_else_can_read,
    found.policies_are_not_public,
    found.consumers_are_trusted,
)
DEFAULT_KEY = "the default key aws/secretsmanager never serves another account"


def test_a_consumer_is_told_of_each_of_its_secrets_with_what_decides(readers: Readers) -> None:
    arn = readers.role("reader", *READS)
    spec = readers.stack(readers.consumer(arn, "a", "b"), keys=("a", "b", "c"))
    readers.policy_of("b", {**allow({"AWS": arn}), "Sid": "NotHe", "Effect": "Deny"})
    right, wrong = found.consumers_can_read(readers.look(spec))
    name = readers.bench.name
    assert (right.name, right.verdict) == ("orders", Verdict.RIGHT)
    assert right.columns == {
        "principal": arn,
        "secret": name("a"),
        "verdict": "Allowed",
        "layer": "identity policy",
        "policy": "inline policy own",
        "statement": "Read",
    }
    assert (wrong.name, wrong.verdict) == ("orders", Verdict.WRONG)
    assert wrong.columns == {
        "principal": arn,
        "secret": name("b"),
        "verdict": "DeniedBySecretsManager",
        "layer": "secret policy",
        "policy": "secret policy",
        "statement": "NotHe",
    }
    assert f"role reader of {readers.account_id} cannot read {name('b')}" in wrong.detail


def test_what_keeps_a_consumer_from_several_secrets_is_said_once_and_each_secret_named(readers: Readers) -> None:
    spec = readers.stack(readers.consumer(readers.role("reader", READS[1]), "a", "b"), keys=("a", "b"))
    (group,) = open_groups(found.consumers_can_read(readers.look(spec)))
    name = readers.bench.name
    assert group.subjects == (f"orders ({name('a')})", f"orders ({name('b')})")
    assert group.sentence.startswith(f"role reader of {readers.account_id} cannot read it: ")


def test_a_role_that_does_not_exist_is_said_to_be_missing(readers: Readers) -> None:
    spec = readers.stack(readers.consumer(f"arn:aws:iam::{readers.account_id}:role/ghost", "a"))
    (one,) = found.consumers_can_read(readers.look(spec))
    assert (one.verdict, one.detail) == (
        Verdict.WRONG,
        f"role ghost does not exist in account {readers.account_id}",
    )


def test_a_secret_that_is_not_there_yet_is_waited_for_and_nobody_elses_business(readers: Readers) -> None:
    bench = readers.bench
    spec = bench.spec(bench.declared("a"), consumers=(readers.consumer(readers.role("reader", *READS), "a"),))
    context = readers.look(spec)
    (one,) = found.consumers_can_read(context)
    assert (one.verdict, one.detail) == (
        Verdict.WAITING,
        f"secret {bench.name('a')} does not exist, so nobody reads it",
    )
    assert found.nobody_else_can_read(context) == found.policies_are_not_public(context) == []
    assert found.foreign_readers_can_read(context) == []
    assert found.probe_agrees(context) == [one]
    assert access_matrix(context) == ()


def test_without_consumers_nothing_is_said_of_any_and_the_secrets_are_looked_at_all_the_same(readers: Readers) -> None:
    context = readers.look(readers.stack())
    assert found.consumers_can_read(context) == found.foreign_readers_can_read(context) == []
    assert found.consumers_are_trusted(context) == found.probe_agrees(context) == []
    assert access_matrix(context) == ()
    name = readers.bench.name("a")
    assert told(found.nobody_else_can_read(context)) == [(name, "right")]
    assert told(found.policies_are_not_public(context)) == [(name, "right")]


UNREAD = {
    "an organisation": ("organizations", "DescribeOrganization", "service control policy"),
    "an account": ("iam", "GetAccountAuthorizationDetails", "permissions boundary"),
    "a secret's policy": ("secretsmanager", "GetResourcePolicy", "secret policy"),
    "a secret's versions": ("secretsmanager", "ListSecretVersionIds", "secret policy"),
    "a key": ("kms", "DescribeKey", "KMS key"),
    "a key's policy": ("kms", "GetKeyPolicy", "key policy"),
    "a key's grants": ("kms", "ListGrants", "KMS grant"),
}


@pytest.mark.parametrize("what", UNREAD)
def test_a_layer_that_cannot_be_read_leaves_it_waiting_and_is_named(readers: Readers, what: str) -> None:
    service, operation, layer = UNREAD[what]
    spec = readers.keyed_stack(readers.consumer(readers.role("reader", *READS), "a"))
    readers.refuse(service, operation)
    (one,) = found.consumers_can_read(readers.look(spec))
    assert (one.verdict, one.columns["verdict"]) == (Verdict.WAITING, "Unknown")
    assert "is not known: " in one.detail
    assert operation in one.detail
    assert one.columns["layer"] == layer
    (again,) = found.consumers_can_read(readers.look(spec))
    assert again.verdict is Verdict.RIGHT, "it was the refusal alone"


def test_the_operator_may_vouch_for_an_organisation_that_cannot_be_read(readers: Readers) -> None:
    spec = readers.stack(readers.consumer(readers.role("reader", *READS), "a"))
    readers.refuse("organizations", "DescribeOrganization")
    (one,) = found.consumers_can_read(readers.look(spec, organization_policies="allow"))
    assert one.verdict is Verdict.RIGHT


def test_a_reader_of_a_visible_account_is_told_all_three_policies(readers: Readers) -> None:
    away = readers.role("reports", *READS, account_id=AWAY)
    own = readers.role("reader", *READS)
    consumers = readers.consumer(own, "a"), readers.consumer(away, "a", name="reports")
    spec = readers.keyed_stack(*consumers, readers=(away,))
    visible = {"accounts": (readers.administrator(AWAY),), "organization_policies": "allow"}
    (right,) = found.foreign_readers_can_read(readers.look(spec, **visible))
    assert (right.name, right.verdict, right.columns["principal"]) == ("reports", Verdict.RIGHT, away)
    for policy in ("secret policy allows", "key policy allows", "identity policy allows"):
        assert policy in right.detail
    readers.iam(AWAY).delete_role_policy(RoleName="reports", PolicyName="own")
    (wrong,) = found.foreign_readers_can_read(readers.look(spec, **visible))
    assert wrong.verdict is Verdict.WRONG
    missing, *rest = wrong.detail.split("; ")
    assert missing.startswith("identity policy")
    assert any(one.startswith("secret policy allows") for one in rest)


def test_a_reader_of_an_account_that_nobody_may_look_at_is_waited_for(readers: Readers) -> None:
    away = readers.role("reports", *READS, account_id=AWAY)
    spec = readers.keyed_stack(readers.consumer(away, "a"), readers=(away,))
    (one,) = found.foreign_readers_can_read(readers.look(spec, organization_policies="allow"))
    assert (one.verdict, one.columns["verdict"]) == (Verdict.WAITING, "Unknown")
    assert "no role is named under access.accounts" in one.detail
    assert "secret policy allows" in one.detail


def test_the_default_key_serves_no_reader_of_another_account(readers: Readers) -> None:
    away = readers.role("reports", *READS, account_id=AWAY)
    spec = readers.stack(readers.consumer(away, "a"))
    readers.policy_of("a", allow({"AWS": away}))
    context = readers.look(spec, accounts=(readers.administrator(AWAY),), organization_policies="allow")
    (one,) = found.foreign_readers_can_read(context)
    assert (one.verdict, one.columns["verdict"]) == (Verdict.WRONG, "DeniedByKms")
    assert one.detail.startswith(DEFAULT_KEY)


def test_the_matrix_has_every_reader_with_every_secret_and_says_which_are_expected(readers: Readers) -> None:
    reader, task = readers.role("reader", *READS), readers.role("task")
    roles = {"execution_role": readers.role("exec"), "task_role": task}
    spec = readers.stack(
        readers.consumer(reader, "a"),
        readers.consumer("", "b", name="shop", type=ReaderType.ECS, principals=roles),
        keys=("a", "b"),
    )
    rows = [
        (one.principal, one.secret, type(one.verdict).__name__, one.expected)
        for one in access_matrix(readers.look(spec))
    ]
    a, b = readers.bench.name("a"), readers.bench.name("b")
    assert rows == [
        (reader, a, "Allowed", "orders"),
        (reader, b, "Allowed", ""),
        (task, a, "DeniedBySecretsManager", ""),
        (task, b, "DeniedBySecretsManager", "shop"),
    ]


def test_all_of_it_is_one_snapshot_that_reads_no_value_and_writes_nothing(readers: Readers) -> None:
    bench = readers.bench
    spec = readers.keyed_stack(readers.consumer(readers.role("reader", *READS), "a"))
    bench.reset_calls()
    context = readers.look(spec)
    for check in CHECKS:
        assert check is found.foreign_readers_can_read or check(context)
    secrets, iam, kms = bench.calls(), bench.calls("iam"), bench.calls("kms")
    assert secrets == {"DescribeSecret": 1, "GetResourcePolicy": 1, "ListSecretVersionIds": 1}
    assert iam["GetAccountAuthorizationDetails"] == 1
    assert kms["GetKeyPolicy"] == 2, "default, and AWS_RAM"
    assert not [one for one in (*iam, *kms) if not one.startswith(("Get", "List", "Describe"))]
