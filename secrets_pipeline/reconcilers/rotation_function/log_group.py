"""Make and delete the log group of the managed rotation function; it is ours only where its tags prove it.

Whoever names the function names the group, and a shorter retention deletes what is in it: of a function that is gone,
the group and its events may be somebody else's.
Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.engine.reason import NotOurs
from secrets_pipeline.reconcilers.rotation_function.ownership import adopts_function, foreign_function, function_tags

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.rotation_function.desired import WantedFunction
    from secrets_pipeline.reconcilers.stack import Stack


@dataclass(frozen=True, slots=True)
class Retention:
    """How the retention of the log group differs from the one that is asked for.

    Attributes:
        missing: whether there is no such group.
        difference: what an apply puts right, for a human; empty for nothing.
        kept: why it is left as it is; empty if it is not.
    """

    missing: bool = False
    difference: str = ""
    kept: str = ""


def compare_retention(stack: Stack, wanted: WantedFunction) -> Retention:
    """Read the log group by DescribeLogGroups; whose it is, is asked where its retention differs.

    Raises:
        AwsError: if CloudWatch Logs refuses.
    """
    group, asked = wanted.log_group, wanted.function.log_retention_in_days
    with calling("DescribeLogGroups", group):
        found = stack.account.client("logs").describe_log_groups(logGroupNamePrefix=group).get("logGroups", ())
    state = next((one for one in found if one.get("logGroupName") == group), None)
    days = state.get("retentionInDays") if state is not None else None
    if days == asked:
        return Retention()
    shown = f"{days} days" if days else "for ever"
    if state is not None and (problem := _problem(stack, wanted)):
        return Retention(kept=f"log group {group} keeps its events {shown}: it {problem}")
    return Retention(missing=state is None, difference=f"log retention differs: {days or shown} → {asked} days")


def deploy_log_group(stack: Stack, wanted: WantedFunction) -> str:
    """Call CreateLogGroup and PutRetentionPolicy; Lambda would make a group that keeps everything for ever.

    Returns:
        Why a group that is not ours is left as it is; empty if there is none.

    Raises:
        AwsError: if CloudWatch Logs refuses.
    """
    client, group = stack.account.client("logs"), wanted.log_group
    tags = function_tags(stack, wanted.log_group_arn)
    found = compare_retention(stack, wanted)
    if found.missing:
        with calling("CreateLogGroup", group):
            try:
                client.create_log_group(logGroupName=group, tags=tags)
            except client.exceptions.ResourceAlreadyExistsException:
                # Made meanwhile, by a run like this one or by others.
                found = compare_retention(stack, wanted)
    elif found.difference or (stack.run.settings.tags and not _problem(stack, wanted)):
        with calling("TagResource", group):
            client.tag_resource(resourceArn=wanted.log_group_arn, tags=tags)
    if found.difference:
        days = wanted.function.log_retention_in_days
        with calling("PutRetentionPolicy", group):
            client.put_retention_policy(logGroupName=group, retentionInDays=days)
    return found.kept


def delete_log_group(stack: Stack, function: str) -> str:
    """Call DeleteLogGroup for the group of a function of a retired stack, if its tags prove it ours.

    Returns:
        What was done, for a human.

    Raises:
        AwsError: if CloudWatch Logs refuses.
    """
    client, group = stack.account.client("logs"), f"/aws/lambda/{function}"
    arn = stack.account.arn("logs", f"log-group:{group}")
    with calling("ListTagsForResource", group):
        try:
            tags = client.list_tags_for_resource(resourceArn=arn).get("tags", {})
        except client.exceptions.ResourceNotFoundException:
            return "its log group was gone already"
    if foreign_function(stack, arn, tags):
        return "its log group is not ours and stays"
    with calling("DeleteLogGroup", group):
        try:
            client.delete_log_group(logGroupName=group)
        except client.exceptions.ResourceNotFoundException:
            return "its log group was gone already"
    return "log group deleted"


def _problem(stack: Stack, wanted: WantedFunction) -> NotOurs | None:
    """Why the log group is not to be touched; None if it is ours, or may be taken over."""
    arn = wanted.log_group_arn
    with calling("ListTagsForResource", wanted.log_group):
        tags = stack.account.client("logs").list_tags_for_resource(resourceArn=arn).get("tags", {})
    return None if adopts_function(stack, arn, tags) else foreign_function(stack, arn, tags)
