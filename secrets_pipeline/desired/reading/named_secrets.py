"""Find which secrets are meant by references that name one."""

from __future__ import annotations

from collections.abc import Mapping

from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.desired.reading.scope import StackScope
from secrets_pipeline.references.model import Expression
from secrets_pipeline.references.walk import outputs

_NAMES_A_SECRET = frozenset({"secret_arns", "secret_ids", "secret_names"})


def read_secrets(entries: Mapping[str, Expression], stack: StackScope) -> tuple[SecretRef, ...]:
    """The secrets of this stack that the entries name."""
    named = [output for expression in entries.values() for output in outputs(expression)]
    return tuple(
        dict.fromkeys(
            SecretRef(component=output.component, key=str(output.path[1]))
            for output in named
            if output.stack in (None, stack.stack.name)
            and stack.kinds.get(output.component) == "secretsmanager"
            and output.name in _NAMES_A_SECRET
            and output.path[1:]
        )
    )
