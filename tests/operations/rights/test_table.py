"""The declared table of permissions, against AWS's reference, the product's calls, and docs/security.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from secrets_pipeline.emulator.enforcement.operations import OPERATIONS
from secrets_pipeline.operations.doctor.rights import TAGGED
from secrets_pipeline.operations.rights.model import Need, Right
from secrets_pipeline.operations.rights.table import RIGHTS
from tests.aws.product_calls import BY_LIBRARIES, called, operations_of
from tests.service_authorization import reference

ROOT = Path(__file__).parents[3]
READING = {"List", "Read"}
"""AWS's access levels of what changes nothing."""
READS_BY_ANOTHER_NAME = {
    # Signs or opens what is there already.
    *("kms:Decrypt", "kms:GenerateMac"),
    # As whom it is read.
    "sts:AssumeRole",
}
ALSO_FOR_WRITES = {
    # Seals are read by whoever writes them.
    "s3:GetBucketVersioning",
    # Of a command that puts messages back.
    *("sqs:ListMessageMoveTasks", "sqs:ReceiveMessage"),
}
BY_THE_DEMO = {"sqs:PurgeQueue"}


def declared(right: Right) -> set[str]:
    return set(right.actions(plan_only=False))


def every() -> set[str]:
    return {action for right in RIGHTS for action in declared(right)}


def test_each_statement_has_a_name_of_its_own_that_iam_takes() -> None:
    sids = [right.sid for right in RIGHTS]
    assert len(set(sids)) == len(sids)
    assert all(re.fullmatch("[A-Za-z0-9]+", sid) for sid in sids)


def test_each_action_is_one_of_aws() -> None:
    assert every() - set(reference()) == set()


def test_what_a_plan_may_do_changes_nothing() -> None:
    known = reference()
    reads = {action for right in RIGHTS for action in right.actions(plan_only=True)}
    assert {one for one in reads if known[one].level not in READING} == READS_BY_ANOTHER_NAME
    writes = {action for right in RIGHTS for action in declared(right) - set(right.actions(plan_only=True))}
    assert {one for one in writes - reads if known[one].level in READING} == ALSO_FOR_WRITES


def test_every_operation_that_is_called_has_its_permissions_and_no_other_is_asked_for() -> None:
    """By the embedded AWS's own table, and of KMS and Secrets Manager by the names of operations."""
    calls = called() | BY_LIBRARIES
    needed = {
        need.action
        for service, known in OPERATIONS.items()
        for operation in calls & known.keys()
        for need in known[operation]
    }
    for service in ("kms", "secretsmanager"):
        needed |= {f"{service}:{name}" for name in operations_of(service) if name in calls}
    # GetPolicy is Lambda's and IAM's; methods of the same name count for both.
    assert needed - every() - BY_THE_DEMO == set()
    by_methods = {f"apigateway:{one}" for one in ("GET", "PATCH", "POST")}
    # RDS calls it for whoever makes the first database of an account.
    by_rds = {"iam:CreateServiceLinkedRole"}
    further = {"sts:AssumeRole", "lambda:InvokeFunction", *by_methods, *by_rds}
    assert every() - needed == further


def test_what_is_simulated_with_the_operators_tags_is_what_carries_tags() -> None:
    known = reference()
    without = {
        # Deployments of stages have no tags, nor has a session that reads.
        *("apigateway:PATCH", "apigateway:POST", "sts:AssumeRole"),
        # Names keys alone.
        "rds:RemoveTagsFromResource",
    }
    assert {one for one in every() if "aws:requesttag/${tagkey}" in known[one].keys} - without == TAGGED


@pytest.mark.parametrize("right", RIGHTS, ids=[one.sid for one in RIGHTS])
def test_the_page_of_rights_says_the_same(right: Right) -> None:
    reads, writes = rows()[right.need]
    assert set(right.actions(plan_only=True)) <= reads
    assert declared(right) <= reads | writes


def test_the_page_of_rights_says_nothing_else() -> None:
    for need in Need:
        reads = {one for right in RIGHTS if right.need is need for one in right.actions(plan_only=True)}
        whole = {one for right in RIGHTS if right.need is need for one in declared(right)}
        assert rows()[need] == (reads, whole - reads)


def rows() -> dict[Need, tuple[set[str], set[str]]]:
    """The table of docs/security.md: reads and writes by row."""
    page = (ROOT / "docs" / "security.md").read_text().partition("| for | reads | writes |")[2].partition("\n\n")[0]
    found = {}
    for line in page.splitlines()[2:]:
        name, reads, writes = (cell.strip() for cell in line.strip("|").split(" |"))
        found[Need(name)] = (actions(reads), actions(writes))
    return found


def actions(cell: str) -> set[str]:
    service, found = "", set()
    for word in re.findall(r"`([a-z0-9-]+:[A-Za-z]+|[A-Z][A-Za-z]+)`", cell):
        service = word.partition(":")[0] if ":" in word else service
        found.add(f"{service}:{word.rpartition(':')[2]}")
    return found
