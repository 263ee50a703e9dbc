"""Tell for what a process loads the definitions: to show them, as the code server does, or to execute a run."""

from contextlib import suppress


def executes_run() -> bool:
    """Return whether this process loads definitions that a code server has shown already.

    Dagster says so to components that keep state. If its name for that is gone, False: whoever loads reads the stacks.
    """
    with suppress(ImportError, AttributeError):
        from dagster._core.definitions import definitions_load_context as loading  # noqa: PLC0415, TID251 - Dagster exports no name

        return loading.DefinitionsLoadContext.get().load_type is loading.DefinitionsLoadType.RECONSTRUCTION
    return False
