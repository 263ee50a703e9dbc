"""List the jobs of the code location; each is defined in the folder of its domain."""

from collections.abc import Sequence

from secrets_pipeline.orchestration.access.checks import READER_CHECKS
from secrets_pipeline.orchestration.access.narrow_op import heal_job
from secrets_pipeline.orchestration.access.verify_op import access_job
from secrets_pipeline.orchestration.checks import CHECKS, DECLARED_CHECKS
from secrets_pipeline.orchestration.provisioning.jobs import applying_jobs
from secrets_pipeline.orchestration.provisioning.plan_op import plan_job
from secrets_pipeline.orchestration.rotation.repair_op import mend_job
from secrets_pipeline.orchestration.rotation.rotate_op import rotate_job, rotating
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.partition_tags import partition_tags
from secrets_pipeline.orchestration.shared.resources import Asked
from secrets_pipeline.orchestration.shared.run_requests import Job
from secrets_pipeline.orchestration.verification.jobs import verify_job
from secrets_pipeline.orchestration.verification.stack_check import StackCheck
from secrets_pipeline.rotation.steps import Watch, unwatched


def jobs(
    names: Names, asked: Asked | None = None, watch: Watch = unwatched, checks: Sequence[StackCheck] = CHECKS
) -> list[Job]:
    """Define every job.

    Args:
        names: of the code location.
        asked: where the stacks come from.
        watch: who watches the steps of rotations.
        checks: those of `verify`.
    """
    config = partition_tags(names, asked or Asked())
    return [
        *applying_jobs(names, config),
        verify_job(names, checks, config),
        plan_job(names, config),
        rotate_job(names, partition_tags(names, asked or Asked(), rotating), watch),
        heal_job(names, (*DECLARED_CHECKS, *READER_CHECKS), config),
        access_job(names),
        mend_job(names, config),
    ]
