"""Report the new version of a published secret as a materialization, once, when its checks are green.

The evaluations that runs left in Dagster's storage say which versions there are, and whom they hold back; AWS is not
asked. So nothing is lost with a run that was killed: the next one that looks at the stack says the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

import dagster as dg

from secrets_pipeline.arn import Arn
from secrets_pipeline.operations.current_versions import CurrentVersion
from secrets_pipeline.orchestration.pages.console import secret_link
from secrets_pipeline.orchestration.pages.declared import VERSION_TAG
from secrets_pipeline.orchestration.pages.lines import fitting, lines_of
from secrets_pipeline.orchestration.pages.metadata import DATA, data_of, known_fields
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.publish import Publish, published_key
from secrets_pipeline.orchestration.verification.history import Evaluated, last_evaluation
from secrets_pipeline.orchestration.verification.published import holds_back, is_in_console, versions_in
from secrets_pipeline.orchestration.verification.stack_check import CURRENT_VALUES, StackCheck

HOMES: Final = "homes"
"""In the data of a report: the last reported version of each secret of the asset."""


@dataclass(frozen=True, slots=True)
class _Home:
    """A secret that an asset stands for: stacks of several accounts or regions may use one name.

    Its texts are `fitting`, as the UI shows them, and are only compared with such texts.

    Attributes:
        stack: which declares it.
        secret: its name.
        version: which was reported last.
        looked: when a run saw that version, in seconds since 1970.
    """

    stack: str
    secret: str
    version: str
    looked: float


class Publishing:
    """Reports the versions of the published secrets of a code location.

    Args:
        names: of the code location.
        publish: says which secrets are published.
        checks: all checks of a stack.
    """

    def __init__(self, names: Names, publish: Publish, checks: Sequence[StackCheck]) -> None:
        self._names = names
        self._publish = publish
        self._keys = {dg.AssetCheckKey(names.asset(one.stage), one.name): one for one in checks}
        self._carrier = next(key for key, one in self._keys.items() if one.name == CURRENT_VALUES)

    def report_all(
        self,
        instance: dg.DagsterInstance,
        evaluated: Mapping[str, set[str]],
        tell: Callable[[str], None],
        *,
        is_late: Callable[[], bool],
    ) -> set[str]:
        """Report the new versions of each stack; see `report`. A stack whose report fails hides no other.

        Args:
            instance: whose storage.
            evaluated: stack → ids of the runs that evaluated checks of it.
            tell: receives each sentence.
            is_late: tells when to stop.

        Returns:
            The runs to look at again: of stacks that came too late.
        """
        left: set[str] = set()
        for stack, runs in evaluated.items():
            if is_late():
                left |= runs
                continue
            try:
                for sentence in self.report(instance, stack):
                    tell(sentence)
            except Exception as error:  # noqa: BLE001 - the tick that reports versions sends all alerts, too
                tell(f"published secrets of {stack} are not reported: {type(error).__name__}: {error}")
                # What another version of the pipeline wrote stays as it is; a database that fails may answer again.
                left |= set() if isinstance(error, (KeyError, TypeError, ValueError)) else runs
        return left

    def report(self, instance: dg.DagsterInstance, stack: str) -> Iterator[str]:
        """Report each new version of the published secrets of a stack (`report_runless_asset_event`).

        Args:
            instance: whose storage.
            stack: its name.

        Yields:
            A sentence for each version that was reported, or that waits.
        """
        seen = last_evaluation(instance, self._carrier, stack)
        found = [one for one in versions_in(seen.evaluation) if self._publish.includes(one.secret)] if seen else []
        if seen is None or not found:
            return
        last = self._last_reports(instance, found)
        new = [one for one in found if _is_new(one, stack, seen.at, last.get(self._key(one), ()))]
        verdicts = self._verdicts(instance, stack) if new else {}
        for one in new:
            if waits := self._waits(one, seen, verdicts):
                yield f"{one.secret} of {stack}: version {one.version} is not reported yet: {waits}"
            else:
                self._say(instance, stack, one, seen)
                yield f"{one.secret} of {stack}: version {one.version} is reported"

    def _key(self, one: CurrentVersion) -> dg.AssetKey:
        return published_key(self._names, one.secret)

    def _last_reports(
        self, instance: dg.DagsterInstance, found: Sequence[CurrentVersion]
    ) -> Mapping[dg.AssetKey, Sequence[_Home]]:
        """Read the last report of each secret, in one query."""
        records = instance.get_asset_records(list({self._key(one) for one in found}))
        events = {record.asset_entry.asset_key: record.asset_entry.last_materialization for record in records}
        return {key: _homes(event.asset_materialization) for key, event in events.items() if event}

    def _verdicts(self, instance: dg.DagsterInstance, stack: str) -> Mapping[dg.AssetCheckKey, Evaluated]:
        last = {key: last_evaluation(instance, key, stack) for key in self._keys}
        return {key: one for key, one in last.items() if one is not None}

    def _waits(self, one: CurrentVersion, seen: Evaluated, verdicts: Mapping[dg.AssetCheckKey, Evaluated]) -> str:
        """Say what a version waits for; empty if it can be reported."""
        held = sorted(key.name for key, last in verdicts.items() if holds_back(last.evaluation, one.secret))
        if held:
            return f"{', '.join(held)} is not green"
        judging = [key for key, check in self._keys.items() if check.judges_values]
        if one.ours or all(_is_proof(verdicts.get(key), seen) for key in judging):
            return ""
        return "the pipeline did not write it, and no run has tried it since"

    def _say(self, instance: dg.DagsterInstance, stack: str, one: CurrentVersion, seen: Evaluated) -> None:
        known = set(map(fitting, self._names.stacks(instance)))
        before = self._last_reports(instance, [one]).get(self._key(one), ())
        others = [home for home in before if home.stack in known and not _is_of(home, one, stack)]
        homes = [*others, _Home(fitting(stack), fitting(one.secret), fitting(one.version), seen.at)]
        instance.report_runless_asset_event(
            dg.AssetMaterialization(
                asset_key=self._key(one),
                description=f"Version {one.version} of {one.secret} is current in stack {stack}.",
                metadata={
                    **_page(stack, one, seen, others),
                    DATA: dg.MetadataValue.json({HOMES: [asdict(home) for home in homes]}),
                },
                tags={VERSION_TAG: _data_version(homes) if others else one.version},
            )
        )


def _is_of(home: _Home, one: CurrentVersion, stack: str) -> bool:
    return (home.stack, home.secret) == (fitting(stack), fitting(one.secret))


def _data_version(homes: Sequence[_Home]) -> str:
    """Return a digest of the versions of all secrets that the asset stands for: a tag has no room for many of them."""
    said = sorted((home.stack, home.secret, home.version) for home in homes)
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _is_new(one: CurrentVersion, stack: str, seen_at: float, reported: Sequence[_Home]) -> bool:
    """Tell whether a version replaces the reported one; a look that is older than that report, or a list, does not."""
    last = next((home for home in reported if _is_of(home, one, stack)), None)
    if last is None:
        return True
    if fitting(one.version) == last.version:
        return False
    # The run of an older look may end last.
    is_newer_look = one.confirmed and seen_at >= last.looked
    return is_newer_look or (one.changed is not None and one.changed > last.looked)


def _is_proof(last: Evaluated | None, seen: Evaluated) -> bool:
    """Tell whether a check looked closely in the run that saw the version, or later."""
    if last is None or not last.was_close:
        return False
    same_run = seen.run_id != "" and last.run_id == seen.run_id and not seen.is_repeated
    return same_run or last.at >= seen.at


def _homes(materialization: dg.AssetMaterialization | None) -> Sequence[_Home]:
    rows = data_of(materialization.metadata if materialization else None).get(HOMES)
    return [_Home(**known_fields(_Home, row)) for row in rows] if isinstance(rows, list) else []


def _page(stack: str, one: CurrentVersion, seen: Evaluated, others: Sequence[_Home]) -> Mapping[str, Any]:
    arn = Arn.parse(one.arn)
    link = secret_link(arn, one.secret) if is_in_console(seen.evaluation) else ""
    lines = [
        one.secret,
        f"version {one.version}",
        f"stack {stack}",
        f"account {arn.account_id}",
        f"region {arn.region}",
        one.arn,
    ]
    also = [f"{home.stack}: {home.secret}, version {home.version}" for home in others]
    return {
        "secret": lines_of("secret", lines),
        **({"also in": lines_of("stack", also)} if also else {}),
        "looked at": dg.MetadataValue.timestamp(datetime.fromtimestamp(seen.at, UTC)),
        # A URL has no place for a browser to break the line.
        **({"console": dg.MetadataValue.md(f"[Secrets Manager]({link})")} if link else {}),
        **({"run": dg.MetadataValue.dagster_run(seen.run_id)} if seen.run_id else {}),
    }
