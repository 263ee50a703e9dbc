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
        default=None, description="Account, as 12 digits in quotes; without it, the stack's `vars.account_id`."
    )
    region: str | None = Field(default=None, description="AWS region name; without it, the stack's `vars.region`.")
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
    """Where the sealed passwords of a stack wait between two assets, and the index of the repository lies."""

    bucket: str | None = Field(default=None, description="S3 bucket, unversioned; without it, local disk.")
    prefix: str = Field(default="", description="Prefix of the objects' keys.")
    region: str | None = Field(default=None, description="AWS region of the bucket.")


def _own_key(value: object) -> object:
    if isinstance(value, str) and not (ALIAS.fullmatch(value) or KEY_ARN.fullmatch(value)):
        problem = "write `alias/NAME` of a key in the queue's account and region, or a key's ARN; not one of AWS's own"
        raise ValueError(problem)
    return value


class EventSettings(AssumedRole, InOrganization):
    """The queue that brings AWS's events of rotations, tampering, databases and access; one for all accounts."""

    queue: str = Field(
        # EventBridge takes 64 characters as the name of a rule, and the longest is `<name>-organization-changes`:
        # https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
        pattern=r"^[A-Za-z0-9_-]{1,43}$",
        description=(
            "Name of the queue, which is also in the names of all that the pipeline makes to bring events there: a "
            "dead-letter queue (`<name>-dead-letters`), rules, a bus and roles for other accounts. It has at most 43 "
            "characters."
        ),
    )
    region: str = Field(pattern=rf"^{REGION.pattern}$", description="AWS region of the queue.")
    account_id: AccountId | None = Field(
        default=None, description="Account, as 12 digits in quotes; without it, that of the pipeline's own credentials."
    )
    kms_key: Annotated[str, BeforeValidator(_own_key)] | None = Field(
        default=None,
        description=(
            "Alias or ARN of the KMS key that encrypts the messages, whose policy lets `events.amazonaws.com` use it; "
            "without it, SQS's own keys do."
        ),
    )
    watch_access: bool = Field(
        default=True,
        description=(
            "Whether rules for IAM and Organizations are put into the region where they tell of their calls; false "
            "where nothing may be made there, which leaves their changes to the next verification."
        ),
    )
    organization_role_arn: str | None = Field(
        default=None,
        pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$",
        description=(
            "Role in the organisation's management account that may put rules there; without it, changes of SCPs "
            "and RCPs wait for the next verification."
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
    """What only the operator decides."""

    targets: tuple[TargetRule, ...] = Field(
        default=(), description="The first rule that matches a stack says where it lives."
    )
    grants: Annotated[tuple[GrantRule, ...], BeforeValidator(_rules)] = Field(
        default=(),
        description=(
            "What YAML may touch and pull in beyond a stack's own: by default nothing. One map is a rule for all "
            "stacks."
        ),
    )
    variables: AllowedVariables = Field(
        default=(),
        alias="environment_allowed",
        description=(
            "Environment variables that YAML may read in any way, each a name, whose "
            "value is secret then, or `{name: AWS_REGION, secret: false}`."
        ),
    )
    components: Mapping[str, ComponentKind] = Field(
        default={},
        description="The kind of a component by name, or `ignore`, before what the YAML says: `{my-kms: kms}`.",
    )
    repository: str = Field(
        default="",
        pattern=rf"^({REPOSITORY_ID.pattern})?$",
        description=(
            "What this repository is called in the marks of all that it makes, so that another one with a stack of the "
            "same name is told apart; empty for the clone's remote `origin`, written `github.com/acme/infra`."
        ),
    )
    seal_key: str = Field(
        default="alias/secrets-pipeline", description="Alias, id or ARN of the KMS key that seals generated values."
    )
    fingerprint_key: str = Field(
        default="alias/secrets-pipeline-fingerprint", description="Alias, id or ARN of the HMAC key of fingerprints."
    )
    seals: Annotated[SealSettings, BeforeValidator(_seals)] = Field(
        default=SealSettings(),
        description=(
            "Where sealed passwords wait between two assets, and the index of the repository lies: `local`, or an S3 "
            "bucket."
        ),
    )
    leases: LeaseSettings = Field(
        default="local",
        description=(
            "Where the lease of a stack is, which one run at a time holds: `local`, or an S3 bucket. A "
            "deployment whose storage several hosts share needs a bucket."
        ),
    )
    database_logins: bool = Field(
        default=True, description="Whether the pipeline can reach the databases and proves each password by a login."
    )
    rotation_preflight: bool = Field(
        default=True,
        description=(
            "Check function, role and value before a rotation is switched on; false where the pipeline may read "
            "neither Lambda nor IAM. The host that the managed function logs in to is checked in any case."
        ),
    )
    read_only: bool = Field(
        default=False, description="Refuse every write; `SECRETS_PIPELINE_READ_ONLY=1` does the same."
    )
    rds_ca_file: str | None = Field(
        default=None,
        description=(
            "PEM certificates that databases are verified by, such as AWS's bundle of a region. Without it, RDS's own "
            "authorities that the package brings: those of GovCloud, China and the newest regions are not among them."
        ),
    )
    permissions_boundary: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_+=,.@-]+(/[A-Za-z0-9_+=,.@-]+)*$",
        description=(
            "Name of the IAM policy that bounds each role that the pipeline makes, with its path; it is looked for in "
            "the role's account."
        ),
    )
    tags: Annotated[Mapping[str, str], BeforeValidator(_tag_texts), AfterValidator(_taken_tags)] = Field(
        default={},
        description=(
            "Tags of everything that the pipeline makes, in the call that makes it, for accounts that deny untagged "
            "resources: `{CostCenter: '1234'}`. A component's own tag of the same name wins."
        ),
    )
    access: AccessSettings = Field(
        default=AccessSettings(), description="Who else may read, and what an audit may look at."
    )
    events: EventSettings | None = Field(
        default=None,
        description="The queue that brings events. Without it, a sensor looks for itself, every few minutes.",
    )
    alerts: AlertSettings = Field(default=AlertSettings(), description="Where alerts go.")
    verification: VerificationSettings = Field(
        default=VerificationSettings(), description="When stacks are verified; what it does not say, each stack may."
    )
    apply_on_change: Annotated[tuple[str, ...], BeforeValidator(_globs)] = Field(
        default=(),
        description=(
            'Globs on names of stacks that are applied by themselves when their YAML changed; `true` is `["*"]`, and '
            "by default a change waits for somebody to apply it."
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
