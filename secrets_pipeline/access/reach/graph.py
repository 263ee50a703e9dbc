"""Draw the access matrix as SVG: readers down, secrets across, coloured by verdict."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from secrets_pipeline.access.reach.audit import AuditedRead
from secrets_pipeline.access.reach.explain import because, name_of, short

# Told apart by people who cannot tell red from green (Okabe and Ito), and by a letter.
_COLOURS: Final = {
    "Allowed": ("#009e73", "✓"),
    "DeniedBySecretsManager": ("#d9d9d9", "S"),
    "DeniedByKms": ("#e69f00", "K"),
    "Unknown": ("#56b4e9", "?"),
}
_MEANINGS: Final = {
    "Allowed": "can read",
    "DeniedBySecretsManager": "denied by Secrets Manager",
    "DeniedByKms": "denied by KMS",
    "Unknown": "not known",
}
_UNEXPECTED: Final = "#d55e00"
_CELL, _GAP, _CHARACTER, _TITLE_CHARACTER, _MARGIN = 22, 4, 7.3, 9.2, 12
_FONT = "font-family='ui-monospace,SFMono-Regular,Menlo,Consolas,monospace' font-size='12'"


def picture(readings: Sequence[AuditedRead], *, title: str) -> str:
    """An SVG of the matrix.

    A reader that can read and is nobody's consumer has a red frame; a declared one a black frame.

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
    height = top + len(readers) * (_CELL + _GAP) + 48
    legend, legend_ends = _legend(height - 20)
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
    for reader, line in readers.items():
        y = top + line * (_CELL + _GAP) + _CELL / 2 + 4
        parts.append(f"<text x='{left - _MARGIN:.1f}' y='{y:.1f}' text-anchor='end'>{escape(short(reader))}</text>")
    for one in readings:
        x = left + secrets[one.secret] * (_CELL + _GAP)
        parts.append(_cell(one, x, top + readers[one.principal] * (_CELL + _GAP)))
    return "".join([*parts, *legend, "</svg>"])


def _cell(one: AuditedRead, x: float, y: float) -> str:
    name = name_of(one.verdict)
    colour, letter = _COLOURS[name]
    frame = "#000000" if one.expected else _UNEXPECTED if name == "Allowed" else "none"
    tip = escape(f"{short(one.principal)} → {one.secret}: {_MEANINGS[name]}: {because(one.verdict)}")
    return (
        f"<g><title>{tip}</title><rect x='{x:.1f}' y='{y:.1f}' width='{_CELL}' height='{_CELL}' rx='3' fill='{colour}' "
        f"stroke='{frame}' stroke-width='3'/><text x='{x + _CELL / 2:.1f}' y='{y + _CELL / 2 + 4:.1f}' "
        f"text-anchor='middle'>{letter}</text></g>"
    )


def _legend(y: float) -> tuple[list[str], float]:
    """The legend, and where it ends."""
    parts: list[str] = []
    x = float(_MARGIN)
    boxes = [(colour, "none", letter, _MEANINGS[name]) for name, (colour, letter) in _COLOURS.items()]
    boxes += [("#ffffff", "#000000", "", "expected"), ("#ffffff", _UNEXPECTED, "", "can read, not expected")]
    for colour, frame, letter, meaning in boxes:
        parts.append(
            f"<rect x='{x:.1f}' y='{y - 11:.1f}' width='14' height='14' rx='2' fill='{colour}' stroke='{frame}' "
            f"stroke-width='2'/><text x='{x + 7:.1f}' y='{y:.1f}' text-anchor='middle'>{letter}</text>"
            f"<text x='{x + 20:.1f}' y='{y:.1f}'>{meaning}</text>"
        )
        x += 20 + len(meaning) * _CHARACTER + 14
    return parts, x
