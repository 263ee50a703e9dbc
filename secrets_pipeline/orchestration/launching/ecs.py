"""Start each run as a task of ECS (RunTask), and refuse what its tags ask ECS for."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster_aws.ecs import EcsRunLauncher

from secrets_pipeline.errors import GuardError

REFUSED_TAGS = ("ecs/container_overrides", "ecs/run_task_kwargs", "ecs/task_overrides")
"""By which Dagster's launcher lets a run choose its command, variables, image, roles and network.

Source: https://docs.dagster.io/deployment/oss/deployment-options/aws
"""


class GuardedEcsRunLauncher(EcsRunLauncher[dg.DagsterInstance]):
    """`EcsRunLauncher` whose runs execute nothing but Dagster's own command, as the task definition has it.

    Whoever may launch a run in the UI may set its tags, and a task has the pipeline's role.
    """

    def launch_run(self, context: Any) -> None:  # noqa: ANN401 - Dagster exports no name for it
        """Start the task of a run (RunTask).

        Raises:
            GuardError: if its tags ask for another task.
        """
        refuse(context.dagster_run.tags)
        super().launch_run(context)

    def resume_run(self, context: Any) -> None:  # noqa: ANN401 - as above
        """Start another task for a run that is under way (RunTask).

        Raises:
            GuardError: if its tags ask for another task.
        """
        refuse(context.dagster_run.tags)
        super().resume_run(context)


def refuse(tags: Mapping[str, str]) -> None:
    """Refuse a run by its tags.

    Raises:
        GuardError: naming those that would choose what its task executes.
    """
    asked = [tag for tag in REFUSED_TAGS if tag in tags]
    if asked:
        raise GuardError(
            f"a run may not choose its task: {', '.join(asked)}",
            remedy="Launch it without; what every run gets is said in the task definition.",
        )
