"""The definitions, put together."""

import warnings

import dagster as dg

from definitions.alerting import alerting
from definitions.applying import applying
from definitions.assets.selections import ASSETS
from definitions.check_list import CHECKS
from definitions.io_managers import sealing_io_manager
from definitions.jobs import JOBS
from definitions.resources import Asked, AwsSessions, StacksResource, StageProgress, quiet
from definitions.schedules import SCHEDULES
from definitions.sensor_list import SENSORS
from secrets_pipeline.rotation.steps import Watch, unwatched


def build_definitions(
    progress: StageProgress = quiet, asked: Asked | None = None, watch: Watch = unwatched
) -> dg.Definitions:
    """Everything that Dagster loads.

    Args:
        progress: who watches outcomes as they come, in the process that executes the run.
        asked: what the command line asks of the runs in that process, if it does.
        watch: who watches the steps of rotations, there as well.
    """
    aws = AwsSessions()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        # Dagster copies a sensor to bind the resources of its jobs, and warns of a parameter that only it sets.
        warnings.filterwarnings("ignore", "Parameter `owners` of initializer `SensorDefinition", dg.BetaWarning)
        built = dg.Definitions(
            assets=ASSETS,
            asset_checks=CHECKS,
            jobs=JOBS,
            sensors=SENSORS,
            schedules=SCHEDULES,
            resources={
                "aws": aws,
                "stacks": StacksResource(aws=aws, asked=dg.ResourceDefinition.hardcoded_resource(asked or Asked())),
                "progress": dg.ResourceDefinition.hardcoded_resource(progress),
                "rotation_watch": dg.ResourceDefinition.hardcoded_resource(watch),
                "applying": applying,
                "alerting": alerting,
                "sealed": sealing_io_manager,
            },
            # Also for Materialize in the UI, backfills and `dg launch`: one process a run, a run a stack.
            executor=dg.in_process_executor,
        )
        built.get_repository_def()
    return built
