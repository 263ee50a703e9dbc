"""Define the assets before the stages: the desired state of a stack, and its generated passwords."""

import dagster as dg

from secrets_pipeline.orchestration.provisioning.options import OPTIONS
from secrets_pipeline.orchestration.shared.stage_runner import Applying, table_of
from secrets_pipeline.reconcilers.secret_value.generate import generate_passwords
from secrets_pipeline.values.bundle import GeneratedPasswords


@dg.asset(**OPTIONS, kinds={"yaml"})
def stack_config(context: dg.AssetExecutionContext, applying: dg.ResourceParam[Applying]) -> dg.MaterializeResult[None]:
    """The stack's desired state, resolved from YAML and checked; the account is compared before anything is written."""
    stack = applying.stack(context.partition_key)
    for notice in applying.stacks.desired.notices:
        context.log.info(notice)
    secrets = [{"name": s.name, "type": s.type.value, "value": s.value.kind} for s in stack.spec.secrets]
    return dg.MaterializeResult(
        data_version=dg.DataVersion(stack.spec.digest()),
        metadata={
            "account": stack.account.account_id,
            "region": stack.account.region,
            "secrets": len(secrets),
            "components": dg.MetadataValue.json(dict(stack.spec.components)),
            "table": table_of(secrets),
        },
    )


@dg.asset(**OPTIONS, deps=[stack_config], io_manager_key="sealed", kinds={"python", "aws"})
def generated_passwords(context: dg.AssetExecutionContext, applying: dg.ResourceParam[Applying]) -> GeneratedPasswords:
    """A password for each generated secret that has none yet, sealed until it is stored."""
    passwords = generate_passwords(applying.stack(context.partition_key))
    context.add_output_metadata({"generated": len(passwords), "secrets": dg.MetadataValue.json(list(passwords.refs))})
    return passwords
