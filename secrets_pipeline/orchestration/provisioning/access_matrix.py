"""Define the asset that says who can read each secret; the checks of access belong to it."""

from collections.abc import Iterator, Sequence

import dagster as dg

from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.orchestration.applying.stage_runner import Applying
from secrets_pipeline.orchestration.pages.access import access_page
from secrets_pipeline.orchestration.pages.metadata import version_of
from secrets_pipeline.orchestration.provisioning.options import options
from secrets_pipeline.orchestration.shared.names import ACCESS_MATRIX, Names
from secrets_pipeline.orchestration.verification.evaluating import Looker
from secrets_pipeline.orchestration.verification.history import last_data_version
from secrets_pipeline.orchestration.verification.stack_check import StackCheck, checks_of_run

_UPSTREAM = ("secret_policies", "consumer_policies")


def access_matrix_asset(names: Names, checks: Sequence[StackCheck]) -> dg.AssetsDefinition:
    """Define `access_matrix`.

    Args:
        names: of the code location.
        checks: those of access; it looks where one of them does.
    """
    key = names.asset(ACCESS_MATRIX)

    @dg.asset(
        **options(names, ACCESS_MATRIX),
        deps=[names.asset(one) for one in _UPSTREAM],
        kinds={"aws", "iam"},
        # IAM is read where something was written that decides who can read; where nothing was, the last matrix stands.
        output_required=False,
    )
    def access_matrix(
        context: dg.AssetExecutionContext, secrets_pipeline_applying: dg.ResourceParam[Applying]
    ) -> Iterator[dg.MaterializeResult[None]]:
        """Who can read each secret, judged through every layer from SCP to KMS grant; looked at after each change."""
        stack = secrets_pipeline_applying.stack(context.partition_key)
        look = Looker(context, secrets_pipeline_applying.stacks, names, context.partition_key)
        version = version_of(stack)
        told = last_data_version(context.instance, key, context.partition_key)
        if checks_of_run(stack, checks) and (told != version.value or look.looks_closely(checks)):
            try:
                yield dg.MaterializeResult(data_version=version, metadata=access_page(stack))
            except SecretsPipelineError as error:
                # The checks say it, and are told.
                context.log.warning("who can read is not known: %s", error.diagnostics())

    return access_matrix
