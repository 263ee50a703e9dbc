"""Addresses are parsed and written as Terraform does: with all keys, and without any for `removed` blocks."""

from __future__ import annotations

import pytest

from secrets_pipeline.operations.migration.addresses import Address, Key, parse_modules


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("", ()),
        ("module.app", (("app", None),)),
        ("module.app[0].module.db-one", (("app", 0), ("db-one", None))),
        ('module.app["a.b"].module.x["say \\"hi\\"]"]', (("app", "a.b"), ("x", 'say "hi"]'))),
        ("module.", None),
        ("app", None),
        ("module.app[x]", None),
    ],
)
def test_module_addresses_are_parsed(text: str, steps: tuple[tuple[str, Key], ...] | None) -> None:
    assert parse_modules(text) == steps


def test_an_address_is_written_with_all_keys_with_those_of_modules_and_with_none() -> None:
    address = Address((("app", "a"), ("db", 0)), "aws_secretsmanager_secret", "this", "x/${y}")
    assert str(address) == 'module.app["a"].module.db[0].aws_secretsmanager_secret.this["x/$${y}"]'
    assert address.resource == 'module.app["a"].module.db[0].aws_secretsmanager_secret.this'
    assert address.config == "module.app.module.db.aws_secretsmanager_secret.this"
