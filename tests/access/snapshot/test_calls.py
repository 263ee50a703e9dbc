"""Reading many things at once, and what is refused."""

from __future__ import annotations

import threading
import time

import pytest

from secrets_pipeline.access.snapshot.calls import UnreadParts, at_once, parsed
from secrets_pipeline.errors import AwsError, PolicyError


def test_answers_come_in_the_order_of_the_questions() -> None:
    def read(number: int) -> int:
        time.sleep((20 - number) / 2000)
        return number * 2

    assert at_once(read, range(20)) == tuple(range(0, 40, 2))


def test_an_error_ends_the_rest() -> None:
    asked: list[int] = []

    def read(number: int) -> int:
        asked.append(number)
        if number == 0:
            raise AwsError("it broke", code="InternalFailure")
        time.sleep(0.01)
        return number

    with pytest.raises(AwsError, match="it broke"):
        at_once(read, range(20_000))
    # All of them would take more than ten seconds.
    assert len(asked) < 10_000
    assert not [one for one in threading.enumerate() if one.name.startswith("snapshot")]


def test_refusals_are_collected_once_each_and_anything_else_is_raised() -> None:
    def refused(code: str, text: str) -> int:
        raise AwsError(text, code=code, remedy="ask somebody")

    reading = UnreadParts()
    assert reading.attempt(lambda: 3) == 3
    assert reading.unread == ""
    for code in ("AccessDenied", "AccessDeniedException", "AccessDenied"):
        assert reading.attempt(lambda code=code: refused(code, f"no: {code}")) is None  # type: ignore[misc] # a default
    assert reading.attempt(lambda: refused("NotFoundException", "gone"), "NotFoundException") is None
    assert reading.unread == "no: AccessDenied; no: AccessDeniedException; gone"
    with pytest.raises(AwsError):
        reading.attempt(lambda: refused("NotFoundException", "gone"))
    with pytest.raises(AwsError):
        reading.attempt(lambda: refused("ExpiredTokenException", "sign in again"))


@pytest.mark.parametrize("text", ["", "[]", "no JSON", '"text"'])
def test_a_policy_that_is_no_object_is_an_error(text: str) -> None:
    assert parsed('{"Version": "2012-10-17"}', "the policy") == {"Version": "2012-10-17"}
    with pytest.raises(PolicyError, match="the policy of x is not a JSON object"):
        parsed(text, "the policy of x")
