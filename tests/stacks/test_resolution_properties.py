"""What holds for every valid repository, against a reading of Atmos's rules that is written down once more, naively."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path
from posixpath import join, normpath
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from secrets_pipeline.golang.values import Value
from secrets_pipeline.golang.yaml.tags import UNSET, AppendList, FunctionCall, LiteralText
from secrets_pipeline.stacks import AtmosRepository, Resolution
from secrets_pipeline.stacks.merge import Section
from tests.strategies.imports import STACKS, importing_repositories
from tests.strategies.small_repositories import (
    FLAVOR_TEMPLATE,
    LOCAL_TEMPLATE,
    STAGE_TEMPLATE,
    SmallRepository,
    small_repositories,
)
from tests.sweep import examples

PARTS = ("vars", "settings", "env")
few = settings(max_examples=examples(15))


def merged(earlier: Value, later: Value, lists: str) -> Value:
    """The deep merge of two values."""
    if isinstance(earlier, dict) and isinstance(later, dict):
        result = copy.deepcopy(earlier)
        for key, value in later.items():
            result[key] = merged(earlier[key], value, lists) if key in earlier else copy.deepcopy(value)
        return result
    if isinstance(earlier, list) and isinstance(later, list):
        if isinstance(later, AppendList):
            return type(earlier)(copy.deepcopy([*earlier, *later]))
        if lists == "append":
            return copy.deepcopy([*earlier, *later])
        if lists == "merge":
            return [_at_one_index(earlier, later, index) for index in range(max(len(earlier), len(later)))]
    return copy.deepcopy(later)


def _at_one_index(earlier: list[Value], later: list[Value], index: int) -> Value:
    if index >= len(later):
        return earlier[index]
    if index >= len(earlier):
        return later[index]
    if isinstance(earlier[index], dict) and isinstance(later[index], dict):
        return merged(earlier[index], later[index], "replace")
    return earlier[index]


def all_merged(sections: list[Section], lists: str) -> Section:
    result: Section = {}
    for section in sections:
        result = merged(result, section, lists)
    return result


class Oracle:
    """Atmos's rules: imports merged raw, then root < type < bases < component < overrides for each component."""

    def __init__(self, repository: SmallRepository) -> None:
        self.manifests = repository.manifests
        self.lists = repository.atmos.get("settings", {}).get("list_merge_strategy", "replace")
        self.renders = "templates" in repository.atmos
        self.naming = repository.atmos["stacks"]

    def stacks(self) -> dict[str, dict[str, Section]]:
        """Stack → component → its sections and its bases, nearest first."""
        found: dict[str, dict[str, Section]] = {}
        for path in self.manifests:
            if path.startswith("deploy/"):
                manifest, _, _ = self.imported(path, {}, {}, {})
                variables = manifest["vars"]
                name = path.removesuffix(".yaml")
                if "name" in manifest:
                    name = manifest["name"]
                elif {"name_template", "name_pattern"} & set(self.naming):
                    name = f"{variables['tenant']}-{variables['stage']}"
                components = manifest["components"]["terraform"]
                found[name] = {component: self.component(manifest, component) for component in components}
        return found

    def imported(
        self, path: str, context: Section, inline: Section, before: Section
    ) -> tuple[Section, Section, Section]:
        """A manifest with its imports, its own overrides, and those of the files before it and of its imports."""
        own = substituted(self.manifests[path], FLAVOR_TEMPLATE, context.get("flavor", ""))
        own = substituted(own, LOCAL_TEMPLATE, own.get("locals", {}).get("place", ""))
        terraform = own.get("terraform", {}).get("overrides", {})
        inline = merged(merged(own.get("overrides", {}), terraform, "replace"), inline, self.lists)
        result: Section = {}
        for entry in own.get("import", []):
            for target in self.targets(path, entry if isinstance(entry, str) else entry["path"]):
                given = {} if isinstance(entry, str) else entry.get("context", {})
                config, of_import, of_its_imports = self.imported(target, given, inline, before)
                before = all_merged([before, of_its_imports, of_import], self.lists)
                result = merged(result, config, self.lists)
        overrides = merged(before, inline, self.lists)
        if overrides:
            for component in own.get("components", {}).get("terraform", {}).values():
                component["overrides"] = copy.deepcopy(overrides)
        return merged(result, own, self.lists), inline, before

    def targets(self, importer: str, pattern: str) -> list[str]:
        folder = importer.rpartition("/")[0] if pattern.startswith(".") else ""
        wanted = normpath(join(folder, pattern)).removesuffix(".yaml")
        return sorted(
            path for path in self.manifests if fnmatch(path.removesuffix(".tmpl").removesuffix(".yaml"), wanted)
        )

    def component(self, manifest: Section, name: str) -> Section:
        terraform = manifest.get("terraform", {})
        components = manifest["components"]["terraform"]
        own, overrides = components[name], components[name].get("overrides", {})
        lineage = self.bases(components, name)
        asked = strategy(own.get("settings", {})) if not strategy(overrides.get("settings", {})) else ""
        asked = strategy(overrides.get("settings", {})) or asked
        shared = merged(manifest.get("settings", {}), terraform.get("settings", {}), self.lists)
        bases = {
            part: all_merged(
                [components[base].get(part, {}) for base in lineage], asked or strategy(shared) or self.lists
            )
            for part in PARTS
        }
        lists = asked or strategy(bases["settings"]) or strategy(shared) or self.lists
        found: Section = {"inheritance": list(dict.fromkeys(reversed(lineage)))}
        for part in PARTS:
            common = merged(manifest.get(part, {}), terraform.get(part, {}), self.lists)
            layers = [common, bases[part], own.get(part, {}), overrides.get(part, {})]
            found[part] = all_merged(layers, lists)
        for part in PARTS:
            found[part] = self.plain(found[part], found)
        return found

    def bases(self, components: Section, name: str) -> list[str]:
        """What a component inherits, the lowest precedence first."""
        own = components[name]
        above = [own["component"]] if "component" in own else []
        above += own.get("metadata", {}).get("inherits", [])
        return [base for direct in above for base in self.lineage(components, direct)]

    def lineage(self, components: Section, name: str) -> list[str]:
        """What a base component brings, itself at the end."""
        metadata = components[name].get("metadata", {})
        without = {**components, name: {"metadata": metadata}}
        abstract = metadata.get("type") == "abstract"
        return [*self.bases(without if abstract else components, name), name]

    def plain(self, value: Value, sections: Section) -> Value:
        """The value with its functions evaluated and its templates rendered."""
        if isinstance(value, dict):
            return {key: self.plain(inner, sections) for key, inner in value.items() if inner is not UNSET}
        if isinstance(value, list):
            return [self.plain(inner, sections) for inner in value if inner is not UNSET]
        if isinstance(value, FunctionCall) and value.tag == "!env":
            name, _, default = value.args.partition(" ")
            return sections["env"].get(name, default)
        if self.renders and isinstance(value, str) and not isinstance(value, LiteralText):
            return value.replace(STAGE_TEMPLATE, f"at {sections['vars'].get('stage')}")
        return value


def strategy(section: Section) -> str:
    return str(section.get("list_merge_strategy", ""))


def substituted(value: Value, old: str, new: str) -> Value:
    """A copy with a text in its keys and values replaced."""
    if isinstance(value, dict):
        return {key.replace(old, new): substituted(inner, old, new) for key, inner in value.items()}
    if type(value) is list:
        return [substituted(inner, old, new) for inner in value]
    return value.replace(old, new) if type(value) is str else copy.deepcopy(value)


@contextmanager
def opened(repository: SmallRepository) -> Iterator[AtmosRepository]:
    with tempfile.TemporaryDirectory() as folder:
        yield AtmosRepository.open(repository.write(Path(folder)), env={})


def whole(resolution: Resolution) -> Resolution:
    assert [error.diagnostics() for error in resolution.errors] == []
    return resolution


Described = dict[str, dict[str, Section]]


def described(resolution: Resolution, without: tuple[str, ...] = ()) -> Described:
    """Stack → component → its sections as JSON has them, but for some of them."""
    return {
        name: {
            component: json.loads(json.dumps({k: v for k, v in found.resolved.items() if k not in without}))
            for component, found in stack.components["terraform"].items()
        }
        for name, stack in whole(resolution).stacks.items()
    }


@settings(parent=few, max_examples=examples(120))
@given(small_repositories())
def test_components_are_what_the_rules_of_atmos_say(repository: SmallRepository) -> None:
    with opened(repository) as actual:
        found = whole(actual.resolve())
    expected = Oracle(repository).stacks()
    assert {
        name: {
            component: {part: sections[part] for part in (*PARTS, "inheritance")}
            for component, sections in ((key, value.resolved) for key, value in stack.components["terraform"].items())
        }
        for name, stack in found.stacks.items()
    } == expected


@few
@given(small_repositories(), st.randoms(use_true_random=False))
def test_stacks_are_the_same_in_any_order_and_alone(repository: SmallRepository, random: Random) -> None:
    with opened(repository) as together, opened(repository) as one_by_one:
        expected = described(together.resolve())
        assert described(together.resolve()) == expected
        names = sorted(expected)
        random.shuffle(names)
        for name in names:
            assert described(one_by_one.resolve([name])) == {name: expected[name]}
            with opened(repository) as alone:
                assert described(alone.resolve([name])) == {name: expected[name]}


@settings(parent=few, max_examples=examples(40))
@given(importing_repositories(), st.permutations(STACKS))
def test_a_stack_resolved_alone_is_what_it_is_after_any_others(repository: SmallRepository, order: list[str]) -> None:
    with opened(repository) as one_after_another:
        for name in order:
            found = described(one_after_another.resolve([name]))
            with opened(repository) as alone:
                assert found == described(alone.resolve([name]))


@settings(parent=few, max_examples=examples(40))
@given(importing_repositories(overrides=0))
def test_a_value_is_located_in_the_manifest_that_had_the_last_word(repository: SmallRepository) -> None:
    with opened(repository) as actual:
        for stack in whole(actual.resolve()).stacks.values():
            for component in stack.components["terraform"].values():
                for key, written_in in component.vars.items():
                    assert actual.locate(component, ("vars", key)).file == f"stacks/{written_in}.yaml"


@few
@given(small_repositories())
def test_files_of_a_glob_may_have_any_names_in_the_same_order(repository: SmallRepository) -> None:
    names = {"mixins/a.yaml": "mixins/b.yaml", "mixins/b.yaml": "mixins/c.yaml"}
    manifests = {names.get(path, path): content for path, content in repository.manifests.items()}
    for path, content in manifests.items():
        imports = ["mixins/c" if entry == "mixins/b" else entry for entry in content.get("import", [])]
        manifests[path] = {**content, "import": imports} if "import" in content else content
    with opened(repository) as before, opened(replace(repository, manifests=manifests)) as after:
        expected = described(before.resolve(), ("imports",))
        assert described(after.resolve(), ("imports",)) == expected


@few
@given(small_repositories())
def test_another_stack_changes_no_other(repository: SmallRepository) -> None:
    first = next(content for path, content in repository.manifests.items() if path.startswith("deploy/"))
    other = {**first, "vars": {**first["vars"], "stage": "other"}}
    other |= {"name": "named-other"} if "name" in first else {}
    more = replace(repository, manifests={**repository.manifests, "deploy/a.yaml": other})
    with opened(repository) as before, opened(more) as after:
        expected = described(before.resolve())
        found = described(after.resolve())
        assert {name: found[name] for name in expected} == expected
        assert len(found) == len(expected) + 1


@few
@given(small_repositories())
def test_what_is_done_to_a_component_reaches_no_other_and_no_later_one(repository: SmallRepository) -> None:
    with opened(repository) as actual:
        found = actual.resolve()
        expected = described(found)
        for stack in found.stacks.values():
            for component in stack.components["terraform"].values():
                spoil(component.sections)
        assert described(found) == expected
        assert described(actual.resolve()) == expected


def spoil(value: Value) -> None:
    """Change everything inside."""
    if isinstance(value, dict):
        for inner in value.values():
            spoil(inner)
        value.clear()
        value["spoilt"] = True
    elif isinstance(value, list):
        for inner in value:
            spoil(inner)
        value[:] = ["spoilt"]
