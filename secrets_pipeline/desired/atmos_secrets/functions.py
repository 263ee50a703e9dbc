"""Say what `!secret`, `!store` and `!store.get` stand for: the place of a value is computed, so it is a reference.

Sources: Atmos `pkg/secrets/resolver.go` (`!secret NAME | path … | raw | default …`), `internal/exec/yaml_func_store.go`
and `yaml_func_store_get.go` (`!store STORE [STACK] COMPONENT KEY | default … | query …`);
https://atmos.tools/functions/yaml/secret, https://atmos.tools/functions/yaml/store.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from secrets_pipeline.desired.atmos_secrets.components import DeclaredSecrets, component_of, is_managed, region_of
from secrets_pipeline.desired.atmos_secrets.declarations import declaration, declarations
from secrets_pipeline.desired.names import PUBLISHED_PREFIX
from secrets_pipeline.errors import ExpressionError
from secrets_pipeline.golang.yaml.tags import FunctionCall
from secrets_pipeline.references.model import Expression, Output, Path, SsmParameter, Stored, Unsupported, WithDefault
from secrets_pipeline.references.yaml_functions import A_PARAMETER, yq_path
from secrets_pipeline.stacks import ASM, SSM, Component, Store, store_named
from secrets_pipeline.stacks.config.stores import STACK_DELIMITER
from secrets_pipeline.stacks.functions.arguments import ArgumentsError, StoreArguments, store, unquoted, words

FUNCTIONS: Final = ("!secret", "!store", "!store.get")
_MODIFIERS: Final = ("path", "default", "raw")
_EXAMPLES: Final[Mapping[str, str]] = {
    "!secret": '!secret DATABASE_CONFIG | path ".password"',
    "!store": "!store team-outputs vpc config | query .id",
    "!store.get": "!store.get team-outputs /shared/config | query .id",
}
_LATER: Final = "leave the default out: whether it is there is only known when it is read, and a secret is written once"
_DOCUMENT: Final = "secret_arns"
"""What of the outputs is published."""


def from_store(call: FunctionCall, component: Component) -> Expression:
    """The expression that one of `FUNCTIONS` stands for; `Unsupported`, with the reason, where nobody here can tell.

    Args:
        call: as the YAML has it.
        component: that it stands in.

    Raises:
        ExpressionError: if its arguments are wrong, as Atmos judges them.
    """
    try:
        if call.tag == "!secret":
            return _secret(*_parsed(call), component)
        return _of_store(store(call.tag, call.args), component)
    except _NotKnownError as error:
        return Unsupported(str(call), str(error))
    except ArgumentsError as error:
        wrong = str(error)
    raise ExpressionError(wrong, remedy=f"Write for example {_EXAMPLES[call.tag]}.")


class _NotKnownError(Exception):
    """The text says why, and what to write."""


def _of_store(asked: StoreArguments, component: Component) -> Expression:
    found, path = _readable(asked.store, component), _path(asked.query)
    if asked.component is None:
        return _parameter(found, found.raw_key(asked.key), path, asked.default)
    owner = asked.stack or component.stack
    if found.prefix == PUBLISHED_PREFIX and found.stack_delimiter == STACK_DELIMITER and asked.key == _DOCUMENT:
        output = Output(asked.component, (_DOCUMENT, *path), None if owner == component.stack else owner)
        return _defaulted(output, asked.default)
    return _parameter(found, found.key(owner, asked.component, asked.key), path, asked.default)


def _readable(name: str, component: Component) -> Store:
    """The store of that name, whose values can be read here by its functions."""
    found = store_named(component.stores, name)
    if found is None:
        problem = f"store {name} is not configured in atmos.yaml: add it under stores there"
    elif found.secret:
        problem = f"store {name} holds secrets: declare this one under secrets.vars, and use !secret"
    elif found.kind != SSM:
        which = "of Secrets Manager only secrets are read, by !secret" if found.kind == ASM else f"it is {found.kind}"
        problem = f"store {name} is not read here, as {which}: write the value, or {A_PARAMETER}"
    elif found.unknown:
        problem = f"{found.problem}. {found.remedy}".rstrip(".")
    else:
        return found
    raise _NotKnownError(problem)


def _secret(name: str, modifiers: Mapping[str, str], component: Component) -> Expression:
    origin = component.origin if isinstance(component, DeclaredSecrets) else component
    found, region = declaration(origin, name), region_of(origin, "")
    if found is None:
        declared = declarations(origin)
        known = f": declared are {', '.join(sorted(declared))}" if declared else ""
        problem = f"secret {name} is not declared under secrets.vars of component {origin.name}{known}"
        raise _NotKnownError(problem)
    if problem := found.problem(region):
        raise _NotKnownError(problem)
    path, default = _path(modifiers.get("path", "")), modifiers.get("default")
    if found.store is not None and found.store.kind == SSM:
        return _parameter(found.store, found.aws_name, path, default, raw="raw" in modifiers)
    if not is_managed(found, origin, region):
        problem = (
            f"secret {found.aws_name} may be shared by stacks: name it under settings.secrets_pipeline.secrets of "
            f"component {origin.name}, if this stack is the one that keeps it"
        )
        raise _NotKnownError(problem)
    return _defaulted(Output(component_of(found), ("secret_values", found.name, *path)), default)


def _parameter(found: Store, name: str, path: Path, default: str | None, *, raw: bool = False) -> Expression:
    if default is not None:
        raise _NotKnownError(_LATER)
    return SsmParameter(name) if raw else Stored(SsmParameter(name), path, found.region, secret=found.secret)


def _defaulted(output: Output, default: str | None) -> Expression:
    return output if default is None else WithDefault(output, default)


def _path(text: str) -> Path:
    """The keys and indexes of a simple path of yq."""
    path = yq_path(text) if text not in ("", ".") else ()
    if path is None:
        problem = "only simple paths such as .name.key[0] are read"
        raise _NotKnownError(problem)
    return path


def _parsed(call: FunctionCall) -> tuple[str, dict[str, str]]:
    """The name of a secret, and what stands behind each `|`, as Atmos's parseSecretArgs reads them."""
    first, *pipes = call.args.split("|")
    modifiers: dict[str, str] = {}
    for pipe in pipes:
        key, _, text = pipe.strip().partition(" ")
        key, text = unquoted(key), unquoted(text)
        if key not in _MODIFIERS or (key == "raw") is bool(text):
            problem = f"invalid arguments of the !secret function: `|` takes {', '.join(_MODIFIERS)}"
            raise ArgumentsError(problem)
        modifiers[key] = text
    if "raw" in modifiers and "path" in modifiers:
        problem = "invalid arguments of the !secret function: raw and path exclude each other"
        raise ArgumentsError(problem)
    return words("!secret", first, 1, 1)[0], modifiers
