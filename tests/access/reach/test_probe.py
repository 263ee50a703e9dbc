"""Where evaluator and AWS disagree, and where one of them has no answer to disagree with."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from secrets_pipeline.access.reach.probe import Answer, NotProbed, ProbeRefused, ValueReturned, _refused, disagreement
from secrets_pipeline.access.reach.reader import DeniedByKms
from secrets_pipeline.aws.faults import translate
from secrets_pipeline.errors import AwsError
from tests.access.builders import NAME, ROLE, World, world

BY_POLICY = ProbeRefused("AccessDeniedException", by_kms=False, text="User: … is not authorized to perform: …")
BY_KEY = ProbeRefused("AccessDeniedException", by_kms=True, text="Access to KMS is not allowed")
ANSWERS = (ValueReturned(), BY_POLICY, BY_KEY)


def allowed() -> World:
    return world()


def denied() -> World:
    made = world()
    made.role(ROLE)
    return made


def denied_by_kms() -> World:
    made = world()
    made.key(state="Disabled")
    return made


def unknown() -> World:
    made = world()
    made.secret(NAME, unread="refused")
    return made


CASES = [
    (allowed(), {ValueReturned()}, "Allowed"),
    (denied(), {BY_POLICY}, "DeniedBySecretsManager"),
    (denied_by_kms(), {BY_KEY}, "DeniedByKms"),
]


@pytest.mark.parametrize(("made", "agreeing", "name"), CASES, ids=[name for *_, name in CASES])
@pytest.mark.parametrize("answer", ANSWERS, ids=["value", "refused", "refused by kms"])
def test_they_agree_on_one_answer_and_disagree_on_the_others(
    made: World, agreeing: set[Answer], name: str, answer: Answer
) -> None:
    differs = disagreement(made.read(), answer)
    if answer in agreeing:
        assert differs == ""
    else:
        assert differs.startswith(f"the evaluator says {name}, AWS ")


def test_both_answers_are_told() -> None:
    assert disagreement(denied().read(), ValueReturned()) == (
        "the evaluator says DeniedBySecretsManager, AWS returned the value"
    )
    assert disagreement(allowed().read(), BY_KEY) == (
        "the evaluator says Allowed, AWS refused with Access to KMS is not allowed"
    )


@pytest.mark.parametrize("answer", ANSWERS, ids=["value", "refused", "refused by kms"])
def test_nothing_disagrees_with_what_is_not_known(answer: Answer) -> None:
    assert disagreement(unknown().read(), answer) == ""


@pytest.mark.parametrize("made", [allowed(), denied(), denied_by_kms()], ids=["allowed", "denied", "by kms"])
def test_nothing_disagrees_with_a_question_that_nobody_could_ask(made: World) -> None:
    assert disagreement(made.read(), NotProbed("only roles can be assumed")) == ""


def test_either_refusal_agrees_where_kms_denies_and_nobody_knows_what_secrets_manager_says() -> None:
    made = denied_by_kms()
    made.secret(NAME, unread="refused")
    verdict = made.read()
    assert isinstance(verdict, DeniedByKms)
    assert disagreement(verdict, BY_POLICY) == disagreement(verdict, BY_KEY) == ""
    assert disagreement(verdict, ValueReturned()) == "the evaluator says DeniedByKms, AWS returned the value"


@pytest.mark.parametrize(
    ("code", "text", "by_kms"),
    [
        ("AccessDeniedException", "Access to KMS is not allowed", True),
        ("AccessDeniedException", "User: u is not authorized to perform: kms:Decrypt on this resource", True),
        ("InvalidRequestException", "… if you encrypt the secret with the default KMS service key.", True),
        ("DecryptionFailure", "Secrets Manager can't decrypt the protected secret text", True),
        ("AccessDeniedException", "User: u is not authorized to perform: secretsmanager:GetSecretValue", False),
    ],
)
def test_a_refusal_tells_whose_it_is(code: str, text: str, by_kms: bool) -> None:
    answer = ClientError({"Error": {"Code": code, "Message": text}}, "GetSecretValue")
    refused = _refused(translate(answer, action="GetSecretValue", resource="a"))
    assert refused is not None
    assert (refused.code, refused.by_kms) == (code, by_kms)


def test_what_is_neither_a_value_nor_a_refusal_is_an_error() -> None:
    assert _refused(AwsError("Rate exceeded", remedy="", code="ThrottlingException")) is None
