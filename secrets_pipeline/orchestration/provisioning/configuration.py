"""Define the assets before the stages: the desired state of a stack, and its generated passwords."""

from typing import Any

import dagster as dg

from secrets_pipeline.orchestration.applying.stage_runner import Applying
from secrets_pipeline.orchestration.pages.inventory import inventory
from secrets_pipeline.orchestration.pages.lines import common_folder, lines_of
from secrets_pipeline.orchestration.pages.metadata import DATA, program_data, version_of
from secrets_pipeline.orchestration.provisioning.options import GENERATED, STACK_CONFIG, options
from secrets_pipeline.orchestration.shared.names import ATMOS_STACK, Names
from secrets_pipeline.reconcilers.secret_value.generate import generate_passwords
from secrets_pipeline.values.bundle import GeneratedPasswords


def stack_config_asset(names: Names) -> dg.AssetsDefinition:
    """Define `stack_config`."""

    @dg.asset(**options(names, STACK_CONFIG), deps=[names.asset(ATMOS_STACK)], kinds={"yaml"})
    def stack_config(
        context: dg.AssetExecutionContext, secrets_pipeline_applying: dg.ResourceParam[Applying]
    ) -> dg.MaterializeResult[None]:
        """The stack's desired state, resolved and checked: its inventory. The account is compared before any write."""
        stack = secrets_pipeline_applying.stack(context.partition_key)
        for notice in secrets_pipeline_applying.stacks.desired.notices_for([context.partition_key]):
            context.log.info(notice)
        lines = [str(line) for line in inventory(stack)]
        summary = f"{len(lines)} secrets in account {stack.account.account_id}, {stack.account.region}"
        return dg.MaterializeResult(
            data_version=version_of(stack),
            metadata={
                "summary": summary,
                "list": lines_of("secrets", lines, folder=common_folder(stack.spec)),
                "secrets": len(lines),
                DATA: program_data({"components": dict(stack.spec.components)}),
            },
        )

    return stack_config


def generated_passwords_asset(names: Names) -> dg.AssetsDefinition:
    """Define `generated_passwords`."""

    @dg.asset(
        **options(names, GENERATED),
        deps=[names.asset(STACK_CONFIG)],
        io_manager_key="secrets_pipeline_seals",
        kinds={"python", "aws"},
    )
    def generated_passwords(
        context: dg.AssetExecutionContext, secrets_pipeline_applying: dg.ResourceParam[Applying]
    ) -> dg.MaterializeResult[GeneratedPasswords]:
        """A password for each generated secret that has none yet, sealed until it is stored."""
        stack = secrets_pipeline_applying.stack(context.partition_key)
        passwords = generate_passwords(stack)
        named = {str(secret.ref): secret.name for secret in stack.spec.secrets}
        generated = [named[ref] for ref in passwords.refs]
        metadata: dict[str, Any] = {
            "summary": f"{len(passwords)} generated" if len(passwords) else "every generated secret has its value",
            **({"made for": lines_of("secrets", generated, folder=common_folder(stack.spec))} if generated else {}),
            "changed": len(passwords),
        }
        return dg.MaterializeResult(value=passwords, metadata=metadata, data_version=version_of(stack))

    return generated_passwords
