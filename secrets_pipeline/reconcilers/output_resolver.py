"""Resolve `${output.…}` and `${ssm:…}` late, once AWS can be asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace

from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.desired.base import Late, SecretRef
from secrets_pipeline.desired.outputs import AS_IN_TERRAFORM, HOSTS
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.desired.value.model import Leaf
from secrets_pipeline.errors import ExpressionError
from secrets_pipeline.reconcilers.database.absence import absent
from secrets_pipeline.reconcilers.database.ownership import refusal
from secrets_pipeline.reconcilers.declared_output import declared_names, declared_output, nothing_named
from secrets_pipeline.reconcilers.kms_key.lookup import usable_as
from secrets_pipeline.reconcilers.needed import (
    database_named,
    key_named,
    of_stack,
    published_as,
    secret_named,
    value_of,
)
from secrets_pipeline.reconcilers.observed.observed import Observed
from secrets_pipeline.reconcilers.observed.secret_state import SecretState
from secrets_pipeline.reconcilers.ownership import Ownership
from secrets_pipeline.reconcilers.run import Run
from secrets_pipeline.reconcilers.secret_value.external import put_command
from secrets_pipeline.reconcilers.secret_value.fields import password_in
from secrets_pipeline.reconcilers.secret_value.inputs import not_there
from secrets_pipeline.reconcilers.secret_value.read import read_value
from secrets_pipeline.reconcilers.stack import Resolver, Stack
from secrets_pipeline.reconcilers.state_output import sensitive_here, state_output
from secrets_pipeline.references.model import Expression, Json, Output, Path
from secrets_pipeline.references.resolve import Pending, Plain, Resolved, Secret, of_environment, resolve
from secrets_pipeline.values.documents import field

_WITHOUT_VALUE = frozenset({"secret_arns", "secret_ids", "secret_names", "rotation_enabled_secrets"})
"""Outputs of a secret that are known before it has a value."""


class OutputResolver:
    """Resolves outputs of one stack's components, read from AWS when they are asked for; implements `stack.Resolver`.

    Args:
        spec: desired state.
        account: the stack's.
        run: the run.
        observed: what AWS holds.
        ownership: whose things are.
        other: another stack of the repository; None for one that has errors.

    Attributes:
        stack: the stack, which resolves by this.
    """

    def __init__(
        self,
        spec: StackSpec,
        account: AwsAccount,
        run: Run,
        observed: Observed,
        ownership: Ownership,
        *,
        other: Callable[[str], Stack | None],
    ) -> None:
        self.stack = Stack(spec, account, run, observed, ownership, resolve=self)
        self._repository = ownership.repository
        self._find = other
        self._kinds: Mapping[str, Callable[[str, Path], Resolved]] = {
            "secretsmanager": self._secretsmanager,
            "kms": self._kms,
            "rds": self._rds,
            "lambda": self._lambda,
        }

    def text(self, value: Late) -> str | Pending:
        """Resolve a string, for sinks that must not be secret; or say what it waits for.

        Raises:
            ExpressionError: if it resolves to a secret.
        """
        if isinstance(value, str):
            return value
        match resolve(value, self):
            case Pending() as pending:
                return pending
            case Secret():
                if (refused := sensitive_here(self.stack, value)) is not None:
                    return refused
                raise ExpressionError(f"{value} is secret and must not be used here")
            case Plain(value=plain):
                return str(plain)

    def variable(self, path: Path) -> Json:
        """Refuse a variable: those were resolved with the desired state."""
        raise ExpressionError(f"variable {'.'.join(map(str, path))} has no value here")

    def environment(self, name: str) -> Resolved:
        """Read an environment variable that the operator allows; secret unless the operator calls it plain."""
        secret = name not in self.stack.run.settings.environment_plain
        return of_environment(name, self._repository.environment(name), secret=secret)

    def file(self, path: str) -> str:
        """Read a file inside the repository's base path."""
        return self._repository.read_file(path)

    def ssm(self, name: str) -> Resolved:
        """Read an SSM parameter by GetParameter; a SecureString is secret."""
        value = self.stack.observed.parameters.value_now(name)
        return _no_parameter(name) if value is None else value

    def ssm_version(self, name: str) -> str | Pending:
        """Read the version number of an SSM parameter, without decrypting it."""
        version = self.stack.observed.parameters.version(name)
        return _no_parameter(name) if version is None else version

    def output(self, output: Output) -> Resolved:
        """Read the value of an output; a secret's value only for the sensitive ones."""
        if (state := self.stack.spec.state_of(output)) is not None:
            return state_output(self.stack, state, output)
        elsewhere = output.stack not in (None, self.stack.spec.stack)
        spec = self._repository.specs.get(str(output.stack)) if elsewhere else self.stack.spec
        # What the YAML says needs no right in the account of another stack.
        known = declared_output(spec, output.component, output.path) if spec else None
        if known is not None:
            return known
        if elsewhere:
            other = self._other(str(output.stack))
            if isinstance(other, Pending):
                return other
            found = other.output(Output(output.component, output.path))
            return _of_stack(output, found) if isinstance(found, Pending) else found
        return self._kinds[self.stack.spec.components[output.component]](output.component, output.path)

    def identity(self, output: Output, *, confirmed: bool = False) -> str | Pending:
        """Find what a rendered value's inputs are compared by: a version id for a secret of ours, else its value.

        Of an output of Terraform it is an HMAC of the output, so that another serial of the state changes nothing.

        Args:
            output: of this stack or of another one.
            confirmed: whether DescribeSecret has to show the version; free where this run has asked it already.
        """
        if self.stack.spec.state_of(output) is not None:
            return self._digest(output)
        if not output.sensitive:
            return self.text(output)
        if output.stack not in (None, self.stack.spec.stack):
            other = self._other(str(output.stack))
            own = Output(output.component, output.path)
            if isinstance(other, Pending):
                return other
            identity = other.identity(own, confirmed=confirmed)
            return _of_stack(output, identity) if isinstance(identity, Pending) else identity
        return self._version(output, confirmed=confirmed)

    def leaf(self, secret: SecretSpec, leaf: Leaf) -> Expression:
        """Read the YAML behind one leaf of a declared value, its variables put in."""
        return self._repository.read_leaf(self.stack.spec.stack, secret.ref.component, leaf)

    def leaves(self, secret: SecretSpec) -> Callable[[Leaf], Resolved]:
        """Resolves the leaves of one declared value; the YAML is read here and not before."""
        return lambda leaf: resolve(self.leaf(secret, leaf), self)

    def _digest(self, output: Output) -> str | Pending:
        fingerprinter = self.stack.ownership.fingerprinter
        if fingerprinter is None:
            return Pending("nothing was applied in this account yet")
        match self.output(output):
            case Pending() as pending:
                return pending
            case Secret(value=value):
                return fingerprinter.digest("sensitive output", str(output), value)
            case Plain(value=plain):
                return fingerprinter.digest("output", str(output), json.dumps(plain, sort_keys=True))

    def _version(self, output: Output, *, confirmed: bool) -> str | Pending:
        ref = SecretRef(component=output.component, key=str(output.path[1]))
        if not self.stack.spec.has(ref):
            return Pending(f"stack {self.stack.spec.stack} has no secret {ref}")
        secret, inventory = self.stack.spec.secret(ref), self.stack.observed.secrets
        state = inventory.confirm(secret.name) if confirmed else inventory.get(secret.name)
        if state is None or state.deleted_at is not None:
            return not_there(self.stack, secret, value_of(secret.name))
        if not self.stack.ownership.owns(state):
            return _foreign(secret.name)
        return state.current_version or self._valueless(secret)

    def _other(self, name: str) -> Resolver | Pending:
        # One whose YAML has errors has no desired state; that must not fail what does not refer to it.
        stack = self._find(name)
        return Pending(f"stack {name} cannot be used: see its own errors") if stack is None else stack.resolve

    def _secretsmanager(self, component: str, path: Path) -> Resolved:
        name, rest = str(path[0]), path[1:]
        if name in ("kms_key_arn", "kms_key_id"):
            return self._own_key(component, name)
        secrets = [s for s in self.stack.spec.secrets if s.ref.component == component]
        if rest:
            secrets = [s for s in secrets if s.ref.key == rest[0]]
            if not secrets:
                return Pending(f"component {component} has no secret {rest[0]!r}")
            return self._of_secret(name, secrets[0], rest[1:])
        values: dict[str, Json] = {}
        for secret in secrets:
            match self._of_secret(name, secret, ()):
                case Plain(value=value):
                    values[secret.ref.key] = value
                case Pending() as pending:
                    return pending
                case Secret():
                    return Pending(f"name one secret: {name}.<key>")
        return Plain(values)

    def _of_secret(self, output: str, secret: SecretSpec, rest: Path) -> Resolved:
        name = secret.name
        state = self.stack.observed.secrets.get(name)
        if state is None or state.deleted_at is not None:
            on = secret_named(name) if output in _WITHOUT_VALUE else value_of(name)
            return not_there(self.stack, secret, on)
        if not self.stack.ownership.owns(state):
            return _foreign(name)
        known: Mapping[str, Json] = {
            "secret_arns": state.arn,
            "secret_ids": state.arn,
            "secret_names": name,
            "rotation_enabled_secrets": state.rotation_enabled,
            "secret_versions": state.current_version,
        }
        if known.get(output) is not None:
            return Plain(known[output])
        if state.current_version is None:
            return self._valueless(secret)
        return self._value(output, secret, state, rest)

    def _valueless(self, secret: SecretSpec) -> Pending:
        how = f": {put_command(secret.name, self.stack.account.region)}" if secret.external else ""
        return Pending(f"secret {secret.name} has no value yet{how}", on=value_of(secret.name))

    def _value(self, output: str, secret: SecretSpec, listed: SecretState, rest: Path) -> Resolved:
        # A list may be old: what is read has to be ours now.
        state = self.stack.observed.secrets.confirm(listed.name)
        if state is None or not self.stack.ownership.owns(state):
            return _foreign(listed.name)
        # The version that the inputs are recorded by, whatever became current meanwhile.
        value = read_value(self.stack, state, version=state.current_version)
        if output == "generated_passwords":
            return Secret(password_in(secret, value))
        return Secret(field(value, rest) if rest else value)

    def _own_key(self, component: str, name: str) -> Resolved:
        alias = next((k.alias for k in self.stack.spec.keys if component in k.components), None)
        return self._key(alias, name) if alias else Pending(f"component {component} makes no KMS key")

    def _kms(self, component: str, path: Path) -> Resolved:
        return self._own_key(component, str(path[0]))

    def _key(self, alias: str, name: str) -> Resolved:
        key = usable_as(self.stack, alias)
        if isinstance(key, str):
            return Pending(key, on=key_named(alias))
        known = {
            "key_arn": key.arn,
            "kms_key_arn": key.arn,
            "key_id": key.key_id,
            "kms_key_id": key.key_id,
            "alias_arn": self.stack.account.arn("kms", alias),
        }
        return Plain(known[name])

    def _rds(self, component: str, path: Path) -> Resolved:
        spec = next((database for database in self.stack.spec.databases if database.component == component), None)
        if spec is None:
            return nothing_named(component)
        name = str(path[0])
        if name == "password_secret_arn" and spec.password is not None:
            return self._secretsmanager(spec.password.component, ("secret_arns", spec.password.key))
        state, on = self.stack.observed.databases.find(spec), database_named(spec.name)
        if state is None:
            return Pending(absent(self.stack, spec), on=on)
        if wrong := refusal(self.stack, spec, state):
            return Pending(f"{spec.noun} {state.identifier} {wrong}", on=on)
        hosts = HOSTS if spec.endpoints_are_hosts and state.is_cluster else {}
        known_as = AS_IN_TERRAFORM.get(name, hosts.get(name, name))
        value = state.outputs.get(known_as)
        if value is not None:
            return Plain(value)
        # A database that was made without a name of its own will never have one.
        nameless = known_as in ("db_name", "instance_name") and state.serves
        said = f"{state.identifier} has no {name} yet: {state.condition}"
        return Pending(said, missing=nameless, on=on, passes=state.changes)

    def _lambda(self, component: str, _path: Path) -> Resolved:
        function = declared_names(self.stack.spec, component)["function_name"]
        found = self.stack.observed.functions.configuration(function)
        return Plain(found["FunctionArn"]) if found else Pending(f"Lambda function {function} does not exist yet")


def _foreign(name: str) -> Pending:
    # Whoever writes the YAML must not read other people's secrets with the pipeline's rights.
    return Pending(f"secret {name} is not ours", on=value_of(name))


def _no_parameter(name: str) -> Pending:
    return Pending(f"SSM parameter {name} does not exist", on=published_as(name))


def _of_stack(output: Output, pending: Pending) -> Pending:
    """What another stack waits for, named so that it is not taken for a resource of this one."""
    return replace(pending, on=of_stack(pending.on, str(output.stack)) if pending.on else "")
