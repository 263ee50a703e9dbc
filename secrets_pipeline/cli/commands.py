"""Name the commands of `secrets-pipeline` and say what each does. A new one is a line here; none is imported.

Command `iam-policy` is in `cli/iam_policy/command.py`: a function `iam_policy` with an `EPILOG`, or a group, `app`. A
test compares these sentences with its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

COMMANDS: Final[Mapping[str, Mapping[str, str]]] = {
    "Read the repository": {
        "config": "Show which settings are set and where, and the base path, atmos.yaml and variables in force.",
        "init": "Print operator's settings for a repository, or a first secret for one of its stacks.",
        "list": "List stacks, with where they live and what they declare.",
        "tree": "Show the secrets as a hierarchy: context, environment, path, secret.",
        "describe": "Show stacks and components as Atmos resolves them.",
        "schema": "Print a JSON Schema of what is read in stack manifests, for editors and `atmos validate stacks`.",
    },
    "Make AWS match it": {
        "doctor": "Ask AWS what an apply of these stacks would meet.",
        "plan": "Show what `apply` would do; all stacks unless some are named.",
        "apply": "Make AWS match the stacks.",
        "verify": "Run every check.",
        "rotate": "Rotate secrets now.",
        "orphans": "List what stacks left in AWS that no stack declares any more, or delete of it what is named.",
        "destroy": "Take down everything that a stack made, declared or not any more: secrets, keys, rotation, what it "
        "published.",
    },
    "Ask AWS": {
        "access": "Who can read each secret, and why not.",
        "outputs": "Print what a stack's secretsmanager components hand to others, read from AWS now.",
        "events": "The queue of AWS's events: what waits, what was not dealt with, and why.",
    },
    "Ask Dagster": {
        "health": "Tell whether the deployment watches: daemons, ticks of sensors, age of verifications, waits in the "
        "queue.",
    },
    "Prepare": {
        "migrate": "From another tool to this one: YAML, and what the other has to let go.",
        "iam-policy": "The least policies of the pipeline's own roles for these stacks, from their YAML.",
        "rotation": "The managed rotation function.",
    },
    "On this machine": {
        "local": "The embedded AWS: moto with real PostgreSQL servers, on 127.0.0.1.",
        "demo": "Show the whole chain on an embedded AWS.",
        "dev": "Serve Dagster's UI over a repository, on an embedded AWS that is stopped at the end.",
    },
}
"""By heading: what each command does, in the first sentence of its own help."""


def module_of(command: str) -> str:
    """Name the module of a command."""
    return f"secrets_pipeline.cli.{command.replace('-', '_')}.command"
