"""Read the organisation that readers in other accounts have to belong to: the operator's word, else the stack's.

The condition only ever narrows what such a reader may do; so a stack may set it, but not replace the operator's.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalorgid
"""

from __future__ import annotations

from secrets_pipeline.desired.limits import ORGANIZATION_ID
from secrets_pipeline.desired.reading.scope import ComponentScope, StackScope

SETTING = "organization_id"
_PATH = ("settings", "secrets_pipeline", SETTING)


def read_organization(stack: StackScope) -> str | None:
    """`o-…`, or None where nobody says one; a stack that contradicts itself or the operator is collected.

    Args:
        stack: whose `settings.secrets_pipeline.organization_id` is read, of each component that is recognised.
    """
    decided = stack.settings.access.organization_id
    by = "the operator's settings"
    for name in stack.kinds:
        scope = stack.components[name]
        said = scope.setting(SETTING)
        if said is None:
            continue
        if not isinstance(said, str) or not ORGANIZATION_ID.fullmatch(said):
            scope.error(_PATH, f"{SETTING} is {said!r}", f'Write {SETTING}: "o-a1b2c3d4e5", as Organizations shows it.')
        elif decided is None:
            decided, by = said, f"component {name}"
        elif said != decided:
            _contradiction(scope, said, f"{decided} in {by}")
    return decided


def _contradiction(scope: ComponentScope, said: str, elsewhere: str) -> None:
    scope.error(
        _PATH,
        f"{SETTING} is {said} here and {elsewhere}",
        "Readers belong to one organisation: write the same everywhere, or leave it to the operator's settings.",
    )
