"""A bench that builds worlds from hand-made desired state.

Every bench has a stack of its own, and its name is in every other name: the tests of a file share the embedded AWS
without meeting.
"""

from __future__ import annotations

import functools
import io
import itertools
import json
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import boto3
import pytest

from secrets_pipeline import emulator
from secrets_pipeline.aws.operations import reads
from secrets_pipeline.aws.pacer import Pacer
from secrets_pipeline.aws.service_keys import ServiceKeys
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired.base import SecretRef, Target
from secrets_pipeline.desired.database.model import DatabaseSpec
from secrets_pipeline.desired.kms_key.model import KeySpec
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.desired.value.model import (
    DeclaredValue,
    ExternalValue,
    GeneratedValue,
    Leaf,
    PasswordPolicy,
    Value,
)
from secrets_pipeline.engine.apply import Reconciler, apply
from secrets_pipeline.engine.model import Applied, Change, Outcome, Unchanged
from secrets_pipeline.operations.stages import STAGES, commit
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.assembly import Assembly
from secrets_pipeline.reconcilers.observed.tags import tag_list
from secrets_pipeline.reconcilers.repository import Repository
from secrets_pipeline.reconcilers.run import Run, utc_now
from secrets_pipeline.reconcilers.secret_value.generate import generate_passwords
from secrets_pipeline.reconcilers.stack import Stack
from secrets_pipeline.reconcilers.tag_keys import INPUTS, SPEC, VALUE_VERSION
from secrets_pipeline.references.model import Expression, Json, Literal
from secrets_pipeline.references.parse import parse
from secrets_pipeline.references.walk import outputs, ssm_parameters
from tests.embedded import lead_to, operator
from tests.grants import TRUSTED
from tests.moved_time import MovedTime
from tests.reconcilers.readers import Readers
from tests.waiting import SECONDS, eventually

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_rds import RDSClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_secretsmanager.type_defs import DescribeSecretResponseTypeDef
    from mypy_boto3_ssm import SSMClient

COMPONENTS = {"secrets": "secretsmanager", "rds": "rds", "kms": "kms"}
COMPONENTS |= {"worker": "lambda", "shop": "ecs", "api": "apigateway"}
POLICY = PasswordPolicy(length=24, alphabet={"lower": "abcdefghijklmnopqrstuvwxyz"}, minima={"lower": 24})

ASSUMED_BY_LAMBDA = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
ROTATES = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": [
                    "secretsmanager:*",
                    "kms:Decrypt",
                    "kms:GenerateDataKey",
                    "rds:Describe*",
                    "rds:Modify*",
                    "logs:*",
                ],
                "Resource": "*",
            }
        ],
    }
)

_numbers = itertools.count(1)


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the product catches it."""


class Interruption:
    """What a botocore session is told to do right before or after its calls; set it, then let the product run.

    Attributes:
        before: called with the operation's name before each request.
        attempt: the same, before each time that it is sent: again by botocore's retries.
        after: the same, after each answer.
    """

    def __init__(self) -> None:
        self.before: Callable[[str], None] = lambda _operation: None
        self.attempt: Callable[[str], None] = lambda _operation: None
        self.after: Callable[[str], None] = lambda _operation: None

    def install(self, context: Stack) -> None:
        """Watch every client that the context makes."""
        events = context.account.botocore_session.get_component("event_emitter")
        events.register("before-call", lambda model, **_: self.before(model.name))
        events.register("request-created", lambda operation_name, **_: self.attempt(operation_name))
        events.register("after-call", lambda model, **_: self.after(model.name))

    def kill_at(self, boundary: int) -> None:
        """Be killed at one boundary: 0 is before the first call, 1 after it, 2 before the second one …"""
        passed = itertools.count()

        def strike(_operation: str) -> None:
            if next(passed) == boundary:
                raise Killed

        self.before = self.after = strike

    def kill_before(self, operation: str) -> None:
        """Be killed right before the first call of an operation; what happens after calls stays."""
        self.before = _killed_by(operation)

    def kill_after(self, operation: str) -> None:
        """Be killed right after the first call of an operation; what happens before calls stays."""
        self.after = _killed_by(operation)


def _killed_by(operation: str) -> Callable[[str], None]:
    def strike(called: str) -> None:
        if called == operation:
            raise Killed

    return strike


@functools.cache
def _clients(session: boto3.Session) -> tuple[SecretsManagerClient, KMSClient, RDSClient, SSMClient]:
    """Make them once a file: many a test takes no longer than they do."""
    return session.client("secretsmanager"), session.client("kms"), session.client("rds"), session.client("ssm")


def said(change: Change) -> tuple[str, ...]:
    """The reasons of a change, as a human reads them."""
    return tuple(map(str, change.reasons))


def during(stack: Stack, **changes: Any) -> Stack:  # noqa: ANN401 - what `Run` holds
    """The same stack in a run with other databases, or another time."""
    return replace(stack, run=replace(stack.run, **changes))


class Running(TypedDict, total=False):
    """How a run differs from a usual one; see `Bench.context`."""

    options: ApplyOptions
    settings: OperatorSettings
    interruption: Interruption | None
    repository: str
    is_complete: bool
    now: Callable[[], datetime]
    time: MovedTime | None


class Bench:
    """A stack of its own on the shared server: what it declares, worlds to plan and apply in, and plain boto3.

    Attributes:
        stack: its unique name, also the prefix of every other name.
        yaml: the YAML behind the leaves of declared values, by their source; change it between two runs.
    """

    def __init__(self, aws: emulator.LocalAws, session: boto3.Session, sessions: Sessions) -> None:
        self.aws = aws
        self.session = session
        self._sessions = sessions
        self.secrets, self.kms, self.rds, self.ssm = _clients(session)
        self.stack = f"t{next(_numbers):04}-dev"
        self.yaml: dict[tuple[str | int, ...], Json] = {}
        self.files: dict[str, str] = {}
        self.environment = {"ALLOWED": "from the environment"}

    def another(self) -> Bench:
        """A bench with a stack of its own, on the same server."""
        return Bench(self.aws, self.session, self._sessions)

    def name(self, key: str) -> str:
        """A name that no other test uses."""
        return f"{self.stack}/{key}"

    @property
    def alias(self) -> str:
        """Alias of the stack's own key."""
        return f"alias/{self.stack}"

    def generated(
        self, key: str = "password", *, fields: Mapping[str, Any] | None = None, **more: object
    ) -> SecretSpec:
        """A secret with a generated password."""
        value = GeneratedValue(policy=POLICY, fields={name: self.late(field) for name, field in (fields or {}).items()})
        return self._secret(key, value, more)

    def declared(self, key: str = "api", value: Any = "declared", **more: Any) -> SecretSpec:  # noqa: ANN401 - any YAML
        """A secret with a declared value: text, or a flat map; references as in YAML."""
        document = isinstance(value, Mapping)
        at = {(name,): text for name, text in value.items()} if document else {(): value}
        leaves = tuple(self._leaf((key, *path), path, text) for path, text in at.items())
        return self._secret(key, DeclaredValue(document=document, leaves=leaves), more)

    def external(self, key: str = "vendor", **more: object) -> SecretSpec:
        """A secret whose value somebody else brings."""
        return self._secret(key, ExternalValue(), more)

    def _leaf(self, source: tuple[str, ...], path: tuple[str, ...], text: Json) -> Leaf:
        self.yaml[source] = text
        expression = self._expression(text)
        return Leaf(path=path, source=source, outputs=outputs(expression), ssm=ssm_parameters(expression))

    def _secret(self, key: str, value: Value, more: Mapping[str, Any]) -> SecretSpec:
        return SecretSpec(ref=self.ref(key), name=self.name(key), value=value, **more)

    def key(self, **more: object) -> KeySpec:
        """The stack's key."""
        return KeySpec(components=("kms",), alias=self.alias, **more)

    def database(self, **more: object) -> DatabaseSpec:
        """A PostgreSQL instance that the stack creates, with the secret `password` as master password."""
        given = {"password": self.ref("password"), "create": True, "db_name": "orders", "engine": "postgres", **more}
        return DatabaseSpec(component="rds", identifier=self.stack, username="owner", **given)

    def spec(self, *secrets: SecretSpec, **more: object) -> StackSpec:
        """The desired state of the stack."""
        given = {"components": COMPONENTS, **more}
        target = Target(region=self.aws.region, account_id=self.aws.account_id)
        return StackSpec(stack=self.stack, target=target, secrets=secrets, **given)

    def context(
        self,
        spec: StackSpec,
        *others: StackSpec,
        options: ApplyOptions = ApplyOptions(),  # noqa: B008 - it is frozen
        writing: bool = True,
        settings: OperatorSettings = OperatorSettings(grants=TRUSTED),  # noqa: B008 - it is frozen
        interruption: Interruption | None = None,
        repository: str = "",
        is_complete: bool = True,
        now: Callable[[], datetime] = utc_now,
        time: MovedTime | None = None,
    ) -> Stack:
        """A fresh run: nothing is remembered from an earlier one."""
        read = replace(self.repository(spec, *others, named=repository), is_complete=is_complete)
        sessions = unpaced(self.session) if interruption or time else self._sessions
        run = Run(settings, options, writes=writing, now=now)
        if time is not None:
            run = Run(settings, options, writes=writing, clock=time.clock, sleep=time.sleep, now=time.now)
        context = Assembly(read, sessions, run).stack(spec.stack)
        if interruption:
            interruption.install(context)
        return context

    def repository(self, *specs: StackSpec, named: str = "") -> Repository:
        """A repository of some stacks."""
        return Repository(
            specs={one.stack: one for one in specs},
            read_leaf=lambda _stack, _component, leaf: self._expression(self.yaml[leaf.source]),
            read_file=self.files.__getitem__,
            read_state=lambda path, most: self.files[path].encode()[:most] if path in self.files else None,
            environment=self.environment.get,
            id=named,
        )

    def service_keys(self, *specs: StackSpec, settings: OperatorSettings = OperatorSettings()) -> ServiceKeys:  # noqa: B008 - it is frozen
        """The pipeline's own two keys, made where they are missing, for the first of some stacks."""
        assembly = Assembly(self.repository(*specs), self._sessions, Run(settings, writes=True))
        return assembly.service_keys(assembly.stack(specs[0].stack))

    def provision(self, spec: StackSpec, *stages: str, **how: Unpack[Running]) -> dict[str, Outcome]:
        """Every stage, or those named, and the commit, in a fresh run; outcomes by `stage name`."""
        context = self.context(spec, **how)
        passwords = generate_passwords(context)
        settled: dict[str, Outcome] = {}
        for stage in stages or STAGES:
            settled |= {
                f"{stage} {name}": one for name, one in self.run(STAGES[stage](context, passwords=passwords)).items()
            }
        if not stages:
            settled |= {f"commit {name}": one for name, one in self.run(commit(context)).items()}
        return settled

    def create(self, *secrets: SecretSpec, **more: object) -> StackSpec:
        """Provision a whole stack, none of it skipped or failed; its desired state."""
        spec = self.spec(*secrets, **more)
        assert {type(outcome) for outcome in self.provision(spec).values()} <= {Applied, Unchanged}
        return spec

    def plan(self, spec: StackSpec, stage: str = "secrets", **how: Unpack[Running]) -> dict[str, Change]:
        """The plan of one stage in a run that does not write; changes by name."""
        context = self.context(spec, writing=False, **how)
        return {change.resource.name: change for change in STAGES[stage](context).plan()}

    def _expression(self, value: Json) -> Expression:
        late = self.late(value)
        return late if isinstance(late, Expression) else Literal(late)

    @staticmethod
    def run(reconciler: Reconciler, changes: Sequence[Change] | None = None) -> dict[str, Outcome]:
        """Plan and apply one reconciler; outcomes by name."""
        outcomes = apply(reconciler, reconciler.plan() if changes is None else changes)
        return {outcome.change.resource.name: outcome for outcome in outcomes}

    def start_without_value(self, spec: StackSpec) -> None:
        """Make each secret as a run of ours does, but without a value."""
        context = self.context(spec)
        for secret in spec.secrets:
            owner, arn = context.ownership.owner(secret), self.secrets.create_secret(Name=secret.name)["ARN"]
            tags = {**owner.tags(), SPEC: context.ownership.marks.provisional(arn, owner, context.run.id)}
            self.secrets.tag_resource(SecretId=arn, Tags=tag_list(tags))

    @staticmethod
    def ref(key: str) -> SecretRef:
        """One of the stack's secrets."""
        return SecretRef(component="secrets", key=key)

    @staticmethod
    def late(value: Json) -> Any:  # noqa: ANN401 - an expression, or the value as it stands
        """What YAML means by a value."""
        return parse(value, COMPONENTS) if isinstance(value, str) and "${" in value else value

    def describe(self, key: str) -> DescribeSecretResponseTypeDef:
        return self.secrets.describe_secret(SecretId=self.name(key))

    def tags(self, key: str) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self.describe(key)["Tags"]}

    def value(self, key: str) -> str:
        return self.secrets.get_secret_value(SecretId=self.name(key))["SecretString"]

    def document(self, key: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.value(key))
        return found

    def current(self, key: str) -> str:
        return self.secrets.get_secret_value(SecretId=self.name(key))["VersionId"]

    def written(self, key: str) -> str:
        """The version that the tags say is ours."""
        return self.tags(key)[VALUE_VERSION].partition(".")[0]

    def inputs(self, key: str) -> str:
        """The inputs that the tags say the value was rendered from."""
        return self.tags(key)[INPUTS].partition(".")[0]

    def versions(self, key: str) -> int:
        """How many versions the secret ever had."""
        listed = self.secrets.list_secret_version_ids(SecretId=self.name(key), IncludeDeprecated=True)
        return len(listed["Versions"])

    def calls(self, service: str = "secretsmanager") -> Counter[str]:
        """Operations of a service that reached the server since the last reset."""
        counted: Counter[str] = Counter()
        for call in emulator.calls(self.aws):
            if call.service == service:
                counted[call.operation] += call.count
        return counted

    def writes(self) -> set[str]:
        """Operations that reached the server since the last reset and may have changed something."""
        return {call.operation for call in emulator.calls(self.aws) if not reads(call.operation)}

    def reset_calls(self) -> None:
        emulator.reset_calls(self.aws)


class Rotation:
    """Rotates a secret of a bench by a function: as AWS's do, in the database first, then in the secret."""

    def __init__(self, bench: Bench, key: str = "password", code: str = "rotation_function.py") -> None:
        self._bench = bench
        self._key = key
        self._code = code
        self._arn = ""

    def __call__(self) -> str:
        """Rotate and wait for the end; the new value."""
        self.wait_from(self.begin())
        return self._bench.value(self._key)

    def begin(self) -> str:
        """Begin to rotate; the version that is current before."""
        before = self._bench.current(self._key)
        self._bench.secrets.rotate_secret(
            SecretId=self._bench.name(self._key),
            RotationLambdaARN=self._function(),
            RotationRules={"AutomaticallyAfterDays": 30},
        )
        return before

    def wait_from(self, before: str) -> None:
        """Wait until another version than that one is current, and the rotation has ended."""
        bench, key = self._bench, self._key
        eventually(lambda: bench.current(key) != before and "LastRotatedDate" in bench.describe(key))

    def _function(self) -> str:
        if self._arn:
            return self._arn
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as zipped:
            zipped.write(Path(__file__).parent / "reconcilers" / self._code, "index.py")
        functions, name = self._bench.session.client("lambda"), f"{self._bench.stack}-rotation"
        iam = self._bench.session.client("iam")
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=ASSUMED_BY_LAMBDA)
        iam.put_role_policy(RoleName=name, PolicyName="rotate", PolicyDocument=ROTATES)
        self._arn = functions.create_function(
            FunctionName=name,
            Role=f"arn:aws:iam::{self._bench.aws.account_id}:role/{name}",
            Runtime="python3.12",
            Handler="index.handler",
            Code={"ZipFile": archive.getvalue()},
            Timeout=SECONDS,
            Environment={"Variables": {"DATABASE": self._bench.stack}},
        )["FunctionArn"]
        functions.add_permission(
            FunctionName=name, StatementId="s", Action="lambda:InvokeFunction", Principal="secretsmanager.amazonaws.com"
        )
        return self._arn


def unpaced(session: boto3.Session) -> Sessions:
    """Sessions that never wait."""
    return Sessions(session, pacers=lambda *_: Pacer(sleep=lambda _: None))


@pytest.fixture
def time(aws: emulator.LocalAws) -> Iterator[MovedTime]:
    """Time of the embedded AWS for runs that wait; it is the real one again afterwards."""
    yield MovedTime(aws)
    emulator.settle(aws)
    emulator.reset_conditions(aws)


@pytest.fixture
def interruption() -> Interruption:
    """Hand it to `Bench.context` or `Bench.provision`."""
    return Interruption()


@pytest.fixture
def killed() -> type[BaseException]:
    """What a killed run raises."""
    return Killed


@pytest.fixture(scope="module")
def session(aws: emulator.LocalAws) -> boto3.Session:
    return operator(aws)


@pytest.fixture(scope="module")
def sessions(session: boto3.Session) -> Sessions:
    """Shared by all runs that nobody interrupts: making clients is most of a short run's time."""
    return unpaced(session)


@pytest.fixture
def bench(aws: emulator.LocalAws, session: boto3.Session, sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> Bench:
    lead_to(aws, monkeypatch)
    return Bench(aws, session, sessions)


@pytest.fixture
def rotate(bench: Bench) -> Rotation:
    """Rotates the bench's `password`, in its database and in its secret."""
    return Rotation(bench)


@pytest.fixture
def readers(bench: Bench, sessions: Sessions) -> Readers:
    """Principals of accounts in which nobody else is: whoever else could read would be found."""
    emulator.empty(bench.aws)
    emulator.reset_conditions(bench.aws)
    # Nobody knows the credentials of roles any more, and what earlier runs made is gone: nobody is to wait for it.
    sessions._accounts.clear()
    return Readers(bench)
