"""Decide on services whose calls say by their parameters what they act on: by the table of `operations`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from moto.awslambda_simple.models import lambda_simple_backends
from moto.events.models import events_backends
from moto.iam.models import iam_backends
from moto.kms.models import kms_backends

from secrets_pipeline.access.evaluator import Context, Layer, TargetResource
from secrets_pipeline.arn import Arn
from secrets_pipeline.emulator.enforcement.contexts import about_request, about_tags
from secrets_pipeline.emulator.enforcement.documents import policy
from secrets_pipeline.emulator.enforcement.operations import Need, needs
from secrets_pipeline.emulator.enforcement.refusals import refused
from secrets_pipeline.emulator.enforcement.request import AskedCall, asked_call
from secrets_pipeline.emulator.enforcement.resources import cluster_of, queue_or_topic
from secrets_pipeline.emulator.enforcement.targets import anything, key_target

if TYPE_CHECKING:
    from moto.core.responses import BaseResponse

    from secrets_pipeline.access.evaluator import Values
    from secrets_pipeline.emulator.enforcement.callers import Client


def refused_operation(response: BaseResponse, client: Client) -> str | None:
    """AWS's sentence if a client may not perform an operation of these services, None if it may."""
    call = asked_call(response)
    about = {
        **about_request(call.region),
        **about_tags(call.tags, call.texts("TagKeys", "tagKeys")),
        **_ABOUT.get(call.service, _nothing)(call),
    }
    for need in needs(call):
        if need.when and not call.has(need.when):
            continue
        context = Context({**about, **_about_need(call, need)})
        for arn in need.of(call):
            refusal = refused_arn(client, need.action, arn, context)
            if refusal is not None:
                return refusal
    return None


def refused_arn(client: Client, action: str, arn: str, context: Context) -> str | None:
    """AWS's sentence if a client may not do something to what an ARN names, None if it may; `*` names nothing."""
    return refused(client, action, _target(client, arn), context, "" if arn == "*" else f" on resource: {arn}")


def _target(client: Client, arn: str) -> TargetResource:
    """What is asked of: as its account's where such a thing may have a policy, else for the caller's to decide.

    Without a policy that lets it in, another account may nothing.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
    """
    named = Arn.match(arn)
    if named is not None and named.service == "kms":
        key = kms_backends[named.account_id][named.region].keys.get(named.name)
        return anything(client.account_id, arn) if key is None else key_target(key)
    held = _POLICIES.get(named.service) if named else None
    if named is None or held is None or not named.account_id.isdigit():
        return anything(client.account_id, arn)
    return TargetResource(arn, named.account_id, Layer.SECRET_POLICY, policy("resource policy", held(named)))


def _of_queue_or_topic(arn: Arn) -> str | None:
    """Of a queue, and of a topic, whose default policy lets no direct caller in: their requests have no SourceOwner.

    https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html#source-account-versus-source-owner
    """
    held = queue_or_topic(arn)
    return None if held is None or not held.policy else str(held.policy)


def _of_function(arn: Arn) -> str | None:
    functions = lambda_simple_backends[arn.account_id][arn.region].list_functions()
    statements = next((one.policy.statements for one in functions if one.function_name == arn.name), None)
    return json.dumps({"Version": "2012-10-17", "Statement": statements}) if statements else None


def _of_bus(arn: Arn) -> str | None:
    """The policy of a bus, which decides on its rules too, `rule/NAME` or `rule/BUS/NAME`.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus-perms.html
    """
    bus, inside, _ = arn.name.partition("/")
    held = events_backends[arn.account_id][arn.region].event_buses
    found = held.get(bus if inside or arn.kind == "event-bus" else "default")
    return None if found is None else found.policy


_POLICIES: Mapping[str, Callable[[Arn], str | None]] = {
    "events": _of_bus,
    "lambda": _of_function,
    "sns": _of_queue_or_topic,
    "sqs": _of_queue_or_topic,
}
"""By the service in an ARN: the policy of such a resource, None for none."""


_ENCRYPTION_CONTEXTS = {"s3": "aws:s3:arn", "sns": "aws:sns:topicArn", "sqs": "aws:sqs:arn", "ssm": "PARAMETER_ARN"}
"""By service: the name under which KMS is told what is encrypted; of S3 without bucket keys.

https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html
"""


def _nothing(_call: AskedCall) -> dict[str, Values]:
    return {}


def _about_need(call: AskedCall, need: Need) -> dict[str, Values]:
    """What is so of a permission that another service asks for on the caller's behalf, and of a role that is passed."""
    if need.passed_to:
        return {"iam:passedtoservice": (need.passed_to,)}
    if need.encrypted is None and (call.service != "rds" or need.action.startswith("rds:")):
        return {}
    via: dict[str, Values] = {"kms:viaservice": (f"{call.service}.{call.region}.amazonaws.com",)}
    if need.encrypted is None:
        via["kms:grantisforawsresource"] = ("true",)
    else:
        name = _ENCRYPTION_CONTEXTS[call.service]
        via[f"kms:encryptioncontext:{name.lower()}"] = tuple(need.encrypted(call))
        via["kms:encryptioncontextkeys"] = (name,)
    return {**about_request(call.region, through=f"{call.service}.amazonaws.com"), **via}


def _about_role(call: AskedCall) -> dict[str, Values]:
    """The boundary that a request sets, or that its role has.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
    """
    roles = list(iam_backends[call.account_id][call.partition].roles.values())
    held = next((one.permissions_boundary_arn for one in roles if one.name == call.text("RoleName")), None)
    boundary = call.text("PermissionsBoundary") or held
    return {"iam:permissionsboundary": (boundary,)} if boundary else {}


def _about_cluster(call: AskedCall) -> dict[str, Values]:
    return {"ecs:cluster": (cluster_of(call),)}


def _about_path(call: AskedCall) -> dict[str, Values]:
    given = call.text("Recursive")
    return {"ssm:recursive": (given.lower(),)} if given else {}


_ABOUT: Mapping[str, Callable[[AskedCall], dict[str, Values]]] = {
    "ecs": _about_cluster,
    "iam": _about_role,
    "ssm": _about_path,
}
"""By service: condition keys of its own that a call sets."""
