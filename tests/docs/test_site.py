"""docs/ as a site: built strictly, without another host, with the links of the repository."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
import yaml

from docs_build.hooks import BESIDE, mended

ROOT: Final = Path(__file__).parents[2]
SHOWN: Final = {"docs/a.md": "a.md", "docs/inner/b.md": "inner/b.md", "SECURITY.md": "SECURITY.md"}
FOREIGN: Final = re.compile(r"<(?:script|link|img|iframe)[^>]*\s(?:src|href)=\"?(?:https?:)?//[^\s>]*")


def build(folder: Path, settings: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", settings, "--site-dir", folder],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "NO_MKDOCS_2_WARNING": "1"},
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = build(folder, ROOT / "mkdocs.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_the_site_asks_no_other_host_for_anything(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > len(list((ROOT / "docs").rglob("*.md")))
    assert {str(page): found for page in pages if (found := FOREIGN.findall(page.read_text()))} == {}
    assert FOREIGN.findall('<link rel="stylesheet" href="https://fonts.example/css">')


def test_pages_beside_docs_are_pages_of_the_site(site: Path) -> None:
    there = [name for name in BESIDE if (ROOT / name).exists()]
    assert "ARCHITECTURE.md" in there
    assert all((site / name.removesuffix(".md") / "index.html").exists() for name in there)


def test_the_strict_build_refuses_a_link_that_leads_nowhere(tmp_path: Path) -> None:
    own: dict[str, object] = {"docs_dir": str(tmp_path / "docs"), "nav": ["index.md"], "hooks": []}
    (tmp_path / "docs").mkdir()
    (tmp_path / "mkdocs.yml").write_text(yaml.safe_dump({"INHERIT": str(ROOT / "mkdocs.yml"), **own}))
    page = tmp_path / "docs" / "index.md"
    page.write_text("# Page\n\n[there](#page)\n")
    done = build(tmp_path / "site", tmp_path / "mkdocs.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    for link, told in (("gone.md", "gone.md"), ("#gone", "no such anchor")):
        page.write_text(f"# Page\n\n[there]({link})\n")
        done = build(tmp_path / "site", tmp_path / "mkdocs.yml")
        assert done.returncode == 1
        assert told in done.stderr


@pytest.mark.parametrize(
    ("page", "link", "expected"),
    [
        ("a.md", "[b](inner/b.md#c)", "[b](inner/b.md#c)"),
        ("inner/b.md", "[a](../a.md)", "[a](../a.md)"),
        ("inner/b.md", "[report](../../SECURITY.md#how)", "[report](../SECURITY.md#how)"),
        ("SECURITY.md", "[a](docs/a.md), [b](docs/inner/b.md)", "[a](a.md), [b](inner/b.md)"),
        ("a.md", "[`examples/`](../examples)", "`examples/`"),
        ("a.md", "[gone](gone.md)", "[gone](gone.md)"),
        ("a.md", "[AWS](https://docs.aws.amazon.com)", "[AWS](https://docs.aws.amazon.com)"),
        ("a.md", "![picture](../picture.png)", "![picture](../picture.png)"),
        ("a.md", "```yaml\n[x](../examples)\n```\n[x](../examples)", "```yaml\n[x](../examples)\n```\nx"),
    ],
)
def test_a_link_of_the_repository_leads_to_the_same_in_the_site(page: str, link: str, expected: str) -> None:
    assert mended(link, page, SHOWN, "") == expected


def test_a_link_to_another_file_leads_to_the_code_host_where_the_owner_names_it() -> None:
    here = "[`examples/`](../examples#start)"
    there = "[`examples/`](https://git.example.com/acme/secrets/blob/HEAD/examples#start)"
    assert mended(here, "a.md", SHOWN, "https://git.example.com/acme/secrets/") == there
