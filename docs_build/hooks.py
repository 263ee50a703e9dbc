"""Show pages that lie beside docs/ in the site, and mend links that lead out of docs/; MkDocs calls it.

In the repository every link is relative to the file that it stands in, so a code host follows all of them. The site has
docs/ and the pages of `BESIDE`; a link to any other file becomes one to the code host where `repo_url` says which, and
its text alone where the owner has set none.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).parents[1]
BESIDE: Final = ("ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
"""Pages of the repository's top level that the site has, too."""
_DOCS: Final = "docs/"
_FENCED: Final = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r"(?<!!)\[(?P<text>[^\[\]]+)\]\((?P<file>(?![a-z]+:)[^()#\s]+)(?P<anchor>#[^()\s]*)?\)")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages of `BESIDE` that there are."""
    for name in BESIDE:
        if (ROOT / name).is_file():
            files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Mend the links of a page, those in code aside."""
    here = page.file.src_uri
    shown = {_in_repository(one.src_uri): one.src_uri for one in files}
    return mended(markdown, here, shown, config.repo_url or "")


def mended(markdown: str, here: str, shown: dict[str, str], repository: str) -> str:
    """Mend the links of a page.

    Args:
        markdown: the page.
        here: where it is in the site, as `commands.md`.
        shown: file of the repository → where it is in the site.
        repository: address of the repository at its code host; empty for none.
    """
    folder = posixpath.dirname(_in_repository(here))

    def link(found: re.Match[str]) -> str:
        file = posixpath.normpath(posixpath.join(folder, found["file"]))
        anchor = found["anchor"] or ""
        if file in shown:
            target = posixpath.relpath(shown[file], posixpath.dirname(here) or ".")
            return f"[{found['text']}]({target}{anchor})"
        if file.startswith(_DOCS) and file.endswith(".md"):
            # MkDocs says that it leads nowhere.
            return found[0]
        return f"[{found['text']}]({repository.rstrip('/')}/blob/HEAD/{file}{anchor})" if repository else found["text"]

    parts, last = [], 0
    for fence in _FENCED.finditer(markdown):
        parts += [_LINK.sub(link, markdown[last : fence.start()]), fence[0]]
        last = fence.end()
    return "".join([*parts, _LINK.sub(link, markdown[last:])])


def _in_repository(uri: str) -> str:
    return uri if uri in BESIDE else f"{_DOCS}{uri}"
