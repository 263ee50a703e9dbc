"""What the access commands cannot answer is said in one message, with exit code 1 and without a traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.access.access_shop import ACCOUNT, CANARY, CONFIG, OTHER, STACK, TOKEN, WORKER, AccessShop
from tests.runs import assert_exited

ABOUT_A_STACK = {
    "matrix": ("access", "matrix"),
    "explain": ("access", "explain", "--principal", WORKER, "--secret", TOKEN),
    "reach": ("access", "reach", "--principal", WORKER),
}
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/i-0123456789"
NO_PRINCIPAL = {
    "no ARN": "worker",
    "empty": "",
    "a service": "lambda.amazonaws.com",
    "another service's": "arn:aws:s3:::bucket",
    "a group": f"arn:aws:iam::{ACCOUNT}:group/admins",
    "no name": f"arn:aws:iam::{ACCOUNT}:role/",
    "no account": "arn:aws:iam::12:role/worker",
    "a wildcard": f"arn:aws:iam::{ACCOUNT}:role/*",
}


def failed(shop: AccessShop, *arguments: str | Path) -> str:
    """The message of a command that fails: one error, nothing on stdout."""
    result = shop.run(*arguments)
    assert_exited(result, 1)
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert "is a bug" not in result.stderr
    assert result.stderr.count("error: ") + result.stderr.count("\nError: ") == 1, result.stderr
    assert CANARY not in result.stderr
    return result.stderr


@pytest.mark.parametrize("command", ABOUT_A_STACK)
def test_an_unknown_stack_is_named(access_shop: AccessShop, command: str) -> None:
    said = failed(access_shop, *ABOUT_A_STACK[command], "-s", "shop-nowhere")
    assert "there is no stack 'shop-nowhere'" in said
    assert access_shop.calls == ()


def test_an_unknown_stack_has_neither_snapshot_nor_policies(access_shop: AccessShop, tmp_path: Path) -> None:
    file = tmp_path / "audit.json"
    assert "'shop-nowhere'" in failed(access_shop, "access", "snapshot", "-s", "shop-nowhere", "-o", file)
    assert not file.exists()
    assert "'shop-nowhere'" in failed(access_shop, "access", "policy", "-s", "shop-nowhere", "--consumer", "worker")
    assert access_shop.calls == ()


def test_an_unknown_secret_is_named_with_and_without_a_stack(access_shop: AccessShop) -> None:
    ask = ("access", "explain", "--principal", WORKER, "--secret", "shop/dev/api/tokn")
    said = failed(access_shop, *ask)
    assert "no stack declares a secret shop/dev/api/tokn\n  Did you mean shop/dev/api/token" in said
    assert access_shop.calls == ()
    assert "there is no secret shop/dev/api/tokn" in failed(access_shop, *ask, "-s", STACK)


def test_a_secret_that_is_declared_and_was_never_made_is_not_there(access_shop: AccessShop) -> None:
    said = failed(access_shop, "access", "explain", "--principal", WORKER, "--secret", "shop/west/api/token")
    assert "there is no secret shop/west/api/token" in said


def test_a_secret_of_a_stack_with_errors_is_not_said_to_be_nobodys(access_shop: AccessShop) -> None:
    stack = access_shop.folder / "atmos" / "stacks" / "west.yaml"
    kept = stack.read_text()
    stack.write_text(kept.replace("generate_random_password: true", "no_such_key: 1"))
    try:
        said = failed(access_shop, "access", "explain", "--principal", WORKER, "--secret", "shop/west/api/token")
    finally:
        stack.write_text(kept)
    assert "stacks with errors were not looked at: shop-west" in said


@pytest.mark.parametrize("more", [(), ("--offline",)])
def test_an_unknown_consumer_is_named_beside_those_there_are(access_shop: AccessShop, more: tuple[str, ...]) -> None:
    said = failed(access_shop, "access", "policy", "-s", STACK, "--consumer", "wroker", *more)
    assert f"stack {STACK} has no consumer wroker\n  Its consumers: partner, worker." in said
    assert access_shop.calls == ()


@pytest.mark.parametrize("named", NO_PRINCIPAL)
@pytest.mark.parametrize("command", ["explain", "reach"])
def test_what_is_no_principal_is_not_said_to_read_nothing(access_shop: AccessShop, command: str, named: str) -> None:
    arn = NO_PRINCIPAL[named]
    ask = ("access", command, "-s", STACK, "--principal", arn, *(("--secret", TOKEN) if command == "explain" else ()))
    assert f"error: {arn!r} is no ARN of a role, of a user or of an account's root" in failed(access_shop, *ask)
    assert access_shop.calls == ()


def test_a_session_as_cloudtrail_names_it_is_led_back_to_its_role(access_shop: AccessShop) -> None:
    said = failed(access_shop, "access", "reach", "-s", STACK, "--principal", SESSION)
    assert f"{SESSION} is a session of a role\n" in said
    assert f"arn:aws:iam::{ACCOUNT}:role/worker." in said


Spoil = Callable[[Path], object]


def folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


NO_SNAPSHOTS: dict[str, tuple[Spoil, str]] = {
    "missing": (Path.unlink, "does not exist"),
    "a folder": (folder, "is a directory"),
    "empty": (lambda file: file.write_text(""), "is not a snapshot"),
    "not JSON": (lambda file: file.write_text("principals: many"), "is not a snapshot"),
    "not text": (lambda file: file.write_bytes(b"\xff\xfe\x00"), "is not a snapshot"),
    "truncated": (lambda file: file.write_text(file.read_text()[:-200]), "is not a snapshot"),
    "another document": (lambda file: file.write_text('["format"]'), "is not a snapshot"),
    "half of one": (lambda file: file.write_text('{"format": 2}'), "is not a snapshot: account_id, accounts"),
    "a later format": (lambda file: file.write_text('{"format": 3}'), "is a snapshot of format 3"),
}


@pytest.mark.parametrize("spoilt", NO_SNAPSHOTS)
@pytest.mark.parametrize("command", ABOUT_A_STACK)
def test_a_file_that_is_no_snapshot_is_refused(
    access_shop: AccessShop, tmp_path: Path, spoilt: str, command: str
) -> None:
    file, (spoil, reason) = tmp_path / "a.json", NO_SNAPSHOTS[spoilt]
    file.write_text(json.dumps({"format": 2, "secrets": [], "filler": "x" * 1000}))
    spoil(file)
    said = failed(access_shop, *ABOUT_A_STACK[command], "-s", STACK, "--snapshot", file)
    assert reason in " ".join(said.split())
    assert access_shop.calls == ()


@pytest.mark.parametrize(("field", "wrong"), [("account_id", OTHER), ("region", "eu-west-1")])
@pytest.mark.parametrize("command", ABOUT_A_STACK)
def test_a_snapshot_of_another_account_or_region_is_refused(
    access_shop: AccessShop, tmp_path: Path, field: str, wrong: str, command: str
) -> None:
    file = tmp_path / "audit.json"
    access_shop.run("access", "snapshot", "-s", STACK, "-o", file)
    file.write_text(json.dumps({**json.loads(file.read_text()), field: wrong}))
    said = failed(access_shop, *ABOUT_A_STACK[command], "-s", STACK, "--snapshot", file)
    assert f"stack {STACK} lives in account {ACCOUNT}, region eu-west-2" in said
    assert f"secrets-pipeline access snapshot -s {STACK} -o FILE" in said
    assert wrong in said
    assert access_shop.calls == ()


@pytest.mark.parametrize("stack", ["shop-west", "shop-other"])
def test_a_snapshot_serves_no_stack_of_another_place(access_shop: AccessShop, tmp_path: Path, stack: str) -> None:
    file = tmp_path / "audit.json"
    access_shop.run("access", "snapshot", "-s", STACK, "-o", file)
    said = failed(access_shop, "access", "matrix", "-s", stack, "--snapshot", file)
    assert f"the snapshot is of account {ACCOUNT}, region eu-west-2; stack {stack} lives in account" in said


def test_a_snapshot_that_cannot_be_written_says_where(access_shop: AccessShop, tmp_path: Path) -> None:
    file = tmp_path / "missing" / "audit.json"
    said = failed(access_shop, "access", "snapshot", "-s", STACK, "-o", file)
    assert f"the snapshot {file} cannot be written: No such file or directory" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ABOUT_A_STACK)
def test_credentials_of_another_account_are_refused_before_anything_is_read(
    access_shop: AccessShop, command: str
) -> None:
    said = failed(access_shop, *ABOUT_A_STACK[command], "-s", "shop-other")
    assert f"stack shop-other belongs to account {OTHER}, but the credentials belong to {ACCOUNT}" in said
    assert {call.service for call in access_shop.calls} == {"sts"}


def test_a_mistyped_form_is_refused_without_a_call(access_shop: AccessShop) -> None:
    assert "'svg'" in failed(access_shop, "access", "matrix", "-s", STACK, "--format", "png")
    assert "'svg'" not in failed(access_shop, *ABOUT_A_STACK["reach"], "-s", STACK, "--format", "csv")
    assert access_shop.calls == ()


def test_a_secret_of_two_stacks_asks_which_one_is_meant(access_shop: AccessShop) -> None:
    stacks = access_shop.folder / "atmos" / "stacks"
    dev = (stacks / "dev.yaml").read_text()
    (stacks / "twin.yaml").write_text("name: shop-twin\n" + dev.replace("region: eu-west-2", "region: eu-west-1"))
    ask = ("access", "explain", "--principal", WORKER, "--secret", CONFIG)
    try:
        said = failed(access_shop, *ask)
        meant = access_shop.run(*ask, "-s", STACK)
    finally:
        (stacks / "twin.yaml").unlink()
    assert f"stacks {STACK}, shop-twin declare {CONFIG}\n  Say with -s" in said
    assert meant.stdout.startswith("role worker of ")
