"""Write the runbook as a page of the documentation."""

from __future__ import annotations

from collections.abc import Iterator

from secrets_pipeline.operations.runbook.access import ACCESS
from secrets_pipeline.operations.runbook.alerts import ALERTS
from secrets_pipeline.operations.runbook.declared import DECLARED
from secrets_pipeline.operations.runbook.entry import Entry, Subject
from secrets_pipeline.operations.runbook.health import HEALTH
from secrets_pipeline.operations.runbook.rotation import ROTATION
from secrets_pipeline.operations.runbook.values import VALUES

_HEAD = """# Runbook

This page says of each check that is red, of each alert, and of each finding of `secrets-pipeline health` (the daemon
does not run, no tick since, the queue is stuck), what it means, what to look at first and what to do. It is written by
`make docs` from `secrets_pipeline/operations/runbook/`, which the checks in the UI quote as well.

In the commands `STACK` stands for a stack, `NAME` for a secret, `ROLE` and `ARN` for a principal. A check that is
**red** (ERROR) found something wrong, or did before and cannot be judged since. A **warning** (WARN) means that
something waits, or cannot be known: if AWS cannot be asked, the check says what it found last and when. `--deep`
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
    ("The deployment itself", HEALTH),
)
_OF_ALERTS = """An alert is a line in the log of the daemon, and a message where the operator's settings name a
topic or a webhook ([`alerts`](reference/operator.md#alerts)). It is listed here by its cause, the attribute `cause` of
a topic's message."""
_OF_HEALTH = """Alerts come from the code server through the daemon: if either is down, nobody is told anything.
`secrets-pipeline health` looks from outside, in Dagster's storage, and names these entries. [SLOs](slo.md) says who
calls it, and who alarms if nobody does."""


def page() -> str:
    """Return the text of `docs/runbook.md`."""
    return "\n".join([_HEAD, *_lines()])


def _lines() -> Iterator[str]:
    for title, entries in _CHAPTERS:
        yield f"## {title}\n"
        if entries is ALERTS:
            yield f"{_OF_ALERTS}\n"
        if entries is HEALTH:
            yield f"{_OF_HEALTH}\n"
        for entry in entries:
            yield _section(entry)


def _section(entry: Entry) -> str:
    says = "Red" if entry.subject is Subject.CHECK else "Means"
    told = [f"**{says}:** {entry.means}"]
    if entry.warns:
        told.append(f"**Warning:** {entry.warns}")
    return "\n\n".join([f"### `{entry.name}`", *told, f"**Look:** {entry.what_to_do()}"]) + "\n"
