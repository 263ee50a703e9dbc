"""A queue of events with a role and a KMS key of its own, under what `iam-policy` prints for that role."""

from __future__ import annotations

import json

import pytest

from secrets_pipeline import emulator
from tests.e2e.least_rights.life import Life
from tests.e2e.least_rights.proof import spare_actions
from tests.e2e.least_rights.strangers import Stranger

ACCOUNT = "111122223333"
HOME = f"arn:aws:iam::{ACCOUNT}:role/home-of-events"
FILES = {
    "operator.yaml": f"""\
targets: [{{stacks: "*", account_id: "{ACCOUNT}", region: eu-west-2}}]
repository: github.com/acme/home
events: {{queue: events, region: eu-west-2, account_id: "{ACCOUNT}", role_arn: "{HOME}", kms_key: alias/events}}
access: {{organization_policies: allow, allowed_readers: ["*:role/pipeline*", "*:role/OrganizationAccount*"]}}
""",
    "stacks/shop.yaml": """\
vars: {context_name: shop, environment: dev}
settings: {secrets_pipeline: {dialect: tf-atmos}}
components:
  terraform:
    secretsmanager:
      vars:
        create_kms_key: true
        secrets: {token: {path: api, generate_random_password: true}}
""",
}


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory, aws: emulator.LocalAws) -> Life:
    """A first apply, and a second one that looks at what the first has made."""
    emulator.reset_rights(aws)
    life = Life.of(aws, tmp_path_factory.mktemp("home"), FILES)
    somebody = Stranger(life)
    root = f"arn:aws:iam::{ACCOUNT}:root"
    lets = [
        {"Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:*", "Resource": "*"},
        {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": "*",
        },
    ]
    kms = somebody.client("kms")
    key = kms.create_key(Policy=json.dumps({"Version": "2012-10-17", "Statement": lets}))["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/events", TargetKeyId=key)
    trusted = {"Effect": "Allow", "Principal": {"AWS": root}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [trusted]})
    somebody.client("iam").create_role(RoleName="home-of-events", AssumeRolePolicyDocument=trust)
    life.make_roles("pipeline")
    with life.under("pipeline"):
        life.succeed("apply", "--all")
        life.succeed("apply", "--all", "--deep")
        life.succeed("verify")
    return life


def test_nothing_is_denied_to_the_role_of_the_queue(life: Life) -> None:
    assert {(one.role, one.action, one.resource) for one in life.asked() if not one.allowed} == set()
    assert HOME in {one.role for one in life.asked()}


def test_the_role_of_the_queue_needs_what_it_may_do_with_its_key(life: Life) -> None:
    asked = [one for one in life.asked() if one.role == HOME]
    spare = spare_actions(life.policies[HOME].values(), asked)
    assert not {action for sid, action in spare if sid == "LookAtTheKeyOfTheQueue"}
