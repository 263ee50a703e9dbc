"""Define values of secrets: generated, declared as handles on the YAML, or brought by others; never their text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from secrets_pipeline.desired.base import LateExpression, LateOutput, Spec
from secrets_pipeline.references.model import Output, Path


class PasswordPolicy(Spec):
    """How to generate a password.

    Attributes:
        length: characters.
        alphabet: classes by name, each a string of distinct characters: lower, upper, numeric, special (may be empty).
        minima: how many of each class at least.
    """

    length: int
    alphabet: Mapping[str, str]
    minima: Mapping[str, int]


class GeneratedValue(Spec):
    """A password that is generated once; with `fields`, the JSON that AWS's rotation templates read.

    Attributes:
        policy: how to generate it.
        fields: the other keys of the JSON (engine, host, port, username, dbname …) in order; empty for a plain string.
        initial: fields that belong to the rotation function once they were written: whose user is current, say.
    """

    kind: Literal["generated"] = "generated"
    policy: PasswordPolicy
    fields: Mapping[str, str | int | bool | LateExpression] = {}
    initial: tuple[str, ...] = ()


def place_of(path: Path, source: Path) -> Path:
    """The place of a leaf, see `Leaf.place`."""
    in_text = len(source) == len(("vars", "secrets", "key", "secret_data"))
    return (*source, *path) if in_text else source


class Leaf(Spec):
    """One leaf of a declared value: a handle on the YAML, never its text.

    Attributes:
        path: keys inside the JSON value; empty when the value is a plain string.
        source: path inside the component's sections, for example `("vars", "secrets", "url", "secret_data")`.
        outputs: outputs that its references name, in order of appearance.
        ssm: SSM parameters that it names.
        absent: outputs that do not exist, in whose place a default serves.
        references: whether `${…}` in it is a reference.
    """

    path: Path
    source: Path
    outputs: tuple[LateOutput, ...] = ()
    ssm: tuple[str, ...] = ()
    absent: tuple[LateOutput, ...] = ()
    references: bool = True

    @property
    def place(self) -> Path:
        """Its place inside the component's sections, going on inside of JSON in a text."""
        return place_of(self.path, self.source)


def document_of(leaves: Mapping[Path, Any]) -> Any:  # noqa: ANN401 - a JSON-shaped tree
    """The tree that has these leaves; maps whose keys are indexes become the lists that they came from."""
    tree: dict[Any, Any] = {}
    for path, value in leaves.items():
        below = tree
        for step in path[:-1]:
            below = below.setdefault(step, {})
        below[path[-1]] = value
    return _with_lists(tree, depth=max((len(path) for path in leaves), default=0))


def _with_lists(tree: Any, depth: int) -> Any:  # noqa: ANN401 - a JSON-shaped tree
    if not isinstance(tree, dict) or depth == 0:
        return tree
    if tree and all(isinstance(key, int) for key in tree):
        return [_with_lists(tree[key], depth - 1) for key in sorted(tree)]
    return {key: _with_lists(below, depth - 1) for key, below in tree.items()}


class DeclaredValue(Spec):
    """`secret_data`: a string, or a JSON object whose leaves may be references; or `secret_binary`.

    Attributes:
        document: whether it is a JSON object.
        binary: whether its one leaf is the Base64 of the bytes to store.
    """

    kind: Literal["declared"] = "declared"
    document: bool
    binary: bool = False
    leaves: tuple[Leaf, ...]

    @property
    def outputs(self) -> tuple[Output, ...]:
        """Every output that the value is rendered from."""
        return tuple(output for leaf in self.leaves for output in leaf.outputs)


class ExternalValue(Spec):
    """A value that a human or a vendor puts into the secret: the pipeline makes the container and never writes it."""

    kind: Literal["external"] = "external"


Value: TypeAlias = GeneratedValue | DeclaredValue | ExternalValue
