"""What two policies differ in, statement by statement."""

from __future__ import annotations

from typing import Any

import pytest

from secrets_pipeline.access.policy_text.canonical import same_policy
from secrets_pipeline.access.policy_text.differences import policy_details

READER = "arn:aws:iam::111122223333:role/reader"
OTHER = "arn:aws:iam::111122223333:role/other"
READ: dict[str, Any] = {
    "Sid": "Read",
    "Effect": "Allow",
    "Principal": {"AWS": READER},
    "Action": "secretsmanager:GetSecretValue",
    "Resource": "*",
}
NAMELESS = {"Effect": "Deny", "Principal": "*", "Action": "secretsmanager:*", "Resource": "*"}


def policy(*statements: dict[str, Any], version: str = "2012-10-17") -> dict[str, Any]:
    return {"Version": version, "Statement": list(statements)}


def said(observed: dict[str, Any] | None, wanted: dict[str, Any] | None) -> list[str]:
    return [str(detail) for detail in policy_details(observed, wanted)]


def test_what_is_the_same_in_another_spelling_differs_in_nothing() -> None:
    spelled = {**READ, "Action": ["secretsmanager:GetSecretValue"], "Principal": {"AWS": [READER]}}
    assert said(policy(READ, NAMELESS), policy(NAMELESS, spelled)) == []


def test_a_statement_that_is_added_or_removed_is_told_whole() -> None:
    whole = f"Allow; Action secretsmanager:GetSecretValue; Principal AWS {READER}; Resource *"
    assert said(None, policy(READ)) == [f"+ statement Read: {whole}"]
    assert said(policy(READ), None) == [f"- statement Read: {whole}"]


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        ({"Principal": {"AWS": [READER, OTHER]}}, [f"+ statement Read: Principal AWS: {OTHER}"]),
        (
            {"Action": ["secretsmanager:DescribeSecret"]},
            [
                "- statement Read: Action: secretsmanager:GetSecretValue",
                "+ statement Read: Action: secretsmanager:DescribeSecret",
            ],
        ),
        ({"Effect": "Deny"}, ["~ statement Read: Effect: Allow → Deny"]),
        (
            {"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}},
            ["+ statement Read: Condition StringEquals aws:PrincipalOrgID: o-1"],
        ),
    ],
)
def test_a_statement_of_the_same_sid_is_told_by_what_changed_in_it(change: dict[str, Any], lines: list[str]) -> None:
    assert said(policy(READ, NAMELESS), policy({**READ, **change}, NAMELESS)) == lines


def test_a_statement_without_a_sid_that_changed_is_removed_and_added() -> None:
    changed = {**NAMELESS, "Action": "secretsmanager:GetSecretValue"}
    removed, added = said(policy(NAMELESS), policy(changed))
    assert removed.startswith("- statement without Sid: Deny; Action secretsmanager:*;")
    assert added.startswith("+ statement without Sid: Deny; Action secretsmanager:GetSecretValue;")


def test_another_version_of_the_language_is_another_policy() -> None:
    assert said(policy(READ, version="2008-10-17"), policy(READ)) == ["~ Version: 2008-10-17 → 2012-10-17"]


def test_two_statements_of_one_sid_are_told_whole() -> None:
    again = {**READ, "Principal": {"AWS": OTHER}}
    assert len(said(policy(READ, again), policy(READ))) == 1


def test_whatever_differs_has_a_detail() -> None:
    documents = [None, policy(READ), policy(NAMELESS), policy(READ, READ), policy({**READ, "Sid": ""})]
    for one in documents:
        for other in documents:
            assert bool(policy_details(one, other)) is not same_policy(one, other)
