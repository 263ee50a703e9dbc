from __future__ import annotations

import pytest

from secrets_pipeline.stacks.files.remote import is_remote, shown


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("https://example.com/a.yaml", True),
        ("git::https://example.com/a", True),
        ("s3::x", True),
        ("git@example.com:a", True),
        ("github.com/a/b", True),
        ("catalog/a", False),
        ("./a", False),
        ("a.github.com/b", False),
    ],
)
def test_an_address_is_told_from_a_file(name: str, expected: object) -> None:
    assert is_remote(name) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("git::https://app:CANARY@example.com/a?ref=CANARY&depth=CANARY", "git::https://…@example.com/a?ref=…&depth=…"),
        ("https://CANARY@example.com/a@b", "https://…@b"),
        ("https://app:CAN/ARY#CANARY?CANARY@example.com/a", "https://…@example.com/a"),
        ("https://a:CANARY@CANARY@example.com", "https://…@example.com"),
        ("git@example.com:a.git", "git@example.com:a.git"),
        ("https://example.com/a.yaml", "https://example.com/a.yaml"),
    ],
)
def test_an_address_is_shown_without_what_logs_in(name: str, expected: str) -> None:
    assert shown(name) == expected
