"""What goes wrong is said clearly, before AWS is called where it can be, and never hides the rest."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest
import yaml

from secrets_pipeline import emulator
from secrets_pipeline.operations.open_repository import open_repository
from secrets_pipeline.orchestration.in_process.running import provision
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from tests.runs import assert_applied

READS = ("Describe", "List", "Get", "GenerateMac")
Edit = Callable[[dict[str, object]], None]


@pytest.fixture
def edited(tmp_path: Path, repository: Path) -> Callable[[str, str, str], Path]:
    """A copy of the repository with one text replaced in one file."""

    def edit(file: str, old: str, new: str) -> Path:
        copy = tmp_path / "edited"
        shutil.copytree(repository, copy)
        path = copy / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
        return copy

    return edit


def writes(aws: emulator.LocalAws) -> list[str]:
    return [call.operation for call in emulator.calls(aws) if not call.operation.startswith(READS)]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "generate_random_password: true",
            "generate_random_pasword: true",
            ["_defaults.yaml", "secretsmanager/database", "generate_random_pasword", "generate_random_password"],
        ),
        (
            "          LOG_LEVEL: info",
            "          LEAK: !terraform.state secretsmanager/api secret_values.api_key",
            ["_defaults.yaml", "lambda/worker", "environment_variables"],
        ),
        (
            "default_kms_key_id: !terraform.state kms key_arn\n        secrets:\n          # The",
            'default_kms_key_id: "alias/somebody"\n        secrets:\n          # The',
            ["secretsmanager/database", "444455556666", "ARN"],
        ),
    ],
    ids=["misspelt key", "secret at a plain sink", "foreign reader without key ARN"],
)
def test_bad_input_is_refused_with_place_and_remedy_before_any_call(
    aws: emulator.LocalAws, edited: Callable[[str, str, str], Path], old: str, new: str, said: list[str]
) -> None:
    repository = edited("stacks/orgs/acme/myapp/_defaults.yaml", old, new)
    emulator.reset_calls(aws)
    report, _ = provision("myapp-dev", base_path=repository, options=ApplyOptions())
    assert not report.success
    for text in said:
        assert text in (report.error or "")
    assert emulator.calls(aws) == ()


def test_references_that_nobody_can_resolve_block_their_secrets_and_the_run_names_place_and_remedy(
    aws: emulator.LocalAws, boto: boto3.Session, edited: Callable[[str, str, str], Path]
) -> None:
    file = "stacks/orgs/acme/myapp/_defaults.yaml"
    repository = edited(file, "!terraform.state rds address", "!terraform.state rsd address")
    text = (repository / file).read_text()
    (repository / file).write_text(text.replace("secret_values.api_key", "secret_values.oauth_config.client_secret", 1))
    report, _ = provision("myapp-prod", base_path=repository, options=ApplyOptions())
    assert not report.success
    unknown = "_defaults.yaml:50, stack myapp-prod, component secretsmanager/database, key vars.secrets.connection"
    for said in (unknown, "Did you mean rds?", "key vars.secrets.oauth_config.secret_data", "circular reference"):
        assert said in (report.error or "")
    others = {"myapp/prod/database/credentials", "myapp/prod/api/api-key"}
    made = {one["Name"] for one in boto.client("secretsmanager").list_secrets(MaxResults=100)["SecretList"]}
    assert {name for name in made if name.startswith("myapp/prod/")} == others
    assert {row["name"] for row in report.rows if row["stage"] == "secrets" and row["outcome"] == "applied"} == others


def test_broken_yaml_names_file_and_line_and_leaves_other_stacks_usable(
    aws: emulator.LocalAws, edited: Callable[[str, str, str], Path]
) -> None:
    repository = edited("stacks/orgs/acme/myapp/prod.yaml", "components:\n", "components: [\n")
    desired = open_repository(repository)
    text = "\n".join(error.diagnostics() for errors in desired.errors.values() for error in errors)
    assert "stacks/orgs/acme/myapp/prod.yaml" in text
    assert "myapp-dev" in desired.specs
    assert "myapp-prod" not in desired.specs


def test_the_wrong_account_stops_the_run_before_the_first_write(
    aws: emulator.LocalAws, edited: Callable[[str, str, str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = edited("stacks/orgs/acme/_defaults.yaml", 'account_id: "111122223333"', 'account_id: "999999999999"')
    settings = tmp_path / "operator.yaml"
    grants = {"preset": "single-team", "readers": "*"}
    targets = [{"stacks": "*", "account_id": "999999999999"}]
    settings.write_text(yaml.safe_dump({"grants": grants, "targets": targets}))
    monkeypatch.setenv("SECRETS_PIPELINE_CONFIG", str(settings))
    emulator.reset_calls(aws)
    report, _ = provision("myapp-dev", base_path=repository, options=ApplyOptions())
    assert not report.success
    assert "999999999999" in (report.error or "")
    assert "111122223333" in (report.error or "")
    assert [(call.operation, call.count) for call in emulator.calls(aws)] == [("GetCallerIdentity", 1)]


def test_a_read_only_run_writes_nothing(
    aws: emulator.LocalAws, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRETS_PIPELINE_READ_ONLY", "1")
    emulator.reset_calls(aws)
    report, _ = provision("infra-shared", base_path=repository, options=ApplyOptions())
    assert not report.success
    assert "read-only" in (report.error or "")
    assert writes(aws) == []


def test_one_secret_that_fails_leaves_the_others_applied_and_the_run_failed(
    aws: emulator.LocalAws, repository: Path
) -> None:
    # Somebody else's secret sits under one name; another one's key is disabled.
    client = boto3.client("secretsmanager")
    client.create_secret(Name="myapp/dev/api/api-key", SecretString="theirs")
    report, checks = provision("myapp-dev", base_path=repository, options=ApplyOptions())
    outcomes = {(row["stage"], row["name"]): row for row in report.rows}
    blocked = outcomes["secrets", "myapp/dev/api/api-key"]
    assert blocked["outcome"] == "skipped"
    assert "`apply -s myapp-dev --adopt myapp/dev/api/api-key`" in blocked["detail"]
    assert outcomes["secrets", "myapp/dev/api/oauth-config"]["outcome"] == "skipped"
    assert outcomes["secrets", "myapp/dev/database/credentials"]["outcome"] == "applied"
    assert outcomes["connection_secrets", "myapp/dev/database/connection"]["outcome"] == "applied"
    assert client.get_secret_value(SecretId="myapp/dev/api/api-key")["SecretString"] == "theirs"
    assert not all(check.passed for check in checks)

    adopted, _ = provision("myapp-dev", base_path=repository, options=ApplyOptions(adopt=("*",)))
    assert_applied(adopted)
    assert client.get_secret_value(SecretId="myapp/dev/api/api-key")["SecretString"] == "theirs"
    oauth = json.loads(client.get_secret_value(SecretId="myapp/dev/api/oauth-config")["SecretString"])
    assert oauth["client_secret"] == "theirs"
    again, checks = provision("myapp-dev", base_path=repository, options=ApplyOptions())
    assert {row["outcome"] for row in again.rows} == {"unchanged"}
    assert all(check.passed for check in checks)


def test_a_dead_key_fails_the_run_with_the_secrets_under_it_and_the_next_run_finishes(
    aws: emulator.LocalAws, repository: Path
) -> None:
    kms = boto3.client("kms")
    provision("myapp-prod", base_path=repository, options=ApplyOptions())
    client = boto3.client("secretsmanager")
    client.delete_secret(SecretId="myapp/prod/api/api-key", ForceDeleteWithoutRecovery=True)
    key = client.describe_secret(SecretId="myapp/prod/api/oauth-config")["KmsKeyId"]
    kms.disable_key(KeyId=key)
    report, _ = provision("myapp-prod", base_path=repository, options=ApplyOptions())
    assert not report.success
    failed = [row for row in report.rows if row["outcome"] == "failed"]
    assert [(row["stage"], row["name"]) for row in failed] == [("kms_keys", "alias/myapp-prod")]
    for text in ("is Disabled", "myapp/prod/api/api-key", "myapp/prod/api/oauth-config"):
        assert text in (report.error or "")
    outcomes = {row["name"]: row["outcome"] for row in report.rows if row["stage"] == "secrets"}
    assert outcomes["myapp/prod/api/api-key"] == "skipped"
    assert any(row["outcome"] == "unchanged" for row in report.rows)
    kms.enable_key(KeyId=key)
    report, checks = provision("myapp-prod", base_path=repository, options=ApplyOptions())
    assert_applied(report)
    assert all(check.passed for check in checks)


def test_what_belongs_to_others_is_never_read_into_a_secret_of_ours(aws: emulator.LocalAws, repository: Path) -> None:
    client = boto3.client("secretsmanager")
    client.create_secret(Name="infra/shared/network/vpn-pre-shared-key", SecretString="FOREIGN")
    emulator.reset_calls(aws)
    report, _ = provision("infra-shared", base_path=repository, options=ApplyOptions())
    assert "GetSecretValue" not in {call.operation for call in emulator.calls(aws)}
    outcomes = {row["name"]: row["outcome"] for row in report.rows if row["stage"] == "secrets"}
    assert outcomes["infra/shared/network/vpn-config"] == "skipped"
    names = [entry["Name"] for entry in client.list_secrets(MaxResults=100)["SecretList"]]
    assert "infra/shared/network/vpn-config" not in names


def test_nothing_is_pruned_while_a_stack_cannot_be_read(
    aws: emulator.LocalAws, edited: Callable[[str, str, str], Path], repository: Path
) -> None:
    provision("infra-shared", base_path=repository, options=ApplyOptions(adopt=("*",)))
    broken = edited("stacks/orgs/acme/myapp/prod.yaml", "components:\n", "components: [\n")
    shared = broken / "stacks/orgs/acme/infra/shared.yaml"
    text = shared.read_text()
    shared.write_text(text[: text.index("          # The generated part")] + text[text.index("        consumers:") :])
    kept = [line for line in shared.read_text().splitlines() if "pre_shared_key" not in line]
    shared.write_text("\n".join(kept).replace("type: vpn-config", "type: generic") + "\n")
    client = boto3.client("secretsmanager")
    report, _ = provision("infra-shared", base_path=broken, options=ApplyOptions(prune=True))
    assert report.rows, report.error
    orphan = next(row for row in report.rows if row["name"] == "infra/shared/network/vpn-pre-shared-key")
    assert orphan["outcome"] == "skipped"
    assert "while a stack or an import cannot be read" in orphan["detail"]
    assert "DeletedDate" not in client.describe_secret(SecretId="infra/shared/network/vpn-pre-shared-key")
