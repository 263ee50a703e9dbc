"""Values as the simulation's actors read and write them."""

from __future__ import annotations

import json
import random
from typing import Any

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def document(text: str | None) -> dict[str, Any] | None:
    """The JSON object that a value is, or None."""
    if text is None or not text.startswith("{"):
        return None
    found: dict[str, Any] = json.loads(text)
    return found


def new_password(rng: random.Random) -> str:
    """Twenty letters."""
    return "".join(rng.choice(LETTERS) for _ in range(20))


def with_password(stored: str | None, password: str) -> str:
    """A value whose password is another one."""
    found = document(stored)
    return password if found is None else json.dumps({**found, "password": password})


def password_of(stored: str | None) -> str | None:
    """The password inside a value."""
    found = document(stored)
    return stored if found is None else found.get("password")
