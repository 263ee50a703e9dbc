"""AWS goes away and comes back: one alert an account and cause, nothing red by it, and every run repeated."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import dagster as dg
import pytest
from dagster._core.launcher.sync_in_memory_run_launcher import SyncInMemoryRunLauncher

from secrets_pipeline import emulator
from secrets_pipeline.aws import session as sessions
from secrets_pipeline.orchestration.ended_runs.repeating import REPEATS_TAG, REPETITION_TAG
from secrets_pipeline.orchestration.shared.backoff import BACKOFF_SECONDS
from secrets_pipeline.orchestration.shared.names import PLAIN
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.shared.run_coordinator import BackfillsLast
from secrets_pipeline.orchestration.shared.run_requests import ACCOUNT_TAG
from tests.embedded import lead_to
from tests.hook import Hook
from tests.orchestration.conftest import Repository
from tests.orchestration.deployed import deployed
from tests.orchestration.ended_runs.estate import STACKS, URL, Estate, texts, tree
from tests.relay import relay

A, B, C = STACKS
ACCOUNT = "AWS account 111122223333"
DOWN = f"{ACCOUNT} cannot be asked: no answer; 3 stacks not looked at"
BACK = f"{ACCOUNT}: every stack that could not be asked about was checked"
MISSING = "secrets_have_current_values"


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    launcher = {"module": SyncInMemoryRunLauncher.__module__, "class": SyncInMemoryRunLauncher.__name__}
    coordinator = {"module": BackfillsLast.__module__, "class": BackfillsLast.__name__}
    settings = {"run_launcher": launcher, "run_coordinator": coordinator}
    with dg.DagsterInstance.local_temp(str(tmp_path), settings) as made:
        yield made


@pytest.fixture
def estate(
    repository: Repository,
    lone: emulator.LocalAws,
    instance: dg.DagsterInstance,
    hook: Hook,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Estate]:
    """Three stacks, applied, with nothing to tell."""
    lead_to(lone, monkeypatch)
    # Eight tries take a quarter of a minute.
    monkeypatch.setattr(sessions, "_MAX_ATTEMPTS", 2)
    repository.tree = tree(lone)
    repository.write()
    instance.add_dynamic_partitions(PLAIN.of("stacks"), list(STACKS))
    with deployed(instance, A) as deployment:
        made = Estate(deployment, repository, hook, monkeypatch)
        for stack in STACKS:
            deployment.stack = stack
            run = deployment.provision()
            assert run.is_success, deployment.said(run)
        assert made.tick() == []
        yield made


@pytest.fixture(scope="module")
def lone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[emulator.LocalAws]:
    running = emulator.start(tmp_path_factory.mktemp("lone-aws"), die_with_parent=True)
    yield running
    emulator.stop(running.state_dir)


@pytest.fixture(autouse=True)
def emptied(lone: emulator.LocalAws) -> None:
    emulator.reset_conditions(lone)
    emulator.empty(lone)


def statement(**parts: object) -> dict[str, object]:
    return {"Resource": "*", **parts}


def document(*statements: dict[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def unknown(estate: Estate, stack: str) -> set[str]:
    """Checks whose evaluation says that nobody could ask."""
    return {name for name, one in estate.standing(stack).items() if "could not ask AWS" in one.metadata}


def test_an_outage_is_one_alert_and_nothing_is_red_by_it_and_when_it_is_over_all_is_judged(estate: Estate) -> None:
    secrets = boto3.client("secretsmanager")
    secrets.delete_secret(SecretId=f"{C}/dev/token", RecoveryWindowInDays=7)
    estate.deployment.verify(C)
    assert f"{C}: {MISSING} is red" in estate.tick()
    red = estate.red(C)
    with estate.led(AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE"):
        assert estate.deployment.verify(A).status is dg.DagsterRunStatus.FAILURE
        assert estate.tick() == [f"{ACCOUNT} cannot be asked: no valid credentials; 1 stack not looked at"]
        assert "InvalidClientTokenId" in texts(estate.hook)[-1]
    estate.deployment.verify(A)
    assert estate.tick() == [BACK]
    with estate.without_aws():
        runs = [estate.deployment.verify(stack) for stack in STACKS]
        assert [run.status for run in runs] == [dg.DagsterRunStatus.FAILURE] * 3
        assert estate.tick() == [DOWN]
        assert estate.requests == []
        # What was known stands: red stays red, and nothing else turns red.
        assert [estate.red(stack) for stack in STACKS] == [set(), set(), red]
        assert all(len(unknown(estate, stack)) >= 22 for stack in STACKS)
        said = estate.standing(A)["nobody_else_can_read"].description or ""
        assert said.startswith("Not known, as AWS does not answer: GetCallerIdentity")
        assert "Last verdict: green as of 20" in said
        assert "Last verdict: red as of 20" in (estate.standing(C)[MISSING].description or "")
        text = texts(estate.hook)[-1]
        assert "3 stacks not looked at since 20" in text
        assert f"{A}, {B}, {C}" in text
        assert "EndpointConnectionError: http://127.0.0.1" in text
        assert "--readable-by" not in text
        assert text.endswith(f"{URL}/runs")
        estate.ahead = BACKOFF_SECONDS[0] + 1
        assert estate.tick() == []
        assert {one.tags[PARTITION_TAG] for one in estate.requests} == set(STACKS)
        assert {run.status for run in estate.launch_requested()} == {dg.DagsterRunStatus.FAILURE}
        assert estate.tick() == []
        assert estate.requests == []
    # A run of somebody else shows that the account answers: nothing waits for its pause any longer.
    estate.deployment.verify(A)
    assert estate.tick() == []
    assert {one.tags[PARTITION_TAG] for one in estate.requests} == {B, C}
    assert {one.tags[REPETITION_TAG] for one in estate.requests} == {"2"}
    assert {run.status for run in estate.launch_requested()} == {dg.DagsterRunStatus.SUCCESS}
    assert estate.tick() == [BACK]
    assert estate.requests == []
    assert [unknown(estate, stack) for stack in STACKS] == [set()] * 3
    assert [estate.red(stack) for stack in STACKS] == [set(), set(), red]
    secrets.restore_secret(SecretId=f"{C}/dev/token")
    estate.deployment.verify(C)
    assert f"{C}: {MISSING} is not red any longer" in estate.tick()


def test_a_verification_of_all_stacks_names_the_account_and_each_stack_and_is_repeated_until_it_can_look(
    estate: Estate,
) -> None:
    everything = dg.RunRequest(job_name="verify", tags={})
    with estate.without_aws():
        run = estate.deployment.request(everything)
        assert run.status is dg.DagsterRunStatus.FAILURE
        assert estate.tick() == [DOWN]
    estate.ahead = BACKOFF_SECONDS[0] + 1
    assert estate.tick() == []
    assert [(one.job_name, one.tags[REPEATS_TAG]) for one in estate.requests] == [("verify", run.run_id)]
    [again] = estate.launch_requested()
    assert again.is_success
    assert estate.tick() == [BACK]


def test_an_apply_amid_which_aws_goes_away_is_one_alert_and_is_repeated_as_it_was(
    estate: Estate, lone: emulator.LocalAws
) -> None:
    estate.repository.tree[A]["secretsmanager"]["secrets"]["further"] = {"generate_random_password": True}
    estate.repository.write()
    estate.deployment.stack = A
    with relay(lone.endpoint_url) as way, estate.led(HTTP_PROXY=way.url):
        way.cut_at = b"secretsmanager.CreateSecret"
        run = estate.deployment.provision()
        assert way.is_cut
    assert run.status is dg.DagsterRunStatus.FAILURE
    assert estate.tick() == [f"{ACCOUNT} cannot be asked: no answer; 1 stack not looked at"]
    assert estate.red(A) == set()
    assert unknown(estate, A)
    estate.ahead = BACKOFF_SECONDS[0] + 1
    assert estate.tick() == []
    [again] = estate.requests
    assert (again.job_name, again.tags[PARTITION_TAG], again.tags[REPEATS_TAG]) == ("provision", A, run.run_id)
    [repeated] = estate.launch_requested()
    assert repeated.is_success
    assert estate.tick() == [BACK]
    assert estate.red(A) == unknown(estate, A) == set()
    assert boto3.client("secretsmanager").describe_secret(SecretId=f"{A}/dev/further")
    # A run that only looks fails if it can look at nothing. An outage that flaps within the hour has one alert.
    with estate.without_aws():
        looks = [
            dg.RunRequest(job_name="on_access_change", tags={ACCOUNT_TAG: "111122223333"}),
            dg.RunRequest(job_name="on_outside_change", tags={PARTITION_TAG: A}),
        ]
        failed = [estate.deployment.request(one) for one in looks]
        assert {run.status for run in failed} == {dg.DagsterRunStatus.FAILURE}
        assert "nothing of account 111122223333 could be looked at" in estate.deployment.said(failed[0])
        assert estate.tick() == []
    assert estate.red(A) == set()
    estate.deployment.verify(A)
    assert estate.tick() == []
    assert {one.job_name for one in estate.requests} == {"on_access_change", "on_outside_change"}
    assert [run.is_success for run in estate.launch_requested()] == [True, True]


def test_a_deny_for_the_pipeline_is_an_answer_so_it_is_red_within_one_verify_and_names_the_call(
    estate: Estate,
) -> None:
    caller = boto3.client("sts").get_caller_identity()["Arn"]
    trust: dict[str, object] = {
        "Effect": "Allow",
        "Principal": {"Service": "ec2.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    iam = boto3.client("iam")
    reader = iam.create_role(RoleName="outsider", AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    lets_in = statement(Effect="Allow", Principal={"AWS": reader}, Action="secretsmanager:GetSecretValue")
    for stack, action in ((A, "secretsmanager:GetResourcePolicy"), (C, "secretsmanager:*")):
        denies = statement(Effect="Deny", Principal={"AWS": caller}, Action=action)
        boto3.client("secretsmanager").put_resource_policy(
            SecretId=f"{stack}/dev/token", ResourcePolicy=document(lets_in, denies), BlockPublicPolicy=False
        )
    kms = boto3.client("kms")
    key = boto3.client("secretsmanager").describe_secret(SecretId=f"{B}/dev/token")["KmsKeyId"]
    whole = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    whole["Statement"] += [
        statement(Effect="Allow", Principal={"AWS": reader}, Action="kms:Decrypt"),
        statement(Effect="Deny", Principal={"AWS": caller}, Action="kms:GetKeyPolicy"),
    ]
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(whole), BypassPolicyLockoutSafetyCheck=True)
    for stack in STACKS:
        assert estate.deployment.verify(stack).is_success
    told = estate.tick()
    assert {f"{A}: secret_policies_as_declared is red", f"{B}: kms_keys_as_declared is red"} <= set(told)
    assert {f"{stack}: nobody_else_can_read is red" for stack in (A, C)} <= set(told)
    assert all(unknown(estate, stack) == set() for stack in STACKS)
    posted = "\n".join(texts(estate.hook))
    for call in ("GetResourcePolicy a-dev/dev/token failed: AccessDenied", "GetKeyPolicy", "DescribeSecret"):
        assert call in posted
    assert f"{URL}/assets/secret_policies?view=checks&checkDetail=secret_policies_as_declared" in posted
    assert f"{URL}/assets/kms_keys?view=partitions&partition={B}" in posted
    assert not estate.requests
