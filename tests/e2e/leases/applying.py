"""`python -m tests.e2e.leases.applying STACK GATE` applies; it stops after its first outcome until GATE is there."""

import json
import os
import sys
import time
from pathlib import Path

from secrets_pipeline.engine.model import Looked, Outcome, Total
from secrets_pipeline.orchestration.in_process.running import provision
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from tests.e2e.leases.short import shorten


def main(stack: str, gate: Path) -> None:
    """Apply it, and say how that ended."""

    def progress(stage: str, told: Total | Looked | Outcome) -> None:
        if isinstance(told, Total):
            return
        print(stage, flush=True)  # noqa: T201 - the test waits for it
        while not gate.exists():
            time.sleep(0.05)

    report, _ = provision(
        stack, base_path=Path(os.environ["ATMOS_BASE_PATH"]), options=ApplyOptions(), progress=progress
    )
    ended = {"run": report.run_id, "error": report.error or "", "ended": "SUCCESS" if report.success else "FAILURE"}
    ended["failed"] = "\n".join(row["detail"] for row in report.rows if row["outcome"] == "failed")
    print(json.dumps(ended), flush=True)  # noqa: T201 - the test reads it


if __name__ == "__main__":
    shorten()
    main(sys.argv[1], Path(sys.argv[2]))
