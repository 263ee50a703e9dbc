"""Notice a secret whose name holds the stage of another stack: a line that was pasted from one stack into all."""

from __future__ import annotations

import re
from typing import Final

from secrets_pipeline.desired.reading.scope import ComponentScope

_STAGES: Final = (
    ("prod", "production", "prd", "live"),
    ("dev", "develop", "development"),
    ("staging", "stage", "stg"),
    ("test", "testing", "tst"),
    ("uat", "acceptance"),
    ("qa",),
    ("sandbox", "sbx"),
    ("preprod",),
    ("demo",),
)
"""Words that stages are called by, those of one stage together."""
_STAGE_OF: Final = {word: words[0] for words in _STAGES for word in words}
_VARIABLES: Final = ("stage", "environment", "env")
_WORD: Final = re.compile(r"[^/_.\-]+")


def other_stage_notice(scope: ComponentScope, name: str) -> str | None:
    """Say that a name holds a stage which is not the stack's; None if it holds none, or the stack's as well.

    Args:
        scope: the component that declares the secret.
        name: of the secret; its last part does not count, as it says what the secret is.
    """
    stack = scope.stack.stack.name
    variables = (value for one in _VARIABLES if isinstance(value := scope.component.vars.get(one), str))
    own = {_STAGE_OF[word] for text in (stack, *variables) for word in _words(text)}
    folder = name.rpartition("/")[0]
    found = [word for word in _words(folder) if _STAGE_OF[word] not in own]
    if not own or not found or any(_STAGE_OF[word] in own for word in _words(name)):
        return None
    stage = " and ".join(sorted(own))
    return (
        f"component {scope.name}: names below {folder}/ hold {found[0]!r}, and the stage of stack {stack} is {stage}. "
        "If the line was pasted from another stack, write {{ .vars.stage }}, or another variable, in place of the word."
    )


def _words(text: str) -> list[str]:
    return [word for word in _WORD.findall(text.lower()) if word in _STAGE_OF]
