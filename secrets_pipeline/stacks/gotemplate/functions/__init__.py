"""The functions that Atmos's templates may call: Sprig's, gomplate's and Atmos's own."""

from secrets_pipeline.stacks.gotemplate.functions.environment import Environment
from secrets_pipeline.stacks.gotemplate.functions.libraries import ATMOS, sprig
from secrets_pipeline.stacks.gotemplate.functions.namespaces import gomplate

__all__ = ["ATMOS", "Environment", "gomplate", "sprig"]
