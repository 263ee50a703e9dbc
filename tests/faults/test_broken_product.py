"""A product that is broken on purpose is caught by the cases."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from secrets_pipeline.aws import service_keys
from secrets_pipeline.reconcilers.secret_value.write import ValueWriter
from tests.faults.cases import Case, Clean, Kind, Place, Verdict, judge
from tests.faults.ground import Ground
from tests.faults.solo import Solo


def judge_random_tokens(ground: Ground, expected: Clean, case: Case) -> Verdict:
    with pytest.MonkeyPatch.context() as patch:
        # Children are forks: they inherit it.
        patch.setattr(ValueWriter, "token", lambda *_: str(uuid.uuid4()))
        return judge(ground, expected, case)


def judge_keys_looked_for_by_alias_alone(ground: Ground, expected: Clean, case: Case) -> Verdict:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service_keys, "find_unaliased_key", lambda *_, **__: None)
        return judge(ground, expected, case)


def test_a_product_whose_tokens_were_random_would_be_caught(solo: Solo, expected: Callable[[str], Clean]) -> None:
    case, stack = Case(Place("secretsmanager", "PutSecretValue", 1), Kind.KILL_AFTER), "infra-shared:update"
    verdict = solo(judge_random_tokens, stack, expected(stack), case)
    assert verdict.first == "killed"
    assert any("/labels" in problem for problem in verdict.problems)


def test_a_product_that_looked_for_no_key_of_an_earlier_try_would_be_caught(
    solo: Solo, expected: Callable[[str], Clean]
) -> None:
    case, stack = Case(Place("kms", "CreateKey", 1), Kind.KILL_AFTER), "infra-shared"
    verdict = solo(judge_keys_looked_for_by_alias_alone, stack, expected(stack), case)
    assert verdict.first == "killed"
    assert any("/keys" in problem for problem in verdict.problems)
