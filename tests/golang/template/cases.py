"""The templates that are rendered both by Go and by our engine, see test_golden.py.

The text files of the folder cases hold one template a line; those of fields.txt are rendered with both options for
missing keys.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "cases"
DATA: dict[str, Any] = json.loads((FOLDER / "data.json").read_text("utf-8"))


def cases() -> list[dict[str, Any]]:
    """Every template with the options it is rendered with."""
    fields = [{"template": line, **missing} for line in _lines("fields") for missing in ({}, {"missing": "default"})]
    others = ("actions", "expressions", "builtins", "printing")
    lines = [{"template": line} for name in others for line in _lines(name)]
    return [*fields, *lines, *json.loads((FOLDER / "other.json").read_text("utf-8"))]


def _lines(name: str) -> list[str]:
    return (FOLDER / f"{name}.txt").read_text("utf-8").rstrip("\n").split("\n")


if __name__ == "__main__":
    json.dump({"data": DATA, "cases": cases()}, sys.stdout)
