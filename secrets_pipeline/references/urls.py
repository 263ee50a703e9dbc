"""URLs with references in them: what stands for a user or a password is percent-encoded."""

from __future__ import annotations

import re
from collections.abc import Sequence

from secrets_pipeline.references.model import Call, Expression, Literal, WithDefault

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_END_OF_USER_INFO = re.compile(r"[@/?#]")


def in_user_info(parts: Sequence[Expression]) -> frozenset[int]:
    """Indexes of the references that stand left of the first `@` of a URL's authority.

    An explicit `urlencode()` is left out, so nothing is encoded twice.
    Source: https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1
    """
    first = next((index for index, part in enumerate(parts) if isinstance(part, Literal)), None)
    if first is None:
        return frozenset()
    scheme = _SCHEME.match(_text(parts[first]))
    if scheme is None:
        return frozenset()
    found: list[int] = []
    for index, part in enumerate(parts[first:], start=first):
        if not isinstance(part, Literal):
            if not _encodes(part):
                found.append(index)
            continue
        end = _END_OF_USER_INFO.search(_text(part), scheme.end() if index == first else 0)
        if end:
            return frozenset(found) if end.group() == "@" else frozenset()
    return frozenset()


def _text(part: Expression) -> str:
    return part.value if isinstance(part, Literal) and isinstance(part.value, str) else ""


def _encodes(part: Expression) -> bool:
    inner = part.expression if isinstance(part, WithDefault) else part
    return isinstance(inner, Call) and inner.function == "urlencode"
