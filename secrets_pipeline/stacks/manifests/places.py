"""Put errors on the line that they are about, with the chain of imports that leads there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from secrets_pipeline.errors import StackError, Where
from secrets_pipeline.stacks.files.disk import is_file
from secrets_pipeline.stacks.files.files import Files
from secrets_pipeline.stacks.manifests.imports import Imports
from secrets_pipeline.stacks.manifests.locate import Locator, where


class Places:
    """Finds the places of errors.

    Args:
        files: access to the repository.
        locator: finds lines of keys.
        imports: knows which manifest imports which.
    """

    def __init__(self, files: Files, locator: Locator, imports: Imports) -> None:
        self._files = files
        self._locator = locator
        self._imports = imports

    def of_manifest(self, error: StackError, top: Path, sources: Sequence[Path]) -> StackError:
        """The error of a manifest on the line of its key, in the manifest itself or the import that has it last.

        Args:
            error: of the manifest.
            top: the top-level manifest.
            sources: all that it was merged from, lowest precedence first.
        """
        place = error.where
        if place is None:
            return self._at_top(error, top)
        if place.line is not None or place.key is None:
            return error
        for source in (self._files.base / (place.file or ""), *reversed(sources)):
            line = self._locator.line(source, place.key.split(".")) if is_file(source) else None
            if line is not None:
                return self._moved(error, place, top, (source, line))
        return error

    def of_component(
        self, error: StackError, top: Path, sources: Sequence[Path], kind: str, bases: Sequence[str] = ()
    ) -> StackError:
        """The error of a component on the line of its key, or of the nearest key above it.

        Args:
            error: of the component.
            top: the top-level manifest.
            sources: all that it was merged from, lowest precedence first.
            kind: of the component.
            bases: of the component, nearest first.
        """
        place = error.where
        if place is None:
            return self._at_top(error, top)
        if place.line is not None or place.component is None:
            return error
        path = place.key.split(".") if place.key else []
        return self._moved(error, place, top, self._locator.locate(sources, kind, place.component, bases, path))

    def of_name(self, sources: Sequence[Path]) -> Where | None:
        """The line that has the last word on `name`, of a manifest that was merged from these; None if none shows."""
        for source in reversed(sources):
            line = self._locator.line(source, ("name",))
            if line is not None:
                return Where(self._files.name(source), line)
        return None

    def _at_top(self, error: StackError, top: Path) -> StackError:
        where = Where(file=self._files.name(top))
        return StackError(error.message, remedy=error.remedy, where=where, chain=error.chain)

    def _moved(self, error: StackError, place: Where, top: Path, found: tuple[Path, int] | None) -> StackError:
        if found is None:
            return error
        chain = error.chain or [self._files.name(step) for step in self._imports.chain(top, found[0])]
        return StackError(error.message, remedy=error.remedy, where=where(found, self._files, place), chain=chain)
