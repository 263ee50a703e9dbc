"""What examples/ has not, under what `iam-policy` prints: two accounts, a boundary, tags, Aurora, replicas, stores."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from secrets_pipeline import emulator
from tests.e2e.least_rights.daemon import Daemon
from tests.e2e.least_rights.life import Life
from tests.e2e.least_rights.proof import spare_actions
from tests.e2e.least_rights.strangers import Stranger

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

ACCOUNT, FAR = "111122223333", "222233334444"
PIPELINE, THEIRS = f"arn:aws:iam::{ACCOUNT}:role/pipeline", f"arn:aws:iam::{FAR}:role/pipeline-far"
EXAMPLES = Path(__file__).parents[3] / "examples"
OPERATOR = f"""\
targets:
  - {{stacks: "far-*", account_id: "{FAR}", region: eu-west-2, role_arn: "{THEIRS}"}}
  - {{stacks: "*", account_id: "{ACCOUNT}", region: eu-west-2}}
repository: github.com/acme/wide
permissions_boundary: bounds
tags: {{CostCenter: "1000"}}
grants: {{preset: single-team}}
seals: {{bucket: seals, region: eu-west-2}}
leases: {{bucket: leases, region: eu-west-2}}
alerts: {{topic_arn: "arn:aws:sns:eu-west-2:{ACCOUNT}:alerts"}}
events: {{queue: wide-events, region: eu-west-2, account_id: "{ACCOUNT}", kms_key: alias/events}}
access: {{organization_policies: allow, allowed_readers: ["*:role/pipeline*", "*:role/OrganizationAccount*"]}}
"""
WIDE = """\
vars: {context_name: wide, environment: dev}
settings:
  secrets_pipeline: {dialect: tf-atmos, rotation_function: {subnet_ids: [SUBNET], security_group_ids: [GROUP]}}
components:
  terraform:
    kms:
      vars: {alias: alias/wide-dev}
    secretsmanager:
      vars:
        default_kms_key_id: "${output.kms.key_arn}"
        secrets:
          token:
            path: api
            generate_random_password: true
            replica_regions: [eu-west-1]
            rotation: {managed: true, automatically_after_days: 30}
          copied: {path: api, secret_data: "${ssm:/shared/token}"}
          credentials: {path: database, type: credentials, generate_random_password: true, username: owner}
    rds:
      settings: {secrets_pipeline: {create: true}}
      vars:
        cluster_identifier: wide-dev
        engine: aurora-postgresql
        master_username: owner
        database_name: orders
        password: "${output.secretsmanager.generated_passwords.credentials}"
        instance_class: db.serverless
        serverlessv2_scaling_configuration: {min_capacity: 0.5, max_capacity: 4}
        kms_key_id: alias/others
"""
FURTHER = """\
vars: {context_name: far, environment: dev}
settings: {secrets_pipeline: {dialect: tf-atmos}}
components:
  terraform:
    secretsmanager:
      vars:
        create_kms_key: true
        secrets:
          token: {path: api, generate_random_password: true}
"""
ON_ANOTHER_OCCASION = {
    # When a run of the daemon fails: tests/orchestration/alerts/test_alerting.py.
    ("Alert", "sns:Publish"),
    # Where the queue's role is none of the stacks': test_home_role.py.
    ("LookAtTheKeyOfTheQueue", "kms:DescribeKey"),
    ("LookAtTheKeyOfTheQueue", "kms:GetKeyPolicy"),
}


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory, aws: emulator.LocalAws) -> Life:
    """Two accounts from nothing: applied, opened by somebody, repaired, rotated, and without the replica in the end."""
    emulator.reset_rights(aws)
    files = {"operator.yaml": OPERATOR, "stacks/wide.yaml": WIDE, "stacks/far.yaml": FURTHER}
    life = Life.of(aws, tmp_path_factory.mktemp("wide"), files)
    somebody = Stranger(life)
    prepare(life, somebody)
    life.make_roles("pipeline")
    with life.under("pipeline"):
        life.succeed("plan")
        life.succeed("apply", "--all")
        life.succeed("apply", "--all")
        life.succeed("verify")
    for role in ("secrets-pipeline-rotation-wide-dev", "wide-events-events"):
        somebody.client("iam").delete_role_permissions_boundary(RoleName=role)
    with life.under("pipeline"):
        life.succeed("apply", "--all", "--deep")
        life.succeed("rotate", "wide/dev/api/token", "wide/dev/database/credentials")
        emulator.settle(aws)
        with dg.DagsterInstance.ephemeral() as instance:
            Daemon(life, instance).tick()
        somebody.bury("wide-events")
        life.succeed("events", "redrive")
        life.edit("stacks/wide.yaml", "            replica_regions: [eu-west-1]\n", "")
        life.succeed("apply", "--all", "--deep", "--prune")
    return life


def prepare(life: Life, somebody: Stranger) -> None:
    """Make what others make: network, buckets, topic, parameter, key, boundaries, the role of the far account."""
    ec2 = somebody.client("ec2")
    life.edit("stacks/wide.yaml", "SUBNET", ec2.describe_subnets()["Subnets"][0]["SubnetId"])
    life.edit("stacks/wide.yaml", "GROUP", ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"])
    here = {"LocationConstraint": "eu-west-2"}
    for bucket in ("seals", "leases"):
        somebody.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=here)
    somebody.client("sns").create_topic(Name="alerts")
    kms = somebody.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/others", TargetKeyId=key)
    kms.create_alias(AliasName="alias/events", TargetKeyId=key_of_events(kms))
    shared = {"Name": "/shared/token", "Value": "a-shared-token", "Type": "SecureString", "KeyId": "alias/others"}
    somebody.client("ssm").put_parameter(**shared)
    bounds = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
    for account in (ACCOUNT, FAR):
        somebody.iam_of(account).create_policy(PolicyName="bounds", PolicyDocument=bounds)
    trusted = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [trusted]})
    somebody.iam_of(FAR).create_role(RoleName="pipeline-far", AssumeRolePolicyDocument=trust)


def key_of_events(kms: KMSClient) -> str:
    """Make a key that EventBridge may use."""
    statements = [
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"},
        {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
            "Resource": "*",
        },
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    return kms.create_key(Policy=policy)["KeyMetadata"]["KeyId"]


def test_nothing_is_denied_in_either_account(life: Life) -> None:
    assert {(one.role, one.action, one.resource) for one in life.asked() if not one.allowed} == set()
    assert {one.role for one in life.asked()} == {PIPELINE, THEIRS}


def test_what_examples_has_not_is_needed(life: Life, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES, tmp_path / "atmos")
    examples = Life(life.aws, tmp_path / "atmos", life.home).printed()
    known = {one["Sid"] for role in examples for document in role["policies"].values() for one in document["Statement"]}
    asked = [one for one in life.asked() if one.role == PIPELINE]
    spare = spare_actions(life.policies[PIPELINE].values(), asked)
    assert {part for part in spare if part[0] not in known} == ON_ANOTHER_OCCASION
