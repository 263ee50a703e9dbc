"""Notice a database that came up, was restored or moved, and have its stack follow it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import dagster as dg

from secrets_pipeline.aws.account_check import check_account
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.errors import AwsError, SecretsPipelineError
from secrets_pipeline.orchestration.polling.tick import Found, Known, Part, Tick
from secrets_pipeline.orchestration.provisioning.assets import FOLLOWED, texts
from secrets_pipeline.orchestration.shared.backoff import attempt_at
from secrets_pipeline.orchestration.shared.busy import UNFINISHED, busy_stacks
from secrets_pipeline.orchestration.shared.latest import Latest
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.round_robin import in_turn
from secrets_pipeline.orchestration.shared.run_requests import run_request
from secrets_pipeline.reconcilers.database.followed import serving
from secrets_pipeline.reconcilers.observed.databases import DatabaseInventory


def databases_part(names: Names, follow: str) -> Part:
    """Make the part of a tick that asks RDS once an account and region, and compares it with what was followed.

    Args:
        names: of the code location.
        follow: name of the job that follows a database.
    """
    latest = Latest(names.asset("rds_endpoints"))

    def look(tick: Tick, known: Known) -> Found:
        instance = tick.context.instance
        partitions = names.stacks(instance)
        specs = [spec for name, spec in tick.stacks.desired.specs.items() if name in partitions and spec.databases]
        if not specs:
            return Found({}, "no stack with a database has a partition")
        followed = latest.of(instance, [spec.stack for spec in specs])
        after = _compare(tick, specs, followed, _differences(known))
        # A run that is on its way, for an event or by hand, may be about to follow.
        busy = busy_stacks(instance, UNFINISHED) if after else frozenset()
        requests = [
            run_request(follow, stack, key=f"endpoint:{one.what}:{one.since}", attempt=attempt_at(tick.now - one.since))
            for stack, one in after.items()
            if one.seen and stack not in busy
        ]
        waiting = f", {len(after)} of them differ and wait for a run or an answer" if after else ""
        said = f"the databases of {len(specs)} stacks were compared{waiting}"
        return Found({name: [one.what, one.since] for name, one in after.items()}, said, requests)

    return look


def _compare(
    tick: Tick,
    specs: Sequence[StackSpec],
    followed: Mapping[str, dg.EventLogRecord],
    before: Mapping[str, "_Difference"],
) -> dict[str, "_Difference"]:
    """Compare each database that serves with what the stack's last run followed; what was not looked at stays known."""
    inventories: dict[Target, DatabaseInventory | AwsError] = {}
    after: dict[str, _Difference] = {}
    for spec in in_turn(specs, tick.number):
        known = before.get(spec.stack)
        if tick.is_late():
            after |= {} if known is None else {spec.stack: replace(known, seen=False)}
            continue
        try:
            difference = _difference(followed.get(spec.stack), spec, tick.sessions, inventories)
        except SecretsPipelineError as error:
            tick.context.log.warning("databases of %s were not looked at: %s", spec.stack, error.diagnostics())
            after |= {} if known is None else {spec.stack: replace(known, seen=False)}
            continue
        if difference:
            same = known if known is not None and known.what == difference else None
            after[spec.stack] = same or _Difference(difference, int(tick.now))
    return after


@dataclass(frozen=True, slots=True)
class _Difference:
    """A difference between RDS and what was followed.

    Attributes:
        what: digest of the databases as they are.
        since: when it was first seen, in seconds since 1970.
        seen: whether this tick has seen it.
    """

    what: str
    since: int
    seen: bool = True


def _differences(known: Known) -> dict[str, _Difference]:
    try:
        return {name: _Difference(str(what), int(since)) for name, (what, since) in known.items()}
    except (ValueError, TypeError):
        return {}


def _difference(
    last: dg.EventLogRecord | None,
    spec: StackSpec,
    sessions: Sessions,
    inventories: dict[Target, DatabaseInventory | AwsError],
) -> str:
    """Digest of the databases that serve otherwise than was followed; empty for none, or where nothing was applied."""
    if last is None:
        # A stack that was never applied is not for a sensor to apply.
        return ""
    followed = _followed(last)
    now = _serving(spec, sessions, inventories)
    other = {name: said for name, said in now.items() if followed.get(name) != said}
    return hashlib.sha256(json.dumps(other, sort_keys=True).encode()).hexdigest()[:16] if other else ""


def _serving(
    spec: StackSpec, sessions: Sessions, inventories: dict[Target, DatabaseInventory | AwsError]
) -> Mapping[str, str]:
    """The databases that serve; an account that did not answer is not asked again in this tick.

    Raises:
        SecretsPipelineError: it cannot be asked.
    """
    known = inventories.get(spec.target)
    if isinstance(known, AwsError):
        raise known
    try:
        if known is None:
            account = sessions.for_target(spec.target)
            check_account(account, spec.target, stack=spec.stack)
            known = inventories[spec.target] = DatabaseInventory(account)
        return serving(spec, known)
    except AwsError as error:
        inventories[spec.target] = error
        raise


def _followed(last: dg.EventLogRecord) -> Mapping[str, str]:
    """What the last run followed."""
    return texts(last.asset_materialization.metadata if last.asset_materialization else {}, FOLLOWED)
