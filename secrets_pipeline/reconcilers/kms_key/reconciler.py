"""KMS keys: those that the stack makes, with alias, rotation, tags and policy, and those that its secrets name.

A key of ours is made with its tags, then gets alias and rotation, and its mark last. Whatever a crash left is found
again by alias or, without one, by tag, so that no second key is made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from secrets_pipeline.access.policy_text.principals import principals
from secrets_pipeline.access.policy_text.statements import key_policy
from secrets_pipeline.access.policy_text.write import canonical, compact, same_policy
from secrets_pipeline.aws.consistency import NEW_PRINCIPAL, NEW_RESOURCE
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.desired.kms_key.lockout import locks_out_root
from secrets_pipeline.desired.kms_key.model import KeySpec
from secrets_pipeline.desired.limits import KEY_POLICY_BYTES
from secrets_pipeline.engine.apply import planned
from secrets_pipeline.engine.model import Change, ChangeClass, Resource, SkippedError
from secrets_pipeline.engine.reason import Because, ChangedOutside, Differs, Reason, Waits
from secrets_pipeline.errors import AwsError, SpecError
from secrets_pipeline.reconcilers.kms_key.lookup import MarkedKey, Standing, in_the_way, key_marks, standing, whose
from secrets_pipeline.reconcilers.kms_key.referenced import referenced_keys, unusable
from secrets_pipeline.reconcilers.marks.key_mark import ALIAS, DEFAULT_DELETION_DAYS
from secrets_pipeline.reconcilers.marks.not_ours import UNNAMED
from secrets_pipeline.reconcilers.observed.key_state import KeyRotation, KeyState, key_state
from secrets_pipeline.reconcilers.observed.tags import surplus_tags
from secrets_pipeline.reconcilers.policy_readers import not_let_in
from secrets_pipeline.reconcilers.tag_keys import REPOSITORY, SPEC
from secrets_pipeline.references.resolve import Pending, Plain, substitute

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

KIND = "kms-key"
_UNUSED_WINDOW_IN_DAYS = 7
_UNREAD = Because("policy not read: `verify` and `plan --deep` do")


class KmsKeyReconciler:
    """KMS keys of one stack.

    The policy of a key whose mark is up to date is not read: the verification does that. With `deep`, it is.
    """

    def __init__(self, stack: Stack, *, deep: bool | None = None) -> None:
        self._stack = stack
        self._deep = stack.run.options.deep if deep is None else deep
        self._patience = stack.run.patience
        self._keys = {key.alias: key for key in stack.spec.keys}

    def plan(self) -> Sequence[Change]:
        """One change a declared key, and one for each other key that secrets are to be encrypted under."""
        declared = [
            planned(Resource(KIND, alias, ", ".join(key.components)), partial(self._plan, key))
            for alias, key in self._keys.items()
        ]
        return [*declared, *referenced_keys(self._stack, KIND)]

    def apply(self, change: Change) -> str:
        """Make one change true; see `engine.Reconciler`."""
        key = self._keys[change.resource.name]
        policy = self.declared_policy(key)
        if isinstance(policy, Pending):
            raise SkippedError(policy.reason)
        found = standing(self._stack, key.alias)
        if found.own is None and found.target is None:
            self._stack.observed.keys.forget_search(ALIAS)
            found = standing(self._stack, key.alias)
        if found.target is not None and not found.in_place:
            # Whose the key is that the alias is about to be taken from is asked now: a list may be old.
            self._stack.observed.keys.confirm_alias(key.alias)
            found = standing(self._stack, key.alias)
        if (others := in_the_way(self._stack, key.alias)) is not None:
            raise SkippedError(str(whose(self._stack, others, key.alias)))
        if found.own is not None:
            try:
                return ", ".join(self._repair(found, found.own, key, policy)) or "finished"
            finally:
                self._stack.observed.keys.forget(found.own.state.key_id)
        return self._create(key, policy)

    def _plan(self, key: KeySpec) -> Change:
        resource = Resource(KIND, key.alias, ", ".join(key.components))
        policy = self.declared_policy(key)
        if isinstance(policy, Pending):
            return Change(resource, ChangeClass.UPDATE, (Waits(policy.reason),))
        found = standing(self._stack, key.alias)
        subject = found.own or found.target
        if subject is None:
            return Change(resource, ChangeClass.CREATE)
        if subject.state.problem:
            raise unusable(self._stack, key.alias, subject.state.key_id, subject.state.problem)
        others = in_the_way(self._stack, key.alias)
        if found.own is None or others is not None:
            return Change(resource, ChangeClass.BLOCKED, (whose(self._stack, others or subject, key.alias),))
        finished = found.own.mark.digest is not None and found.own.mark.digest == self._digest(key, policy)
        reasons = self._differences(found, found.own, key, policy if self._deep or not finished else None)
        if finished and (window := _window(found.own, key)):
            outside = map(ChangedOutside, reasons)
            return Change(resource, ChangeClass.UPDATE, (*outside, window), drift=bool(reasons))
        if finished:
            said = tuple(map(ChangedOutside, reasons))
            unread = () if self._deep else (_UNREAD,)
            return Change(resource, ChangeClass.UPDATE if said else ChangeClass.NONE, said or unread, drift=bool(said))
        action = ChangeClass.UPDATE if self._stack.ownership.claims(found.own.mark.owner) else ChangeClass.ADOPT
        return Change(resource, action, tuple(reasons) or (Because("is as declared, and not marked as finished"),))

    def declared_policy(self, key: KeySpec) -> dict[str, Any] | Pending:
        """The policy that a key should have, or what it waits for.

        Raises:
            SpecError: if it would lock the account's root out.
        """
        account = self._stack.account
        match substitute(list(key.policy), self._stack.resolve):
            case Plain(value=list() as declared):
                if any(locks_out_root(statement, account.account_id) for statement in declared):
                    raise SpecError(
                        f"the policy of {key.alias} denies the account's root access to its own key",
                        remedy="Nobody could repair such a key: name other principals to deny.",
                    )
                if wrong := not_let_in(self._stack, declared):
                    return Pending(f"its policy {wrong}")
                return key_policy(
                    account.account_id,
                    account.region,
                    account.partition,
                    declared,
                    key.readers,
                    organization_id=self._stack.spec.organization_id,
                )
            case Pending() as pending:
                return pending
            case _:
                return Pending("its policy holds a secret value")

    def _tags(self, key: KeySpec) -> dict[str, str]:
        return {**key.tags, **key_marks(self._stack).identity(key.alias)}

    def _digest(self, key: KeySpec, policy: dict[str, Any]) -> str | None:
        return key_marks(self._stack).digest(
            key.description,
            json.dumps([key.enable_key_rotation, key.rotation_period_in_days]),
            json.dumps(self._tags(key), sort_keys=True),
            canonical(policy),
        )

    def _differences(
        self, found: Standing, own: MarkedKey, key: KeySpec, policy: dict[str, Any] | None
    ) -> Sequence[Reason]:
        """A reason for everything that differs; a policy of None is not compared."""
        keys, key_id = self._stack.observed.keys, own.state.key_id
        reasons: list[Reason] = []
        if not found.in_place:
            alias = f"alias points to key {found.target.state.key_id}" if found.target else "alias is missing"
            reasons.append(Because(alias))
        if own.state.description != key.description:
            reasons.append(Differs("description", repr(own.state.description), repr(key.description)))
        if policy is not None and not same_policy(keys.policy(key_id), policy):
            reasons.append(Differs("key policy"))
        reasons.extend(_rotation_differences(keys.rotation(key_id), key))
        observed, wanted = keys.tags(key_id), self._tags(key)
        differing = [name for name, value in wanted.items() if observed.get(name) != value]
        unnamed = REPOSITORY in differing and REPOSITORY not in observed
        reasons.extend(UNNAMED if unnamed and name == REPOSITORY else Differs(f"tag {name}") for name in differing)
        reasons.extend(Because(f"tag {name} is not declared") for name in surplus_tags(observed, wanted))
        return reasons

    def _create(self, key: KeySpec, policy: dict[str, Any]) -> str:
        now = self._stack.run.now()
        tags = {**self._tags(key), **key_marks(self._stack).created(key.alias, now)}
        make = partial(
            self._stack.account.client("kms").create_key,
            Description=key.description,
            KeyUsage="ENCRYPT_DECRYPT",
            Policy=compact(policy, longest=KEY_POLICY_BYTES),
            Tags=[{"TagKey": name, "TagValue": value} for name, value in sorted(tags.items())],
        )
        answer = self._patience.until_visible(
            "CreateKey", key.alias, make, lag=NEW_PRINCIPAL, subject=", ".join(principals(policy))
        )
        state = key_state(answer["KeyMetadata"])
        self._stack.observed.keys.note(state, tags)
        self._name(key, state)
        if key.enable_key_rotation:
            self._rotate(key, state)
        mark = self._finish(key, state, policy)
        self._stack.observed.keys.note(state, {**tags, SPEC: mark})
        return f"key {state.key_id}"

    def _repair(self, found: Standing, own: MarkedKey, key: KeySpec, policy: dict[str, Any]) -> list[str]:
        client, keys, state = self._stack.account.client("kms"), self._stack.observed.keys, own.state
        done = []
        if state.problem:
            raise unusable(self._stack, key.alias, state.key_id, state.problem)
        if found.target is None:
            self._name(key, state, spare=True)
            done.append("alias")
        elif not found.in_place:
            with calling("UpdateAlias", key.alias):
                client.update_alias(AliasName=key.alias, TargetKeyId=state.key_id)
            keys.note_alias(key.alias, state.key_id)
            done.append("alias")
        if state.description != key.description:
            with calling("UpdateKeyDescription", key.alias):
                client.update_key_description(KeyId=state.key_id, Description=key.description)
            done.append("description")
        if not same_policy(keys.policy(state.key_id), policy):
            if own.mark.digest not in (None, self._digest(key, policy)):
                # The mark vouches for the policy, which no list shows: not while another one is there than it says.
                self._tag(key, state, key_marks(self._stack).provisional(state.arn, key.alias))
            text = compact(policy, longest=KEY_POLICY_BYTES)
            put = partial(client.put_key_policy, KeyId=state.key_id, PolicyName="default", Policy=text)
            self._patience.until_visible(
                "PutKeyPolicy", key.alias, put, lag=NEW_PRINCIPAL, subject=", ".join(principals(policy))
            )
            done.append("policy")
        if _rotation_differences(keys.rotation(state.key_id), key):
            done.append("rotation on" if key.enable_key_rotation else "rotation off")
            self._rotate(key, state)
        done.extend(self._retag(key, state))
        self._finish(key, state, policy)
        return done

    def _retag(self, key: KeySpec, state: KeyState) -> list[str]:
        client = self._stack.account.client("kms")
        observed, wanted = self._stack.observed.keys.tags(state.key_id), self._tags(key)
        missing = {name: value for name, value in wanted.items() if observed.get(name) != value}
        surplus = surplus_tags(observed, wanted)
        marks = key_marks(self._stack)
        if not marks.identity(key.alias).keys().isdisjoint(missing):
            # The mark speaks of them: a new one is written in the same call.
            missing |= marks.provisional(state.arn, key.alias)
        if missing:
            self._tag(key, state, missing)
        if surplus:
            with calling("UntagResource", key.alias):
                client.untag_resource(KeyId=state.key_id, TagKeys=surplus)
        return ["tags"] if missing or surplus else []

    def _finish(self, key: KeySpec, state: KeyState, policy: dict[str, Any]) -> str:
        """The mark, written if it is not there."""
        digest = self._digest(key, policy)
        if digest is None:
            raise RuntimeError("keys are marked under the fingerprint key, which apply makes first")
        mark = key_marks(self._stack).finished(state.arn, key.alias, digest, key.deletion_window_in_days)
        if self._stack.observed.keys.tags(state.key_id).get(SPEC) != mark:
            self._tag(key, state, {SPEC: mark})
        return mark

    def _tag(self, key: KeySpec, state: KeyState, tags: Mapping[str, str]) -> None:
        listed = [{"TagKey": name, "TagValue": value} for name, value in sorted(tags.items())]
        tag = partial(self._stack.account.client("kms").tag_resource, KeyId=state.key_id, Tags=cast("Any", listed))
        self._patience.until_visible("TagResource", key.alias, tag, lag=NEW_RESOURCE)

    def _name(self, key: KeySpec, state: KeyState, *, spare: bool = False) -> None:
        """Give a key its alias, unless another run did; a key of ours that lost to another one is given up.

        Args:
            key: the declared key.
            state: the key that gets the alias.
            spare: whether the key was there before, and so is kept in any case.
        """
        client, keys = self._stack.account.client("kms"), self._stack.observed.keys
        try:
            name = partial(client.create_alias, AliasName=key.alias, TargetKeyId=state.key_id)
            self._patience.until_visible("CreateAlias", key.alias, name, lag=NEW_RESOURCE)
        except AwsError as error:
            if error.code != "AlreadyExistsException":
                raise
        else:
            keys.note_alias(key.alias, state.key_id)
            return
        keys.forget(key.alias)
        winner = keys.about(key.alias)
        if winner is not None:
            keys.note_alias(key.alias, winner.key_id)
        if winner is not None and winner.key_id == state.key_id:
            # A run that raced with this one found our key by its tag and named it.
            return
        if winner is not None and not spare:
            with calling("ScheduleKeyDeletion", state.key_id):
                client.schedule_key_deletion(KeyId=state.key_id, PendingWindowInDays=_UNUSED_WINDOW_IN_DAYS)
        raise SkippedError(f"{key.alias} exists after all: the next run compares it")

    def _rotate(self, key: KeySpec, state: KeyState) -> None:
        client = self._stack.account.client("kms")
        if not key.enable_key_rotation:
            with calling("DisableKeyRotation", key.alias):
                client.disable_key_rotation(KeyId=state.key_id)
            return
        period = {"RotationPeriodInDays": key.rotation_period_in_days} if key.rotation_period_in_days else {}
        turn = partial(client.enable_key_rotation, KeyId=state.key_id, **period)
        self._patience.until_visible("EnableKeyRotation", key.alias, turn, lag=NEW_RESOURCE)


def _rotation_differences(observed: KeyRotation, key: KeySpec) -> list[Reason]:
    """How the rotation of a key's material differs."""
    if observed.enabled != key.enable_key_rotation:
        return [Because(f"key rotation is {'on' if observed.enabled else 'off'}")]
    if observed.enabled and key.rotation_period_in_days not in (None, observed.period_in_days):
        return [Differs("rotation period", observed.period_in_days, key.rotation_period_in_days)]
    return []


def _window(own: MarkedKey, key: KeySpec) -> Reason | None:
    """The mark keeps the deletion window for the day on which the key has left the YAML."""
    days = own.mark.deletion_days or DEFAULT_DELETION_DAYS
    if days == key.deletion_window_in_days:
        return None
    return Differs("deletion window", days, f"{key.deletion_window_in_days} days")
