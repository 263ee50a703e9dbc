"""Define the operator's grants: what YAML may touch and pull in beyond its own secrets, keys and outputs."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BeforeValidator, Field, field_validator, model_validator

from secrets_pipeline.desired.base import AssumedRole, Spec
from secrets_pipeline.desired.boundary import Boundary
from secrets_pipeline.desired.stack_globs import matches

_ANYTHING: Final = ("*",)
_WILDCARDS: Final = re.compile(r"[*?]|\[[^]]*\]")
_RUNS_ANYTHING: Final = re.compile(r"(arn:[^/]*/)?AWS-(Run|Apply|Install|Configure|Execute).*", re.IGNORECASE)
"""AWS's documents that run what their parameters say: commands, scripts, playbooks, packages.

https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-command-ssm-plugin-reference.html
"""

_FIELDS: Final[Mapping[Boundary, str]] = {
    Boundary.SECRET: "secrets",
    Boundary.OUTPUT: "outputs",
    Boundary.VALUE: "values",
    Boundary.PARAMETER: "parameters",
    Boundary.FILE: "files",
    Boundary.STATE: "terraform_states",
    Boundary.FOREIGN_READER: "readers",
    Boundary.FUNCTION: "functions",
    Boundary.SERVICE: "services",
    Boundary.STAGE: "stages",
    Boundary.ROLE: "roles",
    Boundary.DATABASE: "databases",
    Boundary.DOCUMENT: "documents",
    Boundary.HOST: "hosts",
    Boundary.REGION: "regions",
    Boundary.REPLICA: "replicas",
}
_SINGLE_TEAM: Final = frozenset(_FIELDS) - {
    Boundary.VALUE,
    Boundary.STATE,
    Boundary.FOREIGN_READER,
    Boundary.DOCUMENT,
    Boundary.HOST,
    Boundary.REPLICA,
}
"""All that one team's stacks need of each other: never values, readers or replicas elsewhere, commands or hosts.

Nor states: a bucket, or a folder of local states, may hold those of every stack, and a backend names a role to assume.
"""


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, str | Mapping) else value


Globs: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(_one_or_many)]


class DocumentGrant(Spec):
    """An SSM document that may be run to start consumers anew."""

    name: str = Field(pattern=r"^[^*?\[\]]+$", description="Name of the document, or its ARN; no glob.")
    targets: Mapping[str, Globs] = Field(
        description="On which instances at most, as SendCommand takes them; a stack names every key of it."
    )
    parameters: Mapping[str, Globs] = Field(
        default={}, description="All parameters of the command; a stack says the same."
    )

    @field_validator("name")
    @classmethod
    def _fixed(cls, name: str) -> str:
        if runs_anything(name):
            problem = "it runs whatever its parameters say; grant a document of your own that restarts, and no more"
            raise ValueError(problem)
        return name

    def covers(self, name: str, targets: Mapping[str, Iterable[str]], parameters: Mapping[str, Iterable[str]]) -> bool:
        """Whether a command is this document, on these instances at most, with these parameters."""
        # An instance has to match every key: one that is left out lets more of them match.
        said = {key: set(values) for key, values in targets.items()}
        within = said.keys() == self.targets.keys() and all(
            values and values <= set(self.targets[key]) for key, values in said.items()
        )
        given = {key: tuple(values) for key, values in parameters.items()}
        return name == self.name and bool(said) and within and given == dict(self.parameters)


class StateGrant(AssumedRole):
    """Terraform states in one bucket, and the role that reads them."""

    bucket: str = Field(pattern=r"^[^*?\[\]/]+$", description="Name of the bucket, as the backend says it; no glob.")
    role_arn: str | None = Field(
        default=None,
        description="The role that the backend names (`assume_role.role_arn`, else `role_arn`). Leave it out if the "
        "backend names none: then the credentials of the stack read the state.",
    )
    keys: Globs = Field(
        default=_ANYTHING,
        description="Globs on the keys of states in the bucket. `*` also matches `/`. Name the keys if the bucket "
        "holds states of other teams.",
    )

    def covers(self, bucket: str, key: str, role_arn: str | None) -> bool:
        """Whether a state is one of these, read under this role."""
        named = (bucket, role_arn) == (self.bucket, self.role_arn)
        return named and any(fnmatch.fnmatchcase(key, glob) for glob in self.keys)


class GrantRule(Spec):
    """What the stacks that match a glob may touch and pull in; the rules that match a stack add up.

    All lists are globs, in which `*` also stands for `/`.
    """

    stacks: str = Field(default="*", description="Glob on the stack's name.")
    preset: Literal["single-team"] | None = Field(
        default=None,
        description=(
            "`single-team` grants everything here but values, Terraform states, in S3 or local, readers, replicas, "
            "documents and hosts: for a repository whose authors may touch whatever its account holds."
        ),
    )
    secrets: Globs = Field(
        default=(),
        description=(
            "Names of secrets that they may declare beside `{context}/{environment}/…`, both being words of the "
            "stack's name."
        ),
    )
    outputs: Globs = Field(default=(), description="Stacks whose outputs they may refer to.")
    values: Globs = Field(
        default=(),
        description="Stacks whose secret values they may copy. Both sides are named: neither glob may be `*` alone.",
    )
    parameters: Globs = Field(default=(), description="SSM parameters that `${ssm:…}` may read.")
    files: Globs = Field(
        default=(),
        description=(
            "Files, relative to the base path, that `${file:…}` may read, and local states that `!terraform.state` may "
            "read: each state needs a glob here, because `preset` does not grant states. `!include` needs no grant: it "
            "is part of reading the YAML."
        ),
    )
    terraform_states: tuple[StateGrant, ...] = Field(
        default=(),
        description="Terraform states in S3 that `!terraform.state` and `!terraform.output` may read outputs of.",
    )
    readers: Globs = Field(
        default=(),
        description=(
            "Account ids whose principals they may let read, or ids of organisations; `*` is everybody whom a "
            "condition narrows."
        ),
    )
    replicas: Globs = Field(
        default=(),
        description=(
            "Account ids that may hold a copy of their secrets by cross-account replication; elsewhere such a copy is "
            "an error of `nobody_else_can_read`. The pipeline makes none."
        ),
    )
    functions: Globs = Field(
        default=(),
        description="Lambda functions that are delivered to, started anew, or named as the one that rotates.",
    )
    services: Globs = Field(
        default=(), description="ECS services that are delivered to or started anew, as `cluster/service`."
    )
    stages: Globs = Field(default=(), description="Stages of REST APIs that are delivered to, as `api/stage`.")
    roles: Globs = Field(default=(), description="IAM roles, as `path/name`, that `attach_policies` may give a policy.")
    databases: Globs = Field(
        default=(),
        description="Identifiers of databases that somebody else made and that they may set the master password of.",
    )
    regions: Globs = Field(
        default=(),
        description=(
            "AWS regions that their secrets may be replicated to, beside the one that `targets` says. Where `targets` "
            "names no region, they may choose any."
        ),
    )
    hosts: Globs = Field(
        default=(),
        description=(
            "Database hosts, as `host` or `host:port`, that the pipeline may log in to with the passwords of their "
            "secrets. The databases of a stack's `rds` components need no grant."
        ),
    )
    documents: tuple[DocumentGrant, ...] = Field(default=(), description="SSM documents that they may run.")

    @field_validator("hosts")
    @classmethod
    def _plain(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(host.lower() for host in hosts)

    @model_validator(mode="after")
    def _names_both(self) -> GrantRule:
        for glob in (self.stacks, *self.values) if self.values else ():
            if not _WILDCARDS.sub("", glob):
                problem = f"values goes with names on both sides: neither stacks nor values may be {glob!r} alone"
                raise ValueError(problem)
        return self

    def matches(self, stack: str) -> bool:
        """Whether the rule is for `stack`."""
        return matches(stack, self.stacks)

    def globs(self, boundary: Boundary) -> tuple[str, ...]:
        """What the rule lets its stacks cross at a boundary."""
        if self.preset and boundary in _SINGLE_TEAM:
            return _ANYTHING
        named: tuple[str, ...] = getattr(self, _FIELDS[boundary]) if boundary in _FIELDS else ()
        return named

    def __str__(self) -> str:
        return f"grants: stacks {self.stacks}"


def granted(rules: Iterable[GrantRule], stack: str, boundary: Boundary, *names: str) -> str:
    """Which rule lets a stack cross a boundary, as text; empty if none does.

    Args:
        rules: the operator's.
        stack: its name.
        boundary: any but `DOCUMENT` and `STATE`.
        names: what the thing is called; a glob on one of them is enough.
    """
    rule = next(
        (
            rule
            for rule in rules
            if rule.matches(stack)
            and any(fnmatch.fnmatchcase(name, glob) for glob in rule.globs(boundary) for name in names)
        ),
        None,
    )
    return "" if rule is None else str(rule)


def granted_document(
    rules: Iterable[GrantRule],
    stack: str,
    name: str,
    targets: Mapping[str, Iterable[str]],
    parameters: Mapping[str, Iterable[str]],
) -> str:
    """Which rule lets a stack run an SSM document, as text; empty if none does."""
    rule = next(
        (
            rule
            for rule in rules
            if rule.matches(stack) and any(one.covers(name, targets, parameters) for one in rule.documents)
        ),
        None,
    )
    return "" if rule is None else str(rule)


def granted_state(
    rules: Iterable[GrantRule], stack: str, bucket: str, key: str, role_arn: str | None
) -> tuple[str, StateGrant | None]:
    """Which rule lets a stack read a Terraform state, as text, and its grant; empty and None if none does."""
    found = (
        (str(rule), one)
        for rule in rules
        if rule.matches(stack)
        for one in rule.terraform_states
        if one.covers(bucket, key, role_arn)
    )
    return next(found, ("", None))


def granted_local_state(rules: Iterable[GrantRule], stack: str, path: str) -> str:
    """Which rule lets a stack read a local Terraform state, as text; empty if none does.

    A preset lets none: a workspace may be another stack's, and git need not track a state.
    """
    found = (rule for rule in rules if rule.matches(stack))
    rule = next((one for one in found if any(fnmatch.fnmatchcase(path, glob) for glob in one.files)), None)
    return "" if rule is None else str(rule)


def runs_anything(document: str) -> bool:
    """Whether an SSM document is one of AWS's that run whatever their parameters say."""
    return _RUNS_ANYTHING.fullmatch(document) is not None


def grant_line(stack: str, boundary: Boundary, name: object) -> str:
    """What the operator writes under `grants:` to allow it, as one line of YAML.

    Args:
        stack: its name.
        boundary: what is crossed.
        name: what to name there, text or a map. Escape a name that YAML chooses (`glob.escape`): it is read as a glob.
    """
    return f"- {{stacks: {json.dumps(stack)}, {_FIELDS[boundary]}: [{json.dumps(name, ensure_ascii=False)}]}}"
