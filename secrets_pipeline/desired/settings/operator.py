"""Load the operator's settings: where stacks live, and what YAML may pull in. Stack YAML cannot change them."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from secrets_pipeline.desired.base import AssumedRole, ExternalId, Spec, Target
from secrets_pipeline.desired.kinds import ComponentKind
from secrets_pipeline.desired.limits import ALIAS, KEY_ARN, ORGANIZATION_ID, REGION
from secrets_pipeline.desired.settings.alerts import AlertSettings
from secrets_pipeline.desired.settings.environment import AllowedVariables, plain_names
from secrets_pipeline.desired.settings.grants import Globs, GrantRule
from secrets_pipeline.desired.settings.leases import LeaseSettings
from secrets_pipeline.desired.settings.places import settings_map, wrong_settings
from secrets_pipeline.desired.settings.verification import VerificationSettings
from secrets_pipeline.desired.stack_globs import matches
from secrets_pipeline.errors import SpecError, Where
from secrets_pipeline.stacks import read_text

REPOSITORY_ID = re.compile(r"[A-Za-z0-9_.:/=+@-]([A-Za-z0-9 _.:/=+@-]{0,126}[A-Za-z0-9_.:/=+@-])?")
"""What AWS takes as the value of a tag, in ASCII, and half as long."""


def _account_id(value: object) -> object:
    problem = f'YAML made a number of it; put it in quotes: "{value:012d}"' if isinstance(value, int) else ""
    if problem:
        raise ValueError(problem)
    return value


AccountId = Annotated[str, BeforeValidator(_account_id), Field(pattern=r"^[0-9]{12}$")]


class TargetRule(AssumedRole):
    """Where the stacks that match a glob live, and the role to assume there.

    Attributes:
        stacks: glob on the stack's name, for example `myapp-*`.
        account_id: 12 digits.
        region: AWS region name; None leaves it to the stack's `vars.region`.
        manifests: globs on the top-level manifests that may be part of such a stack, relative to the base path; none
            for all. What a stack is called is said in YAML: without this, any manifest may join any stack.
    """

    stacks: str
    account_id: AccountId | None = None
    region: str | None = None
    manifests: Globs = ()

    def matches(self, stack: str) -> bool:
        """Whether the rule is for `stack`."""
        return matches(stack, self.stacks)

    def admits(self, manifest: str) -> bool:
        """Whether a top-level manifest may be part of such a stack."""
        return not self.manifests or any(fnmatch.fnmatchcase(manifest, glob) for glob in self.manifests)


class SealSettings(Spec):
    """Where the sealed passwords of a stack wait between two assets.

    Attributes:
        bucket: S3 bucket, unversioned; None for local disk.
        prefix: of the objects' keys.
        region: of the bucket.
    """

    bucket: str | None = None
    prefix: str = ""
    region: str | None = None


class VisibleAccount(AssumedRole):
    """An account whose roles read secrets of other accounts, and how its principals can be looked at.

    Attributes:
        account_id: 12 digits.
        role_arn: role there that may read IAM, and may assume the readers' roles for a live probe.
    """

    account_id: AccountId
    role_arn: str


class _InOrganization(Spec):
    """A role in the organisation's account, and its external id, as beside any `role_arn`."""

    organization_role_arn: str | None = None
    organization_external_id: ExternalId | None = None

    @property
    def organization_role(self) -> AssumedRole:
        """The role, to be assumed."""
        return AssumedRole(role_arn=self.organization_role_arn, external_id=self.organization_external_id)

    # Of a name of its own: pydantic keeps one validator of each name.
    @model_validator(mode="after")
    def _of_an_organization_role(self) -> Self:
        if self.organization_external_id is not None and self.organization_role_arn is None:
            problem = "organization_external_id goes with organization_role_arn: write both"
            raise ValueError(problem)
        return self


class AccessSettings(_InOrganization):
    """What the operator says about readers.

    Attributes:
        allowed_readers: globs on ARNs of roles and users that may read although no stack declares them: break-glass
            roles, administrators. None where the operator has not said: administrators are a warning then; once it is
            given, if only as `[]`, those whom it does not name are an error.
        accounts: further accounts that an audit may look at.
        organization_role_arn: role in the organisation's management or delegated account that may read its policies;
            None for the stack's own credentials.
        organization_policies: what stands in for SCPs and RCPs that cannot be read: `unknown`, or `allow` where the
            operator knows that they do not stand in the way.
        second_opinion: whether a verification also asks AWS's policy simulator and Access Analyzer, and compares.
        organization_id: `o-…` that readers in other accounts have to belong to; a stack may only say the same. None
            leaves it to the stacks.
    """

    allowed_readers: tuple[str, ...] | None = None
    accounts: tuple[VisibleAccount, ...] = ()
    organization_policies: Literal["unknown", "allow"] = "unknown"
    second_opinion: bool = False
    organization_id: str | None = Field(default=None, pattern=rf"^{ORGANIZATION_ID.pattern}$")


def _own_key(value: object) -> object:
    if isinstance(value, str) and not (ALIAS.fullmatch(value) or KEY_ARN.fullmatch(value)):
        problem = "write `alias/NAME` of a key in the queue's account and region, or a key's ARN; not one of AWS's own"
        raise ValueError(problem)
    return value


class EventSettings(AssumedRole, _InOrganization):
    """The queue that brings AWS's events of rotations, tampering, databases and access; one for all accounts.

    Attributes:
        queue: its name, which is also in the names of everything that the pipeline makes to bring events there: a
            dead-letter queue (`<name>-dead-letters`), rules, a bus and roles for other accounts.
        region: where it is.
        account_id: 12 digits; None for the account of the pipeline's own credentials.
        role_arn: role to assume there; None for that of a target rule with the same account, else for the pipeline's
            own credentials.
        kms_key: alias or ARN of the KMS key that encrypts the messages, whose policy lets `events.amazonaws.com` use
            it; None for SQS's own keys.
        max_receives: how often a message is looked at before it goes to the dead-letter queue; one whose stack has a
            run under way is looked at every minute until that run has ended, and from half of its looks on gets a run
            that waits behind it. One that may be of a stack with errors is looked at every minute, too.
        watch_access: whether rules for IAM and Organizations are put into the region where they tell of their calls;
            false where nothing may be made there, which leaves their changes to the next verification.
        organization_role_arn: role in the organisation's management account that may put rules there; None leaves
            changes of SCPs and RCPs to the next verification.
    """

    queue: str = Field(pattern=r"^[A-Za-z0-9_-]{1,45}$")
    region: str = Field(pattern=rf"^{REGION.pattern}$")
    account_id: AccountId | None = None
    kms_key: Annotated[str, BeforeValidator(_own_key)] | None = None
    max_receives: int = Field(default=60, ge=3, le=1000)
    watch_access: bool = True
    organization_role_arn: str | None = Field(
        default=None, pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$"
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


class OperatorSettings(Spec):
    """What only the operator decides.

    Attributes:
        targets: the first rule that matches a stack says where it lives.
        grants: what YAML may touch and pull in beyond a stack's own: by default nothing. One map is a rule for all
            stacks.
        variables: `environment_allowed` in the file: environment variables that YAML may read in any way, each a name,
            whose value is secret then, or `{name: AWS_REGION, secret: false}`.
        components: the kind of a component by name, or `ignore`, before what the YAML says: `{my-kms: kms}`.
        repository: what this repository is called in the marks of all that it makes, so that another one with a stack
            of the same name is told apart; empty for the clone's remote `origin`, written `github.com/acme/infra`.
        seal_key: alias, id or ARN of the KMS key that seals generated values.
        fingerprint_key: alias, id or ARN of the HMAC key of fingerprints.
        seals: `local`, or an S3 bucket.
        leases: where the lease of a stack is, which one run at a time holds: `local`, an S3 bucket or a DynamoDB table.
            A deployment whose storage several hosts share needs one of the latter.
        read_only: refuse every write; `SECRETS_PIPELINE_READ_ONLY=1` does the same.
        database_logins: whether the pipeline can reach the databases and proves each password by a login.
        rotation_preflight: whether function, role and value are looked at before a rotation is switched on; false where
            the pipeline may read neither Lambda nor IAM.
        rds_ca_file: certificate bundle for logging in to RDS; None for the system's.
        permissions_boundary: name of the IAM policy that bounds each role that the pipeline makes, with its path; it
            is looked for in the role's account. None for none.
        access: who else may read, and what an audit may look at.
        verification: when stacks are verified; what it does not say, each stack may.
        events: the queue that brings events; None for none: a sensor then looks for itself, every few minutes.
        alerts: where alerts go.
        apply_on_change: globs on names of stacks that are applied by themselves when their YAML changed; `true` is
            `["*"]`, and the default is none: a change waits for somebody to apply it.
    """

    targets: tuple[TargetRule, ...] = ()
    grants: Annotated[tuple[GrantRule, ...], BeforeValidator(_rules)] = ()
    variables: AllowedVariables = Field(default=(), alias="environment_allowed")
    components: Mapping[str, ComponentKind] = {}
    repository: str = Field(default="", pattern=rf"^({REPOSITORY_ID.pattern})?$")
    seal_key: str = "alias/secrets-pipeline"
    fingerprint_key: str = "alias/secrets-pipeline-fingerprint"
    seals: Annotated[SealSettings, BeforeValidator(_seals)] = SealSettings()
    leases: LeaseSettings = "local"
    database_logins: bool = True
    rotation_preflight: bool = True
    read_only: bool = False
    rds_ca_file: str | None = None
    permissions_boundary: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_+=,.@-]+(/[A-Za-z0-9_+=,.@-]+)*$")
    access: AccessSettings = AccessSettings()
    events: EventSettings | None = None
    alerts: AlertSettings = AlertSettings()
    verification: VerificationSettings = VerificationSettings()
    apply_on_change: Annotated[tuple[str, ...], BeforeValidator(_globs)] = ()

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
