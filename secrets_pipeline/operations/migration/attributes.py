"""Say what is kept of a resource's attributes: few, by name; values are wrapped at once, all else is dropped.

A state holds plaintext: Terraform keeps every attribute, sensitive ones too. So this is a list of what may be kept,
never of what may not: an attribute that a later provider adds is dropped.
Sources: `internal/service/secretsmanager`, `ssm` and `kms` of hashicorp/terraform-provider-aws (schemas of resources),
docs/resources/password.md of hashicorp/terraform-provider-random, and
https://developer.hashicorp.com/terraform/language/manage-sensitive-data
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import SecretStr

SECRET: Final = "aws_secretsmanager_secret"  # noqa: S105 - the name of a type
VERSION: Final = "aws_secretsmanager_secret_version"
POLICY: Final = "aws_secretsmanager_secret_policy"
ROTATION: Final = "aws_secretsmanager_secret_rotation"
PARAMETER: Final = "aws_ssm_parameter"
KEY: Final = "aws_kms_key"
ALIAS: Final = "aws_kms_alias"
RANDOM: Final = ("random_password", "random_string")

_CHARACTERS = ("length", "special", "override_special", "lower", "upper", "numeric", "number")
_MINIMA = ("min_lower", "min_upper", "min_numeric", "min_special")
_TURNING = ("rotation_enabled", "rotation_lambda_arn", "rotation_rules")
_PUBLIC: Final[Mapping[str, tuple[str, ...]]] = {
    SECRET: (
        *("arn", "id", "name", "description", "kms_key_id", "recovery_window_in_days", "policy", "replica"),
        *("tags", "tags_all", "type", "force_overwrite_replica_secret"),
        # Providers before version 5 kept rotation here.
        *_TURNING,
    ),
    VERSION: ("secret_id", "version_stages", "has_secret_string_wo", "secret_string_wo_version"),
    POLICY: ("secret_arn", "policy"),
    ROTATION: ("secret_id", *_TURNING),
    PARAMETER: ("arn", "name", "type", "key_id", "description", "tags", "tags_all", "has_value_wo"),
    KEY: ("arn", "key_id"),
    ALIAS: ("arn", "name", "target_key_arn", "target_key_id"),
    **dict.fromkeys(RANDOM, (*_CHARACTERS, *_MINIMA)),
}
_VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    VERSION: ("secret_string", "secret_binary"),
    PARAMETER: ("value",),
    **dict.fromkeys(RANDOM, ("result",)),
}
"""Attributes that are values: wrapped, compared, never shown."""
_KNOWN_KEYS = frozenset(
    {
        "username",
        "password",
        "engine",
        "host",
        "port",
        "dbname",
        "dbInstanceIdentifier",
        "dbClusterIdentifier",
        "masterarn",
    }
)
"""Keys that AWS's rotation templates read; the author's own may say anything.

Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html
"""


@dataclass(frozen=True, slots=True)
class HeldValue:
    """A value in memory, to be compared with others.

    Attributes:
        text: the whole of it.
        leaves: where it is a JSON object, its texts, each with its key if that is one of AWS's.
        is_document: whether it is a JSON object.
    """

    text: SecretStr
    leaves: tuple[tuple[str, SecretStr], ...] = ()
    is_document: bool = False


@dataclass(frozen=True, slots=True)
class Attributes:
    """What is kept of one instance.

    Attributes:
        public: by name, never null; nothing that Terraform marks as sensitive.
        values: the held ones, by name.
        withheld: kept attributes that Terraform marks as sensitive: they have a value, which is dropped.
    """

    public: Mapping[str, Any]
    values: Mapping[str, HeldValue]
    withheld: frozenset[str]

    def text(self, name: str) -> str:
        """A text; empty where there is none."""
        found = self.public.get(name)
        return found if isinstance(found, str) else ""

    def number(self, name: str) -> int | None:
        """A whole number; None where there is none."""
        found = self.public.get(name)
        return found if isinstance(found, int) and not isinstance(found, bool) else None

    def texts(self, name: str) -> dict[str, str]:
        """A map of texts; empty where there is none."""
        found = self.public.get(name)
        return {key: one for key, one in found.items() if isinstance(one, str)} if isinstance(found, dict) else {}

    def listed(self, name: str) -> list[Any]:
        """A list, or a set; empty where there is none."""
        found = self.public.get(name)
        return found if isinstance(found, list) else []

    def maps(self, name: str) -> list[Mapping[str, Any]]:
        """A list, or a set, of maps; empty where there is none."""
        return [one for one in self.listed(name) if isinstance(one, dict)]


def kept(kind: str, attributes: Mapping[str, Any], sensitive: frozenset[str]) -> Attributes:
    """What is kept of an instance's attributes.

    Args:
        kind: type of the resource.
        attributes: all of them.
        sensitive: names of those that Terraform marks as sensitive, whole or in part.
    """
    given = {name: attributes[name] for name in _PUBLIC.get(kind, ()) if attributes.get(name) is not None}
    return Attributes(
        public={name: one for name, one in given.items() if name not in sensitive},
        values={
            name: held(attributes[name])
            for name in _VALUES.get(kind, ())
            if isinstance(attributes.get(name), str) and attributes[name]
        },
        withheld=frozenset(given) & sensitive,
    )


def held(value: str) -> HeldValue:
    """Wrap a value, and the texts in it where it is a JSON object."""
    document: Any = None
    if value.lstrip().startswith("{"):
        try:
            document = json.loads(value)
        except (ValueError, RecursionError):
            document = None
    if not isinstance(document, dict):
        return HeldValue(SecretStr(value))
    leaves = tuple(
        (key if key in _KNOWN_KEYS else "", SecretStr(one)) for key, below in document.items() for one in _texts(below)
    )
    return HeldValue(SecretStr(value), leaves, is_document=True)


def _texts(tree: object) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, (dict, list)):
        for below in tree.values() if isinstance(tree, dict) else tree:
            yield from _texts(below)
