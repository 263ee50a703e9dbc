"""Call DescribeSecret for secrets that an event speaks of: ListSecrets may be five minutes old.

Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecrets.html
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from typing import TYPE_CHECKING

from secrets_pipeline.desired.followers import referred
from secrets_pipeline.errors import SecretsPipelineError

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


def reread_secrets(stack: Stack, names: Collection[str] = ()) -> None:
    """Call DescribeSecret for secrets of a stack, and for those of others that it is rendered from; once a run.

    Args:
        stack: the stack.
        names: of its secrets; none for all.

    Raises:
        AwsError: if AWS refuses.
    """
    for secret in stack.spec.secrets:
        if not names or secret.name in names:
            stack.observed.secrets.confirm(secret.name)
    for output in referred(stack.spec):
        if output.sensitive and output.stack not in (None, stack.spec.stack):
            # Why another stack cannot be looked at is said where the value is rendered.
            with suppress(SecretsPipelineError):
                stack.resolve.identity(output, confirmed=True)
