"""Read what the `secrets:` section of a component declares, and where in AWS each of it is kept.

Sources: Atmos `pkg/secrets/registry.go` (ExtractDeclarations), `pkg/secrets/types.go` (coordinateForDeclaration);
https://atmos.tools/cli/configuration/secrets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ConfigDict, Field

from secrets_pipeline.desired.base import ManifestMap
from secrets_pipeline.golang.values import Value
from secrets_pipeline.golang.yaml.tags import FunctionCall
from secrets_pipeline.stacks import ASM, SSM, Component, Store, store_named

KINDS: Final = (ASM, SSM)
"""Kinds of stores whose secrets are known here."""
INSTANCE, STACK, GLOBAL = "instance", "stack", "global"
_RECOGNISED: Final = (INSTANCE, STACK, GLOBAL)


class DeclarationEntry(ManifestMap):
    """One secret that a `secrets:` section of Atmos declares. Its other keys are Atmos's."""

    model_config = ConfigDict(extra="allow")

    store: Any = Field(
        default=None,
        description=(
            "Store in `atmos.yaml` that keeps the secret. The pipeline makes it if the store's kind is `aws/asm`."
        ),
    )
    scope: Any = Field(
        default=None,
        description="Who shares the secret: `instance` (the default), `stack`, or `global` for all stacks.",
    )
    description: Any = Field(default=None, description="For people; AWS shows it, too.")
    required: Any = Field(default=None, description="`true` fails a check if the value is missing, as Atmos does.")
    reference: Any = Field(default=None, description="Name of the secret in the store; by default its key.")
    store_stack: Any = Field(default=None, description="Stack whose secret this is, instead of this stack.")
    store_component: Any = Field(default=None, description="Component whose secret this is, instead of this component.")


@dataclass(frozen=True, slots=True)
class Declaration:
    """One declared secret, as a component of a stack sees it.

    Attributes:
        name: what `!secret` calls it.
        stack: that sees it.
        component: that sees it.
        store: where it is kept; None for a store that `atmos.yaml` has not.
        store_name: what the declaration calls it; empty for none, as where SOPS keeps it.
        scope: `instance`, `stack` or `global`.
        description: for humans.
        required: whether `atmos secret validate` fails while it is missing.
        key: what the store calls it.
        elsewhere: the stack and the component that the declaration names in place of its own; empty where it does not.
    """

    name: str
    stack: str
    component: str
    store: Store | None
    store_name: str
    scope: str = INSTANCE
    description: str = ""
    required: bool = False
    key: str = ""
    elsewhere: tuple[str, str] = ("", "")

    @property
    def aws_name(self) -> str:
        """The name of the secret or the parameter, by Atmos's rule; empty for a store that nobody knows."""
        stack = self.elsewhere[0] or ("" if self.scope == GLOBAL else self.stack)
        component = self.elsewhere[1] or (self.component if self.scope == INSTANCE else "")
        return self.store.key(stack, component, self.key) if self.store else ""

    @property
    def title(self) -> str:
        """The secret and its store, as `atmos secret validate` prints them."""
        return f"{self.name} ({self.store_name})"

    @property
    def folder(self) -> str:
        """What the names begin with that the stack keeps in this store, with the slash behind it."""
        return self.store.key(self.stack, "", "") if self.store else ""

    @property
    def is_shared(self) -> bool:
        """Whether other stacks or components may keep theirs in the same place."""
        return self.scope == GLOBAL or any(self.elsewhere)

    def problem(self, region: str) -> str:
        """Why it cannot be known here, in a few words; empty where it can be.

        Args:
            region: of the stack; empty where nobody says it.
        """
        store = self.store
        if store is None:
            return f"store {self.store_name} is not configured in atmos.yaml"
        if store.kind not in KINDS:
            return f"store {store.name} is of kind {store.kind or 'unknown'}, and only {' and '.join(KINDS)} are read"
        if not store.secret:
            return f"store {store.name} is not a secret store: atmos.yaml lacks `secret: true` there"
        if store.unknown:
            return f"{store.problem}. {store.remedy}".rstrip(".")
        if region and store.region and store.region != region:
            return f"store {store.name} is in {store.region}, and the stack lives in {region}"
        return ""


def declarations(component: Component) -> dict[str, Declaration]:
    """What a component declares, itself, by inheritance and by the root of its manifest; what is no map is left out.

    Secrets that SOPS keeps are left out, and those whose store a YAML function names, which only Atmos knows.
    """
    found = (declaration(component, name) for name in _declared(component))
    return {one.name: one for one in found if one is not None}


def declaration(component: Component, name: str) -> Declaration | None:
    """One of a component's `declarations`; None where it has none of that name."""
    spec = _declared(component).get(name)
    if not isinstance(spec, Mapping):
        return None
    store_name, scope = _text(spec.get("store")), _text(spec.get("scope"))
    if not store_name:
        return None
    return Declaration(
        name=name,
        stack=component.stack,
        component=component.name,
        store=store_named(component.stores, store_name),
        store_name=store_name,
        scope=scope if scope in _RECOGNISED else INSTANCE,
        description=_text(spec.get("description")),
        required=spec.get("required") is True,
        key=_text(spec.get("reference")) or name,
        elsewhere=(_text(spec.get("store_stack")), _text(spec.get("store_component"))),
    )


def _declared(component: Component) -> Mapping[str, Any]:
    section = component.resolved.get("secrets")
    declared = section.get("vars") if isinstance(section, Mapping) else None
    return declared if isinstance(declared, Mapping) else {}


def _text(value: Value) -> str:
    return str(value) if isinstance(value, str) and not isinstance(value, FunctionCall) else ""
