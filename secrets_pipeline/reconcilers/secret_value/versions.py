"""Store a version of a secret by PutSecretValue, and move its labels by UpdateSecretVersionStage."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.observed.secret_state import CURRENT, SecretState
from secrets_pipeline.reconcilers.secret_value.read import read_content
from secrets_pipeline.values.content import Content, as_parameters

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

Make = Callable[[Content | None], Content]
"""The value that was read (None where there is none) → the value to write."""


def held_content(stack: Stack, before: SecretState) -> Content | None:
    """Read the value that a write is about to replace by GetSecretValue; None where there is none.

    Raises:
        SkippedError: if the secret is not ours any more.
        AwsError: if AWS refuses.
    """
    current = before.current_version
    return read_content(stack, before, version=current) if current else None


def made_of_held(stack: Stack, before: SecretState, make: Make) -> Content:
    """Make the value to write of the one that it replaces; see `held_content`."""
    return make(held_content(stack, before))


def put_version(stack: Stack, before: SecretState, token: str, value: Callable[[], Content], label: str) -> bool:
    """Store a version under a label by PutSecretValue, unless an earlier try did.

    Args:
        stack: the stack.
        before: the secret as DescribeSecret shows it now.
        token: the version's id.
        value: gives the value; it is asked once.
        label: what the version is staged under.

    Returns:
        Whether AWS made it AWSCURRENT at once, as the first one of a secret.

    Raises:
        AwsError: if AWS refuses.
    """
    client = stack.account.client("secretsmanager")
    content = value()
    # Our own token with another rendering: an earlier try stored it; what is stored is kept.
    with (
        calling("PutSecretValue", before.name),
        contextlib.suppress(client.exceptions.ResourceExistsException),
    ):
        answer = client.put_secret_value(
            SecretId=before.arn, ClientRequestToken=token, VersionStages=[label], **as_parameters(content)
        )
        return CURRENT in answer.get("VersionStages", ())
    return False


def move_label(stack: Stack, before: SecretState, label: str, *, to: str | None = None, away_from: str | None) -> bool:
    """Move or remove a label by UpdateSecretVersionStage.

    Args:
        stack: the stack.
        before: the secret as DescribeSecret shows it now.
        label: what is moved.
        to: id of the version that gets it; None to remove it.
        away_from: id of the version that is thought to have it; None where none has.

    Returns:
        False, with the secret read again, where the label is not on the version that we thought.

    Raises:
        AwsError: if AWS refuses.
    """
    client = stack.account.client("secretsmanager")
    versions = {"MoveToVersionId": to, "RemoveFromVersionId": away_from}
    given: Any = {name: version for name, version in versions.items() if version is not None}
    try:
        with calling("UpdateSecretVersionStage", before.name):
            client.update_secret_version_stage(SecretId=before.arn, VersionStage=label, **given)
    except AwsError as error:
        if error.code != "InvalidParameterException":
            raise
        stack.observed.secrets.refresh(before.name)
        return False
    return True
