"""Set what AWS's own judges say, so that they may differ from the evaluator that the embedded AWS denies by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from secrets_pipeline.emulator.control.control import Setting
from secrets_pipeline.emulator.handle.endpoint import ask

if TYPE_CHECKING:
    from secrets_pipeline.emulator.handle.lifecycle import LocalAws

OPINIONS_PATH = "/_local/opinions"
_DECISIONS = frozenset({"allowed", "explicitDeny", "implicitDeny"})
_RESULTS = frozenset({"PASS", "FAIL"})


@dataclass(frozen=True, slots=True)
class Opinions:
    """Answers that are set; for what is not named, the embedded AWS judges itself.

    Attributes:
        simulated: ARN of a principal → what SimulatePrincipalPolicy says of it: `allowed`, `explicitDeny` or
            `implicitDeny`.
        public: Sid of a statement → what CheckNoPublicAccess says of a policy that has it: `PASS` or `FAIL`.
        found: Sid of a statement → what ValidatePolicy finds in a policy that has it: `findingType`, `issueCode` and
            `findingDetails`.

    Raises:
        ValueError: an answer that AWS does not have.
    """

    simulated: Mapping[str, str] = field(default_factory=dict)
    public: Mapping[str, str] = field(default_factory=dict)
    found: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (set(self.simulated.values()) <= _DECISIONS and set(self.public.values()) <= _RESULTS):
            raise ValueError(self)


OPINIONS = Setting(Opinions)
"""Of this process."""


def set_opinions(aws: LocalAws, opinions: Opinions) -> None:
    """Let AWS's judges say this until `reset_conditions`; replaces what was set before.

    Raises:
        LocalError: the embedded AWS does not answer.
    """
    ask(aws, "PUT", OPINIONS_PATH, asdict(opinions))
