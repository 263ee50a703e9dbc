"""Find the KMS key that a declared alias stands for: ours, proven by its mark, wherever the alias points now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from secrets_pipeline.engine.reason import NotOurs
from secrets_pipeline.reconcilers.apply_options import adoption
from secrets_pipeline.reconcilers.marks.key_mark import ALIAS, KeyMark, KeyMarks
from secrets_pipeline.reconcilers.marks.not_ours import way_out
from secrets_pipeline.reconcilers.marks.secret_mark import MarkState, Owner
from secrets_pipeline.reconcilers.observed.key_state import PENDING_DELETION, KeyState
from secrets_pipeline.reconcilers.tag_keys import PREFIX

if TYPE_CHECKING:
    from secrets_pipeline.desired.kms_key.model import KeySpec
    from secrets_pipeline.reconcilers.stack import Stack

_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class MarkedKey:
    """A key with what its tags prove."""

    state: KeyState
    mark: KeyMark


@dataclass(frozen=True, slots=True)
class KeyLookup:
    """What was found for a declared alias.

    Attributes:
        target: the key behind the alias; None where the alias does not exist.
        own: the key that this stack made for the alias, or is asked to take over; None where there is none.
    """

    target: MarkedKey | None
    own: MarkedKey | None

    @property
    def in_place(self) -> bool:
        """Whether the alias points to our key."""
        return self.target is not None and self.own is not None and self.target.state.key_id == self.own.state.key_id


def key_marks(stack: Stack) -> KeyMarks:
    """Make the writer and verifier of the marks of the stack's keys."""
    return KeyMarks(stack.ownership.fingerprinter, stack.spec.stack, stack.ownership.repository.id)


def look_up(stack: Stack, alias: str) -> KeyLookup:
    """Look at the alias first; only where it is missing or leads to somebody else's key, search for ours."""
    return stack.observed.keys.concluded(alias, lambda: _look_up(stack, alias))


def _look_up(stack: Stack, alias: str) -> KeyLookup:
    about = stack.observed.keys.about(alias)
    target = marked(stack, about, alias) if about else None
    own = target if target and _is_own(stack, target, alias) else None
    if own and not own.mark.creation:
        return KeyLookup(own, own)
    bare = _without_alias(stack, alias)
    copied = target is not None and target.mark.creation and stack.ownership.claims(target.mark.owner)
    if target and copied and bare and not bare.mark.creation:
        # Ours stands elsewhere: whoever copied the mark that it was made with led the alias away.
        return KeyLookup(replace(target, mark=replace(target.mark, state=MarkState.FORGED)), bare)
    return KeyLookup(target, own or bare)


def usable_as(stack: Stack, alias: str) -> KeyState | str:
    """Find the key that secrets are encrypted under where the stack names its own alias, or why there is none yet.

    A key that others made behind our alias serves too, for example Terraform's; one whose tags name an owner does not,
    whether he is another stack or the tags are forged: whoever was first to make the alias would hold our secrets.
    """
    found = look_up(stack, alias)
    if found.own:
        return found.own.state
    if found.target is None:
        return f"KMS key {alias} does not exist yet"
    if found.target.mark.owner is None:
        return found.target.state
    return f"KMS key {alias} {key_not_ours(stack, found.target, alias)}"


def in_the_way(stack: Stack, alias: str) -> MarkedKey | None:
    """Find the key of others that the alias leads to, from which it is not to be taken; None where it may lead to ours.

    One that is deleted soon has no use for it, and from one without a mark the operator takes it by name.
    """
    found = look_up(stack, alias)
    if found.target is None or found.in_place:
        return None
    if found.own is None:
        return found.target
    given = found.target.mark.owner is None and stack.run.options.adopts(alias)
    return None if given or found.target.state.state == PENDING_DELETION else found.target


def foreign_key(stack: Stack, key: KeySpec) -> tuple[MarkedKey, NotOurs] | None:
    """Find somebody else's key that blocks a declared one, and the reason; None if none does.

    A key without a mark that nobody asked to make, Terraform's for example, is used as it is.
    """
    found, others = look_up(stack, key.alias), in_the_way(stack, key.alias)
    if others is None:
        return None
    as_it_is = found.own is None and others.mark.owner is None and _is_terraforms(stack, key)
    return None if as_it_is else (others, key_not_ours(stack, others, key.alias))


def _is_terraforms(stack: Stack, key: KeySpec) -> bool:
    """Return whether to use an unmarked key as it is: the stack neither makes it nor adds readers to its policy."""
    kinds = stack.spec.components
    return not key.create and not key.readers and all(kinds.get(component) == "kms" for component in key.components)


def marked(stack: Stack, about: KeyState, alias: str) -> MarkedKey:
    """Verify the tags of a key, looked at as the key behind an alias."""
    tags = dict(stack.observed.keys.tags(about.key_id))
    unproven = KeyMarks(None, stack.spec.stack, "").verify(about, tags, alias)
    if unproven.owner is None:
        # No tag of ours: there is nothing to prove, and no fingerprint key to ask for, or to make in another's account.
        return MarkedKey(about, unproven)
    return MarkedKey(about, key_marks(stack).verify(about, tags, alias))


def _is_own(stack: Stack, key: MarkedKey, alias: str) -> bool:
    owner = key.mark.owner
    of_another = owner is not None and stack.ownership.repository.is_another(owner.repository)
    adopted = stack.run.options.adopts(alias, of_another=of_another)
    if owner is None or not (key.mark.ours or (key.mark.state is MarkState.DOUBTFUL and adopted)):
        return False
    return stack.ownership.claims(owner) or (adopted and may_take_key(stack, owner, alias))


def may_take_key(stack: Stack, owner: Owner, alias: str) -> bool:
    """Whether the operator may take over, by name, a key that the mark of another stack or repository holds."""
    return stack.ownership.repository.may_take(owner, lambda spec: any(key.alias == alias for key in spec.keys))


def _without_alias(stack: Stack, alias: str) -> MarkedKey | None:
    keys = stack.observed.keys
    about = (keys.about(key_id) for key_id, tags in keys.without_alias(ALIAS).items() if tags[ALIAS] == alias)
    own = [key for one in about if one and _is_own(stack, key := marked(stack, one, alias), alias)]
    # A creation mark is copied from a key that is there already.
    return min(own, key=lambda key: (key.mark.creation, key.state.created_at or _NEVER), default=None)


def key_not_ours(stack: Stack, key: MarkedKey, alias: str) -> NotOurs:
    """Say why a key behind a declared alias is not ours to change."""
    said = f"points to key {key.state.key_id}, which"
    adopt = adoption(stack.spec.stack, alias)
    away = f"take its {PREFIX} tags or the alias away"
    if key.mark.state is MarkState.FORGED:
        return NotOurs(f"{said} {key.mark.state.value}", f"find out who tagged it, then {away}")
    if key.mark.state is MarkState.DOUBTFUL:
        why = "somebody copied it, or a run of an older version was killed"
        way = f"{why}; look at the key's grants, then take it over: {adopt}, or {away}"
        return NotOurs(f"{said} {key.mark.state.value}", way)
    ways = ["name its ARN in kms_key_id or default_kms_key_id", "declare another alias"]
    if key.mark.owner is None:
        if look_up(stack, alias).own:
            ways.append(f"lead it back to this stack's own key: {adopt}")
        return NotOurs(f"{said} was not made by the pipeline", ", or ".join(ways))
    ours = Owner(stack.spec.stack, repository=stack.ownership.repository.id)
    taken = may_take_key(stack, key.mark.owner, alias)
    ways.append(f"take it over: {adopt}" if taken else way_out(key.mark.owner, ours))
    return NotOurs(f"belongs to {key.mark.owner.home}", ", or ".join(ways))
