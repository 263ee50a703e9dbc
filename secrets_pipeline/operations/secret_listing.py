"""List the secrets of an account and region that carry the tag of a stack, by ListSecrets alone."""

from __future__ import annotations

from collections.abc import Mapping

from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.operations.own_writes import written_versions
from secrets_pipeline.reconcilers.observed.secret_state import SecretState
from secrets_pipeline.reconcilers.observed.secrets import tagged_secrets
from secrets_pipeline.reconcilers.tag_keys import STACK
from secrets_pipeline.rotation.events.polling import Sight


def places(specs: Mapping[str, StackSpec]) -> dict[str, Target]:
    """Name each account and region that the stacks live in, once."""
    return {f"{t.account_id or 'own'}/{t.region}": t for t in (spec.target for spec in specs.values())}


def listed_secrets(account: AwsAccount, stacks: frozenset[str]) -> list[Sight]:
    """List the secrets of these stacks by ListSecrets, a call for a hundred of them; no value is read.

    Raises:
        AwsError: if Secrets Manager refuses.
    """
    return [_listed(one) for one in tagged_secrets(account) if one.tags.get(STACK) in stacks and not one.is_replica]


def _listed(state: SecretState) -> Sight:
    return Sight(
        name=state.name,
        stack=state.tags[STACK],
        version=state.current_version or "",
        rotated_at=int(state.last_rotated_at.timestamp()) if state.last_rotated_at else 0,
        pending=state.pending_version or "",
        written=written_versions(state),
    )
