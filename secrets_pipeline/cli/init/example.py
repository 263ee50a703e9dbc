"""Print what declares a first secret in a stack: files to write, and the commands that make it."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.operations.example import Example
from secrets_pipeline.operations.open_repository import CONFIG_VARIABLE

_CONFIG: Final = "operator.yaml"
_NO_ACCOUNT: Final = '# Add account_id: "…" below, 12 digits. Until then nothing is written.'
_NO_REGION: Final = "# Add region: … below. No variable of the stack says it."
_REGIONS: Final = ("AWS_REGION", "AWS_DEFAULT_REGION")


@dataclass(frozen=True, slots=True)
class Asked:
    """Settings that a stack needs from the operator, in addition to its rule under `targets`.

    Attributes:
        repository: the id of its repository; empty if nothing says one.
        grants: a line of YAML each.
        variables: names of environment variables.
    """

    repository: str
    grants: Sequence[str] = ()
    variables: Sequence[str] = ()


def example_lines(example: Example, asked: Asked, options: Sequence[str] = (), config: str = "") -> Iterator[str]:
    """Write the steps from nothing to a secret in AWS, each below a comment with its number.

    Asks STS for the caller's account (GetCallerIdentity) if no variable of the stack says which one is meant.

    Args:
        example: for one stack.
        asked: what the stack asks for already.
        options: that the commands need as well, for example `--base-path DIR`.
        config: the file that --config names; empty if it was not given.
    """
    yield f"# A first secret in stack {example.stack}: {example.secret}"
    number = 0
    for number, edit in enumerate(example.edits, 1):
        yield f"\n# {number}. {edit.what}:\n"
        yield edit.text
    in_force = os.environ.get(CONFIG_VARIABLE, "")
    file = in_force or _CONFIG
    adds = Path(file).exists()
    what = f"Add these entries to the lists in {file}" if adds else f"Write {file}"
    yield f"\n# {number + 1}. {what}. It says what stacks may write to, and their YAML cannot change it:\n"
    yield from _settings(example, asked, adds=adds)
    yield f"\n# {number + 2}. Run:\n"
    if config:
        yield f"export {CONFIG_VARIABLE}={shlex.quote(str(Path(config).absolute()))}"
    elif not in_force:
        yield f"export {CONFIG_VARIABLE}=$PWD/{_CONFIG}"
    for command in ("plan", "apply"):
        yield shlex.join(["secrets-pipeline", command, "-s", example.stack, *options])


def _settings(example: Example, asked: Asked, *, adds: bool) -> Iterator[str]:
    account, region = example.home.account_id, "" if example.home.inherits_region else example.home.region
    if not account:
        account = _callers_account()
        yield "# account_id: that of your present AWS credentials" if account else _NO_ACCOUNT
    if not (region or example.home.inherits_region):
        variable, region = next(((one, os.environ[one]) for one in _REGIONS if os.environ.get(one)), ("", ""))
        yield f"# region: {variable} of this shell, as no variable of the stack says it" if region else _NO_REGION
    rule = {"stacks": example.stack, "account_id": account, "region": region}
    pairs = [f"{key}: {json.dumps(value)}" for key, value in rule.items() if value]
    pairs += [f"manifests: {json.dumps(list(example.manifests))}"] if example.manifests else []
    # A second `targets:` in a file would be a duplicate key.
    key = "# " if adds else ""
    yield f"# targets, unless a rule matches {example.stack} already:" if adds else "targets:"
    yield f"  - {{{', '.join(pairs)}}}"
    if not adds:
        yield f"repository: {asked.repository}" if asked.repository else "# repository: github.com/you/this-repository"
    if asked.grants:
        yield "# What the stack's YAML touches already, beyond its own secrets. Remove what you do not expect:"
        yield "# grants, a list; if it is a map, make that the first entry:" if adds else "grants:"
        yield from (f"  {line}" for line in asked.grants)
    if asked.variables:
        yield "# Environment variables that the stack's YAML reads:"
        yield f"{key}environment_allowed:"
        yield from (f"  - {name}" for name in asked.variables)


def _callers_account() -> str:
    # To import boto3 takes longer than all else here.
    from secrets_pipeline.aws.session import Sessions  # noqa: PLC0415 - see above
    from secrets_pipeline.desired.base import Target  # noqa: PLC0415 - see above

    region = next((os.environ[one] for one in _REGIONS if os.environ.get(one)), "us-east-1")
    try:
        return Sessions().for_target(Target(region=region)).account_id
    except SecretsPipelineError:
        return ""
