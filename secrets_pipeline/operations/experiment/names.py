"""Put literals of one account in the place of names, and names in the place of literals."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from secrets_pipeline.operations.experiment.contract import Template

ZIPPED: Final = "<zip>"
"""The only key of an object that stands for an archive: file name → its text."""
_NAME = re.compile(r"<(\w+)>")
_LEFT: Final = (
    # Of secrets' ARNs, KMS, IAM, request tokens, and of accounts that are not the caller's.
    (re.compile(r"(?<=:secret:)([\w/+=.@<>-]+)-\w{6}\b"), r"\1-<suffix>"),
    (re.compile(r"\b(?:mrk-[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b"), "<id>"),
    (re.compile(r"\bA(?:ROA|IDA|KIA|SIA)[A-Z0-9]{12,}\b"), "<unique id>"),
    (re.compile(r"\b[0-9a-f]{32,}\b"), "<id>"),
    (re.compile(r"\b\d{12}\b"), "<another account>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*"), "<time>"),
    (re.compile(r"\b\d{8}T\d{6}Z\b"), "<time>"),
)


class Names:
    """The literals of one run, by name.

    Args:
        known: name → literal.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = {name: literal for name, literal in known.items() if literal}

    def keep(self, name: str, literal: str) -> None:
        """Let a name stand for a literal from now on."""
        self._known[name] = literal

    def filled(self, template: Template) -> Any:  # noqa: ANN401 - whatever a request takes
        """Return a template with literals; an object of `ZIPPED` becomes the bytes of its archive.

        Raises:
            KeyError: if a name was never kept.
        """
        if isinstance(template, str):
            return _NAME.sub(lambda found: self._known[found[1]], template)
        if isinstance(template, Mapping):
            if ZIPPED in template:
                return _archive(template[ZIPPED])
            return {name: self.filled(one) for name, one in template.items()}
        return [self.filled(one) for one in template] if isinstance(template, list | tuple) else template

    def hidden(self, value: object) -> Template:
        """Return what AWS answered without literals; whatever else looks like an id or account stands for nothing."""
        if isinstance(value, str):
            # An ARN of this run has its name in it.
            for name, literal in sorted(self._known.items(), key=lambda one: -len(one[1])):
                value = value.replace(literal, f"<{name}>")
            for pattern, instead in _LEFT:
                value = pattern.sub(instead, value)
            return value
        if isinstance(value, Mapping):
            return {self.hidden(name): self.hidden(one) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.hidden(one) for one in value]
        return "<time>" if isinstance(value, datetime) else value


def decoded(value: object) -> Any:  # noqa: ANN401 - whatever AWS answers
    """Return an answer in which each text that is a JSON object is that object, as policies and events are."""
    if isinstance(value, Mapping):
        return {name: decoded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [decoded(one) for one in value]
    if isinstance(value, str) and value.startswith("{"):
        try:
            return decoded(json.loads(value))
        except ValueError:
            return value
    return value


def _archive(files: Mapping[str, str]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, text in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name), text)
    return written.getvalue()
