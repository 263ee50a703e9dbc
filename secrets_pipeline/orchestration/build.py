"""Build the `dg.Definitions` of the code location: assets, checks, jobs, schedules, sensors, resources."""

import warnings
from collections.abc import Collection, Sequence
from typing import Final, Literal, TypeAlias

import dagster as dg

from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.orchestration.alerts.alerting import alerting_resource
from secrets_pipeline.orchestration.applying.stage_runner import applying_resource
from secrets_pipeline.orchestration.checks import defined_checks
from secrets_pipeline.orchestration.external_assets import external_assets
from secrets_pipeline.orchestration.jobs import jobs
from secrets_pipeline.orchestration.provisioning.selections import assets
from secrets_pipeline.orchestration.published.reporting import Publishing
from secrets_pipeline.orchestration.published.specs import published_specs
from secrets_pipeline.orchestration.sensors import sensors
from secrets_pipeline.orchestration.shared.io_managers import sealing_io_manager
from secrets_pipeline.orchestration.shared.loading import executes_run
from secrets_pipeline.orchestration.shared.names import PLAIN, Names
from secrets_pipeline.orchestration.shared.own import Own
from secrets_pipeline.orchestration.shared.partition_tags import RepositoryReader
from secrets_pipeline.orchestration.shared.publish import Publish
from secrets_pipeline.orchestration.shared.resources import Asked, StacksResource, StageProgress, quiet
from secrets_pipeline.orchestration.verification.definitions import check_definitions
from secrets_pipeline.orchestration.verification.jobs import VERIFY_JOB
from secrets_pipeline.orchestration.verification.schedules import verification_schedule_for
from secrets_pipeline.rotation.steps import Watch, unwatched

Watcher: TypeAlias = Literal["sensors", "schedules"]
WATCHERS: Final[tuple[Watcher, ...]] = ("sensors", "schedules")


def build_definitions(
    progress: StageProgress = quiet,
    asked: Asked | None = None,
    watch: Watch = unwatched,
    watchers: Collection[Watcher] = WATCHERS,
    *,
    names: Names = PLAIN,
    owners: Sequence[str] = (),
    retire_many: bool = False,
    executor: dg.ExecutorDefinition | None = None,
) -> dg.Definitions:
    """Build everything that Dagster loads.

    Args:
        progress: who watches outcomes as they come, in the process that executes the run.
        asked: where the stacks come from, and what the command line asks of the runs in its process.
        watch: who watches the steps of rotations, there as well.
        watchers: what acts by itself.
        names: what everything is called.
        owners: of every asset: `team:NAME`, or an address.
        retire_many: whether more than half of the partitions may be retired at once.
        executor: of each job that names none, also of what Materialize launches; None leaves it to the project.
    """
    # Tags and links are shown by the code server, and not worth a call of the `atmos` command. A run needs none.
    declared = None if executes_run() else RepositoryReader(asked or Asked(), asks_atmos=False)()
    publish = Publish((asked and asked.publish) or ())
    choice = dg.ResourceDefinition.hardcoded_resource(asked or Asked())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        # Dagster copies sensors and assets, and warns of parameters that only it sets; links to code are beta, too.
        warnings.simplefilter("ignore", dg.BetaWarning)
        settings = _settings(asked or Asked())
        checks = defined_checks(probe=(asked or Asked()).probe)
        made_assets, made_checks, made_jobs = (
            assets(names, checks),
            check_definitions(names, checks, progress),
            jobs(names, asked, watch, checks),
        )
        every = dg.map_asset_specs(
            lambda spec: spec.replace_attributes(owners=list(owners)),
            [*made_assets, *external_assets(names, declared), *published_specs(names, publish, declared)],
        )
        own = Own.of(made_jobs, made_assets, made_checks)
        publishing = Publishing(names, publish, checks) if publish else None
        verify = next(job for job in made_jobs if job.name == names.of(VERIFY_JOB))
        built = dg.Definitions(
            assets=every,
            asset_checks=made_checks,
            jobs=made_jobs,
            sensors=sensors(names, made_jobs, own, settings=settings, publishing=publishing, retire_many=retire_many)
            if "sensors" in watchers
            else (),
            schedules=[verification_schedule_for(names, verify)] if "schedules" in watchers else (),
            # A project has one namespace of resources, so each key begins with the name of the package.
            resources={
                "secrets_pipeline_stacks": StacksResource(asked=choice),
                "secrets_pipeline_applying": applying_resource(names, progress),
                "secrets_pipeline_alerting": alerting_resource(names),
                "secrets_pipeline_seals": sealing_io_manager,
            },
            executor=executor,
        )
        built.get_repository_def()
    return built


def _settings(asked: Asked) -> OperatorSettings | None:
    """The operator's settings as the code location loads. Where they cannot be read, each tick and run says why."""
    try:
        return asked.settings()
    except SecretsPipelineError:
        return None
