"""Note each output that a stack reads from a Terraform state, if the operator grants the state."""

from __future__ import annotations

import glob
from collections.abc import Mapping
from typing import Final

from secrets_pipeline.desired.boundary import Boundary
from secrets_pipeline.desired.kinds import TERRAFORM
from secrets_pipeline.desired.reading.crossing import note, refuse
from secrets_pipeline.desired.reading.scope import ComponentScope
from secrets_pipeline.desired.settings.grants import grant_line, granted_local_state, granted_state
from secrets_pipeline.desired.terraform_state.model import LocalState, S3State, StatePlace, TerraformState
from secrets_pipeline.references.model import Output, Path

_NOT_HONOURED: Final = "profile"


def read_state(scope: ComponentScope, output: Output, place: StatePlace, path: Path) -> None:
    """Note a state that is read, and the output; collect an error if the operator's grants do not name the state.

    Args:
        scope: the component that refers to the output.
        output: of any component without a problem.
        place: where the component's state is.
        path: where the reference stands.
    """
    granted = _in_bucket(scope, place, path) if isinstance(place, S3State) else _in_file(scope, place, path)
    if granted is None:
        return
    stack = scope.stack
    at = (output.stack or stack.stack.name, output.component)
    _tell_profile(scope, *at)
    known = stack.states[at].outputs if at in stack.states else ()
    outputs = tuple(dict.fromkeys((*known, output.path)))
    stack.states[at] = TerraformState(stack=at[0], component=at[1], place=granted, outputs=outputs)


def _in_bucket(scope: ComponentScope, place: S3State, path: Path) -> S3State | None:
    stack = scope.stack
    by, grant = granted_state(stack.settings.grants, stack.stack.name, place.bucket, place.key, place.role_arn)
    name = f"{place} by {place.role_arn}" if place.role_arn else str(place)
    if grant is None:
        role = {"role_arn": place.role_arn} if place.role_arn else {}
        named = {"bucket": place.bucket, **role, "keys": [glob.escape(place.key)]}
        refuse(scope, Boundary.STATE, path, name, grant_line(stack.stack.name, Boundary.STATE, named))
        return None
    note(scope, Boundary.STATE, path, name, allowed_by=by)
    return place.model_copy(update={"external_id": grant.external_id})


def _in_file(scope: ComponentScope, place: LocalState, path: Path) -> LocalState | None:
    stack = scope.stack
    by = granted_local_state(stack.settings.grants, stack.stack.name, place.path)
    if not by:
        line = grant_line(stack.stack.name, Boundary.FILE, glob.escape(place.path))
        refuse(scope, Boundary.FILE, path, place.path, line)
        return None
    note(scope, Boundary.FILE, path, place.path, allowed_by=by)
    return place


def _tell_profile(scope: ComponentScope, stack: str, component: str) -> None:
    here = scope.stack.stack if stack == scope.stack.stack.name else scope.stack.stacks[stack]
    backend = here.components[TERRAFORM][component].resolved.get("backend")
    if isinstance(backend, Mapping) and backend.get(_NOT_HONOURED):
        scope.stack.notices.append(
            f"the backend of component {component} in stack {stack} names a profile, which is not used: its state is "
            "read with the credentials of the stack, or under the role that the backend names"
        )
