"""List the jobs of the code location; each is defined in the folder of its domain."""

from secrets_pipeline.orchestration.access.narrow_op import heal
from secrets_pipeline.orchestration.provisioning.jobs import follow_endpoint, follow_rotation, provision
from secrets_pipeline.orchestration.provisioning.plan_op import plan
from secrets_pipeline.orchestration.rotation.repair_op import mend_rotation
from secrets_pipeline.orchestration.rotation.rotate_op import rotate_secrets
from secrets_pipeline.orchestration.verification.jobs import verify

JOBS = (provision, follow_rotation, follow_endpoint, verify, plan, rotate_secrets, heal, mend_rotation)
