"""Build the desired state of one stack, as `build_specs` does that of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secrets_pipeline.desired.atmos_secrets.components import with_declared
from secrets_pipeline.desired.build import build_stack, locating
from secrets_pipeline.desired.reading.interpolation import dialect_of
from secrets_pipeline.desired.reading.ours import our_components
from secrets_pipeline.desired.reading.scope import Locate, StackScope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from secrets_pipeline.desired.settings.operator import OperatorSettings
    from secrets_pipeline.desired.stack import StackSpec
    from secrets_pipeline.stacks import AtmosStack


def build_spec(
    stack: AtmosStack, locate: Locate, settings: OperatorSettings, *, stacks: Mapping[str, AtmosStack] | None = None
) -> StackSpec:
    """Of a stack as resolved; without `stacks` it knows no others."""
    seen = with_declared(stacks or {stack.name: stack}, settings)
    dialect = dialect_of(seen, settings)
    ours = our_components(seen, dialect.reads, settings)
    return build_stack(
        StackScope(
            stack=seen[stack.name],
            locate=locating(locate),
            settings=settings,
            base_path=None,
            environment={},
            stacks=seen,
            ours=ours,
            dialect=dialect,
        )
    )
