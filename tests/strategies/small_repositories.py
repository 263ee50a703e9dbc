"""Whole Atmos repositories, small but with every construct that decides what a component gets, and mutated ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hypothesis import strategies as st

from secrets_pipeline.golang.values import Value
from secrets_pipeline.golang.yaml.tags import FunctionCall
from secrets_pipeline.stacks.merge import Section
from tests.strategies.manifests import mutated
from tests.strategies.values import list_strategies, small_maps, to_yaml

STAGE_TEMPLATE: Final = "at {{ .vars.stage }}"
"""A text that is rendered for each component, where templates are on."""

FLAVOR_TEMPLATE: Final = "{{ .flavor }}"
"""A text that is rendered where its file is imported, with the context of the import."""

LOCAL_TEMPLATE: Final = "{{ .locals.place }}"
"""A text that is rendered where its file is read."""

_NAMINGS: Final[Mapping[str, Section]] = {
    "file": {},
    "name": {},
    "name_template": {"name_template": "{{ .vars.tenant }}-{{ .vars.stage }}"},
    "name_pattern": {"name_pattern": "{tenant}-{stage}"},
}
_CORE: Final = ("core-a", "core-b", "core-c")
_EXTRA: Final = ("extra-a", "extra-b")
_OTHER: Final = ("other-a",)
_OWN: Final = ("own-a", "own-b")


@dataclass(frozen=True)
class SmallRepository:
    """A repository that is valid by construction.

    Attributes:
        atmos: content of `atmos.yaml`.
        manifests: path below `stacks/` → content; templates and functions are in it as written.
    """

    atmos: Section
    manifests: Mapping[str, Section]

    @property
    def files(self) -> Mapping[str, str]:
        """Path → text."""
        manifests = {f"stacks/{path}": to_yaml(content) for path, content in self.manifests.items()}
        return {"atmos.yaml": to_yaml(self.atmos), **manifests}

    def write(self, folder: Path) -> Path:
        """Write it into an empty folder."""
        return write(self.files, folder)


def write(files: Mapping[str, str], folder: Path) -> Path:
    """Write texts by path into a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    return folder


_seldom = st.integers(0, 6).map(lambda number: number == 6)  # minimal examples go without
_sometimes = st.integers(0, 3).map(lambda number: number == 3)
_mostly = st.integers(0, 3).map(bool)
_env = st.sampled_from([{"A": "a"}, {"B": "b c"}, {"A": "", "B": "1"}, {"C": "c"}])
_functions = st.sampled_from([
    FunctionCall("!env", "A fallback"),
    FunctionCall("!env", "B"),
    FunctionCall("!terraform.output", "core-a address"),
    "text",
])  # fmt: skip
_vars = st.builds(
    lambda plain, special: {**plain, **special},
    small_maps,
    st.fixed_dictionaries({}, optional={"function": _functions, "template": st.just(STAGE_TEMPLATE)}),
)
_settings = small_maps | st.builds(
    lambda section, lists: {**section, "list_merge_strategy": lists.value}, small_maps, list_strategies
)
_overrides = st.fixed_dictionaries({}, optional={"vars": _vars, "settings": _settings, "env": _env})
_sections = st.fixed_dictionaries({}, optional={"vars": _vars, "settings": _settings, "env": _env})
_words = st.sampled_from(["alpha", "beta", "gamma"])


def _components(names: Sequence[str], below: Sequence[str]) -> st.SearchStrategy[Section]:
    """Components of these names, each inheriting only from names before its own."""
    return st.fixed_dictionaries({name: _component([*below, *names[:position]]) for position, name in enumerate(names)})


@st.composite
def _component(draw: st.DrawFn, bases: Sequence[str]) -> Section:
    component: Section = {**draw(_sections)}
    metadata: Section = {}
    if bases:
        if draw(_mostly):
            metadata["inherits"] = draw(st.lists(st.sampled_from(bases), max_size=2))
        if draw(_sometimes):
            component["component"] = draw(st.sampled_from(bases))
    if draw(_sometimes):
        metadata["type"] = "abstract"
    if draw(_sometimes):
        metadata["component"] = draw(_words)
    return {**component, **({"metadata": metadata} if metadata else {})}


@st.composite
def _shared(draw: st.DrawFn, components: Section) -> Section:
    """What any manifest may have beside its imports."""
    manifest: Section = {**draw(_sections)}
    terraform: Section = {**draw(_sections)} if draw(st.booleans()) else {}
    if draw(_seldom):
        terraform["overrides"] = draw(_overrides)
    if terraform:
        manifest["terraform"] = terraform
    if draw(_seldom):
        manifest["overrides"] = draw(_overrides)
    if components:
        manifest["components"] = {"terraform": components}
    return manifest


@st.composite
def _stack(draw: st.DrawFn, stage: str, tenant: str, *, named: bool) -> Section:
    imports: list[Value] = ["catalog/core"]
    below = [*_CORE]
    if draw(st.booleans()):
        imports.append(draw(st.sampled_from(["catalog/extra", "../catalog/extra.yaml", "catalog/ext*"])))
        below += _EXTRA
    if draw(_sometimes):
        imports.append("catalog/other")
        below += _OTHER
    optional: list[Value] = ["mixins/*", "mixins/b", {"path": "catalog/local"}]
    imports += draw(st.lists(st.sampled_from(optional), max_size=2, unique_by=str))
    imports += [{"path": "catalog/part", "context": {"flavor": word}} for word in draw(st.sets(_words, max_size=2))]
    if draw(st.booleans()):
        imports.append({"path": "catalog/none", "skip_if_missing": True})
    extended = draw(st.sets(st.sampled_from(below), max_size=2))  # in this stack, and not in the others
    components = {
        **{name: draw(_component(below[: below.index(name)])) for name in sorted(extended)},
        **draw(_components(_OWN, below)),
    }
    manifest = draw(_shared(components))
    return {
        "import": draw(st.permutations(imports)),
        **manifest,
        **({"name": f"named-{stage}"} if named else {}),
        "vars": {**manifest.get("vars", {}), "tenant": tenant, "stage": stage},
    }


@st.composite
def small_repositories(draw: st.DrawFn) -> SmallRepository:
    """Catalogs with chains and diamonds of inheritance, mixins, a template with context, locals; up to three stacks."""
    naming = draw(st.sampled_from(sorted(_NAMINGS)))
    atmos: Section = {
        "base_path": ".",
        "stacks": {"base_path": "stacks", "included_paths": ["deploy/**/*"], **_NAMINGS[naming]},
        "components": {"terraform": {"base_path": "components/terraform"}},
    }
    lists = draw(st.none() | list_strategies)
    if lists is not None:
        atmos["settings"] = {"list_merge_strategy": lists.value}
    if draw(st.booleans()):
        atmos["templates"] = {"settings": {"enabled": True, "sprig": {"enabled": draw(st.booleans())}}}
    manifests: dict[str, Section] = {
        "catalog/core.yaml": draw(_shared(draw(_components(_CORE, [])))),
        "catalog/extra.yaml": {
            "import": draw(st.sampled_from([[], ["./core"]])),
            **draw(_shared(draw(_components(_EXTRA, _CORE)))),
        },
        "catalog/other.yaml": {"import": ["catalog/core"], **draw(_shared(draw(_components(_OTHER, _CORE))))},
        "mixins/a.yaml": draw(_shared({})),
        "mixins/b.yaml": draw(_shared({})),
        "catalog/local.yaml": {"locals": {"place": draw(_words)}, "vars": {"place": f"in {LOCAL_TEMPLATE}"}},
        "catalog/part.yaml.tmpl": {
            "components": {"terraform": {f"part-{FLAVOR_TEMPLATE}": {"vars": {"flavor": FLAVOR_TEMPLATE}}}}
        },
    }
    tenant = draw(_words)
    for stage in draw(st.lists(st.sampled_from(["dev", "prod", "test"]), min_size=1, max_size=3, unique=True)):
        manifests[f"deploy/{stage}.yaml"] = draw(_stack(stage, tenant, named=naming == "name"))
    return SmallRepository(atmos, manifests)


@dataclass(frozen=True)
class MutatedRepository:
    """A repository with mistakes in it.

    Attributes:
        files: path → text.
    """

    files: Mapping[str, str]

    def write(self, folder: Path) -> Path:
        """Write it into an empty folder."""
        return write(self.files, folder)


_CYCLES: Final[Mapping[str, Section]] = {
    "catalog/core.yaml": {"import": ["catalog/extra"]},
    "catalog/extra.yaml": {"import": ["catalog/*"]},
    "mixins/a.yaml": {"import": ["./b"]},
    "mixins/b.yaml": {"import": ["{{ .vars.tenant }}/a", "mixins/a"]},
    "catalog/local.yaml": {"locals": {"one": "{{ .locals.two }}", "two": "{{ .locals.one }}"}},
    "catalog/part.yaml.tmpl": {"import": [{"path": "catalog/part", "context": {"flavor": FLAVOR_TEMPLATE}}]},
}


@st.composite
def mutated_repositories(draw: st.DrawFn) -> MutatedRepository:
    """A small repository with mistakes in one or two of its files, and sometimes a cycle."""
    repository = draw(small_repositories())
    manifests = {**repository.manifests}
    if draw(_sometimes):
        path = draw(st.sampled_from(sorted(_CYCLES)))
        manifests[path] = {**manifests[path], **_CYCLES[path]}
    if draw(_seldom):
        below = {name: {"metadata": {"inherits": [draw(st.sampled_from(_CORE))]}} for name in _CORE}
        manifests["catalog/core.yaml"] = {**manifests["catalog/core.yaml"], "components": {"terraform": below}}
    files = {**SmallRepository(repository.atmos, manifests).files}
    for path in draw(st.lists(st.sampled_from(sorted(files)), min_size=1, max_size=2, unique=True)):
        files[path] = draw(mutated(files[path]))
    return MutatedRepository(files)
