from __future__ import annotations

import json
from textwrap import indent
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.access.policy_text.statements import secret_policy
from secrets_pipeline.desired.policy.statements import policy_bytes
from secrets_pipeline.references.model import Output

if TYPE_CHECKING:
    from tests.desired.conftest import Bench

DENY = "{Effect: Deny, Principal: '*', Action: '*', Resource: '*'}"
ARN = "arn:aws:kms:eu-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ROLE = "arn:aws:iam::444455556666:role/reports"
TOP = """\
components:
  terraform:
    kms: {vars: {alias: myapp}}
    secretsmanager:
      vars:
        context_name: myapp
        secrets:
          other: {generate_random_password: true}
          key:
            generate_random_password: true
"""


def policy(bench: Bench, text: str) -> tuple[Any, ...]:
    return next(s for s in bench.spec(TOP + indent(text, " " * 12)).secrets if s.ref.key == "key").policy


@pytest.mark.parametrize(
    "text",
    [
        f"policy: {{Version: '2012-10-17', Statement: [{DENY}]}}",
        f"policy: {{Statement: {DENY}}}",
        f"policy: [{DENY}]",
        'policy: \'{"Statement": {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}}\'',
    ],
)
def test_a_policy_is_a_map_a_list_of_statements_or_json(bench: Bench, text: str) -> None:
    assert policy(bench, text) == ({"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"},)


def test_late_parts_of_a_policy_stay_references_and_iams_own_variables_stay_text(bench: Bench) -> None:
    (statement,) = policy(
        bench,
        "policy: [{Effect: Allow, Principal: {AWS: '111122223333'}, Action: '*', Resource: '${output.kms.key_arn}', "
        "Condition: {Like: {x: '${aws:username}-*'}}}]",
    )
    assert statement["Resource"] == Output("kms", ("key_arn",))
    assert statement["Condition"] == {"Like": {"x": "${aws:username}-*"}}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("policy: '{oops'", "policy is text, but not JSON (line 1, column 2)"),
        ("policy: {Version: '2012-10-17'}", "policy has no list of statements, it is a map"),
        ("policy: 7", "policy has no list of statements, it is a number"),
        ("policy: [x]", "policy has no list of statements"),
        ("policy: [{Sid: '" + "x" * 20_480 + "'}]", "policy has 20529 bytes, AWS takes 20480"),
        (
            "policy: [{Sid: '${output.secretsmanager.secret_values.other}'}]",
            "is a secret value and must not be used here",
        ),
    ],
)
def test_a_wrong_policy_is_an_error(bench: Bench, text: str, problem: str) -> None:
    found = bench.only_error(TOP + indent(text, " " * 12))
    assert problem in found
    assert "component secretsmanager, key vars.secrets.key.policy" in found


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("{Effect: Allow, Action: '*', Resource: '*'}", "statement 1 of policy has no Principal or NotPrincipal"),
        ("{Principal: '*', Resource: '*'}", "statement 1 of policy has no Effect, no Action or NotAction"),
        ("{Effect: Permit, Principal: '*', Action: '*', Resource: '*'}", "has another Effect than Allow and Deny"),
        ("{Effect: Deny, Principal: '*', Action: '*', Resource: '*', Condition: {NumericEquals: {x: .nan}}}", "JSON"),
    ],
)
def test_a_statement_that_aws_would_call_malformed_is_an_error(bench: Bench, statement: str, problem: str) -> None:
    found = bench.only_error(TOP + indent(f"policy: [{statement}]", " " * 12))
    assert problem in found
    assert "key vars.secrets.key.policy" in found


def test_every_malformed_policy_of_a_stack_is_named(bench: Bench) -> None:
    other = "other: {generate_random_password: true, policy: [{Effect: Allow}]}"
    text = TOP.replace("other: {generate_random_password: true}", other) + indent("policy: [{Effect: Deny}]", " " * 12)
    named = [
        f"key vars.secrets.{key}.policy: statement 1 of policy has no" in found
        for found in bench.errors(text)
        for key in ("other", "key")
    ]
    assert sum(named) == 2


PUBLIC = "Effect: Allow, Action: 'secretsmanager:GetSecretValue', Resource: '*'"


@pytest.mark.parametrize(
    "who",
    [
        "Principal: '*'",
        "Principal: {AWS: '*'}",
        "Principal: {AWS: ['arn:aws:iam::111122223333:role/x', '*']}",
        "NotPrincipal: {AWS: 'arn:aws:iam::111122223333:role/x'}",
        "Principal: '*', Condition: {StringNotEquals: {'aws:PrincipalOrgID': o-1}}",
        "Principal: '*', Condition: {StringLikeIfExists: {'aws:PrincipalArn': 'arn:aws:iam::1:role/x'}}",
        "Principal: '*', Condition: {StringLike: {'aws:PrincipalArn': '*'}}",
        "Principal: '*', Condition: {IpAddress: {'aws:SourceIp': [10.0.0.0/8, 0.0.0.0/0]}}",
        "Principal: '*', Condition: {IpAddress: {'aws:SourceIp': [0.0.0.0/1, 128.0.0.0/1]}}",
        "Principal: '*', Condition: {IpAddress: {'aws:SourceIp': '::/0'}}",
        "Principal: '*', Condition: {IpAddress: {'aws:SourceIp': 00.0.0.0/0}}",
        "Principal: '*', Condition: {IpAddress: {'aws:SourceIp': 0/0}}",
        "Principal: '*', Condition: {IpAddress: {'aws:VpcSourceIp': ' 0.0.0.0/0'}}",
        "Principal: {aws: '*'}",
        "Principal: {Federated: ['*']}",
        "Principal: {Service: '*'}",
        "Principal: '*', Condition: {Bool: {'aws:SecureTransport': 'true'}}",
        "Principal: '*', Condition: {NumericGreaterThanEquals: {'aws:PrincipalAccount': '111122223333'}}",
        "Principal: '*', Condition: {stringnotequals: {'aws:PrincipalAccount': '111122223333'}}",
        "Principal: '*', Condition: {stringequalsifexists: {'aws:PrincipalAccount': '111122223333'}}",
        "Principal: '*', Condition: {StringLike: {'aws:PrincipalAccount': '?*'}}",
        "Principal: '*', Condition: {StringLike: {'aws:PrincipalAccount': '1*'}}",
        "Principal: '*', Condition: {ArnLike: {'aws:PrincipalArn': 'arn:*'}}",
        "Principal: '*', Condition: {ArnLike: {'aws:PrincipalArn': 'arn:aws:iam::*:role/x'}}",
        "Principal: '*', Condition: {Foo: {'aws:PrincipalAccount': '111122223333'}}",
        "Principal: '*', Condition: {'null': {'aws:PrincipalAccount': 'false'}}",
    ],
)
def test_a_policy_that_lets_everybody_in_is_an_error(bench: Bench, who: str) -> None:
    found = bench.only_error(TOP + indent(f"policy: [{DENY}, {{{PUBLIC}, {who}}}]", " " * 12))
    assert "statement 2 of policy lets everybody read the secret" in found
    assert "Name the principals, or narrow it by a condition on aws:PrincipalOrgID" in found


@pytest.mark.parametrize(
    "who",
    [
        "Principal: '*', Condition: {StringEquals: {'aws:PrincipalOrgID': o-1}}",
        "Principal: '*', Condition: {StringEquals: {'aws:sourcevpce': [vpce-1, '${ssm:/vpce}']}}",
        "Principal: '*', Condition: {stringequals: {'aws:PrincipalAccount': '111122223333'}}",
        "Principal: '*', Condition: {ArnLike: {'aws:PrincipalArn': 'arn:aws:iam::111122223333:role/*'}}",
        "Principal: '*', Condition: {'ForAnyValue:StringLike': {'aws:PrincipalOrgPaths': 'o-a1b2c3d4e5/r-ab12/*'}}",
        "Principal: '*', Condition: {IpAddress: {'aws:SourceIp': [10.0.0.0/8, '2001:db8::/32']}}",
        "Principal: {AWS: 'arn:aws:iam::111122223333:root'}",
        "Principal: {Service: 'rds.amazonaws.com'}",
    ],
)
def test_a_policy_that_a_condition_narrows_is_taken(bench: Bench, who: str) -> None:
    assert len(policy(bench, f"policy: [{{{PUBLIC}, {who}}}]")) == 1


def test_a_denial_of_everybody_is_no_public_policy(bench: Bench) -> None:
    assert len(policy(bench, f"policy: [{DENY}]")) == 1


def allowing(principal: str, action: str = "'secretsmanager:GetSecretValue'") -> str:
    return f"policy: [{{Effect: Allow, Principal: {{AWS: {principal}}}, Action: {action}, Resource: '*'}}]\n"


@pytest.mark.parametrize("key", ["", "kms_key_id: alias/other\n", "kms_key_id: 1234abcd-12ab-34cd-56ef-1234567890ab\n"])
@pytest.mark.parametrize(
    "principal", [f"'{ROLE}'", f"[x, '{ROLE}']", "'444455556666'", "'arn:aws:iam::444455556666:root'"]
)
@pytest.mark.parametrize("action", ["'secretsmanager:GetSecretValue'", "'secretsmanager:*'", "['x:y', '*']"])
def test_a_policy_that_lets_another_account_read_needs_a_key_by_its_arn(
    bench: Bench, principal: str, key: str, action: str
) -> None:
    found = bench.only_error(TOP + indent(allowing(principal, action) + key, " " * 12))
    assert "key vars.secrets.key.policy: the policy lets" in found
    assert "444455556666" in found
    assert "set create_kms_key: true, or kms_key_id: !terraform.state kms key_arn" in found


@pytest.mark.parametrize(
    "text",
    [
        allowing("'arn:aws:iam::111122223333:role/x'"),
        allowing(f"'{ROLE}'", "'secretsmanager:DescribeSecret'"),
        allowing(f"'{ROLE}'").replace("Allow", "Deny"),
        allowing(f"'{ROLE}'") + f"kms_key_id: {ARN}\n",
    ],
)
def test_a_policy_that_needs_no_key_of_ours_is_taken(bench: Bench, text: str) -> None:
    assert len(policy(bench, text)) == 1


def test_a_replica_needs_a_key_by_its_arn_for_whom_the_policy_lets_read(bench: Bench) -> None:
    text = allowing(f"'{ROLE}'") + f"kms_key_id: {ARN}\nreplica_regions: [eu-west-1]\n"
    found = bench.only_error(TOP + indent(text, " " * 12))
    assert f"{ROLE} is in another account, but the replica in eu-west-1 is under the default key" in found
    same = text.replace("444455556666:role", "111122223333:role")
    assert any(secret.replicas for secret in bench.spec(TOP + indent(same, " " * 12)).secrets)


def test_our_own_key_lets_in_whom_the_policy_lets_read(bench: Bench) -> None:
    text = allowing(f"['{ROLE}', '111122223333']") + "kms_key_id: alias/myapp\n"
    spec = bench.spec(TOP + indent(text, " " * 12))
    assert [key.readers for key in spec.keys] == [(ROLE,)]
    assert all(secret.readers == () for secret in spec.secrets)


@given(
    declared=st.lists(st.fixed_dictionaries({"Sid": st.text(max_size=9), "Effect": st.just("Deny")}), max_size=3),
    readers=st.lists(st.text("arn:1/é", min_size=1), unique=True, max_size=4),
    organization_id=st.sampled_from([None, "o-a1b2c3d4e5"]),
)
def test_the_bytes_that_are_counted_are_those_of_the_policy_that_is_sent(
    declared: list[dict[str, str]], readers: list[str], organization_id: str | None
) -> None:
    sent = secret_policy(declared, readers, organization_id=organization_id)
    if sent is not None:
        assert policy_bytes(declared, readers, organization_id=organization_id) == len(
            json.dumps(sent, separators=(",", ":")).encode()
        )


def test_a_policy_that_only_its_readers_make_too_long_is_an_error(bench: Bench) -> None:
    def filled(length: int) -> str:
        sid = "x" * length
        consumers = f"        consumers: {{r: {{type: app, role_arn: '{ROLE}', secrets: [key]}}}}\n"
        statement = f"{{Sid: {sid}, Effect: Deny, Principal: '*', Action: '*', Resource: '*'}}"
        return TOP + indent(f"policy: [{statement}]\nkms_key_id: {ARN}\n", " " * 12) + consumers

    around = policy_bytes([{"Sid": "", "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}], [ROLE])
    bench.spec(filled(20_480 - around))
    found = bench.only_error(filled(20_480 - around + 1))
    assert "with the statement for its reader in another account, the policy has 20481 bytes, AWS takes 20480" in found


def test_a_policy_with_a_reference_to_nothing_blocks_its_secret(bench: Bench) -> None:
    found = bench.only_unresolved(TOP + indent("policy: [{Sid: '${output.vpc.id}'}]", " " * 12))
    assert "key vars.secrets.key.policy: component vpc does not exist in stack dev" in found
