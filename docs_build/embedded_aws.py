"""Write the page of what the embedded AWS answers otherwise than AWS was recorded, from the records themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from docs_build.markdown import escaped, table

_ANSWERS: Final = Path(__file__).parents[1] / "tests" / "contracts" / "recorded" / "answers.json"
_HEAD: Final = """\
# Where the embedded AWS differs from AWS

<!-- `make docs` writes this page from tests/contracts/recorded/answers.json; a test compares them. -->

[`answers.json`](../../tests/contracts/recorded/answers.json) has what AWS itself answered, as other people's tests
recorded it. `make test` asks the embedded AWS the same: {steps} requests of {records} records. It answers {same} of
{compared} error codes (none if a request succeeds), texts and members as AWS did. The others are in this table. A test
fails if the embedded AWS answers anything else than the table says, even if it answers as AWS.

"""
_TAIL: Final = """\
These differences take too long to ask for, or AWS's answer was not written down word for word:

"""
_UNASKED: Final = (
    (
        "`ListSecretVersionIds`",
        "keeps the versions of the last 24 hours, also beyond the hundredth",
        "keeps 100 versions",
        "Code that relies on more would lose them a day later.",
    ),
    (
        "`CreateFunction`",
        "refuses a package over 50 MB",
        "takes what a request may hold",
        "The package of the pipeline's function has some kilobytes.",
    ),
    (
        "`CreateFunction`",
        "quotes all variables when they exceed 4 KB",
        "quotes none",
        "The pipeline leaves AWS's text of this operation out; `tests/aws/test_faults.py` holds that.",
    ),
    (
        "`FilterLogEvents`",
        "refuses a token of another request",
        "answers with no events",
        "The pipeline uses a token only for the next page of the same request.",
    ),
    (
        "`CreateDeployment`",
        "makes a canary if `canarySettings` say so, and copies it to the stage",
        "moves the stage",
        "The pipeline makes no canaries.",
    ),
)


def page() -> str:
    """Write the page."""
    records = json.loads(_ANSWERS.read_text(encoding="utf-8"))["records"]
    steps = [(record, step) for record in records for step in record["steps"]]
    compared = sum(len(step.get("answered", {})) for _, step in steps)
    rows = [row for record, step in steps for row in _rows(record, step)]
    head = _HEAD.format(steps=len(steps), records=len(records), compared=compared, same=compared - len(rows))
    told = table(("operation", "member", "AWS", "here", "why it does no harm", "record"), rows)
    unasked = table(("operation", "AWS", "here", "why it does no harm"), _UNASKED)
    return "\n".join([head.rstrip("\n"), "", *told, _TAIL.rstrip("\n"), "", *unasked])


def _rows(record: Mapping[str, Any], step: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for path, differs in step.get("differs", {}).items():
        yield (
            f"`{step['operation']}`",
            f"`{path}`",
            f"`{json.dumps(step['answered'][path], ensure_ascii=False)}`",
            f"`{json.dumps(differs['embedded'], ensure_ascii=False)}`",
            escaped(differs["why"]),
            escaped(record["test"]),
        )
