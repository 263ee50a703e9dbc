from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.access.evaluator import Policy
from secrets_pipeline.access.granting.attached import (
    attachable,
    differences,
    inline_policy_name,
    inline_text,
    is_as_attached,
)
from secrets_pipeline.access.granting.identity import Readable, identity_policy
from secrets_pipeline.access.granting.names import secret_arn_pattern
from secrets_pipeline.desired.limits import INLINE_POLICY_CHARACTERS
from secrets_pipeline.errors import SpecError

KEY = "arn:aws:kms:eu-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
CHANGES = {
    "Sid": "Theirs",
    "Effect": "Deny",
    "Action": "secretsmanager:*",
    "Resource": "*",
    "Condition": {"StringEquals": {"kms:CallerAccount": "111122223333"}},
}
NAMES = st.lists(st.text("ab-/", min_size=1, max_size=6), min_size=1, max_size=5, unique=True)


def readables(names: list[str]) -> list[Readable]:
    return [
        Readable(secret_arn_pattern(name, partition="aws", region="eu-west-2", account_id="111122223333"), (KEY,))
        for name in names
    ]


@given(NAMES)
def test_what_was_attached_is_known_again_however_it_is_written(names: list[str]) -> None:
    document = attachable(readables(names))
    Policy("inline", document)
    assert is_as_attached(document)
    shuffled = json.loads(json.dumps(document, sort_keys=True))
    shuffled["Statement"] = shuffled["Statement"][::-1]
    for statement in shuffled["Statement"]:
        if isinstance(statement["Resource"], list):
            statement["Resource"] = statement["Resource"][::-1]
    assert is_as_attached(shuffled)
    assert differences(shuffled, document) == []


@given(NAMES, NAMES)
def test_a_policy_of_ours_for_other_secrets_differs_but_was_not_changed_by_anybody(
    names: list[str], others: list[str]
) -> None:
    one, other = attachable(readables(names)), attachable(readables(others))
    assert is_as_attached(one)
    assert bool(differences(one, other)) is (set(names) != set(others))
    said = "\n".join(differences(one, other))
    for name in set(others) - set(names):
        assert f"does not let it read {name}" in said.split("\n")
    for name in set(names) - set(others):
        assert f"lets it read {name}, which is not declared" in said.split("\n")


def test_whatever_somebody_else_changes_shows() -> None:
    document = attachable(readables(["a", "b"]))
    changed = []
    for number, statement in enumerate(document["Statement"]):
        for key in statement:
            other = copy.deepcopy(document)
            other["Statement"][number][key] = CHANGES[key]
            changed.append(other)
    more = copy.deepcopy(document)
    more["Statement"].append({"Sid": "Theirs", "Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    fewer = copy.deepcopy(document)
    del fewer["Statement"][1]
    without_mark = identity_policy(readables(["a", "b"]))
    for other in [*changed, more, fewer, without_mark, {}, {"Version": "2012-10-17", "Statement": []}]:
        assert not is_as_attached(other)
        assert differences(other, document)
    assert differences(more, document) == ["has the statement Theirs, which is not declared"]
    assert differences(fewer, document) == ["policy differs"]


def test_a_policy_that_iam_would_not_take_names_its_consumers_and_not_a_character_too_early() -> None:
    secrets = readables(["x" * 400 + f"{number:02}" for number in range(10)])
    while len(json.dumps(attachable(secrets), separators=(",", ":"))) > INLINE_POLICY_CHARACTERS:
        secrets = secrets[1:]
    room = INLINE_POLICY_CHARACTERS - len(json.dumps(attachable(secrets), separators=(",", ":")))
    # An ARN stands twice in the document, in the list of resources and in the encryption context.
    longest = [*secrets[1:], *readables([f"{'y' * (402 + room // 2)}"])]
    text = inline_text(attachable(longest), role="app/orders", consumers=["api", "worker"])
    assert INLINE_POLICY_CHARACTERS - 1 <= len(text) <= INLINE_POLICY_CHARACTERS
    assert " " not in text
    with pytest.raises(SpecError) as caught:
        inline_text(
            attachable([*secrets[1:], *readables(["y" * (404 + room // 2)])]),
            role="app/orders",
            consumers=["api", "worker"],
        )
    assert "consumers api, worker: the policy that lets role app/orders read" in caught.value.message
    assert "IAM takes 10240" in caught.value.message
    assert "Let several roles read" in caught.value.remedy


def test_two_stacks_never_share_a_name() -> None:
    assert inline_policy_name("myapp-dev") == "secrets-pipeline-myapp-dev"
    assert len(inline_policy_name("x" * 111)) == 128
    for stack in ("my app", "x" * 112, "ä"):
        with pytest.raises(SpecError, match="is no name for an inline policy"):
            inline_policy_name(stack)
