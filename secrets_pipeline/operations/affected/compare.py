"""Compare the stacks of two readings of a repository, as they are resolved: a comment or a moved line is no difference.

As `atmos describe affected` does, by the sections of components after imports, inheritance and merge; but only those of
components that this project knows, and what they read. Terraform code, and what `settings.depends_on` or `dependencies`
name, is not what secrets are made from.

Source: https://atmos.tools/cli/commands/describe/affected (Affected reasons)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from secrets_pipeline.desired.atmos_secrets.components import with_declared
from secrets_pipeline.desired.boundary import Boundary
from secrets_pipeline.desired.kinds import TERRAFORM
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.errors import SecretsPipelineError
from secrets_pipeline.operations.affected.model import Affected, How, Reason
from secrets_pipeline.operations.open_repository import OpenRepository
from secrets_pipeline.stacks import AtmosStack

_SECTIONS: Final = ("metadata", "vars", "env", "settings", "secrets")
_SEEN_IN_STACKS: Final = frozenset({"targets", "grants", "variables"})
"""Settings of the operator that change what single stacks ask for, or are refused."""


def compare(now: OpenRepository, before: OpenRepository | None) -> Affected:
    """Find the stacks that are otherwise than they were.

    What cannot be compared counts as affected, so that nothing is hidden.

    Args:
        now: the repository as it is.
        before: as it was; None where it could not be read at all.
    """
    names = sorted({*now.specs, *filter(None, now.errors)})
    if before is None:
        return Affected({name: (Reason("", How.WAS_BROKEN),) for name in names}, (), len(names))
    comparison = _Comparison(now, before)
    found = {name: tuple(comparison.reasons(name)) for name in names}
    # A manifest that cannot be read now may have any of them.
    gone = () if "" in now.errors else sorted({*before.specs, *filter(None, before.errors)}.difference(names))
    texts = tuple(error.diagnostics() for error in before.errors.get("", ()))
    affected = {name: reasons for name, reasons in found.items() if reasons}
    return Affected(affected, tuple(gone), len(names), unreadable=texts)


class _Comparison:
    def __init__(self, now: OpenRepository, before: OpenRepository) -> None:
        self._now, self._before = now, before
        # Declared secrets stand in components of their own.
        self._stacks, self._were = (_resolved(one) for one in (now, before))
        self._settings = tuple(_settings(now.settings, before.settings))

    def reasons(self, name: str) -> Iterator[Reason]:
        """Say why a stack is affected; nothing where it is not."""
        if name in self._before.errors:
            yield Reason("", How.WAS_BROKEN)
        elif name not in self._before.specs and name not in self._were:
            yield Reason("", How.NEW)
        elif name in self._now.specs:
            yield from self._differences(name)
        if name in self._now.errors:
            yield Reason("", How.BROKEN)
        yield from self._settings

    def _differences(self, name: str) -> Iterator[Reason]:
        spec, was = self._now.specs[name], self._before.specs.get(name)
        found = list(self._sections(name))
        found += self._files(name, found)
        if not found and was is not None and self._now.digest(name) != self._before.digest(name):
            # It was made from more than its own sections: another stack, or the operator's settings.
            found += [Reason(f"what it asks for, {path},", how) for path, how in _tree(was.content(), spec.content())]
        yield from found

    def _sections(self, name: str) -> Iterator[Reason]:
        now, before = _components(self._now, self._stacks, name), _components(self._before, self._were, name)
        for component, how in _keys(before, now):
            if how is not None:
                yield Reason(component, how)
                continue
            for section in _SECTIONS:
                was, is_now = before[component].get(section), now[component].get(section)
                yield from (Reason(f"{component} {path}", how) for path, how in _tree(was or {}, is_now or {}, section))

    def _files(self, name: str, sections: Sequence[Reason]) -> Iterator[Reason]:
        """Files that values read when they are written; what `!include` takes in is part of the sections."""
        now, before = _files_read(self._now, name), _files_read(self._before, name)
        for (component, key), files in now.items():
            # A link that leads elsewhere names another file, whose own content may be what it was.
            was = before.get((component, key), {})
            said = was.keys() != files.keys() and any(_is_within(f"{component} {key}", one.what) for one in sections)
            if files != was and not said:
                yield Reason(f"file {', '.join(files)}, which {component} reads,", How.DIFFERS)


def _resolved(repository: OpenRepository) -> Mapping[str, AtmosStack]:
    resolution = repository.source.resolve(keep_failing=True, keep_unsettled=True)
    return with_declared(resolution.stacks, repository.settings)


def _is_within(path: str, outer: str) -> bool:
    return path.startswith(outer) and path[len(outer) :][:1] in {"", " ", ".", "["}


def _components(
    repository: OpenRepository, stacks: Mapping[str, AtmosStack], stack: str
) -> Mapping[str, Mapping[str, Any]]:
    """Sections by name of the components of a stack that this project knows."""
    spec = repository.specs.get(stack)
    if spec is None or stack not in stacks:
        return {}
    all_of_them = stacks[stack].components.get(TERRAFORM, {})
    return {name: all_of_them[name].resolved for name in sorted(spec.components)}


def _settings(now: OperatorSettings, before: OperatorSettings) -> Iterator[Reason]:
    for name, field in OperatorSettings.model_fields.items():
        if name not in _SEEN_IN_STACKS and getattr(now, name) != getattr(before, name):
            yield Reason(f"operator's setting {field.alias or name}", How.DIFFERS)


def _files_read(repository: OpenRepository, stack: str) -> Mapping[tuple[str, str], Mapping[str, str | None]]:
    """The content of each file that a value reads, under the name that links lead to, by component and key."""
    found: dict[tuple[str, str], dict[str, str | None]] = {}
    spec = repository.specs.get(stack)
    for one in spec.crossings if spec else ():
        if one.boundary is Boundary.FILE and one.component:
            found.setdefault((one.component, one.key), {})[one.name] = _text(repository, one.name)
    return found


def _text(repository: OpenRepository, file: str) -> str | None:
    try:
        return repository.read_file(file)
    except SecretsPipelineError:
        return None


def _tree(before: Any, now: Any, path: str = "") -> Iterator[tuple[str, How]]:  # noqa: ANN401 - YAML
    """Paths of what differs, as deep as both have maps there."""
    if not (isinstance(before, Mapping) and isinstance(now, Mapping)):
        if not _same(before, now):
            yield path, How.DIFFERS
        return
    for key, how in _keys(before, now):
        below = f"{path}.{key}" if path else str(key)
        if how is None:
            yield from _tree(before[key], now[key], below)
        else:
            yield below, how


def _keys(before: Mapping[Any, Any], now: Mapping[Any, Any]) -> Iterator[tuple[Any, How | None]]:
    """The keys of both, each with what became of it; None for those that both have."""
    for key in {**before, **now}:
        yield key, How.NEW if key not in before else How.LEFT if key not in now else None


def _same(before: Any, now: Any) -> bool:  # noqa: ANN401 - YAML
    """Whether two values are equal and of one type: `1`, `1.0` and `true` are three."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        return before.keys() == now.keys() and all(_same(before[key], now[key]) for key in now)
    if isinstance(before, list | tuple) and isinstance(now, list | tuple):
        return len(before) == len(now) and all(map(_same, before, now))
    return isinstance(before, bool) is isinstance(now, bool) and type(before) is type(now) and bool(before == now)
