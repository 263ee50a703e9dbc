"""Hold a Lambda function as GetFunction shows it.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from secrets_pipeline.errors import AwsError

_ACTIVE, _INACTIVE, _FAILED, _RUNNING = "Active", "Inactive", "Failed", "InProgress"


@dataclass(frozen=True, slots=True)
class FunctionState:
    """A Lambda function as GetFunction shows it, with its tags.

    Attributes:
        configuration: FunctionConfiguration.
        tags_or_denial: its tags, or why the pipeline may not read them.
    """

    configuration: Mapping[str, Any]
    tags_or_denial: Mapping[str, str] | AwsError

    @property
    def tags(self) -> Mapping[str, str]:
        """Return its tags; empty if it has none.

        Raises:
            AwsError: if Lambda denies the pipeline lambda:ListTags.
        """
        if isinstance(self.tags_or_denial, AwsError):
            raise self.tags_or_denial
        return self.tags_or_denial

    @property
    def code_sha256(self) -> str:
        """CodeSha256, base64."""
        return str(self.configuration.get("CodeSha256", ""))

    @property
    def changing(self) -> bool:
        """Whether it is still being made, or updated."""
        return self._state == "Pending" or self._update == _RUNNING

    @property
    def was_never_made(self) -> bool:
        """Whether it could not be made, so that it has to be deleted and made anew."""
        return self._state == _FAILED

    @property
    def lacked_rights(self) -> bool:
        """Whether its role was not allowed yet what it needs for the network."""
        return self.configuration.get("StateReasonCode") == "InsufficientRolePermissions"

    @property
    def problem(self) -> str:
        """Why it cannot be invoked, or was not updated; empty where nothing is known against it."""
        if self._state not in (_ACTIVE, _INACTIVE):
            return f"is {self._state}: {self.configuration.get('StateReason') or 'Lambda gives no reason'}"
        if self._update == _FAILED:
            reason = self.configuration.get("LastUpdateStatusReason") or "Lambda gives no reason"
            return f"was not updated: {reason}"
        return ""

    @property
    def _state(self) -> str:
        return str(self.configuration.get("State") or _ACTIVE)

    @property
    def _update(self) -> str:
        return str(self.configuration.get("LastUpdateStatus"))


def variables(name: str, configuration: Mapping[str, Any]) -> Mapping[str, str]:
    """Read the environment variables of a FunctionConfiguration; they are replaced whole, so none may be missing.

    Args:
        name: of the function, for the message.
        configuration: the answer of GetFunctionConfiguration.

    Raises:
        AwsError: if Lambda could not decrypt them.
    """
    environment: Mapping[str, Any] = configuration.get("Environment", {})
    if "Error" in environment:
        raise AwsError(
            f"the environment of {name} cannot be read",
            operation="GetFunctionConfiguration",
            remedy="Let the pipeline's role decrypt with the function's KMS key (kms:Decrypt).",
        )
    found: Mapping[str, str] = environment.get("Variables", {})
    return found


def unless_changed(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Return the argument by which an update is refused if somebody made another one since.

    Args:
        configuration: the answer of GetFunctionConfiguration; its RevisionId is optional, and without one nothing is
            refused.
    """
    return {"RevisionId": configuration["RevisionId"]} if configuration.get("RevisionId") else {}
