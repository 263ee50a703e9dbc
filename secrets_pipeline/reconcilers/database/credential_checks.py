"""Check that each credentials secret still opens its database: AWSCURRENT does, AWSPREVIOUS as the rotation left it.

Single user: the password before is refused. Alternating users: the user before still logs in, for those who have not
noticed yet. Values are read; nothing of them is shown. The author of a secret writes the host into it, so a login is
tried only at a database of the stack or a host that the operator grants.
Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotation-strategy.html
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

from secrets_pipeline.desired.checks.login_hosts import logs_in
from secrets_pipeline.desired.rotation.model import RotationStrategy
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.database.login_place import not_granted, trust_at
from secrets_pipeline.reconcilers.finding import Cause, Finding, Verdict
from secrets_pipeline.reconcilers.observed.login import Address, LoggedIn, Login, Refused, ServerTrust, Unreachable
from secrets_pipeline.reconcilers.observed.secret_state import PREVIOUS, SecretState
from secrets_pipeline.reconcilers.secret_value.checks import judged_secret
from secrets_pipeline.reconcilers.secret_value.read import read_value
from secrets_pipeline.rotation_lambda.errors import RotationError
from secrets_pipeline.rotation_lambda.secret_value import DatabaseSecret, parse

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

_NO_LOGINS: Final = "database_logins is off in the operator's settings"
_PAUSES: Final = (1.0, 4.0)
"""Seconds: https://github.com/aws-samples/aws-secrets-manager-rotation-lambdas/issues/142."""


def credential_logins(stack: Stack) -> list[Finding]:
    """Log in with each secret whose JSON names engine, host, user and password, and try what must be refused."""
    return [
        judged_secret(stack, secret, partial(_judge, stack, secret)) for secret in stack.spec.secrets if logs_in(secret)
    ]


def _judge(stack: Stack, secret: SecretSpec) -> Finding:
    state = stack.observed.secrets.get(secret.name)
    if state is None or state.deleted_at is not None or state.current_version is None:
        return Finding(secret.name, Verdict.WAITING, "has no value", reason_type=Cause.NO_VALUE)
    if not stack.run.settings.database_logins:
        return Finding(secret.name, Verdict.WAITING, _NO_LOGINS, reason_type=Cause.LOGINS_OFF)
    # A list may be five minutes old, in which a rotation begins and ends.
    state = stack.observed.secrets.refresh(secret.name) or state
    current = _stored(stack, state, state.current_version)
    if not isinstance(current, DatabaseSecret):
        return Finding(secret.name, Verdict.WAITING, f"no login can be tried: {current}")
    trust = trust_at(stack, current.address.host, current.address.port)
    return _not_granted(stack, secret, current) if trust is None else _logged_in(stack, secret, state, current, trust)


def _logged_in(
    stack: Stack, secret: SecretSpec, state: SecretState, current: DatabaseSecret, trust: ServerTrust
) -> Finding:
    match _settled(stack, current, trust):
        case Unreachable(reason=reason):
            return Finding(secret.name, Verdict.WAITING, reason, reason_type=Cause.UNREACHABLE)
        case Refused():
            return _refused(stack, state, current, trust)
        case LoggedIn():
            return _previous(stack, secret, state, current, trust)


def _not_granted(stack: Stack, secret: SecretSpec, current: DatabaseSecret) -> Finding:
    why, line = not_granted(stack, secret, current.address.host, current.address.port)
    why = f"no login is tried: {why}; let the operator write under grants: {line}"
    said = "no login is tried: its host is no database of the stack, and no grant of hosts names it"
    return Finding(secret.name, Verdict.WAITING, why, sentence=said, reason_type=Cause.NOT_GRANTED)


def _refused(stack: Stack, state: SecretState, current: DatabaseSecret, trust: ServerTrust) -> Finding:
    """Which of the other passwords the database has, as that tells what to do."""
    pending = _stored(stack, state, state.pending_version)
    if isinstance(pending, DatabaseSecret) and _tried(stack, current, pending, trust) == LoggedIn():
        under_way = "a rotation is under way: the database has the AWSPENDING password already; see rotation_not_stuck"
        return Finding(state.name, Verdict.WAITING, under_way)
    previous = _stored(stack, state, state.version(PREVIOUS))
    if isinstance(previous, DatabaseSecret) and _tried(stack, current, previous, trust) == LoggedIn():
        why = (
            "it still has the AWSPREVIOUS password: it was restored, or the secret was changed without it; "
            f"`secrets-pipeline rotate {state.name}` gives both a new one"
        )
    else:
        why = (
            "and every other password that the secret holds: somebody changed it in the database; set it there to what "
            f"the secret holds, or let a superuser do so: `secrets-pipeline rotate {state.name}` with alternating users"
        )
    return Finding(state.name, Verdict.WRONG, f"the database refuses the AWSCURRENT password: {why}")


def _previous(
    stack: Stack, secret: SecretSpec, state: SecretState, current: DatabaseSecret, trust: ServerTrust
) -> Finding:
    """Whether AWSPREVIOUS does what the strategy says, where AWSCURRENT logs in."""
    good = "AWSCURRENT logs in"
    previous = _stored(stack, state, state.version(PREVIOUS))
    if not isinstance(previous, DatabaseSecret) or previous.login == current.login:
        return Finding(secret.name, Verdict.RIGHT, f"{good}; AWSPREVIOUS holds no other login")
    same_user = previous.login.username == current.login.username
    login = _tried(stack, current, previous, trust)
    match login:
        case Unreachable(reason=reason):
            return Finding(secret.name, Verdict.WAITING, f"{good}; AWSPREVIOUS could not be tried: {reason}")
        case LoggedIn() if same_user:
            why = (
                f"{good}, but so does the password before it: the database takes several (MySQL's RETAIN CURRENT "
                "PASSWORD) or any (a trust line of pg_hba.conf); mend that, as whoever knew the old one is still in"
            )
            return Finding(secret.name, Verdict.WRONG, why)
        case Refused() if not same_user and _alternates(secret, current):
            why = (
                f"{good}, but the other user of AWSPREVIOUS does not: clients that have not noticed the rotation fail; "
                f"`secrets-pipeline rotate {secret.name}` gives that user a new password"
            )
            return Finding(secret.name, Verdict.WRONG, why)
        case Refused():
            return Finding(secret.name, Verdict.RIGHT, f"{good}; the login before it is refused")
        case LoggedIn():
            return Finding(secret.name, Verdict.RIGHT, f"{good}; so does the user before, as the two alternate")


def _alternates(secret: SecretSpec, current: DatabaseSecret) -> bool:
    declared = secret.rotation.strategy if secret.rotation is not None else None
    return declared is RotationStrategy.ALTERNATING_USERS or current.superuser is not None


def _stored(stack: Stack, state: SecretState, version: str | None) -> DatabaseSecret | str | None:
    """The login in a version; why there is none in it; None where there is no such version."""
    if version is None:
        return None
    try:
        found = parse(read_value(stack, state, version=version).get_secret_value())
    except RotationError as error:
        return str(error)
    except AwsError as error:
        if not error.missing:
            raise
        return None
    return (
        found if isinstance(found, DatabaseSecret) else "its value is no JSON with engine, host, username and password"
    )


def _settled(stack: Stack, current: DatabaseSecret, trust: ServerTrust) -> Login:
    """The login of AWSCURRENT, tried again where it is refused: a password that was just set takes seconds to act."""
    login = _tried(stack, current, current, trust)
    for pause in _PAUSES:
        if login != Refused():
            break
        stack.run.sleep(pause)
        login = _tried(stack, current, current, trust)
    return login


def _tried(stack: Stack, current: DatabaseSecret, asked: DatabaseSecret, trust: ServerTrust) -> Login:
    """The login of a version, at the host that AWSCURRENT names: the one of an older version may be gone."""
    place, run = current.address, stack.run
    address = Address(
        engine=str(current.document["engine"]).lower(),
        host=place.host,
        port=place.port,
        username=asked.login.username,
        database=place.dbname,
        trust=trust,
    )
    login = run.log_in(address, SecretStr(asked.login.password), ca_file=run.settings.rds_ca_file)
    if isinstance(login, Unreachable):
        # What stands under `host` is a part of the value.
        return Unreachable(login.reason.replace(place.host, "its host"))
    return login
