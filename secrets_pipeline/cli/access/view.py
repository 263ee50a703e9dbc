"""Build what the access commands print: the matrix, its details, the votes. Pure."""

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
from secrets_pipeline.cli.shared.tables import Blocks, Table, table
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.grouping import grouped

_NAMED = 5
_READS = "reads"
_DENIED = "does not read"
_SHORTER: Mapping[str, tuple[str, str, str]] = {
    "Allowed": (_READS, "", "green"),
    "DeniedBySecretsManager": (_DENIED, "denied by Secrets Manager", "dim"),
    "DeniedByKms": (_DENIED, "denied by KMS", "yellow"),
    "Unknown": ("may read", "not known", "magenta"),
}
"""By the name of a verdict: the label of its line, why, and the style."""
_SURPRISE = "bold red"


def reader_blocks(readings: Sequence[AuditedRead]) -> Blocks:
    """Build a block for each reader: the secrets that it can and cannot read, and why.

    A line with `!` differs from the YAML.
    """
    names = _shortened(list(dict.fromkeys(one.secret for one in readings)))
    return Blocks(
        (short(some[0].principal), list(_lines(some, names))) for some in grouped(readings, lambda one: one.principal)
    )


def _lines(of_reader: Sequence[AuditedRead], names: Mapping[str, str]) -> Iterator[tuple[str, str | Text]]:
    alike = grouped(of_reader, lambda one: (name_of(one.verdict), _surprises(one)))
    alike.sort(key=lambda some: list(_SHORTER).index(name_of(some[0].verdict)))
    if all(_SHORTER[name_of(one.verdict)][0] == _DENIED for one in of_reader):
        yield _READS, "nothing"
    for some in alike:
        label, why, style = _SHORTER[name_of(some[0].verdict)]
        text = ", ".join(names[one.secret] for one in some)
        if _surprises(some[0]):
            yield f"! {label}", Text(f"{text} ({why or 'not declared'})", style=_SURPRISE)
        else:
            yield label, Text(f"{text} ({why})" if why else text, style=style)


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
    if everybody and not estate.principals:
        yield f"no role or user exists in the accounts of stack {spec.stack}, so nobody reads"


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


def _surprises(one: AuditedRead) -> bool:
    return isinstance(one.verdict, Allowed) is not bool(one.expected)


def _shortened(secrets: Sequence[str]) -> Mapping[str, str]:
    """The ends of names, or whole names if ends are alike."""
    ends = ["/".join(secret.split("/")[-2:]) for secret in secrets]
    return {secret: end if ends.count(end) == 1 else secret for end, secret in zip(ends, secrets, strict=True)}
