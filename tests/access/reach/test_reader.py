"""Reading a secret: the world works, then one thing in it breaks, and the verdict names that thing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from secrets_pipeline.access.evaluator import Layer
from secrets_pipeline.access.reach.reader import Allowed, DeniedByKms, DeniedBySecretsManager, Unknown
from secrets_pipeline.access.snapshot.model import NamedPolicy
from tests.access.builders import (
    AWAY,
    BOUNDARY,
    DECRYPT,
    DELEGATES,
    FULL,
    HOME,
    KEY,
    NAME,
    OTHER_KEY,
    OTHER_NAME,
    RCP_FULL,
    READS,
    ROLE,
    Decided,
    Statement,
    World,
    allow,
    decided,
    deny,
    document,
    reason,
    secret_arn,
    when,
    world,
)

BY_SM, BY_KMS, READABLE, NOT_KNOWN = (kind.__name__ for kind in (DeniedBySecretsManager, DeniedByKms, Allowed, Unknown))
OWN = "inline policy own"
KEY_USERS = allow(DECRYPT, sid="Users", principal=ROLE)


def named(name: str, *statements: Statement) -> NamedPolicy:
    return NamedPolicy(name=name, document=document(*statements))


def by_grant_alone() -> World:
    """The key policy delegates to nobody, the role's own policy says nothing of KMS: a grant is the only way in."""
    made = world()
    made.role(ROLE, allow())
    made.key(KEY, allow("kms:*", sid="Admin", principal=f"arn:aws:iam::{HOME}:role/key-admin"))
    made.grant()
    return made


def test_a_reader_with_everything_can_read() -> None:
    verdict = world().read()
    assert decided(verdict) == (READABLE, Layer.IDENTITY, OWN, "Read")
    assert verdict.kms is not None
    assert (verdict.kms.decided_by.layer, verdict.kms.decided_by.statement) == (Layer.IDENTITY, "Decrypt")


def test_a_grant_can_be_the_only_way_in() -> None:
    verdict = by_grant_alone().read()
    assert isinstance(verdict, Allowed)
    assert verdict.kms is not None
    assert (verdict.kms.decided_by.layer, verdict.kms.decided_by.policy) == (Layer.GRANT, "grant abc")


def no_identity(made: World) -> None:
    made.role(ROLE)


def identity_denies(made: World) -> None:
    made.role(ROLE, *READS["Statement"], deny(sid="Never"))


def identity_denies_decrypt(made: World) -> None:
    made.role(ROLE, *READS["Statement"], deny(DECRYPT, sid="NoKeys"))


def identity_without_decrypt(made: World) -> None:
    made.role(ROLE, allow(sid="Read"))


def boundary_without_secrets(made: World) -> None:
    made.bound(allow("s3:*"), allow("kms:*"))


def boundary_without_keys(made: World) -> None:
    made.bound(allow("secretsmanager:*"))


def boundary_denies(made: World) -> None:
    made.bound(allow("*"), deny("secretsmanager:*", sid="NoSecrets"))


def boundary_denies_decrypt(made: World) -> None:
    made.bound(allow("*"), deny("kms:*", sid="NoKeys"))


def scp_denies_at_the_root(made: World) -> None:
    made.scps[HOME] = ((FULL, named("deny-secrets", deny("secretsmanager:*", sid="Guard"))), (FULL,), (FULL,))


def scp_denies_decrypt(made: World) -> None:
    made.scps[HOME] = ((FULL,), (FULL, named("deny-keys", deny("kms:Decrypt", sid="Guard"))))


def scp_level_without_allow(made: World) -> None:
    made.scps[HOME] = ((FULL,), (named("only-s3", allow("s3:*")),), (FULL,))


def rcp_denies(made: World) -> None:
    made.rcps[HOME] = ((RCP_FULL, named("fence", deny("secretsmanager:*", sid="Fence", principal="*"))), (RCP_FULL,))


def rcp_denies_decrypt(made: World) -> None:
    made.rcps[HOME] = ((RCP_FULL, named("fence", deny("kms:*", sid="Fence", principal="*"))), (RCP_FULL,))


def secret_policy_denies(made: World) -> None:
    made.secret_policy(deny(sid="NotYou", principal=ROLE))


def key_policy_without_delegation(made: World) -> None:
    made.key(KEY, allow("kms:*", sid="Admin", principal=f"arn:aws:iam::{HOME}:role/key-admin"))


def key_policy_denies(made: World) -> None:
    made.key(KEY, *DELEGATES["Statement"], deny(DECRYPT, sid="NotYou", principal=ROLE))


def key_for_another_account_only(made: World) -> None:
    condition = when("StringEquals", "kms:CallerAccount", AWAY)
    made.key(KEY, allow("kms:*", sid="Others", principal=HOME, condition=condition))


def key_through_another_region_only(made: World) -> None:
    condition = when("StringEquals", "kms:ViaService", "secretsmanager.us-east-1.amazonaws.com")
    made.key(KEY, allow("kms:*", sid="Elsewhere", principal=HOME, condition=condition))


def key_for_another_secret_only(made: World) -> None:
    condition = when("StringEquals", "kms:EncryptionContext:SecretARN", secret_arn(OTHER_NAME))
    made.key(KEY, allow("kms:*", sid="Another", principal=HOME, condition=condition))


def key_disabled(made: World) -> None:
    made.key(KEY, state="Disabled")


def key_pending_deletion(made: World) -> None:
    made.key(KEY, state="PendingDeletion")


BROKEN: list[tuple[Callable[[World], None], Decided]] = [
    (no_identity, (BY_SM, Layer.IDENTITY, "", "")),
    (identity_denies, (BY_SM, Layer.IDENTITY, OWN, "Never")),
    (identity_denies_decrypt, (BY_KMS, Layer.IDENTITY, OWN, "NoKeys")),
    (identity_without_decrypt, (BY_KMS, Layer.IDENTITY, "", "")),
    (boundary_without_secrets, (BY_SM, Layer.BOUNDARY, "", "")),
    (boundary_without_keys, (BY_KMS, Layer.BOUNDARY, "", "")),
    (boundary_denies, (BY_SM, Layer.BOUNDARY, BOUNDARY, "NoSecrets")),
    (boundary_denies_decrypt, (BY_KMS, Layer.BOUNDARY, BOUNDARY, "NoKeys")),
    (scp_denies_at_the_root, (BY_SM, Layer.SCP, "deny-secrets", "Guard")),
    (scp_denies_decrypt, (BY_KMS, Layer.SCP, "deny-keys", "Guard")),
    (scp_level_without_allow, (BY_SM, Layer.SCP, "", "")),
    (rcp_denies, (BY_SM, Layer.RCP, "fence", "Fence")),
    (rcp_denies_decrypt, (BY_KMS, Layer.RCP, "fence", "Fence")),
    (secret_policy_denies, (BY_SM, Layer.SECRET_POLICY, "secret policy", "NotYou")),
    (key_policy_without_delegation, (BY_KMS, Layer.KEY_POLICY, "", "")),
    (key_policy_denies, (BY_KMS, Layer.KEY_POLICY, "key policy", "NotYou")),
    (key_for_another_account_only, (BY_KMS, Layer.KEY_POLICY, "", "")),
    (key_through_another_region_only, (BY_KMS, Layer.KEY_POLICY, "", "")),
    (key_for_another_secret_only, (BY_KMS, Layer.KEY_POLICY, "", "")),
    (key_disabled, (BY_KMS, Layer.KEY, KEY, "")),
    (key_pending_deletion, (BY_KMS, Layer.KEY, KEY, "")),
]


@pytest.mark.parametrize(("change", "expected"), BROKEN, ids=[change.__name__ for change, _ in BROKEN])
def test_what_breaks_is_named(change: Callable[[World], None], expected: Decided) -> None:
    broken = world()
    change(broken)
    assert broken.decided() == expected


def grant_gone(made: World) -> None:
    made.key(KEY, *made.keys[KEY].policy["Statement"])  # type: ignore[index] # by_grant_alone made it


def grant_for_somebody_else(made: World) -> None:
    made.grant(f"arn:aws:iam::{HOME}:role/other")


def grant_for_another_secret(made: World) -> None:
    made.grant(subset={"SecretARN": secret_arn(OTHER_NAME)})


def grant_for_an_exact_context_without_version(made: World) -> None:
    made.grant(equals={"SecretARN": secret_arn()})


@pytest.mark.parametrize(
    "change",
    [grant_gone, grant_for_somebody_else, grant_for_another_secret, grant_for_an_exact_context_without_version],
)
def test_without_its_grant_the_reader_is_denied_by_kms(change: Callable[[World], None]) -> None:
    broken = by_grant_alone()
    change(broken)
    # Nobody holds a policy that could name a missing grant: what is missing is a leave of the key.
    assert broken.decided() == (BY_KMS, Layer.KEY_POLICY, "", "")


def test_a_grant_for_this_secret_is_as_good_as_one_without_constraint() -> None:
    made = by_grant_alone()
    made.grant(subset={"SecretARN": secret_arn()})
    assert isinstance(made.read(), Allowed)


def test_a_key_policy_that_names_the_role_needs_no_identity_policy_for_decrypt() -> None:
    made = world()
    made.role(ROLE, allow(sid="Read"))
    made.key(KEY, *DELEGATES["Statement"], KEY_USERS)
    verdict = made.read()
    assert isinstance(verdict, Allowed)
    assert verdict.kms is not None
    assert (verdict.kms.decided_by.layer, verdict.kms.decided_by.statement) == (Layer.KEY_POLICY, "Users")


def test_a_secret_policy_that_names_the_role_needs_no_identity_policy_for_the_read() -> None:
    made = world()
    made.role(ROLE, allow(DECRYPT))
    made.secret_policy(allow(sid="You", principal=ROLE))
    assert made.decided() == (READABLE, Layer.SECRET_POLICY, "secret policy", "You")


def test_a_secret_policy_that_names_the_account_grants_nothing_in_it() -> None:
    made = world()
    made.role(ROLE, allow(DECRYPT))
    made.secret_policy(allow(sid="Account", principal=f"arn:aws:iam::{HOME}:root"))
    assert made.decided() == (BY_SM, Layer.IDENTITY, "", "")


def scps_unread(made: World) -> None:
    made.scps, made.organization_unread = {}, "Organizations refused ListPolicies"


def rcps_unread(made: World) -> None:
    made.rcps, made.organization_unread = {}, "Organizations refused ListPolicies"


def boundary_unread(made: World) -> None:
    made.bound()
    del made.managed[BOUNDARY]


def key_policy_unread(made: World) -> None:
    made.key(KEY, policy=None, unread="KMS refused GetKeyPolicy")


def key_state_unread(made: World) -> None:
    made.key(KEY, state="", policy=None, unread="KMS refused DescribeKey")


def key_missing(made: World) -> None:
    del made.keys[KEY]


def secret_policy_unread(made: World) -> None:
    made.secret(NAME, unread="Secrets Manager refused GetResourcePolicy")


def keys_of_the_secret_unread(made: World) -> None:
    made.secret(NAME, keys=())


UNREAD: list[tuple[Callable[[World], None], Layer, str]] = [
    (scps_unread, Layer.SCP, "Organizations refused ListPolicies"),
    (rcps_unread, Layer.RCP, "Organizations refused ListPolicies"),
    (boundary_unread, Layer.BOUNDARY, f"managed policy {BOUNDARY} was not read"),
    (key_policy_unread, Layer.KEY_POLICY, "KMS refused GetKeyPolicy"),
    (key_state_unread, Layer.KEY, "KMS refused DescribeKey"),
    (key_missing, Layer.KEY, f"key {KEY} was not read"),
    (secret_policy_unread, Layer.SECRET_POLICY, "Secrets Manager refused GetResourcePolicy"),
    (keys_of_the_secret_unread, Layer.KEY, "could not be read"),
]


@pytest.mark.parametrize(("change", "layer", "why"), UNREAD, ids=[change.__name__ for change, _, _ in UNREAD])
def test_what_was_not_read_is_unknown_and_named(change: Callable[[World], None], layer: Layer, why: str) -> None:
    hidden = world()
    change(hidden)
    verdict = hidden.read()
    assert isinstance(verdict, Unknown)
    assert verdict.vote.layer is layer
    assert why in verdict.reason


@pytest.mark.parametrize("change", [scps_unread, rcps_unread])
def test_an_operator_may_say_that_organisation_policies_stand_in_nobodys_way(
    change: Callable[[World], None],
) -> None:
    made = world()
    change(made)
    assert isinstance(made.read(organization_policies="allow"), Allowed)


def test_what_an_operator_says_does_not_hide_an_scp_that_was_read() -> None:
    made = world()
    rcps_unread(made)
    scp_denies_at_the_root(made)
    assert isinstance(made.read(organization_policies="allow"), DeniedBySecretsManager)


@pytest.mark.parametrize("change", [scps_unread, boundary_unread, secret_policy_unread])
def test_a_certain_deny_stays_one_whatever_was_not_read(change: Callable[[World], None]) -> None:
    made = world()
    change(made)
    no_boundary = made.principals[ROLE].boundary
    made.role(ROLE, *READS["Statement"], deny(sid="Never"), boundary=no_boundary)
    assert made.decided() == (BY_SM, Layer.IDENTITY, OWN, "Never")


def test_a_secret_policy_that_nobody_could_read_does_not_hide_that_kms_denies() -> None:
    made = world()
    secret_policy_unread(made)
    key_disabled(made)
    assert made.decided() == (BY_KMS, Layer.KEY, KEY, "")


def test_after_a_change_of_key_either_key_opens_the_secret() -> None:
    made = world()
    made.secret(NAME, keys=(KEY, OTHER_KEY))
    made.key(OTHER_KEY, allow("kms:*", principal=f"arn:aws:iam::{HOME}:role/key-admin"))
    assert isinstance(made.read(), Allowed)
    made.secret(NAME, keys=(OTHER_KEY, KEY))
    assert isinstance(made.read(), Allowed)
    made.secret(NAME, keys=(OTHER_KEY,))
    assert isinstance(made.read(), DeniedByKms)


def test_one_key_that_could_not_be_read_makes_a_denial_by_the_other_unknown() -> None:
    made = world()
    made.secret(NAME, keys=(KEY, OTHER_KEY))
    key_disabled(made)
    verdict = made.read()
    assert isinstance(verdict, Unknown)
    assert verdict.reason == f"key {OTHER_KEY} was not read"


@pytest.mark.parametrize("key", ["aws:SourceVpce", "aws:SourceIp", "aws:SourceVpc", "aws:VpcSourceIp"])
def test_what_only_the_network_knows_is_unknown_and_named(key: str) -> None:
    made = world()
    operator, value = ("IpAddress", "10.0.0.0/8") if key.endswith("Ip") else ("StringEquals", "vpce-1")
    made.role(ROLE, allow(sid="Inside", condition=when(operator, key, value)), allow(DECRYPT))
    verdict = made.read()
    assert decided(verdict) == (NOT_KNOWN, Layer.IDENTITY, OWN, "Inside")
    assert key in reason(verdict)


def test_a_deny_outside_of_the_network_is_unknown_and_named() -> None:
    made = world()
    made.secret_policy(deny(sid="Fence", principal="*", condition=when("StringNotEquals", "aws:SourceVpce", "vpce-1")))
    verdict = made.read()
    assert decided(verdict) == (NOT_KNOWN, Layer.SECRET_POLICY, "secret policy", "Fence")
    assert "aws:SourceVpce" in reason(verdict)


def test_a_certain_deny_stays_one_beside_what_the_network_decides() -> None:
    made = world()
    fence = deny(sid="Fence", principal="*", condition=when("StringNotEquals", "aws:SourceVpce", "vpce-1"))
    made.secret_policy(fence, deny(sid="Never", principal=ROLE))
    assert made.decided() == (BY_SM, Layer.SECRET_POLICY, "secret policy", "Never")


def test_a_tag_that_principal_and_secret_share_lets_read() -> None:
    made = world()
    same = when("StringEquals", "secretsmanager:ResourceTag/team", "${aws:PrincipalTag/team}")
    made.role(ROLE, allow(sid="SameTeam", condition=same), allow(DECRYPT), tags={"Team": "orders"})
    made.secret(NAME, tags={"team": "orders"})
    assert made.decided() == (READABLE, Layer.IDENTITY, OWN, "SameTeam")
    made.secret(NAME, tags={"team": "payments"})
    assert made.decided() == (BY_SM, Layer.IDENTITY, "", "")
    made.secret(NAME)
    assert made.decided() == (BY_SM, Layer.IDENTITY, "", "")


def test_a_key_whose_primary_region_changes_decrypts() -> None:
    made = world()
    made.key(KEY, state="Updating", multi_region=True)
    assert isinstance(made.read(), Allowed)


@pytest.mark.parametrize("state", ["Creating", "PendingImport", "PendingReplicaDeletion", "Unavailable"])
def test_a_key_that_is_not_there_yet_or_any_more_does_not(state: str) -> None:
    made = world()
    made.key(KEY, state=state)
    assert made.decided() == (BY_KMS, Layer.KEY, KEY, "")


def test_whether_secrets_manager_passes_the_readers_network_on_to_kms_is_unknown() -> None:
    made = world()
    fence = deny(DECRYPT, sid="Fence", principal="*", condition=when("StringNotEquals", "aws:SourceVpce", "vpce-1"))
    made.key(KEY, *DELEGATES["Statement"], fence)
    verdict = made.read()
    assert decided(verdict) == (NOT_KNOWN, Layer.KEY_POLICY, "key policy", "Fence")
    assert "aws:SourceVpce" in reason(verdict)
