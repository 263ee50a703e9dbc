"""Write what needs a database's endpoint: host and port inside credentials, and whole connection secrets."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from pydantic import SecretStr

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.value.model import GeneratedValue
from secrets_pipeline.engine.apply import planned
from secrets_pipeline.engine.model import Change, ChangeClass, Resource, SkippedError
from secrets_pipeline.engine.reason import Because, Follows, Waits
from secrets_pipeline.errors import AwsError, DocumentError
from secrets_pipeline.reconcilers.database.password_mark import PasswordMark
from secrets_pipeline.reconcilers.needed import needs_of, secret_named, skipped
from secrets_pipeline.reconcilers.observed.secret_state import PREVIOUS
from secrets_pipeline.reconcilers.secret.ownership import is_adopted
from secrets_pipeline.reconcilers.secret.part import SECRET_NOT_OURS
from secrets_pipeline.reconcilers.secret.reconciler import SecretReconciler
from secrets_pipeline.reconcilers.secret_value.fields import kept_as_declared, known_fields
from secrets_pipeline.reconcilers.secret_value.inputs import field_inputs
from secrets_pipeline.reconcilers.secret_value.provenance import is_rendered_from
from secrets_pipeline.reconcilers.secret_value.write import ValueWriter
from secrets_pipeline.reconcilers.tag_keys import PASSWORD
from secrets_pipeline.references.resolve import Pending
from secrets_pipeline.values.content import Content, text_of
from secrets_pipeline.values.documents import field, merge_document

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack

FIELDS = "credentials"


class ConnectionReconciler:
    """Completes credentials documents first, then writes the connection secrets rendered from them."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._documents = {
            secret.name: secret
            for secret in stack.spec.secrets
            if isinstance(secret.value, GeneratedValue) and secret.value.fields and not secret.blocked
        }
        self._secrets = SecretReconciler(stack, connections=True)

    def plan(self) -> Sequence[Change]:
        """Plan one change a credentials document and one a connection secret."""
        documents = [
            planned(Resource(FIELDS, name, secret.ref.component, secret.ref.key), partial(self._plan, secret))
            for name, secret in self._documents.items()
        ]
        rewritten = {change.resource.name for change in documents if change.action.writes}
        self._secrets = SecretReconciler(self._stack, connections=True, rewritten=rewritten)
        return [*documents, *self._secrets.plan()]

    def apply(self, change: Change) -> str:
        """Complete one credentials document, or create or update one connection secret; see `engine.Reconciler`."""
        if change.resource.kind == FIELDS:
            return self._complete(self._documents[change.resource.name])
        return self._secrets.apply(change)

    def _plan(self, secret: SecretSpec) -> Change:
        stack = self._stack
        resource = Resource(FIELDS, secret.name, secret.ref.component, secret.ref.key)
        state = stack.observed.secrets.get(secret.name)
        fields, missing = known_fields(stack, secret)
        if state is None or state.deleted_at is not None:
            follows = Follows("fields follow when the secret exists")
            absent = Pending(f"secret {secret.name} does not exist yet", on=secret_named(secret.name))
            needs = needs_of([absent, *missing])
            return Change(resource, ChangeClass.UPDATE, (follows,), rewrites=True, needs=needs)
        if not (stack.ownership.owns(state) or is_adopted(stack, state, secret)):
            return Change(resource, ChangeClass.BLOCKED, (SECRET_NOT_OURS,))
        if missing:
            return Change(
                resource,
                ChangeClass.UPDATE,
                tuple(Waits(one.reason) for one in missing),
                rewrites=True,
                needs=needs_of(missing),
            )
        if stack.ownership.fingerprinter is None or not is_rendered_from(state, field_inputs(stack, secret, fields)):
            # No value is read for a plan.
            differing = "" if stack.ownership.owns(state) else ", where they differ"
            completed = Because(f"fields {', '.join(fields)} are completed{differing}")
            return Change(resource, ChangeClass.UPDATE, (completed,), rewrites=True)
        return Change(resource, ChangeClass.NONE)

    def _complete(self, secret: SecretSpec) -> str:
        stack = self._stack
        fields, missing = known_fields(stack, secret)
        if missing:
            raise skipped(*missing)
        state = stack.observed.secrets.confirm(secret.name)
        if state is None or state.current_version is None:
            raise SkippedError(f"secret {secret.name} has no value yet")
        if not stack.ownership.owns(state):
            raise SkippedError(f"secret {secret.name} is not ours")
        inputs = field_inputs(stack, secret, fields)
        if is_rendered_from(state, inputs):
            return "complete already"
        writer = ValueWriter(stack)
        after = writer.write(
            secret.name,
            intent=inputs,
            inputs=inputs,
            make=lambda current: merge_document(_of_declared_user(secret, current), kept_as_declared(secret, fields)),
            done=lambda state: is_rendered_from(state, inputs),
            inherits=True,
        )
        written = stack.observed.secrets.get(secret.name)
        before = written.version(PREVIOUS) if written else None
        # Also where an earlier run was killed after it moved AWSCURRENT: the version's id says what it was made of.
        if written is not None and before is not None and after == writer.token(written.arn, before, inputs):
            self._carry_password_mark(secret, before, after)
        return f"{', '.join(fields)} {'are there' if after == state.current_version else 'written'}"

    def _carry_password_mark(self, secret: SecretSpec, before: str, after: str) -> None:
        """The new version holds the same password: an instance that was proven to accept it still does."""
        for database in self._stack.spec.databases:
            state = self._stack.observed.databases.find(database) if database.password == secret.ref else None
            if state is not None and PasswordMark.read(state) == PasswordMark(state.resource_id, before):
                mark = str(PasswordMark(state.resource_id, after))
                try:
                    with calling("AddTagsToResource", state.identifier):
                        self._stack.account.client("rds").add_tags_to_resource(
                            ResourceName=state.arn, Tags=[{"Key": PASSWORD, "Value": mark}]
                        )
                except AwsError as error:
                    # A login proves it then.
                    if not error.busy:
                        raise
                self._stack.observed.databases.forget()


def _of_declared_user(secret: SecretSpec, content: Content | None) -> SecretStr | None:
    """The current value, unless it is of the other of two users that a function alternates between.

    Raises:
        SkippedError: the declared user's name beside the other one's password would let nobody in.
        DocumentError: it is binary.
    """
    current = None if content is None else text_of(content)
    declared = secret.value.fields.get("username") if isinstance(secret.value, GeneratedValue) else None
    alternating = secret.rotation is not None and secret.rotation.superuser_secret is not None
    if current is None or alternating or not isinstance(declared, str):
        return current
    if _text(current, "masterarn") and _text(current, "username") not in ("", declared):
        raise SkippedError(
            f"{secret.name} alternates between two users, its current value is of the one that is not declared",
            remedy=f"To go back to one user: `secrets-pipeline rotate {secret.name}` once more, then take masterarn "
            "out of the value, then apply. To go on with two, declare superuser_secret again.",
        )
    return current


def _text(document: SecretStr, key: str) -> str:
    try:
        return field(document, (key,)).get_secret_value()
    except DocumentError:
        return ""
