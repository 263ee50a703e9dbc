"""Tell for what a process loads the definitions: to show them, as the code server does, or to execute a run."""

from secrets_pipeline.orchestration.shared.dagster_internals import internal


def executes_run() -> bool:
    """Return whether this process loads definitions that a code server has shown already.

    Dagster says so to components that keep state. If its name for that is gone, False: whoever loads reads the stacks.
    """
    context, kinds = internal("DefinitionsLoadContext"), internal("DefinitionsLoadType")
    return bool(context and kinds) and context.get().load_type is kinds.RECONSTRUCTION
