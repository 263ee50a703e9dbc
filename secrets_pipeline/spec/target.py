"""Where a stack lives: the operator's rules first; the stack's own variables only fill gaps."""

from __future__ import annotations

import re
from itertools import pairwise

from secrets_pipeline.errors import ExpressionError, SpecError, Where
from secrets_pipeline.references import Literal
from secrets_pipeline.spec.inputs import Inputs
from secrets_pipeline.spec.limits import ACCOUNT_ID, REGION
from secrets_pipeline.spec.model import Target
from secrets_pipeline.spec.scope import ComponentScope, StackScope

_PRODUCTION = frozenset({"prod", "production"})
_DENIES_IT = frozenset({"no", "non", "not", "pre", "sub"})
_WORDS = re.compile(r"[A-Za-z0-9]+")
UNKNOWN_REGION = "unknown"


def read_target(stack: StackScope) -> Target:
    """Account, region and role of a stack; what is wrong or missing is collected."""
    name = stack.stack.name
    rule = stack.settings.target(name)
    region = rule.region if rule else None
    account_id = rule.account_id if rule else None
    if region is None:
        region = _agreed(stack, "region")
    if account_id is None:
        account_id = _agreed(stack, "account_id")
    if region is None:
        stack.errors.append(
            SpecError(
                f"nobody says in which region stack {name} lives",
                remedy="Set vars.region in the stack, or region in a rule under targets of the operator's settings.",
                where=Where(file=stack.stack.files[0] if stack.stack.files else None, stack=name),
            )
        )
    return Target(account_id=account_id, region=region or UNKNOWN_REGION, role_arn=rule.role_arn if rule else None)


def protection(stack: StackScope) -> str | None:
    """Why a stack is production, for messages; None where it is not.

    It says so itself, or `environment` or `stage` of one of its components is `prod` or `production`, in any case and
    also as a word in it: `Prod`, `production-eu`, `prod-no`, but not `non-prod`. `protected: false` changes nothing.
    """
    managed = [stack.components[name] for name in stack.kinds]
    if any([scope.flag("protected") for scope in managed]):  # noqa: C419 - each is read, so that each wrong one is said
        return "settings.secrets_pipeline.protected is true"
    named = ((key, _known_text(scope, key)) for scope in managed for key in ("environment", "stage"))
    return next((f"{key} is {value}" for key, value in named if value and _names_production(value)), None)


def _names_production(value: str) -> bool:
    words = ["", *(word.lower() for word in _WORDS.findall(value))]
    # Only right before it: `prod-no` may be Norway's.
    return any(word in _PRODUCTION and before not in _DENIES_IT for before, word in pairwise(words))


def _known_text(scope: ComponentScope, key: str) -> str | None:
    """A variable that the YAML alone says; None for anything else, which is said where it is needed."""
    try:
        expression = scope.read(scope.component.vars.get(key))
    except ExpressionError:
        return None
    value = expression.value if isinstance(expression, Literal) else None
    return value if isinstance(value, str) else None


def _agreed(stack: StackScope, key: str) -> str | None:
    """The one value that the managed components give to a variable; None if there is none, or more than one."""
    pattern, example = (REGION, "eu-west-2") if key == "region" else (ACCOUNT_ID, "111122223333")
    found: dict[str, Inputs] = {}
    for name in stack.kinds:
        inputs = Inputs(stack.components[name], stack.components[name].component.vars, ("vars",))
        value = inputs.text(key, pattern=pattern, example=example)
        if value is not None:
            found.setdefault(value, inputs)
    if len(found) > 1:
        one, other, *_ = found
        found[other].error(
            key,
            f"{key} is {other} here and {one} in component {found[one].scope.name}",
            f"A stack lives in one place: write the same {key} everywhere, or let the operator's settings say it.",
        )
    return next(iter(found), None)
