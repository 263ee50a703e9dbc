"""`doctor` on examples/: fine where Terraform's part is made; each thing that is broken is named with its remedy."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from secrets_pipeline import emulator
from secrets_pipeline.emulator import LocalAws, calls
from tests import sweep
from tests.cli.conftest import CANARY, EXAMPLES, Cli
from tests.e2e.least_rights.life import Life
from tests.runs import assert_exited

Row = dict[str, str]
ALLOW_ALL = {"Effect": "Allow", "Action": ["secretsmanager:GetSecretValue", "kms:Decrypt"], "Resource": "*"}
BY_LAMBDA = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
ACCOUNT = "arn:aws:iam::111122223333"
AUDIT = "arn:aws:iam::444455556666:role/secrets-audit"
DATABASE, PROD = "stacks/catalog/rds/defaults.yaml", "stacks/orgs/acme/myapp/prod.yaml"


class Ward:
    """The examples in an account where Terraform's part is made, and whoever breaks something there."""

    def __init__(self, life: Life) -> None:
        self.life = life

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3's clients have no common type of their own
        """Plain boto3 as the operator."""
        session: Any = self.life.administrator
        return session.client(service, endpoint_url=self.life.aws.endpoint_url)

    def key(self, alias: str, **more: str) -> str:
        """A KMS key behind an alias."""
        key_id: str = self.client("kms").create_key(**more)["KeyMetadata"]["KeyId"]
        self.client("kms").create_alias(AliasName=alias, TargetKeyId=key_id)
        return key_id

    def role(self, name: str, *statements: object) -> None:
        """A role that Lambda assumes."""
        iam = self.client("iam")
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(BY_LAMBDA))
        iam.put_role_policy(RoleName=name, PolicyName="reads", PolicyDocument=_policy(*statements))

    def trail(self, **more: bool) -> None:
        """A trail that logs."""
        self.client("s3").create_bucket(
            Bucket="trails", CreateBucketConfiguration={"LocationConstraint": self.life.aws.region}
        )
        self.client("cloudtrail").create_trail(Name="whole", S3BucketName="trails", **more)
        self.client("cloudtrail").start_logging(Name="whole")

    def doctor(self, *options: str, exits: int) -> list[Row]:
        """What the command says under the pipeline's role."""
        with self.life.under("pipeline"):
            done = self.life.run("doctor", "--format", "json", *options)
        assert_exited(done, exits)
        rows: list[Row] = json.loads(done.stdout)["answers"]
        assert all(one["remedy"] for one in rows if one["verdict"] in ("advised", "will fail"))
        return rows


@pytest.fixture
def ward(tmp_path: Path, aws: LocalAws) -> Ward:
    emulator.reset_rights(aws)
    shutil.copytree(EXAMPLES, tmp_path / "atmos")
    (tmp_path / "home").mkdir(mode=0o700)
    life = Life(aws, tmp_path / "atmos", tmp_path / "home")
    life.stand_in()
    return Ward(life)


def test_nothing_is_in_the_way_of_a_first_apply_and_all_that_is_asked_is_allowed_by_the_least_policies(
    ward: Ward,
) -> None:
    ward.life.make_roles("pipeline")
    ward.trail(IsMultiRegionTrail=True)
    rows = ward.doctor(exits=0)
    assert {one["question"] for one in rows} == {
        *("boundary", "clock", "databases", "events", "identity", "keys", "network", "quotas", "readers", "rights"),
        *("manifests", "plaintext", "trail"),
    }
    assert {one["about"] for one in rows if one["verdict"] != "fine"} == {"statement AssumeRoles", AUDIT}
    assert [one for one in ward.life.asked() if not one.allowed] == []
    assert {one.action for one in ward.life.asked()} >= {"iam:SimulatePrincipalPolicy", "cloudtrail:GetEventSelectors"}


def test_the_table_has_the_same_and_ends_with_counts(ward: Ward) -> None:
    ward.life.make_roles("pipeline")
    with ward.life.under("pipeline", COLUMNS="300"):
        done = ward.life.run("doctor", "-s", "infra-shared")
    assert_exited(done, 0)
    assert "alias/secrets-pipeline does not exist: apply makes it" in done.output
    assert "0 will fail" in done.output


def test_a_stack_that_any_manifest_can_join_is_unsafe_and_a_failure(ward: Ward) -> None:
    ward.life.make_roles("pipeline")
    settings = ward.life.repository / "operator.yaml"
    operator = yaml.safe_load(settings.read_text())
    operator["targets"] = [{"stacks": "*", "account_id": "111122223333"}]
    settings.write_text(yaml.safe_dump(operator))
    joining = "import: [./_defaults]\nvars: {environment: shared}\ncomponents: {terraform: {vpc: {vars: {cidr: x}}}}\n"
    (ward.life.repository / "stacks" / "orgs" / "acme" / "infra" / "evil.yaml").write_text(joining)
    [unsafe] = [one for one in ward.doctor("-s", "infra-shared", exits=1) if one["question"] == "manifests"]
    assert (unsafe["verdict"], unsafe["place"]) == ("unsafe", "infra-shared")
    assert "stacks/orgs/acme/infra/evil.yaml, stacks/orgs/acme/infra/shared.yaml" in unsafe["text"]
    operator["targets"][0]["manifests"] = "stacks/orgs/acme/infra/*"
    settings.write_text(yaml.safe_dump(operator))
    [fine] = [one for one in ward.doctor("-s", "infra-shared", exits=0) if one["question"] == "manifests"]
    assert fine["verdict"] == "fine"


def _fingerprint_key(ward: Ward) -> None:
    ward.key("alias/secrets-pipeline-fingerprint")


def _seal_key(ward: Ward) -> None:
    ward.client("kms").disable_key(KeyId=ward.key("alias/secrets-pipeline"))


def _default_network(ward: Ward) -> None:
    ec2 = ward.client("ec2")
    [vpc] = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    for one in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["Subnets"]:
        ec2.delete_subnet(SubnetId=one["SubnetId"])
    ec2.delete_vpc(VpcId=vpc["VpcId"])


def _subnet_group(ward: Ward) -> None:
    ward.life.edit(
        DATABASE, "        engine: postgres\n", "        engine: postgres\n        db_subnet_group_name: gone\n"
    )


def _subnet(ward: Ward) -> None:
    ward.life.edit(PROD, "subnet-0a1b2c3d4e5f60718,", "subnet-00000000000000000,")


def _queue(ward: Ward) -> None:
    ward.client("sqs").create_queue(QueueName="secrets-pipeline-events")


def _outsider(ward: Ward) -> None:
    ward.role("outsider", ALLOW_ALL)


def _consumer(ward: Ward) -> None:
    iam, name = ward.client("iam"), "vpn-appliance"
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    for profile in iam.list_instance_profiles_for_role(RoleName=name)["InstanceProfiles"]:
        iam.remove_role_from_instance_profile(InstanceProfileName=profile["InstanceProfileName"], RoleName=name)
    iam.delete_role(RoleName=name)


def _granted(ward: Ward) -> None:
    ward.life.edit("operator.yaml", '  readers: ["444455556666"]\n', "")


BROKEN = [
    (_fingerprint_key, "keys", "has to be HMAC_256 for GENERATE_VERIFY_MAC", "Name a key of that kind"),
    (_seal_key, "keys", "KMS key alias/secrets-pipeline is Disabled", "Enable it"),
    (_default_network, "databases", "eu-west-2 has no default VPC", "db_subnet_group_name"),
    (_subnet_group, "databases", "subnet group gone does not exist", "Make the subnet group"),
    (_subnet, "network", "subnet subnet-00000000000000000 of function", "subnet_ids"),
    (_queue, "events", "exists without our tag", "apply -s"),
    (_outsider, "readers", "can read", 'access: {allowed_readers: ["arn:aws:iam::111122223333:role/aws-res'),
    (_consumer, "readers", "role vpn-appliance does not exist in account 111122223333", "Make the role"),
]


@pytest.mark.parametrize(("broken", "question", "text", "remedy"), sweep.turn(BROKEN))
def test_what_is_broken_is_named_with_its_remedy_and_alone(
    ward: Ward, broken: Callable[[Ward], None], question: str, text: str, remedy: str
) -> None:
    broken(ward)
    ward.life.make_roles("pipeline")
    failing = [one for one in ward.doctor(exits=1) if one["verdict"] == "will fail"]
    assert {one["question"] for one in failing} == {question}
    assert all(text in one["text"] for one in failing)
    assert all(remedy in one["remedy"] for one in failing)


def test_a_strangers_key_that_is_deleted_soon_is_named_for_both(ward: Ward) -> None:
    ward.client("kms").schedule_key_deletion(KeyId=ward.key("alias/myapp-dev"), PendingWindowInDays=7)
    ward.life.make_roles("pipeline")
    failing = {one["question"]: one for one in ward.doctor(exits=1) if one["verdict"] == "will fail"}
    assert failing.keys() == {"boundary", "keys"}
    assert "is PendingDeletion" in failing["keys"]["text"]
    assert "Cancel its deletion" in failing["keys"]["remedy"]
    assert "which was not made by the pipeline" in failing["boundary"]["text"]


def test_credentials_of_another_account_are_named_and_nothing_else_is_asked(
    cli: Cli, repository: Path, aws: LocalAws
) -> None:
    stack = repository / "stacks" / "dev.yaml"
    stack.write_text(stack.read_text().replace("111122223333", "999988887777"))
    done = cli("doctor", "--format", "json", "--base-path", repository)
    assert_exited(done, 1)
    rows: list[Row] = json.loads(done.stdout)["answers"]
    assert [(one["question"], one["verdict"]) for one in rows] == [("clock", "fine"), ("identity", "will fail")]
    assert "belongs to account 999988887777, but the credentials belong to 111122223333" in rows[1]["text"]
    assert "Use that account's credentials" in rows[1]["remedy"]
    assert {call.service for call in calls(aws)} == {"sts"}


def test_no_value_of_the_yaml_is_printed(cli: Cli, repository: Path, aws: LocalAws) -> None:
    done = cli("doctor", "--base-path", repository)
    assert "111122223333 eu-west-2" in done.output
    assert CANARY not in done.output


def test_administrators_are_advice_until_the_operator_has_said_who_may_read(ward: Ward) -> None:
    ward.life.make_roles("pipeline")
    ward.role("boss", {"Effect": "Allow", "Action": "*", "Resource": "*"})
    [told] = [one for one in ward.doctor("-s", "infra-shared", exits=1) if one["verdict"] == "will fail"]
    assert (told["question"], told["about"]) == ("readers", "arn:aws:iam::111122223333:role/boss")
    settings = ward.life.repository / "operator.yaml"
    before, _, rest = settings.read_text().partition("  allowed_readers:\n")
    settings.write_text(before + rest.partition("\n")[2])
    advised = [one for one in ward.doctor("-s", "infra-shared", exits=0) if one["question"] == "readers"]
    assert {one["verdict"] for one in advised} == {"advised"}
    assert "arn:aws:iam::111122223333:role/boss" in {one["about"] for one in advised}
    assert all('"arn:aws:iam::111122223333:role/boss"' in one["remedy"] for one in advised)


def test_one_simulation_asks_for_all_actions_of_a_statement(ward: Ward) -> None:
    ward.life.make_roles("pipeline", "-s", "infra-shared")
    emulator.reset_calls(ward.life.aws)
    ward.doctor("-s", "infra-shared", exits=0)
    asked = sum(one.count for one in calls(ward.life.aws) if one.operation == "SimulatePrincipalPolicy")
    own = ward.life.policies["arn:aws:iam::111122223333:role/pipeline"].values()
    assert 0 < asked <= len([one for document in own for one in document["Statement"]])


def test_the_role_of_a_session_is_found_whatever_its_path(ward: Ward) -> None:
    name = "/aws-reserved/sso.amazonaws.com/eu-west-2/"
    trusted = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "sts:AssumeRole"}
    ward.client("iam").create_role(
        RoleName="AWSReservedSSO_AdministratorAccess_0123456789abcdef",
        Path=name,
        AssumeRolePolicyDocument=_policy(trusted),
    )
    ward.client("iam").put_role_policy(
        RoleName="AWSReservedSSO_AdministratorAccess_0123456789abcdef",
        PolicyName="all",
        PolicyDocument=_policy({"Effect": "Allow", "Action": "*", "Resource": "*"}),
    )
    role = f"role{name}AWSReservedSSO_AdministratorAccess_0123456789abcdef"
    with ward.life.under(role.removeprefix("role/")):
        done = ward.life.run("doctor", "--format", "json", "-s", "infra-shared")
    rows: list[Row] = json.loads(done.stdout)["answers"]
    [allowed] = [one for one in rows if one["question"] == "rights" and one["verdict"] == "fine"]
    assert allowed["about"] == f"arn:aws:iam::111122223333:{role}"


def test_an_action_that_is_denied_is_named_with_its_statement(ward: Ward) -> None:
    ward.life.make_roles("pipeline", left_out=("WriteSecrets", "secretsmanager:PutSecretValue"))
    [failing] = [one for one in ward.doctor(exits=1) if one["verdict"] == "will fail"]
    assert (failing["question"], failing["about"]) == ("rights", "statement WriteSecrets")
    assert "may not secretsmanager:PutSecretValue (implicitDeny" in failing["text"]
    assert "iam-policy" in failing["remedy"]


def test_each_role_that_an_apply_uses_is_asked_about_under_its_own_name(ward: Ward) -> None:
    roles = {name: f"{ACCOUNT}:role/{name}" for name in ("alerting", "deploy", "pipeline")}
    for name in ("alerting", "deploy"):
        ward.role(name, ALLOW_ALL)
    rule = f"{{stacks: infra-shared, account_id: '111122223333', region: eu-west-2, role_arn: '{roles['deploy']}'}}"
    ward.life.edit("operator.yaml", "targets:\n", f"targets:\n  - {rule}\n")
    settings = ward.life.repository / "operator.yaml"
    alerts = f"alerts: {{topic_arn: 'arn:aws:sns:eu-west-2:111122223333:alerts', role_arn: '{roles['alerting']}'}}\n"
    settings.write_text(settings.read_text() + alerts)
    ward.life.make_roles("pipeline")
    policy = f"{ACCOUNT}:policy/pipeline-secrets-pipeline-alerting-1"
    ward.client("iam").detach_role_policy(RoleName="alerting", PolicyArn=policy)
    rights = [one for one in ward.doctor("-s", "infra-shared", exits=1) if one["question"] == "rights"]
    [failing] = [one for one in rights if one["verdict"] == "will fail"]
    assert failing["about"] == "statement Alert"
    assert f"{roles['alerting']} may not sns:Publish" in failing["text"]
    assert {one["about"] for one in rights if one["verdict"] == "fine"} == {roles["deploy"], roles["pipeline"]}


def test_where_the_simulator_may_not_be_asked_rights_are_unknown_with_the_reason(ward: Ward) -> None:
    ward.life.make_roles("pipeline", left_out=("SimulateOwnRights", "iam:SimulatePrincipalPolicy"))
    rights = [one for one in ward.doctor(exits=0) if one["question"] == "rights"]
    assert {one["verdict"] for one in rights} == {"unknown"}
    assert "iam:SimulatePrincipalPolicy" in json.dumps(rights)


def test_a_public_database_and_a_region_without_a_trail_are_advised_against(ward: Ward) -> None:
    ward.life.make_roles("pipeline")
    ward.life.edit(
        DATABASE, "        engine: postgres\n", "        engine: postgres\n        publicly_accessible: true\n"
    )
    advised = [one for one in ward.doctor(exits=0) if one["verdict"] == "advised"]
    assert {one["question"] for one in advised} == {"databases", "trail"}
    assert "no trail covers eu-west-2" in json.dumps(advised)


def test_a_trail_that_is_stopped_or_of_one_region_is_not_enough(ward: Ward) -> None:
    ward.life.make_roles("pipeline")
    ward.trail()
    [one] = [one for one in ward.doctor("-s", "infra-shared", exits=0) if one["question"] == "trail"]
    assert (one["verdict"], "covers this region only" in one["text"]) == ("advised", True)
    ward.client("cloudtrail").stop_logging(Name="whole")
    [one] = [one for one in ward.doctor("-s", "infra-shared", exits=0) if one["question"] == "trail"]
    assert (one["verdict"], "whole is stopped" in one["text"]) == ("advised", True)


MANAGEMENT = {"Field": "eventCategory", "Equals": ["Management"]}
WITHOUT_KMS = {"ReadWriteType": "All", "IncludeManagementEvents": True}
SELECTORS: list[tuple[dict[str, Any], list[str]]] = [
    ({"EventSelectors": [{**WITHOUT_KMS, "ExcludeManagementEventSources": ["kms.amazonaws.com"]}]}, ["kms"]),
    (
        {
            "AdvancedEventSelectors": [
                {
                    "FieldSelectors": [
                        MANAGEMENT,
                        {"Field": "eventSource", "NotEquals": ["iam.amazonaws.com", "organizations.amazonaws.com"]},
                    ]
                }
            ]
        },
        ["iam", "organizations"],
    ),
]


@pytest.mark.parametrize(("selectors", "left_out"), SELECTORS, ids=["basic", "advanced"])
def test_what_a_trail_leaves_out_of_what_rules_ask_for_is_named(
    ward: Ward, selectors: dict[str, Any], left_out: list[str]
) -> None:
    ward.life.make_roles("pipeline")
    ward.trail(IsMultiRegionTrail=True)
    ward.client("cloudtrail").put_event_selectors(TrailName="whole", **selectors)
    [one] = [one for one in ward.doctor("-s", "infra-shared", exits=0) if one["question"] == "trail"]
    named = ", ".join(f"{service}.amazonaws.com" for service in left_out)
    said = f"events of calls of {named} never arrive: whole leaves out {named}"
    assert (one["verdict"], one["text"]) == ("advised", said)


def test_rights_are_asked_with_the_tags_that_the_operator_has_on_everything(ward: Ward) -> None:
    """Here a permissions boundary denies whatever is made without a tag; on AWS an SCP may."""
    settings = ward.life.repository / "operator.yaml"
    settings.write_text(settings.read_text() + "tags: {CostCenter: '1000'}\n")
    ward.life.make_roles("pipeline")
    untagged = {"Null": {"aws:RequestTag/CostCenter": "true"}}
    making = ["kms:CreateKey", "lambda:CreateFunction", "rds:CreateDBInstance", "secretsmanager:CreateSecret"]
    denied = {"Effect": "Deny", "Action": making, "Resource": "*", "Condition": untagged}
    ward.client("iam").put_role_policy(RoleName="pipeline", PolicyName="tagged", PolicyDocument=_policy(denied))
    assert [one for one in ward.doctor(exits=0) if one["verdict"] == "will fail"] == []
    settings.write_text(settings.read_text().replace("tags: {CostCenter: '1000'}", "tags: {Team: shop}"))
    failing = [one for one in ward.doctor(exits=1) if one["verdict"] == "will fail"]
    assert {one["question"] for one in failing} == {"rights"}
    assert all(f"{action} (explicitDeny" in json.dumps(failing) for action in making)


def test_an_account_that_runs_few_functions_at_once_is_told(ward: Ward) -> None:
    """Many a new account has 10: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html."""
    functions = ward.client("lambda")
    name = functions.list_functions()["Functions"][0]["FunctionName"]
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=990)
    ward.life.make_roles("pipeline")
    found = [one for one in ward.doctor("-s", "myapp-prod", exits=0) if one["about"] == "concurrency"]
    assert [one["verdict"] for one in found] == ["advised"]
    assert "10 of the account's 1,000 concurrent Lambda executions" in found[0]["text"]
    assert "Service Quotas" in found[0]["remedy"]


def test_a_role_that_rds_may_not_make_is_named_until_it_is_there(ward: Ward) -> None:
    ward.life.make_roles("pipeline", left_out=("LetRdsMakeItsRole", "iam:CreateServiceLinkedRole"))
    failing = [one for one in ward.doctor(exits=1) if one["verdict"] == "will fail"]
    assert [(one["question"], one["about"]) for one in failing] == [("rights", "statement LetRdsMakeItsRole")]
    assert "may not iam:CreateServiceLinkedRole" in failing[0]["text"]
    trusted = {"Effect": "Allow", "Principal": {"Service": "rds.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ward.client("iam").create_role(
        RoleName="AWSServiceRoleForRDS",
        Path="/aws-service-role/rds.amazonaws.com/",
        AssumeRolePolicyDocument=_policy(trusted),
    )
    assert [one for one in ward.doctor(exits=0) if one["verdict"] == "will fail"] == []


def test_after_an_apply_what_somebody_changed_on_the_way_of_events_is_told(ward: Ward) -> None:
    ward.life.make_roles("pipeline")
    with ward.life.under("pipeline"):
        ward.life.succeed("apply", "-s", "infra-shared")
    assert not [one for one in ward.doctor("-s", "infra-shared", exits=0) if "does not exist" in one["text"]]
    sqs = ward.client("sqs")
    url = sqs.get_queue_url(QueueName="secrets-pipeline-events")["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    rows = [one for one in ward.doctor("-s", "infra-shared", exits=0) if one["question"] == "events"]
    [told] = [one for one in rows if one["verdict"] != "fine"]
    assert (told["about"], told["verdict"]) == ("event-queue secrets-pipeline-events", "advised")
    assert "Policy differs" in told["text"]


def test_a_stack_with_errors_is_an_error(ward: Ward) -> None:
    ward.life.make_roles("pipeline")
    _granted(ward)
    with ward.life.under("pipeline"):
        done = ward.life.run("doctor", "-s", "myapp-dev")
    assert_exited(done, 1)
    assert "key vars.consumers.reports: reader in another account" in done.output


def _policy(*statements: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
