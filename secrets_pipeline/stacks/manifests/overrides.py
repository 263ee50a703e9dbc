"""Apply `overrides` to the components of a manifest and of its imports (Atmos `…helpers_overrides.go`)."""

from __future__ import annotations

from typing import Final

from secrets_pipeline.errors import StackError, Where
from secrets_pipeline.stacks.merge import ListStrategy, Section, merge_maps

OVERRIDABLE_KINDS: Final = ("terraform", "helmfile")

Overrides = dict[str, Section]
"""`overrides` by component kind; kinds without any are left out."""


def overrides_of(config: Section, file: str) -> Overrides:
    """What a manifest's own `overrides` and `terraform.overrides` say, by kind.

    Raises:
        StackError: if one of them is not a mapping.
    """
    common = _section(config, "overrides", "overrides", file)
    overrides: Overrides = {}
    for kind in OVERRIDABLE_KINDS:
        section = _section(config, kind, kind, file)
        own = _section(section, "overrides", f"{kind}.overrides", file)
        merged = merge_maps(common, own)
        if merged:
            overrides[kind] = merged
    return overrides


def _section(config: Section, name: str, key: str, file: str) -> Section:
    section = config.get(name, {})
    if not isinstance(section, dict):
        raise StackError(
            f"invalid {key} section in the stack manifest {file!r}",
            where=Where(file=file, key=key),
            remedy=f"`{key}` is a mapping.",
        )
    return section


def over(earlier: Overrides, later: Overrides, lists: ListStrategy) -> Overrides:
    """`later` merged over `earlier`."""
    if not earlier or not later:
        return earlier or later
    return {kind: merge_maps(earlier.get(kind, {}), later.get(kind, {}), lists) for kind in {**earlier, **later}}


def with_overrides(config: Section, overrides: Overrides) -> Section:
    """The file's content with the overrides in force set on each of its own components."""
    components = config.get("components")
    if not overrides or not isinstance(components, dict):
        return config
    changed = {**components}
    for kind, section in overrides.items():
        if isinstance(components.get(kind), dict):
            changed[kind] = {
                name: {**own, "overrides": section} if isinstance(own, dict) else own
                for name, own in components[kind].items()
            }
    return {**config, "components": changed}
