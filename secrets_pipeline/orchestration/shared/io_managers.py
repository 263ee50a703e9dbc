"""Define the sealing IO manager, which passes generated passwords between assets as one message encrypted by KMS."""

from typing import Any

import dagster as dg

from secrets_pipeline.orchestration.shared.resources import Stacks
from secrets_pipeline.reconcilers.stack import Stack
from secrets_pipeline.values.bundle import GeneratedPasswords
from secrets_pipeline.values.seal import SealContext, open_seal, seal


class SealingIOManager(dg.IOManager):
    """Seals `GeneratedPasswords` under the seal key, with account, region and stack as encryption context.

    An empty bundle leaves no seal, and no seal loads as an empty bundle.
    """

    def __init__(self, stacks: Stacks) -> None:
        self._stacks = stacks

    def handle_output(self, context: dg.OutputContext, obj: GeneratedPasswords) -> None:
        """Encrypt (KMS GenerateDataKey) and store one stack's passwords."""
        stack = self._stacks.stack(context.partition_key, writing=True)
        if len(obj) == 0:
            self._stacks.seals(stack).delete(stack.spec.stack)
            return
        self._stacks.seals(stack).put(stack.spec.stack, seal(obj, **self._how(stack)))

    def load_input(self, context: dg.InputContext) -> GeneratedPasswords:
        """Decrypt (KMS Decrypt) one stack's passwords, if there are any."""
        stack = self._stacks.stack(context.partition_key, writing=True)
        blob = self._stacks.seals(stack).get(stack.spec.stack)
        return GeneratedPasswords({}) if blob is None else open_seal(blob, **self._how(stack))

    def _how(self, stack: Stack) -> dict[str, Any]:
        return {
            "session": stack.account.botocore_session,
            "key_arn": self._stacks.service_keys(stack).seal,
            "context": SealContext(stack.account.account_id, stack.account.region, stack.spec.stack),
        }


@dg.io_manager(required_resource_keys={"secrets_pipeline_stacks"})
def sealing_io_manager(context: dg.InitResourceContext) -> SealingIOManager:
    """The sealing IO manager of a run."""
    resources: Any = context.resources
    return SealingIOManager(resources.secrets_pipeline_stacks)
