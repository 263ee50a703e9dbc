"""Compare a KMS key that the stack makes with what it declares: alias, description, rotation, tags, deletion window.

Nothing is read here: what is compared was read before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from secrets_pipeline.desired.kms_key.model import KeySpec
from secrets_pipeline.engine.reason import Because, Differs, Reason
from secrets_pipeline.reconcilers.kms_key.lookup import KeyLookup, MarkedKey
from secrets_pipeline.reconcilers.marks.key_mark import DEFAULT_DELETION_DAYS
from secrets_pipeline.reconcilers.marks.not_ours import NOT_MARKED, UNNAMED
from secrets_pipeline.reconcilers.observed.key_state import KeyRotation, KeyState
from secrets_pipeline.reconcilers.observed.tags import tag_details
from secrets_pipeline.reconcilers.tag_keys import PREFIX, REPOSITORY, STACK


def alias_differences(found: KeyLookup) -> list[Reason]:
    """Compare where the alias points with our key."""
    if found.in_place:
        return []
    return [Because(f"alias points to key {found.target.state.key_id}" if found.target else "alias is missing")]


def description_differences(state: KeyState, key: KeySpec) -> list[Reason]:
    """Compare the description with the declared one."""
    if state.description == key.description:
        return []
    return [Differs("description", repr(state.description), repr(key.description))]


def key_rotation_differences(observed: KeyRotation, key: KeySpec) -> list[Reason]:
    """Compare the rotation of the key's material with the declared one."""
    if observed.enabled != key.enable_key_rotation:
        return [Because(f"key rotation is {'on' if observed.enabled else 'off'}")]
    if observed.enabled and key.rotation_period_in_days not in (None, observed.period_in_days):
        return [Differs("rotation period", observed.period_in_days, key.rotation_period_in_days)]
    return []


def tag_differences(observed: Mapping[str, str], wanted: Mapping[str, str], left: Iterable[str]) -> list[Reason]:
    """Compare the tags: a reason for each that is missing, differs, or is not declared any more.

    Args:
        observed: that the key has.
        wanted: that it should have.
        left: keys of those that the stack declared once; see `desired.left_tags`.
    """
    unmarked = STACK in wanted and STACK not in observed
    differing = [
        name
        for name, value in wanted.items()
        if observed.get(name) != value and not (unmarked and name.startswith(PREFIX) and name not in observed)
    ]
    unnamed = REPOSITORY in differing and REPOSITORY not in observed
    reasons: list[Reason] = [
        UNNAMED
        if unnamed and name == REPOSITORY
        else Differs(f"tag {name}", details=tag_details(name, observed.get(name), wanted[name]))
        for name in differing
    ]
    gone = (
        Because(f"tag {name} is not declared any more", details=tag_details(name, observed[name], None))
        for name in left
    )
    return [*([NOT_MARKED] if unmarked else []), *reasons, *gone]


def window_difference(own: MarkedKey, key: KeySpec) -> Reason | None:
    """Compare the deletion window in the mark, which keeps it for the day on which the key has left the YAML."""
    days = own.mark.deletion_days or DEFAULT_DELETION_DAYS
    if days == key.deletion_window_in_days:
        return None
    return Differs("deletion window", days, f"{key.deletion_window_in_days} days")
