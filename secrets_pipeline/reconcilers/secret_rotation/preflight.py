"""Check that a rotation would work, before it is switched on, in deep plans and in checks.

The function is there and Secrets Manager may invoke it; its role may do what a rotation does; the value is what the
function reads; its host is a database of the stack or granted, is written to, and not out of reach. What cannot be
looked at, in another account for example, is said and no more.
Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot_rotation.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import SecretBytes, SecretStr

from secrets_pipeline.access.reach.compiled import CompiledSnapshot
from secrets_pipeline.access.reach.reader import DECRYPT, GET_SECRET_VALUE
from secrets_pipeline.access.reach.rotation_readers import Lack, lacks
from secrets_pipeline.access.snapshot.collect import take_snapshot
from secrets_pipeline.access.snapshot.iam import read_account
from secrets_pipeline.access.snapshot.model import AccountSnapshot
from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.desired.rotation.model import RotationSpec
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.database.login_place import not_granted, trust_at
from secrets_pipeline.reconcilers.observed.function_state import FunctionState
from secrets_pipeline.reconcilers.observed.login import ServerTrust
from secrets_pipeline.reconcilers.observed.secret_state import SecretState
from secrets_pipeline.reconcilers.rotation_function.invocation import invocation_problem, invocation_remedy
from secrets_pipeline.reconcilers.secret.audited import audited_secrets, own_roles
from secrets_pipeline.reconcilers.secret_rotation.network import reach_problem, way_problems
from secrets_pipeline.reconcilers.secret_rotation.problem import Problem, Requirement, refuse
from secrets_pipeline.reconcilers.secret_rotation.value_shape import (
    address_of,
    binary_value_problem,
    value_problems,
    writer_problem,
)
from secrets_pipeline.reconcilers.secret_value.read import read_content, read_value

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_CLUSTER = ".cluster-"
_ROLE_REMEDY = (
    "Give the role of the function what AWS asks for: "
    "https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets-required-permissions-function.html"
)


class RotationPreflight:
    """Checks the rotations of one stack beforehand.

    Args:
        stack: the stack.
        names: secrets whose policies and keys are looked at, all at once, when the first of them is asked for.
    """

    def __init__(self, stack: Stack, names: Sequence[str]) -> None:
        self._stack = stack
        self._names = tuple(sorted(set(names)))

    def problems(
        self, secret: SecretSpec, state: SecretState, function: str, *, reads_value: bool
    ) -> tuple[Problem, ...]:
        """Find why the rotation of a secret would fail, or could not be checked.

        Args:
            secret: with a rotation.
            state: of it.
            function: ARN of the rotation function.
            reads_value: whether its value may be read; it is where the function is managed.

        Raises:
            AwsError: if AWS cannot be asked at all.
        """
        value = _managed_value(self._stack, secret, state) if reads_value else None
        found = list(_login_problems(self._stack, secret, value))
        if not self._stack.run.settings.rotation_preflight:
            return tuple(found)
        found += function_problems(self._stack, function, state.arn)
        if not any(one.requirement is Requirement.FUNCTION for one in found):
            found += self._role(secret, state, function)
        if secret.rotation is not None and secret.rotation.managed:
            found += way_problems(self._stack)
            found += self._value(secret.rotation, value) if value is not None else ()
        return tuple(found)

    def _role(self, secret: SecretSpec, state: SecretState, function: str) -> Iterator[Problem]:
        known = _function(self._stack, function)
        role = known.configuration.get("Role") if isinstance(known, FunctionState) else None
        if role is None:
            return
        estate = self._estate()
        yield from map(_lacking, lacks(estate, str(role), state.name))
        ref = secret.rotation.superuser_secret if secret.rotation else None
        if ref is not None and self._stack.spec.has(ref):
            superuser = self._stack.spec.secret(ref).name
            reading = lacks(estate, str(role), superuser, actions=(GET_SECRET_VALUE,), key_actions=(DECRYPT,))
            yield from (_lacking(one, of=f" of {superuser}") for one in reading)

    def _value(self, rotation: RotationSpec, value: SecretStr | SecretBytes) -> Iterator[Problem]:
        stack = self._stack
        if isinstance(value, SecretBytes):
            yield binary_value_problem()
            return
        ref = rotation.superuser_secret
        other = stack.observed.secrets.get(stack.spec.secret(ref).name) if ref and stack.spec.has(ref) else None
        readable = other is not None and other.current_version is not None and stack.ownership.owns(other)
        superuser = read_value(stack, other) if other is not None and readable else None
        yield from value_problems(
            rotation, value, superuser_arn=other.arn if other is not None else None, superuser=superuser
        )
        if (address := address_of(value)) is not None:
            databases = stack.observed.databases
            instances = databases.instances().values()
            has_clusters = _CLUSTER in address.host or any(one.cluster for one in instances)
            clusters = databases.clusters().values() if has_clusters else ()
            if problem := writer_problem(address.host, address.port, instances, clusters):
                yield problem
            function = stack.spec.rotation_function
            if problem := reach_problem(function, address.host, address.port, (*instances, *clusters)):
                yield problem

    def _estate(self) -> CompiledSnapshot:
        """As it is after the function was deployed.

        Stacks of one run share what they read of IAM, with each one's own writes over it. The checks at the run's end
        read IAM anew: they must not judge what is minutes old.
        """
        stack = self._stack

        def principals(account: AwsAccount, account_id: str) -> AccountSnapshot:
            read_by = (account_id, stack.spec.target.role_arn)
            return stack.observed.principals.get(read_by, lambda: read_account(account, account_id))

        def take() -> CompiledSnapshot:
            settings = stack.run.settings.access
            snapshot = take_snapshot(
                stack.account,
                settings=settings,
                sessions=stack.observed.sessions,
                accounts=(),
                secrets=audited_secrets(stack, self._names),
                own=own_roles(stack),
                now=datetime.now(UTC),
                read=principals,
            )
            return CompiledSnapshot(snapshot, organization_policies=settings.organization_policies)

        return stack.observed.rotation_estates.get(self._names, take)


def refuse_login(stack: Stack, secret: SecretSpec, state: SecretState) -> None:
    """Raise before a rotation that has the managed function log in where it must not (GetSecretValue).

    The author of a secret writes its host, so no setting turns this check off.

    Raises:
        RotationPreflightError: if the value's host is neither a database of the stack nor granted, or gets no TLS.
        AwsError: if AWS refuses to show the value, or the databases.
    """
    refuse(secret.name, tuple(_login_problems(stack, secret, _managed_value(stack, secret, state))))


def _managed_value(stack: Stack, secret: SecretSpec, state: SecretState) -> SecretStr | SecretBytes | None:
    if secret.rotation is None or not secret.rotation.managed or state.current_version is None:
        return None
    return read_content(stack, state)


def _login_problems(stack: Stack, secret: SecretSpec, value: SecretStr | SecretBytes | None) -> Iterator[Problem]:
    address = address_of(value) if isinstance(value, SecretStr) else None
    if address is None:
        return
    trust = trust_at(stack, address.host, address.port)
    if trust is None:
        why, line = not_granted(stack, secret, address.host, address.port)
        yield Problem(Requirement.HOST, why, f"Let the operator write under grants: {line}")
    elif not address.tls and trust is not ServerTrust.EMBEDDED:
        text = 'its value says "ssl": false, and the function sends no password without TLS'
        yield Problem(Requirement.VALUE, text, "Switch TLS on in the database, and write ssl: true.")


def function_problems(stack: Stack, function: str, secret_arn: str | None = None) -> Iterator[Problem]:
    """Find why Secrets Manager could not invoke a function (GetFunction, GetPolicy), or why we cannot tell.

    Look before each RotateSecret: AWS answers alike for a function that is missing, one that is closed, and one whose
    permission is seconds old, and we wait for the last. Find nothing if the operator turned `rotation_preflight` off.

    Args:
        stack: the stack.
        function: ARN of the function.
        secret_arn: the secret to rotate; None if it does not exist yet.
    """
    if not stack.run.settings.rotation_preflight:
        return
    state = _function(stack, function)
    if isinstance(state, str):
        yield Problem(Requirement.FUNCTION, f"function {function}: {state}", known=False)
    elif state is None:
        yield Problem(
            Requirement.FUNCTION,
            f"function {function} does not exist",
            "Deploy it, name another one under rotation, or write managed: true.",
        )
        return
    elif state.problem:
        remedy = "Run again." if state.changing else "Mend the function, then run again."
        yield Problem(Requirement.FUNCTION, f"function {function} {state.problem}", remedy)
    if problem := invocation_problem(stack, function, secret_arn):
        yield Problem(Requirement.INVOCATION, problem, invocation_remedy(stack, function))


def _function(stack: Stack, function: str) -> FunctionState | str | None:
    """The function, None where there is none, or why it may not be looked at."""
    try:
        return stack.observed.functions.function(function)
    except AwsError as error:
        if error.denied:
            return error.message
        raise


def _lacking(one: Lack, of: str = "") -> Problem:
    text = f"{one.action}{of}: {one.reason}"
    return Problem(Requirement.ROLE, text, _ROLE_REMEDY if one.known else "", known=one.known)
