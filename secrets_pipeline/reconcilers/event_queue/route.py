"""Make bus, role and rules, and delete rules, on the way of an event to the queue.

Sources: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html, API_PutTargets.html and
API_PutPermission.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from secrets_pipeline.access.evaluator.elements import listed
from secrets_pipeline.arn import Arn
from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.engine.model import Resource, SkippedError
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.event_queue import desired
from secrets_pipeline.reconcilers.event_queue.desired import Document
from secrets_pipeline.reconcilers.event_queue.part import (
    EVENTS_TAG,
    ObservedPart,
    has_our_tag,
    same_attribute,
)
from secrets_pipeline.reconcilers.observed.roles import Roles
from secrets_pipeline.reconcilers.observed.tags import LACKS_TAGS, lacks_tags, tag_list, tag_map

if TYPE_CHECKING:
    from mypy_boto3_events.type_defs import TargetTypeDef

_INLINE = "put-events"
_EXISTS, _ROLE_EXISTS = "ResourceAlreadyExistsException", "EntityAlreadyExists"


class BusPart:
    """Makes the bus at home, and says who may put events on it.

    Args:
        account: the home account.
        plan: the layout.
        may_forget: whether accounts that are not known now may be taken away.
    """

    def __init__(self, account: AwsAccount, plan: desired.Layout, *, may_forget: bool) -> None:
        self.resource = Resource("event-bus", f"bus {plan.queue}")
        self._account, self._layout, self._may_forget = account, plan, may_forget

    def look(self) -> ObservedPart:
        """Call DescribeEventBus, which shows the policy too."""
        found = self._described()
        if found is None:
            return ObservedPart(exists=False)
        policy, tags = str(found.get("Policy") or "{}"), _event_tags(self._account, self._layout.bus)
        differences = {
            "its policy differs": not same_attribute(policy, json.dumps(self._policy(policy) or {})),
            LACKS_TAGS: lacks_tags(tags, self._layout.tags),
        }
        return ObservedPart(True, has_our_tag(tags), _true(differences))

    def make(self) -> None:
        """Call CreateEventBus or TagResource, and PutPermission or RemovePermission."""
        events = self._account.client("events")
        found = self._described()
        if found is None:
            self._create()
            # Another run may have made it since we looked, and let accounts in.
            found = self._described()
        else:
            with calling("TagResource", self._layout.queue):
                events.tag_resource(ResourceARN=self._layout.bus, Tags=_tags(self._layout.tags))
        before = str((found or {}).get("Policy") or "{}")
        policy = self._policy(before)
        if policy is not None:
            with calling("PutPermission", self._layout.queue):
                events.put_permission(EventBusName=self._layout.queue, Policy=json.dumps(policy))
        elif not same_attribute(before, "{}"):
            with calling("RemovePermission", self._layout.queue):
                events.remove_permission(EventBusName=self._layout.queue, RemoveAllPermissions=True)

    def _create(self) -> None:
        events = self._account.client("events")
        try:
            with calling("CreateEventBus", self._layout.queue):
                events.create_event_bus(Name=self._layout.queue, Tags=_tags(self._layout.tags))
        except AwsError as error:
            # Another run made it since we looked.
            if error.code != _EXISTS or not has_our_tag(_event_tags(self._account, self._layout.bus)):
                raise

    def _described(self) -> Mapping[str, Any] | None:
        events = self._account.client("events")
        with calling("DescribeEventBus", self._layout.queue):
            try:
                return events.describe_event_bus(Name=self._layout.queue)
            except events.exceptions.ResourceNotFoundException:
                return None

    def _policy(self, existing: str) -> Document | None:
        kept = set() if self._may_forget else _accounts(existing)
        accounts = sorted({*self._layout.others, *kept})
        # AWS refuses a statement without principals; roles of the home account need none.
        return self._layout.bus_policy(accounts) if accounts else None


class RolePart:
    """Makes the role by which rules of another account or region reach the bus."""

    def __init__(self, account: AwsAccount, plan: desired.Layout) -> None:
        self.resource = Resource("event-role", f"{plan.role_name} of {plan.here.account_id}")
        self._account, self._layout = account, plan

    def look(self) -> ObservedPart:
        """Call GetRole and GetRolePolicy."""
        roles, name = Roles(self._account), self._layout.role_name
        role = roles.role_now(name)
        if role is None:
            return ObservedPart(exists=False)
        differences = {
            "its trust differs": role.trust != self._layout.trust,
            "its permissions differ": roles.policy(name, _INLINE) != self._layout.permissions,
            "its permissions boundary differs": role.lacks_boundary(self._layout.boundary_arn),
            LACKS_TAGS: lacks_tags(role.tags, self._layout.tags),
        }
        return ObservedPart(True, has_our_tag(role.tags), _true(differences))

    def make(self) -> None:
        """Call CreateRole, or UpdateAssumeRolePolicy, TagRole and PutRolePermissionsBoundary; and PutRolePolicy."""
        iam, name = self._account.client("iam"), self._layout.role_name
        if Roles(self._account).role_now(name) is not None or not self._created():
            with calling("UpdateAssumeRolePolicy", name):
                iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(self._layout.trust))
            with calling("TagRole", name):
                iam.tag_role(RoleName=name, Tags=_tags(self._layout.tags))
            if boundary := self._layout.boundary_arn:
                with calling("PutRolePermissionsBoundary", name):
                    iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=boundary)
        with calling("PutRolePolicy", name):
            document = json.dumps(self._layout.permissions)
            iam.put_role_policy(RoleName=name, PolicyName=_INLINE, PolicyDocument=document)

    def _created(self) -> bool:
        name, boundary = self._layout.role_name, self._layout.boundary_arn
        bounded: Any = {"PermissionsBoundary": boundary} if boundary else {}
        try:
            with calling("CreateRole", name):
                self._account.client("iam").create_role(
                    RoleName=name,
                    AssumeRolePolicyDocument=json.dumps(self._layout.trust),
                    Description="EventBridge puts events of secrets on the bus of secrets-pipeline",
                    Tags=_tags(self._layout.tags),
                    **bounded,
                )
        except AwsError as error:
            # Another run made it since we looked, or IAM did not show it yet.
            if error.code != _ROLE_EXISTS:
                raise
            role = Roles(self._account).role_now(name)
            if role is None or not has_our_tag(role.tags):
                raise
            return False
        return True


class RulePart:
    """Makes a rule with its one target.

    Args:
        account: whose.
        arn: of the rule; a rule on our bus has the bus in it.
        pattern: of the events.
        target: where they go.
        tags: the operator's.
        place: see `QueuePart`.
    """

    def __init__(
        self,
        account: AwsAccount,
        arn: str,
        pattern: Document,
        target: Document,
        tags: Mapping[str, str],
        *,
        place: str = "",
    ) -> None:
        bus, _, name = arn.partition(":rule/")[2].rpartition("/")
        self.resource = Resource("event-rule", name + place)
        self._account, self._arn, self._name, self._bus = account, arn, name, bus or "default"
        self._pattern, self._target, self._tags = pattern, target, tags

    def look(self) -> ObservedPart:
        """Call DescribeRule and ListTargetsByRule."""
        events = self._account.client("events")
        with calling("DescribeRule", self._name):
            try:
                rule = events.describe_rule(Name=self._name, EventBusName=self._bus)
            except events.exceptions.ResourceNotFoundException:
                return ObservedPart(exists=False)
        with calling("ListTargetsByRule", self._name):
            targets = events.list_targets_by_rule(Rule=self._name, EventBusName=self._bus)["Targets"]
        differences = {
            "its pattern differs": not same_attribute(rule.get("EventPattern"), json.dumps(self._pattern)),
            "it is disabled": rule.get("State") != "ENABLED",
            "its target differs": self._target not in [dict(one) for one in targets],
        }
        tags = _event_tags(self._account, self._arn)
        differences[LACKS_TAGS] = lacks_tags(tags, self._tags)
        return ObservedPart(True, has_our_tag(tags), _true(differences))

    def make(self) -> None:
        """Call PutRule, TagResource and PutTargets."""
        events = self._account.client("events")
        with calling("PutRule", self._name):
            events.put_rule(
                Name=self._name,
                EventBusName=self._bus,
                EventPattern=json.dumps(self._pattern),
                State="ENABLED",
                Description="Events for secrets-pipeline",
                # Without them it would be a stranger to the run after a crash; of a rule that exists they are ignored.
                Tags=_tags(self._tags),
            )
        with calling("TagResource", self._name):
            events.tag_resource(ResourceARN=self._arn, Tags=_tags(self._tags))
        target = cast("TargetTypeDef", dict(self._target))
        with calling("PutTargets", self._name):
            answer = events.put_targets(Rule=self._name, EventBusName=self._bus, Targets=[target])
        for failed in answer.get("FailedEntries", []):
            raise AwsError(
                f"PutTargets {self._name} failed: {failed.get('ErrorCode')}",
                code=str(failed.get("ErrorCode", "")),
                operation="PutTargets",
                remedy="Apply again; if it stays, look the code up in the API reference of EventBridge.",
            )


def delete_rule(account: AwsAccount, arn: str) -> str:
    """Call RemoveTargets and DeleteRule for a rule of the default bus, if it carries our tag; what was done."""
    events, name = account.client("events"), arn.rpartition("/")[2]
    try:
        ours = has_our_tag(_event_tags(account, arn))
    except AwsError as error:
        if error.missing:
            return "was gone already"
        raise
    if not ours:
        raise SkippedError(f"rule {name} does not carry our tag any more")
    with calling("ListTargetsByRule", name):
        targets = [one["Id"] for one in events.list_targets_by_rule(Rule=name)["Targets"]]
    if targets:
        # EventBridge deletes no rule that has targets.
        with calling("RemoveTargets", name):
            events.remove_targets(Rule=name, Ids=targets)
    with calling("DeleteRule", name):
        events.delete_rule(Name=name)
    return "deleted"


def _accounts(policy: str) -> set[str]:
    """The accounts that a bus policy of ours lets in."""
    found = set()
    for statement in listed(json.loads(policy).get("Statement")):
        principal = statement.get("Principal")
        for arn in listed(principal.get("AWS") if isinstance(principal, dict) else None):
            named = Arn.match(str(arn))
            found.add(named.account_id if named else str(arn))
    return found


def _event_tags(account: AwsAccount, arn: str) -> dict[str, str]:
    with calling("ListTagsForResource", arn):
        return tag_map(account.client("events").list_tags_for_resource(ResourceARN=arn)["Tags"])


def _tags(given: Mapping[str, str]) -> list[Any]:
    return list(tag_list({**given, **EVENTS_TAG}))


def _true(differences: Mapping[str, bool]) -> tuple[str, ...]:
    return tuple(one for one, is_so in differences.items() if is_so)
