"""The matrix as an SVG that parses, names everybody, and keeps everything inside its frame."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from secrets_pipeline.access.reach.audit import AuditedRead, matrix
from secrets_pipeline.access.reach.explain import short
from secrets_pipeline.access.reach.graph import picture
from secrets_pipeline.access.reach.surprise import Surprise, surprise_of
from tests.access.builders import (
    DECRYPT,
    DEFAULT,
    FOREIGN,
    HOME,
    NAME,
    OTHER_KEY,
    OTHER_NAME,
    ROLE,
    World,
    allow,
    foreign_world,
    when,
)

SVG = "{http://www.w3.org/2000/svg}"
CHARACTER = 7.3
"""Width of one character at 12 px in a monospaced font, a little more than it is."""
LETTERS = {"Allowed": "✓", "DeniedBySecretsManager": "S", "DeniedByKms": "K", "Unknown": "?"}
BREAK_GLASS = f"arn:aws:iam::{HOME}:role/a-break-glass-role-with-a-name-as-long-as-names-may-be"


def readings() -> list[AuditedRead]:
    """Four secrets and four readers with every verdict; the first reader is expected."""
    made: World = foreign_world()
    made.secret(OTHER_NAME)
    made.secret("shop/dev/queue", keys=(OTHER_KEY,))
    made.secret("shop/dev/partner", keys=(DEFAULT,), policy=made.secrets[NAME].policy)
    made.key(DEFAULT, aws_managed=True)
    made.role(BREAK_GLASS, allow("*"))
    inside = when("StringEquals", "aws:SourceVpce", "vpce-1")
    made.role(f"arn:aws:iam::{HOME}:role/inside", allow(condition=inside), allow(DECRYPT))
    estate = made.estate()
    found = matrix(estate, made.principals, made.secrets)
    return [replace(one, expected="orders" if one.principal == ROLE else "") for one in found]


def drawn(of: list[AuditedRead], title: str = "Who reads what") -> ET.Element:
    return ET.fromstring(picture(of, title=title))  # noqa: S314 - our own


def cells(svg: ET.Element) -> list[ET.Element]:
    return svg.findall(f"{SVG}g")


def test_every_reading_has_a_cell_with_its_letter_and_its_reason() -> None:
    of = readings()
    found = cells(drawn(of))
    assert len(found) == len(of) == 16
    letters = Counter(cell.findtext(f"{SVG}text") for cell in found)
    unexpected = sum(surprise_of(one) is Surprise.UNEXPECTED for one in of)
    wanted = Counter(LETTERS[type(one.verdict).__name__] for one in of)
    assert letters == wanted - Counter({"✓": unexpected}) + Counter({"!": unexpected})
    assert set(letters) == {"✓", "!", "S", "K", "?"}
    tips = [cell.findtext(f"{SVG}title") for cell in found]
    assert tips[0] == (
        "role orders of 111122223333 → shop/dev/db: can read: "
        "the identity policy (inline policy own, statement Read) allows secretsmanager:GetSecretValue"
    )
    assert "denied by KMS: the default key aws/secretsmanager never serves another account" in " ".join(map(str, tips))


def test_no_two_cells_are_at_the_same_place() -> None:
    places = [(rect.get("x"), rect.get("y")) for cell in cells(drawn(readings())) for rect in cell.iter(f"{SVG}rect")]
    assert len(set(places)) == 16
    assert len({x for x, _ in places}) == len({y for _, y in places}) == 4


def test_a_declared_read_has_a_black_frame_and_is_red_where_it_is_denied_and_an_undeclared_one_is_orange() -> None:
    of = [replace(one, expected="orders" if one.principal == FOREIGN else "") for one in readings()]
    rects = [rect for cell in cells(drawn(of)) for rect in cell.iter(f"{SVG}rect")]
    assert [rect.get("stroke") for rect in rects] == ["#000000" if one.expected else "none" for one in of]
    fills: dict[Surprise, set[str | None]] = {}
    for one, rect in zip(of, rects, strict=True):
        fills.setdefault(surprise_of(one), set()).add(rect.get("fill"))
    assert fills[Surprise.DENIED] == {"#c1121f"}
    assert fills[Surprise.UNEXPECTED] == {"#e69f00"}
    assert not fills[Surprise.NONE] & {"#c1121f", "#e69f00"}


def test_whoever_reads_undeclared_has_a_row_that_stands_out_and_an_administrator_has_none() -> None:
    of = readings()
    names = {one.text: one.get("fill") for one in drawn(of).findall(f"{SVG}text") if one.text}
    strangers = {short(one.principal) for one in of if surprise_of(one) is Surprise.UNEXPECTED}
    assert strangers
    assert {name for name, fill in names.items() if fill == "#b35900"} == strangers
    assert not any(one.administrator for one in of if short(one.principal) in strangers)


def test_readers_secrets_and_legend_are_named_once() -> None:
    of = readings()
    texts = Counter(one.text for one in drawn(of).findall(f"{SVG}text"))
    readers = ("role orders of 111122223333", "role reports of 444455556666", "role inside of 111122223333")
    legend = ("can read", "denied by Secrets Manager", "denied by KMS", "not known", "declared")
    surprising = ("denied, though declared", "can read, not declared")
    for name in (*readers, *legend, *surprising, *{one.secret for one in of}, "Who reads what"):
        assert texts[name] == 1, name


def test_names_are_escaped() -> None:
    nasty = f"arn:aws:iam::{HOME}:role/<b>&\"'"
    of = [replace(one, principal=nasty, secret="a<b>&\"'c") for one in readings()[:1]]
    svg = drawn(of, "<&>\"'")
    texts = [one.text for one in svg.findall(f"{SVG}text")]
    assert "<&>\"'" in texts
    assert "a<b>&\"'c" in texts
    assert "role <b>&\"' of 111122223333" in texts


@pytest.mark.parametrize("title", ["Who reads what", "A title that is much longer than the whole matrix " * 3])
def test_everything_is_inside_of_the_picture(title: str) -> None:
    for of in (readings(), [one for one in readings() if one.principal == FOREIGN][:1]):
        svg = drawn(of, title)
        width, height = float(svg.get("width", "0")), float(svg.get("height", "0"))
        for text in svg.iter(f"{SVG}text"):
            x, y = float(text.get("x", "0")), float(text.get("y", "0"))
            size = float(text.get("font-size", "12")) / 12
            length = len(text.text or "") * CHARACTER * size
            rotated = "rotate" in text.get("transform", "")
            anchor = text.get("text-anchor", "start")
            left = x - length * {"start": 0, "middle": 0.5, "end": 1}[anchor]
            right, up = (x + length * 0.71, y - length * 0.71) if rotated else (left + length, y - 12)
            assert left >= 0, text.text
            assert right <= width, text.text
            assert up >= 0, text.text
            assert y <= height, text.text


def test_a_matrix_without_readings_is_a_picture_with_title_and_legend() -> None:
    svg = drawn([])
    assert cells(svg) == []
    assert "not known" in [one.text for one in svg.findall(f"{SVG}text")]
