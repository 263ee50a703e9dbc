"""No value leaves the call that handles it: every byte that a run leaves behind is searched for it."""

import io
import json
import logging
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.retries.standard import ExponentialBackoff

from secrets_pipeline import emulator
from secrets_pipeline.operations.open_repository import open_repository
from secrets_pipeline.operations.stages import plan_stack
from secrets_pipeline.orchestration.in_process.running import provision, verify
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from tests.runs import assert_applied

LITERAL = "canary-7f3a-literal-in-yaml"
STORED = "canary-91bd-stored-by-hand"
SENSITIVE = "canary-2e6b-sensitive-output-of-terraform"
UNASKED = "canary-c05d-rest-of-the-state"
STACKS = ("infra-shared", "myapp-dev")


def planted(repository: Path) -> None:
    """Write a literal value into YAML, as users who come from Terraform have it."""
    shared = repository / "stacks/orgs/acme/infra/shared.yaml"
    text, gateway = shared.read_text(), "gateway: 203.0.113.10"
    assert gateway in text
    shared.write_text(text.replace(gateway, f"gateway: {LITERAL}"))


def planted_in_state(repository: Path) -> None:
    """Put a Terraform state with canaries into S3, and let the same secret read one of its outputs."""
    shared = repository / "stacks/orgs/acme/infra/shared.yaml"
    backend = "{s3: {bucket: acme-tfstate, key: terraform.tfstate}}"
    vpn = f"  terraform:\n    vpn: {{backend_type: s3, backend: {backend}}}\n"
    text = shared.read_text().replace(LITERAL, f"{LITERAL}\n              token: !terraform.state vpn token")
    shared.write_text(text.replace("  terraform:\n", vpn))
    operator = repository / "operator.yaml"
    grant = (
        "grants:\n  - {stacks: infra-shared, terraform_states: [{bucket: acme-tfstate}]}\n  - preset: single-team\n    "
    )
    granted = operator.read_text().replace("grants:\n  preset: single-team\n  ", grant)
    operator.write_text(granted)
    client = boto3.client("s3")
    where: Any = {"LocationConstraint": client.meta.region_name}
    client.create_bucket(Bucket="acme-tfstate", CreateBucketConfiguration=where)
    client.put_object(Bucket="acme-tfstate", Key="vpn/infra-shared/terraform.tfstate", Body=json.dumps(STATE))


STATE = {
    "version": 4,
    "outputs": {
        "token": {"value": SENSITIVE, "type": "string", "sensitive": True},
        "other": {"value": UNASKED, "type": "string", "sensitive": True},
    },
    "resources": [{"type": "random_password", "instances": [{"attributes": {"result": UNASKED}}]}],
}


def every_text(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file, and every blob of every SQLite table decompressed: Dagster stores snapshots compressed."""
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        raw = path.read_bytes()
        yield str(path), raw
        if raw.startswith(b"SQLite format 3"):
            yield from blobs(path)


def blobs(path: Path) -> Iterator[tuple[str, bytes]]:
    with sqlite3.connect(path) as database:
        tables = [row[0] for row in database.execute("select name from sqlite_master where type = 'table'")]
        for table in tables:
            for row in database.execute(f'select * from "{table}"'):  # noqa: S608 - names come from the file itself
                for cell in row:
                    if isinstance(cell, bytes):
                        try:
                            yield f"{path}:{table}", zlib.decompress(cell)
                        except zlib.error:
                            yield f"{path}:{table}", cell


def values_in_aws() -> dict[str, str]:
    client = boto3.client("secretsmanager")
    names = [entry["Name"] for entry in client.list_secrets(MaxResults=100)["SecretList"]]
    return {name: client.get_secret_value(SecretId=name)["SecretString"] for name in names}


def secrets_of(values: dict[str, str]) -> set[bytes]:
    found = {one.encode() for one in (LITERAL, STORED, SENSITIVE, UNASKED)}
    for value in values.values():
        try:
            document = json.loads(value)
        except ValueError:
            found.add(value.encode())
            continue
        for key in ("password", "client_secret", "pre_shared_key", "url"):
            if key in document:
                found.add(str(document[key]).encode())
    return found


def test_no_value_is_left_in_any_byte_of_storage_logs_and_output(
    repository: Path,
    aws: emulator.LocalAws,
    home: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    planted(repository)
    planted_in_state(repository)
    heard = io.StringIO()
    handler = logging.StreamHandler(heard)
    logging.getLogger().addHandler(handler)
    try:
        reports = [provision(stack, base_path=repository, options=ApplyOptions()) for stack in STACKS]
        checks = [verify(stack, base_path=repository, probe=True) for stack in STACKS]
        plans = [plan_stack(open_repository(repository).assemble().stack(stack), deep=True) for stack in STACKS]
        assert SENSITIVE in values_in_aws()["infra/shared/network/vpn-config"]
        # A run that fails with a value in hand: the stored document is not JSON any more.
        client = boto3.client("secretsmanager")
        client.put_secret_value(SecretId="infra/shared/network/vpn-config", SecretString=STORED)
        shared = repository / "stacks/orgs/acme/infra/shared.yaml"
        shared.write_text(shared.read_text().replace("10.40.0.0/16", "10.41.0.0/16"))
        failing, _ = provision("infra-shared", base_path=repository, options=ApplyOptions())
    finally:
        logging.getLogger().removeHandler(handler)
    for report, _ in reports:
        assert_applied(report)
    assert not failing.success
    assert all(check.passed for check in checks[0])

    values = values_in_aws()
    assert len(values) == 7
    assert not any(UNASKED in value for value in values.values())
    canaries = secrets_of(values)
    assert len(canaries) >= 6
    captured = capfd.readouterr()
    said = [
        ("stdout", captured.out.encode()),
        ("stderr", captured.err.encode()),
        ("log", heard.getvalue().encode()),
        ("reports", repr((reports, checks, plans, failing)).encode()),
    ]
    searched = [*every_text(home), *said]
    assert sum(len(text) for _, text in searched) > 100_000
    leaks = [place for place, text in searched for canary in canaries if canary in text]
    assert leaks == []


FAULTS = [
    emulator.InjectedFault(action, attempts=20, service=service, operation=operation)
    for action, service, operation in (
        (emulator.FaultAction.ERROR, "kms", "GenerateDataKey"),
        (emulator.FaultAction.THROTTLE, "kms", "Decrypt"),
        (emulator.FaultAction.ERROR, "secretsmanager", "CreateSecret"),
        (emulator.FaultAction.LOST, "secretsmanager", "CreateSecret"),
        (emulator.FaultAction.ERROR, "secretsmanager", "GetSecretValue"),
        (emulator.FaultAction.LOST, "secretsmanager", "PutSecretValue"),
        (emulator.FaultAction.THROTTLE, "secretsmanager", "UpdateSecretVersionStage"),
        (emulator.FaultAction.ERROR, "rds", "CreateDBInstance"),
        (emulator.FaultAction.LOST, "awslambda", "UpdateFunctionConfiguration"),
        (emulator.FaultAction.ERROR, "ecs", "RegisterTaskDefinition"),
    )
]
"""Each lasts until a client has used up its tries."""


def test_no_value_is_left_by_runs_that_fail_with_a_value_in_hand(
    repository: Path,
    aws: emulator.LocalAws,
    home: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda _self, _context: 0.0)
    heard, handler, reports, waiting = io.StringIO(), logging.StreamHandler(), [], FAULTS
    handler.setStream(heard)
    logging.getLogger().addHandler(handler)
    try:
        while waiting:
            # Those that one run did not come to wait for the next.
            emulator.arm(aws, *waiting)
            reports.append(provision("myapp-prod", base_path=repository, options=ApplyOptions()))
            left = [report.fault for report in emulator.disarm(aws) if not report.struck]
            assert len(left) < len(waiting), left
            waiting = left
        last = provision("myapp-prod", base_path=repository, options=ApplyOptions())
    finally:
        logging.getLogger().removeHandler(handler)
    assert not any(report.success for report, _ in reports)
    assert_applied(last[0])
    values = values_in_aws()
    canaries = secrets_of({name: value for name, value in values.items() if name.startswith("myapp/prod/")})
    assert len(canaries) >= 5
    captured = capfd.readouterr()
    said = (captured.out + captured.err + heard.getvalue() + repr((reports, last))).encode()
    searched = [*every_text(home), ("said", said)]
    assert [place for place, text in searched for canary in canaries if canary in text] == []


def test_the_search_itself_finds_what_is_there(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "x.db") as database:
        database.execute("create table t (b blob)")
        database.execute("insert into t values (?)", [zlib.compress(b"xx" + STORED.encode())])
    assert any(STORED.encode() in text for _, text in every_text(tmp_path))
