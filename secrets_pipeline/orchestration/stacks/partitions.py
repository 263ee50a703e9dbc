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


def compare_keys(known: Collection[str], declared: Collection[str], own: Collection[str], *, many: bool) -> Keys:
    """Compare partitions with the stacks of a repository.

    Args:
        known: partition keys of the instance.
        declared: names of the stacks.
        own: stacks that this code location has seen declared: what somebody else added is somebody else's to retire.
        many: whether more than half of them may be retired at once. A wrong folder, or an empty one, looks the same.
    """
    added = tuple(sorted(set(declared) - set(known)))
    ours = set(known) & set(own)
    left = tuple(sorted(ours - set(declared)))
    if many or 2 * len(left) <= len(ours):
        return Keys(added, left)
    return Keys(added, (), left)
