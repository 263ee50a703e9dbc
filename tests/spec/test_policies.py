from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline.references import Output

if TYPE_CHECKING:
    from tests.spec.conftest import Bench

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
        "policy: {Version: '2012-10-17', Statement: [{Effect: Deny, Action: '*'}]}",
        "policy: {Statement: {Effect: Deny, Action: '*'}}",
        "policy: [{Effect: Deny, Action: '*'}]",
        'policy: \'{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*"}]}\'',
    ],
)
def test_a_policy_is_a_map_a_list_of_statements_or_json(bench: Bench, text: str) -> None:
    assert policy(bench, text) == ({"Effect": "Deny", "Action": "*"},)


def test_late_parts_of_a_policy_stay_references_and_iams_own_variables_stay_text(bench: Bench) -> None:
    (statement,) = policy(
        bench,
        "policy: [{Effect: Allow, Resource: '${output.kms.key_arn}', Condition: {Like: {x: '${aws:username}-*'}}}]",
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
        ("policy: [{Sid: '" + "x" * 20_480 + "'}]", "bytes, AWS takes 20480"),
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


def test_a_policy_with_a_reference_to_nothing_blocks_its_secret(bench: Bench) -> None:
    found = bench.only_unresolved(TOP + indent("policy: [{Sid: '${output.vpc.id}'}]", " " * 12))
    assert "key vars.secrets.key.policy: component vpc does not exist in stack dev" in found
