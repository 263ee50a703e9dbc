"""Restrict a run to resources that the operator names (`--target`), and to what these need."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from secrets_pipeline.desired.needs import needs
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.engine.model import Change
from secrets_pipeline.engine.reason import LeftOut
from secrets_pipeline.errors import SpecError

_EVENTS = "rotation_event_queue"
"""The stage of what brings the events of rotations: it is made before anything rotates."""


@dataclass(frozen=True)
class Targets:
    """The resources of one stack that a run is restricted to; an `engine.only.Only`.

    Attributes:
        names: of what the globs match, and of all that this needs, as a plan shows them.
        others: names of all other resources that the stack declares.
        stages: of which every change is made.
    """

    names: frozenset[str]
    others: frozenset[str] = frozenset()
    stages: frozenset[str] = frozenset()

    @classmethod
    def of(cls, spec: StackSpec, globs: Sequence[str]) -> Targets | None:
        """Find what globs match among the names of a stack's resources; None where they match nothing."""
        graph = needs(spec)
        found = [name for name in graph if any(fnmatch.fnmatchcase(name, glob) for glob in globs)]
        if not found:
            return None
        names = dict.fromkeys(found)
        for name in found:
            new = sorted(graph.get(name, frozenset()) - names.keys())
            names.update(dict.fromkeys(new))
            found += new
        rotates = any(secret.rotation is not None for secret in spec.secrets if secret.name in names)
        return cls(frozenset(names), frozenset(graph.keys() - names.keys()), frozenset({_EVENTS} if rotates else ()))

    def refusal(self, stage: str, change: Change) -> LeftOut | None:
        """Refuse what is neither named nor needed; the published ARNs and the service keys come along."""
        name = change.resource.name
        follows = change.approved_with_others and name not in self.others
        if follows or name in self.names or stage in self.stages:
            return None
        return LeftOut("left out, as --target names others")


def targets_of(specs: Iterable[StackSpec], globs: Sequence[str]) -> dict[str, Targets]:
    """Find what globs match in some stacks, by stack; those where they match nothing are left out.

    Raises:
        SpecError: if one of the globs matches nothing in any of the stacks.
    """
    stacks = list(specs)
    every = sorted({name for spec in stacks for name in needs(spec)})
    for glob in globs:
        if not any(fnmatch.fnmatchcase(name, glob) for name in every):
            near = difflib.get_close_matches(glob, every, n=3) or [one for one in every if glob in one][:3]
            hint = f"Did you mean {' or '.join(near)}?" if near else "Write its whole name, as `plan` shows it, or *."
            raise SpecError(f"--target {glob}: nothing that these stacks declare has such a name", remedy=hint)
    found = {spec.stack: Targets.of(spec, globs) for spec in stacks}
    return {stack: targets for stack, targets in found.items() if targets is not None}
