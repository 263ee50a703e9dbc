"""Draw how old the values of a stack's rotating secrets are, against the age at which each is rotated."""

import base64
from collections.abc import Sequence
from html import escape
from typing import Final

import dagster as dg

from secrets_pipeline.orchestration.pages.lines import common_folder, lines_of
from secrets_pipeline.orchestration.pages.metadata import Metadata
from secrets_pipeline.reconcilers.secret_rotation.ages import RotationAge, on_day, rotation_ages
from secrets_pipeline.reconcilers.stack import Stack

_BLOCKS: Final = 10
_BAR, _LINE, _CHARACTER, _MARGIN = 320, 26, 7.3, 12
_NEAR = 0.8
_MOST = 100
_FONT = "font-family='ui-monospace,SFMono-Regular,Menlo,Consolas,monospace' font-size='12'"


def rotation_page(stack: Stack) -> Metadata:
    """Make what the page of `secret_rotation` shows: a line a secret with its age as a bar, and the picture.

    Raises:
        AwsError: if AWS does not answer.
    """
    ages = rotation_ages(stack)
    if not ages:
        return {}
    image = base64.b64encode(rotation_picture(ages[:_MOST]).encode()).decode()
    return {
        "ages": lines_of("secrets", [rotation_line(one) for one in ages], folder=common_folder(stack.spec)),
        "picture": dg.MetadataValue.md(f"![Rotation ages](data:image/svg+xml;base64,{image})"),
    }


def rotation_picture(ages: Sequence[RotationAge]) -> str:
    """Draw ages as SVG: a bar a secret, whole at the limit; orange near it, red beyond."""
    names = max(len(one.name) for one in ages) * _CHARACTER
    left = _MARGIN + names + _MARGIN
    # A bar beyond its limit goes on to a fifth more; behind it stand its days.
    width = left + _BAR * 1.2 + _MARGIN + max(len(one.days) for one in ages) * _CHARACTER + _MARGIN
    top = 48
    height = top + len(ages) * _LINE + _MARGIN
    limit = left + _BAR
    size = f"width='{width:.0f}' height='{height:.0f}' viewBox='0 0 {width:.0f} {height:.0f}'"
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' {size} role='img' {_FONT}>",
        "<title>Rotation ages</title><rect width='100%' height='100%' fill='#ffffff'/>",
        f"<text x='{_MARGIN}' y='24' font-size='15' font-weight='600'>Age of each value, and its limit</text>",
        f"<text x='{limit:.1f}' y='40' text-anchor='middle' fill='#555555'>limit</text>",
    ]
    for line, one in enumerate(ages):
        y = top + line * _LINE
        shown = max(2.0, min(one.share, 1.2) * _BAR)
        parts.append(
            f"<text x='{left - _MARGIN:.1f}' y='{y + 14}' text-anchor='end'>{escape(one.name)}</text>"
            f"<rect x='{left:.1f}' y='{y + 2}' width='{_BAR}' height='16' rx='3' fill='#e3e3e3'/>"
            f"<rect x='{left:.1f}' y='{y + 2}' width='{shown:.1f}' height='16' rx='3' fill='{_colour(one)}'/>"
            f"<text x='{left + _BAR * 1.2 + _MARGIN:.1f}' y='{y + 14}'>{escape(one.days)}</text>"
        )
    rule = f"<line x1='{limit:.1f}' y1='44' x2='{limit:.1f}' y2='{height - _MARGIN}' stroke='#000000'/>"
    return "".join([*parts, rule, "</svg>"])


def _colour(one: RotationAge) -> str:
    return "#c1121f" if one.share > 1 else "#e69f00" if one.share >= _NEAR else "#009e73"


def rotation_line(one: RotationAge) -> str:
    """Make the line of a secret, its age as a bar of ten blocks."""
    filled = min(_BLOCKS, round(one.share * _BLOCKS))
    bar = f"{'█' * filled}{'░' * (_BLOCKS - filled)}"
    return f"{one.name} {bar} {one.days}; rotates {one.rules}, last {on_day(one.last)}, due by {on_day(one.due)}"
