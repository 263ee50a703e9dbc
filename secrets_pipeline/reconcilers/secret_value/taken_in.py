"""List which secrets, outputs, parameters, variables and files a declared value takes in: now, and when last written.

The `:inputs` tag keeps a short keyed digest of each name. So a plan says which of them are new, and a tag says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from secrets_pipeline.arn import account_of
from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.value.model import DeclaredValue
from secrets_pipeline.engine.reason import Because, Detail, Sign
from secrets_pipeline.reconcilers.observed.secret_state import SecretState
from secrets_pipeline.reconcilers.secret_value.provenance import UNKNOWN, recorded_inputs
from secrets_pipeline.references.model import Environment, Expression, FileContents, Output, dotted
from secrets_pipeline.references.walk import nodes

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack
    from secrets_pipeline.values.fingerprint import Fingerprinter

_BETWEEN: Final = "-"
_DIGITS: Final = 8
_MOST: Final = 17
"""Names whose digests fit into a tag's 256 characters beside a fingerprint and a version."""
_MANY: Final = "many"
_TAKES_IN: Final = "takes in"
_FORGOTTEN: Final = "something that the stack no longer names"


def name_digests(fingerprinter: Fingerprinter, secret: SecretSpec, names: Iterable[str]) -> list[str]:
    """Digest the names of what a value takes in, for the `:inputs` tag."""
    digests = sorted({_digest(fingerprinter, secret, name) for name in names})
    return digests if len(digests) <= _MOST else [_MANY]


def with_name_digests(inputs: str, digests: Iterable[str]) -> str:
    """Put the digests of names behind the fingerprint of a value's inputs."""
    return _BETWEEN.join([inputs, *digests])


def taken_in(stack: Stack, secret: SecretSpec) -> dict[str, str]:
    """List the secrets, Terraform outputs, parameters, variables and files that a declared value takes in.

    Endpoints and ARNs are left out.

    Returns:
        The plan's name of each; it stays when a database begins to use the secret as its password.
    """
    found: dict[str, str] = {}
    for leaf in secret.value.leaves if isinstance(secret.value, DeclaredValue) else ():
        of_states = [output for output in leaf.outputs if stack.spec.state_of(output) is not None]
        found |= {text: text for text in (f"Terraform's {_shown(stack, output)}" for output in of_states)}
        found |= dict(_named(stack, output) for output in leaf.outputs if output.sensitive and output not in of_states)
        found |= {text: text for text in (f"SSM parameter {name}" for name in leaf.ssm)}
        found |= {text: text for text in _local(stack.resolve.leaf(secret, leaf))}
    return found


def reason_to_write(stack: Stack, secret: SecretSpec, state: SecretState | None, why: str) -> Because:
    """Say why a declared value is written, what it begins or ceases to take in, and which other accounts read it.

    Args:
        stack: the stack.
        secret: with a declared value.
        state: what AWS holds; None for a new secret.
        why: the reason in words.
    """
    details = tuple(_details(stack, secret, state))
    accounts = sorted({account_of(reader) or reader for reader in secret.readers})
    begins = accounts and any(one.sign is not Sign.REMOVED for one in details)
    return Because(f"{why}; read by {', '.join(accounts)}" if begins else why, details=details)


def _details(stack: Stack, secret: SecretSpec, state: SecretState | None) -> Iterator[Detail]:
    now, fingerprinter = taken_in(stack, secret), stack.ownership.fingerprinter
    if state is None or state.current_version is None or fingerprinter is None:
        yield from (Detail(Sign.ADDED, _TAKES_IN, wanted=shown) for shown in now.values())
        return
    before = _recorded(state)
    if before is None:
        yield from (Detail(Sign.CHANGED, _TAKES_IN, "unknown", shown) for shown in now.values())
        return
    digests = {_digest(fingerprinter, secret, name): shown for name, shown in now.items()}
    yield from (Detail(Sign.ADDED, _TAKES_IN, wanted=shown) for one, shown in digests.items() if one not in before)
    left = before - digests.keys()
    known = {_digest(fingerprinter, secret, name): shown for name, shown in _nameable(stack)} if left else {}
    yield from (Detail(Sign.REMOVED, _TAKES_IN, known.get(one, _FORGOTTEN)) for one in sorted(left))


def _recorded(state: SecretState) -> frozenset[str] | None:
    """The digests of what the value took in when it was written last; None if nobody knows."""
    inputs, *names = recorded_inputs(state).split(_BETWEEN)
    return None if inputs in ("", UNKNOWN) or _MANY in names else frozenset(names)


def _digest(fingerprinter: Fingerprinter, secret: SecretSpec, name: str) -> str:
    # Bound to the secret: the digest of another secret's tag proves nothing here.
    return fingerprinter.digest("takes in", secret.name, name)[:_DIGITS]


def _nameable(stack: Stack) -> Iterator[tuple[str, str]]:
    """Everything that a value of this stack may have taken in, as far as the stack still names it."""
    for secret in stack.spec.secrets:
        yield _value_of(stack, secret.ref)
        yield from taken_in(stack, secret).items()


def _named(stack: Stack, output: Output) -> tuple[str, str]:
    match output:
        case Output(stack=None | stack.spec.stack, path=(_, str(key), *_)):
            return _value_of(stack, SecretRef(component=output.component, key=key))
        case _:
            text = _shown(stack, output)
            return text, text


def _shown(stack: Stack, output: Output) -> str:
    return f"{dotted(output.path)} of {output.component} in stack {output.stack or stack.spec.stack}"


def _value_of(stack: Stack, ref: SecretRef) -> tuple[str, str]:
    name = stack.spec.secret(ref).name if stack.spec.has(ref) else str(ref)
    text, databases = f"the value of {name}", [one.name for one in stack.spec.databases if one.password == ref]
    return text, f"the password of database {databases[0]} ({name})" if databases else text


def _local(expression: Expression) -> Iterator[str]:
    for node in nodes(expression):
        if isinstance(node, Environment):
            yield f"environment variable {node.name}"
        elif isinstance(node, FileContents):
            yield f"file {node.path}"
