"""Store every secret of one account and region, found by dictionary instead of by scan."""

from __future__ import annotations

import re
import secrets
import string
from itertools import count
from threading import Lock, RLock

from moto.utilities.utils import get_partition

from secrets_pipeline.arn import Arn
from secrets_pipeline.emulator.services.secretsmanager.history import SecretsHistory
from secrets_pipeline.emulator.services.secretsmanager.model import EmulatedSecret

SUFFIX_ALPHABET = string.ascii_letters + string.digits
_ARN = re.compile(r"arn:[\w-]+:secretsmanager:[\w-]+:\d{12}:secret:(?P<rest>.+)")
_SUFFIXED = re.compile(r"(?P<name>.+)-[A-Za-z0-9]{6}")


_guard = Lock()
_locks: dict[str, RLock] = {}


def account_lock(account_id: str) -> RLock:
    """The lock of an account's secrets in all its regions."""
    with _guard:
        return _locks.setdefault(account_id, RLock())


class SecretStore:
    """Secrets by name and by ARN. Callers hold the account's lock."""

    def __init__(self, account_id: str, region: str) -> None:
        self._prefix = str(Arn(get_partition(region), "secretsmanager", region, account_id, "secret:"))
        self._region = region
        self._sequence = count(1)
        self._by_name: dict[str, EmulatedSecret] = {}
        self._by_arn: dict[str, EmulatedSecret] = {}
        self._history = SecretsHistory()

    @property
    def place(self) -> str:
        """What the ARNs of all secrets here begin with: `arn:…:secret:`."""
        return self._prefix

    def draft(self, name: str) -> EmulatedSecret:
        """A secret with a fresh ARN, not yet stored."""
        return self.build(self.new_arn(name), name)

    def new(self, name: str) -> EmulatedSecret:
        """Make a secret with a fresh ARN."""
        return self.put(self.draft(name))

    def build(self, arn: str, name: str) -> EmulatedSecret:
        """A secret with a given ARN, not yet stored: replicas keep the suffix of their primary."""
        return EmulatedSecret(arn=arn, name=name, region=self._region, sequence=next(self._sequence))

    def put(self, secret: EmulatedSecret) -> EmulatedSecret:
        """Store a secret, replacing one of the same name."""
        self.remove(secret.name)
        self._by_name[secret.name] = secret
        self._by_arn[secret.arn] = secret
        return secret

    def remove(self, name: str) -> None:
        """Forget a secret at once."""
        gone = self._by_name.pop(name, None)
        if gone is not None:
            self._by_arn.pop(gone.arn, None)

    def find(self, secret_id: str) -> EmulatedSecret | None:
        """Find by name, complete ARN, or ARN without its suffix.

        A partial ARN whose name itself ends in a hyphen and six characters is not found, as AWS warns.
        https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html#ARN_secretnamehyphen
        """
        match = _ARN.fullmatch(secret_id)
        if match is None:
            return self._by_name.get(secret_id)
        if secret_id in self._by_arn:
            return self._by_arn[secret_id]
        if not secret_id.startswith(self._prefix) or _SUFFIXED.fullmatch(match["rest"]):
            return None
        return self._by_name.get(match["rest"])

    def all(self) -> list[EmulatedSecret]:
        """A copy of the list, oldest first, safe to iterate while others write."""
        return list(self._by_name.values())

    def listed(self) -> list[EmulatedSecret]:
        """What a list shows, which may be older than what is there: not for writing."""
        secrets_now = self.all()
        for secret in secrets_now:
            secret.follow()
        return self._history.as_of(secrets_now)

    def remember(self, name: str) -> None:
        """Note how a secret looks, or that there is none, before something changes it."""
        self._history.remember(name, self._by_name.get(name))

    def new_arn(self, name: str) -> str:
        """A fresh ARN, whose suffix is six letters or digits; forced deletions of missing secrets answer with one."""
        suffix = "".join(secrets.choice(SUFFIX_ALPHABET) for _ in range(6))
        return f"{self._prefix}{name}-{suffix}"
