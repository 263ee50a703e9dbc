"""Check that a secret of a type holds what it must."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from secrets_pipeline.desired.reading.inputs import Inputs
from secrets_pipeline.desired.secret.model import SecretType
from secrets_pipeline.desired.value.model import ExternalValue, GeneratedValue, Value

_FIELDS: Mapping[SecretType, Sequence[Sequence[str]]] = {
    SecretType.CREDENTIALS: (("username", "user"), ("password",)),
    SecretType.CONNECTION: (("host", "url", "connection_string", "dsn"),),
    SecretType.OAUTH_CONFIG: (("client_id", "clientId"), ("client_secret", "clientSecret")),
    SecretType.VPN_CONFIG: (("pre_shared_key", "presharedKey", "psk", "private_key", "certificate"),),
    SecretType.CERTIFICATE: (("certificate", "cert", "tls.crt"),),
}
"""Type → groups of keys; the value has one of each group. A plain string serves for the types in `_PLAIN` too."""

_PLAIN = frozenset({SecretType.API_KEY, SecretType.GENERIC, SecretType.CONNECTION, SecretType.CERTIFICATE})


def secret_type(entry: Inputs, value: Value | None) -> SecretType:
    """The type of a secret; what its value lacks is collected. What somebody else brings is judged once it is there."""
    given = entry.text("type")
    if given is None:
        return SecretType.GENERIC
    if given not in list(SecretType):
        entry.error("type", f"type is {given!r}", f"Write one of {', '.join(SecretType)}.")
        return SecretType.GENERIC
    kind = SecretType(given)
    if isinstance(value, ExternalValue):
        return kind
    keys = top_keys(value) if value else None
    if value and keys is None and kind not in _PLAIN:
        wanted = " and ".join(group[0] for group in _FIELDS[kind])
        entry.error("type", f"a secret of type {kind} is a JSON value, this one is plain text", _remedy(kind, wanted))
    for group in _FIELDS.get(kind, ()):
        if keys is not None and not keys.intersection(group):
            entry.error("type", f"a secret of type {kind} needs {' or '.join(group)}", _remedy(kind, group[0]))
    return kind


def missing_fields(kind: SecretType, keys: frozenset[str] | None) -> list[str]:
    """What a value of a type lacks, each as the keys of which it needs one: `username or user`.

    Args:
        kind: the type.
        keys: of the JSON value that have a value; None for a plain text.
    """
    groups = _FIELDS.get(kind, ())
    if keys is None:
        return [] if kind in _PLAIN else [" or ".join(group) for group in groups]
    return [" or ".join(group) for group in groups if not keys.intersection(group)]


def top_keys(value: Value) -> frozenset[str] | None:
    """Keys of a JSON value, or None for a plain string, and where only somebody else knows."""
    if isinstance(value, ExternalValue):
        return None
    if isinstance(value, GeneratedValue):
        return frozenset({*value.fields, "password"}) if value.fields else None
    return frozenset(str(leaf.path[0]) for leaf in value.leaves) if value.document else None


def _remedy(kind: SecretType, wanted: str) -> str:
    if kind is SecretType.CREDENTIALS:
        return f"Write {wanted} under secret_data, or username beside generate_random_password: true."
    return f"Write {wanted} under secret_data, or another type."
