import json

import pytest

from secrets_pipeline.access.policy_text.canonical import compact, same_policy
from secrets_pipeline.access.policy_text.principals import identity_providers, principals, services
from secrets_pipeline.access.policy_text.statements import key_policy, secret_policy
from secrets_pipeline.errors import SpecError

STATEMENT = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::1:role/r"}, "Action": "s:Get", "Resource": "*"}


@pytest.mark.parametrize(
    "other",
    [
        {**STATEMENT, "Action": ["s:Get"]},
        {**STATEMENT, "Principal": {"AWS": ["arn:aws:iam::1:role/r"]}},
        dict(reversed(STATEMENT.items())),
    ],
)
def test_spellings_of_one_statement_are_the_same_policy(other: dict[str, object]) -> None:
    one = {"Version": "2012-10-17", "Statement": [STATEMENT]}
    assert same_policy(one, json.dumps({"Version": "2012-10-17", "Statement": other}))


@pytest.mark.parametrize(
    "other",
    [
        {**STATEMENT, "Effect": "Deny"},
        {**STATEMENT, "Action": "s:*"},
        {**STATEMENT, "Sid": "x"},
        {**STATEMENT, "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}},
    ],
)
def test_statements_that_say_something_else_are_not(other: dict[str, object]) -> None:
    assert not same_policy({"Statement": [STATEMENT]}, {"Statement": [other]})


def test_no_policy_and_an_empty_text_are_the_same() -> None:
    assert same_policy(None, "")
    assert not same_policy(None, {"Statement": [STATEMENT]})


def test_order_of_statements_does_not_matter_but_their_number_does() -> None:
    second = {**STATEMENT, "Action": "s:Put"}
    assert same_policy({"Statement": [STATEMENT, second]}, {"Statement": [second, STATEMENT]})
    assert not same_policy({"Statement": [STATEMENT, second]}, {"Statement": [STATEMENT]})


def test_true_as_boolean_and_as_text_is_the_same_condition() -> None:
    one = {**STATEMENT, "Condition": {"Bool": {"aws:SecureTransport": False}}}
    other = {**STATEMENT, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    assert same_policy({"Statement": [one]}, {"Statement": [other]})


def test_a_secret_without_statements_and_readers_has_no_policy() -> None:
    assert secret_policy([], []) is None


def test_readers_of_other_accounts_get_one_statement_with_reading_alone() -> None:
    policy = secret_policy([STATEMENT], ["arn:aws:iam::2:role/b", "arn:aws:iam::2:role/a"])
    assert policy is not None
    readers = policy["Statement"][1]
    assert readers["Principal"] == {"AWS": ["arn:aws:iam::2:role/a", "arn:aws:iam::2:role/b"]}
    assert readers["Action"] == ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]


def test_a_key_policy_keeps_the_root_and_binds_everybody_else_to_secrets_manager() -> None:
    policy = key_policy("111122223333", "eu-west-2", "aws", [], ["arn:aws:iam::2:role/a"])
    root, *others = policy["Statement"]
    assert root["Principal"] == {"AWS": "arn:aws:iam::111122223333:root"}
    assert root["Action"] == "kms:*"
    for statement in others:
        condition = statement["Condition"]["StringEquals"]
        assert condition["kms:ViaService"] == "secretsmanager.eu-west-2.amazonaws.com"
    assert others[0]["Condition"]["StringEquals"]["kms:CallerAccount"] == "111122223333"
    assert others[1]["Action"] == ["kms:Decrypt", "kms:DescribeKey"]


def test_an_account_by_number_and_by_its_root_is_the_same_principal() -> None:
    by_root = {**STATEMENT, "Principal": {"AWS": "arn:aws:iam::444455556666:root"}}
    by_number = {**STATEMENT, "Principal": {"AWS": "444455556666"}}
    assert same_policy({"Statement": [by_root]}, {"Statement": [by_number]})
    assert not same_policy({"Statement": [by_root]}, {"Statement": [STATEMENT]})


def test_a_policy_is_sent_without_blanks_and_refused_where_it_is_too_long() -> None:
    document = {"Version": "2012-10-17", "Statement": [{"Sid": "x"}]}
    text = compact(document, longest=52)
    assert text == '{"Version":"2012-10-17","Statement":[{"Sid":"x"}]}'
    assert same_policy(text, document)
    with pytest.raises(SpecError, match="the policy has 50 characters once its references are put in, AWS takes 49"):
        compact(document, longest=49)


def test_the_principals_of_a_policy_are_found_in_every_spelling() -> None:
    statements = [
        {"Principal": "*"},
        {"Principal": {"AWS": "b"}},
        {"Principal": {"AWS": ["a", "b"], "Service": "s"}},
        {"NotPrincipal": {"AWS": "c"}},
        {"Principal": {"Service": "s"}},
        {},
    ]
    assert principals({"Statement": statements}) == ("*", "a", "b", "c")
    assert principals({}) == ()


def test_services_of_a_policy_are_those_that_it_lets_in_each_once() -> None:
    statements = [
        STATEMENT,
        {**STATEMENT, "Principal": "*"},
        {**STATEMENT, "Principal": {"Service": ["b.amazonaws.com", "a.amazonaws.com"]}},
        {**STATEMENT, "Principal": {"Service": "a.amazonaws.com", "AWS": "1"}},
        {**STATEMENT, "Principal": {"Service": "denied.amazonaws.com"}, "Effect": "Deny"},
    ]
    assert services({"Statement": statements}) == ("a.amazonaws.com", "b.amazonaws.com")
    assert services({"Statement": statements[3]}) == ("a.amazonaws.com",)
    assert services({}) == ()


def test_identity_providers_are_told_as_condition_keys_spell_them() -> None:
    provider = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
    login = "arn:aws:iam::111122223333:saml-provider/login"
    document = {
        "Statement": [
            {"Effect": "Allow", "Principal": {"Federated": [provider, login]}, "Action": "sts:*"},
            {"Effect": "Allow", "Principal": {"Federated": "accounts.google.com"}, "Action": "sts:*"},
            {"Effect": "Allow", "Principal": "*", "Action": "sts:*"},
        ]
    }
    assert identity_providers(document) == ("accounts.google.com", "token.actions.githubusercontent.com")
