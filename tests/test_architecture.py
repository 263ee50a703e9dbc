"""ARCHITECTURE.md says of the tree what is there: each package, each layer, each path that it names."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PRODUCT = ROOT / "secrets_pipeline"
PAGE = (ROOT / "ARCHITECTURE.md").read_text()
_PATH = re.compile(r"`([\w.-]+/[\w./-]*|[A-Z]+\.md)`")


def section(title: str) -> str:
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def block(title: str) -> list[str]:
    """The indented lines of a section."""
    return [line.strip() for line in section(title).splitlines() if line.startswith("    ")]


def named() -> list[str]:
    return sorted(set(_PATH.findall(PAGE)))


def test_the_tree_is_that_of_the_product() -> None:
    listed = [line.split()[0].rstrip("/") for line in block("The tree")]
    there = {one.name for one in PRODUCT.iterdir() if (one / "__init__.py").exists()}
    there |= {one.name for one in PRODUCT.glob("*.py") if not one.name.startswith("__")}
    assert sorted(listed) == sorted(there)


def test_the_layers_are_those_of_the_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = [one["layers"] for one in contracts if one["type"] == "layers"]
    assert block("The layers") == [", ".join(sorted(one.split(" | "))) for one in layers if one != "__main__"]


@pytest.mark.parametrize("path", named())
def test_what_the_page_names_is_there(path: str) -> None:
    assert any((root / path).exists() for root in (PRODUCT, ROOT))


@pytest.mark.parametrize("noun", sorted(one.parent.name for one in PRODUCT.glob("reconcilers/*/reconciler.py")))
def test_the_page_of_a_kind_holds_for_every_kind(noun: str) -> None:
    text = (PRODUCT / "reconcilers" / noun / "reconciler.py").read_text()
    assert "def plan(self" in text or "PartReconciler" in text
    assert (ROOT / "tests" / "reconcilers" / noun).is_dir()


def test_plaintext_is_where_the_page_says() -> None:
    listed = [path for path in _PATH.findall(section("Where plaintext is")) if path != "rotation_lambda/"]
    opened = {
        str(file.relative_to(PRODUCT))
        for file in PRODUCT.rglob("*.py")
        if ".get_secret_value()" in file.read_text() and file.parent.name != "rotation_lambda"
    }
    assert {file for file in opened if not file.startswith(tuple(listed))} == set()
    assert {path for path in listed if not any(file.startswith(path) for file in opened)} == set()


def test_no_module_exceeds_600_lines() -> None:
    lengths = {str(one.relative_to(PRODUCT)): len(one.read_text().splitlines()) for one in PRODUCT.rglob("*.py")}
    assert {name: lines for name, lines in lengths.items() if lines > 600} == {}


def test_the_page_is_one_page() -> None:
    assert len(PAGE.splitlines()) <= 110
    assert max(map(len, PAGE.splitlines())) <= 130


ASKS = re.compile(
    r"(?<![\w.])(?<!def )open\(|\bos\.(stat|lstat|scandir|listdir|walk|readlink|open|access)\b"
    r"|\bos\.path\.(exists|lexists|isfile|isdir|islink|ismount|realpath|getsize|getmtime|samefile)\b"
    r"|\.(exists|is_file|is_dir|is_symlink|read_text|read_bytes|stat|lstat|iterdir|r?glob|readlink|expanduser)\("
    r"|\b(path|folder|root|base|file|top)\w*\.resolve\("
)
"""What asks the file system."""
ASK_THEMSELVES = {
    "stacks/files/disk.py": "notes what it asks",
    "stacks/files/git_index.py": "is asked as a whole, by `readable.tracks`",
    "stacks/functions/processes.py": "opens pipes of what it starts",
    "stacks/sources/source.py": "a pipe, which is read once",
}


def test_what_reads_a_repository_asks_the_file_system_where_it_is_noted() -> None:
    found = {
        f"{file.relative_to(PRODUCT)}:{number}": line.strip()
        for layer in ("stacks", "desired", "references", "golang")
        for file in (PRODUCT / layer).rglob("*.py")
        if str(file.relative_to(PRODUCT)) not in ASK_THEMSELVES
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if ASKS.search(line) and "disk." not in line
    }
    assert found == {}


def test_stacks_that_may_only_be_shown_are_touched_by_what_reads_yaml_alone() -> None:
    """`OpenRepository.shown` holds stacks that lack a grant: whoever asks AWS takes `specs`, which does not."""
    touching = {
        str(file.relative_to(PRODUCT))
        for file in PRODUCT.rglob("*.py")
        if re.search(r"(?<!secrets_pipeline\.)\b(desired|built|repository)\.shown\b", file.read_text())
    }
    assert touching == {
        "cli/init/command.py",
        "cli/list/command.py",
        "cli/shared/repository.py",
        "operations/open_repository.py",
    }
