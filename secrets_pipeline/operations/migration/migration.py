"""Decide how a state's secrets come to this project: what is declared, what is adopted, what Terraform forgets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.operations.migration.declared import Declared, declared_in, serves
from secrets_pipeline.operations.migration.entries import (
    Component,
    Home,
    components_of,
    named_apart,
    parameter_components,
)
from secrets_pipeline.operations.migration.forgetting import Forgetting, forgetting
from secrets_pipeline.operations.migration.model import MigratedParameter, MigratedSecret, Place
from secrets_pipeline.operations.migration.secrets import find_secrets
from secrets_pipeline.operations.migration.state import State

_COUNTED = ("aws_secretsmanager_", "random_password", "aws_ssm_parameter")


@dataclass(frozen=True, slots=True)
class Adoption:
    """Names that one stack adopts.

    Attributes:
        stack: its name; empty where none was named.
        place: of a stack without a name.
        names: of secrets.
    """

    stack: str
    place: Place | None
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Migration:
    """A way from Terraform to this project.

    Attributes:
        state: as read.
        stack: name of the stack that takes the secrets over; empty where none was named.
        secrets: all that are taken over.
        served: the places that this stack serves; none where no stack was named.
        components: of the secrets that it does not declare yet, for the stacks of their places.
        declared: secrets that the stack declares already.
        parameters: that secrets may take the place of.
        parameter_components: of these secrets; empty where it was not asked.
        forgetting: what Terraform forgets.
        notes: what cannot be taken over, a sentence each.
    """

    state: State
    stack: str
    secrets: tuple[MigratedSecret, ...]
    served: frozenset[Place]
    components: tuple[Component, ...]
    declared: tuple[Declared, ...]
    parameters: tuple[MigratedParameter, ...]
    parameter_components: tuple[Component, ...]
    forgetting: Forgetting
    notes: tuple[str, ...]

    @property
    def read(self) -> str:
        """What was read, in a sentence."""
        state = self.state
        counts = Counter(one.address.type for one in state.instances)
        ours = [kind for kind in sorted(counts) if kind.startswith(_COUNTED)]
        kinds = "".join(f", {counts[kind]} {kind}" for kind in ours)
        version = f" by {state.program} {state.version}" if state.version else ""
        more = {"data sources": state.data.total(), "deposed objects": len(state.deposed)}
        also = "".join(f"; {what}: {count}" for what, count in more.items() if count)
        return f"{state.form}{version}: {len(state.instances)} resource instances{kinds}{also}"

    @property
    def adoptions(self) -> tuple[Adoption, ...]:
        """The names to adopt, by the stack that does."""
        names: dict[Place | None, list[str]] = {None: [one.secret.name for one in self.declared]}
        for one in self.components:
            names.setdefault(self.stack_of(one), []).extend(one.names)
        return tuple(Adoption("" if place else self.stack, place, tuple(of)) for place, of in names.items() if of)

    def stack_of(self, component: Component) -> Place | None:
        """The place whose stack a component is written into; None for the stack that was named."""
        return None if component.place in self.served else component.place


def migrate(
    state: State,
    *,
    root: str,
    stack: str = "",
    spec: StackSpec | None = None,
    home: Home = Home(),  # noqa: B008 - it is frozen
    others: Sequence[StackSpec] = (),
    with_kms: bool = False,
    with_ssm: bool = False,
) -> Migration:
    """Decide how a state's secrets come to this project.

    Args:
        state: as read.
        root: name of the component for secrets of the root module.
        stack: name of the stack that takes them over; empty where none was named.
        spec: its desired state; None where it declares nothing yet.
        home: what is known of its components.
        others: the other stacks of the repository.
        with_kms: whether Terraform forgets the KMS keys of the secrets too.
        with_ssm: whether secrets take the place of the state's `SecureString` parameters.
    """
    found = find_secrets(state)
    declared = declared_in(spec, found.secrets) if spec else []
    names = {id(one.secret) for one in declared}
    open_ones = [one for one in found.secrets if id(one) not in names]
    places = {one.place for one in found.secrets} | {one.place for one in found.parameters} if stack else set()
    served = frozenset(one for one in places if (serves(spec, one) if spec else home.may_be_in(one)))
    if len(served) > 1:
        # A stack serves one place, and nobody says which.
        served = frozenset()
    homes = dict.fromkeys(served, home)
    replacing = parameter_components(found.parameters if with_ssm else (), root, homes)
    made = named_apart([*components_of(open_ones, root, homes), *replacing], homes)
    return Migration(
        state=state,
        stack=stack,
        secrets=found.secrets,
        served=served,
        components=tuple(one for one in made if not one.from_ssm),
        declared=tuple(declared),
        parameters=found.parameters,
        parameter_components=tuple(one for one in made if one.from_ssm),
        forgetting=forgetting(state, found.secrets, with_kms=with_kms),
        notes=(
            *found.notes,
            *_unusable(state),
            *_misplaced(stack, places - served, found.secrets),
            *_claimed(found.secrets, others),
        ),
    )


def _misplaced(stack: str, places: Collection[Place], secrets: Sequence[MigratedSecret]) -> list[str]:
    """Which places the stack that was named does not serve, or may not: its account or region is not known."""
    counts = Counter(one.place for one in secrets if one.place in places)
    return [
        f"secrets in {place}, which nothing in the YAML says stack {stack} serves: {count}"
        for place, count in counts.items()
    ]


def _claimed(secrets: Sequence[MigratedSecret], others: Sequence[StackSpec]) -> list[str]:
    """What other stacks declare: one name belongs to one stack."""
    claims = [(one.secret.name, other.stack) for other in others for one in declared_in(other, secrets)]
    return [f"{name} is declared by stack {stack} already: one name belongs to one stack" for name, stack in claims]


def _unusable(state: State) -> list[str]:
    """What of the state nobody can take over."""
    ours = [one for one in state.deposed if ".aws_secretsmanager_" in f".{one}"]
    notes = [
        f"{one} is deposed: Terraform waits to destroy it; apply that first, or it is destroyed later" for one in ours
    ]
    notes += [
        f"{one} was not upgraded since Terraform 0.11: run `terraform apply -refresh-only` first"
        for one in state.unreadable
    ]
    known = [f"{count} {kind}" for kind, count in sorted(state.data.items()) if kind.startswith("aws_secretsmanager_")]
    if known:
        notes.append(f"data sources only read, so nothing of them is taken over: {', '.join(known)}")
    return notes
