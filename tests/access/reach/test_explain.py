"""Verdicts in words that a human reads once."""

from __future__ import annotations

import json

import pytest

from secrets_pipeline.access.reach.explain import because, name_of, plain, row, sentence, short, vote_lines
from secrets_pipeline.access.snapshot.model import NamedPolicy
from tests.access.builders import (
    BOUNDARY,
    DECRYPT,
    FOREIGN,
    FULL,
    HOME,
    KEY,
    NAME,
    OTHER_NAME,
    READ,
    READS,
    ROLE,
    World,
    allow,
    deny,
    document,
    foreign_world,
    secret_arn,
    when,
    world,
)


def said(made: World, arn: str = ROLE) -> str:
    return sentence(arn, NAME, made.read(arn))


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        (ROLE, "role orders of 111122223333"),
        (f"arn:aws:iam::{HOME}:role/teams/shop/orders", "role orders of 111122223333"),
        (f"arn:aws:iam::{HOME}:user/ana", "user ana of 111122223333"),
        (f"arn:aws:iam::{HOME}:root", "account 111122223333"),
        ("lambda.amazonaws.com", "lambda.amazonaws.com"),
    ],
)
def test_principals_are_called_as_humans_call_them(arn: str, name: str) -> None:
    assert short(arn) == name


def test_a_reader_that_can_read_is_told_what_allows_each_call() -> None:
    assert said(world()) == (
        "role orders of 111122223333 can read shop/dev/db: "
        "the identity policy (inline policy own, statement Read) allows secretsmanager:GetSecretValue, "
        "and the identity policy (inline policy own, statement Decrypt) allows kms:Decrypt."
    )
    assert said(foreign_world(), FOREIGN) == (
        "role reports of 444455556666 can read shop/dev/db: "
        "the secret policy (statement Readers) allows secretsmanager:GetSecretValue, "
        "and the key policy (statement KeyReaders) allows kms:Decrypt."
    )


def test_of_several_statements_that_allow_the_one_that_names_the_reader_most_closely_is_told() -> None:
    by_account, by_role = allow(sid="Account", principal=HOME), allow(sid="Readers", principal=ROLE)
    for statements in ((by_account, by_role), (by_role, by_account)):
        made = world()
        made.role(ROLE, allow(DECRYPT))
        made.secret_policy(*statements)
        assert "the secret policy (statement Readers) allows secretsmanager:GetSecretValue" in said(made)


def test_a_missing_allow_is_told_as_one() -> None:
    made = world()
    made.role(ROLE)
    assert said(made) == (
        "role orders of 111122223333 cannot read shop/dev/db: no identity policy allows secretsmanager:GetSecretValue."
    )
    made = foreign_world()
    made.secret()
    assert said(made, FOREIGN) == (
        "role reports of 444455556666 cannot read shop/dev/db: no secret policy allows secretsmanager:GetSecretValue."
    )


def test_an_explicit_deny_is_told_with_policy_and_statement() -> None:
    made = world()
    made.scps[HOME] = ((FULL, NamedPolicy(name="no-secrets", document=document(deny()))),)
    assert said(made) == (
        "role orders of 111122223333 cannot read shop/dev/db: "
        "the service control policy (no-secrets, statement #1) denies secretsmanager:GetSecretValue."
    )
    made = world()
    made.bound(allow("*"), deny(DECRYPT, sid="NoKeys"))
    assert said(made) == (
        "role orders of 111122223333 cannot read shop/dev/db: Secrets Manager lets it, "
        f"but the permissions boundary ({BOUNDARY}, statement NoKeys) denies kms:Decrypt."
    )


def test_a_key_that_does_not_serve_is_told_as_kms_has_it() -> None:
    made = world()
    made.key(state="PendingDeletion")
    assert said(made) == (
        "role orders of 111122223333 cannot read shop/dev/db: Secrets Manager lets it, but its key is PendingDeletion."
    )
    made = foreign_world()
    made.key(KEY, aws_managed=True)
    assert said(made, FOREIGN) == (
        "role reports of 444455556666 cannot read shop/dev/db: Secrets Manager lets it, "
        "but the default key aws/secretsmanager never serves another account."
    )


def test_that_kms_denies_is_told_even_if_nobody_knows_what_secrets_manager_says() -> None:
    made = world()
    made.secret(NAME, unread="refused")
    made.key(state="Disabled")
    assert said(made) == (
        "role orders of 111122223333 cannot read shop/dev/db: whatever Secrets Manager says, its key is Disabled."
    )


def test_what_would_have_to_be_known_is_told() -> None:
    made = world()
    made.role(ROLE, allow(sid="Inside", condition=when("StringEquals", "aws:SourceVpce", "vpce-1")), allow(DECRYPT))
    assert said(made) == (
        "whether role orders of 111122223333 can read shop/dev/db is not known: "
        "identity policy inline policy own, statement Inside: allows depending on aws:SourceVpce."
    )


def test_the_same_reason_is_told_once() -> None:
    made = world()
    made.scps, made.organization_unread = {}, "Organizations refused ListPolicies"
    assert said(made) == (
        "whether role orders of 111122223333 can read shop/dev/db is not known: "
        "service control policy: Organizations refused ListPolicies."
    )


def test_a_row_of_the_matrix_names_layer_policy_and_statement() -> None:
    made = world()
    made.role(ROLE, *READS["Statement"], deny(sid="Never", resource=secret_arn()))
    assert row(ROLE, NAME, made.read()) == {
        "principal": ROLE,
        "secret": NAME,
        "verdict": "DeniedBySecretsManager",
        "layer": "identity policy",
        "policy": "inline policy own",
        "statement": "Never",
        "reason": "the identity policy (inline policy own, statement Never) denies secretsmanager:GetSecretValue",
    }


def test_votes_leave_out_layers_that_do_not_apply() -> None:
    made = world()
    made.rcps = {}
    made.secret_policy(allow(sid="Others", principal=FOREIGN))
    lines = list(vote_lines(made.read()))
    assert lines == [
        (READ, "service control policy", "allows (FullAWSAccess, statement #1)"),
        (READ, "secret policy", "does not allow"),
        (READ, "identity policy", "allows (inline policy own, statement Read)"),
        (DECRYPT, "service control policy", "allows (FullAWSAccess, statement #1)"),
        (DECRYPT, "key policy", "allows (statement Root)"),
        (DECRYPT, "identity policy", "allows (inline policy own, statement Decrypt)"),
    ]


def test_votes_about_a_call_that_was_not_made_are_not_there() -> None:
    made = world()
    made.role(ROLE)
    assert {action for action, _, _ in vote_lines(made.read())} == {READ}


def test_a_layer_that_could_not_be_read_votes_why() -> None:
    made = world()
    made.scps, made.organization_unread = {}, "Organizations refused ListPolicies"
    assert (READ, "service control policy", "Organizations refused ListPolicies") in list(vote_lines(made.read()))


def unknown() -> World:
    made = world()
    made.unread[HOME] = "refused"
    return made


def by_kms() -> World:
    made = world()
    made.key(state="Disabled")
    return made


def denied() -> World:
    made = world()
    made.role(ROLE)
    return made


@pytest.mark.parametrize(
    ("made", "verdict"),
    [
        (world(), "Allowed"),
        (denied(), "DeniedBySecretsManager"),
        (by_kms(), "DeniedByKms"),
        (unknown(), "Unknown"),
    ],
    ids=["allowed", "denied", "by kms", "unknown"],
)
def test_a_verdict_is_plain_json_with_every_vote(made: World, verdict: str) -> None:
    judged = made.read()
    told = plain(ROLE, NAME, judged)
    assert json.loads(json.dumps(told)) == told
    assert told["verdict"] == name_of(judged) == verdict
    assert told["sentence"] == sentence(ROLE, NAME, judged)
    assert told["reason"] == because(judged)
    expected = {(READ, one.layer.value, one.outcome.value) for one in judged.secrets_manager.votes}
    if judged.kms is not None:
        expected |= {(DECRYPT, one.layer.value, one.outcome.value) for one in judged.kms.votes}
    assert {(one["action"], one["layer"], one["outcome"]) for one in told["votes"]} == expected
    # Those that do not apply are there, too: seven layers for each call.
    assert len(told["votes"]) == 7 * len({one["action"] for one in told["votes"]})


def test_a_grant_that_opens_is_named() -> None:
    made = world()
    made.role(ROLE, allow(sid="Read"))
    made.secret(OTHER_NAME)
    made.grant()
    assert said(made).endswith("and the KMS grant (grant abc, statement abc) allows kms:Decrypt.")
