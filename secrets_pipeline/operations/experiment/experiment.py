"""Run the experiment: each belief in turn, with all that it made removed at the end, however it ends."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Final

from secrets_pipeline.aws.session import AwsAccount
from secrets_pipeline.operations.experiment.asking import Asker
from secrets_pipeline.operations.experiment.beliefs import (
    databases,
    deployments,
    events,
    functions,
    keys,
    queues,
    replicas,
    roles,
    rotation,
    signatures,
)
from secrets_pipeline.operations.experiment.beliefs import secrets as of_secrets
from secrets_pipeline.operations.experiment.beliefs.model import Belief
from secrets_pipeline.operations.experiment.contract import AWS, Contract, Exchange, Measured, Step
from secrets_pipeline.operations.experiment.names import Names
from secrets_pipeline.operations.experiment.removal import PREFIX, Removal, kept_by

_HOSTS: Final = (".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".api.aws")
_MODULES: Final = (
    roles,
    functions,
    rotation,
    of_secrets,
    keys,
    queues,
    events,
    deployments,
    databases,
    replicas,
    signatures,
)
BELIEFS: Final[Sequence[Belief]] = tuple(chain.from_iterable(module.BELIEFS for module in _MODULES))


class Experiment:
    """Measures beliefs in one account and region.

    Args:
        account: where; its clients repeat no refused call.
        replica_region: another one, for beliefs about replicas; empty for none.
        clock: seconds from any origin.
        sleep: waits some seconds.
        run: distinguishes its resources from those of other runs: letters and digits.

    Attributes:
        prefix: of the names of all that it makes.
        removal: what it made.
        names: the literals of its run.
    """

    def __init__(
        self,
        account: AwsAccount,
        *,
        replica_region: str = "",
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        run: str = "",
    ) -> None:
        run = run or secrets.token_hex(4)
        self._account = account
        self.prefix = f"{PREFIX}{run}-"
        self.removal = Removal(account)
        self.names = Names(known_in(account, replica_region, run))
        self._asker = Asker(account.client, self.names, clock, sleep, self._sends)

    def measured(self, beliefs: Sequence[Belief]) -> Iterator[Measured]:
        """Measure beliefs in turn; whoever iterates removes what was made, also when he stops early.

        Raises:
            AwsError: if AWS cannot be reached.
        """
        for belief in beliefs:
            exchanges = tuple(self._noted(exchange) for exchange in self._asker.exchanges(belief.steps))
            yield Measured(belief.id, belief.believed, exchanges, _unmeasured(belief, exchanges))

    def contract(self, measured: Sequence[Measured]) -> Contract:
        """Return what was measured as a contract."""
        host = self._account.client("secretsmanager").meta.endpoint_url
        return Contract(
            AWS if host.endswith(_HOSTS) else "an endpoint that is not AWS's",
            self._account.partition,
            self._account.region,
            _today(),
            tuple(measured),
        )

    def _sends(self, step: Step, params: Mapping[str, Any]) -> None:
        self.removal.note(step.operation, params)

    def _noted(self, exchange: Exchange) -> Exchange:
        kind = kept_by(exchange.step.operation)
        if kind is not None and not exchange.answers[-1].code:
            self.removal.made(kind, self.names.filled(f"<{next(iter(exchange.step.keeps))}>"))
        return exchange


def file_name(account: AwsAccount) -> str:
    """Return what a contract file of today is called; no call is made."""
    return f"{_today()}-{account.partition}-{account.region}.json"


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def known_in(account: AwsAccount, replica_region: str, run: str) -> dict[str, str]:
    """Return what stands for the names of all files: of the account, and values that stand for nothing."""
    return {
        "account": account.account_id,
        "region": account.region,
        "replica_region": replica_region,
        "arn": f"arn:{account.partition}",
        "run": run,
        "value": f"throw-away-{secrets.token_hex(8)}",
        "other": f"thrown-away-{secrets.token_hex(8)}",
    }


def _unmeasured(belief: Belief, exchanges: Sequence[Exchange]) -> str:
    """Say why a belief was not measured to its end; empty if it was."""
    last = exchanges[-1]
    if last.answers[-1].code and not last.step.refused:
        return f"{last.step.operation} was refused: {last.answers[-1].code}"
    return "" if len(exchanges) == len(belief.steps) else "it was interrupted"
