"""The managed rotation function under faults: each ends rotated, or unchanged with a red check that names the cause.

Whatever happens, the database's password is among AWSCURRENT and AWSPENDING.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline import emulator
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.emulator import Mishap, Moment
from secrets_pipeline.engine.apply import apply
from secrets_pipeline.engine.model import Applied, Failed, Outcome, Skipped, Unchanged
from secrets_pipeline.operations.open_repository import OpenRepository, open_repository
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.reconcilers.finding import Finding, Verdict
from secrets_pipeline.reconcilers.rotate_now.reconciler import RotateReconciler
from secrets_pipeline.reconcilers.run import Run
from secrets_pipeline.reconcilers.secret_rotation.checks import rotation_function_invokable, rotation_not_stuck
from secrets_pipeline.reconcilers.stack import Stack
from secrets_pipeline.rotation.steps import RotationStep
from tests.applying import apply_stack
from tests.databases import logs_in
from tests.embedded import lead_to, operator
from tests.sweep import turn

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_rds import RDSClient
    from mypy_boto3_secretsmanager import SecretsManagerClient

STACK, NAME, FUNCTION = "shop-dev", "shop/dev/database/credentials", "secrets-pipeline-rotation-shop-dev"
ATMOS = """
    base_path: "."
    stacks:
      base_path: stacks
      included_paths: ["*"]
      name_template: "{{ .vars.context_name }}-{{ .vars.environment }}"
"""
SHOP = """
    vars: {context_name: shop, environment: dev, account_id: "111122223333", region: eu-west-2}
    settings: {secrets_pipeline: {dialect: tf-atmos}}
    components:
      terraform:
        kms:
          vars: {alias: alias/shop-dev}
        secretsmanager/database:
          vars:
            default_kms_key_id: "${output.kms.key_arn}"
            secrets:
              credentials:
                path: database
                type: credentials
                generate_random_password: true
                random_password_override_special: "-_.~"
                engine: postgres
                username: app
                dbname: app
                rotation: {managed: true, automatically_after_days: 30}
        rds:
          settings: {secrets_pipeline: {create: true}}
          vars:
            identifier: shop-dev
            engine: postgres
            username: app
            db_name: app
            publicly_accessible: true
            password: "${output.secretsmanager/database.generated_passwords.credentials}"
"""

KILLS = list(product(RotationStep, Moment, (1, 2)))


class Shop:
    """One applied stack, looked at through plain boto3."""

    def __init__(self, aws: emulator.LocalAws, desired: OpenRepository) -> None:
        self.aws = aws
        self._desired = desired
        session = operator(aws)
        self.secrets: SecretsManagerClient = session.client("secretsmanager")
        self.functions: LambdaClient = session.client("lambda")
        self.iam: IAMClient = session.client("iam")
        self.kms: KMSClient = session.client("kms")
        self.rds: RDSClient = session.client("rds")
        self._sessions = Sessions(session)

    def context(
        self,
        *,
        writing: bool = True,
        later: timedelta = timedelta(),
        deep: bool = False,
    ) -> Stack:
        """A fresh run, as if it were so much later."""
        settings, options = self._desired.settings, ApplyOptions(deep=deep)
        run = Run(settings, options, now=lambda: datetime.now(UTC) + later)
        return self._desired.assemble(self._sessions, writing=writing, run=run).stack(STACK)

    def provision(self, *, deep: bool = False) -> set[type[Outcome]]:
        """Apply the stack; the kinds of outcomes."""
        done = apply_stack(self.context(deep=deep))
        return {type(one) for outcomes in done.values() for one in outcomes}

    def rotate(self, seconds: float = 120.0) -> Outcome:
        """Rotate now and follow it."""
        reconciler = RotateReconciler(self.context(), [NAME], seconds=seconds)
        (outcome,) = apply(reconciler, reconciler.plan())
        return outcome

    def labels(self) -> dict[str, str]:
        """Version ids by label."""
        stages = self.secrets.describe_secret(SecretId=NAME)["VersionIdsToStages"]
        return {label: version for version, labels in stages.items() for label in labels}

    def document(self, version: str) -> dict[str, str]:
        """A version's value."""
        found: dict[str, str] = json.loads(
            self.secrets.get_secret_value(SecretId=NAME, VersionId=version)["SecretString"]
        )
        return found

    def accepts(self, version: str) -> bool:
        """Whether the database accepts the password of a version."""
        at = self.rds.describe_db_instances(DBInstanceIdentifier=STACK)["DBInstances"][0]["Endpoint"]
        return logs_in(at["Address"], at["Port"], "app", self.document(version)["password"], "app")

    def password_is_known(self) -> bool:
        """Whether the database's password is among AWSCURRENT and AWSPENDING."""
        labels = self.labels()
        known = {labels["AWSCURRENT"], labels.get("AWSPENDING", labels["AWSCURRENT"])}
        return any(self.accepts(version) for version in known if self._has_value(version))

    def _has_value(self, version: str) -> bool:
        try:
            self.document(version)
        except self.secrets.exceptions.ResourceNotFoundException:
            return False
        return True

    def red(self) -> list[Finding]:
        """What the checks of a verification an hour later say is wrong."""
        later = self.context(writing=False, later=timedelta(hours=2))
        found = [*rotation_not_stuck(later), *rotation_function_invokable(later)]
        return [one for one in found if one.verdict is Verdict.WRONG]


@pytest.fixture(scope="module")
def applied(aws: emulator.LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("rotation-faults")
    repository = folder / "atmos"
    (repository / "stacks").mkdir(parents=True)
    (repository / "atmos.yaml").write_text(dedent(ATMOS))
    (repository / "stacks" / "dev.yaml").write_text(dedent(SHOP))
    with pytest.MonkeyPatch.context() as patch:
        lead_to(aws, patch)
        shop = Shop(aws, _read(repository))
        assert Failed not in shop.provision()
        yield shop


def _read(repository: Path) -> OpenRepository:
    desired = open_repository(repository)
    assert not desired.errors, desired.errors
    return desired


@pytest.fixture
def shop(applied: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """The stack, whole again and rotated once more after whatever a test did to it."""
    lead_to(applied.aws, monkeypatch)
    assert os.environ["AWS_ENDPOINT_URL"] == applied.aws.endpoint_url
    yield applied
    emulator.reset_conditions(applied.aws)


def ends_rotated(shop: Shop, before: str) -> None:
    """The next try ends it, and nothing is wrong any more."""
    assert isinstance(shop.rotate(), Applied)
    labels = shop.labels()
    assert labels["AWSCURRENT"] != before
    assert labels["AWSPREVIOUS"] == before
    assert shop.accepts(labels["AWSCURRENT"])
    assert not shop.accepts(before)
    assert shop.red() == []
    assert shop.provision() <= {Applied, Unchanged}


def fails_unchanged(shop: Shop, before: str, *causes: str, seconds: float = 60.0) -> None:
    """The rotation fails and says why; AWSCURRENT stays, and a check is red with the same cause."""
    outcome = shop.rotate(seconds)
    assert isinstance(outcome, Failed)
    assert shop.labels()["AWSCURRENT"] == before
    found = " ".join(f"{one.name}: {one.detail}" for one in shop.red())
    for cause in causes:
        assert cause in f"{outcome.error.diagnostics()} {found}"
    assert causes[0] in found, found


@pytest.mark.parametrize(("step", "moment", "times"), turn(KILLS))
def test_a_handler_killed_at_any_step_leaves_a_known_password_and_the_next_try_ends_it(
    shop: Shop, step: RotationStep, moment: Moment, times: int
) -> None:
    before = shop.labels()["AWSCURRENT"]
    emulator.kill_invocations(shop.aws, Mishap(step=step.value, moment=moment, times=times))
    for _ in range(times):
        outcome = shop.rotate()
        assert shop.password_is_known()
        if step is RotationStep.FINISH and moment is Moment.AFTER:
            # It had done it all: AWSCURRENT has moved.
            break
        assert isinstance(outcome, Failed)
        assert "Runtime exited with error: signal: killed" in outcome.error.message
        assert any("Runtime exited with error: signal: killed" in one.detail for one in shop.red())
    emulator.reset_conditions(shop.aws)
    if shop.labels()["AWSCURRENT"] == before:
        ends_rotated(shop, before)
    else:
        assert shop.accepts(shop.labels()["AWSCURRENT"])
        assert shop.red() == []


def test_a_database_that_does_not_answer_leaves_everything_as_it_was(shop: Shop) -> None:
    before = shop.labels()["AWSCURRENT"]
    shop.rds.stop_db_instance(DBInstanceIdentifier=STACK)
    fails_unchanged(shop, before, "No database answers")
    shop.rds.start_db_instance(DBInstanceIdentifier=STACK)
    ends_rotated(shop, before)


def test_without_permission_to_invoke_nothing_begins_and_the_check_says_what_is_missing(shop: Shop) -> None:
    before = shop.labels()["AWSCURRENT"]
    (statement,) = json.loads(shop.functions.get_policy(FunctionName=FUNCTION)["Policy"])["Statement"]
    shop.functions.remove_permission(FunctionName=FUNCTION, StatementId=statement["Sid"])
    outcome, why = shop.rotate(), "does not let secretsmanager.amazonaws.com invoke it"
    assert isinstance(outcome, Skipped)
    assert why in outcome.reason
    assert shop.labels()["AWSCURRENT"] == before
    assert any(why in one.detail for one in shop.red())
    # A deep apply, which looks at what marks vouch for, gives it back.
    assert Failed not in shop.provision(deep=True)
    ends_rotated(shop, before)


def test_a_role_that_may_not_write_is_named(shop: Shop) -> None:
    before = shop.labels()["AWSCURRENT"]
    role = shop.functions.get_function_configuration(FunctionName=FUNCTION)["Role"].rsplit("/", 1)[-1]
    deny = {"Effect": "Deny", "Action": "secretsmanager:PutSecretValue", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    shop.iam.put_role_policy(RoleName=role, PolicyName="by-hand", PolicyDocument=document)
    fails_unchanged(shop, before, "PutSecretValue")
    shop.iam.delete_role_policy(RoleName=role, PolicyName="by-hand")
    ends_rotated(shop, before)


def test_a_disabled_key_is_named(shop: Shop) -> None:
    before = shop.labels()["AWSCURRENT"]
    key = shop.kms.describe_key(KeyId="alias/shop-dev")["KeyMetadata"]["KeyId"]
    shop.kms.disable_key(KeyId=key)
    outcome = shop.rotate(60)
    assert isinstance(outcome, Failed)
    assert "KMS" in outcome.error.diagnostics()
    shop.kms.enable_key(KeyId=key)
    assert shop.labels()["AWSCURRENT"] == before
    assert shop.password_is_known()
    ends_rotated(shop, before)


def test_a_password_changed_behind_our_back_is_no_reason_to_lose_it(shop: Shop) -> None:
    before = shop.labels()["AWSCURRENT"]
    shop.rds.modify_db_instance(DBInstanceIdentifier=STACK, MasterUserPassword="by-hand-0123456789")
    fails_unchanged(shop, before, "accepts … with none of")
    shop.rds.modify_db_instance(DBInstanceIdentifier=STACK, MasterUserPassword=shop.document(before)["password"])
    ends_rotated(shop, before)


def test_a_stuck_pending_version_is_red_with_its_age_and_the_next_rotation_goes_on_with_it(shop: Shop) -> None:
    before = shop.labels()["AWSCURRENT"]
    emulator.kill_invocations(shop.aws, Mishap(step=RotationStep.SET.value, moment=Moment.BEFORE, times=1))
    assert isinstance(shop.rotate(), Failed)
    pending = shop.labels()["AWSPENDING"]
    (red,) = shop.red()
    assert f"version {pending} has been AWSPENDING for 2 hours" in red.detail
    assert f"secrets-pipeline rotate {NAME}" in red.detail
    ends_rotated(shop, before)
    assert shop.labels()["AWSCURRENT"] == pending
