"""Say what `!secret`, `!store` and `!store.get` stand for: the place of a value is computed, so it is a reference.

Sources: Atmos `pkg/secrets/resolver.go` (`!secret NAME | path … | raw | default …`), `internal/exec/yaml_func_store.go`
and `yaml_func_store_get.go` (`!store STORE [STACK] COMPONENT KEY | default … | query …`);
https://atmos.tools/functions/yaml/secret, https://atmos.tools/functions/yaml/store.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from secrets_pipeline.desired.atmos_secrets.components import DeclaredSecrets, component_of, is_managed, region_of
from secrets_pipeline.desired.atmos_secrets.declarations import declarations
from secrets_pipeline.desired.names import PUBLISHED_PREFIX
from secrets_pipeline.errors import ExpressionError
from secrets_pipeline.golang.yaml.tags import FunctionCall
from secrets_pipeline.references.model import Expression, Output, Path, SsmParameter, Stored, Unsupported, WithDefault
from secrets_pipeline.references.yaml_functions import yq_path
from secrets_pipeline.stacks import ASM, SSM, AtmosStack, Component, Store, store_named
from secrets_pipeline.stacks.config.stores import STACK_DELIMITER

FUNCTIONS: Final = ("!secret", "!store", "!store.get")
_MODIFIERS: Final[Mapping[str, tuple[str, ...]]] = {
    "!secret": ("path", "default", "raw"),
    "!store": ("query", "default"),
    "!store.get": ("query", "default"),
}
_EXAMPLES: Final[Mapping[str, str]] = {
    "!secret": '!secret DATABASE_CONFIG | path ".password"',
    "!store": "!store team-outputs vpc config | query .id",
    "!store.get": "!store.get team-outputs /shared/config | query .id",
}
_LATER: Final = "leave the default out: whether it is there is only known when it is read, and a secret is written once"
_DOCUMENT: Final = "secret_arns"
"""What of the outputs is published."""


def from_store(call: FunctionCall, component: Component, stack: AtmosStack) -> Expression:
    """The expression that one of `FUNCTIONS` stands for; `Unsupported`, with the reason, where nobody here can tell.

    Args:
        call: as the YAML has it.
        component: that it stands in.
        stack: of the component.

    Raises:
        ExpressionError: if its arguments are wrong, as Atmos judges them.
    """
    words, modifiers = _parsed(call)
    try:
        if call.tag == "!secret":
            return _secret(words[0], modifiers, component, stack)
        return _of_store(words, modifiers, stack)
    except _NotKnownError as error:
        return Unsupported(str(call), str(error))


class _NotKnownError(Exception):
    """The text says why, and what to write."""


def _of_store(words: list[str], modifiers: Mapping[str, str], stack: AtmosStack) -> Expression:
    store = _readable(words[0], stack)
    if len(words) == len(("store", "key")):
        return _parameter(store, store.raw_key(words[1]), modifiers)
    *other, name, key = words[1:]
    owner, path = next(iter(other), stack.name), _path(modifiers.get("query", ""))
    if store.prefix == PUBLISHED_PREFIX and store.stack_delimiter == STACK_DELIMITER and key == _DOCUMENT:
        output = Output(name, (_DOCUMENT, *path), None if owner == stack.name else owner)
        return _defaulted(output, modifiers)
    return _parameter(store, store.key(owner, name, key), modifiers)


def _readable(name: str, stack: AtmosStack) -> Store:
    """The store of that name, whose values can be read here by its functions."""
    store = store_named(stack.stores, name)
    if store is None:
        problem = f"store {name} is not configured in atmos.yaml: add it under stores there"
    elif store.secret:
        problem = f"store {name} holds secrets: declare this one under secrets.vars, and use !secret"
    elif store.kind != SSM:
        which = "of Secrets Manager only secrets are read, by !secret" if store.kind == ASM else f"it is {store.kind}"
        problem = f"store {name} is not read here, as {which}: write the value, or ${{ssm:/path}}"
    elif store.unknown:
        problem = f"{store.unknown} of store {name} is not known: let the operator allow its variable as plain"
    else:
        return store
    raise _NotKnownError(problem)


def _secret(name: str, modifiers: Mapping[str, str], component: Component, stack: AtmosStack) -> Expression:
    origin = component.origin if isinstance(component, DeclaredSecrets) else component
    declared, region = declarations(stack, origin), region_of(origin, "")
    found = declared.get(name)
    if found is None:
        known = f": declared are {', '.join(sorted(declared))}" if declared else ""
        problem = f"secret {name} is not declared under secrets.vars of component {origin.name}{known}"
        raise _NotKnownError(problem)
    if problem := found.problem(region):
        raise _NotKnownError(problem)
    path = modifiers.get("path", "")
    if found.store is not None and found.store.kind == SSM:
        return _parameter(found.store, found.aws_name, {**modifiers, "query": path})
    if not is_managed(found, origin, region):
        problem = (
            f"secret {found.aws_name} may be shared by stacks: name it under settings.secrets_pipeline.secrets of "
            f"component {origin.name}, if this stack is the one that keeps it"
        )
        raise _NotKnownError(problem)
    return _defaulted(Output(component_of(found), ("secret_values", found.name, *_path(path))), modifiers)


def _parameter(store: Store, name: str, modifiers: Mapping[str, str]) -> Expression:
    path = _path(modifiers.get("query", ""))
    if "default" in modifiers:
        raise _NotKnownError(_LATER)
    if "raw" in modifiers:
        return SsmParameter(name)
    return Stored(SsmParameter(name), path, store.region, secret=store.secret)


def _defaulted(output: Output, modifiers: Mapping[str, str]) -> Expression:
    return WithDefault(output, modifiers["default"]) if "default" in modifiers else output


def _path(text: str) -> Path:
    """The keys and indexes of a simple path of yq."""
    path = yq_path(text) if text not in ("", ".") else ()
    if path is None:
        problem = "only simple paths such as .name.key[0] are read"
        raise _NotKnownError(problem)
    return path


def _parsed(call: FunctionCall) -> tuple[list[str], dict[str, str]]:
    """The words before the first `|`, and what stands behind each of them."""
    first, *pipes = call.args.split("|")
    words, wanted = first.split(), {"!secret": (1,), "!store": (3, 4), "!store.get": (2,)}[call.tag]
    modifiers: dict[str, str] = {}
    for pipe in pipes:
        name, _, text = pipe.strip().partition(" ")
        name, text = name.strip("\"'"), text.strip().strip("\"'")
        if name not in _MODIFIERS[call.tag] or (name == "raw") is bool(text):
            raise _wrong(call, f"what stands after `|` must be one of {', '.join(_MODIFIERS[call.tag])}")
        modifiers[name] = text
    if len(words) not in wanted:
        raise _wrong(call, f"{len(words)} words stand before `|`, and {' or '.join(map(str, wanted))} must")
    if "raw" in modifiers and "path" in modifiers:
        raise _wrong(call, "`raw` and `path` exclude each other")
    return words, modifiers


def _wrong(call: FunctionCall, problem: str) -> ExpressionError:
    return ExpressionError(
        f"invalid {call.tag} arguments: {problem}", remedy=f"Write for example {_EXAMPLES[call.tag]}."
    )
