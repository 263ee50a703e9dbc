"""`tree`: print the hierarchy of secret names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

import typer

from secrets_pipeline.cli.shared.console import Line, emit_json, show_lines
from secrets_pipeline.cli.shared.needed_grants import (
    BLOCKED,
    NEEDS_GRANT,
    NeededGrant,
    needed_grants,
    standing,
    tell_needed_grants,
)
from secrets_pipeline.cli.shared.options import StackOptions, chooses_stacks
from secrets_pipeline.cli.shared.plaintext_view import tell_plaintext
from secrets_pipeline.cli.shared.repository import note_unresolved, open_to_read
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.desired.value.model import ExternalValue, GeneratedValue

EPILOG = (
    "Exit codes: 0 every secret is shown, also those that need a grant of the operator; 1 a stack has errors, or "
    "nobody can resolve a reference of a secret (all others are shown)."
)
_LEVEL_STYLES = ("bold blue", "green")
_PATH_STYLE = "yellow"
_STYLES = {BLOCKED: "magenta", NEEDS_GRANT: "yellow"}


class TreeFormat(StrEnum):
    """How the hierarchy is printed."""

    TREE = "tree"
    JSON = "json"


@dataclass
class _Node:
    """A part of a name: what lies below, and the secrets that end here, with their stacks and what each lacks."""

    children: dict[str, _Node] = field(default_factory=dict)
    secrets: list[tuple[str, SecretSpec, Sequence[str]]] = field(default_factory=list)


@chooses_stacks(all_by_default=True)
def tree(
    source: StackOptions,
    *,
    output: Annotated[TreeFormat, typer.Option("--format", help="Output format.")] = TreeFormat.TREE,
) -> None:
    """Show the secrets as a hierarchy: context, environment, path, secret; no call to AWS."""
    failures, specs = open_to_read(source, source.names)
    note_unresolved(specs, failures, reading=True)
    tell_needed_grants(specs)
    tell_plaintext(specs)
    if output is TreeFormat.JSON:
        emit_json([_row(spec, secret, needed) for spec, needed in _with_grants(specs) for secret in spec.secrets])
    elif specs:
        show_lines(hierarchy(specs))
    failures.exit()


def hierarchy(specs: Iterable[StackSpec]) -> Iterator[Line]:
    """Draw the names of all secrets as one tree, a line each, each secret with its stack and what its value is."""
    root = _Node()
    for spec, needed in _with_grants(specs):
        for secret in spec.secrets:
            node = root
            for part in secret.name.split("/"):
                node = node.children.setdefault(part, _Node())
            node.secrets.append((spec.stack, secret, standing(needed, secret)))
    yield [("Secrets Manager", "bold")]
    yield from _drawn(root, "", 0)


def value_kind(secret: SecretSpec) -> str:
    """Say in words what a secret's value is."""
    if isinstance(secret.value, GeneratedValue):
        fields = ", ".join(secret.value.fields)
        return f"generated password in JSON with {fields}" if fields else "generated password"
    if isinstance(secret.value, ExternalValue):
        return "value that somebody else brings"
    shape = "JSON" if secret.value.document else "bytes" if secret.value.binary else "text"
    sources = sorted({output.component for output in secret.value.outputs})
    if sources:
        return f"{shape} rendered from {', '.join(sources)}"
    return f"{shape} from SSM" if any(leaf.ssm for leaf in secret.value.leaves) else f"{shape} from YAML"


def _drawn(node: _Node, indent: str, level: int) -> Iterator[Line]:
    branches = [one for part, child in sorted(node.children.items()) for one in _branches(part, child, level)]
    for number, (label, child) in enumerate(branches, 1):
        guide, below = ("└── ", "    ") if number == len(branches) else ("├── ", "│   ")
        yield [(f"{indent}{guide}", ""), *label]
        yield from _drawn(child, f"{indent}{below}", level + 1)


def _branches(part: str, node: _Node, level: int) -> Iterator[tuple[Line, _Node]]:
    """What one part of a name is drawn as: itself, or the secrets that end there, with what lies below the last."""
    if not node.secrets:
        yield [(part, _LEVEL_STYLES[level] if level < len(_LEVEL_STYLES) else _PATH_STYLE)], node
    for number, (stack, secret, lacks) in enumerate(node.secrets, 1):
        yield _label(part, stack, secret, lacks), node if number == len(node.secrets) else _Node()


def _label(part: str, stack: str, secret: SecretSpec, lacks: Sequence[str]) -> Line:
    label = [(part, "bold"), (f"  {stack}", "cyan"), (f"  {value_kind(secret)}{_extras(secret)}", "dim")]
    return [*label, *((f"  {word}", _STYLES[word]) for word in lacks)]


def _extras(secret: SecretSpec) -> str:
    extras = []
    if secret.rotation:
        extras.append("rotates")
    if secret.replicas:
        extras.append(f"in {len(secret.replicas)} more regions")
    return "".join(f", {extra}" for extra in extras)


def _with_grants(specs: Iterable[StackSpec]) -> Iterator[tuple[StackSpec, list[NeededGrant]]]:
    return ((spec, needed_grants(spec)) for spec in specs)


def _row(spec: StackSpec, secret: SecretSpec, needed: Iterable[NeededGrant]) -> Mapping[str, Any]:
    return {
        "name": secret.name,
        "stack": spec.stack,
        "component": secret.ref.component,
        "key": secret.ref.key,
        "type": secret.type.value,
        "value": value_kind(secret),
        "rotates": secret.rotation is not None,
        "replica_regions": [replica.region for replica in secret.replicas],
        "blocked": list(secret.problems),
        "needs_grant": list(dict.fromkeys(one.line for one in needed if secret.name in one.subjects)),
    }
