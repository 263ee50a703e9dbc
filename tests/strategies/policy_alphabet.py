"""The small alphabets of policies: few accounts, principals, actions, resources and keys, so that they meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from secrets_pipeline.access.evaluator import Layer, PrincipalKind

HOME, AWAY = "111122223333", "444455556666"


@dataclass(frozen=True, slots=True)
class Somebody:
    """A principal.

    Attributes:
        arn: as `Caller` wants it.
        spoken: as the request has it: for a role, the ARN of the session.
    """

    arn: str
    spoken: str
    account_id: str
    kind: PrincipalKind
    session: str | None = None


@dataclass(frozen=True, slots=True)
class Thing:
    """A resource, with the actions on it."""

    layer: Layer
    arns: tuple[str, ...] = field(repr=False)
    actions: tuple[str, ...] = field(repr=False)
    action_patterns: tuple[str, ...] = field(repr=False)
    resource_patterns: tuple[str, ...] = field(repr=False)
    keys: Mapping[str, tuple[str, ...]] = field(repr=False)


def _role(account: str, name: str, session: str) -> Somebody:
    spoken = f"arn:aws:sts::{account}:assumed-role/{name}/{session}"
    return Somebody(f"arn:aws:iam::{account}:role/{name}", spoken, account, PrincipalKind.ROLE, session)


def _user(account: str, name: str) -> Somebody:
    arn = f"arn:aws:iam::{account}:user/{name}"
    return Somebody(arn, arn, account, PrincipalKind.USER)


def _root(account: str) -> Somebody:
    arn = f"arn:aws:iam::{account}:root"
    return Somebody(arn, arn, account, PrincipalKind.ROOT)


_FEDERATED_USER: Final = f"arn:aws:sts::{HOME}:federated-user/guest"
PROVIDER: Final = f"arn:aws:iam::{HOME}:oidc-provider/oidc.eks.eu-west-2.amazonaws.com/id/EXAMPLE"
SERVICE: Final = "lambda.amazonaws.com"

PEOPLE: Final[tuple[Somebody, ...]] = (
    _role(HOME, "orders", "one"),
    _role(HOME, "orders", "two"),
    _role(HOME, "reports", "one"),
    _role(AWAY, "orders", "one"),
    _user(HOME, "ana"),
    _user(AWAY, "ana"),
    _root(HOME),
    _root(AWAY),
    Somebody(_FEDERATED_USER, _FEDERATED_USER, HOME, PrincipalKind.FEDERATED_USER),
    Somebody(SERVICE, SERVICE, "", PrincipalKind.SERVICE),
)
ASSUMING: Final = tuple(
    one for one in PEOPLE if one.kind in (PrincipalKind.ROLE, PrincipalKind.USER, PrincipalKind.SERVICE)
)
"""Who may call AssumeRole: root users and users with a federation token may not."""
IDENTITY_PROVIDER: Final = Somebody(PROVIDER, PROVIDER, "", PrincipalKind.IDENTITY_PROVIDER)

PRINCIPALS: Final[tuple[Any, ...]] = (
    "*",
    {"AWS": "*"},
    {"AWS": HOME},
    {"AWS": AWAY},
    {"AWS": f"arn:aws:iam::{HOME}:root"},
    {"AWS": f"arn:aws:iam::{AWAY}:root"},
    {"AWS": f"arn:aws:iam::{HOME}:role/orders"},
    {"AWS": f"arn:aws:iam::{AWAY}:role/orders"},
    {"AWS": f"arn:aws:sts::{HOME}:assumed-role/orders/one"},
    {"AWS": [f"arn:aws:sts::{AWAY}:assumed-role/orders/one", f"arn:aws:iam::{HOME}:user/ana"]},
    {"AWS": [f"arn:aws:iam::{HOME}:user/ana", f"arn:aws:iam::{AWAY}:user/ana"]},
    {"AWS": _FEDERATED_USER},
    {"Service": SERVICE},
    {"Service": ["ecs-tasks.amazonaws.com", SERVICE], "AWS": f"arn:aws:iam::{HOME}:role/reports"},
    {"Federated": PROVIDER},
)
EXCEPTED: Final[tuple[Any, ...]] = (
    {"AWS": [f"arn:aws:iam::{HOME}:root", f"arn:aws:iam::{HOME}:user/ana"]},
    {"AWS": [HOME, f"arn:aws:iam::{HOME}:role/orders", f"arn:aws:sts::{HOME}:assumed-role/orders/one"]},
    {"AWS": [AWAY, f"arn:aws:iam::{AWAY}:role/orders", f"arn:aws:sts::{AWAY}:assumed-role/orders/one"]},
    {"AWS": f"arn:aws:iam::{HOME}:user/ana"},
    {"AWS": [f"arn:aws:iam::{HOME}:role/orders", f"arn:aws:iam::{HOME}:root"]},
    {"AWS": HOME},
    {"Service": SERVICE},
)

SECRET: Final = Thing(
    Layer.SECRET_POLICY,
    (
        f"arn:aws:secretsmanager:eu-west-2:{HOME}:secret:app/red-AbCdEf",
        f"arn:aws:secretsmanager:eu-west-2:{HOME}:secret:app/blue/db-GhIjKl",
    ),
    ("secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"),
    ("*", "secretsmanager:*", "secretsmanager:Get*", "secretsmanager:GetSecretValue", "SecretsManager:getsecretvalue",
     "secretsmanager:?etSecretValue", "secretsmanager:PutSecretValue", "secretsmanager:*Value", "kms:*"),
    (
        "*",
        "arn:aws:secretsmanager:*:*:secret:*",
        f"arn:aws:secretsmanager:eu-west-2:{HOME}:secret:app/red-AbCdEf",
        f"arn:aws:secretsmanager:eu-west-2:{HOME}:secret:app/red-??????",
        f"arn:aws:secretsmanager:eu-west-2:{HOME}:secret:app/*",
        f"arn:aws:secretsmanager:eu-west-2:{HOME}:secret:app/*/db-*",
        f"arn:aws:secretsmanager:*:{AWAY}:secret:*",
        f"arn:aws:secretsmanager:eu-*-2:{HOME}:secret:*red*",
        f"arn:aws:secretsmanager:eu-west-2:{HOME}:secret:app/${{aws:PrincipalTag/team}}-*",
        f"arn:aws:secretsmanager:eu-west-2:{HOME}:secret:app/${{aws:PrincipalTag/team, 'red'}}-??????",
        f"arn:aws:secretsmanager:eu-west-2:{HOME}:secret:app/${{*}}",
    ),
    {"secretsmanager:VersionStage": ("AWSCURRENT", "AWSPENDING"), "aws:ResourceTag/team": ("red", "blue")},
)  # fmt: skip
KEY: Final = Thing(
    Layer.KEY_POLICY,
    (
        f"arn:aws:kms:eu-west-2:{HOME}:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        f"arn:aws:kms:eu-west-2:{HOME}:key/0987dcba-09fe-87dc-65ba-ab0987654321",
    ),
    ("kms:Decrypt", "kms:GenerateDataKey"),
    ("*", "kms:*", "kms:Decrypt", "KMS:decrypt", "kms:De*", "kms:GenerateDataKey", "kms:Generate*", "secretsmanager:*"),
    (
        "*",
        f"arn:aws:kms:eu-west-2:{HOME}:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        f"arn:aws:kms:*:{HOME}:key/*",
        f"arn:aws:kms:*:{AWAY}:key/*",
        f"arn:aws:kms:eu-west-2:{HOME}:key/????abcd-*",
        f"arn:aws:kms:eu-west-2:{HOME}:key/${{aws:PrincipalTag/team}}*",
    ),
    {
        "kms:ViaService": ("secretsmanager.eu-west-2.amazonaws.com", "rds.eu-west-2.amazonaws.com"),
        "kms:CallerAccount": (HOME, AWAY),
        "kms:EncryptionContext:SecretARN": SECRET.arns,
    },
)
ROLE: Final = Thing(
    Layer.TRUST_POLICY,
    (f"arn:aws:iam::{HOME}:role/orders", f"arn:aws:iam::{HOME}:role/reports"),
    ("sts:AssumeRole", "sts:TagSession"),
    ("*", "sts:*", "sts:AssumeRole", "sts:Assume*", "STS:assumerole", "sts:TagSession"),
    (
        "*",
        f"arn:aws:iam::{HOME}:role/orders",
        f"arn:aws:iam::{HOME}:role/*",
        f"arn:aws:iam::{HOME}:role/${{aws:PrincipalTag/team}}",
    ),
    {"sts:ExternalId": ("red", "blue"), "sts:RoleSessionName": ("one", "two")},
)
THINGS: Final = (SECRET, SECRET, KEY, ROLE)

_TAGS: Final = ("red", "blue", "Red", "")
PATTERNS: Final = ("red", "blue", "RED", "r*", "?ed", "*", "", "b?ue*", "${aws:PrincipalTag/team}", "${*}",
                    "${aws:PrincipalTag/team, 'red'}")  # fmt: skip
_NUMBERS: Final = ("0", "5", "5.0", "10", "-1", "3600")
_DATES: Final = ("2026-01-01T00:00:00Z", "2026-06-01T12:00:00Z", "2026-06-01T12:00:00.000Z", "2027-01-01T00:00:00Z")
_NETWORKS: Final = ("203.0.113.0/24", "203.0.113.7", "203.0.113.7/32", "0.0.0.0/0", "198.51.100.0/25",
                    "2001:db8::/32", "2001:DB8:0:0::1/128")  # fmt: skip
_ADDRESSES: Final = ("203.0.113.7", "198.51.100.200", "2001:db8::1")
_ARNS: Final = (f"arn:aws:lambda:eu-west-2:{HOME}:function:red", f"arn:aws:lambda:eu-west-2:{AWAY}:function:blue")
_ARN_PATTERNS: Final = (*_ARNS, "arn:aws:lambda:*:*:function:*", f"arn:aws:*:*:{HOME}:*",
                        "arn:aws:lambda:eu-west-?:*:*red",
                        f"arn:aws:lambda:eu-west-2:{HOME}:function:${{aws:PrincipalTag/team}}")  # fmt: skip
_BINARY: Final = ("QmluYXJ5", "AAEC")
BOOLEANS: Final = ("true", "false")


@dataclass(frozen=True, slots=True)
class Family:
    """Operators with the keys that they compare.

    Attributes:
        keys: key → values that a request may have.
        wanted: values that a policy may have; empty for those of the key.
        several: keys with more than one value.
    """

    operators: tuple[str, ...]
    keys: Mapping[str, tuple[str, ...]]
    wanted: tuple[str, ...] = ()
    several: frozenset[str] = frozenset()


def _orders(kind: str) -> tuple[str, ...]:
    endings = ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
    return tuple(kind + ending for ending in endings)


FAMILIES: Final = (
    Family(
        ("StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike",
         "StringNotLike"),
        {"aws:PrincipalTag/team": _TAGS, "aws:PrincipalOrgID": ("o-red", "blue"), "aws:TagKeys": ("red", "blue", "Red"),
         "aws:PrincipalOrgPaths": ("red", "blue/")},
        PATTERNS,
        frozenset({"aws:TagKeys", "aws:PrincipalOrgPaths"}),
    ),
    Family(_orders("Numeric"), {"aws:MultiFactorAuthAge": _NUMBERS}),
    Family(_orders("Date"), {"aws:CurrentTime": _DATES, "aws:TokenIssueTime": _DATES}),
    Family(("Bool",), {"aws:SecureTransport": BOOLEANS, "aws:MultiFactorAuthPresent": BOOLEANS}),
    Family(("BinaryEquals",), {"aws:PrincipalTag/blob": _BINARY}),
    Family(("IpAddress", "NotIpAddress"), {"aws:SourceIp": _ADDRESSES}, _NETWORKS),
    Family(("ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike"), {"aws:SourceArn": _ARNS}, _ARN_PATTERNS),
)  # fmt: skip
STRINGS: Final = FAMILIES[0]
SEVERAL: Final = STRINGS.several
"""Keys with several values."""
