"""Define permissions: what each is for, what it is asked of, and what stacks touch in one account. Pure data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

Condition: TypeAlias = Mapping[str, Mapping[str, Any]]
"""The Condition element of a statement."""


class Need(StrEnum):
    """What permissions are for: the rows of the table of rights in docs/security.md."""

    EVERYTHING = "everything"
    PRUNE = "`--prune`, replicas"
    KEYS = "`kms` components, `create_kms_key`"
    ROLES = "roles to assume, in `targets` and for the probe"
    PARAMETERS = "`${ssm:…}`"
    STATES = "`!terraform.state` of a state in S3"
    DATABASES = "databases"
    ROTATION = "rotation"
    ATTACH = "`attach_policies`"
    DELIVERY = "delivery and refresh"
    AUDITS = "audits: who can read"
    EVENTS = "events, also in the region where IAM and Organizations tell of their calls"
    ALERTS = "alerts"
    SEALS = "seals in S3"
    LEASES = "leases in S3"


@dataclass(frozen=True, slots=True)
class Touched:
    """What one role of the pipeline touches; what its stacks do not use is empty.

    Attributes:
        account_id: the role's account, 12 digits; `*` where nobody said it.
        partition: `aws`, `aws-cn`, `aws-us-gov` or `aws-eusc`.
        role_arn: the role, as the operator's settings name it; None for the pipeline's own credentials.
        stacks: names of the stacks that it makes true.
        regions: of those stacks and of their replicas, and of stacks that others refer to.
        boundary: ARN of the policy that bounds each role that is made; None for none.
        fingerprint_key: alias, id or ARN of the key of fingerprints, as the settings name it.
        seal_key: the same of the key that seals.
        arns: kind of thing → ARNs, or patterns of them; a row of the table names kinds.
    """

    account_id: str
    partition: str
    role_arn: str | None
    stacks: tuple[str, ...]
    regions: tuple[str, ...]
    boundary: str | None
    fingerprint_key: str
    seal_key: str
    arns: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Right:
    """A row of the table: actions that are allowed on kinds of things, under a condition.

    Attributes:
        need: what it is for.
        sid: name of the statement.
        on: kinds of things, by their names in `Touched.arns`; a row without any of them is left out.
        reads: actions that a plan or a check needs, with the service once, for example `kms:DescribeKey ListGrants`.
        writes: actions that an apply, or the daemon, needs beyond those.
        condition: the statement's condition.
    """

    need: Need
    sid: str
    on: tuple[str, ...]
    reads: str = ""
    writes: str = ""
    condition: Callable[[Touched], Condition] | None = None

    def actions(self, *, plan_only: bool) -> list[str]:
        """The actions with their services, sorted.

        Args:
            plan_only: whether those of a plan are enough.
        """
        found, service = set[str](), ""
        for word in f"{self.reads} {'' if plan_only else self.writes}".split():
            service, _, name = word.rpartition(":") if ":" in word else (service, "", word)
            found.add(f"{service}:{name}")
        return sorted(found)
