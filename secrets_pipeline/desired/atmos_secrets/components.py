"""Make `secretsmanager` components of what `secrets:` sections declare, so that each secret is one like every other.

What component `api` declares becomes component `api/secrets`; what the root of a manifest declares, and what is shared
by all stacks, becomes component `secrets`. What Atmos has no word for stands under `settings.secrets_pipeline`, which
Atmos leaves alone: `secrets` says by name how each is made, `secret_defaults` what holds for all of them, `consumers`
who reads them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from secrets_pipeline.desired.atmos_secrets.declarations import INSTANCE, Declaration, declarations
from secrets_pipeline.desired.kinds import TERRAFORM, setting
from secrets_pipeline.references.model import Path
from secrets_pipeline.stacks import ASM, AtmosStack, Component

SECRETS, DEFAULTS, CONSUMERS = "secrets", "secret_defaults", "consumers"
"""Under `settings.secrets_pipeline`."""
SHARED: Final = "secrets"
"""The component of what no component declares by itself."""
_PLACE: Final = ("region", "account_id")
"""Variables of the component that say where the stack lives."""
_KIND_OF_PLACE: Final = ("environment", "stage")
"""Those that say whether it is production."""
_VALUES: Final = frozenset({"secret_data", "secret_binary", "generate_random_password", "value"})


@dataclass(frozen=True)
class DeclaredSecrets(Component):
    """The `secretsmanager` component that stands for declared secrets.

    Attributes:
        origin: the component that declares them; of shared ones the first that sees them.
        origins: by name of the secret, the component whose settings say how it is made.
        declared: by name of the secret.
    """

    origin: Component = field(kw_only=True, repr=False)
    origins: Mapping[str, Component] = field(kw_only=True, repr=False)
    declared: Mapping[str, Declaration] = field(kw_only=True)

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
                return self.origin, ("settings", "secrets_pipeline", CONSUMERS, *rest)
            case _:
                return self.origin, path


def with_declared_secrets(stack: AtmosStack, region: str = "") -> AtmosStack:
    """The same stack, with a component beside each that declares secrets of Secrets Manager; see the module.

    Args:
        stack: as resolved.
        region: that the operator says; empty for what the component's own variables say.
    """
    made = {one.name: one for one in _components(stack, region)}
    existing = stack.components.get(TERRAFORM, {})
    if not made:
        return stack
    return replace(stack, components={**stack.components, TERRAFORM: {**existing, **made}})


def declaring(stack: AtmosStack) -> Iterator[tuple[Component, Mapping[str, Declaration]]]:
    """The components of a stack that declare anything, with what each declares; abstract and disabled ones do not."""
    for components in stack.components.values():
        for component in components.values():
            if component.abstract or not component.enabled or isinstance(component, DeclaredSecrets):
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


def _components(stack: AtmosStack, region: str) -> Iterator[DeclaredSecrets]:
    shared: dict[str, tuple[Component, Declaration]] = {}
    first: Component | None = None
    of_stack = {name for _, found in declaring(stack) for name, one in found.items() if one.scope != INSTANCE}
    for component, found in declaring(stack):
        managed = {name: one for name, one in found.items() if is_managed(one, component, region)}
        own = {name: one for name, one in managed.items() if one.scope == INSTANCE}
        for name, one in managed.items():
            if one.scope != INSTANCE:
                shared.setdefault(name, (component, one))
                first = first or component
        if own:
            origins = dict.fromkeys(own, component)
            defaults, name = _map(component, DEFAULTS), f"{component.name}/{SHARED}"
            yield _made(name, component, own, origins, defaults=defaults, but=of_stack - own.keys())
    if first is not None:
        declared = {name: one for name, (_, one) in shared.items()}
        origins = {name: component for name, (component, _) in shared.items()}
        of_components = {name for _, found in declaring(stack) for name in found} - declared.keys()
        # What stands at the root of a manifest is what every component has.
        given = [_map(component, DEFAULTS) for component, _ in declaring(stack)]
        defaults = {key: value for key, value in given[0].items() if all(one.get(key) == value for one in given)}
        yield _made(SHARED, first, declared, origins, defaults=defaults, but=of_components)


def _made(
    name: str,
    origin: Component,
    declared: Mapping[str, Declaration],
    origins: Mapping[str, Component],
    *,
    defaults: Mapping[str, Any],
    but: Iterable[str],
) -> DeclaredSecrets:
    regions = {one.store.region for one in declared.values() if one.store} - {""}
    variables: dict[str, Any] = {
        **{key: value for key, value in (("region", next(iter(regions), None)),) if value},
        **{key: origin.vars[key] for key in _PLACE if key in origin.vars},
        # As context_name and environment would be: names below the stack's own are its own.
        "context_name": next(iter(declared.values())).folder.rstrip("/"),
        "stage": "/".join(str(origin.vars[key]) for key in _KIND_OF_PLACE if origin.vars.get(key)),
        "secrets": {key: _secret(one, origins[key], defaults) for key, one in declared.items()},
    }
    if consumers := _consumers(origin, declared, frozenset(but)):
        variables["consumers"] = consumers
    own = {key: value for key, value in _own(origin).items() if key != "name_template"}
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
        origin=origin,
        origins=origins,
        declared=declared,
    )


def _secret(declaration: Declaration, origin: Component, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The entry of a `secrets` map: what the settings say, and else a value that somebody else brings."""
    entry: dict[str, Any] = {**defaults, **_entry(origin, declaration.name)}
    if declaration.description:
        entry.setdefault("description", declaration.description)
    if _VALUES.isdisjoint(entry):
        entry["value"] = "external"
    return {**entry, "full_name": declaration.aws_name}


def _consumers(origin: Component, declared: Mapping[str, Declaration], elsewhere: frozenset[str]) -> dict[str, Any]:
    """Who reads these secrets: consumers without the secrets that stand elsewhere, and without those left with none."""
    found: dict[str, Any] = {}
    for name, consumer in _map(origin, CONSUMERS).items():
        read = consumer.get("secrets") if isinstance(consumer, Mapping) else None
        if not isinstance(read, list):
            found[name] = consumer
            continue
        here = [one for one in read if one in declared or one not in elsewhere]
        if here or not read:
            found[name] = {**consumer, "secrets": here}
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
