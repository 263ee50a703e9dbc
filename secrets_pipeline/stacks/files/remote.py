"""Recognise addresses of go-getter (`https://…`, `git::…`, `github.com/…`), which Atmos downloads and we do not."""

from __future__ import annotations

import re
from typing import Final

_REMOTE: Final = re.compile(r"^[a-z][a-z0-9+.-]*(://|::)|^(git@|github\.com/|gitlab\.com/|bitbucket\.org/)")
_USER: Final = re.compile(r"(?<=://)\S*@")
_QUERY: Final = re.compile(r"(?<==)[^&#\s]+")


def is_remote(name: str) -> bool:
    """Whether the name of an import or include is not that of a file."""
    return _REMOTE.match(name) is not None


def shown(name: str) -> str:
    """The address for a message, without who logs in there, with which password, and without values of its query.

    What stands before the last `@` is hidden, since an unescaped password may hold `/`, `#` and `?`.
    """
    address, mark, query = _USER.sub("…@", name).partition("?")
    return address + mark + _QUERY.sub("…", query)
