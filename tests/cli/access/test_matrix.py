"""`access matrix`: what it says of each pair is what AWS answers when that role asks."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from secrets_pipeline.cli.demo.call_counts import call_counts
from secrets_pipeline.emulator import ADMINISTRATOR_ROLE
from tests.cli.access.access_shop import (
    ACCOUNT,
    AUDITOR,
    CANARY,
    CONFIG,
    DECRYPT,
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

SVG = "{http://www.w3.org/2000/svg}"
SECRETS = (TOKEN, CONFIG)
MATRIX = ("access", "matrix", "-s", STACK)


def refuses(answer: str) -> str:
    """The verdict that AWS's own answer amounts to."""
    if answer == "read":
        return "Allowed"
    assert answer.startswith("AccessDeniedException: "), answer
    return "DeniedByKms" if "Access to KMS is not allowed" in answer else "DeniedBySecretsManager"


def test_every_verdict_is_the_answer_of_aws(access_shop: AccessShop) -> None:
    worker, partner = allow(READ, DECRYPT), allow(READ, DECRYPT)
    auditor = (allow(READ), deny(DECRYPT))
    with (
        access_shop.policy(WORKER, worker),
        access_shop.policy(PARTNER, partner),
        access_shop.policy(AUDITOR, *auditor),
    ):
        found = access_shop.readings("--everybody")
        pairs = [(arn, secret) for arn in (WORKER, PARTNER, AUDITOR, STRANGER) for secret in SECRETS]
        said = {pair: found[pair]["verdict"] for pair in pairs}
        answered = {pair: refuses(access_shop.answer(*pair)) for pair in pairs}
    assert said == answered
    assert set(said.values()) == {"Allowed", "DeniedByKms", "DeniedBySecretsManager"}


def test_a_policy_that_comes_and_goes_changes_verdict_layer_policy_and_statement(access_shop: AccessShop) -> None:
    def said() -> tuple[Any, ...]:
        one = access_shop.readings()[WORKER, TOKEN]
        return one["verdict"], one["layer"], one["policy"], one["statement"]

    assert said() == ("DeniedBySecretsManager", "identity policy", "", "")
    with access_shop.policy(WORKER, allow(READ, DECRYPT, sid="Tokens"), name="tea+milk"):
        assert said() == ("Allowed", "identity policy", "inline policy tea+milk", "Tokens")
        with access_shop.policy(WORKER, deny(READ, sid="Closed"), name="stop"):
            assert said() == ("DeniedBySecretsManager", "identity policy", "inline policy stop", "Closed")
        with access_shop.key_policy(
            allow("kms:*", sid="Root", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}),
            deny(DECRYPT, sid="NotHim", Principal={"AWS": WORKER}),
        ):
            assert said() == ("DeniedByKms", "key policy", "key policy", "NotHim")
        assert said()[0] == "Allowed"
    assert said()[0] == "DeniedBySecretsManager"


def test_the_json_has_the_vote_of_every_layer_on_both_calls(access_shop: AccessShop) -> None:
    with access_shop.policy(WORKER, allow(READ, DECRYPT)):
        votes = access_shop.readings()[WORKER, TOKEN]["votes"]
    by_action = {
        action: {vote["layer"]: vote["outcome"] for vote in votes if vote["action"] == action}
        for action in (READ, DECRYPT)
    }
    assert by_action[READ]["identity policy"] == by_action[DECRYPT]["identity policy"] == "allows"
    assert by_action[DECRYPT]["key policy"] == "allows"
    layers = {"service control policy", "resource control policy", "permissions boundary", "session policy"}
    assert layers <= set(by_action[READ])
    assert layers <= set(by_action[DECRYPT])


def test_only_consumers_are_shown_unless_everybody_is_asked_for(access_shop: AccessShop) -> None:
    assert {arn for arn, _ in access_shop.readings()} == {WORKER, PARTNER}
    roles = {
        role["Arn"]
        for arn in (WORKER, PARTNER)
        for page in access_shop.iam(arn).get_paginator("list_roles").paginate()
        for role in page["Roles"]
    }
    assert roles >= {WORKER, PARTNER, AUDITOR, STRANGER}
    assert {arn for arn, _ in access_shop.readings("--everybody")} == roles


def test_a_matrix_writes_nothing_and_reads_no_value(access_shop: AccessShop) -> None:
    result = access_shop.run(*MATRIX, "--everybody", "--format", "json")
    assert call_counts(access_shop.calls).idle
    assert CANARY not in result.output


def test_the_csv_has_the_same_rows_as_the_json(access_shop: AccessShop) -> None:
    with access_shop.policy(AUDITOR, allow(READ), deny(DECRYPT)):
        expected = list(access_shop.readings("--everybody").values())
        result = access_shop.run(*MATRIX, "--everybody", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert rows == [{name: one[name] for name in rows[0]} for one in expected]
    assert set(rows[0]) == {"principal", "secret", "verdict", "layer", "policy", "statement", "reason", "expected"}
    assert len(rows) > len(SECRETS)


def readers(lines: Sequence[str]) -> dict[str, list[str]]:
    """The lines below each reader."""
    found: dict[str, list[str]] = {}
    for line in lines:
        if line.startswith("role "):
            below = found.setdefault(line.split(" of ")[0], [])
        elif line.startswith("    "):
            below.append(line.strip())
    return found


def test_the_table_marks_what_is_not_as_declared_and_says_why(access_shop: AccessShop) -> None:
    with access_shop.policy(WORKER, allow(READ, DECRYPT)), access_shop.policy(AUDITOR, allow(READ), deny(DECRYPT)):
        lines = access_shop.run(*MATRIX, "--everybody").stdout.splitlines()
    blocks = readers(lines)
    assert blocks["role worker"] == ["reads: api/token", "! reads: api/config (not declared)"]
    assert blocks["role partner"] == [
        "reads: nothing",
        "does not read: api/token (denied by Secrets Manager)",
        "! does not read: api/config (denied by Secrets Manager)",
    ]
    assert blocks["role auditor"] == ["reads: nothing", "does not read: api/token, api/config (denied by KMS)"]
    assert blocks["role stranger"] == [
        "reads: nothing",
        "does not read: api/token, api/config (denied by Secrets Manager)",
    ]
    said = [line for line in lines if line.startswith("! ")]
    assert [line.split(":")[0] for line in said] == [
        f"! role worker of {ACCOUNT} can read {CONFIG}",
        f"! role partner of {OTHER} cannot read {CONFIG}",
    ]


def test_administrators_are_told_together_with_the_setting_that_allows_them(access_shop: AccessShop) -> None:
    everything = allow("*")
    with access_shop.policy(STRANGER, everything), access_shop.policy(AUDITOR, everything):
        found = access_shop.readings("--everybody")
        lines = access_shop.run(*MATRIX, "--everybody").stdout.splitlines()
    assert {arn for (arn, _), one in found.items() if one["administrator"]} == {STRANGER, AUDITOR}
    said = [line for line in lines if line.startswith("! ") and "cannot read" not in line]
    operators = f"arn:aws:iam::*:role/{ADMINISTRATOR_ROLE}"
    assert len(said) == 1
    assert said[0].startswith("! 2 administrators of the account can read 2 secrets, and access.allowed_readers does ")
    assert said[0].endswith(f'access: {{allowed_readers: ["{operators}", "{AUDITOR}", "{STRANGER}"]}}')


def test_whoever_is_merely_allowed_to_read_is_no_surprise_where_he_cannot(access_shop: AccessShop) -> None:
    """The operator's settings let that role read; nobody says that it must."""
    administrator = f"arn:aws:iam::{OTHER}:role/{ADMINISTRATOR_ROLE}"
    one = access_shop.readings("--everybody")[administrator, TOKEN]
    assert (one["verdict"], one["expected"]) == ("DeniedBySecretsManager", "")
    block = readers(access_shop.run(*MATRIX, "--everybody").stdout.splitlines())[f"role {ADMINISTRATOR_ROLE}"]
    assert block
    assert not [line for line in block if line.startswith("!")]


def test_the_picture_is_xml_with_a_cell_for_each_pair_and_escapes_what_it_quotes(access_shop: AccessShop) -> None:
    sid = "Not <him> & 'her'"
    statements = (
        allow("kms:*", sid="Root", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}),
        deny(DECRYPT, sid=sid, Principal={"AWS": WORKER}),
    )
    with access_shop.policy(WORKER, allow(READ, DECRYPT)), access_shop.key_policy(*statements):
        found = access_shop.readings("--everybody")
        drawn = access_shop.run(*MATRIX, "--everybody", "--format", "svg").stdout
    svg = ET.fromstring(drawn)  # noqa: S314 - our own
    assert svg.tag == f"{SVG}svg"
    tips = [cell.findtext(f"{SVG}title", "") for cell in svg.findall(f"{SVG}g")]
    assert len(tips) == len(found)
    names = [(f"role {arn.rsplit('/', 1)[-1]} of {arn.split(':')[4]}", secret) for arn, secret in found]
    assert sorted(tip.split(":")[0] for tip in tips) == sorted(f"{who} → {secret}" for who, secret in names)
    why = f"the key policy (statement {sid}) denies {DECRYPT}"
    assert f"role worker of {ACCOUNT} → {TOKEN}: denied, though declared: {why}" in tips
    words = {text.text for text in svg.findall(f"{SVG}text")}
    assert words >= {who for who, _ in names} | set(SECRETS) | {f"Who can read in {STACK}"}


def test_secrets_have_whole_names_if_their_ends_are_alike(access_shop: AccessShop) -> None:
    stack = access_shop.folder / "atmos" / "stacks" / "dev.yaml"
    kept = stack.read_text()
    alike = "twin: {name: token, path: eu/api, generate_random_password: true}"
    names = ("shop/dev/eu/api/token", TOKEN)
    stack.write_text(kept.replace("token:\n", f"{alike}\n          token:\n", 1))
    client = access_shop.client("secretsmanager")
    client.create_secret(Name=names[0], SecretString="x")
    try:
        lines = access_shop.run(*MATRIX).stdout.splitlines()
    finally:
        client.delete_secret(SecretId=names[0], ForceDeleteWithoutRecovery=True)
        stack.write_text(kept)
    said = " ".join(line for lines in readers(lines).values() for line in lines)
    assert all(name in said for name in (*names, "api/config"))


@pytest.mark.parametrize("output", ["table", "json", "csv", "svg"])
def test_a_stack_without_secrets_or_consumers_says_so_beside_an_empty_matrix(
    access_shop: AccessShop, output: str
) -> None:
    result = access_shop.run("access", "matrix", "-s", "shop-west", "--format", output)
    assert_exited(result)
    assert "not there, so nobody reads it: shop/west/api/token" in result.stderr
    assert "shop-west declares no consumers" in result.stderr
    assert "not there" not in result.stdout
