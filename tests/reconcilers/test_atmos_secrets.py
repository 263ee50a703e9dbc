"""From a `secrets:` section to AWS: containers, generated and rendered values, parameters, and what is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.engine.model import Applied, Outcome, Unchanged
from secrets_pipeline.operations.open_repository import open_repository
from secrets_pipeline.operations.stages import plan_stack
from secrets_pipeline.reconcilers.finding import Verdict
from secrets_pipeline.reconcilers.secret_value.checks import current_values
from secrets_pipeline.reconcilers.secret_value.external import put_command
from tests.applying import apply_stack

if TYPE_CHECKING:
    from secrets_pipeline.aws.session import Sessions
    from secrets_pipeline.reconcilers.stack import Stack
    from tests.bench import Bench

ATMOS = """\
base_path: "."
stacks: {base_path: stacks, included_paths: ["*.yaml"]}
stores:
  app/asm: {kind: aws/asm, secret: true, options: {region: eu-west-2, prefix: plat}}
  app/ssm: {kind: aws/ssm, secret: true, options: {region: eu-west-2, prefix: /plat}}
  network: {kind: aws/ssm, options: {region: eu-west-2, prefix: /network}}
  outputs: {kind: aws/ssm, options: {region: eu-west-2, prefix: /secrets-pipeline}}
"""
STACK = """\
name: plat-dev
vars: {stage: dev, region: eu-west-2}
secrets: {vars: {SHARED_TOKEN: {description: Of the vendor, store: app/asm, required: true}, LICENCE: {store: app/asm}}}
components:
  terraform:
    api:
      settings:
        secrets_pipeline:
          secrets:
            DB_PASSWORD: {generate_random_password: true}
            CONFIG:
              secret_data:
                password: !secret DB_PASSWORD
                token: !secret SHARED_TOKEN | path .token
                stripe: !secret STRIPE_KEY
                retries: !secret STRIPE_CONFIG | path .retries
                zone: !store network vpc config | query .zones[0]
                arn: !store outputs api/secrets secret_arns | query .DB_PASSWORD
      secrets:
        vars:
          DB_PASSWORD: {store: app/asm, required: true}
          CONFIG: {store: app/asm}
          STRIPE_KEY: {store: app/ssm, required: true}
          STRIPE_CONFIG: {store: app/ssm}
          FORGOTTEN: {store: app/ssm, required: true}
"""
SETTINGS = OperatorSettings.model_validate(
    {
        "targets": [{"stacks": "*", "account_id": "111122223333"}],
        "grants": [{"stacks": "*", "secrets": ["plat/*"], "parameters": ["/plat/*", "/network/*"]}],
    }
)
CONFIG, TOKEN = "plat/plat/dev/api/CONFIG", "plat/plat/dev/SHARED_TOKEN"


class Ground:
    """A repository that is read anew for each run."""

    def __init__(self, folder: Path, bench: Bench, sessions: Sessions) -> None:
        self.bench, self._folder, self._sessions = bench, folder, sessions
        (folder / "stacks").mkdir()
        (folder / "atmos.yaml").write_text(ATMOS)
        (folder / "stacks" / "dev.yaml").write_text(STACK)

    def stack(self, *, writing: bool = False) -> Stack:
        opened = open_repository(self._folder, settings=SETTINGS)
        assert not opened.errors, opened.errors
        return opened.assemble(self._sessions, writing=writing).stack("plat-dev")

    def apply(self) -> list[Outcome]:
        return [one for outcomes in apply_stack(self.stack(writing=True)).values() for one in outcomes]

    def findings(self) -> dict[str, tuple[Verdict, str]]:
        return {one.name: (one.verdict, one.detail) for one in current_values(self.stack(), connections=False)}

    def put_parameter(self, name: str, value: str, kind: str = "SecureString") -> None:
        self.bench.ssm.put_parameter(Name=name, Value=value, Type=kind, Overwrite=True)  # type: ignore[arg-type] # of two


@pytest.fixture
def ground(tmp_path: Path, bench: Bench, sessions: Sessions) -> Ground:
    """The repository."""
    return Ground(tmp_path, bench, sessions)


def test_what_atmos_declares_is_made_rendered_and_reported(ground: Ground) -> None:
    secrets = ground.bench.secrets
    ground.put_parameter("/plat/plat/dev/api/STRIPE_KEY", "12345678901234567890")
    ground.put_parameter("/plat/plat/dev/api/STRIPE_CONFIG", json.dumps({"retries": 3}))
    ground.put_parameter("/network/plat/dev/vpc/config", json.dumps({"zones": ["a", "b"]}), "String")
    ground.apply()

    # The container is there, its value is the vendor's to bring, and what needs it waits.
    assert "VersionIdsToStages" not in secrets.describe_secret(SecretId=TOKEN)
    assert secrets.describe_secret(SecretId=TOKEN)["Description"] == "Of the vendor"
    with pytest.raises(secrets.exceptions.ResourceNotFoundException):
        secrets.describe_secret(SecretId=CONFIG)
    found = ground.findings()
    verdict, text = found[TOKEN]
    assert verdict is Verdict.WRONG
    assert text.startswith("missing required secret SHARED_TOKEN (app/asm)")
    assert put_command(TOKEN, "eu-west-2") in text
    assert found["plat/plat/dev/LICENCE"][0] is Verdict.WAITING
    assert found["/plat/plat/dev/api/STRIPE_KEY"] == (Verdict.RIGHT, "SSM parameter of STRIPE_KEY (app/ssm) exists")
    verdict, text = found["/plat/plat/dev/api/FORGOTTEN"]
    assert verdict is Verdict.WRONG
    assert text.startswith("missing required secret FORGOTTEN (app/ssm)")

    # Once it is brought, all is as `!secret` and `!store` of Atmos would give it.
    secrets.put_secret_value(SecretId=TOKEN, SecretString=json.dumps({"token": "of the vendor"}))
    assert {type(outcome) for outcome in ground.apply()} <= {Applied, Unchanged}
    password = secrets.get_secret_value(SecretId="plat/plat/dev/api/DB_PASSWORD")
    assert json.loads(secrets.get_secret_value(SecretId=CONFIG)["SecretString"]) == {
        "password": password["SecretString"],
        "token": "of the vendor",
        "stripe": "12345678901234567890",
        "retries": 3,
        "zone": "a",
        "arn": password["ARN"],
    }
    assert ground.findings()[TOKEN][0] is Verdict.RIGHT
    ground.bench.reset_calls()
    assert {type(outcome) for outcome in ground.apply()} == {Unchanged}
    assert ground.bench.calls()["GetSecretValue"] == 0
    assert ground.bench.calls("ssm")["DescribeParameters"] == 0

    # What is read of Parameter Store is rendered again when it changes.
    ground.put_parameter("/plat/plat/dev/api/STRIPE_CONFIG", json.dumps({"retries": 5}))
    planned = [one for changes in plan_stack(ground.stack()).values() for one in changes if one.action.writes]
    assert [one.resource.name for one in planned] == [CONFIG]
    ground.apply()
    assert json.loads(secrets.get_secret_value(SecretId=CONFIG)["SecretString"])["retries"] == 5


def test_a_path_that_leads_nowhere_is_said_without_the_value(ground: Ground) -> None:
    ground.put_parameter("/plat/plat/dev/api/STRIPE_KEY", "canary-9f1c")
    ground.put_parameter("/plat/plat/dev/api/STRIPE_CONFIG", "canary-9f1c")
    ground.put_parameter("/network/plat/dev/vpc/config", "{}", "String")
    ground.apply()
    ground.bench.secrets.put_secret_value(SecretId=TOKEN, SecretString=json.dumps({"token": "canary-9f1c"}))
    texts = [str(outcome) for outcome in ground.apply()]
    assert any("SSM parameter /plat/plat/dev/api/STRIPE_CONFIG has nothing at retries" in text for text in texts)
    assert not any("canary-9f1c" in text for text in texts)
