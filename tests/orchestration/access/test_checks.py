"""The access checks in real runs of the jobs: when they look, how grave what they find is, and what a result holds."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import dedent
from typing import Any

import boto3
import dagster as dg
import pytest
from mypy_boto3_iam import IAMClient
from mypy_boto3_secretsmanager import SecretsManagerClient

from secrets_pipeline import emulator
from secrets_pipeline.access.reach.explain import short
from secrets_pipeline.orchestration.access import verify_op
from secrets_pipeline.orchestration.access.checks import READER_CHECKS
from secrets_pipeline.orchestration.build import build_definitions
from secrets_pipeline.orchestration.pages.metadata import DATA, data_of
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG, add_missing
from secrets_pipeline.orchestration.shared.resources import Asked
from secrets_pipeline.orchestration.shared.run_requests import ACCOUNT_TAG, VERIFY_TAG
from secrets_pipeline.orchestration.verification.stack_check import FINDINGS, open_of
from secrets_pipeline.reconcilers.finding import Finding
from secrets_pipeline.reconcilers.stack import Stack
from tests.embedded import lead_to
from tests.runs import assert_succeeded

DEV, PROD = "shop-dev", "shop-prod"
ACCOUNT, AWAY = "111122223333", "444455556666"
ORDERS, REPORTS = f"arn:aws:iam::{ACCOUNT}:role/orders", f"arn:aws:iam::{AWAY}:role/reports"
CANARY = "canary-of-access-checks-8821"
LOOKING = {
    "consumers_can_read",
    "foreign_readers_can_read",
    "nobody_else_can_read",
    "policies_are_not_public",
    "consumers_are_trusted",
}
PROBE = "probe_agrees"
MATRIX = ["verdict", "reader", "secret", "detail"]
OF_ORDERS, OF_REPORTS = short(ORDERS), short(REPORTS)
ATMOS = """
    base_path: "."
    stacks:
      base_path: stacks
      included_paths: ["**/*"]
      name_template: "{{ .vars.context_name }}-{{ .vars.environment }}"
"""
OPERATOR = f"""
    grants: {{preset: single-team, readers: ["*"]}}
    targets:
      - {{stacks: "*", account_id: "{ACCOUNT}", region: eu-west-2}}
    access:
      accounts:
        - {{account_id: "{AWAY}", role_arn: "arn:aws:iam::{AWAY}:role/{emulator.ADMINISTRATOR_ROLE}"}}
      organization_policies: allow
"""
STACK = f"""
    vars: {{context_name: shop, environment: ENVIRONMENT, account_id: "{ACCOUNT}", region: eu-west-2}}
    settings:
      secrets_pipeline:
        attach_policies: true
    components:
      terraform:
        secretsmanager/app:
          vars:
            create_kms_key: true
            tags: {{Owner: shop}}
            secrets:
              token: {{path: api, generate_random_password: true}}
              config:
                path: api
                secret_data: {{endpoint: https://partner.example, pin: {CANARY}}}
            consumers:
              orders: {{type: lambda, role_arn: "{ORDERS}", secrets: [token, config]}}
              reports: {{type: lambda, role_arn: "{REPORTS}", secrets: [config]}}
"""
EVERY_SECRET = {"Effect": "Allow", "Action": ["secretsmanager:*", "kms:*"], "Resource": "*"}
EVERYTHING = {**EVERY_SECRET, "Action": "*"}


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@dataclass(frozen=True)
class Shop:
    """Two stacks, and the AWS that they are in.

    Attributes:
        instance: remembers its runs for as long as this.
        first: the run that made the first of them.
    """

    aws: emulator.LocalAws
    instance: dg.DagsterInstance
    first: dg.ExecuteInProcessResult

    def provision(self) -> dg.ExecuteInProcessResult:
        return provision(self.instance)

    def verify(self, *tags: str, stack: str | None = DEV, probe: bool = False) -> dg.ExecuteInProcessResult:
        """The access checks of a verify run; without a stack as "Execute all" in the UI."""
        names = {*LOOKING, *([PROBE] if probe else [])}
        checks = {dg.AssetCheckKey(dg.AssetKey("access_matrix"), name) for name in names}
        built = build_definitions(asked=Asked(probe=probe))
        job = built.resolve_job_def("verify").get_subset(asset_check_selection=checks)
        return execute(job, self.instance, dict.fromkeys(tags, "true"), stack)

    def verify_account(self, account: str, **tags: str) -> dg.ExecuteInProcessResult:
        """What an event of access starts."""
        add_missing(self.instance, (DEV, PROD))
        job = build_definitions().resolve_job_def("on_access_change")
        return job.execute_in_process(
            instance=self.instance,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            raise_on_error=False,
            tags={**tags, **({ACCOUNT_TAG: account} if account else {})},
        )

    def standing(self, check: str, stack: str = DEV) -> str:
        """The status of a check of one stack, as Dagster shows it; empty where it is not current."""
        key = dg.AssetCheckKey(dg.AssetKey("access_matrix"), check)
        infos = self.instance.event_log_storage.get_asset_check_partition_info([key], partition_keys=[stack])
        return "".join(one.latest_execution_status.value for one in infos if one.is_current)

    @property
    def iam(self) -> IAMClient:
        return boto3.Session().client("iam")

    @property
    def secrets(self) -> SecretsManagerClient:
        return boto3.Session().client("secretsmanager")

    def called(self, operation: str) -> int:
        return sum(call.count for call in emulator.calls(self.aws) if call.operation == operation)

    @contextmanager
    def outsider(self, statement: Mapping[str, Any] = EVERY_SECRET) -> Iterator[str]:
        """A role that reads everything and is nobody's consumer."""
        trust = document({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"})
        arn = self.iam.create_role(RoleName="outsider", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        self.iam.put_role_policy(RoleName="outsider", PolicyName="all", PolicyDocument=document(statement))
        yield arn
        self.iam.delete_role_policy(RoleName="outsider", PolicyName="all")
        self.iam.delete_role(RoleName="outsider")

    @contextmanager
    def policy(self, name: str, **statement: object) -> Iterator[None]:
        """A secret of ours without any policy gets one of one statement."""
        whole = {"Sid": "Mine", "Action": "secretsmanager:GetSecretValue", "Resource": "*", **statement}
        self.secrets.put_resource_policy(SecretId=name, ResourcePolicy=document(whole), BlockPublicPolicy=False)
        yield
        self.secrets.delete_resource_policy(SecretId=name)


def provision(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    return execute(build_definitions().resolve_job_def("provision"), instance, {}, DEV)


def execute(
    job: dg.JobDefinition, instance: dg.DagsterInstance, tags: Mapping[str, str], stack: str | None
) -> dg.ExecuteInProcessResult:
    """A run in this process, as the command line starts it."""
    add_missing(instance, (DEV, PROD))
    return job.execute_in_process(
        instance=instance,
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        raise_on_error=False,
        tags={**tags, **({PARTITION_TAG: stack} if stack else {})},
    )


def results(done: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    """What the access checks of a run found."""
    assert_succeeded(done)
    found = {one.check_name: one for one in done.get_asset_check_evaluations()}
    return {name: one for name, one in found.items() if name in {*LOOKING, PROBE}}


def table(one: dg.AssetCheckEvaluation) -> dg.TableMetadataValue:
    value = one.metadata["findings"]
    assert isinstance(value, dg.TableMetadataValue)
    return value


def columns(one: dg.AssetCheckEvaluation) -> list[str]:
    return [column.name for column in table(one).schema.columns]


def rows(one: dg.AssetCheckEvaluation) -> list[dict[str, Any]]:
    return [dict(record.data) for record in table(one).records]


@pytest.fixture(autouse=True)
def trusted() -> None:
    """The settings of this file instead of everybody's."""


@pytest.fixture(scope="module")
def shop(aws: emulator.LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("atmos")
    files = {"atmos.yaml": ATMOS, "operator.yaml": OPERATOR}
    files |= {f"stacks/{one}.yaml": STACK.replace("ENVIRONMENT", one) for one in ("dev", "prod")}
    (folder / "stacks").mkdir()
    for name, text in files.items():
        (folder / name).write_text(dedent(text))
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("AWS_", "SECRETS_PIPELINE_"))]:
            patch.delenv(name)
        lead_to(aws, patch)
        patch.setenv("SECRETS_PIPELINE_CONFIG", str(folder / "operator.yaml"))
        patch.setenv("ATMOS_BASE_PATH", str(folder))
        readers(aws)
        with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path_factory.mktemp("dagster"))) as instance:
            yield Shop(aws, instance, provision(instance))


def readers(aws: emulator.LocalAws) -> None:
    """The roles of the consumers: ours may be assumed by its account, too, and so be asked for live."""
    services = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    own = boto3.Session()
    role = f"arn:aws:iam::{AWAY}:role/{emulator.ADMINISTRATOR_ROLE}"
    keys = own.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    away = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region_name=aws.region)
    for session, account_id, name in ((own, ACCOUNT, "orders"), (away, AWAY, "reports")):
        accounts = {"Effect": "Allow", "Principal": {"AWS": account_id}, "Action": "sts:AssumeRole"}
        iam = session.client("iam")
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(services, accounts))
    reads = [{**EVERYTHING, "Action": action} for action in ("secretsmanager:GetSecretValue", "kms:Decrypt")]
    away.client("iam").put_role_policy(RoleName="reports", PolicyName="reads", PolicyDocument=document(*reads))


def test_the_access_checks_are_those_of_the_design_and_never_block() -> None:
    checks = {
        key.name: (spec.asset_key.to_user_string(), spec.blocking)
        for definition in build_definitions().asset_checks or ()
        for spec in definition.check_specs
        for key in [spec.key]
    }
    access = {name: at for name, at in checks.items() if at[0] == "access_matrix"}
    assert set(access) == LOOKING
    assert set(access.values()) == {("access_matrix", False)}


def test_the_run_that_makes_a_stack_looks_at_it_and_asks_nobody_live(shop: Shop) -> None:
    found = results(shop.first)
    assert set(found) == LOOKING
    assert {name: one.passed for name, one in found.items()} == dict.fromkeys(found, True)


def test_a_run_that_changes_nothing_reads_no_policies_and_leaves_the_earlier_results(shop: Shop) -> None:
    emulator.reset_calls(shop.aws)
    again = shop.provision()
    assert results(again) == {}
    assert shop.called("GetAccountAuthorizationDetails") == 0
    key = dg.AssetCheckKey(dg.AssetKey("access_matrix"), "consumers_can_read")
    records = shop.instance.event_log_storage.get_asset_check_execution_history(key, limit=5)
    succeeded = dg.DagsterEventType.ASSET_CHECK_EVALUATION
    told = [one.run_id for one in records if one.event and one.event.dagster_event_type is succeeded]
    assert told == [shop.first.run_id]


def test_a_run_that_changes_one_secret_looks_again(shop: Shop) -> None:
    shop.secrets.untag_resource(SecretId="shop/dev/api/token", TagKeys=["Owner"])
    emulator.reset_calls(shop.aws)
    assert set(results(shop.provision())) == LOOKING
    assert shop.called("GetAccountAuthorizationDetails") == 2, "of our account and the other one, once for all checks"


@pytest.fixture(scope="module")
def looked(shop: Shop) -> dict[str, dg.AssetCheckEvaluation]:
    """What a verify run finds while all is well."""
    emulator.reset_calls(shop.aws)
    found = results(shop.verify())
    assert shop.called("AssumeRole") == 1, "of the other account's administrator, who looks at its roles"
    return found


def test_a_verify_run_looks_and_reads_as_nobody(looked: dict[str, dg.AssetCheckEvaluation]) -> None:
    assert set(looked) == LOOKING
    assert {name: one.passed for name, one in looked.items()} == dict.fromkeys(looked, True)


def test_the_probe_asks_where_it_is_defined_and_no_event_of_them_has_a_value(shop: Shop) -> None:
    emulator.reset_calls(shop.aws)
    done = shop.verify(probe=True)
    found = results(done)
    assert set(found) == {*LOOKING, PROBE}
    assert found[PROBE].passed
    assert shop.called("AssumeRole") == 3, "as above, and of each reader"
    assert columns(found[PROBE]) == MATRIX
    assert [(one["reader"], one["secret"], one["verdict"]) for one in rows(found[PROBE])] == [
        (OF_ORDERS, "shop/dev/api/token", "right"),
        (OF_ORDERS, "shop/dev/api/config", "right"),
        (OF_REPORTS, "shop/dev/api/config", "right"),
    ]
    told = [dg.serialize_value(record) for record in shop.instance.all_logs(done.run_id)]
    assert [one for one in told if "AWS returned the value, which was dropped" in one]
    assert not [one for one in told if CANARY in one]


def sid(policy: Any) -> str:  # noqa: ANN401 - JSON
    """The first statement's."""
    statements = (json.loads(policy) if isinstance(policy, str) else policy)["Statement"]
    return str(statements[0]["Sid"])


def test_the_result_holds_the_matrix_as_a_table(shop: Shop, looked: dict[str, dg.AssetCheckEvaluation]) -> None:
    consumers = looked["consumers_can_read"]
    assert columns(consumers) == MATRIX
    attached = sid(shop.iam.get_role_policy(RoleName="orders", PolicyName=f"secrets-pipeline-{DEV}")["PolicyDocument"])
    lent = sid(shop.secrets.get_resource_policy(SecretId="shop/dev/api/config")["ResourcePolicy"])
    allows = "allows secretsmanager:GetSecretValue"
    inline = f"the identity policy (inline policy secrets-pipeline-{DEV}, statement {attached}) {allows}"
    assert [tuple(one[column] for column in MATRIX) for one in rows(consumers)] == [
        ("right", OF_ORDERS, "shop/dev/api/token", inline),
        ("right", OF_ORDERS, "shop/dev/api/config", inline),
        ("right", OF_REPORTS, "shop/dev/api/config", f"the secret policy (statement {lent}) {allows}"),
    ]
    assert [one["reader"] for one in rows(looked["foreign_readers_can_read"])] == [OF_REPORTS]
    assert columns(looked["foreign_readers_can_read"]) == MATRIX
    trust = rows(looked["consumers_are_trusted"])
    assert {(one["name"], one["verdict"]) for one in trust} == {("orders", "right"), ("reports", "right")}


def test_the_checks_of_who_reads_have_the_picture_of_readers_and_secrets(
    looked: dict[str, dg.AssetCheckEvaluation],
) -> None:
    assert {name for name, one in looked.items() if "matrix" in one.metadata} == {
        "consumers_can_read",
        "nobody_else_can_read",
    }
    value = looked["consumers_can_read"].metadata["matrix"]
    assert isinstance(value, dg.MarkdownMetadataValue)
    head, _, encoded = (value.md_str or "").partition("base64,")
    assert head == "![Who can read](data:image/svg+xml;"
    drawn = base64.b64decode(encoded.removesuffix(")")).decode()
    for text in ("<svg", DEV, "orders", "reports", "shop/dev/api/token", "shop/dev/api/config"):
        assert text in drawn


def grave(one: dg.AssetCheckEvaluation) -> tuple[bool, dg.AssetCheckSeverity]:
    return one.passed, one.severity


FAILED = (False, dg.AssetCheckSeverity.ERROR)
WARNED = (False, dg.AssetCheckSeverity.WARN)


def test_a_consumer_that_cannot_read_is_an_error(shop: Shop) -> None:
    with shop.policy("shop/dev/api/token", Effect="Deny", Principal={"AWS": ORDERS}):
        found = results(shop.verify())
    assert grave(found["consumers_can_read"]) == FAILED
    denied, allowed, _ = rows(found["consumers_can_read"])
    assert (denied["verdict"], allowed["verdict"]) == ("wrong", "right")
    assert "the secret policy (statement Mine) denies secretsmanager:GetSecretValue" in denied["detail"]
    said = found["consumers_can_read"].description or ""
    assert said.startswith("1 of 3 declared reads are denied; first: orders: role orders of ")
    assert len(said) <= 160
    assert "1 of them denied" in str(found["consumers_can_read"].metadata["counted"].value)
    assert "Mine" in str(open_of(found["consumers_can_read"])[0])
    [row] = data_of(found["consumers_can_read"].metadata)[FINDINGS]
    assert (row["principal"], row["verdict"], row["layer"], row["statement"]) == (
        ORDERS,
        "DeniedBySecretsManager",
        "secret policy",
        "Mine",
    )
    assert "access explain" in str(found["consumers_can_read"].metadata["do next"].value)
    assert found["nobody_else_can_read"].passed


def test_an_administrator_is_a_warning_with_one_row_and_the_setting_that_allows_it(shop: Shop) -> None:
    with shop.outsider(EVERYTHING) as arn:
        found = results(shop.verify(VERIFY_TAG))["nobody_else_can_read"]
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert str(open_of(found)[0]).endswith(f'To allow them: access: {{allowed_readers: ["{arn}"]}}')
    assert [(one["name"], one["reader"], one["verdict"]) for one in rows(found)] == [
        ("administrators", short(arn), "waiting"),
        ("shop/dev/api/token", "", "right"),
        ("shop/dev/api/config", "", "right"),
    ]


def test_an_outsider_that_can_read_is_an_error_with_its_row(shop: Shop) -> None:
    with shop.outsider() as arn:
        found = results(shop.verify())
    assert grave(found["nobody_else_can_read"]) == FAILED
    assert columns(found["nobody_else_can_read"]) == ["verdict", "name", "reader", "detail"]
    assert [(one["reader"], one["name"], one["verdict"]) for one in rows(found["nobody_else_can_read"])] == [
        (short(arn), "shop/dev/api/token", "wrong"),
        (short(arn), "shop/dev/api/config", "wrong"),
    ]
    # The intruder has a row of the picture, also of that of the consumers.
    assert "2 that nobody declared" in str(found["consumers_can_read"].metadata["counted"].value)
    assert found["consumers_can_read"].passed


def test_a_public_policy_is_an_error(shop: Shop) -> None:
    with shop.policy("shop/dev/api/token", Effect="Allow", Principal="*"):
        found = results(shop.verify())
    assert grave(found["policies_are_not_public"]) == FAILED
    assert "lets in everybody" in str(found["policies_are_not_public"].description)


@pytest.mark.parametrize(("service", "operation"), [("kms", "ListGrants"), ("iam", "GetAccountAuthorizationDetails")])
def test_what_is_not_known_is_a_warning(shop: Shop, service: str, operation: str) -> None:
    # Nothing but the snapshot calls these.
    emulator.arm(shop.aws, emulator.InjectedFault(emulator.FaultAction.DENY, service=service, operation=operation))
    found = results(shop.verify())
    emulator.reset_conditions(shop.aws)
    assert grave(found["consumers_can_read"]) == WARNED
    assert "waiting" in {one["verdict"] for one in rows(found["consumers_can_read"])}
    assert not {"wrong"} & {one["verdict"] for one in rows(found["consumers_can_read"])}
    assert operation in str(open_of(found["consumers_can_read"])[0])


def test_a_run_without_a_stack_has_one_result_a_check_with_the_rows_of_all(shop: Shop) -> None:
    found = results(shop.verify(stack=None))
    assert set(found) == LOOKING
    consumers = found["consumers_can_read"]
    assert columns(consumers) == ["verdict", "stack", *MATRIX[1:]]
    # The second stack was never applied: its secrets are waited for.
    assert {(one["stack"], one["verdict"]) for one in rows(consumers)} == {(DEV, "right"), (PROD, "waiting")}
    assert grave(consumers) == WARNED
    assert "matrix" not in consumers.metadata


def by_stack(done: dg.ExecuteInProcessResult) -> dict[tuple[str | None, str], bool]:
    """Stack and check → whether it passed."""
    return {(one.partition, one.check_name): one.passed for one in done.get_asset_check_evaluations()}


def test_one_run_of_an_account_evaluates_who_can_read_for_every_stack_and_each_partition_shows_it(shop: Shop) -> None:
    with shop.outsider() as arn:
        done = shop.verify_account(ACCOUNT)
        assert_succeeded(done)
        assert set(by_stack(done)) == {(stack, check) for stack in (DEV, PROD) for check in LOOKING}
        assert not by_stack(done)[DEV, "nobody_else_can_read"]
        [told] = [
            one
            for one in done.get_asset_check_evaluations()
            if (one.partition, one.check_name) == (DEV, "nobody_else_can_read")
        ]
        assert told.severity is dg.AssetCheckSeverity.ERROR
        assert short(arn) in str(rows(told))
        assert shop.standing("nobody_else_can_read") == "FAILED"
        assert shop.standing("consumers_can_read") == "SUCCEEDED"
    assert by_stack(shop.verify_account(ACCOUNT))[DEV, "nobody_else_can_read"]
    assert shop.standing("nobody_else_can_read") == "SUCCEEDED"
    # The verdict of a planned check is followed by that of an op, and the other way round.
    with shop.outsider():
        assert not results(shop.verify(VERIFY_TAG))["nobody_else_can_read"].passed
        assert shop.standing("nobody_else_can_read") == "FAILED"
    shop.verify_account(ACCOUNT)
    assert shop.standing("nobody_else_can_read") == "SUCCEEDED"


def test_a_run_of_an_account_reads_iam_once_for_all_of_its_stacks_and_finds_what_each_would_find_alone(
    shop: Shop,
) -> None:
    emulator.reset_calls(shop.aws)
    alone = results(shop.verify(VERIFY_TAG))
    read = shop.called("GetAccountAuthorizationDetails")
    emulator.reset_calls(shop.aws)
    together = shop.verify_account(ACCOUNT)
    assert shop.called("GetAccountAuthorizationDetails") == read > 0
    assert shop.called("GetSecretValue") == 0
    found = {one.check_name: one for one in together.get_asset_check_evaluations() if one.partition == DEV}
    assert {name: (found[name].passed, found[name].description) for name in LOOKING} == {
        name: (alone[name].passed, alone[name].description) for name in LOOKING
    }


def test_a_change_in_the_account_of_declared_readers_concerns_the_stacks_that_they_read(shop: Shop) -> None:
    assert {stack for stack, _ in by_stack(shop.verify_account(AWAY))} == {DEV, PROD}
    done = shop.verify_account("999988887777")
    assert_succeeded(done)
    assert by_stack(done) == {}


def test_a_stack_whose_account_cannot_be_told_hides_no_other(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = f'- {{stacks: {PROD}, region: eu-west-2, role_arn: "arn:aws:iam::{AWAY}:role/gone"}}'
    (tmp_path / "operator.yaml").write_text(dedent(OPERATOR).replace("targets:", f"targets:\n  {gone}"))
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(tmp_path / "operator.yaml"))
    found = by_stack(shop.verify_account(ACCOUNT))
    assert (found[DEV, "consumers_can_read"], found[PROD, "consumers_can_read"]) == (True, False)
    assert_succeeded(shop.verify_account("999988887777"))


def test_a_check_that_breaks_for_one_stack_hides_no_row_of_the_stacks_behind_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *others = READER_CHECKS

    def breaks(stack: Stack, deep: bool) -> list[Finding]:
        if stack.spec.stack == DEV:
            raise RuntimeError("it broke")
        return first.find(stack, deep)

    monkeypatch.setattr(verify_op, "READER_CHECKS", (replace(first, find=breaks), *others))
    done = shop.verify_account(ACCOUNT)
    assert not done.success
    assert set(by_stack(done)) == {(stack, check) for stack in (DEV, PROD) for check in LOOKING} - {(DEV, first.name)}


@contextmanager
def meanwhile(patch: pytest.MonkeyPatch, happens: Callable[[], object]) -> Iterator[None]:
    """Something happens between the snapshot of a run of an account, and what it says of the first stack."""
    first, *others = READER_CHECKS

    def late(stack: Stack, deep: bool) -> list[Finding]:
        if stack.spec.stack == DEV:
            happens()
        return first.find(stack, deep)

    with patch.context() as here:
        here.setattr(verify_op, "READER_CHECKS", (replace(first, find=late), *others))
        yield


def test_what_is_written_after_the_snapshot_of_an_account_is_looked_at_by_the_run_that_wrote_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrote = dg.AssetMaterialization("secrets", partition=DEV, metadata={DATA: dg.MetadataValue.json({"applied": 1})})
    with meanwhile(monkeypatch, lambda: shop.instance.report_runless_asset_event(wrote)):
        assert (DEV, "nobody_else_can_read") in by_stack(shop.verify_account(ACCOUNT))
    assert set(results(shop.provision())) == LOOKING


def test_what_an_apply_finds_after_the_snapshot_of_an_account_is_not_overwritten_by_what_was_seen_before(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as until_the_end:

        def applied() -> None:
            until_the_end.enter_context(shop.outsider())
            shop.secrets.untag_resource(SecretId="shop/dev/api/token", TagKeys=["Owner"])
            assert not results(shop.provision())["nobody_else_can_read"].passed

        with meanwhile(monkeypatch, applied):
            done = shop.verify_account(ACCOUNT)
        assert_succeeded(done)
        assert {stack for stack, _ in by_stack(done)} == {PROD}
        assert shop.standing("nobody_else_can_read") == "FAILED"
    assert by_stack(shop.verify_account(ACCOUNT))[DEV, "nobody_else_can_read"]


def test_without_an_account_a_run_looks_at_the_stacks_of_each(shop: Shop) -> None:
    done = shop.verify_account("")
    assert_succeeded(done)
    assert {stack for stack, _ in by_stack(done)} == {DEV, PROD}
