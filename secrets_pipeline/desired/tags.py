"""Check tags: what AWS takes, and what is the pipeline's own.

Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_Tag.html,
https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

TAGS = 50
TAG_KEY_LENGTH = 128
TAG_VALUE_LENGTH = 256
OWN_PREFIX = "secrets-pipeline:"
OWN_TAGS = tuple(
    OWN_PREFIX + name
    for name in (
        "stack",
        "repository",
        "component",
        "key",
        "spec",
        "value-version",
        "value-key",
        "inputs",
        "kept",
        "replicas",
        "password",
        "generated",
        "tags",
    )
)
"""Every tag that the pipeline may write on a secret; `reconcilers.marks` says what they mean."""
_OPTIONAL = ("generated", "tags")
NEEDED_TAGS = len(OWN_TAGS) - len(_OPTIONAL)
"""All but those that are written where there is room."""
RESERVED_PREFIXES = ("aws:", OWN_PREFIX)

_PLAIN = re.compile(r"[A-Za-z0-9 _.:/=+@-]+")
_CATEGORIES = ("L", "N", "Z")


def tag_problems(tags: Mapping[str, str]) -> list[str]:
    """Why AWS, or this project, would refuse the tags of a resource."""
    problems = []
    if len(tags) > TAGS - NEEDED_TAGS:
        problems.append(f"{len(tags)} tags; AWS takes {TAGS}, of which {NEEDED_TAGS} are the pipeline's own")
    for key, value in tags.items():
        reserved = next((prefix for prefix in RESERVED_PREFIXES if key.lower().startswith(prefix)), None)
        if reserved:
            problems.append(f"tag {key!r} begins with {reserved!r}, which is reserved")
        elif not 1 <= len(key) <= TAG_KEY_LENGTH or not _is_tag_text(key):
            problems.append(f"tag {key!r}: a key has 1 to {TAG_KEY_LENGTH} letters, digits, spaces or _.:/=+-@")
        elif problem := tag_value_problem(value):
            problems.append(f"tag {key!r}: its value {problem}")
    return problems


def leaves_room(tags: Mapping[str, str], own: str) -> bool:
    """Whether a stack's tags on a secret leave room for one of the pipeline's that can be done without."""
    rank = _OPTIONAL.index(own.removeprefix(OWN_PREFIX)) + 1
    return len(tags) + NEEDED_TAGS + rank <= TAGS


def tag_value_problem(value: str) -> str | None:
    """Why AWS would refuse a text as the value of a tag."""
    if len(value) <= TAG_VALUE_LENGTH and _is_tag_text(value):
        return None
    return f"has up to {TAG_VALUE_LENGTH} letters, digits, spaces or _.:/=+-@"


def _is_tag_text(text: str) -> bool:
    rest = _PLAIN.sub("", text)
    return all(unicodedata.category(one).startswith(_CATEGORIES) for one in rest)
