"""Lock the state of an account that several regions or threads share."""

from __future__ import annotations

from threading import Lock, RLock

_guard = Lock()
_locks: dict[str, RLock] = {}


def account_lock(account_id: str) -> RLock:
    """The lock of an account's secrets in all its regions."""
    with _guard:
        return _locks.setdefault(account_id, RLock())
