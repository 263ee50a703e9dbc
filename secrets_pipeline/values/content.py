"""Hold what a secret contains, text or bytes, and turn it into what AWS's calls take."""

from __future__ import annotations

from typing import Any, TypeAlias

from pydantic import SecretBytes, SecretStr

from secrets_pipeline.desired.limits import SECRET_VALUE_BYTES
from secrets_pipeline.desired.value.binary import decoded
from secrets_pipeline.errors import DocumentError

Content: TypeAlias = SecretStr | SecretBytes
"""`SecretString` as text, `SecretBinary` as bytes."""


def content_of(answer: dict[str, Any]) -> Content | None:
    """Take the value out of an answer of GetSecretValue; None where the version has none."""
    if "SecretString" in answer:
        return SecretStr(answer["SecretString"])
    return SecretBytes(answer["SecretBinary"]) if "SecretBinary" in answer else None


def as_parameters(content: Content) -> dict[str, Any]:
    """Write a value as CreateSecret and PutSecretValue take it.

    Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
    """
    if isinstance(content, SecretBytes):
        return {"SecretBinary": content.get_secret_value()}
    return {"SecretString": content.get_secret_value()}


def text_of(content: Content, what: str = "the current value") -> SecretStr:
    """The value itself, if it is text.

    Args:
        content: a value.
        what: whose it is, for the error.

    Raises:
        DocumentError: if it is binary.
    """
    if isinstance(content, SecretBytes):
        raise DocumentError(
            f"{what} is binary", remedy="Store it as text, or declare it: secret_binary, or value: external."
        )
    return content


def from_base64(text: SecretStr) -> SecretBytes:
    """The bytes that a Base64 text stands for; line ends in it mean nothing.

    Raises:
        DocumentError: if it is no Base64, empty, or longer than AWS takes.
    """
    problem, found = "is no Base64", b""
    try:
        found = decoded(text.get_secret_value())
        problem = "" if found else "is empty"
    except ValueError:
        # Raised below, outside of the handler: the error of the decoder holds the value.
        pass
    if len(found) > SECRET_VALUE_BYTES:
        problem = f"has {len(found)} bytes, AWS takes {SECRET_VALUE_BYTES}"
    if problem:
        raise DocumentError(f"the value {problem}", remedy="Write what `base64 FILE` prints under secret_binary.")
    return SecretBytes(found)
