"""Hold a stack that commands may show but not apply: a grant is missing, or an import is not read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from secrets_pipeline.desired.boundary import Crossing
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.errors import NotGrantedError, raise_all


@dataclass(frozen=True, slots=True)
class ShownStack:
    """A stack whose only errors are missing grants, and imports that are not read.

    It is no `StackSpec`, so that whatever takes one to ask AWS cannot be given it by mistake.

    Attributes:
        declared: what is known of what its YAML asks for, for display alone; crossings with `needs_grant` are the
            missing grants.
    """

    declared: StackSpec


def missing_grants(spec: StackSpec) -> Sequence[Crossing]:
    """Return the crossings of a stack that need a grant.

    Args:
        spec: of any stack; one that AWS may be asked for has none.
    """
    return [one for one in spec.crossings if one.needs_grant]


def refuse_ungranted(spec: StackSpec) -> None:
    """Refuse to ask AWS for a stack that needs a grant.

    Raises:
        NotGrantedError: for the one grant that is missing, else `CollectedErrors` of all.
    """
    raise_all(
        [
            NotGrantedError(
                f"stack {spec.stack}: no grant of the operator names {one.boundary} {one.name}",
                remedy="Let the operator write under grants:",
                line=one.needs_grant,
            )
            for one in missing_grants(spec)
        ]
    )
