"""Say on a run, by a tag, which lease it holds or held."""

from dataclasses import dataclass

import dagster as dg

LEASE_TAG = "secrets-pipeline/lease"
_HOLDS, _HELD = "holds", "held"


@dataclass(frozen=True, slots=True)
class Mark:
    """What a run says of its lease.

    Attributes:
        address: of the lease.
        holds: whether it has not given it back.
    """

    address: str
    holds: bool

    @classmethod
    def of(cls, run: dg.DagsterRun) -> "Mark | None":
        """Read the tag of a run; None where it says nothing, or what the run says that it repeats."""
        run_id, _, rest = run.tags.get(LEASE_TAG, "").partition(" ")
        state, _, address = rest.partition(" ")
        return cls(address, state == _HOLDS) if run_id == run.run_id and state in (_HOLDS, _HELD) else None

    def write(self, instance: dg.DagsterInstance, run_id: str) -> None:
        """Tag a run."""
        instance.add_run_tags(run_id, {LEASE_TAG: f"{run_id} {_HOLDS if self.holds else _HELD} {self.address}"})
