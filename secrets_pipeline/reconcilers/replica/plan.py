"""Compare a secret's replicas with the declared ones: what has to be done, and the reasons of a plan.

Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ReplicationStatusType.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from secrets_pipeline.desired.secret.model import ReplicaSpec, SecretSpec
from secrets_pipeline.engine.reason import Because, ChangedOutside, Differs, OnItsWay, Reason, Waits
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.observed.secret_state import ReplicaState, SecretState, Unread
from secrets_pipeline.reconcilers.tag_keys import REPLICAS

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_AWS_MANAGED = "AWS"
_REMEDIES = {
    "already exists": "Delete or rename the secret of that name in that region, then run again.",
    "key": "Enable the KMS key in that region, let the pipeline use it, or name another one; then run again.",
}
_OTHERWISE = "Check that the region is enabled for the account, and run again: a failed replica is tried again."


@dataclass(frozen=True, slots=True)
class ReplicaWork:
    """What has to be done about the replicas of one secret.

    Attributes:
        add: declared and missing.
        retry: declared and failed.
        rekey: declared, and under another key.
        take: declared, and added by somebody else: ours from now on.
        remove: regions that left the stack.
        gone: regions that left the stack, and whose replica is gone already.
        waiting: regions in which a replica is being made.
        others: regions that somebody else added; they are left alone.
    """

    add: tuple[ReplicaSpec, ...] = ()
    retry: tuple[ReplicaSpec, ...] = ()
    rekey: tuple[ReplicaSpec, ...] = ()
    take: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def only_waits(self) -> bool:
        """Whether nothing can be done but look again."""
        return bool(self.waiting) and not (
            self.add or self.retry or self.rekey or self.take or self.remove or self.gone
        )

    def reasons(self, state: SecretState, *, made: bool) -> tuple[Reason, ...]:
        """Give a reason for each thing to do.

        Args:
            state: the secret that was compared.
            made: whether the replicas were made as declared already: what differs now was changed outside.
        """
        seen = known_replicas(state)
        reasons: list[Reason] = [_missing(one, made=made) for one in self.add]
        reasons += [Because(f"replica in {one.region} is Failed: {seen[one.region].message}") for one in self.retry]
        for one in self.rekey:
            at, wanted = seen[one.region].kms_key_id or "default", one.kms_key_id or "default"
            differs = Differs(f"kms key of the replica in {one.region}", at, wanted)
            reasons.append(ChangedOutside(differs) if made else differs)
        reasons += [Because(f"replica in {one} is not declared any more and is deleted") for one in self.remove]
        reasons += [Because(f"replica in {one} was added by somebody else, and is declared now") for one in self.take]
        reasons += [Because(f"replica in {one} is not declared any more and is gone") for one in self.gone]
        waits = OnItsWay if self.only_waits else Waits
        reasons += [waits(f"replica in {one} is InProgress") for one in self.waiting]
        return tuple(reasons)


def _missing(one: ReplicaSpec, *, made: bool) -> Reason:
    if made:
        return ChangedOutside(Because(f"replica in {one.region} is missing"))
    return Because(f"replicate to {one.region} under {one.kms_key_id or 'the default key'}")


def compare_replicas(stack: Stack, state: SecretState, secret: SecretSpec) -> ReplicaWork:
    """Compare the replicas that were read with the declared ones."""
    seen, ours = known_replicas(state), made_regions(stack, state)
    declared = {one.region: one for one in secret.replicas}
    present = [(one, seen[region]) for region, one in declared.items() if region in seen]
    surplus = sorted(set(seen) - set(declared))
    return ReplicaWork(
        add=tuple(one for region, one in declared.items() if region not in seen),
        retry=tuple(one for one, replica in present if replica.failed),
        rekey=tuple(
            one for one, replica in present if replica.in_sync and not _same_key(stack, replica, one.kms_key_id)
        ),
        take=tuple(one.region for one, _ in present if one.region not in ours),
        remove=tuple(region for region in surplus if region in ours),
        gone=tuple(sorted(ours - set(seen) - set(declared))),
        waiting=tuple(one.region for one, replica in present if replica.in_progress),
        others=tuple(region for region in surplus if region not in ours),
    )


def made_regions(stack: Stack, state: SecretState) -> frozenset[str]:
    """Read from a tag the regions that we were asked to replicate a secret to."""
    return stack.ownership.marks.read_words(state, REPLICAS)


def describe_replicas(stack: Stack, state: SecretState) -> str:
    """Describe the replicas, for a human: `eu-west-1 InSync, us-east-1 Failed (…)`, and whose are not ours."""
    ours = made_regions(stack, state)
    said = []
    for region, replica in sorted(known_replicas(state).items()):
        text = f"{region} {replica.status}"
        text += f" ({replica.message})" if replica.failed else ""
        said.append(text if region in ours else f"{text}, added by somebody else")
    return ", ".join(said) or "no replica"


def refuse_failed(stack: Stack, state: SecretState) -> None:
    """Refuse a secret of which a replica of ours has failed; say why, and what to do.

    Raises:
        AwsError: if one has.
    """
    ours = made_regions(stack, state)
    failed = [one for region, one in sorted(known_replicas(state).items()) if one.failed and region in ours]
    if not failed:
        return
    messages = "; ".join(f"{one.region}: {one.message}" for one in failed)
    remedy = next((text for word, text in _REMEDIES.items() if word in messages), _OTHERWISE)
    raise AwsError(
        f"replication of {state.name} failed in {messages}", operation="ReplicateSecretToRegions", remedy=remedy
    )


def _same_key(stack: Stack, replica: ReplicaState, wanted: str | None) -> bool:
    if replica.kms_key_id == wanted:
        return True
    keys = stack.observed.keys_in(replica.region)
    if replica.kms_key_id is None:
        return False
    if wanted is None:
        about = keys.about(replica.kms_key_id)
        return about is not None and about.manager == _AWS_MANAGED
    observed, declared = keys.key_id(replica.kms_key_id), keys.key_id(wanted)
    return observed is not None and observed == declared


def known_replicas(state: SecretState) -> Mapping[str, ReplicaState]:
    """Map regions to the replicas, as far as they were read."""
    return {} if isinstance(state.replicas, Unread) else state.replicas
