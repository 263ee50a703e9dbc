"""Find the examples that a checkout of the project has, and a wheel has not."""

from __future__ import annotations

from pathlib import Path

from secrets_pipeline.errors import GuardError

_EXAMPLES = "examples"
CHECKOUT_EXAMPLES = Path(__file__).resolve().parents[3] / _EXAMPLES
"""Those of the checkout that this program is part of, if it is part of one."""


def examples() -> Path:
    """Find the example repository of a checkout.

    Raises:
        GuardError: if there is none.
    """
    for folder in (Path.cwd() / _EXAMPLES, CHECKOUT_EXAMPLES):
        if (folder / "atmos.yaml").is_file():
            return folder
    raise GuardError(
        "the examples are in a checkout of the project only, and this is none",
        remedy="Run it in a checkout, or name a repository with --base-path.",
    )
