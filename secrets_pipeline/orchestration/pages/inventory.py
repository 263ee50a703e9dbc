"""List the secrets of a stack: what is declared of each, and what AWS shows of it, in a line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from secrets_pipeline.engine.grouping import with_examples
from secrets_pipeline.reconcilers.secret_rotation.ages import RotationAge, on_day, rotation_ages

if TYPE_CHECKING:
    from secrets_pipeline.desired.secret.model import SecretSpec
    from secrets_pipeline.reconcilers.stack import Stack


@dataclass(frozen=True, slots=True)
class InventoryLine:
    """One secret, for a human.

    Attributes:
        secret: its name.
        type: what it holds, and where its value comes from.
        key: alias of the KMS key, without `alias/`, or how the YAML names it.
        rotation: whether it rotates; when it did, and when it does next.
        readers: its consumers and further readers.
        replicas: regions, comma separated; empty for none.
    """

    secret: str
    type: str
    key: str
    rotation: str
    readers: str
    replicas: str

    def __str__(self) -> str:
        replicas = f"; replicas in {self.replicas}" if self.replicas else ""
        return f"{self.secret} ({self.type}): {self.rotation}; read by {self.readers}; key {self.key}{replicas}"


def inventory(stack: Stack) -> list[InventoryLine]:
    """List a stack's secrets by name.

    Raises:
        AwsError: if AWS does not list them; nothing was written by then.
    """
    ages = {one.name: one for one in rotation_ages(stack)}
    return sorted((_line(stack, secret, ages.get(secret.name)) for secret in stack.spec.secrets), key=_by_name)


_DEFAULT_KEY = "alias/aws/secretsmanager"


def _by_name(line: InventoryLine) -> str:
    return line.secret


def _line(stack: Stack, secret: SecretSpec, age: RotationAge | None) -> InventoryLine:
    own = stack.spec.key_of(secret)
    named = own.alias if own else str(secret.kms_key) if secret.kms_key else _DEFAULT_KEY
    consumers = [one.name for one in stack.spec.consumers if secret.ref in one.secrets]
    regions = [one.region for one in secret.replicas]
    return InventoryLine(
        secret=secret.name,
        type=f"{secret.type.value}, {secret.value.kind}",
        key=named.removeprefix("alias/"),
        rotation=_rotation(secret, age),
        readers=with_examples(list(dict.fromkeys([*consumers, *secret.readers]))) or "nobody",
        replicas=", ".join(regions),
    )


def _rotation(secret: SecretSpec, age: RotationAge | None) -> str:
    if age is not None:
        return f"rotates {age.rules}, last {on_day(age.last)}, next by {on_day(age.due)}"
    return "does not rotate yet" if secret.rotation else "does not rotate"
