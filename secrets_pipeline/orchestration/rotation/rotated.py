"""Request what follows from a run of `rotate_secrets`: what hangs on the values is rendered again, in every stack.

Where the pipeline rotated by itself, the events that AWS sends are those of a write of its own, and start nothing.
"""

from collections.abc import Iterator

import dagster as dg

from secrets_pipeline.desired.followers import followers
from secrets_pipeline.operations.open_repository import OpenRepository
from secrets_pipeline.orchestration.rotation.rotate_op import names_of
from secrets_pipeline.orchestration.shared.partitions import PARTITION_TAG
from secrets_pipeline.orchestration.shared.run_requests import run_request, stack_tags


def followed(run: dg.DagsterRun, desired: OpenRepository, follow_job: str) -> Iterator[dg.RunRequest]:
    """Request a run of the stack, and of each that follows it.

    Args:
        run: one of `rotate_secrets` that has ended; of several secrets some were rotated where one failed, or it was
            terminated.
        desired: the repository.
        follow_job: name of the job that follows a rotation.
    """
    names, stack = names_of(run), run.tags.get(PARTITION_TAG)
    if not names or stack is None:
        return
    for one in (stack, *followers(desired.specs, stack)):
        yield run_request(follow_job, one, key=run.run_id, secrets=names, tags=stack_tags(desired, one))
