"""What AWS refuses for a while is asked again, within bounds; all else is not. botocore's own loop does the asking."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import EndpointConnectionError
from urllib3 import HTTPResponse

from secrets_pipeline.aws.consistency import awaited
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.made import Made, Request
from secrets_pipeline.aws.pacer import Pacer
from secrets_pipeline.aws.patience import Patience
from secrets_pipeline.aws.session import AwsAccount, Sessions
from secrets_pipeline.desired.base import Target
from secrets_pipeline.errors import AwsError
from tests.waiting import SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.awsrequest import AWSPreparedRequest

    from tests.aws.conftest import Emulator

UNSUPPORTED = "This resource policy contains an unsupported principal."
MALFORMED = "MalformedPolicyDocumentException"
ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:a-AbCdEf"
THROTTLED = "ThrottlingException"


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
    """Secrets Manager, as far as it refuses what is not visible before its time, and counts."""

    def __init__(self, time: FakeTime) -> None:
        self._time = time
        self.visible_after = float("inf")
        self.calls, self.round_trip = 0, 0.0
        self.unreachable = False
        self.code, self.message, self.status = MALFORMED, UNSUPPORTED, 400

    def send(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        """Answer in the place of the network."""
        self.calls += 1
        self._time.now += self.round_trip
        if self.unreachable:
            raise EndpointConnectionError(endpoint_url=request.url)
        refused = self._time.passed < self.visible_after
        body = {"__type": self.code, "message": self.message} if refused else {"ARN": ARN, "Name": "a"}
        sent = HTTPResponse(BytesIO(json.dumps(body).encode()), preload_content=False)
        return AWSResponse(request.url, self.status if refused else 200, HTTPHeaders(), sent)


def account_of(patience: Patience, service: Service) -> AwsAccount:
    sessions = Sessions(
        boto3.Session("a", "b"), patience=patience, pacers=lambda _account, _region: Pacer(sleep=lambda _: None)
    )
    account = sessions.for_target(Target(region="eu-west-1"))
    account._account_id = "111122223333"
    send: Any = service.send  # botocore's types know no handler that answers
    account.botocore_session.register("before-send", send)
    return account


class Bed:
    """A patient account on fake time."""

    def __init__(self, **bounds: float) -> None:
        self.time = FakeTime()
        self.service = Service(self.time)
        self.patience = Patience(clock=self.time.clock, sleep=self.time.sleep, **bounds)
        self.account = account_of(self.patience, self.service)
        self.secrets = self.account.client("secretsmanager")

    def put(self, name: str = "a", *, principal: str = "arn:aws:iam::111122223333:role/x") -> None:
        """Put a policy."""
        policy = json.dumps({"Statement": [{"Effect": "Allow", "Principal": {"AWS": principal}}]})
        with calling("PutResourcePolicy", name):
            self.secrets.put_resource_policy(SecretId=name, ResourcePolicy=policy)

    def refusal(self, name: str = "a", *, principal: str = "arn:aws:iam::111122223333:role/x") -> AwsError:
        """The error of a put."""
        with pytest.raises(AwsError) as failure:
            self.put(name, principal=principal)
        return failure.value


def test_what_is_visible_is_called_once_and_not_waited_for() -> None:
    bed = Bed()
    bed.service.visible_after = 0
    bed.put()
    assert (bed.service.calls, bed.time.passed) == (1, 0)


@pytest.mark.parametrize("seconds", [0.1, 3, 9, 14.9, 60, 119.9])
def test_what_becomes_visible_in_time_is_done(seconds: float) -> None:
    bed = Bed()
    bed.service.visible_after = seconds
    bed.put()
    assert seconds <= bed.time.passed <= min(seconds + 4, 120)


def test_what_stays_invisible_is_raised_as_aws_said_it_with_the_time_waited() -> None:
    bed = Bed()
    failure = bed.refusal("shop/dev/token")
    assert bed.time.passed == pytest.approx(120)
    assert failure.message == f"PutResourcePolicy shop/dev/token failed: {MALFORMED}: {UNSUPPORTED}"
    assert (failure.code, failure.operation) == (MALFORMED, "PutResourcePolicy")
    assert failure.remedy.startswith("Waited 120 s for a principal of the policy to become visible. Check the policy")
    assert failure.__context__ is None


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (MALFORMED, "This resource policy contains a syntax error."),
        ("AccessDeniedException", "no"),
        ("ResourceNotFoundException", "Secrets Manager can't find the specified secret."),
    ],
)
def test_what_does_not_pass_by_itself_costs_no_second(code: str, message: str) -> None:
    bed = Bed()
    bed.service.code, bed.service.message = code, message
    failure = bed.refusal()
    assert (bed.service.calls, bed.time.passed) == (1, 0)
    assert failure.code == code
    assert "Waited" not in failure.remedy


def test_a_secret_that_was_just_made_is_waited_for_and_another_one_is_not() -> None:
    bed = Bed()
    bed.service.visible_after = 0
    bed.secrets.create_secret(Name="a", SecretString="x", ClientRequestToken="t" * 32)
    bed.service.visible_after = 5
    bed.service.code = "ResourceNotFoundException"
    bed.service.message = "Secrets Manager can't find the specified secret."
    assert bed.refusal("b").code == "ResourceNotFoundException"
    assert bed.time.passed == 0
    bed.put(ARN)
    assert 5 <= bed.time.passed < 10


def test_two_hundred_policies_with_one_bad_principal_wait_once() -> None:
    bed = Bed()
    failures = [bed.refusal(f"s{number}") for number in range(200)]
    assert bed.time.passed == pytest.approx(120)
    assert bed.service.calls < 240
    assert failures[7].remedy.startswith("This run has waited long enough for a principal of the policy")


def test_two_hundred_policies_with_a_bad_principal_each_wait_no_longer_than_the_run_may() -> None:
    bed = Bed()
    for number in range(200):
        bed.refusal(principal=f"arn:{number}")
    assert bed.time.passed == pytest.approx(240)


def test_what_became_visible_is_no_reason_to_wait_less_for_the_next() -> None:
    bed = Bed()
    for number in range(50):
        bed.service.visible_after = bed.time.passed + 60
        bed.put(principal=f"arn:{number}")
    assert bed.time.passed >= 50 * 60


def test_time_in_which_two_wait_is_spent_once() -> None:
    bed = Bed(seconds=10, fruitless=20)
    inside: list[AwsError] = []

    def another_thread() -> None:
        bed.time.during_sleep = lambda: None
        inside.append(bed.refusal(principal="other"))

    bed.time.during_sleep = another_thread
    bed.refusal(principal="one")
    assert len(inside) == 1
    assert bed.time.passed == pytest.approx(10.5)
    bed.refusal(principal="third")
    assert bed.time.passed == pytest.approx(20)


def test_no_call_is_repeated_without_a_pause_where_the_time_of_the_run_is_used_up() -> None:
    bed = Bed()
    bed.service.round_trip = 0.05
    for number in range(4):
        bed.refusal(principal=f"arn:{number}")
    assert bed.service.calls < 4 * 40
    assert bed.time.passed < 245


def test_what_never_comes_takes_no_time_from_things_of_another_kind() -> None:
    bed = Bed()
    for number in range(3):
        bed.refusal(principal=f"arn:{number}")
    bed.service.code, bed.service.message = "AccessDeniedException", INVOKE
    bed.service.visible_after = bed.time.passed + 100
    bed.secrets.rotate_secret(SecretId="a")


def test_two_that_become_visible_at_once_give_no_time_back() -> None:
    bed = Bed(seconds=10, fruitless=20)
    bed.refusal(principal="missing")
    bed.service.visible_after = bed.time.passed + 5

    def another_thread() -> None:
        bed.time.during_sleep = lambda: None
        bed.put(principal="one")

    bed.time.during_sleep = another_thread
    bed.put(principal="other")
    bed.service.visible_after = float("inf")
    bed.refusal(principal="missing, too")
    calls, passed = bed.service.calls, bed.time.passed
    bed.refusal(principal="the third")
    assert (bed.service.calls - calls, bed.time.passed - passed) == (1, 0)


@pytest.mark.parametrize("nothing_said", ["503", "unreachable", THROTTLED])
def test_an_answer_that_says_nothing_of_what_is_waited_for_neither_ends_nor_prolongs_the_waiting(
    nothing_said: str,
) -> None:
    bed = Bed()

    def fails() -> None:
        bed.service.unreachable = 60 < bed.time.passed < 90 and nothing_said == "unreachable"
        failing = 60 < bed.time.passed < 90 and nothing_said != "unreachable"
        bed.service.code = ("InternalServiceError" if nothing_said == "503" else nothing_said) if failing else MALFORMED
        bed.service.status = 503 if failing and nothing_said == "503" else 400

    bed.time.during_sleep = fails
    assert bed.refusal().code == MALFORMED
    assert bed.time.passed == pytest.approx(120)


def test_what_nobody_knows_to_be_done_is_not_done_again_while_it_waits() -> None:
    bed = Bed()
    policy = json.dumps({"Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:x"}}]})

    def fails() -> None:
        bed.service.code, bed.service.status = "KMSInternalException", 500

    bed.time.during_sleep = fails
    with pytest.raises(AwsError, match="KMSInternalException"), calling("CreateKey"):
        bed.account.client("kms").create_key(Policy=policy)
    assert bed.service.calls == 2


def test_who_stood_still_past_the_end_looks_once_more() -> None:
    bed = Bed()

    def suspended() -> None:
        bed.time.during_sleep = lambda: None
        bed.time.now += 3600

    bed.time.during_sleep = suspended
    bed.service.visible_after = 3600
    bed.put()
    assert bed.service.calls == 2


def test_a_throttled_try_is_one_more_reason_to_wait_however_many_tries_there_were() -> None:
    bed = Bed()
    bed.service.visible_after = 100

    def throttles() -> None:
        if bed.time.passed > 90:
            bed.service.code = THROTTLED

    bed.time.during_sleep = throttles
    bed.put()
    assert bed.service.calls > 20


def test_nothing_is_waited_for_where_that_is_said() -> None:
    bed = Bed()
    with bed.patience.none():
        bed.refusal()
    assert (bed.service.calls, bed.time.passed) == (1, 0)
    bed.service.visible_after = 3
    bed.put()


def test_threads_that_wait_for_one_principal_all_finish_when_it_is_visible() -> None:
    gate, visible, asleep = threading.Barrier(16), threading.Event(), threading.Semaphore(0)

    def sleep(_: float) -> None:
        asleep.release()
        assert visible.wait(SECONDS)
        bed.service.visible_after = 0

    bed = Bed()
    bed.patience.begin(lambda: 0.0, sleep)

    def work(number: int) -> None:
        gate.wait()
        bed.put(f"s{number}")

    with ThreadPoolExecutor(16) as pool:
        found = [pool.submit(work, number) for number in range(16)]
        for _ in range(16):
            assert asleep.acquire(timeout=SECONDS)
        visible.set()
        for one in found:
            one.result()


def test_a_subject_that_became_visible_may_be_waited_for_again() -> None:
    bed = Bed()
    bed.service.visible_after = 110
    bed.put()
    bed.time.now += 100
    bed.service.visible_after = bed.time.passed + 110
    bed.put()


OF_THE_TARGET = (
    # LocalStack's tests/aws/services/events/test_events_targets.py and test_events_inputs.py, validated on AWS.
    "1 validation error detected: Value 'a b' at 'targets.1.member.id' failed to satisfy constraint: …",
    "InputTemplate for target a contains invalid placeholder b.",
    "Only one of Input, InputPath, or InputTransformer must be provided for target a.",
)
ROLE = "The role defined for the function cannot be assumed by Lambda."
INVOKE = "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access"
UPDATE = "The operation cannot be performed at this time. An update is in progress for resource: arn"
PENDING = "The operation cannot be performed at this time. The function is currently in the following state: Pending"
DEAD = "Value {} for parameter RedrivePolicy is invalid. Reason: Dead letter target does not exist."
KMS_PRINCIPAL = "Policy contains a statement with one or more invalid principals."
LAMBDA_PRINCIPAL = "The provided principal was invalid. Please check the principal and try again."


@pytest.mark.parametrize(
    ("operation", "code", "message", "may_pass"),
    [
        ("PutResourcePolicy", MALFORMED, UNSUPPORTED, True),
        ("PutKeyPolicy", MALFORMED, KMS_PRINCIPAL, True),
        ("PutRolePolicy", "MalformedPolicyDocument", 'Invalid principal in policy: "AWS":"arn:x"', True),
        ("AddPermission", "InvalidParameterValueException", LAMBDA_PRINCIPAL, True),
        ("PutResourcePolicy", "InvalidParameterException", "The parameter name can't be blank.", False),
        ("PutResourcePolicy", "PublicPolicyException", UNSUPPORTED, False),
        ("CreateFunction", "InvalidParameterValueException", ROLE, True),
        ("CreateFunction", "InvalidParameterValueException", "Uploaded file must be a non-empty zip", False),
        ("PutTargets", "ValidationException", "whatever", True),
        *(("PutTargets", "ValidationException", text, False) for text in OF_THE_TARGET),
        ("PutRule", "ValidationException", "whatever", False),
        ("RotateSecret", "AccessDeniedException", INVOKE, True),
        ("RotateSecret", "AccessDeniedException", "User is not authorized to perform: lambda:InvokeFunction", False),
        ("UpdateFunctionConfiguration", "ResourceConflictException", UPDATE, True),
        ("TagResource", "ResourceConflictException", UPDATE, True),
        ("UpdateFunctionCode", "ResourceConflictException", PENDING, True),
        ("AddPermission", "ResourceConflictException", "The statement id (x) provided already exists.", False),
        ("CreateQueue", "InvalidParameterValue", DEAD, True),
        ("CreateQueue", "AWS.SimpleQueueService.QueueDeletedRecently", "You must wait 60 seconds", True),
        ("CreateSecret", "ResourceNotFoundException", "can't find the specified KMS key", True),
        ("PutParameter", "TooManyUpdates", "", True),
        ("GetPolicy", "ResourceNotFoundException", "The resource you requested does not exist.", False),
    ],
)
def test_what_may_pass_is_told_from_a_lasting_error(operation: str, code: str, message: str, may_pass: bool) -> None:
    request = Request("here", "any", operation, {"Name": "x"})
    assert (awaited(request, code, message, Made()) is not None) is may_pass


KEY = {"KeyMetadata": {"Arn": "arn:aws:kms:eu-west-1:1:key/k", "KeyId": "k"}}
FUNCTION = "arn:aws:lambda:eu-west-1:1:function:f"
RNF, NOT_FOUND = "ResourceNotFoundException", "NotFoundException"


class Later(NamedTuple):
    """A call that made something, and a later one that is refused."""

    made: str
    params: dict[str, str]
    answer: dict[str, Any]
    later: str
    about: dict[str, str]
    code: str


F, ROLE_NAME, ALIAS = {"FunctionName": "f"}, {"RoleName": "r"}, {"AliasName": "alias/a"}
POLICY = {**ROLE_NAME, "PolicyName": "p"}


@pytest.mark.parametrize(
    ("one", "waits"),
    [
        (Later("CreateKey", {}, KEY, "TagResource", {"KeyId": "k"}, NOT_FOUND), True),
        (Later("DescribeKey", {"KeyId": "alias/a"}, KEY, "GenerateMac", {"KeyId": "alias/a"}, NOT_FOUND), True),
        (Later("CreateAlias", ALIAS, {}, "DescribeKey", {"KeyId": "arn:x:alias/a"}, NOT_FOUND), True),
        (Later("CreateAlias", ALIAS, {}, "DescribeKey", {"KeyId": "alias/b"}, NOT_FOUND), False),
        (Later("CreateRole", ROLE_NAME, {}, "PutRolePolicy", ROLE_NAME, "NoSuchEntity"), True),
        (Later("CreateRole", ROLE_NAME, {}, "GetRolePolicy", ROLE_NAME, "NoSuchEntity"), False),
        (Later("PutRolePolicy", POLICY, {}, "GetRolePolicy", POLICY, "NoSuchEntity"), True),
        (Later("PutRolePolicy", POLICY, {}, "GetRolePolicy", {**POLICY, "PolicyName": "q"}, "NoSuchEntity"), False),
        (Later("CreateFunction", F, {"FunctionArn": FUNCTION}, "GetFunction", F, RNF), True),
        (Later("CreateFunction", F, {}, "GetFunction", F, RNF), True),
        (Later("CreateFunction", F, {"FunctionArn": FUNCTION}, "GetPolicy", F, RNF), False),
        (Later("AddPermission", {"FunctionName": FUNCTION}, {}, "GetPolicy", {"FunctionName": FUNCTION}, RNF), True),
    ],
)
def test_what_this_run_made_is_waited_for_by_those_that_need_it(one: Later, waits: bool) -> None:
    known = Made()
    known.note(Request("here", "s", one.made, one.params), one.answer)
    assert (awaited(Request("here", "s", one.later, one.about), one.code, "", known) is not None) is waits
    assert awaited(Request("elsewhere", "s", one.later, one.about), one.code, "", known) is None
    assert awaited(Request("here", "other", one.later, one.about), one.code, "", known) is None


def test_what_this_run_deleted_is_not_waited_for_and_what_another_run_made_first_is() -> None:
    known = Made()
    known.note(Request("here", "kms", "CreateKey", {}), KEY)
    known.note(Request("here", "kms", "ScheduleKeyDeletion", {"KeyId": "k"}), {})
    assert awaited(Request("here", "kms", "TagResource", {"KeyId": "k"}), NOT_FOUND, "", known) is None
    alias = {"AliasName": "alias/a", "TargetKeyId": "k"}
    known.note_refused(Request("here", "kms", "CreateAlias", alias), "AlreadyExistsException")
    assert awaited(Request("here", "kms", "DescribeKey", {"KeyId": "alias/a"}), NOT_FOUND, "", known) is not None


@pytest.mark.parametrize(
    ("made", "deleted", "gone", "still"),
    [
        (
            [("PutRolePolicy", POLICY, {}), ("PutRolePolicy", {**POLICY, "PolicyName": "q"}, {})],
            ("DeleteRolePolicy", POLICY),
            ("GetRolePolicy", POLICY),
            ("GetRolePolicy", {**POLICY, "PolicyName": "q"}),
        ),
        (
            [("PutRolePolicy", POLICY, {}), ("CreateRole", {"RoleName": "another"}, {})],
            ("DeleteRole", ROLE_NAME),
            ("GetRolePolicy", POLICY),
            ("GetRole", {"RoleName": "another"}),
        ),
        (
            [("CreateSecret", {"Name": "a"}, {"ARN": ARN}), ("CreateSecret", {"Name": "b"}, {"ARN": ARN + "2"})],
            ("DeleteSecret", {"SecretId": ARN}),
            ("DescribeSecret", {"SecretId": "a"}),
            ("DescribeSecret", {"SecretId": "b"}),
        ),
        (
            [("CreateFunction", F, {"FunctionArn": FUNCTION}), ("AddPermission", F, {})],
            ("RemovePermission", F),
            ("GetPolicy", F),
            ("GetFunction", F),
        ),
        (
            [
                ("CreateQueue", {"QueueName": "a"}, {"QueueUrl": "https://q/a"}),
                ("CreateQueue", {"QueueName": "b"}, {"QueueUrl": "https://q/b"}),
            ],
            ("DeleteQueue", {"QueueUrl": "https://q/a"}),
            ("GetQueueUrl", {"QueueName": "a"}),
            ("GetQueueUrl", {"QueueName": "b"}),
        ),
    ],
)
def test_a_deletion_ends_the_waiting_for_what_it_deleted_by_all_of_its_names_and_for_nothing_else(
    made: list[tuple[str, dict[str, str], dict[str, str]]],
    deleted: tuple[str, dict[str, str]],
    gone: tuple[str, dict[str, str]],
    still: tuple[str, dict[str, str]],
) -> None:
    known = Made()
    for operation, params, answer in made:
        known.note(Request("here", "s", operation, params), answer)
    known.note(Request("here", "s", *deleted), {})
    assert awaited(Request("here", "s", *gone), RNF, "", known) is None
    assert awaited(Request("here", "s", *still), RNF, "", known) is not None


def test_a_value_that_a_new_secret_has_not_got_is_not_waited_for() -> None:
    known = Made()
    known.note(Request("here", "s", "CreateSecret", {}), {"ARN": ARN, "Name": "a"})
    asked = Request("here", "s", "GetSecretValue", {"SecretId": ARN})
    said = "Secrets Manager can't find the specified secret value for staging label: AWSPENDING"
    assert awaited(asked, RNF, said, known) is None
    assert awaited(asked, RNF, "Secrets Manager can't find the specified secret.", known) is not None


def test_a_policy_that_is_bad_for_good_is_put_once_on_the_embedded_aws(account: AwsAccount, emulator: Emulator) -> None:
    secrets = account.client("secretsmanager")
    secrets.create_secret(Name="a", SecretString="x")
    policy = json.dumps({"Statement": [{"Effect": "Maybe"}]})
    with pytest.raises(AwsError, match=MALFORMED), calling("PutResourcePolicy", "a"):
        secrets.put_resource_policy(SecretId="a", ResourcePolicy=policy)
    assert emulator.calls["PutResourcePolicy"] == 1


def test_the_policy_of_a_key_that_ram_does_not_share_is_not_waited_for() -> None:
    made = Made()
    made.note(Request("here", "kms", "DescribeKey", {"KeyId": "k"}), {"KeyMetadata": {"KeyId": "k"}})
    default, shared = (
        awaited(
            Request("here", "kms", "GetKeyPolicy", {"KeyId": "k", "PolicyName": one}), "NotFoundException", "", made
        )
        for one in ("default", "AWS_RAM")
    )
    assert default is not None
    assert shared is None
