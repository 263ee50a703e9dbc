"""Check what rotation asks of a secret's value: a strategy that suits it, and the keys that the function reads.

Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.desired.database.model import DatabaseSpec
from secrets_pipeline.desired.reading.inputs import Inputs
from secrets_pipeline.desired.reading.scope import StackScope, listed
from secrets_pipeline.desired.rotation.model import RotationSpec, RotationStrategy
from secrets_pipeline.desired.secret.model import SecretSpec, SecretType
from secrets_pipeline.desired.secret.types import top_keys
from secrets_pipeline.desired.value.model import DeclaredValue, ExternalValue, GeneratedValue, Value
from secrets_pipeline.desired.value.passwords import family_of
from secrets_pipeline.references.model import Expression, Output

ENGINES = ("postgres", "mysql", "mariadb")
"""Families whose users the managed function knows how to alter."""
DATABASE_KEYS = ("engine", "host", "username", "password")
"""Keys of the JSON without which no function can rotate a database's user."""
_KEY = "rotation"
_READERS = frozenset({"reader_endpoint", "reader_address"})
_PASSWORD = "password"  # noqa: S105 - the name of a key
_DATABASE = "Write username, engine and host beside generate_random_password: true"
_ISSUED = {
    SecretType.CERTIFICATE: "a certificate",
    SecretType.OAUTH_CONFIG: "an OAuth client",
    SecretType.VPN_CONFIG: "a VPN",
}
"""Types whose value somebody else issues: a random one would not be it."""


def rotating(
    entry: Inputs, value: Value, turning: RotationSpec, *, kind: SecretType, master_of: DatabaseSpec | None
) -> tuple[Value, RotationSpec]:
    """The value with the keys that its rotation needs, and the rotation with its strategy; what is wrong is collected.

    Args:
        entry: the secret.
        value: of the secret.
        turning: its rotation.
        kind: type of the secret.
        master_of: the database whose master password this is.
    """
    inputs = entry.inputs(_KEY)
    keys = top_keys(value)
    if isinstance(value, ExternalValue) and turning.managed:
        return value, _of_external(inputs, turning, kind)
    strategy = turning.strategy or _default(turning, keys)
    if strategy is None:
        return value, turning
    errors = len(entry.scope.stack.errors)
    _check_superuser(inputs, value, turning, strategy, master_of)
    if turning.managed:
        _check_value(inputs, value)
        if strategy is RotationStrategy.RANDOM:
            _check_random(inputs, keys, kind, turning)
        else:
            _check_database(inputs, value, keys, strategy)
    if turning.json_key and (strategy is not RotationStrategy.RANDOM or not turning.managed):
        inputs.error("json_key", f"json_key means nothing with {_doer(turning, strategy)}", "Leave it out.")
    if len(entry.scope.stack.errors) > errors:
        return value, turning
    json_key = _json_key(keys, turning) if strategy is RotationStrategy.RANDOM else None
    told = turning.model_copy(update={"strategy": strategy, "json_key": json_key})
    return _with_superuser(value, turning.superuser_secret), told


def check_superusers(stack: StackScope, secrets: Iterable[SecretSpec]) -> None:
    """The secret of a superuser is another one, and holds a user's name and password."""
    by_ref: Mapping[SecretRef, SecretSpec] = {secret.ref: secret for secret in secrets}
    for secret in by_ref.values():
        ref = secret.rotation.superuser_secret if secret.rotation else None
        superuser = by_ref.get(ref) if ref else None
        if superuser is None:
            continue
        inputs = Inputs(stack.components[secret.ref.component], {}, ("vars", "secrets", secret.ref.key, _KEY))
        keys = top_keys(superuser.value) or frozenset()
        lacks = [key for key in DATABASE_KEYS if key not in keys and not superuser.external]
        if superuser is secret:
            inputs.error(
                "superuser_secret",
                "the secret is named as its own superuser",
                "Name the secret of the database's master user.",
            )
        elif lacks:
            inputs.error(
                "superuser_secret",
                f"secret {superuser.name} has no key {' and no '.join(lacks)} to log in with",
                "Name the secret of the database's master user: JSON with engine, host, username and password.",
            )


def _of_external(inputs: Inputs, turning: RotationSpec, kind: SecretType) -> RotationSpec:
    """The managed function replaces what somebody else brings: how has to be said, as nobody knows its keys yet."""
    if turning.strategy is None:
        inputs.error(
            "managed",
            "somebody else brings the value, so what a managed rotation makes of it is not known",
            "Write strategy: single-user for the JSON of a database's user, or strategy: random.",
        )
    elif turning.strategy is RotationStrategy.ALTERNATING_USERS:
        inputs.error(
            "strategy",
            "alternating-users needs masterarn in the JSON, which the pipeline writes into generated values only",
            f"{_DATABASE}, or write strategy: single-user.",
        )
    elif turning.strategy is RotationStrategy.RANDOM and kind in _ISSUED:
        _check_random(inputs, None, kind, turning)
    elif turning.superuser_secret is not None or (turning.json_key and turning.strategy is not RotationStrategy.RANDOM):
        key = "json_key" if turning.json_key else "superuser_secret"
        inputs.error(key, f"{key} means nothing with strategy {turning.strategy}", "Leave it out.")
    return turning


def _default(turning: RotationSpec, keys: frozenset[str] | None) -> RotationStrategy | None:
    if turning.superuser_secret is not None:
        return RotationStrategy.ALTERNATING_USERS
    if not turning.managed:
        return None
    return RotationStrategy.SINGLE_USER if "engine" in (keys or ()) else RotationStrategy.RANDOM


def _doer(turning: RotationSpec, strategy: RotationStrategy) -> str:
    return f"strategy {strategy}" if turning.managed else "a function of your own"


def _check_superuser(
    inputs: Inputs,
    value: Value,
    turning: RotationSpec,
    strategy: RotationStrategy,
    master_of: DatabaseSpec | None,
) -> None:
    alternating = strategy is RotationStrategy.ALTERNATING_USERS
    if turning.superuser_secret is not None and not alternating:
        inputs.error(
            "superuser_secret",
            f"strategy {strategy} does without a superuser",
            "Leave superuser_secret out, or write strategy: alternating-users.",
        )
    if not alternating:
        return
    if turning.superuser_secret is None:
        inputs.error(
            "strategy",
            "alternating-users needs a superuser, who makes the other user and sets its password",
            "Write superuser_secret: KEY or COMPONENT.KEY, the secret of the database's master user.",
        )
    elif master_of is not None:
        inputs.error(
            "strategy",
            f"this is the master password of component {master_of.component}, and a database has one master user",
            "Write strategy: single-user here, and alternating-users for the users of applications.",
        )
    elif not isinstance(value, GeneratedValue) or not value.fields:
        inputs.error(
            "superuser_secret",
            "the superuser is named in the secret's JSON, which the pipeline completes for generated values only",
            f"{_DATABASE}.",
        )


def _check_value(inputs: Inputs, value: Value) -> None:
    """A value that is rendered from others would be rendered again over what a rotation made."""
    if not isinstance(value, DeclaredValue):
        return
    named = [str(output) for output in value.outputs] + [f"ssm:{name}" for leaf in value.leaves for name in leaf.ssm]
    if named:
        inputs.error(
            "managed",
            f"secret_data is rendered from {listed(dict.fromkeys(named))}: it would replace what a rotation made",
            "Rotate the secrets that it is rendered from, and leave rotation out here: it follows them.",
        )


def _check_random(inputs: Inputs, keys: frozenset[str] | None, kind: SecretType, turning: RotationSpec) -> None:
    if "engine" in (keys or ()):
        inputs.error(
            "strategy",
            "strategy random changes the secret alone, and this one names an engine: nobody could log in afterwards",
            "Write strategy: single-user, or leave it out.",
        )
    elif kind in _ISSUED:
        inputs.error(
            "managed",
            f"the secret is {_ISSUED[kind]}, which a new random value would not be",
            "Write lambda_arn of a function that asks the issuer for a new one.",
        )
    elif keys is None and turning.json_key:
        inputs.error("json_key", "the value is plain text without keys", "Leave json_key out.")
    elif keys is not None and turning.json_key and turning.json_key not in keys:
        inputs.error("json_key", f"the value has no key {turning.json_key}", f"Write one of {listed(keys)}.")
    elif keys is not None and _json_key(keys, turning) is None:
        inputs.error(
            "json_key",
            f"which of the keys {listed(keys)} rotates is not said",
            "Write json_key: the one that gets a new random value; the others stay.",
        )


def _json_key(keys: frozenset[str] | None, turning: RotationSpec) -> str | None:
    if keys is None or turning.json_key:
        return turning.json_key
    if _PASSWORD in keys:
        return _PASSWORD
    return next(iter(keys)) if len(keys) == 1 else None


def _check_database(inputs: Inputs, value: Value, keys: frozenset[str] | None, strategy: RotationStrategy) -> None:
    lacks = [key for key in DATABASE_KEYS if key not in (keys or ())]
    if lacks:
        what = "is plain text" if keys is None else f"has no {' and no '.join(lacks)}"
        inputs.error(
            "strategy" if inputs.has("strategy") else "managed",
            f"strategy {strategy} changes the password of a database's user, and the value {what}",
            f"{_DATABASE}, or strategy: random for a secret that no database knows.",
        )
        return
    host = value.fields["host"] if isinstance(value, GeneratedValue) else None
    if isinstance(host, Output) and host.name in _READERS:
        inputs.error(
            "managed",
            f"host is {host}, where a cluster only reads: no password can be set there",
            f"Write host: !terraform.state {host.component} address.",
        )
    engine = value.fields["engine"] if isinstance(value, GeneratedValue) else None
    if isinstance(engine, str) and family_of(engine) not in ENGINES:
        inputs.error(
            "managed",
            f"the managed function does not rotate users of {engine}; it knows {', '.join(ENGINES)} and their Aurora",
            "Write lambda_arn of a function that does, for example AWS's own for that engine.",
        )


def _with_superuser(value: Value, superuser: SecretRef | None) -> Value:
    """`masterarn` as AWS's templates for alternating users read it; they swap `username` at each rotation."""
    if superuser is None or not isinstance(value, GeneratedValue):
        return value
    arn: Expression = Output(superuser.component, ("secret_arns", superuser.key))
    return value.model_copy(update={"fields": {**value.fields, "masterarn": arn}, "initial": ("username",)})
