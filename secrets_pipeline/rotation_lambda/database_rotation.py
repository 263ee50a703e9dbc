"""Perform the steps for a database's secret, by either of AWS's strategies.

Single user: a user changes its own password. Alternating users: the superuser changes the password of that one of two
users, `app` and `app_clone`, whose login nobody reads at the moment.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotation-strategy.html
"""

from __future__ import annotations

from contextlib import closing

from .errors import RotationError
from .password_rule import PasswordRule
from .secret_value import BARRED_BY_RDS, DatabaseSecret, Engine, Login, parse
from .secret_versions import CURRENT, PENDING, PREVIOUS, Versions
from .sessions import connect
from .superuser import superuser_of

CLONE_SUFFIX = "_clone"


def create(current: DatabaseSecret, rule: PasswordRule) -> str:
    """The text of the next version.

    Raises:
        RotationError: if the engine does not take the passwords of the rule, or the name of the alternate user.
    """
    engine = current.address.engine
    barred = "".join(sorted(set(BARRED_BY_RDS) & set(rule.alphabet)))
    if rule.length > engine.longest_password or barred:
        raise RotationError(
            f"The tag secrets-pipeline:password asks for {rule.length} characters"
            f"{' that include ' + repr(barred) if barred else ''}; RDS takes up to {engine.longest_password} in "
            f"{engine.family}, without {BARRED_BY_RDS!r}.",
            "Correct the password's settings.",
        )
    username = current.login.username
    if current.superuser:
        username = alternate(username, engine)
    return current.renewed(Login(username, rule.generate()))


def alternate(username: str, engine: Engine) -> str:
    """The other of the two users.

    Raises:
        RotationError: if its name would be too long.
    """
    if username.endswith(CLONE_SUFFIX):
        return username.removesuffix(CLONE_SUFFIX)
    name = username + CLONE_SUFFIX
    if len(name.encode()) > engine.longest_username:
        raise RotationError(
            f"The alternate user {name} would have a longer name than {engine.family} takes: "
            f"{engine.longest_username} bytes.",
            "Choose a shorter user, or rotate by the single-user strategy: take masterarn out of the secret.",
        )
    return name


def set_password(current: DatabaseSecret, pending: DatabaseSecret, versions: Versions) -> None:
    """Make the database accept the pending login.

    Raises:
        RotationError: if it does not, and cannot be made to.
    """
    refusal = _mismatch(current, pending, versions)
    try:
        # First of all: a version whose password the database has already must not be given up.
        if _accepts(pending):
            return
    except RotationError as error:
        raise (refusal or error) from None
    if refusal is not None:
        raise refusal
    if current.superuser:
        _set_by_superuser(current, pending, versions)
    else:
        _set_by_itself(current, pending, versions)


def test(pending: DatabaseSecret) -> None:
    """Log in with the pending login.

    Raises:
        RotationError: if the database refuses it.
    """
    if not _accepts(pending):
        raise RotationError(
            f"{pending.address} refuses the pending login of {pending.login.username} that setSecret has set.",
            "Somebody changed the password at the same time: rotate again.",
        )


def _mismatch(current: DatabaseSecret, pending: DatabaseSecret, versions: Versions) -> RotationError | None:
    """Whoever can write a pending version must not turn the function against another user or server."""
    same_server = current.address.place == pending.address.place
    username = current.login.username
    expected = alternate(username, current.address.engine) if current.superuser else username
    if same_server and pending.login.username == expected:
        return None
    what = "user" if same_server else "server"
    return RotationError(
        f"The pending version {versions.token} of {versions.arn} is for another {what} than AWSCURRENT allows.",
        "The secret was changed during the rotation. Start again: aws secretsmanager update-secret-version-stage "
        f"--secret-id {versions.arn} --version-stage {PENDING} --remove-from-version-id {versions.token}",
    )


def _accepts(secret: DatabaseSecret) -> bool:
    session = connect(secret.address, secret.login)
    if session is None:
        return False
    with closing(session):
        session.check()
    return True


def _set_by_itself(current: DatabaseSecret, pending: DatabaseSecret, versions: Versions) -> None:
    session = connect(current.address, current.login)
    if session is None:
        previous = _previous_login(current, versions)
        session = connect(current.address, previous) if previous is not None else None
    if session is None:
        raise RotationError(
            f"{current.address} accepts {current.login.username} with none of {PENDING}, {CURRENT} and {PREVIOUS}.",
            "Somebody changed the password outside of Secrets Manager. Give the user the password of AWSCURRENT in the "
            "database as its administrator (for a master user: modify-db-instance --master-user-password), "
            "then rotate again.",
        )
    with closing(session):
        session.set_own_password(pending.login)


def _previous_login(current: DatabaseSecret, versions: Versions) -> Login | None:
    """That of AWSPREVIOUS, if it is for the same user of the same server."""
    text = versions.previous()
    try:
        previous = parse(text) if text is not None else None
    except RotationError:
        return None
    if not isinstance(previous, DatabaseSecret):
        return None
    same = previous.address.place == current.address.place and previous.login.username == current.login.username
    return previous.login if same else None


def _set_by_superuser(current: DatabaseSecret, pending: DatabaseSecret, versions: Versions) -> None:
    # The caller proves that the secret's user is its own before the superuser acts for it.
    if not _accepts(current):
        raise RotationError(
            f"{current.address} refuses the current login of {current.login.username}.",
            "Give the user the password of AWSCURRENT in the database as its administrator, then rotate again.",
        )
    superuser = superuser_of(current, versions.secretsmanager)
    if superuser.username in (current.login.username, pending.login.username):
        raise RotationError(
            f"masterarn of {versions.arn} names {superuser.username}, the user that is rotated.",
            "Name another user who may create users, or take masterarn out: a single user changes its own password.",
        )
    session = connect(current.address, superuser)
    if session is None:
        raise RotationError(
            f"{current.address} refuses the superuser {superuser.username}.",
            f"Rotate or correct the secret {current.superuser}.",
        )
    with closing(session):
        session.set_twin(current.login.username, pending.login)
