"""Decide which partitions are added and which are retired, by what the repository declares."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keys:
    """What has to become of the partition keys.

    Attributes:
        added: stacks that have no partition yet.
        retired: partitions whose stack left the repository.
        kept: partitions whose stack left, too, but with so many others that somebody has to say that it is meant.
    """

    added: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


def compare_keys(
    known: Collection[str],
    declared: Collection[str],
    own: Collection[str],
    *,
    many: bool,
    kept: Collection[str] = (),
) -> Keys:
    """Compare partitions with the stacks of a repository.

    Args:
        known: partition keys of the instance.
        declared: names of the stacks.
        own: stacks that this code location has seen declared: what somebody else added is somebody else's to retire.
        many: whether more than half of them may be retired at once. A wrong folder, or an empty one, looks the same.
        kept: those that were kept for that before: they wait for `many`, or to be declared again, however many others
            come or go.
    """
    added = tuple(sorted(set(declared) - set(known)))
    ours = set(known) & set(own)
    left = ours - set(declared)
    if many:
        return Keys(added, tuple(sorted(left)))
    waiting = left & set(kept)
    fresh = left - waiting
    if 2 * len(fresh) <= len(ours - waiting):
        return Keys(added, tuple(sorted(fresh)), tuple(sorted(waiting)))
    return Keys(added, (), tuple(sorted(left)))
