"""A whole life of examples/ under exactly what `iam-policy` prints: nothing is denied, and nothing is spare."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path

import dagster as dg
import pytest

from secrets_pipeline import emulator
from secrets_pipeline.aws.service_keys import FINGERPRINT_ALIAS, SEAL_ALIAS, ensure_service_keys
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired.base import Target
from secrets_pipeline.values.bundle import GeneratedPasswords
from secrets_pipeline.values.fingerprint import Fingerprinter
from secrets_pipeline.values.seal import SealContext, open_seal, seal
from tests.e2e.least_rights.daemon import Daemon
from tests.e2e.least_rights.life import Life
from tests.e2e.least_rights.proof import Part, needed_kinds, spare_actions
from tests.e2e.least_rights.strangers import Stranger
from tests.runs import assert_exited

ROOT = Path(__file__).parents[3]
ACCOUNT = "111122223333"
PIPELINE, PLANS = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("pipeline", "pipeline-plans"))
AUDIT = "arn:aws:iam::444455556666:role/secrets-audit"
DEFAULTS, PROD = "stacks/orgs/acme/myapp/_defaults.yaml", "stacks/orgs/acme/myapp/prod.yaml"
SHARED = "stacks/orgs/acme/infra/shared.yaml"

ELSEWHERE: Mapping[Part, str] = {
    # Of a stack that is taken down.
    ("MakeLogGroups", "logs:DeleteLogGroup"): (
        "tests/operations/decommission/test_taken_down.py::"
        "test_everything_that_a_stack_made_goes_and_an_apply_within_the_window_brings_the_values_back"
    ),
    **dict.fromkeys(
        (("MakeRules", "events:DeleteRule"), ("MakeRules", "events:RemoveTargets")),
        "tests/reconcilers/event_queue/test_reconciler.py::test_rules_go_with_the_last_stack_of_their_place_and_not_before",
    ),
    # Two runs at once, in an account without keys.
    ("DeleteSpareKeys", "kms:ScheduleKeyDeletion"): (
        "tests/aws/test_service_keys.py::test_the_key_that_loses_the_race_is_deleted_and_the_winner_used"
    ),
    # In a member account; no policy of an organisation applies to its management account.
    ("AuditOrganization", "organizations:DescribePolicy"): (
        "tests/access/snapshot/test_organization.py::test_the_policies_of_every_level_come_from_the_root_down"
    ),
    ("AuditOrganization", "organizations:ListPoliciesForTarget"): (
        "tests/access/snapshot/test_organization.py::test_the_policies_of_every_level_come_from_the_root_down"
    ),
    # Of a secret that somebody changes right before its password is set.
    ("WriteDatabases", "rds:RemoveTagsFromResource"): (
        "tests/reconcilers/database/test_password.py::"
        "test_a_secret_that_changes_right_before_the_password_is_set_is_not_set"
    ),
}
"""What this life does not need, and the test that does, by its mark `needs`."""
STUCK: Mapping[Part, str] = {
    ("ReadLogs", "logs:FilterLogEvents"): (
        "tests/reconcilers/secret_rotation/test_checks.py::test_a_failed_rotation_is_told_by_its_functions_own_words"
    )
}
"""The same of a verification: here no rotation failed."""
ON_AWS_ALONE: frozenset[Part] = frozenset({("WriteDatabases", "rds:ListTagsForResource")})
"""AWS is said to leave TagList out of DescribeDBInstances for whoever may not list tags; the embedded AWS does not."""
TWICE: frozenset[Part] = frozenset(
    {("LookForADefaultNetwork", "ec2:DescribeVpcs"), ("PutFunctionsIntoANetwork", "ec2:DescribeVpcs")}
)
"""On the same resource, so that either allows both. A role that plans only has the first alone, and needs it; the
second is of tests/deploy/test_files.py::test_a_rotation_function_may_be_put_into_a_network."""


def laid(tmp_path_factory: pytest.TempPathFactory, aws: emulator.LocalAws) -> Life:
    """examples/, with a key that secrets will move to, and an operator who knows the pipeline's roles."""
    folder = tmp_path_factory.mktemp("least-rights")
    shutil.copytree(ROOT / "examples", folder / "atmos")
    (folder / "home").mkdir(mode=0o700)
    life = Life(aws, folder / "atmos", folder / "home")
    life.edit("operator.yaml", "allowed_readers:\n", f'allowed_readers:\n    - "{PIPELINE}*"\n')
    spare = "    kms:\n      settings: {secrets_pipeline: {create: true}}\n      vars: {alias: alias/infra-spare}\n"
    life.edit(SHARED, "  terraform:\n", f"  terraform:\n{spare}")
    life.stand_in()
    endpoint = aws.endpoint_url
    life.administrator.client("s3", endpoint_url=endpoint).create_bucket(
        Bucket="trails", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"}
    )
    cloudtrail = life.administrator.client("cloudtrail", endpoint_url=endpoint)
    cloudtrail.create_trail(Name="whole", S3BucketName="trails", IsMultiRegionTrail=True)
    cloudtrail.start_logging(Name="whole")
    return life


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory, aws: emulator.LocalAws) -> Life:
    """All that the pipeline does for the examples, from an empty account until most of it has left the YAML."""
    emulator.reset_rights(aws)
    life = laid(tmp_path_factory, aws)
    somebody = Stranger(life)
    life.make_roles("pipeline-plans", "--plan-only")
    life.make_roles("pipeline")
    with dg.DagsterInstance.ephemeral() as instance:
        daemon = Daemon(life, instance)
        with life.under("pipeline-plans", SECRETS_PIPELINE_READ_ONLY="1"):
            life.succeed("plan")
            # It tells that this role may not apply.
            assert_exited(life.run("doctor"), 1)
        with life.under("pipeline"):
            life.succeed("doctor")
            life.succeed("apply", "--all")
            life.succeed("apply", "--all")
            life.succeed("verify")
            # A change of IAM a moment ago is hidden until those that come with it are there.
            somebody.bound()
            emulator.settle(aws)
            for _ in range(4):
                daemon.tick()
        somebody.bury()
        with life.under("pipeline-plans", SECRETS_PIPELINE_READ_ONLY="1"):
            life.succeed("events", "status")
    use_new_keys(life)
    somebody.change_everything()
    somebody.tag_tasks()
    with life.under("pipeline-plans", SECRETS_PIPELINE_READ_ONLY="1"):
        life.succeed("plan", "--deep")
    with life.under("pipeline"):
        life.succeed("apply", "--all", "--deep")
        life.succeed("events", "redrive")
        secrets = ("myapp/dev/database/credentials", "myapp/prod/database/credentials", "myapp/prod/api/api-key")
        life.succeed("rotate", *secrets)
    somebody.found_an_organization()
    with life.under("pipeline-plans", SECRETS_PIPELINE_READ_ONLY="1"):
        life.succeed("verify")
        life.succeed("access", "matrix", "-s", "myapp-dev")
    with life.under("pipeline"):
        life.succeed("verify")
        change(life)
        life.succeed("apply", "--all", "--deep")
        leave(life)
        # What left the YAML is still there, so checks are red until it is pruned.
        for _ in range(2):
            life.run("apply", "--all", "--deep", "--prune")
        life.succeed("verify")
    return life


def use_new_keys(life: Life) -> None:
    """Make fingerprints, seal and open while the aliases of the keys do not count yet, as for five minutes on AWS."""
    kms = life.administrator.client("kms", endpoint_url=life.aws.endpoint_url)
    keys = ensure_service_keys(kms)
    aliases = {SEAL_ALIAS: keys.seal, FINGERPRINT_ALIAS: keys.fingerprint}
    for alias in aliases:
        kms.delete_alias(AliasName=alias)
    target, context = Target(region=life.aws.region), SealContext(ACCOUNT, life.aws.region, "myapp-dev")
    with life.under("pipeline-plans"):
        Fingerprinter.derive(Sessions().for_target(target).client("kms"), keys.fingerprint)
    with life.under("pipeline"):
        account = Sessions().for_target(target)
        Fingerprinter.derive(account.client("kms"), keys.fingerprint)
        session = account.botocore_session
        sealed = seal(GeneratedPasswords({}), session=session, key_arn=keys.seal, context=context)
        open_seal(sealed, session=session, key_arn=keys.seal, context=context)
    for alias, arn in aliases.items():
        kms.create_alias(AliasName=alias, TargetKeyId=arn)


def change(life: Life) -> None:
    """Edit what has a call of its own to change it, and take rotation away."""
    life.edit("stacks/catalog/kms/defaults.yaml", "description: Encrypts", "description: Protects")
    life.edit("stacks/catalog/kms/defaults.yaml", "enable_key_rotation: true", "enable_key_rotation: false")
    life.edit("stacks/orgs/acme/_defaults.yaml", "    Organisation: acme\n", "")
    life.edit(DEFAULTS, "description: OAuth client;", "description: OAuth;")
    cut(life, DEFAULTS, "          reports:", "    rds:\n")
    cut(life, PROD, "        secrets:\n          credentials:", "    rds:\n")
    life.edit(SHARED, "        create_kms_key: true\n", "        default_kms_key_id: !terraform.state kms key_arn\n")


def leave(life: Life) -> None:
    """Rename secrets, and take a consumer away."""
    life.edit(DEFAULTS, "            path: api\n", "            path: partner\n")
    life.edit(SHARED, "path: network", "path: net")
    life.edit(DEFAULTS, "          worker: !terraform.state lambda/worker function_name\n", "")
    cut(life, DEFAULTS, "    # Consumers that the pipeline", "    ecs:\n")


def cut(life: Life, file: str, first: str, until: str) -> None:
    """Take out what stands from one text to another."""
    text = (life.repository / file).read_text()
    life.edit(file, text[text.index(first) : text.index(until, text.index(first))], "")


def test_nothing_is_denied(life: Life) -> None:
    assert {(one.role, one.action, one.resource) for one in life.asked() if not one.allowed} == set()
    assert {one.role for one in life.asked()} == {PIPELINE, PLANS, AUDIT}


def test_without_any_single_action_something_is_denied(life: Life) -> None:
    spare = spare_actions(life.policies[PIPELINE].values(), of(life, PIPELINE))
    assert spare == set(ELSEWHERE) | ON_AWS_ALONE | TWICE


def test_without_any_single_action_a_plan_or_a_verification_is_denied_something(life: Life) -> None:
    spare = spare_actions(life.policies[PLANS].values(), of(life, PLANS))
    reads = {part for document in life.policies[PLANS].values() for part in parts(document)}
    assert spare == (set(ELSEWHERE) | set(STUCK) | ON_AWS_ALONE) & reads


def test_the_role_of_another_account_has_nothing_to_spare(life: Life) -> None:
    assert spare_actions(life.policies[AUDIT].values(), of(life, AUDIT)) <= {
        ("AuditReaders", "iam:GetPolicy"),
        ("AuditReaders", "iam:GetPolicyVersion"),
    }


def test_each_kind_of_resource_of_each_statement_is_needed(life: Life) -> None:
    every, needed = needed_kinds(life.policies[PIPELINE].values(), of(life, PIPELINE))
    without = {sid for sid, _ in {*ELSEWHERE, *TWICE} if sid not in {"WriteDatabases", "AuditOrganization"}}
    assert {one for one in every - needed if one[0] not in without} == set()


def of(life: Life, role: str) -> list[emulator.AskedRight]:
    return [one for one in life.asked() if one.role == role]


def parts(document: Mapping[str, object]) -> Iterator[Part]:
    statements: object = document["Statement"]
    assert isinstance(statements, list)
    for one in statements:
        yield from ((one["Sid"], action) for action in one["Action"])


@pytest.mark.parametrize(("part", "test"), [*ELSEWHERE.items(), *STUCK.items()])
def test_what_this_life_does_not_need_is_asked_for_in_a_test_that_fails_otherwise(part: Part, test: str) -> None:
    file, _, name = test.partition("::")
    marks = getattr(import_module(file.removesuffix(".py").replace("/", ".")), name).pytestmark
    assert part[1] in {action for mark in marks if mark.name == "needs" for action in mark.args}
