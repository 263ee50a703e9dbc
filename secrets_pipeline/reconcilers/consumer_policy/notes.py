"""Note in Parameter Store the roles that have a stack's policy, so that it is found there after they left the YAML.

`/secrets-pipeline/{stack}/consumer_policies/{digest}` holds a role's name. IAM does not say which roles have a policy
of some name: without a note it would have to be asked role by role.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from secrets_pipeline.reconcilers.outputs_document.published import publish, published

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_NOTE = re.compile(r"/consumer_policies/[0-9a-f]{16}$")


def noted_roles(stack: Stack) -> frozenset[str]:
    """Read the names of the roles; the parameters are those that `consumer_arns` reads anyway, once a run."""
    return frozenset(value for name, value in published(stack).items() if _NOTE.search(name))


def note_role(stack: Stack, role: str) -> None:
    """Write the note by PutParameter, before the policy: a policy without a note would never be found again."""
    publish(stack, _parameter(stack, role), role)


def forget_role(stack: Stack, role: str) -> None:
    """Delete the note by DeleteParameter, after the policy."""
    stack.observed.parameters.delete(_parameter(stack, role))


def _parameter(stack: Stack, role: str) -> str:
    # Names of roles hold characters that names of parameters do not.
    return f"{stack.observed.parameters.folder}/consumer_policies/{hashlib.sha256(role.encode()).hexdigest()[:16]}"
