"""Compute fingerprints, keyed by GenerateMac of KMS: the only digests of secrets that leave this process.

Source: https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateMac.html
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from pydantic import SecretBytes, SecretStr

from secrets_pipeline.aws.faults import calling

if TYPE_CHECKING:
    from mypy_boto3_kms.client import KMSClient

FingerprintPart: TypeAlias = str | bytes | int | SecretStr | SecretBytes | None

_MESSAGE = b"secrets-pipeline fingerprint key, version 1"


class Fingerprinter:
    """HMAC-SHA-256 under a key that KMS derives; nobody without that KMS key can compute or forge a digest.

    Args:
        key: 32 bytes.
    """

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def derive(cls, kms: KMSClient, key_id: str) -> Fingerprinter:
        """The fingerprinter of one account and region; one KMS GenerateMac.

        Args:
            kms: client of the account and region.
            key_id: an HMAC_256 key, as ARN, id or alias.

        Raises:
            AwsError: if KMS refuses.
        """
        with calling("GenerateMac", key_id):
            answer = kms.generate_mac(Message=_MESSAGE, KeyId=key_id, MacAlgorithm="HMAC_SHA_256")
        return cls(answer["Mac"])

    def digest(self, purpose: str, *parts: FingerprintPart) -> str:
        """64 hexadecimal digits over the parts, their types and their order.

        Args:
            purpose: what the digest is for; the same parts give unrelated digests for different purposes.
            parts: what it is over; None differs from the empty string, 1 from "1".
        """
        mac = hmac.new(self._key, digestmod=hashlib.sha256)
        for part in (purpose, *parts):
            tag, content = _encoded(part)
            mac.update(tag + len(content).to_bytes(8) + content)
        return mac.hexdigest()

    def __repr__(self) -> str:
        return "Fingerprinter(key not shown)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("Fingerprinter is neither pickled nor copied: derive it again")


def _encoded(part: FingerprintPart) -> tuple[bytes, bytes]:
    """A type tag and the content, so that no two different sequences of parts encode alike."""
    if part is None:
        return b"n", b""
    if isinstance(part, SecretStr):
        return b"s", part.get_secret_value().encode()
    if isinstance(part, SecretBytes):
        return b"b", part.get_secret_value()
    if isinstance(part, str):
        return b"s", part.encode()
    if isinstance(part, bytes):
        return b"b", part
    return b"i", str(int(part)).encode()
