"""What the role of a rotation function lacks, by every layer that AWS asks."""

from __future__ import annotations

import pytest

from secrets_pipeline.access.granting.identity import Readable
from secrets_pipeline.access.granting.rotation import rotation_policy
from secrets_pipeline.access.reach.rotation_readers import ROTATES, USES_KEY, Lack, lacks
from tests.access.builders import (
    DECRYPT,
    DELEGATES,
    KEY,
    NAME,
    OTHER_KEY,
    OTHER_NAME,
    READ,
    ROLE,
    World,
    deny,
    secret_arn,
    world,
)

DESCRIBE, _, PUT, STAGE = ROTATES
_, GENERATE = USES_KEY


@pytest.fixture
def rotating() -> World:
    """A role that rotates a secret under a key, with a superuser's under another."""
    made = world()
    made.secret(OTHER_NAME, keys=(OTHER_KEY,))
    made.key(OTHER_KEY)
    policy = rotation_policy(
        [Readable(secret_arn(), (KEY,))],
        [Readable(secret_arn(OTHER_NAME), (OTHER_KEY,))],
        log_group_arn="arn:aws:logs:eu-west-2:111122223333:log-group:/aws/lambda/rotate",
    )
    made.role(ROLE, *policy["Statement"])
    return made


def lacking(made: World, name: str = NAME) -> dict[str, tuple[bool, str]]:
    return {one.action: (one.known, one.reason) for one in lacks(made.estate(), ROLE, name)}


def test_the_policy_of_a_rotation_function_lacks_nothing_and_only_reads_the_superuser(rotating: World) -> None:
    assert lacks(rotating.estate(), ROLE, NAME) == ()
    assert lacks(rotating.estate(), ROLE, OTHER_NAME, actions=(READ,), key_actions=(DECRYPT,)) == ()
    found = lacking(rotating, OTHER_NAME)
    assert set(found) == {DESCRIBE, PUT, STAGE, GENERATE}
    assert found[PUT] == (True, f"role orders of 111122223333: no identity policy allows {PUT}")


def test_each_action_is_asked_of_the_secret_or_its_key_by_itself(rotating: World) -> None:
    rotating.secret_policy(deny(PUT, sid="NoWrites", principal=ROLE))
    rotating.key(KEY, *DELEGATES["Statement"], deny(GENERATE, sid="NoKeys", principal=ROLE))
    who = "role orders of 111122223333"
    assert lacking(rotating) == {
        PUT: (True, f"{who}: the secret policy (statement NoWrites) denies {PUT}"),
        GENERATE: (True, f"{who}: the key policy (statement NoKeys) denies {GENERATE}"),
    }


def test_of_two_keys_between_which_a_secret_moves_the_better_one_counts(rotating: World) -> None:
    made = rotating
    made.role(ROLE, *rotation_policy([Readable(secret_arn(), (KEY, OTHER_KEY))], (), log_group_arn="a")["Statement"])
    made.key(KEY, deny("kms:*", principal=ROLE))
    for keys in ((KEY, OTHER_KEY), (OTHER_KEY, KEY)):
        made.secret(keys=keys)
        made.key(OTHER_KEY)
        assert lacking(made) == {}
        made.keys[OTHER_KEY] = made.keys[OTHER_KEY].model_copy(update={"policy": None, "unread": "refused"})
        assert {action: known for action, (known, _) in lacking(made).items()} == dict.fromkeys(USES_KEY, False)


def test_what_was_not_read_is_not_known_to_be_lacking(rotating: World) -> None:
    assert lacks(rotating.estate(), ROLE, "shop/dev/none") == (
        Lack(DESCRIBE, known=False, reason="secret shop/dev/none was not read"),
    )
    del rotating.principals[ROLE]
    assert lacks(rotating.estate(), ROLE, NAME) == (
        Lack(DESCRIBE, known=False, reason="role orders does not exist in account 111122223333, as far as IAM shows"),
    )
