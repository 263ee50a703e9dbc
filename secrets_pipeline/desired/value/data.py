"""Read declared values: handles on the leaves of `secret_data`, never their text."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Any

from secrets_pipeline.desired.atmos_secrets.components import SHARED, DeclaredSecrets, with_declared_secrets
from secrets_pipeline.desired.kinds import TERRAFORM
from secrets_pipeline.desired.limits import LONE_SURROGATE, SECRET_VALUE_BYTES
from secrets_pipeline.desired.plaintext import Plaintext
from secrets_pipeline.desired.reading.inputs import Inputs, found_kind
from secrets_pipeline.desired.reading.reference_targets import NO_VALUE, check, settled
from secrets_pipeline.desired.reading.scope import ComponentScope
from secrets_pipeline.desired.reading.variables import read_expression
from secrets_pipeline.desired.value.binary import decoded
from secrets_pipeline.desired.value.model import DeclaredValue, Leaf, document_of, place_of
from secrets_pipeline.desired.value.secret_forms import looks_like_secret
from secrets_pipeline.desired.value.weak_values import weakness
from secrets_pipeline.golang.values import Value
from secrets_pipeline.golang.yaml.tags import FunctionCall
from secrets_pipeline.references.defaults import with_defaults
from secrets_pipeline.references.model import Expression, Literal, Output, Path, Text, dotted
from secrets_pipeline.references.walk import nodes, outputs, ssm_parameters
from secrets_pipeline.references.yaml_functions import A_PARAMETER
from secrets_pipeline.stacks import AtmosStack, Component

_PORT = re.compile(r":([0-9]|\$\{)")

ALLOWED = "plaintext_allowed"
_ENTRY = 2
KEY, BINARY = "secret_data", "secret_binary"
_DEPTH = len(("vars", "secrets", "<key>", KEY))


def declared_value(entry: Inputs) -> DeclaredValue | None:
    """The value under `secret_data`; None, with errors collected, if it is wrong.

    One with references that nobody can resolve is whole all the same: they are collected, and it cannot be rendered.
    """
    raw = entry.values[KEY]
    errors = len(entry.scope.stack.errors)
    if isinstance(raw, str) and raw.lstrip().startswith("{") and not isinstance(raw, FunctionCall):
        document: Any = _json_object(entry, raw)
        leaves = [(path, value, entry.at(KEY)) for path, value in _leaves(document)]
    elif isinstance(raw, str):
        document, leaves = None, [((), raw, entry.at(KEY))]
    elif isinstance(raw, Mapping):
        document = raw
        leaves = [(path, value, (*entry.at(KEY), *path)) for path, value in _leaves(raw)]
    else:
        entry.error(KEY, f"{KEY} is {found_kind(raw)}, not text or a map", f'Put it in quotes: {KEY}: "…".')
        return None
    if isinstance(document, Mapping) and not document:
        entry.error(KEY, f"{KEY} is an empty map", "Write at least one key, or generate_random_password: true.")
    known: dict[Path, Value] = {}
    read = [_leaf(entry.scope, path, value, source, known) for path, value, source in leaves]
    _check_size(entry, known, document=document is not None)
    if len(entry.scope.stack.errors) > errors:
        return None
    return DeclaredValue(document=document is not None, leaves=tuple(read))


def binary_value(entry: Inputs) -> DeclaredValue | None:
    """The bytes whose Base64 is under `secret_binary`; None, with errors collected, if it is wrong."""
    raw, errors = entry.values[BINARY], len(entry.scope.stack.errors)
    if not isinstance(raw, str):
        entry.error(BINARY, f"{BINARY} is {found_kind(raw)}, not text", "Write what `base64 FILE` prints.")
        return None
    known: dict[Path, Value] = {}
    leaf = _leaf(entry.scope, (), raw, entry.at(BINARY), known)
    if problem := _base64_problem(known.get(())) if isinstance(known.get(()), str) and "${" not in raw else None:
        entry.error(BINARY, f"{BINARY} {problem}", "Write what `base64 FILE` prints, or text under secret_data.")
    if len(entry.scope.stack.errors) > errors:
        return None
    return DeclaredValue(document=False, binary=True, leaves=(leaf,))


def _base64_problem(text: Value) -> str | None:
    try:
        size = len(decoded(str(text)))
    except ValueError:
        return "is no Base64"
    return f"has {size} bytes, AWS takes {SECRET_VALUE_BYTES}" if size > SECRET_VALUE_BYTES else None


def leaf_expression(stack: AtmosStack, component: str, leaf: Leaf) -> Expression:
    """What one leaf of a declared value stands for: read when it is written, not before.

    Args:
        stack: as resolved; `with_declared_secrets` where many leaves are read.
        component: the `secretsmanager` component that declares the secret.
        leaf: of its `DeclaredValue`.

    Returns:
        An expression without variables; `str()` of it is the template of the leaf, its literals included.

    Raises:
        ExpressionError: if the YAML cannot be read any more.
    """
    components = stack.components.get(TERRAFORM, {})
    if component.rpartition("/")[2] == SHARED and not isinstance(components.get(component), DeclaredSecrets):
        # What stands for declared secrets hides any other component of its name.
        components = with_declared_secrets(stack).components[TERRAFORM]
    value = _at(components[component], leaf)
    expression = read_expression(components[component], components, value, references=leaf.references)
    return with_defaults(expression, leaf.absent.__contains__)


def _at(component: Component, leaf: Leaf) -> Value:
    value: Any = component.sections
    for step in leaf.source:
        value = value[step]
    if leaf.path and len(leaf.source) == _DEPTH:
        # The map is JSON inside of a text.
        value = json.loads(value)
        for step in leaf.path:
            value = value[step]
    return value


def _json_object(entry: Inputs, text: str) -> Mapping[str, Any]:
    repeated: list[str] = []

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        repeated.extend(sorted({key for key in keys if keys.count(key) > 1}))
        return dict(pairs)

    def refused(name: str) -> None:
        entry.error(KEY, f"{KEY} holds {name}, which JSON has not", "Write a finite number, or text in quotes.")

    try:
        document: Mapping[str, Any] = json.loads(text, object_pairs_hook=once, parse_constant=refused)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}: {error.msg}"
        entry.error(
            KEY,
            f"{KEY} begins with {{ but is not JSON ({place})",
            "Correct it, with references in quotes, or write a map in YAML.",
        )
        return {"": ""}
    if repeated:
        entry.error(KEY, f"{KEY} repeats the key {repeated[0]}", "Name each key once.")
    return document


def _leaves(tree: Value, path: Path = ()) -> Iterator[tuple[Path, Value]]:
    if isinstance(tree, Mapping) and (tree or not path):
        for key, value in tree.items():
            yield from _leaves(value, (*path, str(key)))
    elif isinstance(tree, list) and tree:
        for index, value in enumerate(tree):
            yield from _leaves(value, (*path, index))
    else:
        yield path, tree


def _leaf(scope: ComponentScope, path: Path, value: Value, source: Path, known: dict[Path, Value]) -> Leaf:
    """One leaf; what is known of its value already goes into `known`, under its path."""
    references = scope.reads_references
    place = place_of(path, source)
    written = scope.expression(value, place)
    if written is None:
        # Whoever renders it reads it again, and gets the error again.
        return Leaf(path=path, source=source, references=references)
    expression = settled(scope, written)
    known[path] = known_part(expression)
    at = f" at {'.'.join(map(str, path))}" if path else ""
    if problem := _unstorable(known[path]):
        scope.error(place, f"the value{at} holds {problem}", "Write a finite number, or text of whole characters.")
    name = next((step for step in reversed(path) if isinstance(step, str)), None)
    weak = (
        weakness(name, expression.value) if isinstance(expression, Literal) and expression.value != NO_VALUE else None
    )
    if weak:
        scope.error(place, f"the value{at} {weak}", f"Let it be generated, or write {A_PARAMETER}.")
    elif looks := looks_like_secret(name, str(source[_ENTRY]), written):
        _note_plaintext(scope, place, *looks)
    check(scope, expression, place, sensitive_allowed=True)
    for text in (node for node in nodes(expression) if isinstance(node, Text)):
        _check_documents_in_text(scope, text, place)
        _check_port_after_endpoint(scope, text, place)
    needed = outputs(expression)
    return Leaf(
        path=path,
        source=source,
        outputs=needed,
        ssm=ssm_parameters(expression),
        absent=tuple(output for output in outputs(written) if output not in needed),
        references=references,
    )


def _note_plaintext(scope: ComponentScope, place: Path, problem: str, remedy: str) -> None:
    """Collect it, unless a glob of `settings.secrets_pipeline.plaintext_allowed` matches its place below `secrets`."""
    allowed = scope.setting(ALLOWED)
    globs = [] if allowed is None else allowed
    if not isinstance(globs, list) or not all(isinstance(one, str) for one in globs):
        at = ("settings", "secrets_pipeline", ALLOWED)
        scope.error(at, f"{ALLOWED} is {found_kind(globs)}", f'Write globs of secrets: {ALLOWED}: ["config.*"].')
    elif not any(fnmatchcase(dotted((place[_ENTRY], *place[_DEPTH:])), glob) for glob in globs):
        found = Plaintext(
            component=scope.name, key=dotted(place), problem=problem, remedy=remedy, where=str(scope.where(place))
        )
        scope.stack.plaintext.append(found)


def _check_documents_in_text(scope: ComponentScope, text: Text, source: Path) -> None:
    """A whole JSON document in the middle of a text is hardly ever meant."""
    for output in outputs(text):
        if output.name == "secret_values" and not output.path[2:] and _is_document(scope, output):
            scope.error(
                source,
                f"{output} is a JSON document, in the middle of a text",
                f"Write ${{output.{output.component}.secret_values.{output.path[1]}.password}} or another of its keys.",
            )


def _check_port_after_endpoint(scope: ComponentScope, text: Text, source: Path) -> None:
    """tf-atmos's own documentation writes `${output.rds.endpoint}:5432`."""
    for part, after in pairwise(text.parts):
        if not isinstance(part, Output) or not part.name.endswith("endpoint"):
            continue
        if scope.stack.kinds.get(part.component) == "rds" and _PORT.match(str(after)):
            address = part.name.replace("endpoint", "address")
            scope.error(
                source,
                f"{part} is host and port already, and another port follows",
                f"Write ${{output.{part.component}.{address}}}, or take the port away.",
            )


def _is_document(scope: ComponentScope, output: Output) -> bool:
    component = scope.stack.components.get(output.component)
    if output.stack not in (None, scope.stack.stack.name) or component is None:
        return False
    secrets = component.component.vars.get("secrets")
    entry = secrets.get(output.path[1]) if isinstance(secrets, Mapping) and output.path[1:] else None
    if not isinstance(entry, Mapping):
        return False
    data = entry.get(KEY)
    in_text = isinstance(data, str) and data.lstrip().startswith("{")
    return isinstance(data, Mapping) or in_text or any(entry.get(key) for key in ("username", "engine", "dbname"))


def _unstorable(value: Value) -> str | None:
    """What in a value neither JSON nor UTF-8 can say."""
    if isinstance(value, Mapping | list):
        below = value.values() if isinstance(value, Mapping) else value
        return next((problem for one in below if (problem := _unstorable(one))), None)
    if isinstance(value, float) and not math.isfinite(value):
        return "a number that JSON has not"
    if isinstance(value, str) and LONE_SURROGATE.search(value):
        return "half of a character (a lone surrogate)"
    return None


def known_part(expression: Expression) -> Value:
    """What of a value the YAML alone says: never more bytes than the whole value will have."""
    match expression:
        case Literal(value=value):
            return value
        case Text(parts=parts):
            return "".join(str(part.value) for part in parts if isinstance(part, Literal))
        case _:
            return 0


def _check_size(entry: Inputs, known: Mapping[Path, Value], *, document: bool) -> None:
    if document:
        text = json.dumps(document_of(known), ensure_ascii=False, separators=(",", ":"))
        size = len(text.encode(errors="surrogatepass"))
    else:
        texts = (value for value in known.values() if isinstance(value, str))
        size = sum(len(text.encode(errors="surrogatepass")) for text in texts)
    if size > SECRET_VALUE_BYTES:
        entry.error(
            KEY,
            f"{KEY} has {size} bytes without what its references add, AWS takes {SECRET_VALUE_BYTES}",
            "Split it into several secrets.",
        )
