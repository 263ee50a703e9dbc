"""Read policy documents in YAML: JSON text or a map; late parts stay expressions."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from secrets_pipeline.desired.limits import POLICY_BYTES
from secrets_pipeline.desired.policy.lockout import LOCKOUT_REMEDY, SECRET_RECOVERY, Caller, locks_out
from secrets_pipeline.desired.policy.principals import is_public
from secrets_pipeline.desired.reading.inputs import Inputs, found_kind
from secrets_pipeline.desired.reading.reference_targets import check, settled
from secrets_pipeline.desired.reading.scope import ComponentScope
from secrets_pipeline.golang.values import Value
from secrets_pipeline.references.model import Expression, Literal, Path

_POLICY_VARIABLE = re.compile(r"(?<!\$)\$\{(?=[a-z0-9-]+:[A-Za-z]|[*?$]\})(?!env:|ssm:|file:)")
"""`${aws:username}` and the like belong to IAM: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html"""

_ELEMENTS = (("Effect",), ("Principal", "NotPrincipal"), ("Action", "NotAction"), ("Resource", "NotResource"))
_READERS = {
    "Sid": "SecretsPipelineReaders",
    "Effect": "Allow",
    "Principal": {},
    "Action": ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
    "Resource": "*",
}
"""As long as the statement that `access.secret_policy` adds."""

_EXAMPLE = "Write {Version: '2012-10-17', Statement: [{Effect: Allow, Principal: …, Action: …, Resource: '*'}]}."


def statements(inputs: Inputs, key: str = "policy", *, longest: int = POLICY_BYTES) -> tuple[Any, ...]:
    """The statements of the policy under `key`; empty if there is none.

    Args:
        inputs: of the component, or of one secret.
        key: where the policy stands.
        longest: bytes that AWS takes.
    """
    if not inputs.has(key):
        return ()
    document = inputs.values[key]
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError as error:
            place = f"line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
            inputs.error(key, f"{key} is text, but not JSON ({place})", f"{_EXAMPLE} A map in YAML serves as well.")
            return ()
    found = document.get("Statement") if isinstance(document, Mapping) else document
    if isinstance(found, Mapping):
        found = [found]
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        inputs.error(key, f"{key} has no list of statements, it is {found_kind(document)}", _EXAMPLE)
        return ()
    filled = tuple(_filled(inputs.scope, one, inputs.at(key)) for one in found)
    try:
        size = policy_bytes(filled)
    except ValueError:
        inputs.error(key, f"{key} holds a number that JSON has not", "Write text or a finite number.")
        return ()
    if size > longest:
        inputs.error(key, f"{key} has {size} bytes, AWS takes {longest}", "Write fewer or wider statements.")
    return filled


def secret_policy_statements(inputs: Inputs) -> tuple[Any, ...]:
    """The statements of a secret's resource policy: whole ones, and none that lets everybody in."""
    stack = inputs.scope.stack
    rule = stack.settings.target(stack.stack.name)
    pipeline = Caller.of(rule.role_arn) if rule is not None and rule.role_arn else None
    before = len(stack.errors) + len(stack.unresolved)
    found = statements(inputs)
    if len(stack.errors) + len(stack.unresolved) > before:
        return found
    for number, statement in enumerate(found, 1):
        if not is_whole(inputs, number, statement):
            continue
        if is_public(statement):
            inputs.error(
                "policy",
                f"statement {number} of policy lets everybody read the secret",
                "Name the principals, or narrow it by a condition on aws:PrincipalOrgID, aws:PrincipalArn, "
                "aws:PrincipalAccount, aws:SourceVpce or the like, with fixed values.",
            )
        elif pipeline is not None and locks_out(statement, pipeline, SECRET_RECOVERY):
            named = statement.get("Sid") or number
            denied = "denies the pipeline's role the calls that repair the policy"
            inputs.error("policy", f"statement {named} of policy {denied}", LOCKOUT_REMEDY)
    return found


def is_whole(inputs: Inputs, number: int, statement: Mapping[str, Any]) -> bool:
    """Whether a statement of a resource policy has all that AWS requires; an error says what it lacks.

    Source: https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html

    Args:
        inputs: of the component, or of one secret.
        number: of the statement, from 1.
        statement: as declared.
    """
    missing = [" or ".join(names) for names in _ELEMENTS if not any(name in statement for name in names)]
    if missing:
        inputs.error("policy", f"statement {number} of policy has no {', no '.join(missing)}", _EXAMPLE)
    elif not isinstance(statement["Effect"], Expression) and statement["Effect"] not in ("Allow", "Deny"):
        inputs.error("policy", f"statement {number} of policy has another Effect than Allow and Deny", _EXAMPLE)
    else:
        return True
    return False


def policy_bytes(declared: Sequence[Any], readers: Sequence[str] = (), *, organization_id: str | None = None) -> int:
    """How long a secret's policy is at least, in the compact JSON that is sent, with the statement for readers.

    Args:
        declared: statements; what is only known later counts nothing.
        readers: principals of other accounts, as ARNs.
        organization_id: that the readers have to belong to; None for any or none.

    Raises:
        ValueError: for a number that JSON has not.
    """
    inside = {"Condition": {"StringEquals": {"aws:PrincipalOrgID": organization_id}}} if organization_id else {}
    listed = [*declared, *([_READERS | {"Principal": {"AWS": sorted(readers)}} | inside] if readers else [])]
    document = {"Version": "2012-10-17", "Statement": listed}
    return len(json.dumps(document, separators=(",", ":"), default=lambda _: "", allow_nan=False).encode())


def _filled(scope: ComponentScope, tree: Value, path: Path) -> Value:
    if isinstance(tree, Mapping):
        return {str(key): _filled(scope, value, path) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_filled(scope, value, path) for value in tree]
    if not isinstance(tree, str):
        return tree
    escaped = _POLICY_VARIABLE.sub("$${", tree) if type(tree) is str and scope.reads_references else tree
    written = scope.expression(escaped, path)
    if written is None:
        return ""
    expression: Expression = settled(scope, written)
    if not check(scope, expression, path):
        return ""
    return expression.value if isinstance(expression, Literal) else expression
