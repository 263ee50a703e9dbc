"""Note each granted host that the pipeline logs in to with the password of a secret."""

from __future__ import annotations

from collections.abc import Iterable

from secrets_pipeline.desired.boundary import Boundary
from secrets_pipeline.desired.reading.crossing import note
from secrets_pipeline.desired.reading.scope import StackScope
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.secret.types import top_keys
from secrets_pipeline.desired.settings.grants import granted
from secrets_pipeline.desired.value.data import leaf_expression
from secrets_pipeline.desired.value.model import DeclaredValue, GeneratedValue
from secrets_pipeline.references.model import Literal
from secrets_pipeline.rotation_lambda.secret_value import ENGINES, plain_host

LOGIN_KEYS = frozenset({"engine", "host", "username", "password"})
"""Keys of a value that the pipeline logs in with."""


def logs_in(secret: SecretSpec) -> bool:
    """Whether the value of a secret is a login that the pipeline tries."""
    return not secret.blocked and LOGIN_KEYS.issubset(top_keys(secret.value) or ())


def cross_login_hosts(stack: StackScope, secrets: Iterable[SecretSpec]) -> None:
    """Note each host that the YAML writes out and a grant names.

    Without a grant no login is tried, so nothing crosses. What a reference stands for is judged before the login.
    """
    for secret in secrets:
        if not logs_in(secret) or not isinstance(host := _written(stack, secret, "host"), str):
            continue
        behind = f":{port}" if (port := _port(stack, secret)) else ""
        names = {plain_host(host), plain_host(host) + behind}
        if by := granted(stack.settings.grants, stack.stack.name, Boundary.HOST, *names):
            path = ("vars", "secrets", secret.ref.key)
            note(stack.components[secret.ref.component], Boundary.HOST, path, host + behind, allowed_by=by)


def _port(stack: StackScope, secret: SecretSpec) -> str | None:
    """Return the port of the login as `rotation_lambda` reads it; None if only a reference tells."""
    port = _written(stack, secret, "port")
    if port in (None, ""):
        engine = ENGINES.get(str(_written(stack, secret, "engine")).lower())
        port = engine.port if engine else None
    return str(port) if isinstance(port, str | int) else None


def _written(stack: StackScope, secret: SecretSpec, key: str) -> object:
    """Return what the YAML writes under a key of the value: an `Expression` if it is a reference, None for nothing."""
    match secret.value:
        case GeneratedValue(fields=fields):
            return fields.get(key)
        case DeclaredValue(leaves=leaves):
            leaf = next((one for one in leaves if one.path == (key,)), None)
            expression = None if leaf is None else leaf_expression(stack.stack, secret.ref.component, leaf)
            return expression.value if isinstance(expression, Literal) else expression
        case _:
            return None
