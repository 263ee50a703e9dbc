"""The files of deploy/ agree with each other, with the table of rights, and with what lints them."""

from __future__ import annotations

import fnmatch
import itertools
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from dagster_aws.ecs.container_context import EcsContainerContext

from secrets_pipeline.access.evaluator.document import Statement
from secrets_pipeline.access.evaluator.elements import listed
from secrets_pipeline.access.evaluator.lookup import RequestContext
from secrets_pipeline.access.evaluator.vocabulary import Context
from secrets_pipeline.access.granting.identity import Readable
from secrets_pipeline.access.granting.rotation import rotation_policy
from secrets_pipeline.aws.service_keys import PURPOSE_TAG, SEAL_ALIAS
from secrets_pipeline.desired.rotation.function import function_name
from secrets_pipeline.desired.settings.leases import BucketLeases
from secrets_pipeline.desired.settings.operator import load_settings
from secrets_pipeline.reconcilers.event_queue.desired import Layout, Place
from secrets_pipeline.reconcilers.marks.key_mark import ALIAS
from secrets_pipeline.values.seal import SealContext
from tests.deploy.compose_file import DEPLOY, POSTGRES, image_environment, services
from tests.deploy.templates import TEMPLATES, evaluated, parameters, request_of, template

ROOT: Final = DEPLOY.parent
EXAMPLES: Final = ROOT / "examples"
DOCKERFILE: Final = (DEPLOY / "Dockerfile").read_text()
SHARED: Final[dict[str, Any]] = yaml.safe_load((DEPLOY / "dagster.yaml").read_text())
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
ROWS: Final = {
    "everything": "Everything",
    "`--prune`, replicas": "PruneAndReplicas",
    "`kms` components, `create_kms_key`": "Keys",
    "roles to assume, in `targets` and for the probe": "AssumeRoles",
    "`${ssm:…}`": "Parameters",
    "`!terraform.state` of a state in S3": "TerraformStates",
    "databases": "Databases",
    "rotation": "Rotation",
    "`attach_policies`": "AttachPolicies",
    "delivery and refresh": "Delivery",
    "audits: who can read": "Audits",
    "events, also in the region where IAM and Organizations tell of their calls": "Events",
    "alerts": "Alerts",
    "seals in S3": "Seals",
    "leases in S3": "Leases",
}
"""Row of the table of rights → policy of the template. A row that is not here has no policy yet: add both."""
BOUNDED: Final = {"iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy", "iam:AttachRolePolicy"}
"""What makes a role mightier.

https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html#access_policies_boundaries-delegate
"""
KEY_WRITES: Final = {
    "kms:CreateAlias",
    "kms:DisableKeyRotation",
    "kms:EnableKeyRotation",
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
}
READING: Final = ("Describe", "Get", "GET", "List")
ALERT_URLS: Final = "AlertUrls"
"""The part of the alerts that has a policy of its own."""


def programs() -> Path:
    return Path(sys.executable).parent


def variables_of(node: object) -> set[str]:
    """The environment variables that a dagster.yaml or workspace.yaml asks for."""
    match node:
        case {"env": str(name)}:
            return {name}
        case dict():
            return {name for one in node.values() for name in variables_of(one)}
        case list():
            return {name for one in node for name in variables_of(one)}
        case _:
            return set()


def rights() -> dict[str, set[str]]:
    """The table of docs/security.md: row → actions."""
    page = (ROOT / "docs" / "security.md").read_text().partition("## What the pipeline's role may do")[2]
    found: dict[str, set[str]] = {}
    for line in page.partition("\n## ")[0].splitlines():
        if line.startswith("| ") and not line.startswith(("| for ", "| ---")):
            row, *cells = (cell.strip() for cell in line.strip("| ").split(" | "))
            found[row] = {action for cell in cells for action in actions_in(cell)}
    return found


def actions_in(cell: str) -> set[str]:
    """`service:Action`, and after it further ones without the service."""
    service, found = "", set()
    for word in re.findall(r"`([a-z0-9-]+:[A-Za-z]+|[A-Z][A-Za-z]+)`", cell):
        service = word.partition(":")[0] if ":" in word else service
        found.add(f"{service}:{word.rpartition(':')[2]}")
    return found


def documents() -> tuple[dict[str, Any], dict[str, Any]]:
    """The policies of the pipeline's role by name: those within it, and those that a parameter attaches."""
    made = template("pipeline")["Resources"]
    within = {one["PolicyName"]: one["PolicyDocument"] for one in made["PipelineRole"]["Properties"]["Policies"]}
    attached = {
        name.removesuffix("Rights"): one["Properties"]["PolicyDocument"]
        for name, one in made.items()
        if one["Type"] == "AWS::IAM::ManagedPolicy" and one["Properties"].get("Roles") == [{"Ref": "PipelineRole"}]
    }
    assert not [name for name, one in made.items() if one["Type"] == "AWS::IAM::Policy"]
    return within, attached


def statements() -> dict[str, list[dict[str, Any]]]:
    """The policies of the pipeline's role, by name, with all that any parameter switches on; actions as lists."""
    within, attached = documents()
    return {name: statements_of(one) for name, one in (within | attached).items()}


def statements_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    found = [one.get("Fn::If", ["", one])[1] for one in document["Statement"]]
    assert {one["Effect"] for one in found} == {"Allow"}
    return [{**one, "Action": listed(one["Action"])} for one in found]


def test_the_role_of_the_pipeline_may_do_what_the_table_of_rights_says_and_nothing_else() -> None:
    said = rights()
    given = {name: {action for one in found for action in one["Action"]} for name, found in statements().items()}
    assert set(said) == set(ROWS)
    given["Alerts"] |= given.pop(ALERT_URLS)
    assert {ROWS[row]: actions for row, actions in said.items()} == given


def test_the_pipeline_writes_policies_of_roles_within_a_boundary_alone() -> None:
    boundaries: dict[str, list[Any]] = {action: [] for action in BOUNDED}
    for one in itertools.chain.from_iterable(statements().values()):
        for action in BOUNDED & set(one["Action"]):
            boundaries[action].append(one.get("Condition", {}).get("StringEquals", {}).get("iam:PermissionsBoundary"))
    ours, consumers = {"Ref": "Boundary"}, {"Ref": "ConsumerBoundaryArns"}
    assert boundaries == {
        "iam:CreateRole": [ours, ours],
        "iam:PutRolePermissionsBoundary": [ours, ours],
        "iam:PutRolePolicy": [ours, ours, consumers],
        "iam:AttachRolePolicy": [],
    }


def test_what_runs_as_a_role_of_its_own_is_written_to_where_it_is_named_alone() -> None:
    found = {(action, str(one["Resource"])) for one in statements()["Delivery"] for action in one["Action"]}
    written = {(action, where) for action, where in found if not action.split(":")[1].startswith(READING)}
    named = str({"Ref": "DeliveryArns"})
    assert {action for action, where in written if where != named} == {"iam:PassRole"}
    assert ("iam:PassRole", str({"Ref": "ConsumerRoleArns"})) in written
    assert len(written) == 8


def test_the_boundary_lets_the_roles_that_the_pipeline_makes_do_what_their_policies_say_and_nothing_else() -> None:
    home, arn = (
        Place("111122223333", "eu-west-2"),
        "arn:aws:secretsmanager:eu-west-2:111122223333:secret:shop/{}-??????",
    )
    key = home.arn("kms", "key/1234")
    name = function_name("shop")
    rotating = rotation_policy(
        [Readable(arn.format("app"), (key,))],
        [Readable(arn.format("master"), (key,))],
        log_group_arn=home.arn("logs", f"log-group:/aws/lambda/{name}"),
        function_arn=home.arn("lambda", f"function:{name}"),
    )
    sending = Layout(home, parameters("pipeline")["EventQueue"], home, (), None).permissions
    wanted = {
        (action, resource)
        for one in (*rotating["Statement"], *sending["Statement"])
        if one["Effect"] == "Allow"
        for action, resource in itertools.product(listed(one["Action"]), listed(one["Resource"]))
    }
    known = {
        "AWS::Partition": "aws",
        "AWS::AccountId": home.account_id,
        "SecretArns": arn.format("*"),
        **parameters("pipeline"),
    }
    bound = statements_of(template("pipeline")["Resources"]["Boundary"]["Properties"]["PolicyDocument"])
    assert {action for one in bound for action in one["Action"]} == {action for action, _ in wanted}
    for action, resource in wanted:
        [one] = [one for one in bound if action in one["Action"]]
        assert fnmatch.fnmatchcase(resource, request_of(one["Resource"], known, {})), (action, resource)


def test_of_queues_those_of_the_pipeline_are_reached_alone() -> None:
    known = {"AWS::Partition": "aws", "AWS::AccountId": "111122223333", **parameters("pipeline")}
    home, queue = Place("111122223333", "*"), known["EventQueue"]
    layout = Layout(home, queue, home, (), None)
    [of_queues] = [one for one in statements()["Events"] if "sqs:CreateQueue" in one["Action"]]
    assert request_of(of_queues["Resource"], known, {}) == [
        home.arn("sqs", queue),
        home.arn("sqs", layout.dead_letters),
    ]


def test_of_keys_those_that_the_pipeline_made_or_is_making_are_changed_alone() -> None:
    """Sources: https://docs.aws.amazon.com/kms/latest/developerguide/tag-authorization.html (a tag counts within five
    minutes, in IAM's policies) and .../tag-permissions.html (CreateKey with tags: TagResource on no particular key).
    """
    made, spare = {f"aws:ResourceTag/{ALIAS}": "false"}, {f"aws:ResourceTag/{PURPOSE_TAG}": "false"}
    new = {"kms:ResourceAliases": "true"}
    changing = [one for found in statements().values() for one in found if KEY_WRITES & set(one["Action"])]
    on_keys = [one for one in changing if not str(one["Resource"]).endswith(":alias/*'}")]
    assert {action for one in on_keys for action in one["Action"]} == KEY_WRITES
    being_made = 0
    for one in on_keys:
        match one["Action"]:
            case ["kms:CreateAlias", "kms:EnableKeyRotation", "kms:TagResource"]:
                assert one["Condition"] == {"Null": new}
            # CreateKey with a policy, for whoever may replace it:
            # https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html#prevent-unmanageable-key
            case ["kms:PutKeyPolicy"]:
                assert one["Condition"] == {"Null": new}
                being_made += 1
            case ["kms:ScheduleKeyDeletion"]:
                assert one["Condition"] == {"Null": {**spare, **new}}
            case _:
                assert one["Condition"] == {"Null": made}
    assert being_made == 1


def test_the_two_keys_of_the_pipeline_are_used_before_their_alias_counts_and_keys_of_others_are_not() -> None:
    """An alias counts within five minutes: https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html."""
    account = {"AWS::Partition": "aws", "AWS::AccountId": "111122223333", "SecretArns": []}
    key = Place("111122223333", "eu-west-2").arn("kms", "key/1234")
    given = evaluated(statements()["Everything"], account, {})
    rules = [Statement("Everything", number, one, variables=True) for number, one in enumerate(given)]

    def may(action: str, **values: str) -> bool:
        asked = {name.replace("_", ":"): (one,) for name, one in values.items()}
        found = [one for one in rules if one.speaks_of(action)]
        return any(one.applies(key, RequestContext(Context(values=asked))) for one in found)

    context = SealContext("111122223333", "eu-west-2", "myapp-dev").encryption_context()
    sealed = {f"kms_encryptioncontext_{name}": value for name, value in context.items()}
    aliases: list[dict[str, str]] = [{}, {"kms_resourcealiases": SEAL_ALIAS}, {"kms_resourcealiases": "alias/theirs"}]
    assert [may("kms:GenerateMac", **alias) for alias in aliases] == [True, True, False]
    for action in ("kms:GenerateDataKey", "kms:Decrypt"):
        assert [may(action, **sealed, **alias) for alias in aliases] == [True, True, False]
        assert not may(action)


def test_the_role_is_within_the_quotas_of_iam_with_all_of_it_switched_on() -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: white space is not counted."""
    declared = template("pipeline")
    arns = [f"arn:aws:secretsmanager:eu-west-2:111122223333:secret:team-{number}/service/*" for number in range(10)]
    buckets = {"Seals.Arn": "arn:aws:s3:::secrets-pipeline-seals-1a2b3c4d5e6f", "Leases.Arn": "arn:aws:s3:::leases"}
    known = {
        "AWS::Partition": "aws",
        "AWS::AccountId": "111122223333",
        "Boundary": arns[0],
        **buckets,
        **parameters("pipeline"),
        **{name: arns for name, one in declared["Parameters"].items() if one["Type"] == "CommaDelimitedList"},
    }
    everything = dict.fromkeys(declared["Conditions"], True)

    def size(document: object) -> int:
        return len(re.sub(r"\s", "", json.dumps(evaluated(document, known, everything))))

    within, attached = documents()
    boundary = declared["Resources"]["Boundary"]["Properties"]["PolicyDocument"]
    assert sum(map(size, within.values())) <= 10_240
    assert max(map(size, [*attached.values(), boundary])) <= 6_144
    assert len(attached) <= 10


def test_a_rotation_function_may_be_put_into_a_network() -> None:
    """Lambda asks this of its caller: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html."""
    asked = {"ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"}
    assert asked <= {action for one in statements()["Rotation"] if one["Resource"] == "*" for action in one["Action"]}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_what_names_no_resource_is_allowed_on_all_of_them(path: Path) -> None:
    """Nothing else allows it: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html.

    Which those are is AWS's service authorization reference, as cfn-lint brings it.
    """
    known = json.loads(resources.files("cfnlint.data.AdditionalSpecs").joinpath("Policies.json").read_text())
    found = [
        (action, one["Resource"])
        for one in allowing(template(path.stem))
        for action in listed(one["Action"])
        if not known[action.partition(":")[0]]["Actions"][action.partition(":")[2].lower()].get("Resources")
    ]
    assert found
    assert [(action, where) for action, where in found if where != "*"] == []


def allowing(node: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - of a document
    """The statements below a node that allow something on resources."""
    match node:
        case {"Effect": "Allow", "Resource": _}:
            yield node
        case dict():
            yield from itertools.chain.from_iterable(map(allowing, node.values()))
        case list():
            yield from itertools.chain.from_iterable(map(allowing, node))


def test_of_parameters_those_that_are_named_are_read_and_decrypted_alone() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/services-parameter-store.html#parameter-store-encryption-context."""
    named = {"Parameters": {"Ref": "ParameterArns"}, ALERT_URLS: {"Ref": "AlertUrlArns"}}
    read, decrypted = {}, {}
    for policy, found in statements().items():
        for one in found:
            if "ssm:GetParameter" in one["Action"]:
                read[policy] = one["Resource"]
            if "kms:Decrypt" in one["Action"]:
                asked = {key: value for keys in one["Condition"].values() for key, value in keys.items()}
                service = str(asked.get("kms:ViaService", [""])[0]).partition(".")[0]
                if service not in {"secretsmanager", "sqs", "s3"} and "kms:ResourceAliases" not in asked:
                    decrypted[policy] = asked["kms:EncryptionContext:PARAMETER_ARN"]
    assert read == decrypted == named


def test_of_terraform_states_those_that_are_named_are_read_and_decrypted_alone() -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html#encryption-context."""
    found = statements()["TerraformStates"]
    assert [(one["Action"], one["Resource"]) for one in found[:2]] == [
        (["s3:GetObject"], {"Ref": "StateArns"}),
        (["s3:ListBucket"], {"Ref": "StateBucketArns"}),
    ]
    (decrypts,) = found[2:]
    context = str(decrypts["Condition"]["StringLike"]["kms:EncryptionContext:aws:s3:arn"])
    assert "StateArns" in context
    assert "StateBucketArns" in context


def test_keys_are_used_through_either_spelling_of_a_service() -> None:
    """AWS does not say what `kms:ViaService` has where endpoints end in `amazonaws.com.cn` or `amazonaws.eu`."""
    boundary = statements_of(template("pipeline")["Resources"]["Boundary"]["Properties"]["PolicyDocument"])
    every = [*boundary, *itertools.chain.from_iterable(statements().values())]
    conditions = [keys for one in every for keys in one.get("Condition", {}).values() if "kms:ViaService" in keys]
    assert len(conditions) == 7
    for keys in conditions:
        first, *rest = keys["kms:ViaService"]
        assert first.endswith(".*.amazonaws.com")
        assert rest == [f"{first}.cn", f"{first.removesuffix('com')}eu"]


def test_whoever_looks_at_a_function_may_list_its_tags() -> None:
    """Without lambda:ListTags GetFunction leaves the tags out, which say whose the function is."""
    looks = [one for found in statements().values() for one in found if "lambda:GetFunction" in one["Action"]]
    assert [("lambda:ListTags" in one["Action"]) for one in looks] == [True]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_cfn_lint_has_nothing_to_say(path: Path) -> None:
    done = subprocess.run(
        [programs() / "cfn-lint", "--include-checks", "I", "--template", path],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_hadolint_has_nothing_to_say() -> None:
    done = subprocess.run([programs() / "hadolint", DEPLOY / "Dockerfile"], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", ["pipeline", "ecs"])
def test_no_bucket_database_or_service_is_open_to_anybody(name: str) -> None:
    for resource in template(name)["Resources"].values():
        given = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::S3::Bucket":
                assert set(given["PublicAccessBlockConfiguration"].values()) == {True}
                assert given["BucketEncryption"]
                assert "VersioningConfiguration" not in given
            case "AWS::RDS::DBInstance":
                assert (given["PubliclyAccessible"], given["StorageEncrypted"]) == (False, True)
            case "AWS::ECS::Service":
                assert given["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED"
            case "AWS::EC2::SecurityGroup":
                assert all("SourceSecurityGroupId" in rule for rule in given.get("SecurityGroupIngress", ()))
            case "AWS::Logs::LogGroup":
                assert given["RetentionInDays"]


def test_every_task_on_ecs_runs_as_the_image_says_and_logs_for_as_long_as_is_said() -> None:
    tasks = [one for one in template("ecs")["Resources"].values() if one["Type"] == "AWS::ECS::TaskDefinition"]
    assert len(tasks) == 4
    for task in tasks:
        (container,) = task["Properties"]["ContainerDefinitions"]
        assert (container["ReadonlyRootFilesystem"], container["User"]) == (True, "10001:10001")
        assert container["MountPoints"] == [{"SourceVolume": "scratch", "ContainerPath": image_environment()["TMPDIR"]}]
        assert container["LogConfiguration"]["Options"]["awslogs-group"] == {"Ref": "Logs"}


def test_an_image_of_either_architecture_runs_on_ecs() -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-arm64.html."""
    tasks = [one for one in template("ecs")["Resources"].values() if one["Type"] == "AWS::ECS::TaskDefinition"]
    platforms = [one["Properties"].get("RuntimePlatform", {}) for one in tasks]
    assert platforms == [{"OperatingSystemFamily": "LINUX", "CpuArchitecture": {"Ref": "CpuArchitecture"}}] * 4
    assert template("ecs")["Parameters"]["CpuArchitecture"]["AllowedValues"] == ["X86_64", "ARM64"]


def test_on_ecs_what_waits_is_started_by_the_task_of_its_own_image_after_an_update_too() -> None:
    """ECS starts no task of a definition that CloudFormation has deregistered:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deregister-task-definition-v2.html.
    """
    made = template("ecs")["Resources"]
    (container,) = made["CodeServerTask"]["Properties"]["ContainerDefinitions"]
    (said,) = [one["Value"] for one in container["Environment"] if one["Name"] == "DAGSTER_CONTAINER_CONTEXT"]
    decided = EcsContainerContext.create_from_config(json.loads(evaluated(said, {"RunTask": "secrets-run:1"}, {})))
    assert (
        EcsContainerContext(task_definition_arn="secrets-run:2").merge(decided).task_definition_arn == "secrets-run:1"
    )
    assert made["RunTask"]["UpdateReplacePolicy"] == "Retain"


def test_on_ecs_one_code_server_decides_at_a_time_and_what_asks_it_is_updated_after_it() -> None:
    made = template("ecs")["Resources"]
    said = made["CodeServer"]["Properties"]["DeploymentConfiguration"]
    assert (said["MaximumPercent"], said["MinimumHealthyPercent"]) == (100, 0)
    assert [made[name]["DependsOn"] for name in ("Daemon", "Webserver")] == ["CodeServer", "CodeServer"]


def test_every_service_has_the_variables_that_its_files_ask_for() -> None:
    wanted = variables_of(SHARED)
    launching = variables_of(yaml.safe_load((DEPLOY / "launchers" / "ecs.yaml").read_text()))
    reaching = variables_of(yaml.safe_load((DEPLOY / "workspace.yaml").read_text()))
    image = set(image_environment())
    for service in (one for one in services().values() if one.name not in {"aws", POSTGRES}):
        assert wanted | reaching <= image | set(service.environment)
    for name, task in template("ecs")["Resources"].items():
        if task["Type"] == "AWS::ECS::TaskDefinition":
            (container,) = task["Properties"]["ContainerDefinitions"]
            given = {one["Name"] for one in (*container["Environment"], *container["Secrets"])}
            # A run starts no run, and a code server is reached by others.
            asked = wanted | (set() if name == "RunTask" else launching)
            asked |= reaching if name in {"DaemonTask", "WebserverTask"} else set()
            assert asked <= image | given


def test_the_commands_on_ecs_are_those_of_compose_but_for_addresses_and_the_guard_of_a_developers_browser() -> None:
    named = {"code-server": "CodeServerTask", "daemon": "DaemonTask"}
    for service, task in named.items():
        (container,) = template("ecs")["Resources"][task]["Properties"]["ContainerDefinitions"]
        composed = [word.replace("127.0.0.1", "0.0.0.0") for word in COMPOSE["services"][service]["command"]]  # noqa: S104 - of a container
        assert container["Command"] == composed
    (container,) = template("ecs")["Resources"]["WebserverTask"]["Properties"]["ContainerDefinitions"]
    composed = COMPOSE["services"]["webserver"]["command"]
    assert container["Command"] == ["dagster-webserver", *composed[composed.index("--host") :]]


def test_the_image_is_pinned_by_hash_runs_as_nobody_in_particular_and_names_no_registry() -> None:
    assert DOCKERFILE.count("--require-hashes") == DOCKERFILE.count("-r requirements/") == 2
    assert DOCKERFILE.rstrip().endswith("USER 10001:10001")
    assert not re.search(r"https?://|--index-url|FROM [^ ]*[./][^ ]*/", DOCKERFILE)
    assert 'VOLUME ["/tmp"]' in DOCKERFILE


def test_every_service_of_ours_in_compose_is_confined() -> None:
    for name, service in COMPOSE["services"].items():
        if name != POSTGRES:
            assert (service["read_only"], service["cap_drop"], service["tmpfs"]) == (
                True,
                ["ALL"],
                [image_environment()["TMPDIR"]],
            )
        published = service.get("ports", ())
        assert all(port.startswith("127.0.0.1:") for port in published)


def test_what_ends_in_compose_is_started_again_but_for_the_aws_that_holds_the_network() -> None:
    found = {name: service["restart"] for name, service in COMPOSE["services"].items()}
    assert found.pop("aws") == "no"
    assert set(found.values()) == {"unless-stopped"}


@pytest.mark.parametrize(
    ("image", "taken"),
    [
        ("registry.example.com/secrets-pipeline@sha256:" + "a1" * 32, True),
        ("secrets-pipeline:latest", False),
        ("secrets-pipeline", False),
        ("secrets-pipeline@sha256:a1", False),
    ],
)
def test_on_ecs_an_image_is_named_by_its_digest(image: str, *, taken: bool) -> None:
    assert bool(re.fullmatch(template("ecs")["Parameters"]["Image"]["AllowedPattern"], image)) is taken


def test_nothing_that_a_run_prints_is_kept_and_no_run_is_resumed_or_repeated_for_a_failed_step() -> None:
    assert SHARED["compute_logs"]["class"] == "NoOpComputeLogManager"
    assert SHARED["run_monitoring"]["max_resume_run_attempts"] == 0
    assert SHARED["run_retries"]["retry_on_asset_or_op_failure"] is False
    keys = {one["key"]: one["limit"] for one in SHARED["concurrency"]["runs"]["tag_concurrency_limits"]}
    assert keys["dagster/partition"] == 1
    launcher = yaml.safe_load((DEPLOY / "launchers" / "ecs.yaml").read_text())["run_launcher"]
    assert launcher["config"]["secrets_tag"] is None


def test_the_operators_settings_of_compose_are_those_of_the_examples_with_what_processes_share() -> None:
    local, examples = (
        yaml.safe_load((folder / "operator.yaml").read_text()) for folder in (DEPLOY / "local", EXAMPLES)
    )
    for name in ("seals", "leases"):
        assert local.pop(name) == {"bucket": "secrets-pipeline", "prefix": name, "region": "eu-west-2"}
    assert local == examples


def test_the_operators_settings_of_the_page_are_settings(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "deploy.md").read_text()
    (said,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "operator.yaml").write_text(said)
    settings = load_settings(tmp_path / "operator.yaml")
    assert isinstance(settings.leases, BucketLeases)
    assert settings.seals.region == settings.leases.region == "eu-west-2"
    (boundary,) = template("pipeline")["Outputs"]["BoundaryName"]["Value"].values()
    assert settings.permissions_boundary == boundary.replace("${AWS::StackName}", "secrets-pipeline")


def test_a_deployment_decides_as_the_local_instance_does() -> None:
    local = yaml.safe_load((ROOT / "secrets_pipeline" / "orchestration" / "shared" / "dagster.yaml").read_text())
    assert set(local) <= set(SHARED)
    sized = {"sensors", "schedules", "concurrency", "run_monitoring"}
    assert {key: SHARED[key] for key in local if key not in sized} == {
        key: one for key, one in local.items() if key not in sized
    }
    keys = [one["key"] for one in local["concurrency"]["runs"]["tag_concurrency_limits"]]
    assert set(keys) <= {one["key"] for one in SHARED["concurrency"]["runs"]["tag_concurrency_limits"]}
