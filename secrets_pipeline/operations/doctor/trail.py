"""Ask for a trail that tells EventBridge of API calls: without one, half of the events never arrive.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.operations.doctor.model import Answer, Verdict, fine
from secrets_pipeline.reconcilers.event_queue.desired import GLOBAL_RULES, RULES
from secrets_pipeline.rotation.events import names

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_REMEDY = (
    "Make a multi-region trail with management events of these services, read and write or write alone; until then "
    "failed rotations and changes from outside are seen at the next verification."
)


def _sources(rules: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """List the services, as trails name them, whose events rules take from CloudTrail."""
    by_cloudtrail = {names.API_CALL, names.SERVICE_EVENT}
    sources = (one["source"][0] for one in rules if by_cloudtrail & set(one["detail-type"]))
    return tuple(dict.fromkeys(map(_in_trails, sources)))


def _in_trails(source: str) -> str:
    return f"{source.removeprefix('aws.')}.amazonaws.com"


_LOCAL, _GLOBAL = _sources(RULES.values()), _sources(GLOBAL_RULES.values())
_SOURCES = (*_LOCAL, *_GLOBAL)
_IAM = _in_trails(names.IAM)


def trail(stacks: Sequence[Stack]) -> Iterator[Answer]:
    """Judge the trails of an account and region (CloudTrail DescribeTrails, GetTrailStatus, GetEventSelectors).

    Raises:
        AwsError: if CloudTrail refuses.
    """
    account, settings = stacks[0].account, stacks[0].run.settings
    if settings.events is None:
        return
    with calling("DescribeTrails", f"in {account.region}"):
        found = account.client("cloudtrail").describe_trails()["trailList"]
    wanted = _SOURCES if settings.events.watch_access else _LOCAL
    trails = [(str(one["Name"]), _judged(account, dict(one), wanted)) for one in found]
    missing = [one for one in wanted if not any(one in judged.recorded for _, judged in trails)]
    if not missing:
        good = dict.fromkeys(name for name, judged in trails if judged.recorded)
        yield fine("trail", f"{', '.join(good)} records management events")
        return
    lacks = [f"{name} {judged.lack}" for name, judged in trails if judged.lack]
    text = "; ".join(lacks) or f"no trail covers {account.region}"
    yield Answer("trail", Verdict.ADVISED, f"events of calls of {', '.join(missing)} never arrive: {text}", _REMEDY)


class _Judged(NamedTuple):
    """The wanted services that a trail records, and why it records too little; empty if it records all."""

    recorded: frozenset[str] = frozenset()
    lack: str = ""


def _judged(account: AwsAccount, one: Mapping[str, Any], wanted: Sequence[str]) -> _Judged:
    name, cloudtrail = str(one["TrailARN"]), account.client("cloudtrail")
    if not one.get("IsMultiRegionTrail") and one.get("HomeRegion") != account.region:
        return _Judged(lack=f"records {one.get('HomeRegion')} alone")
    with calling("GetTrailStatus", name):
        if not cloudtrail.get_trail_status(Name=name).get("IsLogging"):
            return _Judged(lack="is stopped")
    with calling("GetEventSelectors", name):
        selectors = cloudtrail.get_event_selectors(TrailName=name)
    recorded = frozenset(source for source in wanted if records_changes(selectors, source))
    if not recorded:
        return _Judged(lack="records no management events that write")
    lacks = []
    if left_out := [source for source in wanted if source not in recorded]:
        lacks.append(f"leaves out {', '.join(left_out)}")
    if not one.get("IsMultiRegionTrail"):
        regions = names.GLOBAL_REGIONS.get(account.partition, {})
        here = {_in_trails(source) for source, region in regions.items() if region == account.region}
        if elsewhere := [source for source in _GLOBAL if source in recorded and source not in here]:
            recorded = recorded.difference(elsewhere)
            lacks.append(f"covers this region only, and events of {', '.join(elsewhere)} are recorded in another")
    # Of the services here, IAM alone: Organizations is not among those that the setting is for.
    # https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-create-and-update-a-trail-by-using-the-aws-cli-update-trail.html
    if not one.get("IncludeGlobalServiceEvents", True) and _IAM in recorded:
        recorded -= {_IAM}
        lacks.append(f"leaves out {_IAM}, as IncludeGlobalServiceEvents is false")
    return _Judged(recorded, ", and ".join(lacks))


def records_changes(selectors: Mapping[str, Any], source: str) -> bool:
    """Whether event selectors, basic or advanced, take in management events of a service that write. Pure.

    Basic ones can leave out KMS and the Data API of RDS alone; leaving KMS out is common, as it costs the most.
    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html

    Args:
        selectors: answer of GetEventSelectors.
        source: the service, as CloudTrail names it, for example `kms.amazonaws.com`.
    """
    for one in selectors.get("EventSelectors") or ():
        excluded = source in one.get("ExcludeManagementEventSources", ())
        if one.get("IncludeManagementEvents", True) and one.get("ReadWriteType", "All") != "ReadOnly" and not excluded:
            return True
    return any(_advanced(one, source) for one in selectors.get("AdvancedEventSelectors") or ())


def _advanced(selector: Mapping[str, Any], source: str) -> bool:
    """By fields: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedFieldSelector.html."""
    wanted = {"eventCategory": "Management", "eventSource": source, "readOnly": "false"}
    fields = {one["Field"]: one for one in selector.get("FieldSelectors", ())}
    return "eventCategory" in fields and all(
        _takes_in(fields[name], value) for name, value in wanted.items() if name in fields
    )


def _takes_in(field: Mapping[str, Any], value: str) -> bool:
    """Whether a field of an advanced selector lets a value through; its operators have to agree."""
    tests: Mapping[str, Callable[[str], bool]] = {
        "Equals": lambda given: value == given,
        "StartsWith": value.startswith,
        "EndsWith": value.endswith,
    }
    return all(
        any(map(test, field.get(name) or [value])) and not any(map(test, field.get(f"Not{name}") or ()))
        for name, test in tests.items()
    )
