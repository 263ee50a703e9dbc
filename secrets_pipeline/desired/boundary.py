"""Define what a stack takes in or writes to beyond its own secrets, keys and outputs."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from secrets_pipeline.desired.base import Spec


class Boundary(StrEnum):
    """The kind of thing that is not the stack's own."""

    SECRET = "secret name"  # noqa: S105 - a kind, no password
    OUTPUT = "output of another stack"
    VALUE = "value of another stack"
    PARAMETER = "SSM parameter"
    FILE = "file"
    STATE = "Terraform state"
    ENVIRONMENT = "environment variable"
    READER = "reader"
    """In the stack's own account: it crosses nothing, and a plan says it if it gains read access."""
    FOREIGN_READER = "reader in another account"
    FUNCTION = "Lambda function"
    SERVICE = "ECS service"
    STAGE = "API stage"
    ROLE = "role"
    DATABASE = "database"
    DOCUMENT = "SSM document"
    HOST = "database host"
    REGION = "region"
    REPLICA = "replica in another account"


TAGGED: Final = frozenset({Boundary.FUNCTION, Boundary.SERVICE, Boundary.STAGE, Boundary.ROLE, Boundary.DATABASE})
"""What is written to: whoever owns it may let a stack in by a tag, where the operator's grants do not."""

TAKEN_IN: Final = frozenset(
    {
        Boundary.OUTPUT,
        Boundary.VALUE,
        Boundary.PARAMETER,
        Boundary.FILE,
        Boundary.STATE,
        Boundary.ENVIRONMENT,
    }
)
"""What comes into the stack; all else goes out of it."""

ALLOW_TAG: Final = "secrets-pipeline:allow"
"""Its value is names of stacks, with blanks between them; `+` stands for any text.

AWS's tags hold no `*`, and no stack's name holds a `+`.
Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_Tag.html (Value)
"""


class Crossing(Spec):
    """One thing beyond a stack's own that its YAML takes in or writes to.

    Attributes:
        boundary: its kind.
        name: what it is, for example `app-prod:secretsmanager/a.secret_values.s`, `/shared/token`, `payments`.
        component: the component that says so; empty for a file that a manifest includes.
        key: dotted path inside the component; for such a file, the manifest.
        subjects: the secrets or the key that it concerns, by name; none where the whole component does.
        allowed_by: what lets the stack do it, for example `grants: stacks myapp-*`; empty where nobody does but,
            perhaps, the tag of its owner.
        needs_grant: the line of YAML under `grants:` without which the stack is refused; empty if nothing is missing
            that only the operator can give.
    """

    boundary: Boundary
    name: str
    component: str
    key: str
    subjects: tuple[str, ...] = ()
    allowed_by: str = ""
    needs_grant: str = ""


class ContestedKind(StrEnum):
    """What a name that two stacks declare is a name of."""

    SECRET = "secret"  # noqa: S105 - a kind, no password
    DATABASE = "database"
    FUNCTION = "rotation function"
    KEY = "KMS key"


class Contested(Spec):
    """A name that another stack of the repository declares too, or that begins as another stack's own names do.

    The stack that AWS has it of goes on with it.

    Attributes:
        kind: what it names.
        name: the secret's name, the database's identifier, the function's name or the key's alias.
        stacks: the other stacks that declare it.
        owners: the stacks that it is named after; one that is alone may make it while AWS has none.
        where: text that names the place in YAML.
        account_id: where the others are; None where nobody knows it yet.
    """

    kind: ContestedKind
    name: str
    stacks: tuple[str, ...]
    owners: tuple[str, ...] = ()
    where: str
    account_id: str | None = None


def allows(tag: str, stack: str) -> bool:
    """Whether the value of an owner's tag `secrets-pipeline:allow` lets a stack in."""
    patterns = (".*".join(map(re.escape, one.split("+"))) for one in tag.split())
    return any(re.fullmatch(pattern, stack) for pattern in patterns)
