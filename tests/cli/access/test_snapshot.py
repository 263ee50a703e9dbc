"""`access snapshot`, and its replay: the same answers to the byte, without AWS."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from secrets_pipeline.cli.demo.call_counts import call_counts
from tests.cli.access.access_shop import (
    AUDITOR,
    CANARY,
    CONFIG,
    DECRYPT,
    LEGACY,
    OTHER,
    PARTNER,
    READ,
    STACK,
    STRANGER,
    TOKEN,
    WORKER,
    AccessShop,
    allow,
    deny,
)
from tests.runs import assert_exited

JSON = ("--format", "json")
QUESTIONS = {
    "matrix": ("access", "matrix", "-s", STACK, "--everybody", *JSON),
    "explain": ("access", "explain", "-s", STACK, "--principal", WORKER, "--secret", TOKEN, *JSON),
    "explain of a secret alone": ("access", "explain", "--principal", AUDITOR, "--secret", CONFIG, *JSON),
    "reach": ("access", "reach", "-s", STACK, "--principal", AUDITOR, *JSON),
}
NOWHERE = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}


@pytest.fixture(scope="module")
def answered(access_shop: AccessShop, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A snapshot of readers of each kind, and what AWS itself was found to say to each question then."""
    file = tmp_path_factory.mktemp("snapshot") / "audit.json"
    with (
        access_shop.policy(WORKER, allow(READ, DECRYPT)),
        access_shop.policy(PARTNER, allow(READ, DECRYPT)),
        access_shop.policy(AUDITOR, allow(READ), deny(DECRYPT, resource=access_shop.key())),
    ):
        taken = access_shop.run("access", "snapshot", "-s", STACK, "-o", file)
        assert_exited(taken)
        assert call_counts(access_shop.calls).idle
        return file, {name: access_shop.run(*question).stdout for name, question in QUESTIONS.items()}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_replay_calls_nobody_and_prints_the_same_bytes(
    access_shop: AccessShop, answered: tuple[Path, dict[str, str]], name: str
) -> None:
    """By now every policy is gone again: what is replayed can only come from the file."""
    file, said = answered
    replay = access_shop.run(*QUESTIONS[name], "--snapshot", file)
    assert access_shop.calls == ()
    assert_exited(replay)
    assert replay.stdout == said[name]
    assert access_shop.run(*QUESTIONS[name]).stdout != said[name]
    assert access_shop.calls != ()


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_replay_needs_neither_credentials_nor_a_network(
    access_shop: AccessShop, answered: tuple[Path, dict[str, str]], name: str
) -> None:
    file, said = answered
    assert access_shop.run(*QUESTIONS[name], "--snapshot", file, **NOWHERE).stdout == said[name]
    assert_exited(access_shop.run(*QUESTIONS[name], **NOWHERE), 1)


@pytest.mark.parametrize("output", ["table", "csv", "svg"])
def test_every_form_of_the_matrix_is_replayed(
    access_shop: AccessShop, answered: tuple[Path, dict[str, str]], output: str
) -> None:
    file, _ = answered
    matrix = ("access", "matrix", "-s", STACK, "--snapshot", file, "--format", output)
    result = access_shop.run(*matrix)
    assert (result.exit_code, access_shop.calls) == (0, ())
    assert result.stdout == access_shop.run(*matrix).stdout
    assert "worker" in result.stdout


def test_a_snapshot_holds_everybody_and_everything_but_no_value(
    access_shop: AccessShop, answered: tuple[Path, dict[str, str]]
) -> None:
    file, _ = answered
    text = file.read_text()
    secrets = access_shop.client("secretsmanager")
    for name in (TOKEN, CONFIG, LEGACY):
        assert secrets.get_secret_value(SecretId=name)["SecretString"] not in text
    assert CANARY not in text
    document = json.loads(text)
    assert {one["name"] for one in document["secrets"]} == {TOKEN, CONFIG, LEGACY}
    known = {one["arn"] for account in document["accounts"].values() for one in account["principals"]}
    assert known >= {WORKER, PARTNER, AUDITOR, STRANGER}
    assert set(document["accounts"]) == {WORKER.split(":")[4], OTHER}


def test_a_snapshot_is_its_owners_alone_says_what_it_holds_and_replaces_an_older_one(
    access_shop: AccessShop, tmp_path: Path
) -> None:
    file = tmp_path / "audit.json"
    file.write_text("an older one")
    result = access_shop.run("access", "snapshot", "-s", STACK, "--output", file)
    document = json.loads(file.read_text())
    principals = sum(len(account["principals"]) for account in document["accounts"].values())
    counts = f"{len(document['secrets'])} secrets, {len(document['keys'])} keys, {principals} roles and users"
    assert result.stdout == f"{file}: {counts} of 2 accounts\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["audit.json"]


def test_a_snapshot_keeps_what_could_not_be_read_as_such(access_shop: AccessShop, tmp_path: Path) -> None:
    """Without a role for the other account, its principals are unknown, in the file as well."""
    file, settings = tmp_path / "audit.json", tmp_path / "operator.yaml"
    target = f'{{stacks: "*", account_id: "{WORKER.split(":")[4]}"}}'
    settings.write_text(
        "grants: {preset: single-team, readers: ['*']}\n"
        f"targets: [{target}]\naccess: {{organization_policies: allow}}\n"
    )
    blind = {"SECRETS_PIPELINE_CONFIG": str(settings)}
    note = "note: not read: no role is named under access.accounts of the operator's settings"
    assert note in access_shop.run("access", "snapshot", "-s", STACK, "-o", file, **blind).stderr
    replay = access_shop.run("access", "matrix", "-s", STACK, "--snapshot", file, *JSON, **blind)
    assert note in replay.stderr
    verdicts = {(one["principal"], one["secret"]): one["verdict"] for one in json.loads(replay.stdout)["readings"]}
    assert verdicts[PARTNER, CONFIG] == "Unknown"
    assert verdicts[WORKER, TOKEN] == "DeniedBySecretsManager"
