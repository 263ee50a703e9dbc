"""List the external assets: what the YAML declares, and what happens beside the lineage, which runs only observe."""

from collections.abc import Sequence
from typing import Final

import dagster as dg

from secrets_pipeline.operations.open_repository import OpenRepository
from secrets_pipeline.orchestration.access.narrow_op import DRIFT
from secrets_pipeline.orchestration.alerts.alerting import ALERTS
from secrets_pipeline.orchestration.pages.declared import atmos_stack_spec
from secrets_pipeline.orchestration.shared.names import Names

_OPERATIONS: Final = {
    ALERTS: "What a human has to know, as it was told: each alert is an observation, with the channels that took it.",
    DRIFT: "What somebody else changed in AWS, by whom, and what was done about it: one observation per run of "
    "`on_outside_change`.",
}


def external_assets(names: Names, desired: OpenRepository | None) -> Sequence[dg.AssetSpec]:
    """Define them.

    Args:
        names: of the code location.
        desired: what is declared as the code location loads; None where that cannot be read.
    """
    operations = [
        dg.AssetSpec(key=names.asset(name), group_name=names.of("operations"), kinds={"aws"}, description=description)
        for name, description in _OPERATIONS.items()
    ]
    return [atmos_stack_spec(names, desired), *operations]
