"""`!include` and `!include.raw`: other files of the repository as values, read while a manifest is parsed."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Final

from secrets_pipeline.errors import StackError, Where
from secrets_pipeline.stacks import dialect
from secrets_pipeline.stacks.files import Files
from secrets_pipeline.stacks.functions import INCLUDES, construct
from secrets_pipeline.stacks.markers import Value

_STEP: Final = re.compile(r'\.?\[(?P<index>\d+)\]|\.\[?"(?P<quoted>[^"]+)"\]?|\.(?P<name>[A-Za-z0-9_-]+)')
_WORDS: Final = 2  # a path and a query
_REMOTE: Final = re.compile(r"^[a-z][a-z0-9+.-]*(://|::)")


class Parser:
    """Parses manifests of one repository, their includes inside.

    Args:
        files: access to the repository; included files cannot be outside of it.
    """

    def __init__(self, files: Files) -> None:
        self._files = files

    def parse(self, text: str, path: Path, including: tuple[Path, ...] = ()) -> Value:
        """The value of a manifest's text.

        Args:
            text: the manifest, as read or as rendered.
            path: where it is, for relative includes and messages.
            including: the files that include it, the outermost first.

        Raises:
            StackError: with file, line and column, if it or what it includes is invalid.
        """
        chain = (*including, path)

        def constructed(tag: str, args: str) -> Value:
            return self._include(tag, args, chain) if tag in INCLUDES else construct(tag, args)

        return dialect.load(text, self._files.name(path), constructed)

    def _include(self, tag: str, args: str, chain: tuple[Path, ...]) -> Value:
        words = shlex.split(args)
        if not 1 <= len(words) <= _WORDS:
            message = f"invalid number of arguments in {tag}: {args!r}"
            raise ValueError(message)
        target = self._target(words[0], chain[-1])
        if target in chain:
            raise StackError(
                f"{tag} cycle: {' → '.join(self._files.name(path) for path in (*chain, target))}",
                where=Where(file=self._files.name(chain[-1])),
                remedy="Break the cycle: a file cannot include itself.",
            )
        text = self._files.text(target)
        suffix = target.suffix.lower()
        if tag == "!include.raw" or suffix not in (".yaml", ".yml", ".json", ".hcl", ".tf", ".tfvars"):
            value: Value = text
        elif suffix == ".json":
            value = json.loads(text)
        elif suffix in (".yaml", ".yml"):
            value = self.parse(text, target, chain)
        else:
            message = f"{tag} of {suffix} files is not supported: {words[0]!r}"
            raise ValueError(message)
        return query(value, words[1]) if len(words) > 1 else value

    def _target(self, name: str, importer: Path) -> Path:
        if _REMOTE.match(name):
            message = f"remote include not supported: {name!r}"
            raise ValueError(message)
        near = importer.parent / name
        if name.startswith(("./", "../")) or near.is_file():
            return near.resolve()
        target = self._files.base / name
        if not target.is_file():
            message = f"the included file {name!r} does not exist"
            raise ValueError(message)
        return target.resolve()


def query(value: Value, path: str) -> Value:
    """The value at a yq path of keys and indices, such as `.a.b[0]`; a missing key gives `None`.

    Raises:
        ValueError: for any other yq expression.
    """
    position = 0
    while position < len(path) and path != ".":
        step = _STEP.match(path, position)
        if step is None:
            message = f"the yq expression {path!r} is not supported: only keys and indices are"
            raise ValueError(message)
        position = step.end()
        if step["index"] is not None:
            index = int(step["index"])
            value = value[index] if isinstance(value, list) and index < len(value) else None
        else:
            key = step["quoted"] or step["name"]
            value = value.get(key) if isinstance(value, dict) else None
    return value
