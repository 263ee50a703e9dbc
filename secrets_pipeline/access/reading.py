"""Reading a secret as AWS reads it: GetSecretValue on the secret, then kms:Decrypt on its key on the reader's behalf.

Sources: https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html,
https://docs.aws.amazon.com/kms/latest/developerguide/services-secrets-manager.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from secrets_pipeline.access.evaluator import (
    Caller,
    Context,
    Decision,
    Layer,
    Lookup,
    Outcome,
    Request,
    Target,
    Vote,
    authorize,
)

GET_SECRET_VALUE: Final = "secretsmanager:GetSecretValue"
DECRYPT: Final = "kms:Decrypt"
ENABLED: Final = "Enabled"
NETWORK_KEYS: Final = frozenset(
    {
        "aws:ec2instancesourceprivateipv4",
        "aws:ec2instancesourcevpc",
        "aws:referer",
        "aws:sourceip",
        "aws:sourcevpc",
        "aws:sourcevpcarn",
        "aws:sourcevpce",
        "aws:useragent",
        "aws:vpceaccount",
        "aws:vpceorgid",
        "aws:vpceorgpaths",
        "aws:vpcsourceip",
    }
)
"""Keys that only the network or the client knows."""
_OF_THE_SECRET = "kms:encryptioncontext"


@dataclass(frozen=True, slots=True)
class ReadableKey:
    """A key that opens a secret.

    Attributes:
        target: the key with policy and grants.
        state: KeyState; empty if it is unknown.
        aws_managed: whether it is `aws/secretsmanager`.
        unread: why its state is unknown.
    """

    target: Target
    state: str = ENABLED
    aws_managed: bool = False
    unread: str = ""


@dataclass(frozen=True, slots=True)
class ReadableSecret:
    """A secret with the keys that open its current version.

    Attributes:
        target: the secret with its policy.
        name: its name.
        region: where it is.
        keys: any of them is enough; empty if they are not known.
    """

    target: Target
    name: str
    region: str
    keys: tuple[ReadableKey, ...]


@dataclass(frozen=True, slots=True)
class _Judged:
    """What every verdict carries.

    Attributes:
        vote: the vote that decided: its layer, policy and statement.
        secrets_manager: the decision about GetSecretValue.
        kms: the decision about kms:Decrypt; None where it was not asked for any more.
    """

    vote: Vote
    secrets_manager: Decision
    kms: Decision | None = None


@dataclass(frozen=True, slots=True)
class Allowed(_Judged):
    """The value can be read."""


@dataclass(frozen=True, slots=True)
class DeniedBySecretsManager(_Judged):
    """GetSecretValue is refused: `AccessDeniedException`."""


@dataclass(frozen=True, slots=True)
class DeniedByKms(_Judged):
    """The key does not serve this reader: `Access to KMS is not allowed`.

    Attributes:
        reason: for what no policy says: the default key across accounts, the key's state.
    """

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Unknown(_Judged):
    """It depends on what could not be read, or on what only the request knows.

    Attributes:
        reason: that.
    """

    reason: str = ""


ReadVerdict: TypeAlias = Allowed | DeniedBySecretsManager | DeniedByKms | Unknown
