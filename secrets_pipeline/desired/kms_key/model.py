"""Define the desired state of a KMS key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import PlainSerializer

from secrets_pipeline.desired.base import DocumentTree, Spec, plain_document
from secrets_pipeline.references.model import Output


class KeySpec(Spec):
    """A KMS key with its alias, and its policy.

    Attributes:
        components: a `kms` component, or the `secretsmanager` components that share it through `create_kms_key`.
        alias: `alias/…`, unique in account and region; the key is found by it.
        deletion_window_in_days: 7 to 30.
        rotation_period_in_days: 90 to 2560, or None for AWS's default of 365.
        policy: further statements of the key policy, as a list.
        readers: principals of other accounts that decrypt secrets under this key, as ARNs.
        create: whether `create: true` says that it is made here: one that somebody else made is in the way.
    """

    components: tuple[str, ...]
    alias: str
    description: str = ""
    enable_key_rotation: bool = True
    rotation_period_in_days: int | None = None
    deletion_window_in_days: int = 30
    tags: Mapping[str, str] = {}
    policy: Annotated[tuple[DocumentTree, ...], PlainSerializer(plain_document)] = ()
    readers: tuple[str, ...] = ()
    create: bool = False


@dataclass(frozen=True, slots=True)
class TerraformKey:
    """A key that a `kms` component declares with which no secret has to do: Terraform's to make, and to delete.

    Attributes:
        stack: the component's.
        component: its name.
        alias: `alias/…`; None where only Terraform knows it.
    """

    stack: str
    component: str
    alias: str | None


def own_key(keys: Iterable[KeySpec], named: object, stack: str) -> KeySpec | None:
    """The key among a stack's own that an alias or an output names; None for the default key, and for others' keys.

    Args:
        keys: of the stack.
        named: as a secret names it.
        stack: name of the stack.
    """
    match named:
        case str(alias):
            return next((key for key in keys if key.alias == alias), None)
        case Output(component=component, stack=where) if where in (None, stack):
            return next((key for key in keys if component in key.components), None)
        case _:
            return None
