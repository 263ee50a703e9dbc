"""Read `settings.secrets_pipeline.verification`, and the operator's word, which counts before it.

settings:
secrets_pipeline:
verification: {cron: "0 6 * * *", timezone: Europe/London}
"""

from __future__ import annotations

from typing import Final

from secrets_pipeline.desired.reading.inputs import Inputs
from secrets_pipeline.desired.reading.scope import ComponentScope, StackScope
from secrets_pipeline.desired.settings.verification import cron_problem, timezone_problem
from secrets_pipeline.desired.verification.model import VerificationSpec

SETTING: Final = "verification"
_PATH: Final = ("settings", "secrets_pipeline", SETTING)


def read_verification(stack: StackScope) -> VerificationSpec:
    """A stack's verification; what is wrong, or said in two ways, is collected.

    Args:
        stack: whose settings are read, of each component that is recognised; they have to agree.
    """
    said = stack.said_once(SETTING, "A stack is verified as a whole: write the setting once, for the whole stack.")
    own = _read(said) if said else {}
    return VerificationSpec(**{**own, **stack.settings.verification.model_dump(exclude_none=True)})


def _read(scope: ComponentScope) -> dict[str, str]:
    inputs = Inputs(scope, scope.setting(SETTING), _PATH)
    inputs.refuse_unknown(frozenset(VerificationSpec.model_fields))
    read: dict[str, str] = {}
    for key, problem_of, example in (
        ("cron", cron_problem, 'cron: "0 6 * * *"'),
        ("timezone", timezone_problem, "timezone: Europe/London"),
    ):
        text = inputs.text(key)
        if text is None:
            continue
        if problem := problem_of(text):
            inputs.error(key, f"{key} {text!r} {problem}", f"Write for example {example}.")
        else:
            read[key] = text
    return read
