"""Make `secretsmanager` components of what `secrets:` sections declare, so that each secret is one like every other.

What component `api` declares becomes component `api/secrets`; what the root of a manifest declares, and what is shared
by all stacks, becomes component `secrets`. What Atmos has no word for stands under `settings.secrets_pipeline`, which
Atmos leaves alone: `secrets` says by name how each is made, `secret_defaults` what holds for all of them, `consumers`
who reads them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from secrets_pipeline.desired.atmos_secrets.declarations import INSTANCE, Declaration, declarations
from secrets_pipeline.desired.kinds import LEFT_ALONE, TERRAFORM, recognised, setting
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.errors import StackError
from secrets_pipeline.references.model import Path
from secrets_pipeline.stacks import ASM, AtmosStack, Component, texts
from secrets_pipeline.stacks.sources.described import MASKS

SECRETS, DEFAULTS, CONSUMERS = "secrets", "secret_defaults", "consumers"
"""Under `settings.secrets_pipeline`."""
SHARED: Final = "secrets"
"""The component of what no component declares by itself."""
_PLACE: Final = ("region", "account_id")
"""Variables of the component that say where the stack lives."""
_KIND_OF_PLACE: Final = ("environment", "stage")
"""Those that say whether it is production."""
_VALUES: Final = frozenset({"secret_data", "secret_binary", "generate_random_password", "value"})
_Kept: TypeAlias = dict[str, tuple[Component, Declaration]]
"""By name of the secret: the component whose settings say how it is made, and its declaration there."""


@dataclass(frozen=True)
class DeclaredSecrets(Component):
    """The `secretsmanager` component that stands for declared secrets.

    Attributes:
        origin: the component that declares them; of shared ones the first that sees them.
        origins: by name of the secret, the component whose settings say how it is made.
        declared: by name of the secret.
        readers: by name of the consumer, the component whose settings name it, and what it is called there.
        hides: the component of the manifests that has the same name, if there is one.
    """

    origin: Component = field(kw_only=True, repr=False)
    origins: Mapping[str, Component] = field(kw_only=True, repr=False)
    declared: Mapping[str, Declaration] = field(kw_only=True)
    readers: Mapping[str, tuple[Component, str]] = field(kw_only=True, repr=False)
    hides: Component | None = field(default=None, kw_only=True, repr=False)

    def place(self, path: Path) -> tuple[Component, Path]:
        """Where the YAML says what stands here at a path."""
        match path:
            case ("vars", "secrets", str(name), *rest) if name in self.declared:
                origin = self.origins.get(name, self.origin)
                own, shared = _entry(origin, name), _map(origin, DEFAULTS)
                if rest and rest[0] in own:
                    return origin, ("settings", "secrets_pipeline", SECRETS, name, *rest)
                if rest and rest[0] in shared:
                    return origin, ("settings", "secrets_pipeline", DEFAULTS, *rest)
                return origin, ("secrets", "vars", name)
            case ("vars", "secrets", *_):
                return self.origin, ("secrets", "vars")
            case ("vars", "consumers", *rest):
                name = str(rest[0]) if rest else ""
                origin, called = self.readers.get(name, (self.origin, name))
                return origin, ("settings", "secrets_pipeline", CONSUMERS, *([called] if rest else []), *rest[1:])
            case _:
                return self.origin, path


def with_declared(stacks: Mapping[str, AtmosStack], settings: OperatorSettings) -> dict[str, AtmosStack]:
    """Add to each stack the components that stand for its declared secrets."""
    rules = {name: settings.target(name) for name in stacks}
    return {
        name: with_declared_secrets(stack, (rule.region if (rule := rules[name]) else None) or "", settings.components)
        for name, stack in stacks.items()
    }


def with_declared_secrets(
    stack: AtmosStack, region: str = "", by_operator: Mapping[str, str] | None = None
) -> AtmosStack:
    """The same stack, with a component beside each that declares secrets of Secrets Manager; see the module.

    Args:
        stack: as resolved.
        region: that the operator says; empty for what the component's own variables say.
        by_operator: `components` of the operator's settings.
    """
    existing = stack.components.get(TERRAFORM, {})
    made = {
        one.name: replace(one, hides=existing.get(one.name))
        for one in _components(list(declaring(stack, by_operator)), region)
    }
    if not made:
        return stack
    return replace(stack, components={**stack.components, TERRAFORM: {**existing, **made}})


def declaring(
    stack: AtmosStack, by_operator: Mapping[str, str] | None = None
) -> Iterator[tuple[Component, Mapping[str, Declaration]]]:
    """The components of a stack that declare anything, with what each declares.

    Those that are abstract, disabled, or to be left alone do not.
    """
    for components in stack.components.values():
        for component in components.values():
            if component.abstract or not component.enabled or isinstance(component, DeclaredSecrets):
                continue
            if recognised(component, by_operator) == LEFT_ALONE:
                continue
            if found := declarations(component):
                yield component, found


def region_of(component: Component, region: str) -> str:
    """The region that a component's secrets would be in: the operator's word for it, else the component's own."""
    said = component.vars.get("region")
    return region or (said if isinstance(said, str) else "")


def is_managed(declaration: Declaration, component: Component, region: str) -> bool:
    """Whether a secret is one of the stack's own in Secrets Manager; what others share is, where settings name it."""
    store = declaration.store
    if store is None or store.kind != ASM or declaration.problem(region_of(component, region)):
        return False
    return not declaration.is_shared or bool(_entry(component, declaration.name))


def component_of(declaration: Declaration) -> str:
    """The name of the component that stands for a declared secret."""
    return f"{declaration.component}/{SHARED}" if declaration.scope == INSTANCE else SHARED


def required_as(component: Component, key: str) -> str:
    """What Atmos calls a secret that has to have a value, and its store; empty for any other."""
    declaration = component.declared.get(key) if isinstance(component, DeclaredSecrets) else None
    return declaration.title if declaration is not None and declaration.required else ""


def unread(component: Component) -> tuple[StackError, ...]:
    """Why a component is not known whole, where what its secrets are made of holds a template or stood for a value."""
    variables = {key: component.vars.get(key) for key in (*_PLACE, *_KIND_OF_PLACE)}
    taken = [component.resolved.get("secrets"), _own(component), variables]
    marks = (component.opening, *MASKS)
    return component.failures if any(mark in text for _, text in texts(taken) for mark in marks) else ()


def _components(found: Sequence[tuple[Component, Mapping[str, Declaration]]], region: str) -> Iterator[DeclaredSecrets]:
    shared: _Kept = {}
    # Components of several kinds may have one name, which is all that the names of their secrets have in them.
    own: dict[str, _Kept] = {}
    for component, declared in found:
        for name, one in declared.items():
            if is_managed(one, component, region):
                kept = own.setdefault(component.name, {}) if one.scope == INSTANCE else shared
                if name not in kept or (_entry(component, name) and not _entry(kept[name][0], name)):
                    kept[name] = component, one
    of_stack = {name for _, declared in found for name, one in declared.items() if one.scope != INSTANCE}
    for name, kept in own.items():
        origins = [component for component, _ in found if component.name == name]
        yield _made(f"{name}/{SHARED}", origins, kept, elsewhere=of_stack - kept.keys())
    if shared:
        of_components = {name for _, declared in found for name in declared} - shared.keys()
        # What stands at the root of a manifest is what every component has.
        yield _made(SHARED, [one for one, _ in found], shared, elsewhere=of_components, told=own.keys())


def _made(
    name: str, components: Sequence[Component], kept: _Kept, *, elsewhere: Collection[str], told: Collection[str] = ()
) -> DeclaredSecrets:
    declared = {key: one for key, (_, one) in kept.items()}
    origins = {key: component for key, (component, _) in kept.items()}
    origin = next(iter(origins.values()))
    given = [_map(component, DEFAULTS) for component in components]
    defaults = {key: value for key, value in given[0].items() if all(one.get(key) == value for one in given)}
    regions = {one.store.region for one in declared.values() if one.store} - {""}
    variables: dict[str, Any] = {
        **{key: value for key, value in (("region", next(iter(regions), None)),) if value},
        **{key: origin.vars[key] for key in _PLACE if key in origin.vars},
        # As context_name and environment would be: names below the stack's own are its own.
        "context_name": next(iter(declared.values())).folder.rstrip("/"),
        "stage": "/".join(str(origin.vars[key]) for key in _KIND_OF_PLACE if origin.vars.get(key)),
        "secrets": {key: _secret(one, origins[key], defaults) for key, one in declared.items()},
    }
    readers = _readers(components, declared, elsewhere, told)
    if readers:
        variables["consumers"] = {called: consumer for called, (_, _, consumer) in readers.items()}
    own = {key: value for key, value in _own(origin).items() if key != "name_template"}
    if any(setting(component, "protected") is True for component in components):
        own["protected"] = True
    resolved = {
        "component": "secretsmanager",
        "metadata": {"component": "secretsmanager"},
        "vars": variables,
        "settings": {**origin.settings, "secrets_pipeline": own},
        "env": dict(origin.env),
        "inheritance": origin.resolved.get("inheritance", []),
    }
    return DeclaredSecrets(
        name=name,
        kind=TERRAFORM,
        stack=origin.stack,
        resolved=resolved,
        manifest=origin.manifest,
        stores=origin.stores,
        failures=tuple(error for component in components for error in unread(component)),
        origin=origin,
        origins=origins,
        declared=declared,
        readers={called: (component, key) for called, (component, key, _) in readers.items()},
    )


def _secret(declaration: Declaration, origin: Component, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The entry of a `secrets` map: what the settings say, and else a value that somebody else brings."""
    entry: dict[str, Any] = {**defaults, **_entry(origin, declaration.name)}
    if declaration.description:
        entry.setdefault("description", declaration.description)
    if _VALUES.isdisjoint(entry):
        entry["value"] = "external"
    return {**entry, "full_name": declaration.aws_name}


def _readers(
    components: Iterable[Component],
    declared: Collection[str],
    elsewhere: Collection[str],
    told: Collection[str],
) -> dict[str, tuple[Component, str, Any]]:
    """Who reads these secrets: consumers without the secrets that stand elsewhere, and without those left with none.

    Args:
        components: whose settings name consumers.
        declared: names of these secrets.
        elsewhere: names of secrets that are not among them.
        told: names of components whose mistakes are said where their own secrets are read.

    Returns:
        By name: the component, its word for the consumer, and the consumer. Of several components that call different
        consumers by one name, the later ones have theirs in front.
    """
    known, others, found = list(declared), list(elsewhere), dict[str, tuple[Component, str, Any]]()
    for component in components:
        for name, given in _map(component, CONSUMERS).items():
            read, consumer = given.get("secrets") if isinstance(given, Mapping) else None, given
            if isinstance(read, list):
                here = [one for one in read if one in known or not (component.name in told or one in others)]
                if read and not here:
                    continue
                consumer = {**given, "secrets": here}
            elif component.name in told:
                continue
            same = name not in found or found[name][2] == consumer
            found.setdefault(name if same else f"{component.name}/{name}", (component, name, consumer))
    return found


def _entry(component: Component, name: str) -> Mapping[str, Any]:
    entry = _map(component, SECRETS).get(name)
    return entry if isinstance(entry, Mapping) else {}


def _map(component: Component, name: str) -> Mapping[str, Any]:
    found = setting(component, name)
    return found if isinstance(found, Mapping) else {}


def _own(component: Component) -> Mapping[str, Any]:
    own = component.settings.get("secrets_pipeline")
    return own if isinstance(own, Mapping) else {}
