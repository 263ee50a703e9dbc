"""Read a secret's value by GetSecretValue, where nothing less will do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import SecretStr

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.engine.model import SkippedError
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.observed.secret_state import CURRENT, SecretState
from secrets_pipeline.values.content import Content, content_of, text_of

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


def read_value(stack: Stack, state: SecretState, *, version: str | None = None) -> SecretStr:
    """Read a value that has to be text; see `read_content`.

    Raises:
        DocumentError: if the value is binary.
    """
    return text_of(read_content(stack, state, version=version), f"the value of {state.name}")


def read_content(stack: Stack, state: SecretState, *, version: str | None = None, handed_over: bool = False) -> Content:
    """Call GetSecretValue for a secret of this very stack: whoever writes YAML must not have others' values used.

    Args:
        stack: the stack whose account is asked.
        state: the secret.
        version: version id; None for whichever is AWSCURRENT now.
        handed_over: whether the operator names it as one to be taken over, without a mark of ours.

    Raises:
        SkippedError: if its mark does not prove that it is this stack's; nothing was read.
        AwsError: if AWS refuses, or the version holds no value, which AWS answers by ResourceNotFoundException.
    """
    if not handed_over and not stack.ownership.owns(state):
        raise SkippedError(f"the value of {state.name} is not read: it is not ours")
    client = stack.account.client("secretsmanager")
    with calling("GetSecretValue", state.name):
        if version is None:
            found = content_of(dict(client.get_secret_value(SecretId=state.arn, VersionStage=CURRENT)))
        else:
            found = content_of(dict(client.get_secret_value(SecretId=state.arn, VersionId=version)))
    if found is not None:
        return found
    raise AwsError(
        f"the version of {state.name} holds no value",
        code="ResourceNotFoundException",
        operation="GetSecretValue",
        remedy="Move AWSCURRENT to a version that has one.",
    )
