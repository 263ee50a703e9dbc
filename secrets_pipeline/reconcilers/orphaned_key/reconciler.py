"""List KMS keys that left the YAML as orphans, and call ScheduleKeyDeletion only where the operator asks for it.

A key stays while a secret is encrypted under it that could still be read, or restored, after the key is gone.
Source: https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.engine.model import Change, ChangeClass, Resource, SkippedError
from secrets_pipeline.engine.reason import Because, Reason
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.kms_key.lookup import MarkedKey, marked
from secrets_pipeline.reconcilers.marks.key_mark import ALIAS, DEFAULT_DELETION_DAYS
from secrets_pipeline.reconcilers.observed.key_state import PENDING_DELETION
from secrets_pipeline.reconcilers.tag_keys import STACK

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

KIND = "kms-key"
_LONGEST_RECOVERY = timedelta(days=30)
"""How long after its DeletedDate a secret may be restored at most.

Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_SecretListEntry.html
"""


class OrphanedKeyReconciler:
    """Finds and prunes keys that are ours and that no stack of the repository declares any more.

    Their tags are read only by runs that do not write, as a plan, or that prune.

    Args:
        stack: the stack.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def plan(self) -> Sequence[Change]:
        """Plan one change an orphan."""
        options = self._stack.run.options
        if self._stack.run.writes and not options.prune:
            return []
        try:
            return [self._change(alias, key) for alias, key in self._orphans().items()]
        except AwsError as error:
            return [Change(Resource(KIND, "that left the YAML"), ChangeClass.BLOCKED, error=error)]

    def apply(self, change: Change) -> str:
        """Call ScheduleKeyDeletion for one key, with the window that the stack last declared for it; see `engine`."""
        alias, keys = change.resource.name, self._stack.observed.keys
        found = self._orphans().get(alias)
        if found is not None:
            # Minutes have passed since the plan.
            keys.forget(found.state.key_id)
            found = self._key(found.state.key_id, alias)
        if found is None:
            raise SkippedError(f"{alias} does not belong to this stack any more")
        days = _days(found)
        if why := self._in_use(found, days):
            raise SkippedError(str(why))
        with calling("ScheduleKeyDeletion", alias):
            kms = self._stack.account.client("kms")
            kms.schedule_key_deletion(KeyId=found.state.key_id, PendingWindowInDays=days)
        keys.forget(found.state.key_id)
        return f"key {found.state.key_id} is deleted in {days} days"

    def _orphans(self) -> dict[str, MarkedKey]:
        """By the alias that each was made for."""
        run, repository = self._stack.run, self._stack.ownership.repository
        declared = repository.key_aliases_in(self._stack.spec.target)
        expected = declared | {run.settings.seal_key, run.settings.fingerprint_key}
        keys = self._stack.observed.keys
        orphans: dict[str, MarkedKey] = {}
        for key_id, tags in {**keys.with_alias(ALIAS, but=expected), **keys.without_alias(ALIAS)}.items():
            alias = tags[ALIAS]
            if alias in declared or tags.get(STACK) != self._stack.spec.stack:
                continue
            if (key := self._key(key_id, alias)) is not None:
                orphans.setdefault(alias, key)
        return orphans

    def _key(self, key_id: str, alias: str) -> MarkedKey | None:
        """The key, if it is this stack's by its mark, and is not being deleted."""
        about = self._stack.observed.keys.about(key_id)
        if about is None or about.state == PENDING_DELETION:
            return None
        key = marked(self._stack, about, alias)
        return key if key.mark.ours and self._stack.ownership.claims(key.mark.owner) else None

    def _change(self, alias: str, key: MarkedKey) -> Change:
        options, repository = self._stack.run.options, self._stack.ownership.repository
        named = key.mark.owner is not None and key.mark.owner.repository == repository.id
        command = "`apply --prune`" if named else f"`apply --prune --adopt {alias}`"
        said = "is not in the stack any more" if named else "its mark names no repository, and it is not in the stack"
        reason = Because(said, f"{command} deletes it in {_days(key)} days, unless a secret is encrypted under it")
        resource = Resource(KIND, alias)
        if not options.prune or not (named or options.adopts(alias)):
            return Change(resource, ChangeClass.ORPHAN, (reason,))
        if not repository.is_complete:
            # A stack that cannot be read may declare it.
            waits = Because("is not pruned while stacks of the repository have errors")
            return Change(resource, ChangeClass.BLOCKED, (waits,))
        return Change(resource, ChangeClass.PRUNE, (reason,))

    def _in_use(self, key: MarkedKey, days: int) -> Reason | None:
        """Whether a secret of this account and region, whosever it is, would become unreadable."""
        gone = self._stack.run.now() + timedelta(days=days)
        names = self._names(key)
        users = [one for one in self._stack.observed.secrets.in_region() if one.kms_key_id in names]
        kept = sorted(one.name for one in users if one.deleted_at is None or one.deleted_at + _LONGEST_RECOVERY > gone)
        if not kept:
            return None
        more = f" and {len(kept) - 1} more" if len(kept) > 1 else ""
        way = "give it another key or delete it; once it cannot be restored any more, prune again"
        return Because(f"secret {kept[0]}{more} is encrypted under it", way)

    def _names(self, key: MarkedKey) -> frozenset[str]:
        """What secrets may name a key by."""
        aliases = self._stack.observed.keys.aliases()
        led = [alias for alias, key_id in aliases.items() if key_id == key.state.key_id]
        arns = key.state.arn.removesuffix(f"key/{key.state.key_id}")
        return frozenset({key.state.key_id, key.state.arn, *led, *(f"{arns}{alias}" for alias in led)})


def _days(key: MarkedKey) -> int:
    """The window that the mark proves; 30 days where an older version wrote none."""
    return key.mark.deletion_days or DEFAULT_DELETION_DAYS
