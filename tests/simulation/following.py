"""What must hold of events and of the runs that follow them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from secrets_pipeline.rotation.events import names
from tests.simulation.stacks import STACK

if TYPE_CHECKING:
    from tests.simulation.daemon import Daemon, Run
    from tests.simulation.events import Happened
    from tests.simulation.simulation import Simulation


class Following:
    """Judges the runs of one seed.

    Args:
        simulation: the seed.
        daemon: whose runs they are.
    """

    def __init__(self, simulation: Simulation, daemon: Daemon) -> None:
        self._simulation = simulation
        self._daemon = daemon

    def check_runs(self, *, drained: bool) -> None:
        """Each event was followed by one run of its stack that began after it, and its message is gone.

        Args:
            drained: whether the queue is empty.
        """
        messages, violated = self._simulation.cloud.messages, self._simulation.ledger.violated
        if not drained:
            violated(f"{len(messages.waiting)} messages are in the queue for ever")
        self._simulation.reached["dead letters"] += len(messages.dead)
        dead = {one.body for one in messages.dead}
        for event in self._events():
            self._simulation.reached["events"] += 1
            runs = [run for run in self._daemon.storage.made if run.answers(event.event_id)]
            started = [run for run in runs if run.began is not None]
            if len({run.key for run in started if run.job == event.job}) > 1:
                violated(f"{event.event_id} was followed twice")
            if not self._has_to_be_followed(event) or any(event.event_id in body for body in dead):
                continue
            if not any(self._follows(run, event) for run in self._answering(event)):
                violated(f"{event.event_id} {event.name} of {event.secret} was not followed by {event.job}")

    def followed(self) -> Iterator[str]:
        """Keys of the secrets whose latest new value was followed by a run that did all that it had to do."""
        for key in self._simulation.newest.wishes:
            name = self._simulation.newest.name(key)
            moves = [one for one in self._events() if one.secret == name and one.name == names.LABEL_UPDATED]
            if not moves or moves[-1].is_own:
                continue
            runs = self._answering(moves[-1])
            if any(run.clean and run.began is not None and run.began >= moves[-1].turn for run in runs):
                yield key

    def _answering(self, event: Happened) -> list[Run]:
        """The runs that may follow an event: that of the first event of a rotation is for all of them."""
        made = self._daemon.storage.made
        return [one for one in made if one.answers(event.event_id) or one.is_about(event.secret, event.job)]

    def _events(self) -> list[Happened]:
        return self._simulation.events.happened if self._simulation.events else []

    def _has_to_be_followed(self, event: Happened) -> bool:
        """Whether it happened to a secret that the stack declares, and not by the pipeline's own hand."""
        newest = self._simulation.newest
        return not event.is_own and event.secret in {newest.name(key) for key in newest.wishes}

    def _follows(self, run: Run, event: Happened) -> bool:
        """Whether a run was made after an event; one that could not be started counts only if nobody knew that yet."""
        unknown = run.lost is None or run.lost >= self._daemon.covered.get(event.event_id, run.lost + 1)
        return run.asked >= event.turn and run.job == event.job and run.stack == STACK and unknown
