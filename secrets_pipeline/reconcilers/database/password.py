"""Prove and set the master password of one database: read in a confirmed version, tried, set where ours, recorded.

RDS has no compare-and-swap, so a rotation may overtake a change of ours. What we are about to set is therefore written
down first, and a database that is left with the password that a rotation has just replaced is given the current one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import SecretStr

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.desired.database.model import DatabaseSpec
from secrets_pipeline.engine.model import NotYetError, SkippedError
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.database.password_mark import (
    PasswordMark,
    begun,
    is_being_set,
    not_ours,
    proves,
    setting,
)
from secrets_pipeline.reconcilers.observed.login import Address, LoggedIn, Login, Unreachable
from secrets_pipeline.reconcilers.observed.secret_state import PENDING, SecretState
from secrets_pipeline.reconcilers.secret_value.fields import password_in
from secrets_pipeline.reconcilers.secret_value.read import read_value
from secrets_pipeline.reconcilers.tag_keys import PASSWORD

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.observed.database_state import DatabaseState
    from secrets_pipeline.reconcilers.stack import Stack


class DatabasePassword:
    """Reads, tries, sets and records the password of one database of a stack.

    Args:
        stack: the stack.
        database: the database.
        ref: the secret that is its master password.
    """

    def __init__(self, stack: Stack, database: DatabaseSpec, ref: SecretRef) -> None:
        self._stack = stack
        self._database = database
        self._declared = stack.spec.secret(ref)
        self._asked: tuple[str, ...] = ()

    def known(self) -> SecretState | None:
        """Find its secret as this run knows it."""
        return self._stack.observed.secrets.get(self._declared.name)

    def confirmed(self) -> SecretState:
        """Call DescribeSecret for its secret: a list may be five minutes old.

        Raises:
            SkippedError: if it has no value yet, or is not ours to read.
        """
        secret = self._stack.observed.secrets.refresh(self._declared.name)
        if secret is None or secret.deleted_at is not None or secret.current_version is None:
            raise SkippedError("its password secret has no value yet")
        if not self._stack.ownership.owns(secret):
            # Whoever writes the YAML must not use other people's secrets with the pipeline's rights.
            raise SkippedError(f"secret {secret.name} is not ours")
        return secret

    def read(self, secret: SecretState, version: str | None) -> SecretStr:
        """Read the password in one version by GetSecretValue, so that what is tried is what was confirmed."""
        value = read_value(self._stack, secret, version=version)
        return password_in(self._declared, value)

    def log_in(self, state: DatabaseState, password: SecretStr) -> Login:
        """Try a password at the database's endpoint; the writer's, of a cluster."""
        if state.address is None or state.port is None:
            return Unreachable("it has no endpoint yet")
        trust = self._stack.observed.databases.trust(state.address)
        address = Address(state.engine, state.address, state.port, state.username, state.database, trust)
        run = self._stack.run
        return run.log_in(address, password, ca_file=run.settings.rds_ca_file)

    def set(self, state: DatabaseState, tried: SecretState, password: SecretStr) -> None:
        """Set a password that the database has just refused, by ModifyDBInstance or ModifyDBCluster.

        Args:
            state: the database.
            tried: the secret as it was when the password was read.
            password: of its current version.

        Raises:
            SkippedError: if the secret changed or is being rotated, or the database is busy.
            AwsError: if the password is not ours to set, or AWS refuses.
        """
        self._check(state, tried)
        mark = setting(state, tried.current_version or "", *self._asked)
        self._tag(state, mark)
        # Once more, as there is no compare-and-swap: nothing else comes between this and the change.
        secret = self.confirmed()
        if secret.current_version != tried.current_version or secret.rotation_in_progress:
            raise NotYetError(f"{secret.name} was changed meanwhile: the next run proves what it holds then")
        self._asked = (mark.version, *self._asked)
        self._modify(state, password)

    def set_again(self, state: DatabaseState) -> None:
        """Tag a database again that another run recorded as proven before the change of this one was done.

        A rotation may have come in between.

        Args:
            state: the database, with no change of its password pending: meanwhile RDS may refuse tags.
        """
        if self._asked and not is_being_set(state):
            self._tag(state, setting(state, *self._asked))

    def replaced(self, state: DatabaseState, secret: SecretState) -> SecretStr | None:
        """Read the pending password of a rotation of ours that RDS was asked to set; None where there is none."""
        version = secret.version(PENDING)
        asked = version is not None and version in begun(state)
        ours = asked and self._stack.ownership.marks.wrote(secret, version)
        return self.read(secret, version) if ours else None

    def replace(self, state: DatabaseState, secret: SecretState, version: str, password: SecretStr) -> None:
        """Set the password of the version under AWSPENDING, by ModifyDBInstance or ModifyDBCluster; tagged before.

        Args:
            state: the database, which has just accepted the current password.
            secret: as it was when the passwords were read.
            version: id of the pending version.
            password: of that version.

        Raises:
            SkippedError: if the secret changed meanwhile, or the database is busy.
            AwsError: if AWS refuses.
        """
        self._tag(state, setting(state, version))
        now = self.confirmed()
        if now.current_version != secret.current_version or now.version(PENDING) != version:
            raise NotYetError(f"{secret.name} was changed meanwhile", remedy="Run again.")
        self._modify(state, password)

    def prove(self, state: DatabaseState, version: str) -> None:
        """Record by AddTagsToResource that a login proved a version, which is current."""
        self._tag(state, PasswordMark(state.resource_id, version))

    def record(self, state: DatabaseState, tried: SecretState) -> bool:
        """Record that the database accepts a version; False, and nothing recorded, if it is current no more."""
        if self.confirmed().current_version != tried.current_version:
            return False
        if not proves(state, tried):
            self._tag(state, PasswordMark(state.resource_id, tried.current_version or ""))
        return True

    def _check(self, state: DatabaseState, tried: SecretState) -> None:
        if tried.rotation_in_progress:
            raise NotYetError(f"a rotation of {tried.name} is in progress: the next run goes on when it has finished")
        why = not_ours(self._stack, tried)
        if not why or self._overtaken(state, tried):
            return
        if is_being_set(state):
            # What we began to set is no longer asked for: whoever changed the secret goes on from here.
            with calling("RemoveTagsFromResource", state.identifier):
                self._stack.account.client("rds").remove_tags_from_resource(ResourceName=state.arn, TagKeys=[PASSWORD])
            self._stack.observed.databases.forget()
        raise AwsError(
            f"{state.identifier} refuses the password in {tried.name}, which is not ours to set: {why}",
            remedy="Rotate the secret, or set the database's password to what the secret holds.",
        )

    def _overtaken(self, state: DatabaseState, secret: SecretState) -> bool:
        """Whether the database holds what we set there while a rotation replaced it.

        Writes of ours may have followed, so that its version carries no label any more; it can still be read.
        """
        if secret.last_rotated_at is None:
            return False
        versions = dict.fromkeys((*self._asked, *begun(state)))
        return any(self._holds(state, secret, one) for one in versions if one != secret.current_version)

    def _holds(self, state: DatabaseState, secret: SecretState, version: str) -> bool:
        try:
            held = self.read(secret, version)
        except AwsError as error:
            if not error.missing:
                raise
            return False
        match self.log_in(state, held):
            case Unreachable(reason=reason):
                # Refused, it would be given up for good.
                raise SkippedError(f"password not proven: {reason}")
            case login:
                return login == LoggedIn()

    def _modify(self, state: DatabaseState, password: SecretStr) -> None:
        client, identifier = self._stack.account.client("rds"), state.identifier
        try:
            if state.is_cluster:
                with calling("ModifyDBCluster", identifier):
                    client.modify_db_cluster(
                        DBClusterIdentifier=identifier,
                        MasterUserPassword=password.get_secret_value(),
                        ApplyImmediately=True,
                    )
            else:
                with calling("ModifyDBInstance", identifier):
                    client.modify_db_instance(
                        DBInstanceIdentifier=identifier,
                        MasterUserPassword=password.get_secret_value(),
                        ApplyImmediately=True,
                    )
        finally:
            self._stack.observed.databases.forget()

    def _tag(self, state: DatabaseState, mark: PasswordMark) -> None:
        with calling("AddTagsToResource", state.identifier):
            self._stack.account.client("rds").add_tags_to_resource(
                ResourceName=state.arn, Tags=[{"Key": PASSWORD, "Value": str(mark)}]
            )
        self._stack.observed.databases.forget()
