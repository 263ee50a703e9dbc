"""List what stacks may ask for: `settings.secrets_pipeline` of a manifest, a component, or all Terraform components."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import ConfigDict, Field

from secrets_pipeline.desired.base import ManifestMap
from secrets_pipeline.desired.consumer.keys import ConsumerEntry
from secrets_pipeline.desired.kinds import ComponentKind
from secrets_pipeline.desired.limits import ORGANIZATION_ID
from secrets_pipeline.desired.reading.interpolation import ON
from secrets_pipeline.desired.rotation.model import RotationFunctionSpec
from secrets_pipeline.desired.secret.keys import SecretEntry
from secrets_pipeline.desired.verification.model import VerificationSpec

_DECLARED: Final = "that `secrets:` sections of Atmos declare"


class StackSettings(ManifestMap):
    """What a stack asks for: `settings.secrets_pipeline`, which Atmos itself leaves alone; what is unknown is noted."""

    model_config = ConfigDict(extra="allow")

    create: bool = Field(
        default=False,
        description="`rds`, `kms`: `true` makes the database or key where there is none; else it is only found.",
    )
    identifier: str | None = Field(
        default=None,
        description="`rds`: DB instance or cluster identifier of the database. Without it, the pipeline looks for the "
        "database by its tags and name, and asks for this setting unless exactly one matches.",
        examples=["orders-dev"],
    )
    deliver: bool = Field(
        default=False,
        description="`lambda`, `ecs`, `apigateway`: `true` writes the entries that hold references into the "
        "function, the task definition or the stage; its other entries stay.",
    )
    refresh: bool | None = Field(
        default=None,
        description="`lambda`, `ecs`, `apigateway`: whether it is started anew when a value that it reads has changed; "
        "by default as `deliver`, and never for `apigateway`.",
    )
    attach_policies: bool = Field(
        default=False,
        description="`secretsmanager`, and delivered `lambda` and `ecs`: `true` gives the consumers' roles of this "
        "account an inline policy that lets them read their secrets.",
    )
    self_heal: bool = Field(
        default=False, description="`true` puts back policies that others widened; only ever narrower ones."
    )
    protected: bool = Field(
        default=False, description="`true` treats the stack as production, whatever its `environment` and `stage` are."
    )
    organization_id: str | None = Field(
        default=None,
        pattern=f"^{ORGANIZATION_ID.pattern}$",
        description="Organisation that readers in other accounts have to belong to.",
        examples=["o-a1b2c3d4e5"],
    )
    components: dict[str, ComponentKind] | None = Field(
        default=None,
        description="By name of a component or of its Terraform component: its kind, or `ignore` to leave it alone.",
        examples=[{"my-secrets": "secretsmanager", "kms/app": "ignore"}],
    )
    name_template: str | None = Field(
        default=None,
        description="`secretsmanager`: Go template for names of secrets, with `.secret.key`, `.secret.path` and "
        "`.secret.name`, which are escaped from Atmos's own rendering.",
        examples=["{{ .vars.tenant }}/{{ .vars.stage }}/{{`{{ .secret.path }}/{{ .secret.name }}`}}"],
    )
    dialect: Literal["tf-atmos", "atmos", "off", False] | None = Field(
        default=None,
        description=f"`{ON}` reads `${{…}}` as references; `off` and `atmos` keep them as text. By default what the "
        "manifests look like.",
    )
    plaintext_allowed: list[str] | None = Field(
        default=None,
        description="Globs on `KEY.path` of literals under `secret_data` that look like secrets and are none.",
        examples=[["config.*"]],
    )
    verification: VerificationSpec | None = Field(default=None, description="When the stack is verified.")
    rotation_function: RotationFunctionSpec | None = Field(
        default=None, description="The rotation function that the pipeline deploys for the stack."
    )
    secrets: dict[str, SecretEntry] | None = Field(
        default=None, description=f"By name, how secrets are made {_DECLARED}; `full_name` is Atmos's to say."
    )
    secret_defaults: SecretEntry | None = Field(
        default=None, description=f"What holds for all secrets {_DECLARED}, where an entry does not say otherwise."
    )
    consumers: dict[str, ConsumerEntry] | None = Field(
        default=None, description=f"Who reads secrets {_DECLARED}, by a name of your own."
    )


KNOWN: Final = frozenset(StackSettings.model_fields)
