"""Ask for the pipeline's own two keys, the keys that stacks declare, and those that they name (KMS DescribeKey)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from secrets_pipeline.aws.service_keys import ServiceKey, fingerprint_key, seal_key
from secrets_pipeline.operations.doctor.model import APPLY_MAKES_IT, Answer, Verdict, answered, fine
from secrets_pipeline.reconcilers.observed.key_state import ENABLED
from secrets_pipeline.reconcilers.tag_keys import STACK

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_ENABLE = "Enable it, or cancel its deletion: what was made with it cannot be verified or opened otherwise."
_RIGHT_KEY = "Name a key of that kind in the operator's settings, or an alias to make one under."
_LOST = "Check fingerprint_key in the operator's settings, account and region; cancel the deletion of the lost key."


def keys(stacks: Sequence[Stack]) -> Iterator[Answer]:
    """Judge the KMS keys of stacks of one account and region."""
    first = stacks[0]
    settings = first.run.settings
    for service_key in (seal_key(settings.seal_key), fingerprint_key(settings.fingerprint_key)):
        yield from answered(f"{service_key.purpose} key", partial(_service_key, first, service_key))
    declared = dict.fromkeys(one.alias for stack in stacks for one in stack.spec.keys)
    for alias in declared:
        yield from answered(alias, partial(_declared, first, alias))
    of_databases = (one.parameters.get("KmsKeyId") for stack in stacks for one in stack.spec.databases if one.create)
    of_secrets = (secret.kms_key for stack in stacks for secret in stack.spec.secrets)
    named = dict.fromkeys(one for one in (*of_secrets, *of_databases) if isinstance(one, str))
    for name in named:
        if name not in declared:
            yield from answered(name, partial(_named, first, name))


def _service_key(stack: Stack, wanted: ServiceKey) -> Iterator[Answer]:
    about, name = f"{wanted.purpose} key", wanted.alias
    found = stack.observed.keys.about(name)
    if found is None:
        if not name.startswith("alias/"):
            yield Answer(about, Verdict.WILL_FAIL, f"KMS key {name} does not exist", _RIGHT_KEY)
        elif wanted.purpose == "fingerprint" and (marked := _marked(stack)):
            text = f"{name} does not exist, and {len(marked)} secrets carry marks that it proves: {marked[0]}"
            yield Answer(about, Verdict.WILL_FAIL, text, _LOST)
        else:
            yield fine(about, f"{name} does not exist: {APPLY_MAKES_IT}")
    elif found.state != ENABLED:
        yield Answer(about, Verdict.WILL_FAIL, f"KMS key {name} is {found.state}", _ENABLE)
    elif (found.spec, found.usage) != (wanted.spec, wanted.usage):
        text = f"KMS key {name} is a {found.spec} key for {found.usage}, and has to be {wanted.spec} for {wanted.usage}"
        yield Answer(about, Verdict.WILL_FAIL, text, _RIGHT_KEY)
    else:
        yield fine(about, f"{name} is an enabled {found.spec} key")


def _marked(stack: Stack) -> list[str]:
    stacks = stack.ownership.repository.specs
    return sorted(one.name for one in stack.observed.secrets.marked() if one.tags.get(STACK) in stacks)


def _declared(stack: Stack, alias: str) -> Iterator[Answer]:
    if stack.observed.keys.about(alias) is None:
        yield fine(alias, f"does not exist: {APPLY_MAKES_IT}")
    else:
        yield from _named(stack, alias)


def _named(stack: Stack, name: str) -> Iterator[Answer]:
    problem = stack.observed.keys.problem(name)
    if problem is None:
        yield fine(name, "nothing keeps it from encrypting")
    else:
        yield Answer(name, Verdict.WILL_FAIL, problem.problem, problem.remedy)
