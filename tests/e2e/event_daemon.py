"""The sensor daemon, to be killed: `python -m tests.e2e.event_daemon PORT`, on DAGSTER_HOME and a code server.

It runs what `dagster-daemon` runs for sensors, without the five seconds between two rounds.
"""

import logging
import sys
import time

import dagster as dg
from dagster._core.test_utils import create_test_daemon_workspace_context
from dagster._core.workspace.load_target import GrpcServerTarget
from dagster._daemon.sensor import execute_sensor_iteration

_PAUSE_SECONDS = 0.1


def main(port: int) -> None:
    """Evaluate sensors for ever."""
    logger = logging.getLogger("daemon")
    target = GrpcServerTarget(host="127.0.0.1", port=port, socket=None, location_name="events")
    with dg.DagsterInstance.get() as instance, create_test_daemon_workspace_context(target, instance) as workspace:
        print("ready", flush=True)  # noqa: T201 - the test waits for it
        while True:
            for error in execute_sensor_iteration(
                workspace, logger, threadpool_executor=None, submit_threadpool_executor=None
            ):
                if error is not None and hasattr(error, "message"):
                    logger.error(error.message)
            time.sleep(_PAUSE_SECONDS)


if __name__ == "__main__":
    main(int(sys.argv[1]))
