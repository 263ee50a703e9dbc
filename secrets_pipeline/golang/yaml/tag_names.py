"""Name the tags of Atmos, and an unknown one with care: what stands there may be a password that begins with `!`."""

from __future__ import annotations

import difflib
from typing import Final

INCLUDES: Final = frozenset({"!include", "!include.raw"})
TAGS: Final = frozenset({
    *INCLUDES, "!append", "!aws.account_id", "!aws.caller_identity_arn", "!aws.caller_identity_user_id",
    "!aws.organization_id", "!aws.region", "!cel", "!cwd", "!emulator", "!env", "!exec", "!git.branch", "!git.host",
    "!git.name", "!git.owner", "!git.ref", "!git.repository", "!git.root", "!git.sha", "!git.url", "!labels",
    "!labels.keys", "!labels.values", "!literal", "!random", "!repo-root", "!secret", "!starlark", "!store",
    "!store.get", "!tags", "!template", "!terraform.output", "!terraform.state", "!unset", "!version",
})  # fmt: skip
"""All that a scalar may have."""
_CORE: Final = frozenset({"binary", "bool", "float", "int", "map", "merge", "null", "seq", "str", "timestamp"})
_CORE_PREFIX: Final = "tag:yaml.org,2002:"
_NEAR: Final = 0.8  # of `difflib`: one letter wrong, missing or too many


def named(tag: str) -> str:
    """The tag, quoted, if it is one or nearly one; else that it is unknown."""
    core = tag.removeprefix(_CORE_PREFIX)
    if core != tag:
        return f"!!{core}" if core in _CORE else "an unknown tag"
    near = difflib.get_close_matches(tag, TAGS, n=1, cutoff=_NEAR)
    if not near:
        return "an unknown tag"
    return repr(tag) if tag in TAGS else f"{tag!r} (did you mean {near[0]}?)"
