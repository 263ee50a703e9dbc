"""Hold a component between the merge and its templates and functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from secrets_pipeline.errors import StackError
from secrets_pipeline.stacks.components.deferred import Deferred, Path
from secrets_pipeline.stacks.merge import Section


class Draft(NamedTuple):
    """A component after the merge, before its templates and functions.

    Attributes:
        name: component name.
        kind: `terraform` and the like.
        stack: logical stack name.
        file: top-level manifest, relative to the base path.
        sections: as `atmos describe component` prints them; what is in them is shared with other drafts, so never
            changed.
        dynamic: whether anything in them is to be rendered or evaluated.
        deferred: by path in the sections, what merges again once its functions have values.
    """

    name: str
    kind: str
    stack: str
    file: str
    sections: Section
    dynamic: bool
    deferred: Mapping[Path, Deferred]


class Unmade(NamedTuple):
    """A component that Atmos itself could not make.

    Attributes:
        kind: `terraform` and the like.
        name: component name.
        own: the component's own section, without inherited ones.
        error: what is wrong.
    """

    kind: str
    name: str
    own: Section
    error: StackError
