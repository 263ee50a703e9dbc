"""Make and verify the proof in a tag, for every kind of resource: a MAC under the fingerprint key."""

from __future__ import annotations

import hmac

from secrets_pipeline.errors import SpecError
from secrets_pipeline.values.fingerprint import Fingerprinter


class Mac:
    """Proves that we wrote a text about one thing.

    Args:
        fingerprinter: derived by GenerateMac of KMS; None where nothing was ever applied, so that nothing verifies.
        purpose: what the texts are about; a proof for one purpose is none for another.
        digits: hexadecimal digits of a proof; None for all 64.
    """

    def __init__(self, fingerprinter: Fingerprinter | None, purpose: str, *, digits: int | None = None) -> None:
        self._fingerprinter = fingerprinter
        self._purpose = purpose
        self._digits = digits

    def of(self, *parts: str | None) -> str:
        """Make the proof of some texts.

        Raises:
            SpecError: if nothing was applied in this account yet.
        """
        if self._fingerprinter is None:
            raise SpecError("nothing was applied in this account yet", remedy="Apply first.")
        return self._fingerprinter.digest(self._purpose, *parts)[: self._digits]

    def proves(self, mac: str, *parts: str | None) -> bool:
        """Verify the proof of these texts; false where nothing was ever applied."""
        return self._fingerprinter is not None and same_text(mac, self.of(*parts))


def same_text(one: str, other: str) -> bool:
    """Compare two texts in a time that does not tell where they differ."""
    # Tags may hold any letters; compare_digest takes ASCII or bytes.
    return hmac.compare_digest(one.encode(), other.encode())
