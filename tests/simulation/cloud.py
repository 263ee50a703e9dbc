"""AWS in this process: the project's own corrected Secrets Manager and KMS, moto's SSM, the rest in memory.

Nothing is serialised for Secrets Manager but what botocore checks itself; lists may be some calls old, as AWS's may be.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from moto.core import responses as moto_responses
from moto.core.exceptions import JsonRESTError
from moto.core.responses import BaseResponse
from moto.kms import models as moto_kms
from moto.kms import utils as moto_kms_utils
from moto.kms.models import kms_backends
from moto.moto_api._internal.moto_random import MotoRandom
from moto.secretsmanager.models import secretsmanager_backends
from moto.ssm.models import ssm_backends
from moto.ssm.responses import SimpleSystemManagerResponse

from secrets_pipeline.emulator.core.fault import Fault
from secrets_pipeline.emulator.services import shapes
from secrets_pipeline.emulator.services.installer import install_eager
from secrets_pipeline.emulator.services.kms import EmulatedKmsResponse as KmsResponse
from secrets_pipeline.emulator.services.kms import key_pair
from secrets_pipeline.emulator.services.secretsmanager import rotation
from secrets_pipeline.emulator.services.secretsmanager.backend import EmulatedSecretsManagerBackend
from secrets_pipeline.emulator.services.secretsmanager.model import EmulatedSecret
from secrets_pipeline.emulator.services.secretsmanager.request import OperationRequest
from secrets_pipeline.emulator.services.secretsmanager.store import SecretStore, account_lock
from tests.simulation.calls import Call, Watcher
from tests.simulation.consumers import Consumers
from tests.simulation.messages import Messages
from tests.simulation.rds import ACCOUNT, REGION, Rds
from tests.simulation.wire import ELSEWHERE

_LETS_IN = json.dumps(
    {
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "secretsmanager.amazonaws.com"},
                "Action": "lambda:InvokeFunction",
                "Resource": "*",
            }
        ]
    }
)
OWN_ARN = f"arn:aws:iam::{ACCOUNT}:user/simulation"
"""Who the pipeline is."""
install_eager()
vars(moto_kms)["generate_private_key"] = key_pair
# Backends of the embedded AWS, which tests of this process share, draw from moto's own when they are first needed.
_IDS_OF_KEYS = MotoRandom()
vars(moto_kms_utils)["mock_random"] = _IDS_OF_KEYS
# It also walks over all methods of a service at each call.
vars(moto_responses)["method_names_from_class"] = lru_cache(vars(moto_responses)["method_names_from_class"])


class LaggingStore(SecretStore):
    """Remembers what it held, so that a list can show an older state.

    Attributes:
        lag: how many changes the next list is behind.
    """

    def __init__(self, account_id: str, region: str) -> None:
        super().__init__(account_id, region)
        self.lag = 0
        self._changes: list[tuple[str, EmulatedSecret | None]] = []

    def note(self, name: str) -> None:
        """Remember how a secret looks now."""
        found = self.find(name)
        self._changes.append((found.name if found else name, _picture(found) if found else None))

    def listed(self) -> list[EmulatedSecret]:
        """What a list shows."""
        if not self.lag:
            return super().listed()
        shown: dict[str, EmulatedSecret] = {}
        for name, picture in self._changes[: max(len(self._changes) - self.lag, 0)]:
            if picture is None:
                shown.pop(name, None)
            else:
                shown[name] = picture
        return list(shown.values())


def _picture(secret: EmulatedSecret) -> EmulatedSecret:
    taken = copy.copy(secret)
    taken.tags, taken.rotation = dict(secret.tags), copy.copy(secret.rotation)
    taken.versions = {}
    for version in secret.versions.values():
        taken.versions[version.id] = copy.copy(version)
        taken.versions[version.id].stages = list(version.stages)
    return taken


class Cloud:
    """One account and region.

    Args:
        seed: what ids of keys are made from.
        clock: virtual seconds.
        delay: seconds that RDS takes.
        watcher: sees every call.
        rotates: called with ARN and token when Secrets Manager starts a rotation.
        fails: whether a rollout of a consumer fails.
        messages: the queue of events.
        called: told of each call that succeeded, after it.

    Attributes:
        caller: who made the last call.
        calls: how many there were.
        changes: how many of them changed something.
    """

    def __init__(
        self,
        seed: int,
        *,
        clock: Callable[[], float],
        delay: Callable[[], float],
        watcher: Watcher,
        rotates: Callable[[str, str], None],
        fails: Callable[[], bool],
        messages: Messages,
        called: Callable[[Call], None],
    ) -> None:
        _IDS_OF_KEYS.seed(seed)
        ssm_backends[ACCOUNT][REGION].reset()
        for region in (REGION, *ELSEWHERE):
            kms_backends[ACCOUNT][region].reset()
        for region in ELSEWHERE:
            _elsewhere(region).store = SecretStore(ACCOUNT, region)
        self._watcher = watcher
        self._rotates = rotates
        self._manager = EmulatedSecretsManagerBackend(REGION, ACCOUNT)
        self.store = LaggingStore(ACCOUNT, REGION)
        self._manager.store = self.store
        self.rds = Rds(clock, delay, watcher.password_took_effect)
        self.consumers = Consumers(clock, delay, fails)
        self.messages = messages
        self._called = called
        self.caller = ""
        self.calls = 0
        self.changes = 0

    @property
    def keys(self) -> Any:  # noqa: ANN401 - moto's
        """KMS keys by id."""
        return kms_backends[ACCOUNT][REGION].keys

    def secret(self, secret_id: str) -> EmulatedSecret | None:
        """The secret as it is."""
        return self.store.find(secret_id)

    def replica(self, name: str, region: str) -> EmulatedSecret | None:
        """The secret of that name in another region, as it is."""
        found: EmulatedSecret | None = _elsewhere(region).store.find(name)
        if found is not None:
            found.follow()
        return found

    def call(
        self,
        caller: str,
        service: str,
        operation: str,
        params: Mapping[str, Any],
        *,
        lag: int = 0,
        region: str = REGION,
    ) -> dict[str, Any]:
        """Perform one operation.

        Args:
            caller: who calls.
            service: botocore's name of the service.
            operation: API operation.
            params: its parameters as JSON carries them, with blobs in base64.
            lag: how many changes a list is behind.
            region: where.

        Raises:
            Fault: AWS's error.
        """
        self.calls += 1
        self.caller = caller
        call = Call(caller, service, operation, params, region)
        noted = self._watcher.before(call)
        answer: dict[str, Any] = {}
        error = ""
        try:
            answer = self._perform(call, lag)
        except JsonRESTError as fault:
            error = fault.error_type
            raise
        else:
            self.changes += not call.reads
            self._called(call)
            return answer
        finally:
            self._watcher.after(noted, call, answer, error)

    def _perform(self, call: Call, lag: int) -> dict[str, Any]:
        operation, params = call.operation, call.params
        services: Mapping[str, Callable[[], dict[str, Any]]] = {
            "secretsmanager": lambda: self._secrets(call, lag),
            "rds": lambda: self.rds.call(operation, params),
            "kms": lambda: _through_moto(KmsResponse(), "TrentService", call),
            "ssm": lambda: _through_moto(SimpleSystemManagerResponse(), "AmazonSSM", call),
            "sts": lambda: {"Account": ACCOUNT, "UserId": "simulation", "Arn": OWN_ARN},
            "lambda": lambda: (
                {"Policy": _LETS_IN} if operation == "GetPolicy" else self.consumers.call("lambda", operation, params)
            ),
            "ecs": lambda: self.consumers.call("ecs", operation, params),
            "sqs": lambda: self.messages.call(operation, params),
            "logs": _no_log,
        }
        return services[call.service]()

    def _secrets(self, call: Call, lag: int) -> dict[str, Any]:
        operation, params = call.operation, call.params
        if call.region != REGION:
            return dict(_elsewhere(call.region).call(operation, params))
        shapes.validate("secretsmanager", operation, params)
        if operation == "RotateSecret":
            request = OperationRequest(params, ACCOUNT, REGION, self.store)
            answer: Mapping[str, Any] = rotation.rotate_secret(request, account_lock(ACCOUNT), self)
        else:
            self.store.lag = lag if operation == "ListSecrets" else 0
            answer = self._manager.call(operation, params)
            self.store.lag = 0
        if not call.reads:
            self.store.note(str(params.get("SecretId") or params.get("Name")))
        return dict(answer)

    # What `rotation.RotationFunctions` asks for.

    def require(self, arn: str, secret: EmulatedSecret) -> None:
        """Every function exists, and Secrets Manager may invoke it."""

    def start(self, secret: EmulatedSecret, token: str, arn: str, lock: object) -> None:  # noqa: ARG002 - as `RotationFunctions` has it
        """The simulation runs the steps."""
        self._rotates(secret.arn, token)

    def test(self, secret: EmulatedSecret, arn: str, lock: object) -> None:
        """The simulation tests no function."""


def _elsewhere(region: str) -> Any:  # noqa: ANN401 - ours, which moto types as its own
    return secretsmanager_backends[ACCOUNT][region]


def _no_log() -> dict[str, Any]:
    raise Fault("ResourceNotFoundException", "The specified log group does not exist.")


def _through_moto(response: BaseResponse, target: str, call: Call) -> dict[str, Any]:
    made: Any = response  # set up without a request
    made.body, made.headers = json.dumps(call.params), {"X-Amz-Target": f"{target}.{call.operation}"}
    made.querystring, made.data = {}, {}
    made.region, made.partition, made.current_account, made.access_key = call.region, "aws", ACCOUNT, "simulation"
    made.response_headers, made.uri_match = {}, {}
    status, _, body = made.call_action()
    answer: dict[str, Any] = json.loads(body or "{}")
    if status >= 300:
        raise Fault(str(answer.get("__type", "")).rsplit("#", 1)[-1], str(answer.get("message", "")), int(status))
    return answer
