"""Stop a run between signing a write and its first byte, let another run take its lease over, and let the first go on.

Three places: while it looks for a connection, which is all of DNS, connect, TLS and a proxy; right before its first
byte; and right before its body, behind the last question that it asks. Nobody waits for minutes: the time of leases is
moved, and the request that stands still is signed as early as if it had stood still for so long.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
import urllib3.connectionpool

from secrets_pipeline import emulator
from secrets_pipeline.aws.guards import Fence
from secrets_pipeline.aws.leases.model import Claim, Lease
from secrets_pipeline.aws.leases.opening import shared_leases
from secrets_pipeline.aws.operations import reads
from secrets_pipeline.desired.settings.leases import BucketLeases
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.model import Failed, Outcome
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.operations.stages import STAGES, commit
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.assembly import Assembly
from secrets_pipeline.reconcilers.rotate_now.reconciler import RotateReconciler
from secrets_pipeline.reconcilers.run import Run
from secrets_pipeline.reconcilers.secret_value.generate import generate_passwords
from secrets_pipeline.reconcilers.stack import Stack
from tests.bench import Bench, unpaced
from tests.grants import TRUSTED
from tests.orchestration.leases.ground import World
from tests.signing import sign_ago, signing_ago

CONNECTING: Final = "while it connects"
SENDING: Final = "right before the first byte"
BODY: Final = "right before the body"
PLACES: Final = (CONNECTING, SENDING, BODY)
BUCKET: Final = "fencing"
STOOD_SECONDS: Final = 460
"""From the last renewal of a lease until another run takes it over, by default."""
SIGNED_SECONDS: Final = 430
"""Of these, from a signature: a run signs as long as it trusts its lease, 40 seconds at most."""
READER: Final = "arn:aws:iam::444455556666:role/reports"
_WAIT: Final = 60
_LONGEST_LINE: Final = 2000


@dataclass(frozen=True)
class Point:
    """A write at which a run stands still.

    Attributes:
        operation: AWS's name of it.
        before: the desired state that was applied earlier.
        slow: the one of the run that stands still.
        following: the one of the run that takes over.
        prunes: whether the slow run prunes.
        rotates: whether both runs rotate the secret `password` instead of applying.
    """

    operation: str
    before: Callable[[Bench], StackSpec]
    slow: Callable[[Bench], StackSpec]
    following: Callable[[Bench], StackSpec]
    prunes: bool = False
    rotates: bool = False


def _valued(value: str) -> Callable[[Bench], StackSpec]:
    return lambda bench: bench.spec(bench.declared("api", value))


def _said(**more: object) -> Callable[[Bench], StackSpec]:
    return lambda bench: bench.spec(bench.declared("api", "one", **more))


def _database(bench: Bench) -> StackSpec:
    fields = {"engine": "postgres", "username": "owner", "dbname": "orders"}
    return bench.spec(bench.generated(fields=fields), databases=(bench.database(),))


def _none(bench: Bench) -> StackSpec:
    return bench.spec()


POINTS: Final = (
    Point("CreateSecret", _none, _valued("one"), _valued("two")),
    Point("PutSecretValue", _valued("one"), _valued("two"), _valued("three")),
    Point("UpdateSecretVersionStage", _valued("one"), _valued("two"), _valued("three")),
    Point("ModifyDBInstance", _database, _database, _database, rotates=True),
    Point("UpdateSecret", _said(description="one"), _said(description="two"), _said(description="three")),
    Point("TagResource", _said(tags={"team": "a"}), _said(tags={"team": "b"}), _said(tags={"team": "c"})),
    Point("PutResourcePolicy", _said(), _said(readers=(READER,)), _said()),
    Point("DeleteResourcePolicy", _said(readers=(READER,)), _said(), _said(readers=(READER,))),
    Point("DeleteSecret", _said(), _none, _said(), prunes=True),
)


@dataclass
class Ended:
    """What came of it.

    Attributes:
        performed: writes that AWS performed of the slow run after the other one had taken over, each by its operation.
        changed: what of the secret is not as the other run left it: name of the part → as it is now.
        said: the errors of the slow run, one a line.
        succeeded: whether the slow run ended without any.
        bench: of the stack.
    """

    bench: Bench
    performed: list[str] = field(default_factory=list)
    changed: dict[str, object] = field(default_factory=dict)
    said: str = ""
    succeeded: bool = True


class _Stop:
    """Stops the first thread that sends an operation, at a place."""

    def __init__(self, operation: str, place: str) -> None:
        self.reached, self.goes_on = threading.Event(), threading.Event()
        self._operation, self._place = operation, place
        self._thread = threading.local()
        self._once = threading.Lock()

    def watch(self, stack: Stack) -> None:
        events = stack.account.botocore_session.get_component("event_emitter")
        events.register("before-sign", self._signs)

    def _signs(self, operation_name: str, **_: object) -> None:
        if operation_name == self._operation and self._once.acquire(blocking=False):
            self._thread.is_stopped_at = self._place
            sign_ago(SIGNED_SECONDS)

    def at(self, place: str) -> None:
        if getattr(self._thread, "is_stopped_at", "") != place:
            return
        self._thread.is_stopped_at = ""
        sign_ago(0)
        self.reached.set()
        assert self.goes_on.wait(_WAIT)

    @contextmanager
    def installed(self) -> Iterator[None]:
        get, send = urllib3.connectionpool.HTTPConnectionPool._get_conn, http.client.HTTPConnection.send

        def getting(pool: Any, *args: Any, **more: Any) -> Any:  # noqa: ANN401 - as it is called
            self.at(CONNECTING)
            return get(pool, *args, **more)

        def sending(connection: http.client.HTTPConnection, data: Any) -> None:  # noqa: ANN401 - as it is called
            if connection.sock is not None:
                self.at(SENDING if b" HTTP/1.1\r\n" in data[:_LONGEST_LINE] else BODY)
            send(connection, data)

        with pytest.MonkeyPatch.context() as patch, signing_ago():
            patch.setattr(urllib3.connectionpool.HTTPConnectionPool, "_get_conn", getting)
            patch.setattr(http.client.HTTPConnection, "send", sending)
            yield


def force(bench: Bench, point: Point, place: str) -> Ended:
    """Let one run stand still at a point, and another one take over and end meanwhile."""
    bench.provision(point.before(bench))
    leases = _leases(bench)
    stop, ended, key = _Stop(point.operation, place), Ended(bench), bench.stack
    with World().ruling() as world, stop.installed(), ThreadPoolExecutor() as threads:
        lease = leases.take(key, Claim("slow", "host-a"), patience=0)
        spec = point.slow(bench)
        slow = threads.submit(_run, bench, point, spec, lease, stop)
        try:
            while not stop.reached.wait(0.05):
                assert not slow.done(), f"the run ended without {point.operation}: {slow.result()}"
            leases.look(key, "slow")
            world.pass_by(STOOD_SECONDS)
            after = leases.take(key, Claim("next", "host-b"), patience=0)
            _follow(bench, point, deep=bool(getattr(after, "unsettled", "")))
            after.release()
            left = _seen(bench)
            emulator.reset_calls(bench.aws)
        finally:
            stop.goes_on.set()
        outcomes, confirmed = slow.result(_WAIT)
    ended.performed = [
        one.operation
        for one in emulator.calls(bench.aws)
        if one.service != "s3" and not reads(one.operation) and 0 < one.status < 300
    ]
    ended.changed = {part: now for part, now in _seen(bench).items() if now != left.get(part)}
    errors = [one.error.message for one in outcomes.values() if isinstance(one, Failed)]
    ended.said = "\n".join(dict.fromkeys([*errors, *([confirmed] if confirmed else [])]))
    ended.succeeded = not ended.said
    return ended


def _leases(bench: Bench) -> Any:  # noqa: ANN401 - shared leases
    s3 = bench.session.client("s3")
    if BUCKET not in {one["Name"] for one in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
    return shared_leases(BucketLeases(bucket=BUCKET, region=bench.aws.region), unpaced(bench.session))


def _run(bench: Bench, point: Point, spec: StackSpec, lease: Lease, stop: _Stop) -> tuple[Mapping[str, Outcome], str]:
    """The slow run, as `Stacks.fence` fences it and its steps confirm it: outcomes, and what it was told at its end."""
    told = [getattr(lease, name) for name in ("check", "answered") if hasattr(lease, name)]
    sessions = unpaced(bench.session).derived(fence=Fence(*told))
    options = ApplyOptions(prune=point.prunes)
    run = Run(OperatorSettings(grants=TRUSTED), options, writes=True)
    stack = Assembly(bench.repository(spec), sessions, run).stack(spec.stack)
    stop.watch(stack)
    outcomes = _rotated(bench, stack) if point.rotates else _applied(bench, stack)
    try:
        getattr(lease, "confirm", lambda: None)()
    except SecretsPipelineError as error:
        return outcomes, error.message
    return outcomes, ""


def _follow(bench: Bench, point: Point, *, deep: bool) -> None:
    stack = bench.context(point.following(bench), options=ApplyOptions(deep=deep))
    outcomes = _rotated(bench, stack) if point.rotates else _applied(bench, stack)
    assert not [one for one in outcomes.values() if isinstance(one, Failed)]


def _rotated(bench: Bench, stack: Stack) -> Mapping[str, Outcome]:
    return bench.run(RotateReconciler(stack, [bench.name("password")]))


def _applied(bench: Bench, stack: Stack) -> Mapping[str, Outcome]:
    passwords = generate_passwords(stack)
    settled: dict[str, Outcome] = {}
    for stage in STAGES:
        settled |= {
            f"{stage} {name}": one for name, one in bench.run(STAGES[stage](stack, passwords=passwords)).items()
        }
    return settled | {f"commit {name}": one for name, one in bench.run(commit(stack)).items()}


def _seen(bench: Bench) -> dict[str, object]:
    """What a late write may change of the one secret of a stack."""
    names = (bench.name("api"), bench.name("password"))
    listed = bench.secrets.list_secrets(IncludePlannedDeletion=True, Filters=[{"Key": "name", "Values": [*names]}])
    found: dict[str, object] = {}
    for secret in listed["SecretList"]:
        state: Any = bench.secrets.describe_secret(SecretId=secret["ARN"])
        found["scheduled for deletion"] = "DeletedDate" in state
        found["description"] = state.get("Description")
        found["tags"] = {one["Key"]: one["Value"] for one in state.get("Tags", ())}
        found["versions"] = state.get("VersionIdsToStages")
        if "DeletedDate" not in state:
            found["value"] = bench.secrets.get_secret_value(SecretId=secret["ARN"])["SecretString"]
            found["policy"] = bench.secrets.get_resource_policy(SecretId=secret["ARN"]).get("ResourcePolicy")
    return found
