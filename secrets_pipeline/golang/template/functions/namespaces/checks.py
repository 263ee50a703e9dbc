"""Gomplate's namespaces `test`, `base64` and `crypto`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from secrets_pipeline.golang.failure import FunctionFailure, checked
from secrets_pipeline.golang.template.functions.characters import decoded
from secrets_pipeline.golang.template.functions.encoding import decode_base64, digest_by, encode_base64
from secrets_pipeline.golang.template.functions.kinds import kind_of
from secrets_pipeline.golang.template.functions.namespaces.coercion import of_text, text, truth
from secrets_pipeline.golang.template.functions.refused import refuse_all
from secrets_pipeline.golang.values import Function, Value, go_type

_PAIR: Final = 2
_UNSET: Final = "can not render template: a required value was not set"
_SECRETS: Final = "a plain secret has no place in a stack; let the secretsmanager component generate it"


def _message_and_value(arguments: tuple[Value, ...]) -> tuple[str, Value]:
    if not 1 <= len(arguments) <= _PAIR:
        raise FunctionFailure(f"wrong number of args: want 1 or 2, got {len(arguments)}")
    message = arguments[0] if len(arguments) == _PAIR else ""
    if not isinstance(message, str):
        raise FunctionFailure(f"at <1>: expected string; found {go_type(message)}")
    return message, arguments[-1]


def _assert(*arguments: Value) -> str:
    message, value = _message_and_value(arguments)
    if not truth(value):
        raise FunctionFailure(f"assertion failed: {message}" if message else "assertion failed")
    return ""


def _fail(*arguments: Value) -> str:
    if len(arguments) > 1:
        raise FunctionFailure(f"wrong number of args: want 0 or 1, got {len(arguments)}")
    message = text(arguments[0]) if arguments else ""
    raise FunctionFailure(f"template generation failed: {message}" if message else "template generation failed")


def _required(*arguments: Value) -> Value:
    message, value = _message_and_value(arguments)
    if value is None or value == "":
        raise FunctionFailure(message or _UNSET)
    return value


def _ternary(when_true: Value, when_false: Value, condition: Value) -> Value:
    return when_true if truth(condition) else when_false


def _is_kind(kind: str, value: Value) -> bool:
    found = kind_of(value)
    return kind == found or (kind == "number" and found in {"int", "int64", "float64"})


TEST: Final[Mapping[str, Function]] = {
    "Assert": _assert,
    "Fail": _fail,
    "IsKind": _is_kind,
    "Kind": kind_of,
    "Required": _required,
    "Ternary": _ternary,
}
TEST_ALIASES: Final[Mapping[str, Function]] = {
    "assert": _assert,
    "fail": _fail,
    "isKind": _is_kind,
    "kind": kind_of,
    "required": _required,
    "ternary": _ternary,
}


def _encode(value: Value) -> str:
    return encode_base64("" if value is None else text(value))


def _decode(value: Value) -> str:
    # Gomplate tries the URL-safe alphabet when the standard one does not fit.
    return decoded(checked(decode_base64, text(value).replace("-", "+").replace("_", "/")))


BASE64: Final[Mapping[str, Function]] = {"Decode": _decode, "Encode": _encode}


CRYPTO: Final[Mapping[str, Function]] = {
    "SHA1": of_text(digest_by("sha1")),
    "SHA224": of_text(digest_by("sha224")),
    "SHA256": of_text(digest_by("sha256")),
    "SHA384": of_text(digest_by("sha384")),
    "SHA512": of_text(digest_by("sha512")),
    **refuse_all(
        (
            "Bcrypt",
            "DecryptAES",
            "DecryptAESBytes",
            "ECDSADerivePublicKey",
            "ECDSAGenerateKey",
            "Ed25519DerivePublicKey",
            "Ed25519GenerateKey",
            "Ed25519GenerateKeyFromSeed",
            "EncryptAES",
            "PBKDF2",
            "RSADecrypt",
            "RSADecryptBytes",
            "RSADerivePublicKey",
            "RSAEncrypt",
            "RSAGenerateKey",
            "WPAPSK",
        ),
        _SECRETS,
        "crypto.",
    ),
}
