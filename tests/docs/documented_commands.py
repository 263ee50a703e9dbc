"""The commands of this checkout that README, CONTRIBUTING and docs/ name, and which script of .ci/ runs each.

    .venv/bin/python -m tests.docs.documented_commands

A command is a file of `benchmarks/` with the options that stand beside it, a target of the Makefile, or a module of
this checkout behind `python -m`. Only code counts: spans in backticks and fenced blocks. A page may call
`benchmarks/chain.py` just `chain.py`. A script of .ci/ runs what it names, and what the targets that it names run.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
JOBS: Final = (".ci/run", ".ci/slow")
_CODE: Final = re.compile(r"^ *```[^\n]*\n(.*?)^ *```|`([^`]+)`", re.MULTILINE | re.DOTALL)
_SCRIPT: Final = re.compile(r"(?<![\w/.])(?:benchmarks/)?(?P<name>\w+)\.py\b(?P<rest>[^\n|;&]*)")
_MODULE: Final = re.compile(r'\bpython[\d.]*"? -m (?P<module>[\w.]+)')
_MAKE: Final = re.compile(r"(?:^|[\s(&;])make (?:-C \S+ )?(?P<target>[a-z][a-z-]*)", re.MULTILINE)
_OPTION: Final = re.compile(r"(?<=\s)--[a-z][a-z-]+")
_RULE: Final = re.compile(
    r"^(?P<targets>[a-z][a-z -]*):(?!=)(?P<needs>[^#\n]*)[^\n]*\n(?P<recipe>(?:\t[^\n]*\n?)*)", re.MULTILINE
)


def pages(root: Path = ROOT) -> Iterator[Path]:
    """README, CONTRIBUTING, and every page of docs/."""
    yield from (root / "README.md", root / "CONTRIBUTING.md")
    yield from sorted((root / "docs").rglob("*.md"))


def rules(root: Path = ROOT) -> Mapping[str, tuple[Sequence[str], str]]:
    """Targets of the Makefile that are no files: what each needs, and its recipe."""
    return {
        target: (found["needs"].split(), found["recipe"])
        for found in _RULE.finditer((root / "Makefile").read_text())
        for target in found["targets"].split()
    }


def commands(text: str, root: Path = ROOT) -> Iterator[str]:
    """The commands of this checkout in a shell's text; of a benchmark one for itself, and one for each option."""
    for found in _SCRIPT.finditer(text):
        if (root / "benchmarks" / f"{found['name']}.py").is_file():
            yield f"benchmarks/{found['name']}.py"
            yield from (f"benchmarks/{found['name']}.py {option}" for option in _OPTION.findall(found["rest"]))
    for found in _MODULE.finditer(text):
        path = root / found["module"].replace(".", "/")
        if path.is_dir() or path.with_suffix(".py").is_file():
            yield f"python -m {found['module']}"
    targets = rules(root)
    yield from (f"make {found['target']}" for found in _MAKE.finditer(text) if found["target"] in targets)


def documented(root: Path = ROOT) -> Mapping[str, Sequence[str]]:
    """Command → the pages that name it."""
    found: dict[str, list[str]] = defaultdict(list)
    for page in pages(root):
        code = "\n".join(block or span for block, span in _CODE.findall(page.read_text()))
        for command in dict.fromkeys(commands(code, root)):
            found[command].append(str(page.relative_to(root)))
    return dict(sorted(found.items()))


def run_by(script: str, root: Path = ROOT) -> frozenset[str]:
    """The commands that a script of .ci/ runs, those of the Makefile's targets included; none if there is no script."""
    text = (root / script).read_text() if (root / script).is_file() else ""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    done: set[str] = set()
    left = list(commands("\n".join(lines), root))
    known = rules(root)
    while left:
        command = left.pop()
        if command in done:
            continue
        done.add(command)
        needs, recipe = known.get(command.removeprefix("make "), ((), ""))
        left += [*commands(recipe, root), *(f"make {one}" for one in needs if one in known)]
    return frozenset(done)


def jobs(root: Path = ROOT) -> Mapping[str, str]:
    """Documented command → the script of .ci/ that runs it, the quickest one; empty if none does."""
    runs = {script: run_by(script, root) for script in JOBS}
    return {command: next((one for one in JOBS if command in runs[one]), "") for command in documented(root)}


def main() -> None:
    """Print the list."""
    found = documented()
    lines = [f"| `{command}` | {job or 'NONE'} | {', '.join(found[command])} |" for command, job in jobs().items()]
    sys.stdout.write("\n".join(["| command | run by | named in |", "| --- | --- | --- |", *lines, ""]))


if __name__ == "__main__":
    main()
