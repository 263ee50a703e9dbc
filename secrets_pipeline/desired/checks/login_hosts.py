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
        if not logs_in(secret) or (host := _written(stack, secret, "host")) is None:
            continue
        port = _written(stack, secret, "port")
        place = host if port is None else f"{host}:{port}"
        by = granted(stack.settings.grants, stack.stack.name, Boundary.HOST, host.rstrip(".").lower(), place)
        if by:
            path = ("vars", "secrets", secret.ref.key)
            note(stack.components[secret.ref.component], Boundary.HOST, path, place, allowed_by=by)


def _written(stack: StackScope, secret: SecretSpec, key: str) -> str | None:
    found: object = None
    match secret.value:
        case GeneratedValue(fields=fields):
            found = fields.get(key)
        case DeclaredValue(leaves=leaves):
            leaf = next((one for one in leaves if one.path == (key,)), None)
            expression = None if leaf is None else leaf_expression(stack.stack, secret.ref.component, leaf)
            found = expression.value if isinstance(expression, Literal) else None
    return str(found) if isinstance(found, str | int) else None
