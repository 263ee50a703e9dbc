"""Recognise values that are no secrets: empty ones, placeholders, and the passwords that everybody tries first."""

from __future__ import annotations

import re

from secrets_pipeline.references.model import Json

_CREDENTIAL_KEY = re.compile(
    r"pass(word|wd|phrase)?$|pwd$|secret|token|credential|(api|access|private|signing|encryption|shared|license)_?-?key$"
    r"|^key$|^psk$",
    re.IGNORECASE,
)
_REFERENCE_LIKE_KEY = re.compile(r"(url|uri|endpoint|arn|name|id|path|type|ttl|expires?(_in)?)$", re.IGNORECASE)
_WORDS = (
    r"(change|replace|fix)[-_ ]?(me|this|it)|pass(word|wd)?|p[a@4]ss?w[o0]rd|admin|root|secret([-_ ]?key)?|test|guest"
    r"|user|default|temp(orary)?|dummy|foo|bar|abc|qwerty|letmein|welcome|example|placeholder|to[-_ ]?do|tbd|none|null"
)
_WEAK = re.compile(rf"(({_WORDS})[-_ !@#$.]?){{1,3}}[0-9]{{0,6}}[-_!@#$.]{{0,3}}", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"<[^>]*>|your[-_ ].*|x{3,}|\*+|\.{3}|…|[0-9]{1,8}|insert[-_ ].*|\{\{.*\}\}", re.IGNORECASE)


def names_credential(key: str) -> bool:
    """Whether a key is the name of a secret: `password`, `client_secret`, `apiKey`, but not `token_url`."""
    return bool(_CREDENTIAL_KEY.search(key)) and not _REFERENCE_LIKE_KEY.search(key)


def weakness(key: str | None, value: Json) -> str | None:
    """What is wrong with a literal as a secret value, without showing it.

    Args:
        key: the key that it stands under in a JSON value; None for a plain string, which is a credential itself.
        value: the literal.
    """
    if not isinstance(value, str):
        return None
    text = value.strip()
    if key is not None and not names_credential(key):
        return None
    if not text:
        return "is empty"
    if _PLACEHOLDER.fullmatch(text):
        return "is a placeholder"
    if _WEAK.fullmatch(text):
        return "is one of the passwords that everybody tries first"
    return None
