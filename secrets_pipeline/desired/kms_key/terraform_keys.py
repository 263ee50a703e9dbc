"""Find the KMS keys that components declare which are not this project's affair: one may be a key that it once made."""

from __future__ import annotations

from collections.abc import Mapping

from secrets_pipeline.desired.kinds import TERRAFORM, recognised
from secrets_pipeline.desired.kms_key.model import TerraformKey
from secrets_pipeline.desired.names import alias_variable, key_alias
from secrets_pipeline.desired.reading.ours import Ours, Reads, is_active, literal
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.stacks import AtmosStack


def terraform_keys(
    stacks: Mapping[str, AtmosStack], ours: Ours, reads: Reads, settings: OperatorSettings
) -> tuple[TerraformKey, ...]:
    """List the keys of active `kms` components that are Terraform's alone.

    Args:
        stacks: all of the repository.
        ours: the components that are this project's affair.
        reads: whether `${…}` in a component is a reference.
        settings: the operator's.
    """
    found = []
    for stack in stacks.values():
        components = stack.components.get(TERRAFORM, {})
        for name, component in components.items():
            if name in ours.get(stack.name, {}) or recognised(component, settings.components).kind != "kms":
                continue
            if not is_active(component, components, references=reads(component)):
                continue
            variables = component.resolved.get("vars") or {}
            several = variables.get("aliases")
            named = [variables.get(alias_variable(variables)), *(several if isinstance(several, list) else ())]
            for value in (one for one in named if one is not None):
                alias = literal(component, components, value, references=reads(component))
                found.append(TerraformKey(stack.name, name, key_alias(alias) if isinstance(alias, str) else None))
    return tuple(found)
