"""The desired state that a command works on: which stacks, and what is wrong with the others."""

from __future__ import annotations

from pathlib import Path

from secrets_pipeline.cli.failures import Failures
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.reconcilers import Desired, read_desired


def read(base_path: Path, *, allow_exec: bool = False) -> Desired:
    """The desired state of a repository.

    Raises:
        SecretsPipelineError: if there is no repository, or the operator's settings cannot be read.
    """
    return read_desired(base_path, allow_exec=allow_exec)


def usable(desired: Desired, names: list[str] | None, failures: Failures) -> list[str]:
    """The stacks that can be worked on, in order; the errors of the others are said.

    Args:
        desired: of the repository.
        names: stacks that were asked for, None for all.
        failures: receives the errors.
    """
    for name, errors in desired.errors.items():
        if names is None or name in names:
            for error in errors:
                failures.add(name, error)
    if names is None:
        return sorted(name for name in desired.specs if name not in desired.errors)
    for name in names:
        if name not in desired.specs and name not in desired.errors:
            _unknown(desired, name, failures)
    return [name for name in names if name in desired.specs and name not in desired.errors]


def _unknown(desired: Desired, name: str, failures: Failures) -> None:
    # A broken manifest may be why: its error belongs to no stack.
    for error in desired.errors.get("", ()):
        failures.add("", error)
    try:
        desired.repository.stack(name)
    except SecretsPipelineError as error:
        failures.add(name, error)
    else:
        failures.note(name, f"stack {name} declares nothing that this project knows")
