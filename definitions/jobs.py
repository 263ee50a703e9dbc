"""The jobs."""

from definitions.healing import heal
from definitions.mending import mend_rotation
from definitions.plan_op import plan
from definitions.provision_jobs import follow_endpoint, follow_rotation, provision
from definitions.rotating import rotate_secrets
from definitions.verify_job import verify

JOBS = (provision, follow_rotation, follow_endpoint, verify, plan, rotate_secrets, heal, mend_rotation)
