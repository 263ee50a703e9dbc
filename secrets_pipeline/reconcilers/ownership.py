"""Say whose things are, as their marks prove it."""

from __future__ import annotations

from collections.abc import Callable

from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.reconcilers.marks.secret_mark import Marks, Owner
from secrets_pipeline.reconcilers.observed.cached import Once
from secrets_pipeline.reconcilers.observed.secret_state import SecretState
from secrets_pipeline.reconcilers.repository import Repository
from secrets_pipeline.values.fingerprint import Fingerprinter


class Ownership:
    """Says whose things are, asked for one stack.

    Args:
        stack: logical stack name.
        repository: of the stack.
        derive: derives the keyed digests by GenerateMac of KMS; None while planning where nothing was ever applied.

    Attributes:
        repository: of the stack.
    """

    def __init__(self, stack: str, repository: Repository, derive: Callable[[], Fingerprinter | None]) -> None:
        self.repository = repository
        self._stack = stack
        self._derive = derive
        self._fingerprinter: Once[Fingerprinter | None] = Once()
        self._marks: Once[Marks] = Once()

    @property
    def fingerprinter(self) -> Fingerprinter | None:
        """Keyed digests; None while planning where nothing was ever applied."""
        return self._fingerprinter.get(self._derive)

    @property
    def marks(self) -> Marks:
        """The marks of secrets."""
        return self._marks.get(lambda: Marks(self.fingerprinter))

    def owner(self, secret: SecretSpec) -> Owner:
        """Name who declares a secret."""
        return Owner(self._stack, secret.ref.component, secret.ref.key, self.repository.id)

    def claims(self, owner: Owner | None) -> bool:
        """Whether a verified mark names this very stack of this repository."""
        return owner is not None and owner.is_of(self._stack, self.repository.id)

    def owns(self, state: SecretState) -> bool:
        """Whether a secret's mark proves that this very stack made or adopted it; a replica belongs to its primary."""
        if state.is_replica:
            return False
        mark = self.marks.verify(state)
        return mark.ours and self.claims(mark.owner)
