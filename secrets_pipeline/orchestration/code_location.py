"""The Dagster code location: assets, checks, jobs and sensors, one partition a stack."""

import resource

from secrets_pipeline.orchestration.build import build_definitions

# The processes of a deployment hold values, which a core dump would have.
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

defs = build_definitions()
