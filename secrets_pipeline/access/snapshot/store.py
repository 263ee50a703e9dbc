"""Save and load snapshots. They hold no secret, yet say who may read which one."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from secrets_pipeline.access.snapshot.model import Snapshot
from secrets_pipeline.errors import PolicyError
from secrets_pipeline.private_file import write_private

FORMAT = 2
"""Files of format 1 hold no statements of `AWS_RAM`, so they would be judged as if RAM shared no key."""
_TAKE_ANOTHER = "Take another one with `secrets-pipeline access snapshot`."


def save(snapshot: Snapshot, path: Path) -> None:
    """Write a snapshot as JSON with sorted keys, mode 0600; a reader sees the old file or the new one, whole.

    Args:
        snapshot: what to write.
        path: file, in a folder that exists.

    Raises:
        PolicyError: if the disk refuses.
    """
    text = json.dumps(snapshot.model_dump(mode="json"), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    try:
        write_private(path, text)
    except OSError as error:
        raise PolicyError(
            f"the snapshot {path} cannot be written: {error.strerror}", remedy="Name a file in a folder of yours."
        ) from None


def load(path: Path) -> Snapshot:
    """Read a snapshot.

    Raises:
        PolicyError: if there is no such file, or it is no snapshot, or one of another format.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PolicyError(f"the snapshot {path} cannot be read: {error.strerror}", remedy=_TAKE_ANOTHER) from None
    except ValueError:
        document = None
    if not isinstance(document, dict) or "format" not in document:
        raise PolicyError(f"{path} is not a snapshot", remedy=_TAKE_ANOTHER)
    if document["format"] != FORMAT:
        raise PolicyError(
            f"{path} is a snapshot of format {document['format']!r}, this version reads format {FORMAT}",
            remedy=_TAKE_ANOTHER,
        )
    try:
        return Snapshot.model_validate(document)
    except ValidationError as error:
        wrong = sorted({".".join(map(str, one["loc"])) for one in error.errors(include_input=False)})
    raise PolicyError(f"{path} is not a snapshot: {', '.join(wrong[:5])}", remedy=_TAKE_ANOTHER)
