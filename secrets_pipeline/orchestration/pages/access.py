"""Show who can read a stack's secrets: how many reads are as declared, each of them, and the picture."""

import base64
from collections.abc import Sequence
from typing import Final

import dagster as dg

from secrets_pipeline.access.reach.audit import AuditedRead
from secrets_pipeline.access.reach.explain import because, short
from secrets_pipeline.access.reach.graph import picture
from secrets_pipeline.access.reach.surprise import Surprise, surprise_of
from secrets_pipeline.orchestration.pages.console import console_link
from secrets_pipeline.orchestration.pages.lines import common_folder, lines_of
from secrets_pipeline.orchestration.pages.metadata import Metadata, link_of
from secrets_pipeline.reconcilers.access_checks.checks import access_matrix
from secrets_pipeline.reconcilers.stack import Stack

NOBODYS: Final = "nobody's consumer"
_LARGEST_PICTURE = 2_500
"""Cells; a larger one is for `access matrix`."""
_RANKS = (Surprise.DENIED, Surprise.UNEXPECTED, Surprise.UNKNOWN, Surprise.NONE)


def access_page(stack: Stack) -> Metadata:
    """Make the page of `access_matrix`.

    Raises:
        AwsError: if AWS does not answer.
    """
    readings = access_matrix(stack)
    telling = sorted((one for one in readings if _is_told(one)), key=lambda one: _RANKS.index(surprise_of(one)))
    link = console_link(stack, "consumer_policies")
    return {
        "summary": dg.MetadataValue.text(counted(readings)),
        "reads": lines_of(
            "reads",
            [_line(one) for one in telling],
            folder=common_folder(stack.spec),
            empty="Nobody reads a secret of this stack.",
        ),
        **drawn(stack, readings),
        **link_of("console", link),
        "denied": dg.MetadataValue.int(_count(readings, Surprise.DENIED)),
        "others": dg.MetadataValue.int(_count(readings, Surprise.UNEXPECTED)),
    }


def access_picture(stack: Stack, _deep: bool) -> Metadata:
    """Make what a check of access shows beside its table: the counts and the picture.

    Raises:
        AwsError: if AWS does not answer.
    """
    readings = access_matrix(stack)
    return {"counted": dg.MetadataValue.text(counted(readings)), **drawn(stack, readings)} if readings else {}


def counted(readings: Sequence[AuditedRead]) -> str:
    """Say how many reads are as declared, and how many are not."""
    expected = [one for one in readings if one.expected]
    denied, unexpected, unknown = (
        _count(readings, kind) for kind in (Surprise.DENIED, Surprise.UNEXPECTED, Surprise.UNKNOWN)
    )
    told = [f"{len(expected)} declared reads"]
    told += [f"{denied} of them denied"] if denied else []
    told += [f"{unexpected} that nobody declared"] if unexpected else []
    told += [f"{unknown} not known"] if unknown else []
    return ", ".join(told) if denied or unexpected or unknown else f"{told[0]}, all of them possible, and no other"


def drawn(stack: Stack, readings: Sequence[AuditedRead]) -> Metadata:
    """Make the picture; none of a matrix that is too large for an event."""
    if not readings or len(readings) > _LARGEST_PICTURE:
        return {}
    image = base64.b64encode(picture(readings, title=f"Who can read in {stack.spec.stack}").encode()).decode()
    return {"matrix": dg.MetadataValue.md(f"![Who can read](data:image/svg+xml;base64,{image})")}


def _is_told(one: AuditedRead) -> bool:
    return bool(one.expected) or surprise_of(one) is not Surprise.NONE


def _count(readings: Sequence[AuditedRead], kind: Surprise) -> int:
    return sum(surprise_of(one) is kind for one in readings)


def _line(one: AuditedRead) -> str:
    surprise = surprise_of(one)
    decided = one.verdict.vote.layer.value if surprise is Surprise.NONE else because(one.verdict)
    reader = f"{one.expected or NOBODYS} ({short(one.principal)})"
    return f"{surprise.value}: {reader} → {one.secret} ({decided})"
