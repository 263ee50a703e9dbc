"""Read where a stack lives: the operator's rules say it; the stack's variables fill gaps, and may not contradict."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Final

from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.limits import ACCOUNT_ID, REGION
from secrets_pipeline.desired.reading.inputs import Inputs, found_kind
from secrets_pipeline.desired.reading.reference_targets import NO_VALUE
from secrets_pipeline.desired.reading.scope import ComponentScope, StackScope
from secrets_pipeline.desired.settings.operator import TargetRule
from secrets_pipeline.desired.unguarded_manifests import UnguardedManifests
from secrets_pipeline.errors import ExpressionError, SecretsPipelineError, SpecError, Where
from secrets_pipeline.references.model import Literal

_PRODUCTION = frozenset({"prod", "production"})
_DENIES_IT = frozenset({"no", "non", "not", "pre", "sub"})
_WORDS = re.compile(r"[A-Za-z0-9]+")
_FORMS: Final[Mapping[str, tuple[re.Pattern[str], str]]] = {
    "region": (REGION, "eu-west-2"),
    "account_id": (ACCOUNT_ID, "111122223333"),
}
UNKNOWN_REGION = "unknown"


def read_target(stack: StackScope) -> Target:
    """Account, region and role of a stack; what is wrong, missing or contradicts the operator is collected."""
    name, errors = stack.stack.name, len(stack.errors)
    rule = stack.settings.target(name)
    _check_manifests(stack, rule)
    region = _settled(stack, rule, "region")
    account_id = _settled(stack, rule, "account_id")
    if region is None and len(stack.errors) == errors:
        others = ", ".join(f"component {one} says {said}" for said, one in _regions_of_others(stack).items())
        stack.errors.append(
            SpecError(
                f"nobody says in which region stack {name} lives",
                remedy=f"Set vars.region in the stack{f' ({others})' if others else ''}, or region in a rule under "
                "targets of the operator's settings.",
                where=Where(file=stack.stack.files[0] if stack.stack.files else None, stack=name),
            )
        )
    target = Target(account_id=account_id, region=region or UNKNOWN_REGION)
    return target.under(rule) if rule else target


def _check_manifests(stack: StackScope, rule: TargetRule | None) -> None:
    """A stack is put together from whatever manifests say its name; the operator may say where they lie."""
    for manifest in stack.stack.files if rule else ():
        if rule and not rule.admits(manifest):
            stack.errors.append(
                SpecError(
                    f"{manifest} makes itself part of stack {stack.stack.name}, whose manifests are "
                    f"{', '.join(rule.manifests)} in the operator's settings",
                    remedy="Give it a stack of its own, move it there, or add it to `manifests` under `targets`.",
                    where=Where(file=manifest, stack=stack.stack.name),
                )
            )


def unguarded_manifests(stack: StackScope) -> UnguardedManifests | None:
    """The stack's manifests, if they are several and its rule has no `manifests`; else None."""
    rule, files = stack.settings.target(stack.stack.name), stack.stack.files
    guarded = len(files) <= 1 or (rule is not None and rule.manifests)
    return None if guarded else UnguardedManifests(stack=stack.stack.name, manifests=files)


def protection(stack: StackScope) -> str | None:
    """Why a stack is production, for messages; None where it is not.

    It says so itself, or `environment` or `stage` of one of its components is `prod` or `production`, in any case and
    also as a word in it: `Prod`, `production-eu`, `prod-no`, but not `non-prod`. `protected: false` changes nothing.
    """
    managed = [stack.components[name] for name in stack.kinds]
    if any([scope.flag("protected") for scope in managed]):  # noqa: C419 - each is read, so that each wrong one is said
        return "settings.secrets_pipeline.protected is true"
    named = ((key, _known_text(scope, key)) for scope in managed for key in ("environment", "stage"))
    return next((f"{key} is {value}" for key, value in named if value and names_production(value)), None)


def names_production(value: str) -> bool:
    """Whether a text has the word `prod` or `production` in it, in any case, and not as in `non-prod`."""
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


def _settled(stack: StackScope, rule: TargetRule | None, key: str) -> str | None:
    """What the operator says, which no component may contradict; else what the components agree on."""
    wanted = None if rule is None else rule.region if key == "region" else rule.account_id
    if rule is None or wanted is None:
        return _agreed(stack, key)
    for said, name in _said_otherwise(stack, key, wanted).items():
        # A text that is none may be anything, so it is not quoted.
        here = f"{key} is {said}" if _FORMS[key][0].fullmatch(said) else f"{key} is something else"
        stack.components[name].error(
            ("vars", key),
            f"{here} here, and {wanted} for stacks {rule.stacks} in the operator's settings",
            f'Write {key}: "{wanted}" here or take it out; if this one is right, add a rule with it for stack '
            f"{stack.stack.name} before that one, under targets of the operator's settings.",
        )
    return wanted


def _said_otherwise(stack: StackScope, key: str, wanted: str) -> dict[str, str]:
    """Every other value that a component gives to a variable, and the first one that does.

    Those of the kinds that this project manages count. Where none of them says a region, the others do, and one that
    says the operator's is enough: a certificate of CloudFront is in another one.
    """
    # What cannot be read blocks nothing: the operator says it, so nobody needs it.
    quiet, found = stack.other(stack.stack), dict[str, str]()
    for name in stack.kinds:
        found.setdefault(_said(quiet, name, key), name)
    if key == "region" and not any(found):
        others = _regions_of_others(stack)
        return {} if wanted in others else others
    return {said: name for said, name in found.items() if said not in ("", wanted)}


def _regions_of_others(stack: StackScope) -> dict[str, str]:
    """Each region that a component which is not ours says, and the first one that does; none that is switched off."""
    quiet, found = stack.other(stack.stack), dict[str, str]()
    for name, scope in stack.components.items():
        if name not in stack.kinds and scope.component.enabled and not scope.component.abstract:
            said = _said(quiet, name, "region")
            if REGION.fullmatch(said):
                found.setdefault(said, name)
    return found


def _said(quiet: StackScope, name: str, key: str) -> str:
    """What a component gives to a variable; empty for nothing, and a word that fits nothing for a map or a list."""
    scope = quiet.components[name]
    value = Inputs(scope, scope.component.vars, ("vars",)).known(key)
    if value is None or isinstance(value, str):
        return value or ""
    # An account id without quotes is a number; with a 0 first and an 8 or 9 in it, YAML makes a fraction of it.
    return f"{value:012.0f}" if isinstance(value, int | float) else found_kind(value)


def _agreed(stack: StackScope, key: str) -> str | None:
    """The one value that the managed components give to a variable; None if there is none, or more than one."""
    pattern, example = _FORMS[key]
    found: dict[str, Inputs] = {}
    unread: dict[str, SecretsPipelineError] = {}
    for name in stack.kinds:
        quiet, scope = stack.other(stack.stack), stack.components[name]
        variables = scope.component.vars
        known = Inputs(quiet.components[name], variables, ("vars",)).text(key, pattern=pattern, example=example)
        if known is None and quiet.errors and not _is_written(scope, key):
            unread |= {error.message: error for error in reversed(quiet.errors) if error.message not in unread}
            continue
        inputs = Inputs(scope, variables, ("vars",))
        value = inputs.text(key, pattern=pattern, example=example)
        if value is not None:
            found.setdefault(value, inputs)
    _tell_unread(stack, key, list(unread.values()), needed=key == "region" and not found)
    if len(found) > 1:
        one, other, *_ = found
        found[other].error(
            key,
            f"{key} is {other} here and {one} in component {found[one].scope.name}",
            f"A stack lives in one place: write the same {key} everywhere.",
        )
    return next(iter(found), None)


def _is_written(scope: ComponentScope, key: str) -> bool:
    """Whether the YAML alone says a variable, rightly or wrongly."""
    try:
        expression = scope.read(scope.component.vars.get(key))
    except ExpressionError:
        return False
    return isinstance(expression, Literal) and NO_VALUE not in str(expression.value)


def _tell_unread(stack: StackScope, key: str, unread: list[SecretsPipelineError], *, needed: bool) -> None:
    """What cannot be read says nothing: an error where nobody else says it, else a notice."""
    if needed:
        stack.errors += unread
        return
    instead = "the region is that of the other components" if key == "region" else "the account is not compared with it"
    stack.notices += [f"{one.where}: {one.message}, so {instead}. {one.remedy}" for one in unread]
