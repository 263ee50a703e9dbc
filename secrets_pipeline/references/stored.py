"""Read a value as Atmos's stores keep it: what is JSON is decoded, and a path leads into it.

Source: Atmos `pkg/store/providers/aws_ssm_param_store.go` (decodeParameterValue).
"""

from __future__ import annotations

import json
import math

from secrets_pipeline.references.model import Json, Path


class NotThereError(Exception):
    """The path leads nowhere."""


def stored(text: str, path: Path, *, secret: bool) -> Json:
    """What a store makes of the text of a parameter.

    Args:
        text: as Parameter Store has it.
        path: keys and indexes into what the text holds as JSON.
        secret: whether the store holds secrets: then a number, `true` or `null` is text, byte for byte.

    Raises:
        NotThereError: if the path leads nowhere; nothing of the value is in it.
    """
    value = _decoded(text, secret=secret)
    for step in path:
        below = value.get(step) if isinstance(value, dict) and isinstance(step, str) else None
        if isinstance(value, list) and isinstance(step, int):
            below = value[step] if step < len(value) else None
        if below is None:
            raise NotThereError
        value = below
    return value


def _decoded(text: str, *, secret: bool) -> Json:
    try:
        value: Json = json.loads(text, parse_float=_number, parse_constant=_number)
    except (ValueError, RecursionError):
        return text
    return text if secret and not isinstance(value, dict | list | str) else value


def _number(text: str) -> float:
    """A number as Go's JSON has it: NaN and what is too large are none."""
    if not math.isfinite(value := float(text)):
        raise ValueError
    return value
