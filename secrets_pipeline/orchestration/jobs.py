"""List the jobs of the code location; each is defined in the folder of its domain."""

from secrets_pipeline.orchestration.access.checks import READER_CHECKS
from secrets_pipeline.orchestration.access.narrow_op import heal_job
from secrets_pipeline.orchestration.access.verify_op import access_job
from secrets_pipeline.orchestration.checks import CHECKS, DECLARED_CHECKS
from secrets_pipeline.orchestration.provisioning.jobs import applying_jobs
from secrets_pipeline.orchestration.provisioning.plan_op import plan_job
from secrets_pipeline.orchestration.rotation.repair_op import mend_job
from secrets_pipeline.orchestration.rotation.rotate_op import rotate_job
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.run_requests import Job
from secrets_pipeline.orchestration.verification.jobs import verify_job


def jobs(names: Names) -> list[Job]:
    """Define every job."""
    return [
        *applying_jobs(names),
        verify_job(names, CHECKS),
        plan_job(names),
        rotate_job(names),
        heal_job(names, (*DECLARED_CHECKS, *READER_CHECKS)),
        access_job(names),
        mend_job(names),
    ]
