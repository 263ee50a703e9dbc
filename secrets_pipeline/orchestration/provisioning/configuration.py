"""Define the assets before the stages: the desired state of a stack, and its generated passwords."""

from typing import Any

import dagster as dg

from secrets_pipeline.orchestration.provisioning.options import options
from secrets_pipeline.orchestration.shared.names import Names
from secrets_pipeline.orchestration.shared.stage_runner import Applying, table_of, version_of
from secrets_pipeline.reconcilers.secret_value.generate import generate_passwords
from secrets_pipeline.values.bundle import GeneratedPasswords

STACK_CONFIG = "stack_config"
GENERATED = "generated_passwords"


def stack_config_asset(names: Names) -> dg.AssetsDefinition:
    """Define `stack_config`."""

    @dg.asset(**options(names, STACK_CONFIG), kinds={"yaml"})
    def stack_config(
        context: dg.AssetExecutionContext, applying: dg.ResourceParam[Applying]
    ) -> dg.MaterializeResult[None]:
        """The stack's desired state, resolved and checked; the account is compared before anything is written."""
        stack = applying.stack(context.partition_key)
        for notice in applying.stacks.desired.notices_for([context.partition_key]):
            context.log.info(notice)
        secrets = [{"name": s.name, "type": s.type.value, "value": s.value.kind} for s in stack.spec.secrets]
        return dg.MaterializeResult(
            data_version=version_of(stack),
            metadata={
                "account": stack.account.account_id,
                "region": stack.account.region,
                "secrets": len(secrets),
                "components": dg.MetadataValue.json(dict(stack.spec.components)),
                "table": table_of(secrets),
            },
        )

    return stack_config


def generated_passwords_asset(names: Names) -> dg.AssetsDefinition:
    """Define `generated_passwords`."""

    @dg.asset(
        **options(names, GENERATED),
        deps=[names.asset(STACK_CONFIG)],
        io_manager_key="sealed",
        kinds={"python", "aws"},
    )
    def generated_passwords(
        context: dg.AssetExecutionContext, applying: dg.ResourceParam[Applying]
    ) -> dg.MaterializeResult[GeneratedPasswords]:
        """A password for each generated secret that has none yet, sealed until it is stored."""
        stack = applying.stack(context.partition_key)
        passwords = generate_passwords(stack)
        metadata: dict[str, Any] = {"generated": len(passwords), "secrets": dg.MetadataValue.json(list(passwords.refs))}
        return dg.MaterializeResult(value=passwords, metadata=metadata, data_version=version_of(stack))

    return generated_passwords
