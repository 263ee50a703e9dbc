"""What AWS holds, read once a run: one inventory a service."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from threading import RLock
from typing import Any

from secrets_pipeline.access.controls.model import ControlResult
from secrets_pipeline.access.reach.compiled import Estate
from secrets_pipeline.aws.session import AwsAccount, Sessions
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.reconcilers.observed.api_stages import ApiStages
from secrets_pipeline.reconcilers.observed.cached import Once
from secrets_pipeline.reconcilers.observed.databases import DatabaseInventory
from secrets_pipeline.reconcilers.observed.ecs_services import EcsServices
from secrets_pipeline.reconcilers.observed.functions import Functions
from secrets_pipeline.reconcilers.observed.kms_keys import KeyInventory
from secrets_pipeline.reconcilers.observed.parameters import Parameters
from secrets_pipeline.reconcilers.observed.roles import Roles
from secrets_pipeline.reconcilers.observed.secrets import Secrets


class Observed:
    """What AWS holds of one stack.

    Args:
        spec: desired state.
        account: the stack's.
        sessions: how its other regions are reached.

    Attributes:
        secrets: of Secrets Manager.
        keys: of KMS.
        databases: of RDS.
        functions: of Lambda.
        services: of ECS.
        stages: of API Gateway.
        roles: of IAM.
        parameters: of Parameter Store.
        sessions: see above.
        estate: who could read the stack's secrets, as one snapshot.
        controls: what Security Hub's controls say of the secrets in that snapshot.
    """

    def __init__(self, spec: StackSpec, account: AwsAccount, sessions: Sessions) -> None:
        self.secrets = Secrets(account, spec.stack, tuple(secret.name for secret in spec.secrets))
        self.keys = KeyInventory(account)
        self.databases = DatabaseInventory(account)
        self.functions = Functions(account)
        self.services = EcsServices(account)
        self.stages = ApiStages(account)
        self.roles = Roles(account)
        self.parameters = Parameters(account, spec.stack)
        self._target = spec.target
        self.sessions = sessions
        self.estate: Once[Estate] = Once()
        self.controls: Once[tuple[ControlResult, ...]] = Once()
        self._keys_elsewhere: dict[str, KeyInventory] = {}
        self._lock = RLock()
        self._reading: defaultdict[tuple[str, ...], RLock] = defaultdict(RLock)
        self._memory: dict[tuple[str, ...], Any] = {}

    def remember(self, *key: str, read: Callable[[], Any]) -> Any:  # noqa: ANN401 - the caller knows its type
        """What `read` returned the first time; `forget` with the same key makes it be read again.

        Threads that ask for the same wait for one read; others go on.
        """
        with self._lock:
            reading = self._reading[key]
        with reading:
            if key not in self._memory:
                self._memory[key] = read()
            return self._memory[key]

    def learn(self, *key: str, known: object) -> None:
        """What `remember` returns from now on, since this run wrote it."""
        with self._lock:
            self._memory[key] = known

    def forget(self, *key: str) -> None:
        """Read that again next time."""
        with self._lock:
            self._memory.pop(key, None)

    def account_in(self, region: str) -> AwsAccount:
        """The stack's account in another region, under the same credentials."""
        return self.sessions.for_target(self._target.model_copy(update={"region": region}))

    def keys_in(self, region: str) -> KeyInventory:
        """The KMS keys of another region, few of which are asked for."""
        with self._lock:
            if region not in self._keys_elsewhere:
                self._keys_elsewhere[region] = KeyInventory(self.account_in(region), lists_aliases=False)
            return self._keys_elsewhere[region]
