"""Recognise secrets that are written out in the YAML, which is in git; never a part of one is kept or said.

Sources of the forms: the vendors' pages on their tokens, and the rules of https://github.com/Yelp/detect-secrets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from secrets_pipeline.desired.value.weak_values import names_credential
from secrets_pipeline.references.model import Expression, Literal, Text
from secrets_pipeline.references.yaml_functions import A_PARAMETER

_FORMS: Final[Mapping[str, str]] = {
    "an access key id of AWS": r"(?<![A-Za-z0-9])(AKIA|ASIA)[A-Z2-7]{16}(?![A-Za-z0-9])",
    "a token of GitHub": r"(?<![A-Za-z0-9_])(gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})",
    "a token of GitLab": r"(?<![A-Za-z0-9_])gl(pat|dt|rt|ptt|cbt|soat)-[A-Za-z0-9_-]{20,}",
    "a token of Slack": r"(?<![A-Za-z0-9_])xox[abeoprs]-[A-Za-z0-9-]{10,}",
    "a webhook of Slack": r"hooks\.slack\.com/(services|workflows|triggers)/[A-Za-z0-9_]+/[A-Za-z0-9_/]{8,}",
    "a key of Stripe": r"(?<![A-Za-z0-9_])([sr]k_(live|test)|whsec)_[A-Za-z0-9]{16,}",
    "an API key of Google": r"(?<![A-Za-z0-9_])AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])",
    "a key of SendGrid": r"(?<![A-Za-z0-9_])SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}",
    "a token of npm or PyPI": r"(?<![A-Za-z0-9_])(npm_[A-Za-z0-9]{36}|pypi-AgE[A-Za-z0-9_-]{50,})",
    "an API key of Anthropic or OpenAI": r"(?<![A-Za-z0-9_])sk-(ant|proj|svcacct)-[A-Za-z0-9_-]{20,}",
    "a token of Vault": r"(?<![A-Za-z0-9_])hv[sbr]\.[A-Za-z0-9_-]{24,}",
    "a private key": r"-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY( BLOCK)?-----",
    "a JWT": r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{16,}",
    "a URL with a password": r"[a-z][a-z0-9+.-]{1,20}://[^\s:/@?#$<{*]{0,128}:[^\s:/@?#$<{*]{3,256}@[A-Za-z0-9\[$]",
}
_KNOWN: Final = tuple((what, re.compile(pattern)) for what, pattern in _FORMS.items())
_MOST: Final = 70_000
"""Characters that are looked at: more than a secret has."""
_HARMLESS: Final = re.compile(
    r"arn:aws[a-z-]*:\S*"  # names, and what leads to a secret
    r"|[a-z][a-z0-9+.-]*://\S*"  # with a password in it, it is one of the forms
    r"|[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[a-z]{2,}"
    r"|true|false|yes|no|on|off|null|none|enabled|disabled|required|optional"
    r"|[+-]?[0-9]+([.:][0-9]+)*[smhd%]?"
    r"|alias/\S+|(?-i:/?[a-z0-9._-]+(/[a-z0-9._-]+)+/?)"
    r"|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.(com|net|org|io|dev|example|internal|local|aws|cloud|svc)(:[0-9]+)?"
    r"|(hs|rs|es|ps)(256|384|512)|aes-?(128|192|256)(-?(gcm|cbc))?|rsa|ed25519|ecdsa|sha-?(1|256|512)|bearer|basic|hmac",
    re.IGNORECASE,
)
"""What stands under the name of a secret, and is none."""
_CLASSES: Final = (re.compile(r"[a-z]"), re.compile(r"[A-Z]"), re.compile(r"[0-9]"), re.compile(r"[^A-Za-z0-9\s]"))
_SLUG: Final = re.compile(r"[a-z0-9]{1,12}([._-][a-z0-9]{1,12})+")
"""Words of a name, such as `eu-west-2`."""
_NUMBER: Final = "0123456789_-"
"""What ends `password_2`."""
_LEAST, _LEAST_CLASSES, _LEAST_OF_TWO = 8, 3, 20


ISSUED: Final = (
    "Have it revoked, since git keeps it; then write `value: external` and bring the new one by hand, or "
    f"{A_PARAMETER}."
)
WRITTEN: Final = (
    f"Write `generate_random_password: true`, `value: external` where a human brings it, or {A_PARAMETER}; and "
    "change it where it is in use, since git keeps it."
)
WRITTEN_INSIDE: Final = (
    f"Write {A_PARAMETER}, in its place, or give it a secret of its own with `generate_random_password: true` or "
    "`value: external`; and change it where it is in use, since git keeps it."
)


def looks_like_secret(key: str | None, entry: str, expression: Expression) -> tuple[str, str] | None:
    """What a value looks like that is written out, and what to do; None for what does not look like a secret.

    Args:
        key: that it stands under in a JSON value; None for a plain string, the whole value of a secret.
        entry: key of the secret in the YAML.
        expression: the value; its references are none.
    """
    for text in _literals(expression):
        form = next((what for what, pattern in _KNOWN if pattern.search(text[:_MOST])), None)
        if form is not None:
            return f"this looks like {form}", ISSUED
    if not isinstance(expression, Literal) or not isinstance(expression.value, str):
        return None
    text, name = expression.value.strip(), entry if key is None else key
    if not text or _HARMLESS.fullmatch(text[:_MOST]):
        return None
    if names_credential(name.rstrip(_NUMBER)):
        return f"a literal stands under the name {name}", WRITTEN if key is None else WRITTEN_INSIDE
    if key is None and _is_mixed(text):
        return "a literal that looks like a password is the whole value", WRITTEN
    return None


def _literals(expression: Expression) -> Iterator[str]:
    """The text of a value, or what of it stands around references."""
    for part in expression.parts if isinstance(expression, Text) else (expression,):
        if isinstance(part, Literal) and isinstance(part.value, str):
            yield part.value


def _is_mixed(text: str) -> bool:
    """Whether a word mixes letters, digits and signs as nobody does in a name: three kinds, or two in a long one."""
    kinds = sum(bool(kind.search(text)) for kind in _CLASSES)
    if re.search(r"\s", text) or len(text) < _LEAST or _SLUG.fullmatch(text):
        return False
    return kinds >= _LEAST_CLASSES or (len(text) >= _LEAST_OF_TWO and text.isalnum() and kinds > 1)
