"""Match the names of stacks with globs: those of the operator's settings, and those of `--stack`.

A glob is one of `fnmatch`: `*`, `?`, `[…]`, and case counts.
"""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Collection, Iterable, Mapping

from secrets_pipeline.errors import StackError

_WILDCARDS = "*?["


def matches(stack: str, glob: str) -> bool:
    """Whether a glob is for a stack."""
    return fnmatch.fnmatchcase(stack, glob)


def is_glob(text: str) -> bool:
    """Whether a text may match several names."""
    return any(one in text for one in _WILDCARDS)


def expanded(asked: Iterable[str], known: Collection[str]) -> Mapping[str, tuple[str, ...]]:
    """Find what names and globs, with commas between them, mean.

    Args:
        asked: for example `["eg-*,infra-*", "shop-dev"]`.
        known: names of stacks.

    Returns:
        By name or glob, each once: the stacks, sorted. A name means itself, known or not.
    """
    parts = (part.strip() for text in asked for part in text.split(","))
    return {
        one: tuple(sorted(name for name in known if matches(name, one))) if is_glob(one) else (one,)
        for one in parts
        if one
    }


def no_match(glob: str, known: Collection[str]) -> StackError:
    """Say that a glob matches none of these stacks, naming near misses."""
    fixed = "".join(one for one in glob if one not in _WILDCARDS)
    near = difflib.get_close_matches(fixed, known, n=3)
    return StackError(
        f"no stack matches {glob!r}",
        remedy=f"Did you mean {' or '.join(near)}?" if near else "See `secrets-pipeline list stacks`.",
    )
