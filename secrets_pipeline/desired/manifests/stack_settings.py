"""List what stacks may ask for: `settings.secrets_pipeline` of a manifest, a component, or all Terraform components."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import ConfigDict, Field

from secrets_pipeline.desired.base import ManifestMap
from secrets_pipeline.desired.consumer.keys import ConsumerEntry
from secrets_pipeline.desired.kinds import ComponentKind
from secrets_pipeline.desired.limits import ORGANIZATION_ID
from secrets_pipeline.desired.reading.interpolation import ON
from secrets_pipeline.desired.rotation.keys import RotationFunctionEntry
from secrets_pipeline.desired.secret.keys import SecretEntry
from secrets_pipeline.desired.verification.model import VerificationSpec

_DECLARED: Final = "that `secrets:` sections of Atmos declare"


class StackSettings(ManifestMap):
    """Settings of a stack, a component, or all Terraform components. The pipeline notes a key that it does not know."""

    model_config = ConfigDict(extra="allow")

    create: bool = Field(
        default=False,
        description=(
            "`rds`, `kms`: `true` makes the database or key if it does not exist. By default the "
            "pipeline only looks it up."
        ),
    )
    identifier: str | None = Field(
        default=None,
        description="`rds`: DB instance or cluster identifier of the database. Without it, the pipeline looks for the "
        "database by its tags and name, and asks for this setting unless exactly one matches.",
        examples=["orders-dev"],
    )
    deliver: bool = Field(
        default=False,
        description=(
            "`lambda`, `ecs`, `apigateway`: `true` writes the entries that hold references into the "
            "function, the task definition or the stage, and leaves all other entries as they are."
        ),
    )
    refresh: bool | None = Field(
        default=None,
        description=(
            "`lambda`, `ecs`, `apigateway`: whether to restart it when a value that it reads changes. "
            "By default as `deliver`; for `apigateway`, `false`."
        ),
    )
    attach_policies: bool = Field(
        default=False,
        description=(
            "`secretsmanager`, and `lambda` and `ecs` with `deliver`: `true` gives the consumers' roles"
            " in this account an inline policy that lets them read their secrets."
        ),
    )
    self_heal: bool = Field(
        default=False, description="`true` restores policies that somebody else widened. It never widens one."
    )
    protected: bool = Field(
        default=False, description="`true` makes the stack production, whatever its `environment` and `stage` are."
    )
    organization_id: str | None = Field(
        default=None,
        pattern=f"^{ORGANIZATION_ID.pattern}$",
        description="Organisation that readers in other accounts must belong to.",
        examples=["o-a1b2c3d4e5"],
    )
    components: dict[str, ComponentKind] | None = Field(
        default=None,
        description=(
            "Kind of a component, by its name or by that of its Terraform component, or `ignore` to leave it alone."
        ),
        examples=[{"my-secrets": "secretsmanager", "kms/app": "ignore"}],
    )
    name_template: str | None = Field(
        default=None,
        description=(
            "`secretsmanager`: Go template of the secrets' names, with `.secret.key`, `.secret.path` "
            "and `.secret.name`. Escape these from Atmos's own rendering."
        ),
        examples=["{{ .vars.tenant }}/{{ .vars.stage }}/{{`{{ .secret.path }}/{{ .secret.name }}`}}"],
    )
    dialect: Literal["tf-atmos", "atmos", "off", False] | None = Field(
        default=None,
        description=f"`{ON}` reads `${{…}}` as references; `off` and `atmos` keep them as text. By default what the "
        "manifests look like.",
    )
    plaintext_allowed: list[str] | None = Field(
        default=None,
        description="Globs on `KEY.path` of literals under `secret_data` that look like secrets but are none.",
        examples=[["config.*"]],
    )
    verification: VerificationSpec | None = Field(default=None, description="When the stack is verified.")
    rotation_function: RotationFunctionEntry | None = Field(
        default=None, description="The rotation function that the pipeline deploys for the stack."
    )
    secrets: dict[str, SecretEntry] | None = Field(
        default=None, description=f"How secrets are made {_DECLARED}, by name. Atmos gives their `full_name`."
    )
    secret_defaults: SecretEntry | None = Field(default=None, description=f"Defaults of all secrets {_DECLARED}.")
    consumers: dict[str, ConsumerEntry] | None = Field(
        default=None, description=f"Roles that read secrets {_DECLARED}, each under a name of your choice."
    )


KNOWN: Final = frozenset(StackSettings.model_fields)
