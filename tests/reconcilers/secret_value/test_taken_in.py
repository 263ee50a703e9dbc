"""A plan says what a value begins and ceases to take in, and the statements of each new policy."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.cli.plan.formats import PlanFormat
from secrets_pipeline.cli.plan.view import StackPlan
from secrets_pipeline.engine.model import Change, ChangeClass
from tests.bench import said

if TYPE_CHECKING:
    from secrets_pipeline.desired.secret.model import SecretSpec
    from secrets_pipeline.desired.stack import StackSpec
    from tests.bench import Bench

READER = "arn:aws:iam::444455556666:role/reports"
CHANGED = "what its value is rendered from has changed"
OTHER = "${output.secrets.secret_values.other}"
MASTER = "${output.secrets.generated_passwords.password}"


def told(change: Change) -> list[tuple[str, str, str]]:
    """Before and after of what a value takes in, as a plan has it."""
    details = (one for reason in change.reasons for one in reason.details if one.what == "takes in")
    return [(one.sign.value, one.observed, one.wanted) for one in details]


def shared(bench: Bench, text: str, **more: object) -> SecretSpec:
    needed = {OTHER: "other", MASTER: "password"}
    depends_on = tuple(bench.ref(key) for reference, key in needed.items() if reference in text)
    return bench.declared("shared", text, depends_on=depends_on, **more)


@pytest.fixture
def sources(bench: Bench) -> tuple[SecretSpec, ...]:
    """What a value may take in: a secret, and the password of a database."""
    return bench.declared("other", "canary-1"), bench.generated()


def planned(bench: Bench, sources: tuple[SecretSpec, ...], secret: SecretSpec) -> Change:
    return bench.plan(spec_of(bench, sources, secret))[secret.name]


def spec_of(bench: Bench, sources: tuple[SecretSpec, ...], secret: SecretSpec) -> StackSpec:
    database = bench.database(password=bench.ref("password"), create=False)
    return bench.spec(*sources, secret, databases=(database,))


def test_a_value_that_another_account_reads_begins_to_take_in_a_databases_password(
    bench: Bench, sources: tuple[SecretSpec, ...]
) -> None:
    before = shared(bench, "<->", readers=(READER,))
    bench.provision(spec_of(bench, sources, before))
    change = planned(bench, sources, shared(bench, f"<{MASTER}>", readers=(READER,)))
    database = bench.database().identifier
    assert told(change) == [("+", "", f"the password of database {database} ({bench.name('password')})")]
    assert said(change) == (f"{CHANGED}; read by 444455556666",)


def test_before_and_after_are_named(bench: Bench, sources: tuple[SecretSpec, ...]) -> None:
    bench.provision(spec_of(bench, sources, shared(bench, f"{OTHER} ${{env:ALLOWED}}")))
    unchanged = planned(bench, sources, shared(bench, f"{OTHER} ${{env:ALLOWED}}"))
    assert unchanged.action is ChangeClass.NONE
    same = planned(bench, sources, shared(bench, f"${{env:ALLOWED}} and {OTHER}"))
    assert (said(same), told(same)) == ((CHANGED,), [])
    change = planned(bench, sources, shared(bench, f"{MASTER} ${{env:ALLOWED}}"))
    password = f"the password of database {bench.database().identifier} ({bench.name('password')})"
    assert told(change) == [("+", "", password), ("-", f"the value of {bench.name('other')}", "")]
    left = planned(bench, sources, shared(bench, OTHER))
    assert told(left) == [("-", "something that the stack no longer names", "")]


def test_a_new_value_says_it_too_and_one_that_takes_in_nothing_says_nothing(
    bench: Bench, sources: tuple[SecretSpec, ...]
) -> None:
    change = planned(bench, sources, shared(bench, f"{OTHER} ${{ssm:/{bench.stack}/x}}"))
    assert change.action is ChangeClass.CREATE
    assert [one[2] for one in told(change)] == [
        f"the value of {bench.name('other')}",
        f"SSM parameter /{bench.stack}/x",
    ]
    assert not planned(bench, sources, shared(bench, "plain")).reasons


def test_what_nobody_knows_was_taken_in_is_called_unknown(bench: Bench, sources: tuple[SecretSpec, ...]) -> None:
    bench.provision(spec_of(bench, sources, shared(bench, "plain")))
    mark = f"unknown.{bench.inputs('shared').partition('.')[2]}"
    bench.secrets.tag_resource(SecretId=bench.name("shared"), Tags=[{"Key": "secrets-pipeline:inputs", "Value": mark}])
    change = planned(bench, sources, shared(bench, OTHER))
    assert told(change) == [("~", "unknown", f"the value of {bench.name('other')}")]


def test_a_secret_that_becomes_a_databases_password_is_no_reason_to_write(
    bench: Bench, sources: tuple[SecretSpec, ...]
) -> None:
    secret = shared(bench, MASTER)
    bench.provision(bench.spec(*sources, secret))
    assert planned(bench, sources, secret).action is ChangeClass.NONE


def test_more_than_a_tag_holds_is_unknown_and_no_error(bench: Bench) -> None:
    many = [bench.declared(f"k{number}", "x") for number in range(20)]
    text = " ".join(f"${{output.secrets.secret_values.k{number}}}" for number in range(20))
    refs = tuple(bench.ref(f"k{number}") for number in range(20))
    bench.create(*many, bench.declared("all", text, depends_on=refs))
    change = bench.plan(bench.spec(*many, bench.declared("all", f"{text}!", depends_on=refs)))[bench.name("all")]
    assert {(sign, before) for sign, before, _ in told(change)} == {("~", "unknown")}
    assert len(told(change)) == 20


def test_tags_hold_no_name_of_what_is_taken_in(bench: Bench, sources: tuple[SecretSpec, ...]) -> None:
    bench.provision(spec_of(bench, sources, shared(bench, OTHER)))
    assert bench.inputs("shared")
    assert "other" not in json.dumps(bench.tags("shared"))


STATEMENT = {
    "Sid": "Partner",
    "Effect": "Allow",
    "Principal": {"AWS": READER},
    "Action": ["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"],
    "Resource": "*",
    "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}},
}


def test_the_statements_of_a_new_policy_are_in_each_format(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    spec = bench.spec(bench.declared("api", "x", policy=(STATEMENT,)))
    changes = bench.plan(spec, "secret_policies")
    (change,) = changes.values()
    assert change.action is ChangeClass.CREATE
    details = "".join(str(one) for reason in change.reasons for one in reason.details)
    parts = ("Partner", READER, "secretsmanager:PutSecretValue", "aws:PrincipalOrgID", "o-a1b2c3d4e5")
    assert [one for one in parts if one not in details] == []
    plan = StackPlan({"secret_policies": [change]}, bench.stack, "111122223333", "eu-west-2")
    for output in PlanFormat:
        output.render([plan], {}, unchanged=False, deep=True)
        shown = html.unescape(capsys.readouterr().out)
        assert all(one in shown for one in parts)
