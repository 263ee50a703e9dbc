"""The operator's `tags` are on everything that the pipeline makes, in the call that makes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from secrets_pipeline import emulator
from tests.e2e.least_rights.life import Life

ACCOUNT, TAG = "111122223333", "CostCenter"
FILES = {
    "operator.yaml": f"""\
targets: [{{stacks: "*", account_id: "{ACCOUNT}", region: eu-west-2}}]
repository: github.com/acme/tagged
tags: {{CostCenter: "1000", Team: platform}}
database_logins: false
events: {{queue: tagged, region: eu-west-2, account_id: "{ACCOUNT}"}}
access: {{organization_policies: allow, allowed_readers: ["*:role/pipeline*", "*:role/OrganizationAccount*"]}}
""",
    "stacks/shop.yaml": """\
vars: {context_name: tagged, environment: dev}
settings: {secrets_pipeline: {dialect: tf-atmos}}
components:
  terraform:
    secretsmanager:
      vars:
        create_kms_key: true
        tags: {Team: shop}
        secrets:
          token:
            path: api
            generate_random_password: true
            rotation: {managed: true, automatically_after_days: 30}
    rds:
      settings: {secrets_pipeline: {create: true}}
      vars: {identifier: tagged-dev, engine: mysql, master_username: owner, manage_master_user_password: true}
""",
}
MAKING = [
    "events:CreateEventBus",
    "events:PutRule",
    "iam:CreateRole",
    "kms:CreateKey",
    "lambda:CreateFunction",
    "logs:CreateLogGroup",
    "rds:CreateDBInstance",
    "secretsmanager:CreateSecret",
    "sqs:CreateQueue",
]
"""What can be denied to whoever makes something without a tag; Parameter Store overwrites without tags alone."""


class Account:
    """An account that denies untagged creation, and the tags of what is in it."""

    def __init__(self, life: Life) -> None:
        self.life = life

    def client(self, service: str, region: str | None = None) -> Any:  # noqa: ANN401 - boto3 has a type for each service
        session: Any = self.life.administrator
        return session.client(service, region_name=region, endpoint_url=self.life.aws.endpoint_url)

    def make_role(self) -> None:
        """A role that may everything, but make nothing without the tag."""
        trusted = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
        untagged = {"Null": {f"aws:RequestTag/{TAG}": "true"}}
        statements = [
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Effect": "Deny", "Action": MAKING, "Resource": "*", "Condition": untagged},
        ]
        iam = self.client("iam")
        iam.create_role(RoleName="pipeline", AssumeRolePolicyDocument=document(trusted))
        iam.put_role_policy(RoleName="pipeline", PolicyName="tagged", PolicyDocument=document(*statements))

    def tags(self) -> dict[str, dict[str, str]]:
        """Tags by what carries them, as each service shows them."""
        found: dict[str, dict[str, str]] = {}
        kms = self.client("kms")
        aliases = {
            one["AliasName"]: one["TargetKeyId"] for one in kms.list_aliases()["Aliases"] if "TargetKeyId" in one
        }
        for alias, key in aliases.items():
            if alias.startswith("alias/aws/"):
                continue
            found[alias] = {one["TagKey"]: one["TagValue"] for one in kms.list_resource_tags(KeyId=key)["Tags"]}
        secret = self.client("secretsmanager").describe_secret(SecretId="tagged/dev/api/token")
        found["secret"] = pairs(secret["Tags"])
        name = "secrets-pipeline-rotation-tagged-dev"
        arn = f"arn:aws:lambda:eu-west-2:{ACCOUNT}:function:{name}"
        found["function"] = self.client("lambda").list_tags(Resource=arn)["Tags"]
        group = f"arn:aws:logs:eu-west-2:{ACCOUNT}:log-group:/aws/lambda/{name}"
        found["log group"] = self.client("logs").list_tags_for_resource(resourceArn=group)["tags"]
        for role in (name, "tagged-events"):
            found[f"role {role}"] = pairs(self.client("iam").get_role(RoleName=role)["Role"].get("Tags", ()))
        database = self.client("rds").describe_db_instances(DBInstanceIdentifier="tagged-dev")["DBInstances"][0]
        found["database"] = pairs(database["TagList"])
        for region, queue in (("eu-west-2", "tagged"), *((one, "tagged-dead-letters") for one in REGIONS)):
            sqs = self.client("sqs", region)
            url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
            found[f"queue {queue} {region}"] = sqs.list_queue_tags(QueueUrl=url).get("Tags", {})
        for region in REGIONS:
            events = self.client("events", region)
            buses = [one["Name"] for one in events.list_event_buses()["EventBuses"]]
            rules = [one["Arn"] for bus in buses for one in events.list_rules(EventBusName=bus)["Rules"]]
            made = [f"arn:aws:events:{region}:{ACCOUNT}:event-bus/{one}" for one in buses if one != "default"]
            for each in (*rules, *made):
                found[each] = pairs(events.list_tags_for_resource(ResourceARN=each)["Tags"])
        ssm = self.client("ssm")
        for one in ssm.describe_parameters()["Parameters"]:
            listed = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=one["Name"])["TagList"]
            found[f"parameter {one['Name']}"] = pairs(listed)
        return found


REGIONS = ("eu-west-2", "us-east-1")


def document(*statements: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def pairs(listed: Any) -> dict[str, str]:  # noqa: ANN401 - a list of Key and Value
    return {one["Key"]: one["Value"] for one in listed}


@pytest.fixture
def account(tmp_path: Path, aws: emulator.LocalAws) -> Account:
    made = Account(Life.of(aws, tmp_path, FILES))
    made.make_role()
    return made


def test_an_account_that_denies_untagged_creation_is_applied_to_and_follows_the_settings(account: Account) -> None:
    life = account.life
    with life.under("pipeline"):
        life.succeed("apply", "--all")
    tags = account.tags()
    assert len(tags) > 25, "the test finds less than is made"
    assert {name for name, held in tags.items() if held.get(TAG) != "1000"} == set()
    # What the component says goes before, and our own tags are beside those of the operator.
    assert (tags["secret"]["Team"], tags["function"]["Team"]) == ("shop", "platform")
    assert tags["alias/secrets-pipeline"]["secrets-pipeline:purpose"] == "seal"
    assert all("secrets-pipeline:" in str(held) for name, held in tags.items() if not name.startswith("parameter"))

    # Tags of others are left alone, and are no drift.
    url = account.client("sqs").get_queue_url(QueueName="tagged")["QueueUrl"]
    account.client("sqs").tag_queue(QueueUrl=url, Tags={"theirs": "1"})
    arn = f"arn:aws:lambda:eu-west-2:{ACCOUNT}:function:secrets-pipeline-rotation-tagged-dev"
    account.client("lambda").tag_resource(Resource=arn, Tags={"theirs": "1"})
    account.client("secretsmanager").tag_resource(
        SecretId="tagged/dev/api/token", Tags=[{"Key": "theirs", "Value": "1"}]
    )
    with life.under("pipeline"):
        assert life.run("plan", "--deep", "--detailed-exitcode").exit_code == 0

    life.edit("operator.yaml", 'CostCenter: "1000"', 'CostCenter: "2000"')
    with life.under("pipeline"):
        changed = life.run("plan", "--detailed-exitcode")
        assert changed.exit_code == 2, changed.output
        assert "drift" not in changed.output.lower()
        life.succeed("apply", "--all")
        assert life.run("plan", "--deep", "--detailed-exitcode").exit_code == 0
    tags = account.tags()
    # These are tagged as they are made, and stay as they are: docs/security.md says so.
    stay = {name for name in tags if name.startswith(("alias/secrets-pipeline", "parameter"))}
    assert {name for name, held in tags.items() if held.get(TAG) != "2000"} == stay
    assert all(tags[name]["theirs"] == "1" for name in ("queue tagged eu-west-2", "function", "secret"))
