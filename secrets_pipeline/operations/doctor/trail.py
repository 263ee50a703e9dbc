"""Ask for a trail that tells EventBridge of API calls: without one, half of the events never arrive.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.operations.doctor.model import Answer, Verdict, fine

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_REMEDY = (
    "Make a multi-region trail with management events, read and write or write alone; until then failed rotations and "
    "changes from outside are seen at the next verification."
)
_SECRETS = "secretsmanager.amazonaws.com"
_WANTED = {"eventCategory": "Management", "eventSource": _SECRETS, "readOnly": "false"}
"""By fields of an advanced selector:
https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedFieldSelector.html"""


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
    told = [f"{one['Name']} {_lack(account, dict(one))}".rstrip() for one in found]
    good = [one["Name"] for one, text in zip(found, told, strict=True) if text == one["Name"]]
    if good:
        yield fine("trail", f"{good[0]} tells of management events")
    else:
        text = "; ".join(told) or f"no trail covers {account.region}"
        yield Answer("trail", Verdict.ADVISED, f"events of API calls never arrive: {text}", _REMEDY)


def _lack(account: AwsAccount, one: Mapping[str, Any]) -> str:
    """What a trail lacks; empty for nothing."""
    name, cloudtrail = str(one["TrailARN"]), account.client("cloudtrail")
    if not one.get("IsMultiRegionTrail") and one.get("HomeRegion") != account.region:
        return f"records {one.get('HomeRegion')} alone"
    with calling("GetTrailStatus", name):
        if not cloudtrail.get_trail_status(Name=name).get("IsLogging"):
            return "is stopped"
    with calling("GetEventSelectors", name):
        selectors = cloudtrail.get_event_selectors(TrailName=name)
    if not records_changes(selectors):
        return "records no management events that write"
    return "" if one.get("IsMultiRegionTrail") else "is of this region alone, and IAM tells of its calls in another"


def records_changes(selectors: Mapping[str, Any]) -> bool:
    """Whether event selectors, basic or advanced, take in management events that write. Pure.

    Args:
        selectors: answer of GetEventSelectors.
    """
    for one in selectors.get("EventSelectors") or ():
        excluded = _SECRETS in one.get("ExcludeManagementEventSources", ())
        if one.get("IncludeManagementEvents", True) and one.get("ReadWriteType", "All") != "ReadOnly" and not excluded:
            return True
    return any(map(_advanced, selectors.get("AdvancedEventSelectors") or ()))


def _advanced(selector: Mapping[str, Any]) -> bool:
    fields = {one["Field"]: one for one in selector.get("FieldSelectors", ())}
    return "eventCategory" in fields and all(
        _takes_in(fields[name], value) for name, value in _WANTED.items() if name in fields
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
