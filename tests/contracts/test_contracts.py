"""The embedded AWS answers as every contract file says; what a file says otherwise is found."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.operations.experiment.beliefs.model import NOWHERE
from secrets_pipeline.operations.experiment.contract import AWS, Answer, Exchange, Measured
from secrets_pipeline.operations.experiment.experiment import BELIEFS
from tests.contracts.replay import (
    EMBEDDED,
    FOLDER,
    THE_EMBEDDED_ONE,
    contract_files,
    differences,
    slower_than_believed,
)

if TYPE_CHECKING:
    from secrets_pipeline.emulator import LocalAws

FILES = contract_files()
OWN = FILES[EMBEDDED.name]
REPLAYED = [
    pytest.param(measured, id=f"{name.removesuffix('.json')}-{measured.belief}")
    for name, contract in FILES.items()
    for measured in contract.measured
]


def measured(belief: str) -> Measured:
    [found] = [one for one in OWN.measured if one.belief == belief]
    return found


def changed(belief: str, index: int, *answers: Answer) -> Measured:
    """A belief with other answers to one of its requests."""
    found = measured(belief)
    exchanges = list(found.exchanges)
    exchanges[index] = Exchange(exchanges[index].step, answers)
    return replace(found, exchanges=tuple(exchanges))


@pytest.mark.parametrize("belief", REPLAYED)
def test_the_embedded_aws_answers_as_the_file_says(aws: LocalAws, belief: Measured) -> None:
    assert list(differences(aws, belief)) == []


def test_the_embedded_aws_has_a_file_of_its_own_marked_so_in_which_every_belief_is_measured_as_it_is_asked_now() -> (
    None
):
    assert OWN.answered_by == THE_EMBEDDED_ONE
    assert not any(one.unmeasured for one in OWN.measured)
    asked = {one.belief: tuple(exchange.step for exchange in one.exchanges) for one in OWN.measured}
    assert asked == {one.id: one.steps for one in BELIEFS}
    assert {one.belief: one.believed for one in OWN.measured} == {one.id: one.believed for one in BELIEFS}


def test_no_file_names_an_account_an_id_or_a_value() -> None:
    for file in FILES:
        text = (FOLDER / file).read_text().replace(NOWHERE, "")
        assert not re.search(
            r"\b\d{12}\b|[0-9a-f]{8}-[0-9a-f]{4}-|\bA(?:ROA|IDA|KIA|SIA)[A-Z0-9]{8}|thrown?-away", text
        )
        assert "<run>" in text


def test_a_file_that_says_another_code_text_or_answer_is_found_out(aws: LocalAws) -> None:
    [*_, last] = (one.answers[-1] for one in measured("rotation-by-a-missing-function").exchanges)
    assert last.code == "AccessDeniedException"
    for other in (replace(last, code="ResourceNotFoundException"), replace(last, text="No."), Answer()):
        [difference] = differences(aws, changed("rotation-by-a-missing-function", -1, other))
        assert (difference.operation, difference.written) == ("RotateSecret", (other,))
        assert difference.given[-1].says(last)


def test_a_file_that_says_that_it_was_refused_otherwise_until_it_was_visible_is_found_out(aws: LocalAws) -> None:
    first, then = measured("new-mac-key").exchanges[1].answers
    assert first.code == "NotFoundException"
    [difference] = differences(aws, changed("new-mac-key", 1, replace(first, code="DisabledException"), then))
    assert [one.code for one in difference.given] == [first.code, ""]


def test_what_was_visible_at_once_on_aws_is_so_in_the_replay(aws: LocalAws) -> None:
    *_, then = measured("new-mac-key").exchanges[1].answers
    assert list(differences(aws, changed("new-mac-key", 1, replace(then, seconds=0.0)))) == []


def test_a_file_that_ends_early_is_replayed_as_far_as_it_goes_and_one_that_goes_further_is_found_out(
    aws: LocalAws,
) -> None:
    found = measured("rotation-by-a-missing-function")
    assert list(differences(aws, replace(found, exchanges=found.exchanges[:1], unmeasured="it was interrupted"))) == []
    refused = replace(found.exchanges[0], answers=(Answer("LimitExceededException"),))
    assert [one.operation for one in differences(aws, replace(found, exchanges=(refused,)))] == ["CreateSecret"]


def test_aws_was_never_slower_than_the_table_says_that_it_may_be() -> None:
    assert [text for one in FILES.values() if one.answered_by == AWS for text in slower_than_believed(one)] == []


def test_a_delay_that_was_longer_than_the_table_says_is_found_out() -> None:
    *answers, then = measured("new-mac-key").exchanges[1].answers
    slow = replace(OWN, measured=(changed("new-mac-key", 1, *answers, replace(then, seconds=500.0)),))
    assert list(slower_than_believed(OWN)) == []
    assert list(slower_than_believed(slow)) == [
        "new-mac-key: CreateKey to the key took 500.0 s, the table says 60 at most"
    ]
