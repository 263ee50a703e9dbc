"""Draw the access matrix as SVG: readers down, secrets across, coloured by verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Final

from secrets_pipeline.access.reach.audit import AuditedRead
from secrets_pipeline.access.reach.explain import because, name_of, short
from secrets_pipeline.access.reach.surprise import Surprise, surprise_of


@dataclass(frozen=True, slots=True)
class _Look:
    """How a cell looks, and what that means. A letter tells apart what colours do not to everybody."""

    fill: str
    ink: str
    letter: str
    meaning: str


_GREY = "#e3e3e3"
_ALLOWED = _Look("#009e73", "#ffffff", "✓", "can read")
_LOOKS: Final = {
    "DeniedBySecretsManager": _Look(_GREY, "#555555", "S", "denied by Secrets Manager"),
    "DeniedByKms": _Look(_GREY, "#555555", "K", "denied by KMS"),
    "Unknown": _Look("#56b4e9", "#000000", "?", "not known"),
}
_DENIED = _Look("#c1121f", "#ffffff", "S", "denied, though declared")
_UNEXPECTED = _Look("#e69f00", "#000000", "!", "can read, not declared")
_CELL, _GAP, _CHARACTER, _TITLE_CHARACTER, _MARGIN, _LEGEND_LINE = 22, 4, 7.3, 9.2, 12, 22
_FONT = "font-family='ui-monospace,SFMono-Regular,Menlo,Consolas,monospace' font-size='12'"


def picture(readings: Sequence[AuditedRead], *, title: str) -> str:
    """An SVG of the matrix.

    A declared read has a black frame, and is red where it is denied; a read that nobody declared is orange, and so is
    the name of a reader that is nobody's consumer.

    Args:
        readings: pairs of reader and secret; a pair that is not there stays white.
        title: above the matrix.
    """
    readers = {reader: line for line, reader in enumerate(dict.fromkeys(one.principal for one in readings))}
    secrets = {secret: column for column, secret in enumerate(dict.fromkeys(one.secret for one in readings))}
    left = _MARGIN + max((len(short(one)) for one in readers), default=0) * _CHARACTER + _MARGIN
    # Names of secrets stand at 45 degrees above their column.
    longest = max((len(one) for one in secrets), default=0) * _CHARACTER
    top = 48 + longest * 0.71
    height = top + len(readers) * (_CELL + _GAP) + 48 + _LEGEND_LINE
    legend, legend_ends = _legend(height - 20 - _LEGEND_LINE)
    width = max(
        left + len(secrets) * (_CELL + _GAP) + longest * 0.71 + _MARGIN,
        legend_ends,
        _MARGIN * 2 + len(title) * _TITLE_CHARACTER,
    )
    head = (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width:.0f}' height='{height:.0f}' "
        f"viewBox='0 0 {width:.0f} {height:.0f}' role='img' {_FONT}>"
    )
    parts = [
        head,
        f"<title>{escape(title)}</title><rect width='100%' height='100%' fill='#ffffff'/>",
        f"<text x='{_MARGIN}' y='24' font-size='15' font-weight='600'>{escape(title)}</text>",
    ]
    for secret, column in secrets.items():
        x, y = left + column * (_CELL + _GAP) + _CELL / 2, top - 6
        parts.append(f"<text x='{x:.1f}' y='{y:.1f}' transform='rotate(-45 {x:.1f} {y:.1f})'>{escape(secret)}</text>")
    strangers = {one.principal for one in readings if surprise_of(one) is Surprise.UNEXPECTED}
    for reader, line in readers.items():
        y = top + line * (_CELL + _GAP) + _CELL / 2 + 4
        ink = " fill='#b35900' font-weight='600'" if reader in strangers else ""
        label = escape(short(reader))
        parts.append(f"<text x='{left - _MARGIN:.1f}' y='{y:.1f}' text-anchor='end'{ink}>{label}</text>")
    for one in readings:
        x = left + secrets[one.secret] * (_CELL + _GAP)
        parts.append(_cell(one, x, top + readers[one.principal] * (_CELL + _GAP)))
    return "".join([*parts, *legend, "</svg>"])


def _look(one: AuditedRead) -> _Look:
    name, surprise = name_of(one.verdict), surprise_of(one)
    if surprise is Surprise.DENIED:
        return replace(_DENIED, letter=_LOOKS[name].letter)
    if surprise is Surprise.UNEXPECTED:
        return _UNEXPECTED
    return _ALLOWED if name == "Allowed" else _LOOKS[name]


def _cell(one: AuditedRead, x: float, y: float) -> str:
    look = _look(one)
    frame = "#000000" if one.expected else "none"
    tip = escape(f"{short(one.principal)} → {one.secret}: {look.meaning}: {because(one.verdict)}")
    return (
        f"<g><title>{tip}</title><rect x='{x:.1f}' y='{y:.1f}' width='{_CELL}' height='{_CELL}' rx='3' "
        f"fill='{look.fill}' stroke='{frame}' stroke-width='2'/><text x='{x + _CELL / 2:.1f}' "
        f"y='{y + _CELL / 2 + 4:.1f}' fill='{look.ink}' text-anchor='middle'>{look.letter}</text></g>"
    )


def _legend(y: float) -> tuple[list[str], float]:
    """The legend in two lines, the upper one ending at `y`, and where the longer one ends."""
    declared = _Look("#ffffff", "#000000", "", "declared")
    upper, upper_ends = _legend_line((_ALLOWED, replace(_DENIED, letter=""), _UNEXPECTED, declared), y)
    lower, lower_ends = _legend_line(tuple(_LOOKS.values()), y + _LEGEND_LINE)
    return [*upper, *lower], max(upper_ends, lower_ends)


def _legend_line(looks: Sequence[_Look], y: float) -> tuple[list[str], float]:
    parts: list[str] = []
    x = float(_MARGIN)
    for look in looks:
        frame = "#000000" if look.fill == "#ffffff" else "none"
        parts.append(
            f"<rect x='{x:.1f}' y='{y - 11:.1f}' width='14' height='14' rx='2' fill='{look.fill}' stroke='{frame}' "
            f"stroke-width='2'/><text x='{x + 7:.1f}' y='{y:.1f}' fill='{look.ink}' text-anchor='middle'>{look.letter}"
            f"</text><text x='{x + 20:.1f}' y='{y:.1f}'>{look.meaning}</text>"
        )
        x += 20 + len(look.meaning) * _CHARACTER + 14
    return parts, x
