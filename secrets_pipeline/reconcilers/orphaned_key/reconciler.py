"""List KMS keys that left the YAML, and call ScheduleKeyDeletion for them where the operator asks for it.

A key stays while the YAML or the operator names it, if only in a component that no secret has to do with any more;
while a secret is encrypted under it that could still be read, or restored, after the key is gone; and while it has a
grant: that is how RDS, EBS and others use a key.
Sources: https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html and
https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.desired.boundary import ContestedKind
from secrets_pipeline.desired.kms_key.model import TerraformKey
from secrets_pipeline.engine.model import Change, ChangeClass, Resource, SkippedError
from secrets_pipeline.engine.reason import Because, Detail, Kept, Reason, Sign
from secrets_pipeline.errors import AwsError, SecretsPipelineError
from secrets_pipeline.reconcilers.apply_options import pruning
from secrets_pipeline.reconcilers.kms_key.lookup import MarkedKey, marked
from secrets_pipeline.reconcilers.left import UNREAD
from secrets_pipeline.reconcilers.marks.key_mark import ALIAS, DEFAULT_DELETION_DAYS
from secrets_pipeline.reconcilers.observed.key_state import PENDING_DELETION
from secrets_pipeline.reconcilers.secret.desired import desired_secrets
from secrets_pipeline.reconcilers.tag_keys import STACK, VALUE_KEY
from secrets_pipeline.references.resolve import Pending

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

KIND = "kms-key"
_SEARCH = Resource(KIND, "that left the YAML")
_LONGEST_RECOVERY = timedelta(days=30)
"""How long after its DeletedDate a secret may be restored at most.

Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_SecretListEntry.html
"""


class OrphanedKeyReconciler:
    """Reconciles the keys that are ours and that no stack of the repository declares any more.

    They are looked for only by runs that do not write, as a plan, or that prune.

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
            changes = [self._change(alias, key) for alias, key in self._orphans().items()]
            _, is_cut = self._stack.observed.every_key.carrying(ALIAS)
        except AwsError as error:
            if error.denied and not options.prune:
                return [Change(_SEARCH, ChangeClass.NONE, (Because(f"was not looked for: {error.message}"),))]
            return [Change(_SEARCH, ChangeClass.BLOCKED, (Because(error.message),), error=error)]
        cut = Because("the account has more keys than are looked at, so there may be others")
        return [*changes, Change(_SEARCH, ChangeClass.NONE, (cut,))] if is_cut else changes

    def apply(self, change: Change) -> str:
        """Call ScheduleKeyDeletion for one key, with the window that the stack last declared; see `engine`."""
        alias, keys = change.resource.name, self._stack.observed.keys
        found = self._orphans().get(alias)
        if found is not None:
            # Minutes have passed since the plan.
            keys.forget(found.state.key_id)
            found = self._key(found.state.key_id, alias)
        if found is None or self._declared_by(alias) is not None:
            raise SkippedError(f"{alias} does not belong to this stack any more")
        days, key_id = _days(found), found.state.key_id
        if why := self._in_use(found, days):
            raise SkippedError(str(why))
        with calling("ScheduleKeyDeletion", alias):
            kms = self._stack.account.client("kms")
            kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=days)
        keys.forget(key_id)
        return f"key {key_id} is deleted in {days} days"

    def _orphans(self) -> dict[str, MarkedKey]:
        """Find them, by the alias that each was made for."""
        declared, target = self._stack.ownership.repository.index, self._stack.spec.target
        named, _ = _named_keys(self._stack)
        found, _ = self._stack.observed.every_key.carrying(ALIAS)
        orphans: dict[str, MarkedKey] = {}
        for key_id, tags in found.items():
            alias = tags[ALIAS]
            if tags.get(STACK) != self._stack.spec.stack or declared.stack_with(ContestedKind.KEY, alias, target):
                continue
            key = self._key(key_id, alias)
            if key is not None and named.isdisjoint(self._spelled(key)):
                orphans.setdefault(alias, key)
        return orphans

    def _declared_by(self, alias: str) -> TerraformKey | None:
        """Find who declares the key although no secret has to do with it any more."""
        spec = self._stack.spec
        return self._stack.ownership.repository.index.terraform_key(alias, spec.stack, spec.target)

    def _key(self, key_id: str, alias: str) -> MarkedKey | None:
        """Look at a key: None if it is not this stack's by its mark, or is being deleted already."""
        about = self._stack.observed.keys.about(key_id)
        if about is None or about.state == PENDING_DELETION:
            return None
        key = marked(self._stack, about, alias)
        # The mark that a key was made with is bound to no key: somebody may have copied it to his.
        ours = key.mark.ours and not key.mark.creation and self._stack.ownership.claims(key.mark.owner)
        return key if ours else None

    def _change(self, alias: str, key: MarkedKey) -> Change:
        if (kept := self._declared_by(alias)) is not None:
            managed = "settings.secrets_pipeline.create: true manages it"
            said = f"is kept: component {kept.component} of stack {kept.stack} still declares it"
            return Change(Resource(KIND, alias), ChangeClass.NONE, (Kept(said, managed),))
        options, repository = self._stack.run.options, self._stack.ownership.repository
        named = key.mark.owner is not None and key.mark.owner.repository == repository.id
        deletes = pruning(self._stack.spec, options, alias, named=named)
        gone = f"key {key.state.key_id} is not in the stack any more"
        said = gone if named else f"{gone}, and its mark names no repository"
        reason = Because(said, f"{deletes} in {_days(key)} days, unless something is encrypted under it")
        resource = Resource(KIND, alias)
        if not options.prune or not (named or options.adopts(alias)):
            return Change(resource, ChangeClass.ORPHAN, (reason,))
        if not repository.is_complete:
            return Change(resource, ChangeClass.BLOCKED, (UNREAD,), act=True)
        lost = Detail(Sign.REMOVED, "the key", f"in {_days(key)} days, and then all that it encrypts")
        return Change(resource, ChangeClass.PRUNE, (replace(reason, details=(lost,)),))

    def _in_use(self, key: MarkedKey, days: int) -> Reason | None:
        """Find what would become unreadable, whosever it is: secrets of this account and region, what has a grant."""
        gone, names = self._stack.run.now() + timedelta(days=days), self._spelled(key)
        secrets = self._stack.observed.secrets
        _, unknown = _named_keys(self._stack)
        if unknown:
            return Because(f"under which key secret {unknown[0]} is to be is not known yet", "apply, then prune again")
        # Lists may be five minutes old; this run knows its own writes.
        every = {**{one.name: one for one in secrets.in_region()}, **secrets.all()}.values()
        # After a change of key the value stays under the one before until it is written again.
        users = [one for one in every if one.kms_key_id in names or one.tags.get(VALUE_KEY) in names]
        kept = sorted(one.name for one in users if one.deleted_at is None or one.deleted_at + _LONGEST_RECOVERY > gone)
        if kept:
            more = f" and {len(kept) - 1} more" if len(kept) > 1 else ""
            way = "give it another key or delete it; once it cannot be restored any more, prune again"
            return Because(f"secret {kept[0]}{more} is encrypted under it", way)
        if grantee := self._stack.observed.keys.grantee_now(key.state.key_id):
            return Because(f"{grantee} has a grant on it", "what it encrypts has to go first; then prune again")
        return None

    def _spelled(self, key: MarkedKey) -> frozenset[str]:
        """Say by which names a key may be named."""
        aliases = self._stack.observed.keys.aliases()
        led = [alias for alias, key_id in aliases.items() if key_id == key.state.key_id]
        arns = key.state.arn.removesuffix(f"key/{key.state.key_id}")
        return frozenset({key.state.key_id, key.state.arn, *led, *(f"{arns}{alias}" for alias in led)})


def _days(key: MarkedKey) -> int:
    """Read the window that the mark proves; 30 days where an older version wrote none."""
    return key.mark.deletion_days or DEFAULT_DELETION_DAYS


def _named_keys(stack: Stack) -> tuple[frozenset[str], tuple[str, ...]]:
    """Collect ids, ARNs and aliases of the keys that are needed.

    Returns:
        What they are named by, and the names of the stack's secrets whose key is not known yet.
    """
    settings, region = stack.run.settings, stack.account.region
    names = {settings.seal_key, settings.fingerprint_key, settings.events.kms_key if settings.events else None}
    unknown = []
    for name, secret in desired_secrets(stack).items():
        key: str | Pending | None = Pending("its stage says why it cannot be told")
        with suppress(SecretsPipelineError):
            key = secret.kms_key
        if isinstance(key, Pending):
            unknown.append(name)
        else:
            names.add(key)
    names |= stack.ownership.repository.index.used_keys(region)
    return frozenset(name for name in names if name is not None), tuple(unknown)
