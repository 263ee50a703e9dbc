"""Examples of the IAM user guide: elements of a statement, condition operators, several keys and values, variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from secrets_pipeline.access.evaluator import Layer
from tests.access.evaluator.examples import Document, Example, check, document, parameters, statement, user

SEVERAL = "IAM User Guide, Conditions with multiple context keys or values"
SETS = "IAM User Guide, Set operators for multivalued context keys"
OPERATORS = "IAM User Guide, IAM JSON policy elements: Condition operators"
VARIABLES = "IAM User Guide, IAM policy elements: Variables and tags"
RESOURCE = "IAM User Guide, IAM JSON policy elements: Resource"
NOT_RESOURCE = "IAM User Guide, IAM JSON policy elements: NotResource"
NOT_ACTION = "IAM User Guide, IAM JSON policy elements: NotAction"
ACTION = "IAM User Guide, IAM JSON policy elements: Action"

BUCKET = "arn:aws:s3:::amzn-s3-demo-bucket"
Values = Mapping[str, str | Sequence[str]]


def under(page: str, says: str, condition: Document, context: Values, holds: bool | None, *unknown: str) -> Example:
    """One Allow under a condition: it is allowed if the condition holds."""
    caller = user("exampleuser", document(statement("Allow", "s3:ListBucket", BUCKET, Condition=condition)))
    return Example(page, says, caller, "s3:ListBucket", BUCKET, holds, Layer.IDENTITY, context=context,
                   unknown=frozenset(unknown))  # fmt: skip


def one(  # noqa: PLR0917 - the columns of the table
    page: str, says: str, operator: str, wanted: str | list[str], value: str | Sequence[str], holds: bool
) -> Example:
    """One key under one operator; an empty tuple is an absent key."""
    return under(page, says, {operator: {"aws:Key": wanted}}, {"aws:Key": value} if value else {}, holds)


def over(  # noqa: PLR0917 - the columns of the table
    page: str, says: str, covered: Document, action: str, resource: str, allowed: bool, **context: str
) -> Example:
    """A whole policy of a user."""
    tags = {key.replace("__", ":").replace("_", "/"): value for key, value in context.items()}
    return Example(page, says, user("exampleuser", covered), action, resource, allowed, Layer.IDENTITY, context=tags)


TEAM = {"StringEquals": {"aws:PrincipalTag/department": ["finance", "hr", "legal"],
                         "aws:PrincipalTag/role": ["audit", "security"]},
        "ArnLike": {"aws:PrincipalArn": ["arn:aws:iam::222222222222:user/Ana",
        "arn:aws:iam::222222222222:user/Mary"]}}  # fmt: skip
MARY: dict[str, str | Sequence[str]] = {
    "aws:PrincipalTag/department": "hr",
    "aws:PrincipalTag/role": "audit",
    "aws:PrincipalArn": "arn:aws:iam::222222222222:user/Mary",
}
NOR = {"StringNotEquals": {"aws:PrincipalTag/department": ["finance", "hr"], "aws:PrincipalTag/role": "audit"}}
LISTED = ["PostDateTime", "Message", "Tags"]
ATTRIBUTES = "dynamodb:Attributes"
ALL_LISTED = {"ForAllValues:StringLike": {ATTRIBUTES: LISTED}}
ANY_LISTED = {"ForAnyValue:StringLike": {ATTRIBUTES: ["ID", "PostDateTime"]}}
INSTANCES = {"StringLikeIfExists": {"ec2:InstanceType": ["t1.*", "t2.*", "m3.*"]}}
ARN = "arn:aws:someservice:*:111122223333:finance/*"
GIVEN = "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt"
HOME = document(statement("Allow", "s3:GetObject", "arn:aws:s3:::amzn-s3-demo-bucket/${aws:username}/*"))
DEPARTMENT = document(
    statement("Allow", "s3:GetObject", "arn:aws:s3:::bucket/${aws:PrincipalTag/department, 'company-wide'}/*")
)
PAYROLL = document(
    statement("Allow", "s3:*"),
    {"Effect": "Deny", "Action": "s3:*",
     "NotResource": ["arn:aws:s3:::HRBucket/Payroll", "arn:aws:s3:::HRBucket/Payroll/*"]},
)  # fmt: skip
NO_IAM = document({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})
MFA = document(
    statement("Allow", "*"),
    {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*",
     "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}},
)  # fmt: skip
OLD = document(statement("Allow", "s3:GetObject", "arn:aws:s3:::b/${aws:username}"), version="2008-10-17")
MISSING_TAG = document(
    statement("Allow", "s3:*"),
    statement("Deny", "s3:*", Condition={"StringNotEquals": {"s3:owner": "${aws:PrincipalTag/team}"}}),
)
NOT_MINE = document(
    statement("Allow", "s3:*"),
    {"Effect": "Deny", "Action": "s3:*", "NotResource": "arn:aws:s3:::amzn-s3-demo-bucket/${aws:username}/*"},
)
STAR = document(statement("Allow", "s3:GetObject", "arn:aws:s3:::b/${*}"))

EXAMPLES = [
    under(SEVERAL, "every key and operator holds", TEAM, MARY, True),
    under(SEVERAL, "keys of one operator are a logical AND", TEAM, {**MARY, "aws:PrincipalTag/role": "sales"}, False),
    under(SEVERAL, "operators are a logical AND", TEAM, {**MARY,
        "aws:PrincipalArn": "arn:aws:iam::222222222222:user/Eve"},
          False),
    under(SEVERAL, "values of one key are a logical OR", TEAM, {**MARY, "aws:PrincipalTag/department": "legal"}, True),
    under(SEVERAL, "values of a negated operator are a logical NOR", NOR, {"aws:PrincipalTag/department": "hr"}, False),
    under(SEVERAL, "none of them matches", NOR, {"aws:PrincipalTag/department": "sales"}, True),
    under(SEVERAL, "keys of a negated operator are a logical AND", NOR, {"aws:PrincipalTag/role": "audit"}, False),
    under(SETS, "every value in the request is listed", ALL_LISTED, {ATTRIBUTES: ["PostDateTime", "Message"]}, True),
    under(SETS, "one of them is not listed", ALL_LISTED, {ATTRIBUTES: ["PostDateTime", "UserName"]}, False),
    under(SETS, "ForAllValues is true for an absent key", ALL_LISTED, {}, True),
    under(SETS, "ForAllValues is true for a null dataset, such as an empty string", ALL_LISTED, {ATTRIBUTES: ""}, True),
    under(SETS, "ForAnyValue is false for a null dataset", {"ForAnyValue:StringLike": {ATTRIBUTES: "*"}},
          {ATTRIBUTES: ""}, False),
    under(SETS, "any value in the request is listed", ANY_LISTED, {ATTRIBUTES: ["UserName", "PostDateTime"]}, True),
    under(SETS, "no value is listed", ANY_LISTED, {ATTRIBUTES: ["UserName", "Message"]}, False),
    under(SETS, "ForAnyValue is false for an absent key", ANY_LISTED, {}, False),
    one(SETS, "ForAnyValue of a negated operator is false for an absent key", "ForAnyValue:StringNotEquals", "a", (),
        False),
    one(SETS, "ForAnyValue of a negated operator: one value is not listed", "ForAnyValue:StringNotEquals", ["a", "b"],
        ["a", "c"], True),
    one(SETS, "ForAnyValue of a negated operator: all are listed", "ForAnyValue:StringNotEquals", ["a", "b"], ["a",
        "b"],
        False),
    one(SETS, "ForAllValues of a negated operator: one is listed", "ForAllValues:StringNotEquals", ["a"], ["a", "c"],
        False),
    one(OPERATORS, "StringEquals is case sensitive", "StringEquals", "iamuser-admin", "IAMuser-admin", False),
    one(OPERATORS, "StringEquals has no wildcards", "StringEquals", "iam*", "iamuser", False),
    one(OPERATORS, "StringEqualsIgnoreCase ignores case", "StringEqualsIgnoreCase", "iamuser-admin", "IAMuser-admin",
        True),
    one(OPERATORS, "StringNotEqualsIgnoreCase ignores case", "StringNotEqualsIgnoreCase", "a", "A", False),
    one(OPERATORS, "StringLike has wildcards", "StringLike", "home/?*/", "home/ana/", True),
    one(OPERATORS, "StringLike is case sensitive", "StringLike", "Home/*", "home/ana/", False),
    one(OPERATORS, "StringNotLike", "StringNotLike", "home/*", "home/ana/", False),
    one(OPERATORS, "an absent key does not match", "StringEquals", "a", (), False),
    one(OPERATORS, "an absent key matches a negated operator", "StringNotLike", "a", (), True),
    one(OPERATORS, "NumericLessThanEquals: up to 10", "NumericLessThanEquals", "10", "10", True),
    one(OPERATORS, "NumericLessThanEquals: more than 10", "NumericLessThanEquals", "10", "11", False),
    one(OPERATORS, "NumericLessThan", "NumericLessThan", "10", "9.5", True),
    one(OPERATORS, "NumericLessThan is false at it", "NumericLessThan", "10", "10", False),
    one(OPERATORS, "NumericGreaterThan is false at it", "NumericGreaterThan", "10", "10", False),
    one(OPERATORS, "NumericGreaterThanEquals is true at it", "NumericGreaterThanEquals", "10", "10", True),
    one(OPERATORS, "NumericNotEquals of several values is none of them", "NumericNotEquals", ["5", "6"], "6.0", False),
    one(OPERATORS, "NumericGreaterThan compares numbers, not text", "NumericGreaterThan", "9", "10", True),
    one(OPERATORS, "NumericEquals of an integer and a decimal", "NumericEquals", "5", "5.0", True),
    one(OPERATORS, "DateGreaterThan: issued in 2020", "DateGreaterThan", "2020-01-01T00:00:01Z",
        "2020-04-01T00:00:00Z", True),
    one(OPERATORS, "DateGreaterThan: issued before", "DateGreaterThan", "2020-01-01T00:00:01Z", "2019-04-01T00:00:00Z",
        False),
    one(OPERATORS, "DateGreaterThan is false at it", "DateGreaterThan", "2020-01-01T00:00:01Z", "2020-01-01T00:00:01Z",
        False),
    one(OPERATORS, "DateGreaterThan compares times, not text", "DateGreaterThan", "2020-01-01T00:00:01Z", "1577836802",
        True),
    one(OPERATORS, "DateLessThan across time zones", "DateLessThan", "2020-01-01T01:00:00+02:00",
        "2020-01-01T00:00:00Z",
        False),
    one(OPERATORS, "DateLessThanEquals is true at it", "DateLessThanEquals", "2020-01-01T00:00:01Z",
        "2020-01-01T00:00:01.000Z", True),
    one(OPERATORS, "DateEquals of epoch time", "DateEquals", "1577836801", "2020-01-01T00:00:01Z", True),
    one(OPERATORS, "Bool", "Bool", "false", "false", True),
    one(OPERATORS, "BinaryEquals compares byte for byte", "BinaryEquals", "QmluYXJ5VmFsdWVJbkJhc2U2NA==",
        "QmluYXJ5VmFsdWVJbkJhc2U2NA==", True),
    one(OPERATORS, "BinaryEquals knows no wildcard", "BinaryEquals", "*", "QmluYXJ5VmFsdWVJbkJhc2U2NA==", False),
    one(OPERATORS, "IpAddress within 203.0.113.0/24", "IpAddress", "203.0.113.0/24", "203.0.113.255", True),
    one(OPERATORS, "IpAddress outside it", "IpAddress", "203.0.113.0/24", "203.0.114.0", False),
    one(OPERATORS, "IpAddress of IPv6", "IpAddress", ["203.0.113.0/24", "2001:DB8:1234:5678::/64"],
        "2001:db8:1234:5678::1", True),
    one(OPERATORS, "NotIpAddress: all addresses except these", "NotIpAddress", "203.0.113.0/24", "2001:db8::1", True),
    one(OPERATORS, "an address without prefix is one address", "IpAddress", "203.0.113.7", "203.0.113.8", False),
    one(OPERATORS, "StringLike crosses colons", "StringLike", ARN, GIVEN, True),
    one(OPERATORS, "ArnLike matches between colons", "ArnLike", ARN, GIVEN, False),
    one(OPERATORS, "ArnEquals behaves as ArnLike", "ArnEquals", ARN,
        "arn:aws:someservice:us-east-2:111122223333:finance/x",
        True),
    one(OPERATORS, "ArnNotEquals", "ArnNotEquals", ARN, "arn:aws:someservice:us-east-2:111122223333:finance/x", False),
    one(OPERATORS, "the resource of an ARN may have colons", "ArnLike", "arn:aws:sns:*:111122223333:topic*",
        "arn:aws:sns:us-east-2:111122223333:topic:sub", True),
    under(OPERATORS, "IfExists: the key is there and matches", INSTANCES, {"ec2:InstanceType": "t2.micro"}, True),
    under(OPERATORS, "IfExists: the key is there and does not", INSTANCES, {"ec2:InstanceType": "x1.large"}, False),
    under(OPERATORS, "IfExists: the key is not there", INSTANCES, {}, True),
    one(OPERATORS, "Null true: the key is not there", "Null", "true", (), True),
    one(OPERATORS, "Null true: the key is there", "Null", "true", "2020-01-01T00:00:01Z", False),
    one(OPERATORS, "Null false: the key is there", "Null", "false", "2020-01-01T00:00:01Z", True),
    one(OPERATORS, "Null false: the key is not there", "Null", "false", (), False),
    under(OPERATORS, "SourceIp is not known", {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, {}, None,
        "aws:sourceip"),
    over(VARIABLES, "the user's own folder", HOME, "s3:GetObject", f"{BUCKET}/ana/x", True, aws__username="ana"),
    over(VARIABLES, "somebody else's folder", HOME, "s3:GetObject", f"{BUCKET}/bob/x", False, aws__username="ana"),
    over(VARIABLES, "a variable without value matches nothing", HOME, "s3:GetObject", f"{BUCKET}/ana/x", False),
    over(VARIABLES, "nor the empty text", HOME, "s3:GetObject", f"{BUCKET}//x", False),
    over(VARIABLES, "a value is text, not a pattern", HOME, "s3:GetObject", f"{BUCKET}/ana/x", False,
        aws__username="*"),
    over(VARIABLES, "a default value", DEPARTMENT, "s3:GetObject", "arn:aws:s3:::bucket/company-wide/x", True),
    over(VARIABLES, "a value instead of the default", DEPARTMENT, "s3:GetObject", "arn:aws:s3:::bucket/hr/x", True,
         aws__PrincipalTag_department="hr"),
    over(VARIABLES, "an older version has none", OLD, "s3:GetObject", "arn:aws:s3:::b/ana", False, aws__username="ana"),
    over(VARIABLES, "to an older version it is text", OLD, "s3:GetObject", "arn:aws:s3:::b/${aws:username}", True,
         aws__username="ana"),
    over(VARIABLES, "to a null value everything is unequal: denied where the tag is not set", MISSING_TAG,
        "s3:GetObject",
         f"{BUCKET}/x", False, s3__owner="red"),
    over(VARIABLES, "denied where the tag differs", MISSING_TAG, "s3:GetObject", f"{BUCKET}/x", False, s3__owner="red",
         aws__PrincipalTag_team="blue"),
    over(VARIABLES, "not denied where the tag is equal", MISSING_TAG, "s3:GetObject", f"{BUCKET}/x", True,
         s3__owner="red", aws__PrincipalTag_team="red"),
    over(VARIABLES, "in NotResource a null value excepts no resource", NOT_MINE, "s3:GetObject", f"{BUCKET}/ana/x",
        False),
    over(VARIABLES, "in NotResource a value excepts its resource", NOT_MINE, "s3:GetObject", f"{BUCKET}/ana/x", True,
         aws__username="ana"),
    over(VARIABLES, "${*} is an asterisk", STAR, "s3:GetObject", "arn:aws:s3:::b/*", True),
    over(VARIABLES, "${*} is no wildcard", STAR, "s3:GetObject", "arn:aws:s3:::b/x", False),
    over(RESOURCE, "wildcards within a segment", document(statement("Allow", "iam:GetUser",
         "arn:aws:iam::111122223333:user/accounting/*")), "iam:GetUser",
         "arn:aws:iam::111122223333:user/accounting/a/b",
         True),
    over(RESOURCE, "a wildcard inside a segment stays in it", document(statement("Allow", "sqs:*",
         "arn:aws:sqs:*-2:111122223333:queue1")), "sqs:SendMessage", "arn:aws:sqs:us-east-2:111122223333:queue1", True),
    over(RESOURCE, "and does not reach over a colon", document(statement("Allow", "sqs:*", "arn:aws:sqs:us*1:queue1")),
         "sqs:SendMessage", "arn:aws:sqs:us-east-2:1:queue1", False),
    over(RESOURCE, "at the end of a segment it may go beyond the colon", document(statement("Allow", "sqs:*",
         "arn:aws:sqs:us-east-2:*")), "sqs:SendMessage", "arn:aws:sqs:us-east-2:111122223333:queue1", True),
    over(RESOURCE, "? is any single character", document(statement("Allow", "sqs:*",
         "arn:aws:sqs:us-east-2:111122223333:queue?")), "sqs:SendMessage", "arn:aws:sqs:us-east-2:111122223333:queue12",
         False),
    over(NOT_RESOURCE, "the payroll folder is excepted from the deny", PAYROLL, "s3:GetObject",
         "arn:aws:s3:::HRBucket/Payroll/x", True),
    over(NOT_RESOURCE, "everything else is denied", PAYROLL, "s3:GetObject", "arn:aws:s3:::HRBucket/Other", False),
    over(NOT_ACTION, "everything but IAM", NO_IAM, "s3:GetObject", BUCKET, True),
    over(NOT_ACTION, "not IAM", NO_IAM, "iam:GetUser", "arn:aws:iam::111122223333:user/a", False),
    over(NOT_ACTION, "without MFA all but IAM is denied", MFA, "s3:GetObject", BUCKET, False,
         aws__MultiFactorAuthPresent="false"),
    over(NOT_ACTION, "without MFA IAM is not denied", MFA, "iam:GetUser", "arn:aws:iam::111122223333:user/a", True,
         aws__MultiFactorAuthPresent="false"),
    over(NOT_ACTION, "with MFA nothing is denied", MFA, "s3:GetObject", BUCKET, True,
        aws__MultiFactorAuthPresent="true"),
    over(ACTION, "prefix and name are case insensitive", document(statement("Allow", "IAM:listaccesskeys")),
         "iam:ListAccessKeys", "arn:aws:iam::111122223333:user/a", True),
    over(ACTION, "wildcards in the name", document(statement("Allow", "iam:*AccessKey*")), "iam:ListAccessKeys",
         "arn:aws:iam::111122223333:user/a", True),
]  # fmt: skip


@pytest.mark.parametrize("example", parameters(EXAMPLES))
def test_the_evaluator_says_what_aws_documents(example: Example) -> None:
    check(example)
