"""Keys and secrets on moto as it is published, which nobody here corrected: what AWS defaults is said."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import boto3
import pytest

from secrets_pipeline import emulator
from secrets_pipeline.desired.consumer.model import LambdaDelivery
from secrets_pipeline.desired.consumer.refresh_model import LambdaRefresh, RefreshSpec
from secrets_pipeline.engine.model import Applied, ChangeClass, Unchanged
from secrets_pipeline.reconcilers.consumer.lambda_function.refresh import VARIABLE
from tests.bench import ASSUMED_BY_LAMBDA, Bench, unpaced
from tests.embedded import lead_to

# It ends with its standard input, and so with this process.
SERVER: Final = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A stack on plain moto, in a process of its own."""
    command = [sys.executable, "-I", "-c", SERVER]
    with subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        aws = emulator.LocalAws(
            endpoint_url=f"http://127.0.0.1:{int(server.stdout.readline())}",
            account_id="123456789012",
            region="eu-west-2",
            state_dir=tmp_path,
            pid=server.pid,
            access_key_id="testing",
            secret_access_key="testing",
        )
        lead_to(aws, monkeypatch)
        session = boto3.Session()
        yield Bench(aws, session, unpaced(session))
        server.communicate()


def test_a_stack_with_a_key_of_its_own_is_made_on_plain_moto(bench: Bench) -> None:
    secrets = (bench.generated(kms_key=bench.alias), bench.declared(kms_key=bench.alias))
    spec = bench.spec(*secrets, keys=(bench.key(description="secrets"),))
    outcomes = bench.provision(spec)
    assert {name: one for name, one in outcomes.items() if not isinstance(one, Applied | Unchanged)} == {}
    assert bench.describe("password")["KmsKeyId"]
    key = bench.kms.describe_key(KeyId=bench.alias)["KeyMetadata"]
    assert (key["KeyUsage"], key["KeySpec"]) == ("ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT")
    assert {one.action for one in bench.plan(spec, "kms_keys").values()} == {ChangeClass.NONE}


def test_a_function_without_a_revision_is_delivered_to_and_started_anew(bench: Bench) -> None:
    """RevisionId is optional in Lambda's model, and plain moto gives none."""
    name, archive = bench.stack, io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("index.py", "")
    role = bench.session.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=ASSUMED_BY_LAMBDA)
    functions = bench.session.client("lambda")
    functions.create_function(
        FunctionName=name,
        Role=role["Role"]["Arn"],
        Runtime="python3.12",
        Handler="index.handler",
        Code={"ZipFile": archive.getvalue()},
    )
    assert "RevisionId" not in functions.get_function_configuration(FunctionName=name)
    environment = {"API_ARN": bench.late("${output.secrets.secret_arns.api}")}
    delivery = LambdaDelivery(component="worker", deliver=True, function_name=name, environment=environment)
    means = LambdaRefresh(function_name=name)
    refresh = RefreshSpec(component="worker", means=means, secrets=(bench.ref("api"),))
    spec = bench.spec(bench.declared(), deliveries=(delivery,), refreshes=(refresh,))
    outcomes = bench.provision(spec)
    assert {key: one for key, one in outcomes.items() if not isinstance(one, Applied | Unchanged)} == {}
    # Somebody changed the value: the function is set a variable, which starts it anew.
    bench.secrets.put_secret_value(SecretId=bench.name("api"), SecretString="another")
    outcomes = bench.provision(spec)
    assert {key: one for key, one in outcomes.items() if not isinstance(one, Applied | Unchanged)} == {}
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    assert variables["API_ARN"] == bench.describe("api")["ARN"]
    assert VARIABLE in variables
