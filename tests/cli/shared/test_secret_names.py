from __future__ import annotations

import pytest

from secrets_pipeline.cli.shared.secret_names import whole_name

KNOWN = ["shop/dev/api/api-key", "shop/prod/api/api-key", "shop/dev/api/old-api-key", "shop/dev/db/credentials"]
WRITE = "Write the whole name."


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("api-key", f"Did you mean shop/dev/api/api-key or shop/prod/api/api-key? {WRITE}"),
        ("/db/credentials", f"Did you mean shop/dev/db/credentials? {WRITE}"),
        ("shop/dev/db/credential", f"Did you mean shop/dev/db/credentials? {WRITE}"),
        ("nothing", "Write its whole name, as `secrets-pipeline tree` shows it."),
    ],
)
def test_names_that_end_so_are_offered_else_near_misses(asked: str, said: str) -> None:
    assert whole_name(asked, KNOWN) == said


def test_of_many_the_first_are_named() -> None:
    known = [f"shop/dev/{number}/key" for number in range(9)]
    assert whole_name("key", known).endswith("or shop/dev/4/key, or one of 4 more? Write the whole name.")
