"""`tree`: print the hierarchy of secret names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.text import Text
from rich.tree import Tree

from secrets_pipeline.cli.shared.console import emit_json, show
from secrets_pipeline.cli.shared.options import StackFilter, StackOptions, reads_stacks
from secrets_pipeline.cli.shared.reference_view import note_unresolved
from secrets_pipeline.cli.shared.repository import open_stacks
from secrets_pipeline.cli.shared.tables import STYLES
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.desired.value.model import ExternalValue, GeneratedValue

EPILOG = (
    "Exit codes: 0 every secret is shown and can be made, 1 a stack has errors, or nobody can resolve a reference of a "
    "secret (all others are shown)."
)
_LEVEL_STYLES = ("bold blue", "green")
_PATH_STYLE = "yellow"


class TreeFormat(StrEnum):
    """How the hierarchy is printed."""

    TREE = "tree"
    JSON = "json"


@dataclass
class _Node:
    """A part of a name: what lies below, and the secrets that end here, with their stacks."""

    children: dict[str, _Node] = field(default_factory=dict)
    secrets: list[tuple[str, SecretSpec]] = field(default_factory=list)


@reads_stacks
def tree(
    source: StackOptions,
    *,
    stack: StackFilter = None,
    output: Annotated[TreeFormat, typer.Option("--format", help="Output format.")] = TreeFormat.TREE,
) -> None:
    """Show the secrets as a hierarchy: context, environment, path, secret; no call to AWS."""
    failures, desired, names = open_stacks(source, [stack] if stack else None)
    specs = [desired.specs[name] for name in names]
    note_unresolved(specs, failures)
    if output is TreeFormat.JSON:
        emit_json([_row(spec, secret) for spec in specs for secret in spec.secrets])
    else:
        show(hierarchy(specs))
    failures.exit()


def hierarchy(specs: Iterable[StackSpec]) -> Tree:
    """Draw the names of all secrets as one tree, each secret with its stack and what its value is."""
    root = _Node()
    for spec in specs:
        for secret in spec.secrets:
            node = root
            for part in secret.name.split("/"):
                node = node.children.setdefault(part, _Node())
            node.secrets.append((spec.stack, secret))
    drawn = Tree(Text("Secrets Manager", style="bold"))
    _draw(root, drawn, 0)
    return drawn


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


def _draw(node: _Node, drawn: Tree, level: int) -> None:
    for part, child in sorted(node.children.items()):
        if child.secrets:
            for stack, secret in child.secrets:
                label = Text(part, style="bold")
                label.append(f"  {stack}", style="cyan")
                label.append(f"  {value_kind(secret)}{_extras(secret)}", style="dim")
                if secret.blocked:
                    label.append("  blocked: ", style=STYLES["blocked"])
                    label.append("; ".join(one.problem for one in secret.unresolved))
                branch = drawn.add(label)
        else:
            style = _LEVEL_STYLES[level] if level < len(_LEVEL_STYLES) else _PATH_STYLE
            branch = drawn.add(Text(part, style=style))
        _draw(child, branch, level + 1)


def _extras(secret: SecretSpec) -> str:
    extras = []
    if secret.rotation:
        extras.append("rotates")
    if secret.replicas:
        extras.append(f"in {len(secret.replicas)} more regions")
    return "".join(f", {extra}" for extra in extras)


def _row(spec: StackSpec, secret: SecretSpec) -> Mapping[str, Any]:
    return {
        "name": secret.name,
        "stack": spec.stack,
        "component": secret.ref.component,
        "key": secret.ref.key,
        "type": secret.type.value,
        "value": value_kind(secret),
        "rotates": secret.rotation is not None,
        "replica_regions": [replica.region for replica in secret.replicas],
        "blocked": [one.problem for one in secret.unresolved],
    }
