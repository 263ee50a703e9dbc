"""Single actions really left out: a first apply of examples/ is denied, and says of what."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from secrets_pipeline import emulator
from tests.e2e.least_rights.life import Life
from tests.sweep import turn

ROOT = Path(__file__).parents[3]
DEFAULTS = "stacks/orgs/acme/myapp/_defaults.yaml"
KEY_OF_API = "        default_kms_key_id: !terraform.state kms key_arn\n        random_password_length: 48\n"
PARTS = [
    ("ListSecretsAndKeys", "kms:CreateKey"),
    ("MakeKeysWithPolicies", "kms:PutKeyPolicy"),
    ("WriteSecrets", "secretsmanager:PutResourcePolicy"),
    ("UseKeysOfSecrets", "kms:GenerateDataKey"),
    ("SealValues", "kms:Decrypt"),
    ("PublishOutputs", "ssm:PutParameter"),
    ("MakeDatabases", "rds:CreateDBInstance"),
    ("LetRdsMakeItsRole", "iam:CreateServiceLinkedRole"),
    ("WriteDatabases", "rds:AddTagsToResource"),
    ("LookAtRotationFunctions", "lambda:InvokeFunction"),
    ("LookAtRotationFunctions", "lambda:ListTags"),
    ("PassRolesToLambda", "iam:PassRole"),
    ("MakeLogGroups", "logs:TagResource"),
    ("LetConsumersRead", "iam:PutRolePolicy"),
    ("PassRolesToTasks", "iam:PassRole"),
    ("DeliverToStages", "apigateway:PATCH"),
    ("LookAtQueues", "sqs:TagQueue"),
]
"""What a first apply needs, one of each kind; `test_examples.py` judges every action by one run."""
SAID = {
    # Secrets Manager says no more of the key that it may not use for the caller.
    "kms:GenerateDataKey": "Access to KMS is not allowed",
    # The AWS Encryption SDK keeps KMS's answer to itself.
    "kms:Decrypt": "cannot be opened: DecryptKeyError\n  The caller must be allowed to use arn:aws:kms:",
}
"""What is said in place of the action."""


@pytest.mark.parametrize(("sid", "action"), turn(PARTS), ids=lambda one: one)
def test_an_apply_without_one_action_is_denied_that_and_names_it(
    tmp_path: Path, aws: emulator.LocalAws, sid: str, action: str
) -> None:
    emulator.settle(aws)
    emulator.empty(aws)
    emulator.reset_rights(aws)
    shutil.copytree(ROOT / "examples", tmp_path / "atmos")
    (tmp_path / "home").mkdir(mode=0o700)
    life = Life(aws, tmp_path / "atmos", tmp_path / "home")
    # A stack's key lets its account in through Secrets Manager; a key that somebody gives leaves that to IAM.
    given = life.administrator.client("kms", endpoint_url=aws.endpoint_url).create_key()["KeyMetadata"]["Arn"]
    life.edit(DEFAULTS, KEY_OF_API, KEY_OF_API.replace("!terraform.state kms key_arn", given))
    life.stand_in()
    life.make_roles("pipeline", left_out=(sid, action))
    with life.under("pipeline"):
        done = life.run("apply", "--all")
    assert done.exit_code == 1
    assert {one.action for one in life.asked() if not one.allowed} == {action}
    assert SAID.get(action, action) in done.output
