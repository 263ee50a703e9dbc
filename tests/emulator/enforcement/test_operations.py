"""The table of permissions, against botocore's models and AWS's Service Authorization Reference."""

from __future__ import annotations

from functools import cache
from typing import Any

import botocore.session
import pytest

from secrets_pipeline.emulator.enforcement.operations import JUDGED, OPERATIONS, Need, needs
from secrets_pipeline.emulator.enforcement.request import AskedCall
from tests.aws.product_calls import SERVICES, called, called_by_service
from tests.emulator.enforcement import test_keys
from tests.service_authorization import AuthorizedAction, reference

ACCOUNT, REGION = "111122223333", "eu-west-2"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/shop"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:shop"
TAGGED = {
    "ecs": f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/shop/orders",
    "events": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/shop/orders",
    "lambda": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:shop",
    "logs": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/shop",
    "rds": f"arn:aws:rds:{REGION}:{ACCOUNT}:db:shop",
}
GIVEN: dict[str, Any] = {
    "DestinationArn": QUEUE,
    "ExecutionRoleArn": ROLE,
    "InstanceIds": ["i-0123456789abcdef0"],
    "ManageMasterUserPassword": True,
    "Names": ["/shop/password", "/shop/user"],
    "Path": "/shop/",
    "PolicySourceArn": ROLE,
    "PolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/shop",
    "QueueUrl": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/shop",
    "Role": ROLE,
    "SourceArn": QUEUE,
    "Tags": [{"Key": "team", "Value": "shop"}],
    "Targets": [{"Id": "1", "Arn": QUEUE, "RoleArn": ROLE}],
    "TopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:shop",
    "VpcConfig": {"SubnetIds": ["subnet-0a1b2c3d"]},
    "executionRoleArn": ROLE,
    "tags": {"team": "shop"},
    "taskRoleArn": ROLE,
}
"""Parameters that are no names; what is not here is `shop`, and what is tagged goes by its service."""
ASKED_OF_EVERYTHING = {
    "organizations:DescribePolicy",
    "organizations:ListParents",
    "organizations:ListPoliciesForTarget",
}
"""Their ARNs name an organisation that the call does not name; policies here say `*`."""
OF_WHAT_IS_THERE = {"s3:ListBucket", "kms:Decrypt", "kms:GenerateDataKey"}
"""Asked for an object that is missing, and for what a key encrypts."""
NOT_ASKED = {
    "CreateDBCluster": {
        # Asked of the service's grant, not of the caller: Overview.Encryption.Keys.html of the RDS User Guide.
        "kms:Decrypt",
        "kms:GenerateDataKey",
        # Instances of a cluster are made by calls of their own.
        "rds:CreateDBInstance",
        # For MonitoringRoleArn and for Active Directory, which nobody here sends.
        "iam:PassRole",
    },
    "CreateDBInstance": {"kms:Decrypt", "kms:GenerateDataKey", "rds:CreateTenantDatabase", "iam:PassRole"},
    "CreateFunction": {"lambda:PassCapacityProvider"},
    "ModifyDBCluster": {
        *("iam:PassRole", "kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"),
        *("rds:ModifyDBInstance", "secretsmanager:CreateSecret", "secretsmanager:RotateSecret"),
        "secretsmanager:TagResource",
    },
    "ModifyDBInstance": {
        *("iam:PassRole", "kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"),
        *("rds:AddTagsToResource", "rds:CreateTenantDatabase", "secretsmanager:CreateSecret"),
        *("secretsmanager:RotateSecret", "secretsmanager:TagResource"),
    },
}
"""By operation: dependent actions of the reference that only parameters need which are not sent here."""
ROWS = [(service, operation) for service, known in OPERATIONS.items() for operation in known]


@cache
def known_actions() -> dict[str, AuthorizedAction]:
    return reference()


@cache
def model(service: str) -> Any:  # noqa: ANN401 - botocore has no types
    return botocore.session.Session().get_service_model(service)


def members(service: str, operation: str) -> dict[str, Any]:
    """Parameters of an operation by name, with their shapes."""
    shape = model(service).operation_model(operation).input_shape
    return dict(shape.members) if shape else {}


def call_of(service: str, operation: str) -> AskedCall:
    """A call with every parameter that the service model has, as far as it is a text, or stands in `GIVEN`."""
    params: dict[str, Any] = {}
    for name, shape in members(service, operation).items():
        if name in {"ResourceARN", "resourceArn", "ResourceName", "Resource"}:
            params[name] = TAGGED[service]
        elif name in GIVEN and (service, name) != ("ssm", "Targets"):
            params[name] = GIVEN[name]
        elif shape.type_name == "string":
            params[name] = "shop"
    return AskedCall(service, operation, ACCOUNT, REGION, "aws", "POST", "/", params)


@pytest.mark.parametrize(("service", "operation"), ROWS)
def test_each_row_names_actions_of_aws_and_resources_that_they_are_for(service: str, operation: str) -> None:
    assert operation in model(service).operation_names
    call = call_of(service, operation)
    for need in needs(call):
        assert need.action in known_actions(), need.action
        known, asked = known_actions()[need.action], list(need.of(call))
        if not known.resources or need.action in ASKED_OF_EVERYTHING:
            assert asked == ["*"], need.action
            continue
        assert asked or need.action in OF_WHAT_IS_THERE, need.action
        types = [known.types_of(arn) for arn in asked]
        assert all(types), (need.action, asked)
        if asked and (operation.startswith("Create") or need.action != f"{service}:{operation}"):
            assert known.required <= set().union(*types), (need.action, asked)


@pytest.mark.parametrize(("service", "operation"), ROWS)
def test_each_row_has_the_actions_that_aws_says_it_depends_on(service: str, operation: str) -> None:
    asked = {need.action for need in needs(call_of(service, operation))}
    dependent = known_actions()[needs(call_of(service, operation))[0].action].dependent
    assert dependent - asked == NOT_ASKED.get(operation, set()), operation


def test_no_other_action_of_kms_secrets_manager_and_sts_depends_on_more_than_is_asked() -> None:
    """Other modules judge these services: their tests show that each of these actions is asked."""
    dependent = {
        action: known_actions()[action].dependent
        for service in ("kms", "secretsmanager", "sts")
        for action in (f"{service}:{operation}" for operation in called_by_service()[service])
        if known_actions()[action].dependent
    }
    shown_by = {
        "kms:PutKeyPolicy": test_keys.test_a_key_with_a_policy_is_made_by_whoever_may_replace_that_policy,
        "kms:TagResource": test_keys.test_a_key_with_tags_is_made_by_whoever_may_tag,
    }
    # KMS asks for the role of multi-Region keys when one is replicated, which is not done here.
    assert dependent == {"kms:CreateKey": {*shown_by, "iam:CreateServiceLinkedRole"}}


def test_what_asks_by_a_parameter_asks_by_one_that_the_operation_has() -> None:
    for service, operation in ROWS:
        for need in OPERATIONS[service][operation]:
            assert not need.when or need.when.partition(".")[0] in members(service, operation), (operation, need)


def test_whoever_sets_tags_while_making_something_needs_leave_to_tag() -> None:
    tagging = {action for action, one in known_actions().items() if one.level == "Tagging"}
    for service, operation in ROWS:
        actions = {need.action for need in OPERATIONS[service][operation]}
        if (
            operation.startswith(("Create", "Register", "Put"))
            and {"Tags", "tags"} & members(service, operation).keys()
            and service != "ssm"
        ):
            assert actions & tagging, operation


def test_every_operation_of_these_services_that_the_product_calls_is_in_the_table() -> None:
    """A method of the product's own may be called as an operation of another service: `tag_resource`, for example."""
    judged = JUDGED - {"apigateway"}
    named = {one for known in OPERATIONS.values() for one in known}
    of_others = {one for service in set(SERVICES) - judged for one in model(service).operation_names}
    theirs = {one for service in judged for one in model(service).operation_names}
    assert (theirs & called()) - named - of_others == set()


def test_what_stands_in_no_row_needs_its_own_action_on_everything() -> None:
    [need] = needs(call_of("sqs", "DeleteQueue"))
    assert (need.action, list(need.of(call_of("sqs", "DeleteQueue")))) == ("sqs:DeleteQueue", ["*"])
    assert isinstance(need, Need)


@pytest.mark.parametrize("method", ["GET", "PATCH", "POST", "PUT", "DELETE"])
def test_actions_of_api_gateway_are_the_methods_of_http(method: str) -> None:
    call = AskedCall("apigateway", "", ACCOUNT, REGION, "aws", method, "/restapis/a1b2c3/stages/dev", {})
    [need] = needs(call)
    assert need.action in known_actions()
    assert list(need.of(call)) == [f"arn:aws:apigateway:{REGION}::/restapis/a1b2c3/stages/dev"]
