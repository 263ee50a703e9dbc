"""Keep how secrets looked before they changed, for lists that lag behind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from secrets_pipeline.emulator.control.lists import LAG, ListLag
from secrets_pipeline.emulator.services.secretsmanager.model import EmulatedSecret


class SecretsHistory:
    """Earlier pictures of one region's secrets, as far back as lists lag. Callers hold the account's lock."""

    def __init__(self, lag: ListLag = LAG) -> None:
        self._lag = lag
        # By name: when it was about to change, and how it looked then, None where there was none.
        self._pictures: dict[str, list[tuple[float, EmulatedSecret | None]]] = {}

    def remember(self, name: str, secret: EmulatedSecret | None) -> None:
        """Note how a secret looks that is about to change; nothing while lists are up to date."""
        moment = self._lag.moment()
        if moment is None:
            return
        newer = [one for one in self._pictures.get(name, ()) if one[0] > moment]
        # Frozen lists show the first picture of all.
        if not (self._lag.frozen and newer):
            newer.append((self._lag.clock(), _picture(secret)))
        self._pictures[name] = newer

    def as_of(self, secrets: Iterable[EmulatedSecret]) -> list[EmulatedSecret]:
        """The secrets as they were at the moment that lists show now.

        Args:
            secrets: as they are.
        """
        shown: dict[str, EmulatedSecret | None] = {secret.name: secret for secret in secrets}
        moment = self._lag.moment()
        if moment is not None:
            for name, pictures in self._pictures.items():
                shown[name] = next((one for at, one in pictures if at > moment), shown.get(name))
        return [secret for secret in shown.values() if secret is not None]


def _picture(secret: EmulatedSecret | None) -> EmulatedSecret | None:
    if secret is None:
        return None
    secret.follow()
    versions = {one.id: replace(one, stages=list(one.stages)) for one in secret.versions.values()}
    return replace(
        secret,
        tags=dict(secret.tags),
        versions=versions,
        replicas=dict(secret.replicas),
        rotation=replace(secret.rotation) if secret.rotation else None,
    )
