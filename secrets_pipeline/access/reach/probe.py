"""Probe a verdict: AssumeRole as the reader, GetSecretValue, and AWS's answer is compared with the evaluator's.

The value is dropped where the answer arrives.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from secrets_pipeline.access.reach.reader import Allowed, DeniedByKms, DeniedBySecretsManager, ReadVerdict, Unknown
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.session import AwsAccount, Sessions
from secrets_pipeline.errors import AwsError

_KMS_TEXTS: Final = re.compile(r"Access to KMS is not allowed|default KMS service key|\bkms:\w+ is not allowed")
"""How what is left of Secrets Manager's words for a refusal tells that it was KMS's."""
_KMS_CODES: Final = frozenset({"DecryptionFailure"})


@dataclass(frozen=True, slots=True)
class ValueReturned:
    """AWS returned a value, which was dropped."""


@dataclass(frozen=True, slots=True)
class ProbeRefused:
    """AWS refused.

    Attributes:
        code: AWS's error code.
        by_kms: whether it was the key.
        text: what AWS said.
    """

    code: str
    by_kms: bool
    text: str


@dataclass(frozen=True, slots=True)
class NotProbed:
    """AWS could not be asked.

    Attributes:
        reason: why, for example that the pipeline may not assume the role.
    """

    reason: str


Answer: TypeAlias = ValueReturned | ProbeRefused | NotProbed


class Prober:
    """Asks for secrets under the readers' own roles.

    Args:
        sessions: assumes them.
        through: accounts whose credentials may assume a role, by account id, tried in this order: the reader's own
            account, then any other.
    """

    def __init__(self, sessions: Sessions, through: Iterable[AwsAccount]) -> None:
        self._sessions = sessions
        self._through = tuple(through)
        self._assumed: dict[str, AwsAccount | NotProbed] = {}

    def ask(self, role_arn: str, secret_arn: str) -> Answer:
        """What AWS answers to a role that asks for a secret.

        Args:
            role_arn: the reader.
            secret_arn: complete.

        Raises:
            AwsError: AWS could not be reached, or answered what is neither a value nor a refusal.
        """
        reader = self._reader(role_arn)
        if isinstance(reader, NotProbed):
            return reader
        try:
            with calling("GetSecretValue", secret_arn):
                reader.client("secretsmanager").get_secret_value(SecretId=secret_arn)
        except AwsError as error:
            refused = _refused(error)
            if refused is None:
                raise
            return refused
        return ValueReturned()

    def _reader(self, role_arn: str) -> AwsAccount | NotProbed:
        if role_arn not in self._assumed:
            self._assumed[role_arn] = self._assume(role_arn)
        return self._assumed[role_arn]

    def _assume(self, role_arn: str) -> AwsAccount | NotProbed:
        if ":role/" not in role_arn:
            return NotProbed("only roles can be assumed")
        refused = "nobody may assume it"
        for account in self._through:
            reader = self._sessions.beyond(account, role_arn)
            try:
                _ = reader.account_id
            except AwsError as error:
                if not error.denied:
                    raise
                refused = f"{account.account_id} may not assume it ({error.code})"
            else:
                return reader
        return NotProbed(refused)


def _refused(error: AwsError) -> ProbeRefused | None:
    by_kms = error.code in _KMS_CODES or _KMS_TEXTS.search(error.message) is not None
    if by_kms or error.denied:
        return ProbeRefused(error.code, by_kms, error.message)
    return None


def disagreement(verdict: ReadVerdict, answer: Answer) -> str:
    """What evaluator and AWS disagree about; empty where they do not, or where one of them has no answer."""
    if isinstance(answer, NotProbed) or isinstance(verdict, Unknown):
        return ""
    said = "returned the value" if isinstance(answer, ValueReturned) else f"refused with {answer.text}"
    match verdict, answer:
        case Allowed(), ValueReturned():
            return ""
        case DeniedBySecretsManager(), ProbeRefused(by_kms=False):
            return ""
        case DeniedByKms(), ProbeRefused(by_kms=True):
            return ""
        case DeniedByKms(secrets_manager=asked), ProbeRefused() if asked.allowed is None:
            return ""
        case _:
            return f"the evaluator says {type(verdict).__name__}, AWS {said}"
