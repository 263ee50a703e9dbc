"""Atmos repositories of manifests that import each other; each value is the path of the manifest it is from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hypothesis import strategies as st

from secrets_pipeline.stacks.merge import Section
from tests.strategies.small_repositories import SmallRepository

STACKS: Final = ("deploy/dev", "deploy/prod", "deploy/test")
"""The stacks of each of them."""

_CATALOG: Final = ("catalog/a", "catalog/b", "catalog/c", "catalog/d")
_ATMOS: Final[Section] = {
    "base_path": ".",
    "stacks": {"base_path": "stacks", "included_paths": ["deploy/**/*"]},
    "components": {"terraform": {"base_path": "components/terraform"}},
}


_mostly = st.integers(0, 3).map(bool)


@st.composite
def _manifest(draw: st.DrawFn, path: str, below: Sequence[str], fewest: int, *, overrides: bool) -> Section:
    others = draw(st.permutations(below))[: draw(st.integers(fewest, 3))]
    # One that is merged once more has the last word once more.
    again = others[:1] if draw(st.booleans()) else []
    # Of this manifest alone: no other one has a later word on it.
    components: Section = {f"of-{path}": {"vars": {"own": path}}}
    if draw(_mostly):
        components["base"] = {"vars": {"of_base": path, "of_both": path}}
    if draw(_mostly):
        components["app"] = {"vars": {"of_app": path, "of_both": path}}
        if "base" in components:
            components["app"]["metadata"] = {"inherits": ["base"]}
    return {
        "import": [*others, *again],
        **({"overrides": {"vars": {"overridden": path, f"by {path}": path}}} if overrides else {}),
        "components": {"terraform": components},
    }


@st.composite
def importing_repositories(draw: st.DrawFn, *, overrides: int = 2) -> SmallRepository:
    """Four manifests that import those before them, and three stacks that import any of them.

    Args:
        draw: of hypothesis.
        overrides: how many manifests have them.
    """
    overriding = draw(st.permutations([*_CATALOG, *STACKS]))[:overrides]
    manifests = {}
    for position, path in enumerate((*_CATALOG, *STACKS)):
        below, fewest = (_CATALOG, 2) if path in STACKS else (_CATALOG[:position], 0)
        manifests[f"{path}.yaml"] = draw(_manifest(path, below, fewest, overrides=path in overriding))
    return SmallRepository(_ATMOS, manifests)
