"""Build what the access commands print: the grid, its details, the votes. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text

from secrets_pipeline.access.reach.administrators import administrators_sentence
from secrets_pipeline.access.reach.audit import AuditedRead
from secrets_pipeline.access.reach.compiled import CompiledSnapshot
from secrets_pipeline.access.reach.explain import name_of, plain, row, sentence, short, vote_lines
from secrets_pipeline.access.reach.reader import Allowed, ReadVerdict
from secrets_pipeline.cli.shared.tables import Table, table
from secrets_pipeline.desired.stack import StackSpec

_CELLS: Mapping[str, tuple[str, str]] = {
    "Allowed": ("reads", "green"),
    "DeniedBySecretsManager": ("-", "dim"),
    "DeniedByKms": ("KMS", "yellow"),
    "Unknown": ("?", "magenta"),
}
_NAMED = 5
LEGEND = "reads: can read · -: denied by Secrets Manager · KMS: denied by KMS · ?: not known · !: not as declared"


def grid(readings: Sequence[AuditedRead]) -> Table:
    """Build the table with readers down, secrets across; `!` where what is expected and what is so differ."""
    secrets = list(dict.fromkeys(one.secret for one in readings))
    cells = {(one.principal, one.secret): _cell(one) for one in readings}
    rows: list[tuple[str | Text, ...]] = [
        (short(reader), *(cells.get((reader, secret), Text("")) for secret in secrets))
        for reader in dict.fromkeys(one.principal for one in readings)
    ]
    return table(("", *_headings(secrets)), rows)


def surprising(readings: Iterable[AuditedRead], allowed: Sequence[str] | None) -> list[str]:
    """Write a sentence for each reader that cannot read what it should, or can read what nobody declares.

    Administrators of whom nobody said that they may read are one sentence together.

    Args:
        readings: of the matrix.
        allowed: globs of `access.allowed_readers`; None where the operator has not said who may read.
    """
    surprises = [one for one in readings if _surprises(one)]
    administrators = [one for one in surprises if one.undeclared_administrator]
    others = [one for one in surprises if not one.undeclared_administrator]
    sentences = [sentence(one.principal, one.secret, one.verdict) for one in others]
    return [*sentences, *([administrators_sentence(administrators, allowed)] if administrators else [])]


def left_out(spec: StackSpec, estate: CompiledSnapshot, *, everybody: bool) -> Iterator[str]:
    """Say what a stack's matrix cannot show: a sentence for each reason."""
    missing = [secret.name for secret in spec.secrets if estate.secret(secret.name) is None]
    if missing:
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        yield f"not there, so nobody reads it: {', '.join(missing[:_NAMED])}{more}"
    if not spec.consumers and not everybody:
        yield f"stack {spec.stack} declares no consumers; --everybody shows all roles and users"


def votes_table(verdict: ReadVerdict) -> Table:
    """Build the table of the layers that apply, with what each said to GetSecretValue and kms:Decrypt."""
    return table(("call", "layer", "says"), vote_lines(verdict))


def as_json(readings: Iterable[AuditedRead]) -> list[dict[str, Any]]:
    """Return the matrix as JSON, each verdict with all of its votes."""
    return [
        {
            **plain(one.principal, one.secret, one.verdict),
            "expected": one.expected,
            "administrator": one.administrator,
        }
        for one in readings
    ]


def as_csv(readings: Iterable[AuditedRead]) -> str:
    """Return the matrix as CSV, a line a pair."""
    written = io.StringIO()
    columns = ("principal", "secret", "verdict", "layer", "policy", "statement", "reason", "expected")
    lines = csv.DictWriter(written, columns, lineterminator="\n")
    lines.writeheader()
    for one in readings:
        lines.writerow({**row(one.principal, one.secret, one.verdict), "expected": one.expected})
    return written.getvalue()


def _cell(one: AuditedRead) -> Text:
    text, style = _CELLS[name_of(one.verdict)]
    return Text(f"{text} !", style="bold red") if _surprises(one) else Text(text, style=style)


def _surprises(one: AuditedRead) -> bool:
    return isinstance(one.verdict, Allowed) is not bool(one.expected)


def _headings(secrets: Sequence[str]) -> list[str]:
    """The ends of the names, or whole names where ends are alike."""
    ends = ["/".join(secret.split("/")[-2:]) for secret in secrets]
    return [end if ends.count(end) == 1 else secret for end, secret in zip(ends, secrets, strict=True)]
