"""Lists that fit: no word is wider than the narrowest box of the UI, and nothing of a name is lost."""

from __future__ import annotations

import re

import dagster as dg
import pytest

from secrets_pipeline.orchestration.pages.lines import WIDEST, fitting, lines_of

ARN = "arn:aws:secretsmanager:eu-west-2:111122223333:secret:myapp/dev/database/credentials-AbCdEf"


def shown(value: object) -> list[object]:
    assert isinstance(value, dg.TableMetadataValue)
    return [record.data["secrets"] for record in value.records]


@pytest.mark.parametrize("text", [ARN, "x" * 70, "a-1" * 30, "myapp/dev/database/credentials", "-" * 50, "é/" * 40])
def test_a_word_that_is_too_wide_is_broken_and_keeps_every_character(text: str) -> None:
    made = fitting(text)
    assert made.replace(" ", "") == text
    # A browser breaks behind a hyphen, but not before a digit.
    assert all(len(one) <= WIDEST + 1 for one in re.split(r"\s|(?<=-)(?!\d)", made))


def test_a_word_is_broken_behind_a_separator_and_one_that_fits_stays() -> None:
    assert fitting("myapp/dev/database/credentials") == "myapp/dev/database/ credentials"
    assert fitting("database/credentials in payments-gateway-connection") == (
        "database/credentials in payments-gateway-connection"
    )


def test_a_command_is_shown_as_it_is_pasted() -> None:
    command = "`apply -s shop-dev --adopt shop/dev/database/credentials`"
    line = f"shop/dev/database/credentials: {command} takes shop/dev/x over"
    assert shown(lines_of("secrets", [line], folder="shop/dev/"))[1] == (
        f"database/ credentials: {command} takes x over"
    )


def test_names_in_the_folder_of_all_are_shown_without_it_and_the_first_line_says_it() -> None:
    lines = ["shop/dev/token (read by shop/dev/api)", "see notshop/dev/x, shop/dev/ and shop/prod/y"]
    assert shown(lines_of("secrets", lines, folder="shop/dev/")) == [
        "below shop/dev/",
        "token (read by api)",
        "see notshop/dev/x, shop/dev/ and shop/prod/y",
    ]
    assert shown(lines_of("secrets", ["a/b"])) == ["a/b"]
    assert lines_of("secrets", [], folder="x/").value == "Nothing is declared here."
