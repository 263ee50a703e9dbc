"""Count what a user meets: `PYTHONPATH=. python -m docs_build.counts`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel

from docs_build.__main__ import DOCS
from docs_build.settings import operator_page, stack_page
from secrets_pipeline.desired.manifests.vocabulary import places
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.operations.in_force import settings_in_force

_ROW: Final = re.compile(r"^\| `", re.MULTILINE)
_ROWS: Final = re.compile(r"^\| ([^|`]+?) \|", re.MULTILINE)
_GLOSSARY: Final = "how-it-works.md"


def counts() -> dict[str, int]:
    """Count rows of the references, settings of `config`, second names of keys, and words of the glossary."""
    return {
        "rows of the stack reference": len(_ROW.findall(stack_page())),
        "rows of the operator's reference": len(_ROW.findall(operator_page())),
        "operator's settings in `config`": len([*settings_in_force(OperatorSettings(), "", "")]),
        "second names of keys, documented": len(re.findall("Same as `", stack_page() + operator_page())),
        "second names of keys, read": len(set(_second_names())),
        "words of the glossary": len(words()),
        **{f"of them in {page}": len(words_in(page)) for page in ("README.md", "docs/first-hour.md")},
    }


def words() -> tuple[str, ...]:
    """List the words of the glossary in docs/how-it-works.md, such as `seal`; Atmos's and Dagster's are among them."""
    section = (DOCS / _GLOSSARY).read_text(encoding="utf-8").partition("\n## Words")[2].partition("\n## ")[0]
    rows = [row for row in _ROWS.findall(section) if row not in ("word", "---")]
    return tuple(word for row in rows for word in row.split(", "))


def words_in(page: str) -> tuple[str, ...]:
    """List the words of the glossary that a page uses, in singular or plural.

    Args:
        page: path below the root of the repository.
    """
    text = (DOCS.parent / page).read_text(encoding="utf-8")
    return tuple(word for word in words() if re.search(rf"\b{word}s?\b", text, re.IGNORECASE))


def _second_names() -> Iterator[str]:
    models: tuple[type[BaseModel], ...] = tuple(place.model for place in places())
    for model in models:
        schema: Mapping[str, Any] = model.model_json_schema()
        for name, one in {model.__name__: schema, **schema.get("$defs", {})}.items():
            for key, described in one.get("properties", {}).items():
                if described.get("description", "").startswith("Same as `"):
                    yield f"{name}.{key}"


if __name__ == "__main__":
    for what, number in counts().items():
        print(f"{number:4} {what}")  # noqa: T201 - the result
