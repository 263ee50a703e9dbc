"""Read and write a secret's versions (DescribeSecret, GetSecretValue, PutSecretValue), guarded by the protocol.

Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from .errors import RotationError

CURRENT, PENDING, PREVIOUS = "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"
_BOUNDED = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 4})
_SAYS_WHY = ("AccessDenied", "Decryption", "Encryption", "KMS", "ResourceNotFound")
"""Beginnings of error codes whose messages name principals, keys and secrets, never what was sent."""


def client(service: str) -> Any:  # noqa: ANN401 - boto3 ships no types
    """A client that gives up in time for Secrets Manager to try again."""
    # The stubs know services by literals alone.
    made: Callable[..., Any] = boto3.client
    return made(service, config=_BOUNDED)


def calling(operation: str, call: Callable[..., Any], **parameters: object) -> Any:  # noqa: ANN401 - as boto3 answers
    """Call AWS; an error says the operation and AWS's code, never a parameter.

    Raises:
        RotationError: if AWS refuses, or does not answer.
    """
    try:
        return call(**parameters)
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        why = str(error.response.get("Error", {}).get("Message", "")) if code.startswith(_SAYS_WHY) else ""
        raise AwsRefusalError(f"{operation} was refused: {code}. {why}".strip(), code) from None
    except BotoCoreError as error:
        # Its text would show parameters.
        raise RotationError(
            f"{operation} failed: {type(error).__name__}.",
            "A function in a VPC reaches Secrets Manager through a VPC endpoint or a NAT gateway.",
        ) from None


class AwsRefusalError(RotationError):
    """AWS answered with an error.

    Attributes:
        code: AWS's error code.
    """

    def __init__(self, problem: str, code: str) -> None:
        super().__init__(problem)
        self.code = code


@dataclass(frozen=True, slots=True)
class Versions:
    """The secret that is rotated.

    Attributes:
        secretsmanager: boto3 client.
        arn: of the secret.
        token: of the rotation, which is the id of its version.
        rotation_token: what Secrets Manager knows a rotation by that runs under an assumed role, or None.
    """

    secretsmanager: Any = field(repr=False)
    arn: str
    token: str
    rotation_token: str | None = field(default=None, repr=False)

    def describe(self) -> Mapping[str, Any]:
        """Read the secret's metadata by DescribeSecret."""
        described: Mapping[str, Any] = calling("DescribeSecret", self.secretsmanager.describe_secret, SecretId=self.arn)
        return described

    def pending(self) -> str | None:
        """The value of this rotation's version, or None while it has none."""
        return self._read(VersionId=self.token, VersionStage=PENDING)

    def current(self) -> str:
        """The value that everybody reads.

        Raises:
            RotationError: if there is none.
        """
        text = self._read(VersionStage=CURRENT)
        if text is None:
            raise RotationError(f"The secret {self.arn} has no value.", "Give it one before it is rotated.")
        return text

    def previous(self) -> str | None:
        """The value before that, or None."""
        return self._read(VersionStage=PREVIOUS)

    def _read(self, **which: str) -> str | None:
        return read(self.secretsmanager, self.arn, **which)

    def put_pending(self, text: str) -> None:
        """Give this rotation's version its value; one that it has already stays."""
        more = {} if self.rotation_token is None else {"RotationToken": self.rotation_token}
        try:
            calling(
                "PutSecretValue",
                self.secretsmanager.put_secret_value,
                SecretId=self.arn,
                ClientRequestToken=self.token,
                SecretString=text,
                VersionStages=[PENDING],
                **more,
            )
        except AwsRefusalError as error:
            if error.code != "ResourceExistsException":
                raise

    def finish(self, stages: Mapping[str, list[str]]) -> None:
        """Move AWSCURRENT to this rotation's version.

        AWSPENDING is left to Secrets Manager: AWS's guide warns against removing it by a call of its own, which would
        read as a rotation that did not complete, and RotateSecret takes AWSPENDING beside AWSCURRENT for finished.

        Args:
            stages: labels by version id, as DescribeSecret tells them.
        """
        holder = next((version for version, labels in stages.items() if CURRENT in labels), None)
        calling(
            "UpdateSecretVersionStage",
            self.secretsmanager.update_secret_version_stage,
            SecretId=self.arn,
            VersionStage=CURRENT,
            MoveToVersionId=self.token,
            **({} if holder is None else {"RemoveFromVersionId": holder}),
        )


def read(secretsmanager: Any, secret_id: str, **which: str) -> str | None:  # noqa: ANN401 - boto3 ships no types
    """The text of one version, or None if that version has none.

    Raises:
        RotationError: if it is binary.
    """
    try:
        found = calling("GetSecretValue", secretsmanager.get_secret_value, SecretId=secret_id, **which)
    except AwsRefusalError as error:
        if error.code == "ResourceNotFoundException":
            return None
        raise
    if "SecretString" not in found:
        raise RotationError(f"The secret {secret_id} is binary.", "This function rotates texts and JSON.")
    return str(found["SecretString"])
