"""Load the operator's settings: where stacks live, and what YAML may pull in. Stack YAML cannot change them."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from secrets_pipeline.desired.base import AssumedRole, Spec, Target
from secrets_pipeline.desired.kinds import ComponentKind
from secrets_pipeline.desired.limits import ALIAS, KEY_ARN, REGION
from secrets_pipeline.desired.settings.access import AccessSettings, AccountId, InOrganization
from secrets_pipeline.desired.settings.alerts import AlertSettings
from secrets_pipeline.desired.settings.environment import AllowedVariables, plain_names
from secrets_pipeline.desired.settings.grants import Globs, GrantRule
from secrets_pipeline.desired.settings.leases import LeaseSettings
from secrets_pipeline.desired.settings.places import settings_map, wrong_settings
from secrets_pipeline.desired.settings.verification import VerificationSettings
from secrets_pipeline.desired.stack_globs import matches
from secrets_pipeline.desired.tags import tag_problems
from secrets_pipeline.errors import SpecError, Where
from secrets_pipeline.stacks import read_text

REPOSITORY_ID = re.compile(r"[A-Za-z0-9_.:/=+@-]([A-Za-z0-9 _.:/=+@-]{0,126}[A-Za-z0-9_.:/=+@-])?")
"""What AWS takes as the value of a tag, in ASCII, and half as long."""


class TargetRule(AssumedRole):
    """Where the stacks that match a glob live, and the role to assume there."""

    stacks: str = Field(description="Glob on the stack's name, for example `myapp-*`.")
    account_id: AccountId | None = Field(
        default=None, description="Account, as 12 digits in quotes; by default the stack's `vars.account_id`."
    )
    region: str | None = Field(default=None, description="AWS region; by default the stack's `vars.region`.")
    manifests: Globs = Field(
        default=(),
        description=(
            "Globs on the top-level manifests that may be part of such a stack, relative to the base path. A manifest "
            "chooses its stack's name. Without `manifests`, any manifest can add components to any stack."
        ),
    )

    def matches(self, stack: str) -> bool:
        """Whether the rule is for `stack`."""
        return matches(stack, self.stacks)

    def admits(self, manifest: str) -> bool:
        """Whether a top-level manifest may be part of such a stack."""
        return not self.manifests or any(fnmatch.fnmatchcase(manifest, glob) for glob in self.manifests)


class SealSettings(Spec):
    """Where generated passwords wait, encrypted, between two steps of a run; the repository's index is there, too."""

    bucket: str | None = Field(default=None, description="S3 bucket without versioning; by default local disk.")
    prefix: str = Field(default="", description="Prefix of the objects' keys.")
    region: str | None = Field(default=None, description="AWS region of the bucket.")


def _own_key(value: object) -> object:
    if isinstance(value, str) and not (ALIAS.fullmatch(value) or KEY_ARN.fullmatch(value)):
        problem = "write `alias/NAME` of a key in the queue's account and region, or a key's ARN; not one of AWS's own"
        raise ValueError(problem)
    return value


class EventSettings(AssumedRole, InOrganization):
    """The SQS queue that receives AWS's events of rotations, tampering, databases and access, for all accounts."""

    queue: str = Field(
        # EventBridge takes 64 characters as the name of a rule, and the longest is `<name>-organization-changes`:
        # https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
        pattern=r"^[A-Za-z0-9_-]{1,43}$",
        description=(
            "Name of the queue, up to 43 characters. The names of everything that brings events there "
            "begin with it: the dead-letter queue (`<name>-dead-letters`), rules, a bus and roles."
        ),
    )
    region: str = Field(pattern=rf"^{REGION.pattern}$", description="AWS region of the queue.")
    account_id: AccountId | None = Field(
        default=None,
        description=(
            "Account of the queue, as 12 digits in quotes; by default that of the pipeline's own credentials."
        ),
    )
    kms_key: Annotated[str, BeforeValidator(_own_key)] | None = Field(
        default=None,
        description=(
            "Alias or ARN of the KMS key that encrypts the messages; by default SQS's own key. The "
            "key's policy must allow `events.amazonaws.com` to use it."
        ),
    )
    watch_access: bool = Field(
        default=True,
        description=(
            "`false` if the pipeline may make no rules in the region where IAM and Organizations report"
            " their calls. Changes of who can read then wait for the next verification."
        ),
    )
    organization_role_arn: str | None = Field(
        default=None,
        pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$",
        description=(
            "Role in the organisation's management account that may make rules there. Without it, "
            "changes of SCPs and RCPs wait for the next verification."
        ),
    )

    @property
    def role_name(self) -> str:
        """Of the role by which rules of other accounts and regions reach the queue's bus."""
        return f"{self.queue}-events"


def _seals(value: object) -> object:
    return {} if value == "local" else value


def _rules(value: object) -> object:
    return [value] if isinstance(value, dict) else value


def _globs(value: object) -> object:
    return {True: ("*",), False: ()}[value] if isinstance(value, bool) else value


def _tag_texts(value: object) -> object:
    """Numbers, true and false become text, as in a component's tags."""
    if not isinstance(value, dict):
        return value
    return {key: json.dumps(one) if isinstance(one, bool | int | float) else one for key, one in value.items()}


def _taken_tags(tags: Mapping[str, str]) -> Mapping[str, str]:
    problems = tag_problems(tags)
    # IAM knows Team and team as one tag: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
    folded: dict[str, str] = {}
    for key in tags:
        if (other := folded.setdefault(key.casefold(), key)) != key:
            problems.append(f"tags {other!r} and {key!r} differ in upper and lower case alone, which IAM takes for one")
    if problems:
        raise ValueError("; ".join(problems))
    return tags


class OperatorSettings(Spec):
    """The settings that only the operator decides. Stack YAML cannot change them."""

    targets: tuple[TargetRule, ...] = Field(
        default=(), description="Where each stack lives. The first rule whose glob matches the stack's name counts."
    )
    grants: Annotated[tuple[GrantRule, ...], BeforeValidator(_rules)] = Field(
        default=(),
        description=(
            "What stack YAML may use beyond what is the stack's own; by default nothing. A single map "
            "is a rule for all stacks."
        ),
    )
    variables: AllowedVariables = Field(
        default=(),
        alias="environment_allowed",
        description=(
            "Environment variables that YAML may read. The value of a plain name is a secret; that of "
            "`{name: AWS_REGION, secret: false}` is not."
        ),
    )
    components: Mapping[str, ComponentKind] = Field(
        default={},
        description=(
            "Kind of a component by its name, or `ignore`: `{my-kms: kms}`. It counts before what the YAML says."
        ),
    )
    repository: str = Field(
        default="",
        pattern=rf"^({REPOSITORY_ID.pattern})?$",
        description=(
            "Name of this repository, in the tags of everything that the pipeline makes: it tells apart"
            " two repositories that have a stack of the same name. By default the clone's remote "
            "`origin`, written `github.com/acme/infra`."
        ),
    )
    seal_key: str = Field(
        default="alias/secrets-pipeline",
        description=("Alias, id or ARN of the KMS key that encrypts generated passwords between two steps of a run."),
    )
    fingerprint_key: str = Field(
        default="alias/secrets-pipeline-fingerprint",
        description="Alias, id or ARN of the HMAC key by which the pipeline recognises values and signs tags.",
    )
    seals: Annotated[SealSettings, BeforeValidator(_seals)] = Field(
        default=SealSettings(),
        description=(
            "Where generated passwords wait, encrypted, between two steps of a run, and where the index"
            " of the repository is: `local`, or an S3 bucket."
        ),
    )
    leases: LeaseSettings = Field(
        default="local",
        description=(
            "Where the lease of a stack is, which only one run at a time can hold: `local`, or an S3 "
            "bucket. If several hosts share Dagster's storage, name a bucket."
        ),
    )
    database_logins: bool = Field(
        default=True,
        description=(
            "`false` if the pipeline cannot reach the databases. Otherwise it tests each password by a login."
        ),
    )
    rotation_preflight: bool = Field(
        default=True,
        description=(
            "Check function, role and value before a rotation is switched on. Set `false` if the "
            "pipeline may read neither Lambda nor IAM. The host that the managed function logs in to is"
            " always checked."
        ),
    )
    read_only: bool = Field(
        default=False, description="Refuse every write; `SECRETS_PIPELINE_READ_ONLY=1` does the same."
    )
    rds_ca_file: str | None = Field(
        default=None,
        description=(
            "File of PEM certificates that verify databases, such as AWS's bundle of a region. You need"
            " it in GovCloud, in China and in the newest regions; the package brings RDS's other "
            "authorities."
        ),
    )
    permissions_boundary: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_+=,.@-]+(/[A-Za-z0-9_+=,.@-]+)*$",
        description=(
            "Name, with its path, of the IAM policy that bounds each role that the pipeline makes. Each"
            " account of such a role needs that policy."
        ),
    )
    tags: Annotated[Mapping[str, str], BeforeValidator(_tag_texts), AfterValidator(_taken_tags)] = Field(
        default={},
        description=(
            "Tags of everything that the pipeline makes, such as `{CostCenter: '1234'}`. The creating "
            "call has them, so accounts that deny untagged resources accept it. A component's own tag "
            "of the same name wins."
        ),
    )
    access: AccessSettings = Field(
        default=AccessSettings(), description="Who else may read secrets, and which accounts audits may look at."
    )
    events: EventSettings | None = Field(
        default=None,
        description="The SQS queue that receives AWS's events. Without it, a sensor polls every few minutes.",
    )
    alerts: AlertSettings = Field(default=AlertSettings(), description="Where alerts go, besides the log.")
    verification: VerificationSettings = Field(default=VerificationSettings(), description="When stacks are verified.")
    apply_on_change: Annotated[tuple[str, ...], BeforeValidator(_globs)] = Field(
        default=(),
        description=(
            "Globs on names of stacks that are applied automatically when their YAML changes; `true` "
            "means all stacks. By default a change waits until you apply it."
        ),
    )

    @property
    def environment_allowed(self) -> frozenset[str]:
        """Names of the environment variables that YAML may read."""
        return frozenset(one.name for one in self.variables)

    @property
    def environment_plain(self) -> frozenset[str]:
        """Names of those that are not secret, so may stand anywhere."""
        return plain_names(self.variables)

    def applies_changes(self, stack: str) -> bool:
        """Whether a change of the YAML of `stack` is applied by itself."""
        return any(matches(stack, glob) for glob in self.apply_on_change)

    def target(self, stack: str) -> TargetRule | None:
        """The first rule that matches `stack`."""
        return next((rule for rule in self.targets if rule.matches(stack)), None)

    def admits(self, stack: str, manifest: str) -> bool:
        """Whether a top-level manifest may be part of `stack`."""
        rule = self.target(stack)
        return rule is None or rule.admits(manifest)

    def event_target(self, events: EventSettings) -> Target:
        """Where the queue of events is, and as whom it is reached."""
        role: AssumedRole = events
        if events.role_arn is None and events.account_id is not None:
            rules = (rule for rule in self.targets if rule.account_id == events.account_id)
            role = next((rule for rule in rules if rule.role_arn), events)
        return Target(account_id=events.account_id, region=events.region).under(role)


def load_settings(path: Path | None) -> OperatorSettings:
    """Read the operator's settings file.

    Args:
        path: a YAML file, usually from `SECRETS_PIPELINE_CONFIG`; None for the defaults.

    Raises:
        SpecError: if it cannot be read, naming every key that is wrong.
    """
    if path is None:
        return OperatorSettings()
    try:
        text = read_text(path)
    except UnicodeDecodeError:
        remedy = "Save it as UTF-8: in PowerShell, with `| Out-File -Encoding utf8`."
        raise SpecError("the operator's settings are not UTF-8", remedy=remedy, where=Where(file=path.name)) from None
    except OSError as error:
        raise SpecError(
            f"the operator's settings cannot be read: {path.absolute()}: {error.strerror}",
            remedy="Let --config or SECRETS_PIPELINE_CONFIG name a YAML file, or unset it; a relative path is taken "
            "from the current folder.",
        ) from None
    try:
        return OperatorSettings.model_validate(settings_map(text, path.name))
    except ValidationError as error:
        wrong = wrong_settings(error, OperatorSettings, text, path.name)
    raise wrong
