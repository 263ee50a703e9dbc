"""Judge outputs that Terraform marks sensitive, which shows only when their state is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secrets_pipeline.desired.boundary import Boundary
from secrets_pipeline.desired.settings.grants import grant_line, granted
from secrets_pipeline.desired.terraform_state.model import TerraformState
from secrets_pipeline.references.resolve import Pending, Resolved, Secret
from secrets_pipeline.references.walk import outputs

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack
    from secrets_pipeline.references.model import Expression, Output


def state_output(stack: Stack, state: TerraformState, output: Output) -> Resolved:
    """Resolve an output from its state; a sensitive one of another stack is a value, which a grant has to name.

    Args:
        stack: that refers to it.
        state: of the stack's desired state.
        output: one of those that are read from it.

    Raises:
        AwsError: if AWS cannot be asked.
    """
    found = stack.observed.states.output(state, output.path)
    own, grants = stack.spec.stack, stack.run.settings.grants
    if not isinstance(found, Secret) or state.stack == own or granted(grants, own, Boundary.VALUE, state.stack):
        return found
    line = grant_line(own, Boundary.VALUE, state.stack)
    return Pending(
        f"{output} is sensitive, so it is a value of stack {state.stack}, and no grant of the operator names it: "
        f"let the operator write under grants: {line}"
    )


def sensitive_here(stack: Stack, expression: Expression) -> Pending | None:
    """Say why an expression that resolved to a secret may not stand where it does; None if no state is why.

    Args:
        stack: the stack.
        expression: at a place that must not hold a secret.
    """
    for output in outputs(expression):
        if stack.spec.state_of(output) is not None and isinstance(stack.resolve.output(output), Secret):
            return Pending(
                f"Terraform marks {output} as sensitive, so it may stand in a secret's value only: declare a secret "
                "with it as secret_data, and refer to that secret's ARN here"
            )
    return None
