"""Define a literal of the YAML that looks like a secret; nothing of its value is in it."""

from __future__ import annotations

from secrets_pipeline.desired.base import Spec


class Plaintext(Spec):
    """A literal that looks like a secret.

    Attributes:
        component: that declares it.
        key: its place inside the component, dotted.
        problem: what it looks like; goes on after "plaintext:".
        remedy: what to write instead.
        where: text that names file, line, stack, component and key.
    """

    component: str
    key: str
    problem: str
    remedy: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.where}: plaintext: {self.problem}. {self.remedy}"
