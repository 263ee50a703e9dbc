"""Say what a secret that nobody knows by that name may be called."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from typing import Final

_MOST: Final = 5


def whole_name(asked: str, known: Collection[str]) -> str:
    """Offer the names that end as what was asked for, else those that look like it, as a remedy.

    Args:
        asked: what is no name of a secret, for example `api-key`.
        known: whole names of secrets.
    """
    last = f"/{asked.strip('/')}"
    near = sorted({name for name in known if name.endswith(last)}) or difflib.get_close_matches(asked, known, n=3)
    if not near:
        return "Write its whole name, as `secrets-pipeline tree` shows it."
    more = f", or one of {len(near) - _MOST} more" if len(near) > _MOST else ""
    return f"Did you mean {' or '.join(near[:_MOST])}{more}? Write the whole name."
