"""Define the desired state: what one stack asks of AWS. Pure data; no AWS objects, no plaintext."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import PrivateAttr

from secrets_pipeline.arn import account_of
from secrets_pipeline.desired.atmos_secrets.model import ParameterSpec
from secrets_pipeline.desired.base import SecretRef, Spec, Target
from secrets_pipeline.desired.boundary import Contested, Crossing
from secrets_pipeline.desired.consumer.model import ConsumerSpec, Delivery
from secrets_pipeline.desired.consumer.refresh_model import RefreshSpec
from secrets_pipeline.desired.database.model import DatabaseSpec
from secrets_pipeline.desired.kms_key.model import KeySpec, own_key
from secrets_pipeline.desired.plaintext import Plaintext
from secrets_pipeline.desired.rotation.model import RotationFunctionSpec
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.terraform_state.model import TerraformState
from secrets_pipeline.desired.unguarded_manifests import UnguardedManifests
from secrets_pipeline.desired.value.model import DeclaredValue
from secrets_pipeline.desired.verification.model import VerificationSpec
from secrets_pipeline.references.model import Output


class StackSpec(Spec):
    """Everything that one stack asks of one account and region.

    Attributes:
        stack: logical stack name, also the partition key.
        components: each recognised component by name, with its kind (`secretsmanager`, `kms`, `rds` …).
        protected: production: no force delete, no short recovery window.
        retired: whether nothing is declared any more: the stack left the repository, or is being taken down.
        organization_id: `o-…` that readers in other accounts have to belong to; None for any or none.
        secrets: in dependency order.
        parameters: secrets that Atmos keeps in Parameter Store; looked for, never written.
        states: Terraform states whose outputs its values are made of.
        self_heal: components whose policies are narrowed again by themselves when somebody widened them.
        verification: when the stack is verified.
        rotation_function: the function that rotates the secrets with managed rotation; None where there is none.
        crossings: what the stack takes in and writes to beyond its own.
        contested: names that other stacks of the repository declare too.
        contested_outputs: components whose outputs Atmos would look for where it looks for those of another stack.
        plaintext: literals of its YAML that look like secrets.
        unguarded: its manifests, if it has several and the operator does not say which may be part of it.
    """

    stack: str
    target: Target
    protected: bool = False
    retired: bool = False
    organization_id: str | None = None
    components: Mapping[str, str] = {}
    keys: tuple[KeySpec, ...] = ()
    secrets: tuple[SecretSpec, ...] = ()
    parameters: tuple[ParameterSpec, ...] = ()
    databases: tuple[DatabaseSpec, ...] = ()
    consumers: tuple[ConsumerSpec, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    refreshes: tuple[RefreshSpec, ...] = ()
    states: tuple[TerraformState, ...] = ()
    self_heal: tuple[str, ...] = ()
    rotation_function: RotationFunctionSpec | None = None
    verification: VerificationSpec = VerificationSpec()
    crossings: tuple[Crossing, ...] = ()
    contested: tuple[Contested, ...] = ()
    contested_outputs: tuple[str, ...] = ()
    plaintext: tuple[Plaintext, ...] = ()
    unguarded: UnguardedManifests | None = None
    _by_ref: tuple[tuple[SecretSpec, ...] | None, Mapping[SecretRef, SecretSpec]] = PrivateAttr(default=(None, {}))

    def secret(self, ref: SecretRef) -> SecretSpec:
        """The secret that `ref` names.

        Raises:
            KeyError: if the stack has none.
        """
        return self._index()[ref]

    def has(self, ref: SecretRef) -> bool:
        """Whether the stack declares `ref`."""
        return ref in self._index()

    def key_of(self, secret: SecretSpec) -> KeySpec | None:
        """The key of this stack that encrypts a secret; None for the default key, and for one that others made."""
        return own_key(self.keys, secret.kms_key, self.stack)

    def state_of(self, output: Output) -> TerraformState | None:
        """The Terraform state that an output is read from; None for one that AWS or the YAML tells."""
        place = (output.stack or self.stack, output.component)
        return next(
            (one for one in self.states if (one.stack, one.component) == place and output.path in one.outputs), None
        )

    @property
    def reader_accounts(self) -> frozenset[str]:
        """The accounts of its consumers' roles, whose IAM decides with the stack's own who can read."""
        roles = (arn for consumer in self.consumers for arn in consumer.principals.values())
        return frozenset(map(account_of, roles)) - {""}

    @property
    def referred_parameters(self) -> frozenset[str]:
        """The SSM parameters that its declared values are made of."""
        declared = (one.value.leaves for one in self.secrets if isinstance(one.value, DeclaredValue))
        return frozenset(name for leaves in declared for leaf in leaves for name in leaf.ssm)

    def _index(self) -> Mapping[SecretRef, SecretSpec]:
        secrets, index = self._by_ref
        # A copy with other secrets brings this cache along.
        if secrets is not self.secrets:
            index = {secret.ref: secret for secret in self.secrets}
            self._by_ref = (self.secrets, index)
        return index

    def digest(self) -> str:
        """SHA-256 (hex) over the whole desired state, see `content`."""
        text = json.dumps(self.content(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def content(self) -> dict[str, Any]:
        """The whole desired state as JSON has it, wherever in the YAML it stands; there is no plaintext in it."""
        places: dict[str, Any] = {
            "secrets": {"__all__": {"where": True, "unresolved": {"__all__": {"where", "written"}}}}
        }
        # Who allows it, what others declare, and how the YAML writes it, is not what the stack asks for.
        places |= {"crossings": True, "contested": True, "plaintext": True, "retired": True}
        places["unguarded"] = True
        return self.model_dump(mode="json", exclude=places)
