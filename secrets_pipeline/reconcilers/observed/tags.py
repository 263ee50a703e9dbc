"""Convert tags between AWS's lists and maps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypedDict

from secrets_pipeline.engine.reason import Detail, Sign
from secrets_pipeline.reconcilers.tag_keys import PREFIX


def tag_map(tags: Iterable[Mapping[str, object]]) -> dict[str, str]:
    """Read `[{"Key": k, "Value": v}]` (or KMS's `TagKey`) as a dict."""
    return {str(tag.get("Key", tag.get("TagKey"))): str(tag.get("Value", tag.get("TagValue", ""))) for tag in tags}


LACKS_TAGS = "lacks tags of the operator's settings"


def lacks_tags(found: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Return whether a wanted tag is missing or differs. Extra tags are allowed."""
    return any(found.get(key) != value for key, value in wanted.items())


class Tag(TypedDict, total=False):
    """A tag as Secrets Manager and RDS take it."""

    Key: str
    Value: str


def tag_list(tags: Mapping[str, str]) -> list[Tag]:
    """Write a dict as `[{"Key": k, "Value": v}]`, sorted."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def tag_details(key: str, observed: str | None, wanted: str | None) -> tuple[Detail, ...]:
    """Say what becomes of a tag; nothing is shown of the pipeline's own, as proofs are among them.

    Args:
        key: of the tag.
        observed: its value in AWS; None where it has none.
        wanted: the declared one; None where nobody declares it.
    """
    if key.startswith(PREFIX):
        return ()
    sign = Sign.ADDED if observed is None else Sign.REMOVED if wanted is None else Sign.CHANGED
    held, declared = ("" if value is None else repr(value) for value in (observed, wanted))
    return (Detail(sign, f"tag {key}", held, declared),)


def surplus_tags(observed: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """Find tags that nobody declared; those of AWS and of the pipeline itself are left alone."""
    return sorted(key for key in observed if key not in wanted and not key.startswith(("aws:", PREFIX)))
