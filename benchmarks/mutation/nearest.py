"""Which test files reach a module by their imports, nearest first."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

ROOTS: Final = ("secrets_pipeline", "definitions", "tests")
_OWN, _ALIKE, _BESIDE, _ELSEWHERE = range(4)


class Imports:
    """Who imports whom, read from the source of a repository; nothing is imported.

    Attributes:
        others: modules of other distributions that are imported anywhere.
    """

    def __init__(self, root: Path) -> None:
        self._paths = {
            _dotted(path.relative_to(root)): path.relative_to(root)
            for part in ROOTS
            for path in sorted((root / part).rglob("*.py"))
        }
        self._trees = {name: ast.parse((root / path).read_text()) for name, path in self._paths.items()}
        self._widths: dict[str, int] = {}
        self.others: set[str] = set()
        self._imports = {name: set(self._imported(tree)) for name, tree in self._trees.items()}
        self._importers = _turned(self._imports)
        for name, path in self._paths.items():
            if path.name == "conftest.py":
                for other, at in self._paths.items():
                    if _is_test(at) and path.parent in at.parents:
                        self._imports[other].add(name)
        self._all_importers = _turned(self._imports)

    def tests_of(self, module: Path, beside: int, elsewhere: int) -> list[list[Path]]:
        """Give the test files that import `module`, itself or through others: its own, its package's, and the rest.

        The package's are in order by how many imports away they are, those named alike first; the rest by how many
        modules they reach, as what reaches few is most about this one.

        Args:
            module: from the repository's root, as every path that is returned.
            beside: how many of its package at most, beyond its own.
            elsewhere: how many of the rest at most.
        """
        away = _distances(_dotted(module), self._importers)
        every = [name for name in _distances(_dotted(module), self._all_importers) if _is_test(self._paths[name])]

        def order(name: str) -> tuple[int, int, int, str]:
            kinship = _kinship(module, self._paths[name])
            if name not in self._widths:
                self._widths[name] = len(_distances(name, self._imports))
            # What reaches it by a fixture alone is farther than anything that names it.
            distance = away.get(name, len(self._paths)) if kinship < _ELSEWHERE else 0
            return kinship, distance, self._widths[name], name

        ordered = sorted(order(name) for name in every)
        stages = (
            [self._paths[name] for kinship, *_, name in ordered if kinship in kinships]
            for kinships in ({_OWN}, {_ALIKE, _BESIDE}, {_ELSEWHERE})
        )
        return [stage[:limit] for stage, limit in zip(stages, (None, beside, elsewhere), strict=True)]

    def _imported(self, tree: ast.Module) -> Iterator[str]:
        for node in ast.walk(tree):
            match node:
                case ast.Import(names=names):
                    for alias in names:
                        yield from self._known(alias.name)
                case ast.ImportFrom(module=str(module), names=names, level=0):
                    for alias in names:
                        yield from self._known(self._definer(module, alias.name))

    def _known(self, module: str) -> Iterator[str]:
        if module in self._paths:
            yield module
        elif module.partition(".")[0] not in ROOTS:
            self.others.add(module)

    def _definer(self, module: str, name: str) -> str:
        """Give the module that `from module import name` is about: a package re-exports what others define."""
        if f"{module}.{name}" in self._paths:
            return f"{module}.{name}"
        if module in self._paths and self._paths[module].name == "__init__.py":
            for node in self._trees[module].body:
                if isinstance(node, ast.ImportFrom) and node.module and node.module != module:
                    for alias in node.names:
                        if (alias.asname or alias.name) == name:
                            return self._definer(node.module, alias.name)
        return module


def _turned(edges: Mapping[str, set[str]]) -> dict[str, set[str]]:
    turned: dict[str, set[str]] = {}
    for name, others in edges.items():
        for other in others:
            turned.setdefault(other, set()).add(name)
    return turned


def _distances(start: str, edges: Mapping[str, set[str]]) -> dict[str, int]:
    distances = {start: 0}
    queue = deque([start])
    while queue:
        name = queue.popleft()
        for other in edges.get(name, set()) - distances.keys():
            distances[other] = distances[name] + 1
            queue.append(other)
    return distances


def _dotted(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _is_test(path: Path) -> bool:
    return path.parts[0] == "tests" and path.name.startswith("test_")


def _kinship(module: Path, test: Path) -> int:
    inside = module.parts[1:-1] if module.parts[0] == "secrets_pipeline" else module.parts[:-1]
    package = Path("tests", *inside)
    own = module.parent.name if module.stem == "__init__" else module.stem
    subject = test.stem.removeprefix("test_")
    if test.parent not in {package, package.parent}:
        return _BESIDE if package in test.parents else _ELSEWHERE
    if subject in {own, package.name} or subject.startswith(f"{own}_"):
        return _OWN
    first = own.split("_")[0].rstrip("s")
    return _ALIKE if subject.split("_")[0].rstrip("s") in {first, package.name} else _BESIDE
