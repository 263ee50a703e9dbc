"""Gather the inventories of what AWS holds for one stack, one a service, each read once a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from secrets_pipeline.access.reach.compiled import CompiledSnapshot
from secrets_pipeline.access.snapshot.model import AccountSnapshot
from secrets_pipeline.aws.session import AwsAccount, Sessions
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.errors import GuardError
from secrets_pipeline.reconcilers.observed.api_stages import ApiStages
from secrets_pipeline.reconcilers.observed.cached import Cached, Once
from secrets_pipeline.reconcilers.observed.databases import DatabaseInventory
from secrets_pipeline.reconcilers.observed.ecs_services import EcsServices
from secrets_pipeline.reconcilers.observed.functions import Functions
from secrets_pipeline.reconcilers.observed.kms_keys import KeyInventory
from secrets_pipeline.reconcilers.observed.networks import Networks
from secrets_pipeline.reconcilers.observed.parameters import Parameters
from secrets_pipeline.reconcilers.observed.roles import Roles
from secrets_pipeline.reconcilers.observed.secrets import Secrets
from secrets_pipeline.reconcilers.observed.terraform_states import ReadState, TerraformStates
from secrets_pipeline.rotation.package import Package

Principals: TypeAlias = Cached[tuple[str, str | None], AccountSnapshot]
"""By account and role that reads it."""


class Observed:
    """What AWS holds of one stack.

    Args:
        spec: desired state.
        account: the stack's.
        sessions: how its other regions are reached.
        every_key: searched for keys that nobody names, once for all stacks of the account and region.
        principals: IAM of each account as one role read it, once for the preflights of all stacks.
        tags: the operator's, of parameters that are made.
        read_state: see `Repository`.
        closely: whether each declared secret is described by itself, as a list may be five minutes old.

    Attributes:
        secrets: of Secrets Manager.
        keys: of KMS.
        databases: of RDS.
        functions: of Lambda.
        services: of ECS.
        stages: of API Gateway.
        roles: of IAM.
        parameters: of Parameter Store.
        states: of Terraform.
        networks: of EC2.
        sessions: see above.
        every_key: see above.
        principals: see above.
        estate: who could read the stack's secrets, as one snapshot.
        rotation_estates: by names of secrets, who could read these before their rotation is switched on.
        rotation_package: the code of the managed rotation function, built once a run.
        made_service_keys: aliases of the pipeline's own keys that this run made for the stack, and has not told of.
        boundary: why the stack may not be written to, see `boundary.guard`.
        replication_deadline: until when replicas are waited for, in seconds of the run's clock.
    """

    def __init__(
        self,
        spec: StackSpec,
        account: AwsAccount,
        sessions: Sessions,
        every_key: KeyInventory,
        principals: Principals,
        *,
        tags: Mapping[str, str],
        read_state: ReadState,
        closely: bool = False,
    ) -> None:
        names = tuple(secret.name for secret in spec.secrets)
        self.secrets = Secrets(account, spec.stack, names, closely=closely)
        self.keys = KeyInventory(account)
        self._keys_in: Cached[str, KeyInventory] = Cached()
        self.databases = DatabaseInventory(account)
        self.functions = Functions(account)
        self.services = EcsServices(account)
        self.stages = ApiStages(account)
        self.roles = Roles(account)
        self.parameters = Parameters(account, spec.stack, spec.referred_parameters, tags)
        self.networks = Networks(account)
        self._target = spec.target
        self.sessions = sessions
        self.states = TerraformStates(spec.target, sessions, read_state)
        self.every_key = every_key
        self.principals = principals
        self.estate: Once[CompiledSnapshot] = Once()
        self.rotation_estates: Cached[tuple[str, ...], CompiledSnapshot] = Cached()
        self.rotation_package: Once[Package] = Once()
        self.made_service_keys: set[str] = set()
        self.boundary: Once[Sequence[GuardError]] = Once()
        self.replication_deadline: Once[float] = Once()

    def account_in(self, region: str) -> AwsAccount:
        """Open the stack's account in another region, under the same credentials."""
        return self.sessions.for_target(self._target.model_copy(update={"region": region}))

    def keys_in(self, region: str) -> KeyInventory:
        """Open the inventory of the KMS keys of another region, few of which are asked for."""
        return self._keys_in.get(region, lambda: KeyInventory(self.account_in(region), lists_aliases=False))
