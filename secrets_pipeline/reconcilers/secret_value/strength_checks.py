"""Check that each value has the shape that its readers and its rotation function expect; nothing of it is shown."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from pydantic import SecretBytes

from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.secret.types import missing_fields, top_keys
from secrets_pipeline.desired.value.model import DeclaredValue, GeneratedValue
from secrets_pipeline.desired.value.passwords import rules_of
from secrets_pipeline.reconcilers.finding import Finding, Verdict
from secrets_pipeline.reconcilers.secret_value.batched import BatchedValues
from secrets_pipeline.reconcilers.secret_value.checks import blocked_secret, judged_secret
from secrets_pipeline.reconcilers.secret_value.fields import known_fields
from secrets_pipeline.rotation_lambda.errors import RotationError
from secrets_pipeline.rotation_lambda.password_strength import SHORTEST
from secrets_pipeline.rotation_lambda.secret_value import BARRED_BY_RDS, ENGINES, parse

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_PASSWORD: Final = "password"  # noqa: S105 - the name of a key
_DATABASE_KEYS: Final = ("host", "username", _PASSWORD)


def secret_values_well_formed(stack: Stack) -> list[Finding]:
    """Check each value's keys, as declared and as AWS's rotation templates read them, and a password's limits."""
    masters = {database.password: database.engine for database in stack.spec.databases if database.password}
    secrets = stack.spec.secrets
    values = BatchedValues(stack, [secret.name for secret in secrets if not secret.blocked])
    return [
        blocked_secret(secret)
        if secret.blocked
        else judged_secret(stack, secret, partial(_judge, stack, secret, values, masters.get(secret.ref)))
        for secret in secrets
    ]


def _judge(stack: Stack, secret: SecretSpec, values: BatchedValues, master_of: str | None) -> Finding:
    state = stack.observed.secrets.get(secret.name)
    if state is None or state.deleted_at is not None or state.current_version is None:
        return Finding(secret.name, Verdict.WAITING, "has no value")
    expected, waits = _expected(stack, secret)
    content = values.take(state)
    if isinstance(content, SecretBytes):
        return _binary(secret, expected)
    text = content.get_secret_value()
    problems = [*_problems(text, secret, expected), *_password_problems(text, master_of)]
    if not waits:
        problems += _database_problems(text)
    if problems:
        return Finding(secret.name, Verdict.WRONG, "; ".join(dict.fromkeys(problems)))
    if waits:
        return Finding(secret.name, Verdict.WAITING, "; ".join(waits))
    return Finding(secret.name, Verdict.RIGHT, "JSON with the keys that it should have" if expected else "a text")


def _binary(secret: SecretSpec, expected: frozenset[str] | None) -> Finding:
    """A binary value has no keys; where nobody declares one it was put by hand."""
    declared = secret.external or (isinstance(secret.value, DeclaredValue) and secret.value.binary)
    if wants := [*([", ".join(sorted(expected))] if expected else []), *missing_fields(secret.type, None)]:
        return Finding(
            secret.name, Verdict.WRONG, f"its value is binary, and should be JSON with {' and '.join(wants)}"
        )
    if not declared:
        return Finding(secret.name, Verdict.WRONG, "its value is binary: somebody replaced it by hand")
    return Finding(secret.name, Verdict.RIGHT, "binary")


def _expected(stack: Stack, secret: SecretSpec) -> tuple[frozenset[str] | None, tuple[str, ...]]:
    """The keys that the JSON value should have now, None for a text; and what others wait for."""
    if not isinstance(secret.value, GeneratedValue) or not secret.value.fields:
        return top_keys(secret.value), ()
    fields, waits = known_fields(stack, secret)
    return frozenset({*fields, _PASSWORD}), tuple(one.reason for one in waits)


def _problems(text: str, secret: SecretSpec, expected: frozenset[str] | None) -> list[str]:
    document = _document(text)
    if document is None and expected is not None:
        return ["its value is no JSON object, as the stack declares one: somebody replaced it by hand"]
    present = None if document is None else frozenset(key for key, value in document.items() if value not in (None, ""))
    lacks = sorted((expected or frozenset()) - frozenset(document or ()))
    remedy = "put that into the value, or go back to the version before"
    problems = [f"its JSON lacks {', '.join(lacks)}: {remedy}"] if lacks else []
    if wants := missing_fields(secret.type, present):
        problems.append(f"a secret of type {secret.type} needs {' and '.join(wants)}")
    return problems


def _database_problems(text: str) -> list[str]:
    """What keeps a rotation function from logging in."""
    document = _document(text)
    if document is None or "engine" not in document:
        return []
    if str(document["engine"]).lower() not in ENGINES:
        wrong = [key for key in _DATABASE_KEYS if not isinstance(document.get(key), str) or not document[key]]
        return [f"its JSON has no text under {', '.join(wrong)}"] if wrong else []
    try:
        parse(text)
    except RotationError as error:
        return [str(error)]
    return []


def _password_problems(text: str, master_of: str | None) -> list[str]:
    """Why RDS would not take a master password; of other users the database itself decides."""
    rules = rules_of(master_of) if master_of else None
    if rules is None:
        return []
    document = _document(text)
    password = text if document is None else document.get(_PASSWORD)
    if not isinstance(password, str):
        return []
    problems = []
    if not SHORTEST <= len(password) <= rules.longest:
        problems.append(f"its password is not of {SHORTEST} to {rules.longest} characters, as RDS takes them")
    if not all("!" <= character <= "~" and character not in BARRED_BY_RDS for character in password):
        problems.append(f"its password holds a character that {rules.family} on RDS does not take")
    return [f"{problem}: `secrets-pipeline rotate` makes one that it does" for problem in problems]


def _document(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
