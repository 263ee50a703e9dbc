"""Evaluate `!include` and `!include.raw`: other files as values, read while a manifest is parsed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

from secrets_pipeline.errors import StackError, Where
from secrets_pipeline.golang.values import Value
from secrets_pipeline.golang.yaml import reader
from secrets_pipeline.golang.yaml.tag_names import INCLUDES
from secrets_pipeline.stacks.amounts import Amounts
from secrets_pipeline.stacks.files import remote
from secrets_pipeline.stacks.files.disk import is_file, real_path
from secrets_pipeline.stacks.files.files import Files
from secrets_pipeline.stacks.files.readable import OUTSIDE, Use
from secrets_pipeline.stacks.functions import arguments, yq
from secrets_pipeline.stacks.functions.functions import construct, json_value

_RAW: Final = "!include.raw"
_YAML: Final = (".yaml", ".yml")
_HCL: Final = (".hcl", ".tf", ".tfvars")


class Parser:
    """Parses manifests of one repository, their includes inside; an included file is parsed once.

    Args:
        files: access to the repository; included files cannot be outside of it.
        amounts: of the repository.
    """

    def __init__(self, files: Files, amounts: Amounts) -> None:
        self._files = files
        self._included: dict[tuple[Path, bool], Value] = {}
        self._queried: dict[tuple[Path, bool, str], Value] = {}
        self._includes: dict[Path, dict[Path, None]] = {}
        self._amounts = amounts

    def parse(self, text: str, path: Path) -> dict[str, Value]:
        """The mapping that a manifest's text is; an empty one if there is nothing in it.

        What comes from an included file is shared by all who include it, so never changed.

        Args:
            text: the manifest, as read or as rendered.
            path: where it is, for relative includes and messages.

        Raises:
            StackError: with file, line and column, if it or what it includes is invalid, or it is no mapping.
        """
        return reader.load_mapping(text, self._files.name(path), self._constructor((path,)), self._amounts.count)

    def included(self, path: Path) -> dict[Path, Path]:
        """The files that a manifest includes, also through each other, and for each which file names it."""
        found: dict[Path, Path] = {}
        waiting = [path]
        while waiting:
            by = waiting.pop(0)
            for target in self._includes.get(by, ()):
                if target not in found:
                    found[target] = by
                    waiting.append(target)
        return found

    def _constructor(self, chain: tuple[Path, ...]) -> reader.TagConstructor:
        def constructed(tag: str, args: str) -> Value:
            return self._include(tag, args, chain) if tag in INCLUDES else construct(tag, args)

        return constructed

    def _include(self, tag: str, args: str, chain: tuple[Path, ...]) -> Value:
        name, query = arguments.word_and_rest(tag, args)
        target = self._target(tag, name, chain[-1])
        raw = tag == _RAW
        key = target, raw
        if key not in self._included:
            self._included[key] = self._read(tag, target, chain)
        self._includes.setdefault(chain[-1], {})[target] = None
        value = self._included[key]
        if query:
            if (*key, query) not in self._queried:
                self._queried[*key, query] = self._evaluated(query, value)
            value = self._queried[*key, query]
        self._amounts.spend(value)
        return value

    def _evaluated(self, query: str, value: Value) -> Value:
        self._amounts.step(0)
        steps = yq.Steps(self._amounts.steps_left())
        try:
            return yq.evaluate(query, value, steps)
        finally:
            self._amounts.step(steps.taken)

    def _read(self, tag: str, target: Path, chain: tuple[Path, ...]) -> Value:
        real = real_path(target)
        if any(real_path(path) == real for path in chain):
            raise StackError(
                f"{tag} cycle: {self._shown((*chain, target))}",
                where=Where(file=self._files.name(chain[-1])),
                remedy="Break the cycle: a file cannot include itself.",
            )
        try:
            text = self._files.text(target, Use.VALUE)
            return text if tag == _RAW else self._value(text, target, chain)
        except StackError as error:
            raise self._included_by(error, chain, target) from None

    def _value(self, text: str, target: Path, chain: tuple[Path, ...]) -> Value:
        """The file's content by its extension: YAML, JSON, HCL, or else the text."""
        suffix = target.suffix.lower()
        if suffix in _YAML:
            return reader.load(text, self._files.name(target), self._constructor((*chain, target)), self._amounts.count)
        try:
            if suffix == ".json":
                return json_value(text)
            if suffix in _HCL:
                self._amounts.read_hcl(text)
                from secrets_pipeline.stacks.functions import hcl  # noqa: PLC0415 - 90 ms at every start, which few files need

                return hcl.parse(text)
        except json.JSONDecodeError as error:
            problem, line = f"invalid JSON: {error.msg} (column {error.colno})", error.lineno
        except ValueError as error:
            problem, line = str(error), None
        else:
            return text
        where = Where(file=self._files.name(target), line=line)
        raise StackError(problem, where=where, remedy="Correct the file, or include it as text: !include.raw.")

    def _target(self, tag: str, name: str, importer: Path) -> Path:
        """The file of that name: for `./` and `../` beside the manifest, else (or if not there) below the base path."""
        if remote.is_remote(name):
            message = f"remote include not supported: {remote.shown(name)!r}: vendor the file into the repository"
            raise ValueError(message)
        places = [self._files.base / name]
        if name.startswith(("./", "../")):
            places.insert(0, importer.parent / name)
        outside = False
        for place in places:
            path = Path(os.path.normpath(place))
            unreadable = self._files.readable.problem(path)
            outside = outside or unreadable is OUTSIDE
            if unreadable is OUTSIDE or not is_file(path):
                continue
            if unreadable is not None:
                message = f"the {tag} function may not read {name!r}: it {unreadable.problem}: {unreadable.remedy}"
                raise ValueError(message)
            return path
        if outside:
            message = f"the {tag} function may not read {name!r}: it {OUTSIDE.problem}"
            raise ValueError(message)
        message = (
            f"the {tag} function references a file that does not exist: {name!r} "
            "(below the base path; write ./ for a file beside this manifest)"
        )
        raise ValueError(message)

    def _included_by(self, error: StackError, chain: tuple[Path, ...], target: Path) -> StackError:
        """The error of an included file, with the files that include it; those of deeper ones have them already."""
        where = error.where
        if where is None or where.file != self._files.name(target) or " cycle: " in error.message:
            return error
        return StackError(
            f"{error.message}; included by {self._shown(chain)}", remedy=error.remedy, where=where, chain=error.chain
        )

    def _shown(self, chain: tuple[Path, ...]) -> str:
        return " → ".join(self._files.name(path) for path in chain)
