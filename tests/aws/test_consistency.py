from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from secrets_pipeline.aws.consistency import NEW_PRINCIPAL, NEW_RESOURCE, Lag, Patience
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.errors import AwsError
from tests.waiting import SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.aws.conftest import Emulator

UNSUPPORTED = "This resource policy contains an unsupported principal."


class FakeTime:
    """A clock that only sleeping moves; threads take turns at it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.during_sleep: Callable[[], object] = lambda: None

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.during_sleep()

    @property
    def passed(self) -> float:
        return self.now - 1000.0


class Service:
    """Refuses what is not visible before its time, as AWS does, and counts."""

    def __init__(self, time: FakeTime, *, visible_after: float = float("inf")) -> None:
        self._time = time
        self._visible_after = visible_after
        self.calls = 0
        self.code, self.message = "MalformedPolicyDocumentException", UNSUPPORTED

    def __call__(self) -> str:
        self.calls += 1
        if self._time.passed < self._visible_after:
            raise ClientError({"Error": {"Code": self.code, "Message": self.message}}, "PutResourcePolicy")
        return "done"


def patience_of(time: FakeTime, **bounds: float) -> Patience:
    return Patience(clock=time.clock, sleep=time.sleep, **bounds)


def put(patience: Patience, service: Service, *, name: str = "a", subject: str = "", lag: Lag = NEW_PRINCIPAL) -> str:
    return patience.until_visible("PutResourcePolicy", name, service, lag=lag, subject=subject)


def refusal(patience: Patience, service: Service, *, name: str = "a", subject: str = "") -> AwsError:
    with pytest.raises(AwsError) as failure:
        put(patience, service, name=name, subject=subject)
    return failure.value


def test_what_is_visible_is_called_once_and_not_waited_for() -> None:
    time = FakeTime()
    service = Service(time, visible_after=0)
    assert put(patience_of(time), service) == "done"
    assert (service.calls, time.passed) == (1, 0)


@pytest.mark.parametrize("seconds", [0.1, 3, 9, 14.9])
def test_what_becomes_visible_in_time_is_done(seconds: float) -> None:
    time = FakeTime()
    service = Service(time, visible_after=seconds)
    assert put(patience_of(time), service) == "done"
    assert seconds <= time.passed <= 15
    assert service.calls <= 7


def test_what_stays_invisible_is_raised_as_aws_said_it_with_the_time_waited() -> None:
    time = FakeTime()
    failure = refusal(patience_of(time), Service(time), name="shop/dev/token")
    assert time.passed == pytest.approx(15)
    assert (
        failure.message == f"PutResourcePolicy shop/dev/token failed: MalformedPolicyDocumentException: {UNSUPPORTED}"
    )
    assert (failure.code, failure.operation) == ("MalformedPolicyDocumentException", "PutResourcePolicy")
    assert failure.remedy.startswith("Waited 15 s for a principal of the policy to become visible. Check the policy")
    assert failure.__context__ is None


def test_a_policy_with_a_syntax_error_costs_no_second() -> None:
    time = FakeTime()
    service = Service(time)
    service.message = "This resource policy contains a syntax error."
    failure = refusal(patience_of(time), service)
    assert (service.calls, time.passed) == (1, 0)
    assert "Waited" not in failure.remedy


def test_other_errors_and_those_of_ours_pass_at_once() -> None:
    time = FakeTime()
    service = Service(time)
    service.code = "AccessDeniedException"
    assert refusal(patience_of(time), service).code == "AccessDeniedException"

    def wrong() -> str:
        raise ParamValidationError(report="canary")

    def ours() -> str:
        raise AwsError("ours", code="MalformedPolicyDocumentException")

    with pytest.raises(AwsError, match="botocore refused"):
        patience_of(time).until_visible("PutResourcePolicy", "a", wrong, lag=NEW_PRINCIPAL)
    with pytest.raises(AwsError, match="ours"):
        patience_of(time).until_visible("PutResourcePolicy", "a", ours, lag=NEW_PRINCIPAL)
    assert time.passed == 0


def test_two_hundred_policies_with_one_bad_principal_wait_once() -> None:
    time = FakeTime()
    patience = patience_of(time)
    services = [Service(time) for _ in range(200)]
    failures = [refusal(patience, one, name=f"s{n}", subject="arn:x") for n, one in enumerate(services)]
    assert time.passed == pytest.approx(15)
    assert [one.calls for one in services[1:]] == [1] * 199
    assert failures[7].remedy.startswith("This run has waited long enough for a principal of the policy")


def test_two_hundred_policies_with_a_bad_principal_each_wait_no_longer_than_the_run_may() -> None:
    time = FakeTime()
    patience = patience_of(time)
    for number in range(200):
        refusal(patience, Service(time), subject=f"arn:{number}")
    assert time.passed == pytest.approx(60)


def test_time_in_which_two_wait_is_spent_once() -> None:
    time = FakeTime()
    patience = patience_of(time, seconds=10, in_all=20)
    inside: list[AwsError] = []

    def another_thread() -> None:
        time.during_sleep = lambda: None
        inside.append(refusal(patience, Service(time), subject="other"))

    time.during_sleep = another_thread
    refusal(patience, Service(time), subject="one")
    assert len(inside) == 1
    assert time.passed == pytest.approx(10.5)
    refusal(patience, Service(time), subject="third")
    assert time.passed == pytest.approx(20)


def test_threads_that_wait_for_one_principal_all_finish_when_it_is_visible() -> None:
    gate = threading.Barrier(16)
    visible = threading.Event()
    asleep = threading.Semaphore(0)

    def sleep(_: float) -> None:
        asleep.release()
        assert visible.wait(SECONDS)

    patience = Patience(clock=lambda: 0.0, sleep=sleep)

    def call() -> str:
        if not visible.is_set():
            raise ClientError({"Error": {"Code": "MalformedPolicyDocumentException", "Message": UNSUPPORTED}}, "x")
        return "done"

    def work(number: int) -> str:
        gate.wait()
        return patience.until_visible("PutResourcePolicy", f"s{number}", call, lag=NEW_PRINCIPAL, subject="role")

    with ThreadPoolExecutor(16) as pool:
        found = [pool.submit(work, number) for number in range(16)]
        for _ in range(16):
            assert asleep.acquire(timeout=SECONDS)
        visible.set()
        assert [one.result() for one in found] == ["done"] * 16


def test_a_subject_that_became_visible_may_be_waited_for_again() -> None:
    time = FakeTime()
    patience = patience_of(time)
    assert put(patience, Service(time, visible_after=14), subject="role") == "done"
    time.now += 100
    assert put(patience, Service(time, visible_after=time.passed + 10), subject="role") == "done"


@pytest.mark.parametrize(
    ("lag", "code", "message", "may_pass"),
    [
        (NEW_PRINCIPAL, "MalformedPolicyDocumentException", UNSUPPORTED, True),
        (
            NEW_PRINCIPAL,
            "MalformedPolicyDocumentException",
            "Policy contains a statement with one or more invalid principals.",
            True,
        ),
        (NEW_PRINCIPAL, "MalformedPolicyDocument", 'Invalid principal in policy: "AWS":"arn:aws:iam::1:role/x"', True),
        (
            NEW_PRINCIPAL,
            "InvalidParameterValueException",
            "The provided principal was invalid. Please check the principal and try again.",
            True,
        ),
        (NEW_PRINCIPAL, "InvalidParameterException", "The parameter name can't be blank.", False),
        (NEW_PRINCIPAL, "PublicPolicyException", UNSUPPORTED, False),
        (NEW_RESOURCE, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.", True),
        (NEW_RESOURCE, "NotFoundException", "Alias arn:aws:kms:eu-west-1:1:alias/x is not found.", True),
        (NEW_RESOURCE, "AccessDeniedException", "no", False),
    ],
)
def test_a_lag_is_told_from_a_lasting_error(lag: Lag, code: str, message: str, may_pass: bool) -> None:
    error = ClientError({"Error": {"Code": code, "Message": message}}, "x")
    assert lag.explains(error) is may_pass
    assert not lag.explains(KeyError(code))


def test_an_alias_that_appears_while_it_is_waited_for_is_found(account: AwsAccount, emulator: Emulator) -> None:
    kms, time = account.client("kms"), FakeTime()
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    time.during_sleep = lambda: kms.create_alias(AliasName="alias/new", TargetKeyId=key)
    answer = patience_of(time).until_visible(
        "DescribeKey", "alias/new", lambda: kms.describe_key(KeyId="alias/new"), lag=NEW_RESOURCE
    )
    assert answer["KeyMetadata"]["KeyId"] == key
    assert emulator.calls["DescribeKey"] == 2


def test_a_policy_that_is_bad_for_good_is_put_once_on_the_embedded_aws(account: AwsAccount, emulator: Emulator) -> None:
    secrets, time = account.client("secretsmanager"), FakeTime()
    secrets.create_secret(Name="a", SecretString="x")
    policy = json.dumps({"Statement": [{"Effect": "Maybe"}]})
    with pytest.raises(AwsError, match="MalformedPolicyDocumentException"):
        patience_of(time).until_visible(
            "PutResourcePolicy",
            "a",
            lambda: secrets.put_resource_policy(SecretId="a", ResourcePolicy=policy),
            lag=NEW_PRINCIPAL,
        )
    assert (emulator.calls["PutResourcePolicy"], time.passed) == (1, 0)
