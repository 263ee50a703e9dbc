"""A default, or a literal of yq, may be a secret: what shows references shows neither."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import Cli, write
from tests.cli.plan.test_terraform_states import STATES

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "canary-default-Qx7"
SHOWN = {
    f'!env API_TOKEN "{CANARY}"': "!env API_TOKEN",
    f"!terraform.state vpc '.pw // \"{CANARY}\"'": "!terraform.state vpc pw",
    f"!terraform.state vpc .pw // {CANARY}": "!terraform.state vpc pw",
    f"!terraform.output nowhere .pw // {CANARY}": "!terraform.output nowhere pw",
    f"!terraform.output vpc shop-dev .pw // {CANARY}": "!terraform.output vpc shop-dev pw",
    f"!terraform.state vpc '.x | select(. == \"{CANARY}\")'": "!terraform.state",
    f"!store.get team k | default {CANARY}": "!store.get team k",
    f"!store team vpc k | default {CANARY}": "!store team vpc k",
    f"!store.get team k | query '.x // \"{CANARY}\"'": "!store.get team k",
    f"!secret TOKEN | default {CANARY}": "!secret TOKEN",
    f"!exec echo {CANARY}": "!exec",
    f"!random {CANARY}": "!random",
}
HEAD = STATES[: STATES.index("              network:")]
MORE = {"json": ("--format", "json"), "markdown": ("--format", "markdown"), "table": ()}


@pytest.mark.parametrize("written", SHOWN)
@pytest.mark.parametrize("output", MORE.values(), ids=MORE)
def test_a_plan_shows_what_is_named_and_no_default(
    cli: Cli, repository: Path, written: str, output: tuple[str, ...]
) -> None:
    write(repository / "stacks" / "dev.yaml", f"{HEAD}              s: {{secret_data: {{v: {quoted(written)}}}}}\n")
    for arguments in (("plan", "--offline", *output), ("tree", *output[:2]), ("list", "secrets")):
        result = cli(*arguments, "--base-path", repository)
        assert CANARY not in result.stdout + result.stderr
        if "json" in arguments and arguments[0] == "plan":
            assert json.dumps(SHOWN[written])[1:-1] in result.stdout


LATE = (f"${{output.vpc.id | default('{CANARY}')}}", f"{CANARY}${{output.kms.key_id}}", f"{CANARY}${{ssm:/x}}")


@pytest.mark.parametrize("written", [*SHOWN, *LATE])
def test_an_error_about_a_value_that_is_known_too_late_shows_no_default(
    cli: Cli, repository: Path, written: str
) -> None:
    key = "        kms: {vars: {alias: x}}\n"
    more = f"              s: {{generate_random_password: true, description: {quoted(written)}}}\n"
    write(repository / "stacks" / "dev.yaml", HEAD.replace("        vpc:\n", f"{key}        vpc:\n") + more)
    result = cli("plan", "--offline", "--base-path", repository)
    assert CANARY not in result.stdout + result.stderr


def quoted(written: str) -> str:
    """The function with its arguments as a YAML scalar in quotes, where they hold some."""
    tag, _, arguments = written.partition(" ")
    if not tag.startswith("!"):
        return f'"{written}"'
    doubled = arguments.replace("'", "''")
    return f"{tag} '{doubled}'"
