"""Find what to rotate after a principal was compromised: all that it could read, at its roots."""

from __future__ import annotations

from collections.abc import Sequence

from secrets_pipeline.access.reach.audit import readable_by
from secrets_pipeline.access.reach.compiled import CompiledSnapshot
from secrets_pipeline.access.snapshot.model import Snapshot
from secrets_pipeline.cli.access.snapshot import principal_named, snapshot_of, unread_parts
from secrets_pipeline.cli.shared.console import say
from secrets_pipeline.cli.shared.failures import Failures
from secrets_pipeline.operations.open_repository import OpenRepository
from secrets_pipeline.reconcilers.rotate_now.choice import roots


def reachable(
    desired: OpenRepository, stacks: Sequence[str], principal: str, failures: Failures
) -> dict[str, tuple[str, ...]]:
    """Return the secrets to rotate by stack, of those that a principal can or may be able to read.

    A secret that is rendered from others stands for those. What no stack declares is said: somebody else has to rotate
    it.

    Args:
        desired: of the repository.
        stacks: whose accounts and regions are looked at.
        principal: ARN of a role, user or account root.
        failures: receives the errors of stacks that cannot be looked at.

    Raises:
        SpecError: the ARN is none of these.
    """
    who = principal_named(principal)
    seen: dict[tuple[str, str], set[str]] = {}
    declared: set[tuple[str, str, str]] = set()
    found: dict[str, tuple[str, ...]] = {}
    for stack in stacks:
        with failures.of(stack):
            spec = desired.specs[stack]
            place = _place(desired, stack)
            if place not in seen:
                seen[place] = _readable(desired, snapshot_of(desired, spec, every=True), who)
            own = [secret.name for secret in spec.secrets]
            declared |= {(*place, name) for name in own}
            if asked := roots(spec, [name for name in own if name in seen[place]]):
                found[stack] = asked
    for (account, region), readable in seen.items():
        for name in sorted(one for one in readable if (account, region, one) not in declared):
            say(f"note: {who} can read {name}, which no stack declares: rotate it by hand", style="yellow")
    return found


def _place(desired: OpenRepository, stack: str) -> tuple[str, str]:
    account = desired.assemble().stack(stack).account
    return account.account_id, account.region


def _readable(desired: OpenRepository, snapshot: Snapshot, who: str) -> set[str]:
    for unread in unread_parts(snapshot):
        say(f"note: not read: {unread}", style="dim")
    estate = CompiledSnapshot(snapshot, organization_policies=desired.settings.access.organization_policies)
    if missing := estate.missing(who):
        say(f"note: {missing}", style="yellow")
    return {one.secret for one in readable_by(estate, who)}
