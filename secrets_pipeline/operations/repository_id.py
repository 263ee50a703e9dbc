"""Find the id of a repository: what the operator's settings say, else where its clone came from; no git is run.

Sources: https://git-scm.com/docs/git-clone#_git_urls, https://git-scm.com/docs/gitrepository-layout (`.git` files,
`commondir`), https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html (what a tag holds)
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from secrets_pipeline.desired.settings.operator import REPOSITORY_ID
from secrets_pipeline.stacks.files.disk import asked

NAMELESS = (
    "this repository has no id: set repository: in the operator's settings, so that another repository with a stack of "
    "the same name is told apart"
)
_SECTION = re.compile(r"\s*\[(.*?)\]")
_ORIGIN = re.compile(r'remote\s+"origin"', re.IGNORECASE)
_URL = re.compile(r'\s*url\s*=\s*"?([^"#;]+)', re.IGNORECASE)
_BY_SSH = re.compile(r"(?:[^@/]+@)?(?P<host>[^/:@\[\]]{2,}):(?!:)(?P<path>.+)")
"""`git@github.com:acme/infra`; a single letter before the colon is a drive."""
_SCHEMES = frozenset({"http", "https", "ssh", "git", "git+ssh", "ssh+git"})


def repository_id(named: str, base_path: Path) -> str:
    """Find the id of the repository that holds a base path; empty where nothing says one.

    Args:
        named: what the operator's settings say; empty for nothing.
        base_path: of the Atmos repository.
    """
    return named or id_of_url(asked(origin_of, str(base_path)))


def id_of_url(url: str) -> str:
    """Spell a URL as `github.com/acme/infra`; empty for a path of this machine, or what is no tag.

    Credentials, scheme, port, query and a trailing `.git` are left out: a token in a URL goes nowhere.
    """
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname or ""
    except ValueError:
        return ""
    path = parts.path
    if parts.scheme not in _SCHEMES:
        by_ssh = None if "://" in url else _BY_SSH.fullmatch(url.strip())
        if by_ssh is None:
            return ""
        host, path = by_ssh["host"].lower(), by_ssh["path"]
    path = re.sub(r"/+", "/", path).strip("/").removesuffix(".git").rstrip("/")
    said = f"{host}/{path}"
    # An @ behind the host is the end of credentials that were not understood.
    return said if host and path and "@" not in path and REPOSITORY_ID.fullmatch(said) else ""


def origin_of(base_path: str) -> str:
    """URL of the remote `origin` of the work tree that holds a folder; empty where there is none."""
    folder = Path(base_path).resolve()
    for one in (folder, *folder.parents):
        config = _config(one / ".git")
        if config is not None:
            return _url(config)
    return ""


def _config(git: Path) -> Path | None:
    """The configuration behind a `.git`: a folder, or the file that a linked work tree or a submodule has instead."""
    if git.is_dir():
        return git / "config"
    if not git.is_file():
        return None
    marker, _, said = _text(git).strip().partition(":")
    folder = git.parent / said.strip()
    if marker != "gitdir" or not folder.is_dir():
        return None
    return folder / _text(folder / "commondir").strip() / "config"


def _url(config: Path) -> str:
    at_origin = False
    for line in _text(config).splitlines():
        if section := _SECTION.match(line):
            at_origin = bool(_ORIGIN.fullmatch(section[1].strip()))
        elif at_origin and (url := _URL.match(line)):
            return url[1].strip()
    return ""


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
