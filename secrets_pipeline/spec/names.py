"""Names: of secrets, of the key that a component makes, of instances."""

from __future__ import annotations

import re


def secret_name(context_name: str, environment: str | None, path: str, name: str) -> str:
    """`{context_name}/{environment}/{path}/{name}`, empty parts left out, as tf-atmos joins them.

    Source: components/terraform/secretsmanager/main.tf of tf-atmos.
    """
    parts = (context_name, environment or "", path.strip("/"), name)
    return "/".join(part for part in parts if part)


def own_key_alias(context_name: str, environment: str | None) -> str:
    """The alias of the key that `create_kms_key` makes: one for each context and environment."""
    parts = [re.sub(r"[^A-Za-z0-9/_-]", "-", part) for part in (context_name, environment or "") if part]
    return "/".join(("alias/secrets", *parts))


def instance_identifier(context: str | None, environment: str | None, component: str) -> str:
    """A DBInstanceIdentifier out of names: lower case letters, digits and single hyphens, a letter first, up to 63.

    Source: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
    """
    joined = "-".join(part for part in (context, environment, component) if part)
    text = re.sub(r"[^a-z0-9]+", "-", joined.lower()).strip("-")
    return (text if text[:1].isalpha() else f"db-{text}")[:63].rstrip("-")


def is_home(stack: str, context: str, environment: str | None) -> bool:
    """Whether context and environment are words of the stack's name, so that names below them are the stack's own.

    `fnx` and `testenv-01` are of `fnx-dev-testenv-01`. Without an environment nothing says where a stack's names end.
    """
    words = _words(stack)
    return all(_within(words, _words(part)) for part in (context, environment or ""))


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def _within(words: list[str], part: list[str]) -> bool:
    return bool(part) and any(words[at : at + len(part)] == part for at in range(len(words)))
