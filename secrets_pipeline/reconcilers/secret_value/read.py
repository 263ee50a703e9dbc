"""Read a secret's value by GetSecretValue, where nothing less will do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import SecretStr

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.engine.model import SkippedError
from secrets_pipeline.errors import AwsError, DocumentError
from secrets_pipeline.reconcilers.observed.secret_state import CURRENT, SecretState

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


def read_value(stack: Stack, state: SecretState, *, version: str | None = None) -> SecretStr:
    """Call GetSecretValue for a secret of this very stack: whoever writes YAML must not have others' values used.

    Args:
        stack: the stack whose account is asked.
        state: the secret.
        version: version id; None for whichever is AWSCURRENT now.

    Raises:
        SkippedError: if its mark does not prove that it is this stack's; nothing was read.
        DocumentError: if the value is binary.
        AwsError: if AWS refuses, or the version holds no value, which AWS answers by ResourceNotFoundException.
    """
    if not stack.ownership.owns(state):
        raise SkippedError(f"the value of {state.name} is not read: it is not ours")
    client = stack.account.client("secretsmanager")
    with calling("GetSecretValue", state.name):
        if version is None:
            answer = client.get_secret_value(SecretId=state.arn, VersionStage=CURRENT)
        else:
            answer = client.get_secret_value(SecretId=state.arn, VersionId=version)
    if "SecretString" in answer:
        return SecretStr(answer["SecretString"])
    if "SecretBinary" in answer:
        raise DocumentError(
            f"the value of {state.name} is binary", remedy="Store it as text, or take the secret out of the stack."
        )
    raise AwsError(
        f"the version of {state.name} holds no value",
        code="ResourceNotFoundException",
        operation="GetSecretValue",
        remedy="Move AWSCURRENT to a version that has one.",
    )
