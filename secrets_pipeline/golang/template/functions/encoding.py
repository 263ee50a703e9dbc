"""Sprig's encodings and digests (documentation: "Encoding Functions", "Cryptographic and Security Functions")."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Mapping
from typing import Final

from secrets_pipeline.golang.template.functions.characters import decoded
from secrets_pipeline.golang.values import Function

_LINE_BREAKS: Final = b"\r\n"
_PAD: Final = ord("=")
_DIGITS_OF_A_BYTE: Final = 2
_BASE64: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
_BASE32: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
_BASE32_LENGTHS: Final = frozenset({0, 2, 4, 5, 7})  # characters that a quantum of 8 may have before its padding


def encode_base64(text: str) -> str:
    """Standard base64 with padding."""
    return base64.b64encode(text.encode()).decode()


def decode_base64(text: str) -> bytes:
    """The bytes of standard base64, which may contain line breaks.

    Raises:
        ValueError: in Go's words, with the position of the first wrong byte.
    """
    data = text.encode()
    digits = bytearray()
    for position, byte in enumerate(data):
        if byte in _BASE64:
            digits.append(byte)
        elif byte not in _LINE_BREAKS:
            _check_padding(data, position, len(digits) % 4)
            break
    else:
        if len(digits) % 4:
            raise _corrupt("base64", len(data) - len(digits) % 4)
    return base64.b64decode(bytes(digits) + b"=" * (-len(digits) % 4))


def decode_base32(text: str) -> bytes:
    """The bytes of standard base32, which may contain line breaks.

    Raises:
        ValueError: in Go's words, with the position of the first wrong byte.
    """
    data = text.encode().replace(b"\r", b"").replace(b"\n", b"")
    body = data.rstrip(b"=")
    length = len(body) % 8
    wrong = next((position for position, byte in enumerate(body) if byte not in _BASE32), None)
    if wrong is not None:
        raise _corrupt("base32", wrong)
    if length and len(data) == len(body):
        raise _corrupt("base32", len(data) - length)
    if length not in _BASE32_LENGTHS or len(data) - len(body) != -length % 8:
        raise _corrupt("base32", len(body))
    return base64.b32decode(data)


def digest_by(algorithm: str) -> Callable[[str], str]:
    """The function that digests a text, in hexadecimal."""

    def digest(text: str) -> str:
        return hashlib.new(algorithm, text.encode(), usedforsecurity=False).hexdigest()

    return digest


def _check_padding(data: bytes, position: int, digits: int) -> None:
    """Accept what follows the last digit of base64: enough padding, and nothing else."""
    if data[position] != _PAD or digits < _DIGITS_OF_A_BYTE:
        raise _corrupt("base64", position)
    after = _without_breaks(data, position + 1)
    if digits == _DIGITS_OF_A_BYTE:  # which a second padding completes
        if after == len(data):
            raise _corrupt("base64", after)
        if data[after] != _PAD:
            raise _corrupt("base64", after - 1)
        after = _without_breaks(data, after + 1)
    if after < len(data):
        raise _corrupt("base64", after)


def _without_breaks(data: bytes, position: int) -> int:
    while position < len(data) and data[position] in _LINE_BREAKS:
        position += 1
    return position


def _corrupt(encoding: str, position: int) -> ValueError:
    return ValueError(f"illegal {encoding} data at input byte {position}")


def _b64dec(text: str) -> str:
    # Sprig returns the error as the text.
    try:
        return decoded(decode_base64(text))
    except ValueError as error:
        return str(error)


def _b32enc(text: str) -> str:
    return base64.b32encode(text.encode()).decode()


def _b32dec(text: str) -> str:
    try:
        return decoded(decode_base32(text))
    except ValueError as error:
        return str(error)


def _adler32sum(text: str) -> str:
    return str(zlib.adler32(text.encode()))


FUNCTIONS: Final[Mapping[str, Function]] = {
    "adler32sum": _adler32sum,
    "b32dec": _b32dec,
    "b32enc": _b32enc,
    "b64dec": _b64dec,
    "b64enc": encode_base64,
    "sha1sum": digest_by("sha1"),
    "sha256sum": digest_by("sha256"),
    "sha512sum": digest_by("sha512"),
}
