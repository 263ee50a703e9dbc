"""The package as it is deployed: RotateSecret runs it in the embedded AWS's Lambda."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from secrets_pipeline.rotation.package import build_package
from tests.rotation_lambda.grounds import Ground, Server, master_secret, new_user
from tests.sweep import turn
from tests.waiting import SECONDS, eventually

# In this order each turn has both servers and both strategies.
PAIRS = [("postgres", "single"), ("mariadb", "single"), ("mariadb", "alternating"), ("postgres", "alternating")]
NAME = "managed-rotation"
GROUP = f"/aws/lambda/{NAME}"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [
                "secretsmanager:DescribeSecret",
                "secretsmanager:GetSecretValue",
                "secretsmanager:PutSecretValue",
                "secretsmanager:UpdateSecretVersionStage",
                "logs:CreateLogStream",
                "logs:PutLogEvents",
            ],
            "Resource": "*",
        }
    ],
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


@pytest.fixture(scope="module")
def deployed(shared_ground: Ground) -> Iterator[Ground]:
    """The ground, where rotations run in Lambda; the embedded AWS gives it the authority of its databases."""
    iam, functions = shared_ground.session.client("iam"), shared_ground.session.client("lambda")
    role = iam.create_role(RoleName=NAME, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    iam.put_role_policy(RoleName=NAME, PolicyName="rotate", PolicyDocument=json.dumps(POLICY))
    # As the pipeline does: the function never makes it, and it is read before the first invocation has ended.
    shared_ground.session.client("logs").create_log_group(logGroupName=GROUP)
    package = build_package()
    made = functions.create_function(
        FunctionName=NAME,
        Role=role,
        Runtime=package.runtime,  # type: ignore[arg-type] # the stubs list literals
        Handler=package.handler,
        Timeout=SECONDS,
        Code={"ZipFile": package.content},
    )
    assert made["CodeSha256"] == package.sha256
    functions.add_permission(
        FunctionName=NAME,
        StatementId="secretsmanager",
        Action="lambda:InvokeFunction",
        Principal="secretsmanager.amazonaws.com",
        SourceAccount=shared_ground.aws.account_id,
    )
    yield replace(shared_ground, function=made["FunctionArn"])
    functions.delete_function(FunctionName=NAME)


def rotated(ground: Ground, arn: str) -> None:
    """Rotate, and wait until Secrets Manager says so."""
    token = ground.start(arn)
    eventually(lambda: "AWSCURRENT" in ground.stages(arn)[token], lambda: logged(ground))


def logged(ground: Ground) -> str:
    """What the function wrote to its log."""
    events = ground.session.client("logs").filter_log_events(logGroupName=GROUP)["events"]
    return "\n".join(event["message"] for event in events)


@pytest.mark.parametrize(("server", "strategy"), turn(PAIRS), indirect=["server"])
def test_rotate_secret_runs_the_four_steps_of_the_package(
    ground: Ground, deployed: Ground, server: Server, strategy: str
) -> None:
    superuser = master_secret(deployed, server) if strategy == "alternating" else None
    # The embedded RDS speaks TLS; this MariaDB's certificate is of another authority.
    user = new_user(deployed, server, superuser=superuser, ssl=server.engine == "postgres")
    before = user.current
    rotated(deployed, user.arn)
    assert user.accepts(user.current)
    assert user.accepts(before) == (strategy == "alternating")
    rotated(deployed, user.arn)
    assert user.accepts(user.current)
    log = logged(deployed)
    assert user.arn in log
    assert not [password for password in deployed.seen if password in log]


def test_a_plain_value_is_rotated_too(ground: Ground, deployed: Ground) -> None:
    arn = deployed.secret("first")
    rotated(deployed, arn)
    assert len(str(deployed.value(arn))) == 32


def test_a_failure_is_in_the_log_with_what_to_do_and_without_a_value(ground: Ground, deployed: Ground) -> None:
    value = {"engine": "postgres", "host": "127.0.0.1", "port": 9, "username": "u", "password": "Canary-password-1"}
    arn = deployed.secret(json.dumps(value))
    deployed.start(arn)
    cause = "No database answers at 127.0.0.1:9: ConnectionRefusedError."
    eventually(lambda: cause in logged(deployed), lambda: logged(deployed))
    log = logged(deployed)
    assert "Look at the instance's state" in log
    assert "Canary-password-1" not in log
    assert deployed.document(arn, "AWSPENDING")["password"] not in log
