"""Ask the embedded AWS what a contract file asked, on a clock that only waiting moves, and compare the answers."""

from __future__ import annotations

import json
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from secrets_pipeline import emulator
from secrets_pipeline.aws.session import AwsAccount, Sessions
from secrets_pipeline.desired.base import Target
from secrets_pipeline.emulator.control.delays import DELAYS
from secrets_pipeline.operations.experiment.asking import Asker, pause
from secrets_pipeline.operations.experiment.contract import FILE, Answer, Contract, Exchange, Measured, plain
from secrets_pipeline.operations.experiment.experiment import BELIEFS, Experiment, known_in
from secrets_pipeline.operations.experiment.names import Names
from tests.embedded import lead_to
from tests.moved_time import MovedTime

FOLDER = Path(__file__).parent
EMBEDDED = FOLDER / "embedded-aws.json"
THE_EMBEDDED_ONE = "the embedded AWS"
REPLICA_REGION = "eu-central-1"


@dataclass(frozen=True)
class Difference:
    """A request that the embedded AWS answers otherwise than the file says.

    Attributes:
        belief: its id.
        operation: what was asked.
        written: answers in the file.
        given: the embedded AWS's.
    """

    belief: str
    operation: str
    written: tuple[Answer, ...]
    given: tuple[Answer, ...]


def contract_files() -> dict[str, Contract]:
    """Every contract of the folder by its file's name."""
    return {file.name: FILE.validate_json(file.read_text()) for file in sorted(FOLDER.glob("*.json"))}


def differences(aws: emulator.LocalAws, measured: Measured) -> Iterator[Difference]:
    """Replay one belief, with everything as slow as the file says that it was, or as usual.

    A request that measures a delay is answered alike before and after it; of any other one the last answer counts, as
    what it waits for may have come true before.
    """
    with _asked(aws, emulator.Pace(emulator.Profile.AWS, seconds=_delays(measured))) as (account, time):
        names = Names(known_in(account, REPLICA_REGION, secrets.token_hex(4)))
        asker = Asker(account.client, names, time.clock, time.sleep)
        given = list(asker.exchanges(exchange.step for exchange in measured.exchanges))
    for index, written in enumerate(measured.exchanges):
        answers = given[index].answers if index < len(given) else ()
        if not _agree(written, answers):
            yield Difference(measured.belief, written.step.operation, written.answers, answers)


def slower_than_believed(contract: Contract) -> Iterator[str]:
    """What took longer than the embedded AWS's table says that anything does; what came at once is not slow."""
    for measured in contract.measured:
        for name, seconds in _delays(measured).items():
            # What came between two tries was seen at the second one.
            if seconds - pause(seconds) > DELAYS[name].most:
                yield f"{measured.belief}: {name} took {seconds} s, the table says {DELAYS[name].most} at most"


def measured_anew(aws: emulator.LocalAws) -> Contract:
    """Run the whole experiment on an embedded AWS that takes its usual time."""
    with _asked(aws, emulator.Pace(emulator.Profile.AWS)) as (account, time):
        experiment = Experiment(account, replica_region=REPLICA_REGION, clock=time.clock, sleep=time.sleep)
        measured = list(experiment.measured(BELIEFS))
        assert list(experiment.removal.remove()) == []
        return replace(experiment.contract(measured), answered_by=THE_EMBEDDED_ONE)


@contextmanager
def _asked(aws: emulator.LocalAws, pace: emulator.Pace) -> Iterator[tuple[AwsAccount, MovedTime]]:
    with pytest.MonkeyPatch.context() as patch:
        lead_to(aws, patch)
        sessions = Sessions(config=Config(retries={"total_max_attempts": 1}))
        emulator.set_pace(aws, pace)
        try:
            account = sessions.for_target(Target(region=aws.region))
            account.botocore_session.register("before-parameter-build.sqs.ReceiveMessage", _at_once)
            with sessions.patience.none():
                yield account, MovedTime(aws)
        finally:
            emulator.settle(aws)
            emulator.reset_conditions(aws)


def _at_once(**asked: Any) -> None:  # noqa: ANN401 - botocore hands over the parameters of any operation
    """Have messages received without waiting: the embedded AWS waits for them in real time, in which none comes."""
    asked["params"]["WaitTimeSeconds"] = 0


def _delays(measured: Measured) -> dict[str, float]:
    """Seconds that each delay lasted, the longest of those that were measured."""
    found: dict[str, float] = {}
    for exchange in measured.exchanges:
        if name := exchange.step.measures:
            found[name] = max(found.get(name, 0.0), exchange.answers[-1].seconds)
    return found


def _agree(written: Exchange, given: tuple[Answer, ...]) -> bool:
    if not given or not written.answers[-1].says(given[-1]):
        return False
    early = written.answers[:-1] if written.step.measures else ()
    return all(any(one.says(other) for other in given) for one in early)


def write_embedded() -> None:
    """Make the embedded AWS's own file anew."""
    with tempfile.TemporaryDirectory() as folder:
        aws = emulator.start(Path(folder), die_with_parent=True)
        try:
            contract = measured_anew(aws)
        finally:
            emulator.stop(Path(folder))
    EMBEDDED.write_text(json.dumps(plain(contract), indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    write_embedded()
