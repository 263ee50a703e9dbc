"""Refuse consumers whose role is one of the pipeline's own: no stack may write to those."""

from __future__ import annotations

from collections.abc import Mapping

from secrets_pipeline.desired.rotation_function import FUNCTION_PREFIX
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.errors import SpecError, Where


def consumers_as_own_roles(specs: Mapping[str, StackSpec], settings: OperatorSettings) -> dict[str, list[SpecError]]:
    """Errors of the stacks that would attach a policy to a rotation function's role, or to that of the event rules.

    Args:
        specs: by stack; each may have a rotation function, whose role bears its name.
        settings: the operator's, which name the queue of events.
    """
    # IAM does not tell capital letters from small ones.
    own = {spec.rotation_function.name.lower() for spec in specs.values() if spec.rotation_function}
    own |= {settings.events.role_name.lower()} if settings.events else set()
    errors: dict[str, list[SpecError]] = {}
    for stack, spec in specs.items():
        for consumer in spec.consumers:
            for arn in consumer.readers if consumer.attach_policies else ():
                name = arn.rpartition("/")[2].lower()
                if name in own or name.startswith(FUNCTION_PREFIX):
                    where = Where(stack=stack, component=consumer.component, key="settings.secrets_pipeline")
                    errors.setdefault(stack, []).append(
                        SpecError(
                            f"consumer {consumer.name}: role {arn} is one of the pipeline's own, and attach_policies "
                            "would change what it may do",
                            remedy="Let another role read.",
                            where=where,
                        )
                    )
    return errors
