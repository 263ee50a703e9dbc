"""Make a second user in the embedded AWS: what he changes was changed by somebody else than the pipeline.

With the operator's credentials, which are the pipeline's, whatever a human breaks is the pipeline's own call.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import boto3

from secrets_pipeline.emulator.handle.lifecycle import LocalAws

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

SECOND_USER = "local-second-user"
_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {
            # Else he would be a reader whom no stack declares.
            "Effect": "Deny",
            "Action": ["secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue"],
            "Resource": "*",
        },
    ],
}
"""He may change everything, that policy included, and read no value."""


def second_user_environment(aws: LocalAws) -> dict[str, str]:
    """Make the user (CreateUser, PutUserPolicy, CreateAccessKey) and return the variables that make an SDK act as him.

    A key that he had is deleted, so that this may be repeated.
    """
    iam: IAMClient = boto3.client(
        "iam",
        endpoint_url=aws.endpoint_url,
        region_name=aws.region,
        aws_access_key_id=aws.access_key_id,
        aws_secret_access_key=aws.secret_access_key,
    )
    try:
        iam.create_user(UserName=SECOND_USER)
    except iam.exceptions.EntityAlreadyExistsException:
        for old in iam.list_access_keys(UserName=SECOND_USER)["AccessKeyMetadata"]:
            iam.delete_access_key(UserName=SECOND_USER, AccessKeyId=old["AccessKeyId"])
    iam.put_user_policy(UserName=SECOND_USER, PolicyName="tester", PolicyDocument=json.dumps(_POLICY))
    key = iam.create_access_key(UserName=SECOND_USER)["AccessKey"]
    return {
        **aws.environment(),
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }
