"""Filter and page ListSecrets and BatchGetSecretValue."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from moto.secretsmanager.list_secrets import filters as moto_filters

from secrets_pipeline.emulator.core.fault import Fault
from secrets_pipeline.emulator.services.secretsmanager.model import EmulatedSecret

_SORT_KEYS: dict[str, Callable[[EmulatedSecret], Any]] = {
    "created-date": lambda secret: secret.sequence,
    "last-accessed-date": lambda secret: (secret.accessed or 0.0, secret.sequence),
    "last-changed-date": lambda secret: (secret.changed, secret.sequence),
    "name": lambda secret: secret.name,
}


def matching(secrets: Iterable[EmulatedSecret], filters: Sequence[Mapping[str, Any]]) -> Iterator[EmulatedSecret]:
    """The secrets that match every filter.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/manage_search-secret.html
    """
    return (secret for secret in secrets if all(_matches(secret, one) for one in filters))


def _matches(secret: EmulatedSecret, one: Mapping[str, Any]) -> bool:
    key, values = str(one.get("Key")), list(one.get("Values") or ())
    if key == "name":
        return _any(values, [secret.name])
    if key == "tag-key":
        return _any(values, list(secret.tags))
    if key == "tag-value":
        return _any(values, list(secret.tags.values()))
    if key == "primary-region":
        primary = secret.primary.region if secret.primary else secret.region
        return _any(values, [primary] if secret.primary or secret.replicas else [])
    if key == "owning-service":
        return _any(values, [secret.owning_service] if secret.owning_service else [])
    words = [secret.description] if key == "description" else [secret.name, secret.description, *_flat(secret.tags)]
    present = [word for word in words if word]
    return any(_words(value, present) for value in values)


def _any(patterns: Sequence[str], texts: Sequence[str]) -> bool:
    """Case-sensitive prefix match; `!` in front of a value negates it."""
    for pattern in patterns:
        wanted = pattern.removeprefix("!")
        found = any(text.startswith(wanted) for text in texts)
        if found != pattern.startswith("!"):
            return True
    return False


def _words(pattern: str, texts: Sequence[str]) -> bool:
    """Match word by word, without case, by moto's rendering of AWS's splitter."""
    wanted = moto_filters.split_words(pattern.removeprefix("!"))
    found = any(
        bool(wanted)
        and all(
            any(have.lower().startswith(want.lower()) for have in moto_filters.split_words(text)) for want in wanted
        )
        for text in texts
    )
    return found != pattern.startswith("!")


def _flat(tags: Mapping[str, str]) -> list[str]:
    return [part for item in tags.items() for part in item]


def page(
    secrets: Sequence[EmulatedSecret], params: Mapping[str, Any], *, largest: int
) -> tuple[Sequence[EmulatedSecret], dict[str, str]]:
    """One page, and NextToken if there is more; no secret behind the page is compared with the filters.

    The token is opaque and names the last secret shown, so that secrets created or deleted between two pages neither
    repeat nor hide others.

    Args:
        secrets: every secret, whether it matches or not.
        params: Filters, MaxResults, NextToken, SortBy, SortOrder.
        largest: page size without MaxResults, and the largest allowed.

    Raises:
        Fault: InvalidNextTokenException.
    """
    key = _SORT_KEYS[params.get("SortBy") or "created-date"]
    ordered = sorted(secrets, key=key, reverse=params.get("SortOrder") == "desc")
    token, size = params.get("NextToken"), int(params.get("MaxResults") or largest)
    start = _after(ordered, token) if token else 0
    found = list(islice(matching(islice(ordered, start, None), params.get("Filters") or ()), size + 1))
    shown = found[:size]
    if len(found) <= size:
        return shown, {}
    end = ordered.index(shown[-1], start) + 1
    return shown, {"NextToken": _encode(end, shown[-1].arn)}


def _encode(position: int, arn: str) -> str:
    return base64.urlsafe_b64encode(f"{position} {arn}".encode()).decode()


def _after(ordered: Sequence[EmulatedSecret], token: str) -> int:
    try:
        position, arn = base64.urlsafe_b64decode(token.encode()).decode().split(" ", 1)
        remembered = int(position)
    except (binascii.Error, ValueError):
        raise Fault("InvalidNextTokenException", "The NextToken value is invalid.") from None
    if 0 < remembered <= len(ordered) and ordered[remembered - 1].arn == arn:
        return remembered
    return next((index + 1 for index, secret in enumerate(ordered) if secret.arn == arn), remembered)
