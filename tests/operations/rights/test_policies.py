"""What stacks and settings make of the table: one role or several, kinds of things that examples/ has not, sizes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from secrets_pipeline.errors import SpecError
from secrets_pipeline.operations.open_repository import open_repository
from secrets_pipeline.operations.rights.documents import LONGEST, RolePolicies, role_policies
from secrets_pipeline.operations.rights.touched import touched

ATMOS = """
    base_path: "."
    stacks:
      base_path: stacks
      included_paths: ["**/*"]
      name_template: "{{ .vars.context_name }}-{{ .vars.environment }}"
"""
HOME, FAR, READERS = "111122223333", "222233334444", "444455556666"
FAR_ROLE, AUDIT = f"arn:aws:iam::{FAR}:role/ci/secrets", f"arn:aws:iam::{READERS}:role/audit"
BASE = f"""
    targets:
      - {{stacks: "far-*", account_id: "{FAR}", region: eu-west-2, role_arn: "{FAR_ROLE}"}}
      - {{stacks: "*", account_id: "{HOME}", region: eu-west-2}}
"""
STACK = """
    vars: {{context_name: {context}, environment: dev}}
    settings: {{secrets_pipeline: {{dialect: tf-atmos}}}}
    components:
      terraform:
        secretsmanager:
          vars:
            secrets:
              token: {{path: api, generate_random_password: true{more}}}
"""


class Ground:
    """A repository of a test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("atmos.yaml", ATMOS)
        self.settings("")

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text))

    def settings(self, text: str) -> None:
        self.write("operator.yaml", dedent(BASE) + dedent(text))

    def stack(self, context: str = "shop", more: str = "", components: str = "") -> None:
        self.write(f"stacks/{context}.yaml", STACK.format(context=context, more=more) + components)

    def roles(self, *stacks: str, plan_only: bool = False) -> dict[str | None, RolePolicies]:
        read = open_repository(self.folder)
        assert read.errors == {}
        specs = [read.specs[name] for name in stacks or read.specs]
        found = [role_policies(one, plan_only=plan_only) for one in touched(specs, read.settings, read.specs)]
        return {one.touched.role_arn: one for one in found}

    def own(self, *stacks: str) -> dict[str, Mapping[str, Any]]:
        """The statements of the pipeline's own credentials, by name."""
        return statements(self.roles(*stacks)[None])


def statements(role: RolePolicies) -> dict[str, Mapping[str, Any]]:
    return {one["Sid"]: one for document in role.documents for one in document["Statement"]}


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ground:
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(tmp_path / "operator.yaml"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-2")
    return Ground(tmp_path)


def test_a_stack_with_secrets_alone_asks_for_secrets_keys_and_who_reads(ground: Ground) -> None:
    ground.stack()
    found = ground.own()
    services = {action.partition(":")[0] for one in found.values() for action in one["Action"]}
    assert services == {"secretsmanager", "kms", "ssm", "iam", "organizations"}
    assert found["WriteSecrets"]["Resource"] == [f"arn:aws:secretsmanager:eu-west-2:{HOME}:secret:shop/dev/*"]
    assert not {"RotateSecrets", "ReplicateSecrets", "AssumeRoles", "ChangeKeysOfStacks"} & found.keys()


def test_each_account_has_the_policies_of_its_own_role(ground: Ground) -> None:
    ground.stack("shop")
    ground.stack("far")
    roles = ground.roles()
    assert set(roles) == {None, FAR_ROLE}
    assert roles[None].touched.stacks == ("shop-dev",)
    assert statements(roles[None])["AssumeRoles"]["Resource"] == [FAR_ROLE]
    assert list(roles[FAR_ROLE].named) == ["secrets-pipeline-secrets-1"]
    theirs = json.dumps(roles[FAR_ROLE].documents)
    assert FAR in theirs
    assert HOME not in theirs
    assert set(ground.roles("shop-dev")) == {None}
    assert "AssumeRoles" not in ground.own("shop-dev")


def test_a_secret_of_a_granted_name_is_named_whole(ground: Ground) -> None:
    ground.settings("grants: {secrets: ['other/*']}\n")
    ground.write("atmos.yaml", ATMOS.replace("{{ .vars.context_name }}-{{ .vars.environment }}", "shop-dev"))
    named = STACK.format(context="shop", more="").replace(
        "vars:\n            secrets", "vars:\n            context_name: other\n            secrets"
    )
    ground.write("stacks/shop.yaml", named)
    found = ground.own()["WriteSecrets"]["Resource"]
    assert found == [f"arn:aws:secretsmanager:eu-west-2:{HOME}:secret:other/dev/api/token-??????"]


def test_replicas_are_written_under_keys_of_their_regions(ground: Ground) -> None:
    ground.settings("grants: {regions: [eu-west-1]}")
    ground.stack(more=", replica_regions: [eu-west-1]")
    found = ground.own()
    both = [f"arn:aws:secretsmanager:{region}:{HOME}:secret:shop/dev/*" for region in ("eu-west-2", "eu-west-1")]
    assert found["ReplicateSecrets"]["Resource"] == both
    services = found["UseKeysOfSecrets"]["Condition"]["StringEquals"]["kms:ViaService"]
    assert services == ["secretsmanager.eu-west-1.amazonaws.com", "secretsmanager.eu-west-2.amazonaws.com"]


@pytest.mark.parametrize(("region", "end"), [("cn-north-1", "amazonaws.com.cn"), ("eusc-de-east-1", "amazonaws.eu")])
def test_keys_are_used_through_either_spelling_of_a_service(ground: Ground, region: str, end: str) -> None:
    """AWS does not document which of both `kms:ViaService` has where endpoints do not end in `amazonaws.com`."""
    ground.write(
        "operator.yaml",
        f"""
    targets: [{{stacks: "*", account_id: "{HOME}", region: {region}}}]
    grants: {{parameters: ['/shared/*']}}
    events: {{queue: events, region: {region}, account_id: "{HOME}", kms_key: alias/events}}
    """,
    )
    ground.stack(more=", rotation: {managed: true, automatically_after_days: 30}")
    ground.stack("other")
    text = (ground.folder / "stacks" / "other.yaml").read_text()
    taken_in = "{path: api, secret_data: '${ssm:/shared/token}'}"
    ground.write("stacks/other.yaml", text.replace("{path: api, generate_random_password: true}", taken_in))
    conditions = [one.get("Condition", {}).get("StringEquals", {}) for one in ground.own().values()]
    services = {str(one["kms:ViaService"][0]).partition(".")[0]: one for one in conditions if "kms:ViaService" in one}
    assert services.keys() == {"secretsmanager", "ssm", "sqs"}
    for service, condition in services.items():
        assert condition["kms:ViaService"] == [f"{service}.{region}.amazonaws.com", f"{service}.{region}.{end}"]


def test_whoever_makes_a_database_may_have_rds_make_its_role_and_no_other(ground: Ground) -> None:
    database = "{identifier: shop, engine: postgres, master_username: owner, manage_master_user_password: true}"
    settings = "{secrets_pipeline: {create: true}}"
    ground.stack(components=f"        rds:\n          settings: {settings}\n          vars: {database}\n")
    found = [one for one in ground.own().values() if "iam:CreateServiceLinkedRole" in one["Action"]]
    assert [one["Action"] for one in found] == [["iam:CreateServiceLinkedRole"]]
    [linked] = found
    path = "role/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS"
    assert linked["Resource"] == [f"arn:aws:iam::{HOME}:{path}"]
    assert linked["Condition"] == {"StringEquals": {"iam:AWSServiceName": "rds.amazonaws.com"}}
    ground.stack()
    assert not [one for one in ground.own().values() if "iam:CreateServiceLinkedRole" in one["Action"]]


def test_whoever_looks_at_a_function_may_list_its_tags(ground: Ground) -> None:
    ground.stack(more=", rotation: {managed: true, automatically_after_days: 30}")
    looks = [one for one in ground.own().values() if "lambda:GetFunction" in one["Action"]]
    assert looks
    assert all("lambda:ListTags" in one["Action"] for one in looks)


def test_whoever_makes_keys_with_policies_may_put_a_policy_while_a_key_has_no_alias(ground: Ground) -> None:
    ground.stack(components="            create_kms_key: true\n")
    puts = [one for one in ground.own().values() if "kms:PutKeyPolicy" in one["Action"]]
    # A key that is being made has no tags, so a statement that asks for one does not count.
    assert [one["Condition"] for one in puts if "aws:ResourceTag" not in str(one["Condition"])] == [
        {"Null": {"kms:ResourceAliases": "true"}}
    ]


def test_a_boundary_bounds_the_roles_that_are_made(ground: Ground) -> None:
    ground.stack(more=", rotation: {managed: true, automatically_after_days: 30}")
    without = ground.own()
    assert "Condition" not in without["MakeRolesOfFunctionsWithinTheBoundary"]
    assert "BoundRolesOfFunctions" not in without
    ground.settings("permissions_boundary: team/secrets\n")
    found, boundary = ground.own(), f"arn:aws:iam::{HOME}:policy/team/secrets"
    for sid in ("MakeRolesOfFunctionsWithinTheBoundary", "BoundRolesOfFunctions"):
        assert found[sid]["Condition"] == {"StringEquals": {"iam:PermissionsBoundary": boundary}}
        assert found[sid]["Resource"] == [f"arn:aws:iam::{HOME}:role/secrets-pipeline-rotation-shop-dev"]
    assert found["PassRolesToLambda"]["Condition"] == {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    assert "PutFunctionsIntoANetwork" not in found


def test_a_function_in_a_network_asks_for_the_three_calls_that_lambda_makes_for_its_caller(ground: Ground) -> None:
    ground.stack(more=", rotation: {managed: true, automatically_after_days: 30}")
    setting = "secrets_pipeline: {dialect: tf-atmos, rotation_function: {subnet_ids: [subnet-0a1b2c3d], "
    whole = STACK.format(context="shop", more=", rotation: {managed: true, automatically_after_days: 30}")
    text = whole.replace(
        "secrets_pipeline: {", f"{setting}security_group_ids: [sg-0a1b2c3d]}}, ".replace("dialect: tf-atmos, ", "")
    )
    ground.write("stacks/shop.yaml", text)
    found = ground.own()
    network = {one for sid in ("PutFunctionsIntoANetwork", "LookAtTheNetwork") for one in found[sid]["Action"]}
    assert {"ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"} <= network


def test_a_cluster_is_made_with_its_groups_its_key_and_a_password_that_rds_keeps(ground: Ground) -> None:
    ground.stack(
        components="""\
        rds:
          settings: {secrets_pipeline: {create: true}}
          vars:
            cluster_identifier: orders
            engine: aurora-postgresql
            master_username: app
            manage_master_user_password: true
            kms_key_id: alias/orders
            db_subnet_group_name: private
"""
    )
    found, rds = ground.own(), f"arn:aws:rds:eu-west-2:{HOME}"
    made = [f"{rds}:cluster:orders", f"{rds}:cluster-pg:default.*", f"{rds}:og:default:*", f"{rds}:subgrp:private"]
    assert found["MakeClusters"]["Resource"] == made
    assert {f"{rds}:db:orders-1", f"{rds}:cluster:orders"} <= set(found["MakeDatabases"]["Resource"])
    via = {"StringEquals": {"kms:ViaService": ["rds.eu-west-2.amazonaws.com"]}}
    assert found["EncryptDatabases"]["Condition"] == via
    assert found["LetRdsKeepPasswords"]["Resource"] == [f"arn:aws:secretsmanager:eu-west-2:{HOME}:secret:rds!*"]
    assert "SetPasswords" not in found


def test_a_database_that_is_looked_for_may_be_written_to_under_the_names_that_its_variables_make(
    ground: Ground,
) -> None:
    component = """\
        rds:
          vars:
            engine: postgres
            name: shop-dev-main
            password: "${output.secretsmanager.generated_passwords.token}"
"""
    ground.stack(components=component)
    found, rds = ground.own(), f"arn:aws:rds:eu-west-2:{HOME}"
    assert {f"{rds}:db:shop-dev-main", f"{rds}:db:shop-dev-rds"} <= set(found["SetPasswords"]["Resource"])
    written = json.dumps({sid: one for sid, one in found.items() if "rds:ModifyDBInstance" in one["Action"]})
    assert f"{rds}:db:*" not in written


def test_parameters_are_opened_by_their_own_names_alone(ground: Ground) -> None:
    ground.settings("grants: {parameters: ['/shared/*']}\n")
    ground.write(
        "stacks/shop.yaml",
        STACK.format(context="shop", more="").replace(
            "generate_random_password: true", "secret_data: '${ssm:/shared/token}'"
        ),
    )
    found, named = ground.own(), [f"arn:aws:ssm:eu-west-2:{HOME}:parameter/shared/token"]
    assert found["ReadParameters"]["Resource"] == named
    assert found["OpenParameters"]["Condition"]["StringEquals"]["kms:EncryptionContext:PARAMETER_ARN"] == named


def test_what_the_settings_name_is_touched_by_the_role_that_they_name(ground: Ground) -> None:
    publisher = f"arn:aws:iam::{HOME}:role/publisher"
    ground.settings(
        f"""\
    seals: {{bucket: seals, prefix: one, region: eu-west-2}}
    leases: {{bucket: locks, region: eu-west-1}}
    alerts:
      topic_arn: arn:aws:sns:eu-west-2:{HOME}:alerts
      role_arn: {publisher}
      webhook: {{parameter_arn: "arn:aws:ssm:eu-west-2:{HOME}:parameter/webhook"}}
      dagster_url: https://dagster.example
    """
    )
    ground.stack()
    roles = ground.roles()
    own, theirs = statements(roles[None]), statements(roles[publisher])
    assert theirs == {
        "Alert": {
            "Sid": "Alert",
            "Effect": "Allow",
            "Action": ["sns:Publish"],
            "Resource": [f"arn:aws:sns:eu-west-2:{HOME}:alerts"],
        }
    }
    assert own["AssumeRoles"]["Resource"] == [publisher]
    assert own["KeepSeals"]["Resource"] == ["arn:aws:s3:::seals/one/*"]
    assert own["KeepLeases"]["Resource"] == ["arn:aws:s3:::locks/*"]
    assert own["OpenUrlParameters"]["Condition"]["StringEquals"]["kms:ViaService"] == "ssm.eu-west-2.amazonaws.com"


def test_webhook_and_heartbeat_may_be_two_secrets_in_two_regions(ground: Ground) -> None:
    names = [f"arn:aws:secretsmanager:{region}:{HOME}:secret:alerts/url" for region in ("eu-west-2", "eu-west-1")]
    secrets = f"webhook: {{secret_arn: '{names[0]}'}}, heartbeat: {{secret_arn: '{names[1]}'}}"
    ground.settings(f"alerts: {{{secrets}, dagster_url: 'https://dagster.example'}}\n")
    ground.stack()
    own = statements(ground.roles()[None])
    assert own["ReadUrls"]["Resource"] == names
    assert own["OpenUrls"]["Condition"]["StringEquals"] == {
        "kms:ViaService": ["secretsmanager.eu-west-2.amazonaws.com", "secretsmanager.eu-west-1.amazonaws.com"],
        "kms:EncryptionContext:SecretARN": names,
    }


def test_what_is_taken_in_of_another_stack_is_read_in_its_account_by_its_role(ground: Ground) -> None:
    ground.settings("grants: {stacks: 'shop-*', values: ['far-dev']}\n")
    ground.write(
        "stacks/shop.yaml",
        STACK.format(context="shop", more="").replace(
            "generate_random_password: true",
            "secret_data: '${output.secretsmanager.secret_values.token}'".replace("output.", "output.far-dev:"),
        ),
    )
    ground.stack("far")
    roles = ground.roles("shop-dev")
    own, far = statements(roles[None]), statements(roles[FAR_ROLE])
    assert own["AssumeRoles"]["Resource"] == [FAR_ROLE]
    assert far["ReadSecrets"]["Resource"] == [f"arn:aws:secretsmanager:eu-west-2:{FAR}:secret:far/dev/*"]
    assert "WriteSecrets" not in far
    assert FAR not in json.dumps(own["ReadSecrets"])


def test_rules_of_another_account_forward_to_the_bus_that_lets_it_in(ground: Ground) -> None:
    ground.settings(f"events: {{queue: events, region: eu-west-2, account_id: '{HOME}', kms_key: alias/events}}\n")
    ground.stack("shop")
    ground.stack("far")
    roles = ground.roles()
    own, far = statements(roles[None]), statements(roles[FAR_ROLE])
    assert "LetAccountsPutEvents" in own
    assert "LetAccountsPutEvents" not in ground.own("shop-dev")
    assert own["OpenEvents"]["Condition"] == {"StringEquals": {"kms:ViaService": "sqs.eu-west-2.amazonaws.com"}}
    assert far["PassTheRoleToRules"]["Resource"] == [f"arn:aws:iam::{FAR}:role/events-events"]
    assert far["LookAtQueues"]["Resource"] == [
        f"arn:aws:sqs:{region}:{FAR}:events-dead-letters" for region in ("eu-west-2", "us-east-1")
    ]
    assert "MakeTheBus" not in far


def test_a_boundary_is_in_the_account_whose_credentials_make_the_role_of_events(ground: Ground) -> None:
    text = f"""
    targets: [{{stacks: "*", account_id: "{FAR}", region: eu-west-2, role_arn: "{FAR_ROLE}"}}]
    permissions_boundary: bounds
    events: {{queue: events, region: eu-west-2, account_id: "{HOME}"}}
    """
    ground.stack()
    ground.write("operator.yaml", text)
    roles = ground.roles()
    assert {one.touched.account_id for one in roles.values()} == {HOME, FAR}
    condition = statements(roles[None])["MakeTheRoleOfRulesWithinTheBoundary"]["Condition"]
    assert condition == {"StringEquals": {"iam:PermissionsBoundary": f"arn:aws:iam::{HOME}:policy/bounds"}}
    ground.write("operator.yaml", text.replace(f', account_id: "{HOME}"}}', "}"))
    # Whose account nobody says.
    condition = statements(ground.roles()[None])["MakeTheRoleOfRulesWithinTheBoundary"]["Condition"]
    assert condition == {"ArnLike": {"iam:PermissionsBoundary": "arn:aws:iam::*:policy/bounds"}}


def test_own_credentials_of_each_account_have_what_the_settings_need_there(ground: Ground) -> None:
    ground.stack("shop")
    ground.stack("far")
    ground.write(
        "operator.yaml",
        f"""
    targets:
      - {{stacks: "far-*", account_id: "{FAR}", region: eu-west-2}}
      - {{stacks: "*", account_id: "{HOME}", region: eu-west-2}}
    seals: {{bucket: seals, region: eu-west-2}}
    leases: {{bucket: locks, region: eu-west-1}}
    alerts: {{topic_arn: "arn:aws:sns:eu-west-2:{HOME}:alerts"}}
    events: {{queue: events, region: eu-west-2, account_id: "{HOME}"}}
    """,
    )
    read = open_repository(ground.folder)
    found = {
        one.account_id: statements(role_policies(one))
        for one in touched(read.specs.values(), read.settings, read.specs)
    }
    assert set(found) == {HOME, FAR}
    for account, own in found.items():
        assert own["KeepLeases"]["Resource"] == ["arn:aws:s3:::locks/*"]
        assert {"KeepSeals", "Alert"} <= own.keys()
        assert own["MakeTheRoleOfRules"]["Resource"] == [f"arn:aws:iam::{account}:role/events-events"]
        queues = own["LookAtQueues"]["Resource"] + own["MakeRules"]["Resource"]
        assert {one.split(":")[4] for one in queues} == {account}
    assert "MakeTheBus" in found[HOME]
    assert "MakeTheBus" not in found[FAR]


@pytest.mark.parametrize("key", ["alias/events", f"arn:aws:kms:eu-west-2:{READERS}:key/1234abcd"])
def test_whoever_looks_at_the_queue_looks_at_its_key(ground: Ground, key: str) -> None:
    role = f"arn:aws:iam::{HOME}:role/home"
    ground.settings(
        f"events: {{queue: events, region: eu-west-2, account_id: '{HOME}', role_arn: '{role}', kms_key: '{key}'}}\n"
    )
    ground.stack()
    home = statements(ground.roles()[role])
    assert home["LookAtTheKeyOfTheQueue"]["Action"] == ["kms:DescribeKey", "kms:GetKeyPolicy"]
    named = [key] if key.startswith("arn:") else [f"arn:aws:kms:eu-west-2:{HOME}:key/*"]
    assert home["LookAtTheKeyOfTheQueue"]["Resource"] == home["OpenEvents"]["Resource"] == named


def test_a_plan_only_role_writes_nothing(ground: Ground) -> None:
    ground.settings(
        "events: {queue: events, region: eu-west-2}\nalerts: {topic_arn: 'arn:aws:sns:eu-west-2:111122223333:a'}\n"
    )
    ground.stack(more=", rotation: {managed: true, automatically_after_days: 30}")
    found = statements(ground.roles(plan_only=True)[None])
    assert not [action for one in found.values() for action in one["Action"] if ":Put" in action or ":Create" in action]
    assert not {"Alert", "PassRolesToLambda", "WriteSecrets"} & found.keys()


def test_each_policy_is_as_long_as_iam_takes_and_all_statements_are_in_one(ground: Ground) -> None:
    for number in range(40):
        ground.stack(f"shop{number:02}", more=", rotation: {managed: true, automatically_after_days: 30}")
    [role] = ground.roles().values()
    lengths = [len("".join(json.dumps(one, separators=(",", ":")).split())) for one in role.documents]
    assert len(lengths) > 3
    assert max(lengths) <= LONGEST
    sids = [one["Sid"] for document in role.documents for one in document["Statement"]]
    assert len(sids) == len(set(sids))


def test_more_than_a_statement_holds_becomes_several_of_the_same(ground: Ground) -> None:
    for number in range(100):
        ground.stack(f"shop{number:03}")
    found = ground.own()
    parts = [one for sid, one in found.items() if sid.startswith("PublishOutputs")]
    assert len(parts) > 1
    assert {tuple(one["Action"]) for one in parts} == {tuple(found["PublishOutputs"]["Action"])}
    resources = [resource for one in parts for resource in one["Resource"]]
    assert len(resources) == len(set(resources)) == 400


def test_a_condition_that_no_policy_holds_is_an_error_with_what_to_do(ground: Ground) -> None:
    ground.settings("grants: {parameters: ['/shared/*']}\n")
    values = ", ".join(
        f"t{number}: {{secret_data: '${{ssm:/shared/a-rather-long-name/{number}}}'}}" for number in range(90)
    )
    ground.write(
        "stacks/shop.yaml",
        STACK.format(context="shop", more="")
        .replace("secrets:\n", f"secrets: {{{values}}}\n")
        .replace("              token: {path: api, generate_random_password: true}\n", ""),
    )
    with pytest.raises(SpecError, match="OpenParameters is longer than the 6,144 characters") as raised:
        ground.roles()
    assert "--stack" in str(raised.value.remedy)


def test_a_stack_without_an_account_is_an_error(ground: Ground, tmp_path: Path) -> None:
    ground.stack()
    (tmp_path / "operator.yaml").write_text("targets: [{stacks: '*', region: eu-west-2}]\n")
    with pytest.raises(SpecError, match="nobody says in which account stack shop-dev lives"):
        ground.roles()


def test_the_secret_of_a_previous_name_is_among_those_that_are_read_and_whose_rotation_is_ended(ground: Ground) -> None:
    ground.stack(more=", previous_name: legacy/token")
    found = ground.own()
    names = [f"arn:aws:secretsmanager:eu-west-2:{HOME}:secret:{name}" for name in ("legacy/token-??????", "shop/dev/*")]
    assert sorted(found["ReadSecrets"]["Resource"]) == names
    assert any(
        "CancelRotateSecret" in str(one["Action"]) and one["Resource"] == found["ReadSecrets"]["Resource"]
        for one in found.values()
    )


def test_secrets_of_a_template_are_those_below_its_beginning(ground: Ground) -> None:
    ground.stack()
    text = (ground.folder / "stacks" / "shop.yaml").read_text()
    template = "{{ .vars.environment }}/{{ .vars.context_name }}/{{ .secret.name }}"
    ground.write(
        "stacks/shop.yaml", text.replace("dialect: tf-atmos", f"dialect: tf-atmos, name_template: '{template}'")
    )
    assert ground.own()["WriteSecrets"]["Resource"] == [f"arn:aws:secretsmanager:eu-west-2:{HOME}:secret:dev/shop/*"]
