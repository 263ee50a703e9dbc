"""Write the runbook as a page of the documentation."""

from __future__ import annotations

from collections.abc import Iterator

from secrets_pipeline.operations.runbook.access import ACCESS
from secrets_pipeline.operations.runbook.alerts import ALERTS
from secrets_pipeline.operations.runbook.declared import DECLARED
from secrets_pipeline.operations.runbook.entry import Entry, Subject
from secrets_pipeline.operations.runbook.rotation import ROTATION
from secrets_pipeline.operations.runbook.values import VALUES

_HEAD = """# Runbook

This page says of each check that is red, and of each alert, what it means, what to look at first and what to do. It is
written by `make docs` from `secrets_pipeline/operations/runbook/`, which the checks in the UI quote as well.

In the commands `STACK` stands for a stack, `NAME` for a secret, `ROLE` and `ARN` for a principal. A check that is
**red** (ERROR) found something wrong. A **warning** (WARN) means that something waits, or could not be known. `--deep`
also reads what a plan otherwise believes by its [mark](how-it-works.md#marks-what-is-ours).

Where several checks are red at once, begin with `kms_keys_as_declared`, then `marks_verify`, then
`secrets_have_current_values`: the others mostly follow from them. After a mend, `secrets-pipeline verify -s STACK`
judges every check anew.
"""
_CHAPTERS = (
    ("Checks of secrets, values and databases", VALUES),
    ("Checks of what is declared", DECLARED),
    ("Checks of rotation", ROTATION),
    ("Checks of who can read", ACCESS),
    ("Alerts", ALERTS),
)
_OF_ALERTS = """An alert is a line in the log of the daemon, and a message where the operator's settings name a
topic or a webhook ([`alerts`](reference/operator.md#alerts)). It is listed here by its cause, the attribute `cause` of
a topic's message."""


def page() -> str:
    """Return the text of `docs/runbook.md`."""
    return "\n".join([_HEAD, *_lines()])


def _lines() -> Iterator[str]:
    for title, entries in _CHAPTERS:
        yield f"## {title}\n"
        if entries is ALERTS:
            yield f"{_OF_ALERTS}\n"
        for entry in entries:
            yield _section(entry)


def _section(entry: Entry) -> str:
    says = "Red" if entry.subject is Subject.CHECK else "Means"
    told = [f"**{says}:** {entry.means}"]
    if entry.warns:
        told.append(f"**Warning:** {entry.warns}")
    return "\n\n".join([f"### `{entry.name}`", *told, f"**Look:** {entry.what_to_do()}"]) + "\n"
