"""Judge outputs of Terraform states: whether they are there, and where a sensitive one may stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secrets_pipeline.desired.boundary import Boundary
from secrets_pipeline.desired.outputs import OUTPUTS
from secrets_pipeline.desired.reading.scope import near_miss
from secrets_pipeline.desired.settings.grants import grant_line, granted
from secrets_pipeline.desired.terraform_state.model import TerraformState
from secrets_pipeline.desired.value.model import DeclaredValue
from secrets_pipeline.references.model import Expression, Output, WithDefault
from secrets_pipeline.references.resolve import Pending, Resolved, Secret
from secrets_pipeline.references.walk import nodes, outputs

if TYPE_CHECKING:
    from secrets_pipeline.desired.secret.model import SecretSpec
    from secrets_pipeline.reconcilers.stack import Stack


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
    if isinstance(found, Pending) and found.missing and state.stack == own:
        meant = near_miss(output.name, OUTPUTS.get(stack.spec.components.get(state.component, ""), ()))
        return Pending(f"{found.reason}.{meant}", missing=True) if meant else found
    if not isinstance(found, Secret) or state.stack == own or granted(grants, own, Boundary.VALUE, state.stack):
        return found
    line = grant_line(own, Boundary.VALUE, state.stack)
    return Pending(
        f"{output} is sensitive, so it is a value of stack {state.stack}, and no grant of the operator names it: "
        f"let the operator write under grants: {line}"
    )


def unavailable(stack: Stack, secret: SecretSpec) -> Pending | None:
    """Say which output of a Terraform state keeps a secret from being made; None if none does.

    Args:
        stack: the stack.
        secret: one of its secrets.

    Raises:
        AwsError: if AWS cannot be asked.
    """
    for leaf in secret.value.leaves if isinstance(secret.value, DeclaredValue) else ():
        for output in (one for one in leaf.outputs if stack.spec.state_of(one) is not None):
            found = stack.resolve.output(output)
            if isinstance(found, Pending) and not default_serves(stack.resolve.leaf(secret, leaf), output, found):
                return found
    key = secret.kms_key
    if not isinstance(key, Expression) or all(stack.spec.state_of(one) is None for one in outputs(key)):
        return None
    named = stack.resolve.text(key)
    return named if isinstance(named, Pending) else None


def default_serves(expression: Expression, output: Output, found: Pending) -> bool:
    """Whether a default stands in for an output without a value."""
    defaults = (node.expression for node in nodes(expression) if isinstance(node, WithDefault))
    return found.missing and any(output in nodes(one) for one in defaults)


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
