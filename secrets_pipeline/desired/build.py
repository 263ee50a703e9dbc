"""Build the desired state of resolved stacks, with every error of a stack at once."""

from __future__ import annotations

import traceback
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from secrets_pipeline.desired.atmos_secrets.components import DeclaredSecrets, with_declared
from secrets_pipeline.desired.base import Target
from secrets_pipeline.desired.boundary import Crossing
from secrets_pipeline.desired.checks.attached_policies import check_inline_policies, consumers_as_own_roles
from secrets_pipeline.desired.checks.contested import contested_notices, with_contested, with_contested_outputs
from secrets_pipeline.desired.checks.declared_secrets import check_declared, declared_parameters
from secrets_pipeline.desired.checks.login_hosts import cross_login_hosts
from secrets_pipeline.desired.checks.one_owner import (
    check_component_names,
    check_databases,
    check_deliveries,
    check_names,
    check_stack_name,
    check_stage_variables,
    merged_keys,
)
from secrets_pipeline.desired.checks.own_settings import check_component_kinds, tell_unknown_settings
from secrets_pipeline.desired.checks.reader_crossings import cross_readers
from secrets_pipeline.desired.checks.target_crossings import cross_regions, cross_rotations, cross_targets
from secrets_pipeline.desired.checks.unsettled import UnsettledStack, unsettled
from secrets_pipeline.desired.consumer import deliveries
from secrets_pipeline.desired.consumer.model import Delivery, StageDelivery
from secrets_pipeline.desired.consumer.read import declared_consumers, found_consumers
from secrets_pipeline.desired.consumer.refreshes import check_refreshes, refreshes
from secrets_pipeline.desired.database import read as rds
from secrets_pipeline.desired.database.model import DatabaseSpec
from secrets_pipeline.desired.database.traits import told_apart
from secrets_pipeline.desired.kms_key import read as kms
from secrets_pipeline.desired.kms_key.model import KeySpec, TerraformKey
from secrets_pipeline.desired.kms_key.terraform_keys import terraform_keys
from secrets_pipeline.desired.reading.crossing import included_file
from secrets_pipeline.desired.reading.interpolation import dialect_of, notice, stacks_with_text
from secrets_pipeline.desired.reading.organization import read_organization
from secrets_pipeline.desired.reading.ours import our_components
from secrets_pipeline.desired.reading.scope import Locate, StackScope, listed
from secrets_pipeline.desired.reading.target import protection, read_target, unguarded_manifests
from secrets_pipeline.desired.repository_index import Conclusions
from secrets_pipeline.desired.rotation.function import read_rotation_function
from secrets_pipeline.desired.secret import read as secretsmanager
from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.secret.order import ordered
from secrets_pipeline.desired.secret.readers import with_foreign_readers
from secrets_pipeline.desired.secret.replicas import check_foreign_readers
from secrets_pipeline.desired.secret.rotation_strategy import check_superusers
from secrets_pipeline.desired.settings.operator import OperatorSettings
from secrets_pipeline.desired.shown import ShownStack
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.desired.verification.read import read_verification
from secrets_pipeline.errors import InternalError, SecretsPipelineError, Where, raise_all
from secrets_pipeline.references.model import Path
from secrets_pipeline.stacks import Component, StackSource, UnsettledBy, distinct


@dataclass(frozen=True, slots=True)
class SpecSet:
    """The desired state of a repository.

    Attributes:
        specs: by stack; only stacks without errors that have a component of ours.
        errors: by stack; `""` for what belongs to no stack.
        shown: by stack, those that may be shown in spite of their errors.
        incomplete: stacks without errors that may declare more than is known of them.
        notices: what a user should be told once, each a sentence or two.
        notices_of: by notice that does not concern everybody, the stacks that it concerns.
        terraform_keys: keys that components of any stack declare which are not this project's affair.
        conclusions: what only a reading of all stacks can tell about each.
    """

    specs: Mapping[str, StackSpec]
    errors: Mapping[str, tuple[SecretsPipelineError, ...]]
    shown: Mapping[str, ShownStack] = field(default_factory=dict)
    incomplete: frozenset[str] = frozenset()
    notices: tuple[str, ...] = ()
    notices_of: Mapping[str, frozenset[str]] = field(default_factory=dict)
    terraform_keys: tuple[TerraformKey, ...] = ()
    conclusions: Conclusions = field(default_factory=Conclusions)


def build_specs(
    repository: StackSource,
    settings: OperatorSettings,
    only: Collection[str] | None = None,
    *,
    base_path: FilePath | None = None,
    environment: Mapping[str, str] | None = None,
) -> SpecSet:
    """Build the desired state of every stack of a repository.

    Args:
        repository: all of its stacks are resolved, since names must be unique and references may cross stacks.
        settings: the operator's.
        only: the stacks to answer for; all if not given.
        base_path: of the repository, so that `${file:…}` can be looked for; None takes files as given.
        environment: what `${env:X}` reads where a text must be known now, as far as the settings allow it.

    A reference that nobody can resolve is an error, unless it stands inside a secret: that secret is blocked then.
    """
    resolution = repository.resolve(keep_failing=True, keep_unsettled=True)
    errors: dict[str, list[SecretsPipelineError]] = {}
    for error in resolution.errors:
        errors.setdefault((error.where.stack if error.where else None) or "", []).append(error)
    specs: dict[str, StackSpec] = {}
    shown: dict[str, ShownStack] = {}
    unneeded: dict[str, UnsettledStack] = {}
    stacks, locate = with_declared(resolution.stacks, settings), locating(repository.locate)
    dialect = dialect_of(stacks, settings, base_path)
    ours = our_components(stacks, dialect.reads, settings, base_path)
    said = notice(dialect, locate)
    notices_of = {} if said is None else {said: stacks_with_text(stacks, settings, base_path)}
    for name, stack in stacks.items():
        scope = StackScope(
            stack=stack,
            locate=locate,
            settings=settings,
            base_path=base_path,
            environment=environment or {},
            stacks=stacks,
            ours=ours,
            dialect=dialect,
        )
        try:
            unneeded[name] = check_outside(scope)
            spec = _declared(scope) if scope.kinds else None
            raise_all(_distinct([*scope.errors, *scope.withheld]) if scope.errors else ())
            if scope.withheld:
                # What the resolution says of the stack is no reason to show it.
                shown |= {name: ShownStack(spec)} if spec and name not in errors else {}
                errors.setdefault(name, []).extend(_distinct(scope.withheld))
            elif spec:
                specs[name] = spec
        except SecretsPipelineError as error:
            errors.setdefault(name, []).extend(getattr(error, "errors", (error,)))
        except Exception as error:  # noqa: BLE001 - a bug of ours must not stop the other stacks
            errors.setdefault(name, []).extend([*scope.errors, *scope.withheld, _bug(error, name)])
        notices_of |= {said: notices_of.get(said, frozenset()) | {name} for said in scope.notices}
    notices_of |= _elsewhere({name: one for name, one in unneeded.items() if not ours.get(name)})
    specs = with_contested(specs, settings.grants)
    contested = contested_notices(specs)
    specs, shared = with_contested_outputs(specs)
    of_dialect = {} if said is None else {said: notices_of[said]}
    notices_of |= {**contested, **shared}
    of_several = {**dict.fromkeys(repository.notices), **of_dialect, **contested, **shared}
    for name, found in consumers_as_own_roles(specs, settings).items():
        errors.setdefault(name, []).extend(found)
    wanted = None if only is None else {*only, ""}
    return SpecSet(
        specs={name: spec for name, spec in specs.items() if name not in errors and (wanted is None or name in wanted)},
        errors={name: tuple(found) for name, found in errors.items() if wanted is None or name in wanted},
        shown={name: one for name, one in shown.items() if wanted is None or name in wanted},
        incomplete=frozenset(name for name, one in unneeded.items() if one.may_hide_secrets),
        notices=tuple(notices_of),
        notices_of=notices_of,
        terraform_keys=terraform_keys(resolution.stacks, ours, dialect.reads, settings),
        conclusions=Conclusions(
            manifests={name: stack.files for name, stack in stacks.items()},
            ours=ours,
            reads_references=dialect.is_used,
            notices=of_several,
        ),
    )


def check_outside(scope: StackScope) -> UnsettledStack:
    """Collect errors of components whatever they are, also of those that are not this project's affair.

    Returns:
        The stack's unsettled components. For a stack with components of ours, its notices are collected already.

    Raises:
        SecretsPipelineError: if a component of ours is unsettled.
    """
    found = unsettled(scope)
    raise_all(list(found.errors))
    scope.withheld += found.incomplete
    if scope.kinds:
        scope.notices += (text for _, text in found.notices(scope.stack.name))
    check_component_kinds(scope)
    check_declared(scope)
    tell_unknown_settings(scope)
    return found


def build_stack(scope: StackScope) -> StackSpec:
    """The desired state of a stack; where a component of ours is not known whole, nothing is read of the others.

    Raises:
        SecretsPipelineError: the only error of the stack, or `CollectedErrors` of all.
    """
    spec = _declared(scope)
    raise_all(_distinct(scope.withheld))
    return spec


def _declared(scope: StackScope) -> StackSpec:
    """Build the stack even if it may only be shown; `scope.withheld` then holds why."""
    raise_all(distinct(error for name in scope.kinds for error in scope.components[name].component.failures))
    spec = _build(scope)
    if scope.errors:
        raise_all(_distinct([*scope.errors, *scope.withheld]))
    return spec


def _distinct(errors: Iterable[SecretsPipelineError]) -> list[SecretsPipelineError]:
    return list({error.diagnostics(): error for error in errors}.values())


def _elsewhere(unneeded: Mapping[str, UnsettledStack]) -> dict[str, frozenset[str]]:
    """Make one notice of each reason why components are unsettled in the stacks that declare nothing of ours."""
    told: dict[UnsettledBy, dict[str, set[str]]] = {}
    for name, one in unneeded.items():
        for by, text in one.notices(name):
            told.setdefault(by, {}).setdefault(text, set()).add(name)
    return {_with_others(texts): frozenset().union(*texts.values()) for texts in told.values()}


def _with_others(texts: Mapping[str, set[str]]) -> str:
    first, *others = texts
    if not others:
        return first
    stacks = {name for text in others for name in texts[text]}
    alike = "is 1 more problem" if len(others) == 1 else f"are {len(others)} more problems"
    return f"{first} There {alike} of this kind in stacks without secrets: {listed(stacks, 10)}."


def locating(locate: Locate) -> Locate:
    """Place keys as before, but what stands for declared secrets is looked for where they are declared."""

    def located(component: Component, path: Path) -> Where:
        return locate(*component.place(path)) if isinstance(component, DeclaredSecrets) else locate(component, path)

    return located


def _bug(error: Exception, stack: str) -> InternalError:
    """Type and place of an exception that nobody expected; its text may quote what stands in the YAML."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{FilePath(frame.filename).name}, line {frame.lineno}"
    return InternalError(
        f"this stack cannot be read: {type(error).__name__} in {place}",
        remedy="This is a bug of secrets-pipeline, report it with this line; the other stacks are read.",
        where=Where(stack=stack),
    )


def _build(scope: StackScope) -> StackSpec:
    check_stack_name(scope)
    for name in scope.kinds:
        scope.components[name].check_dialect()
    target, production = read_target(scope), protection(scope)
    databases = told_apart(
        [rds.read_component(component, protected=production is not None) for component in scope.of_kind("rds")]
    )
    secrets, keys = _secrets_and_keys(scope, databases, target, production)
    delivered: list[Delivery] = [
        delivery
        for component in scope.of_kind("lambda", "ecs", "apigateway")
        for delivery in deliveries.read_component(component, scope.kinds[component.name])
    ]
    consumers = [
        *(consumer for component in scope.of_kind("secretsmanager") for consumer in declared_consumers(component)),
        *found_consumers(delivered, scope),
    ]
    organization_id = read_organization(scope)
    secrets, keys = with_foreign_readers(scope, target, secrets, keys, consumers, organization_id=organization_id)
    check_foreign_readers(scope, target, secrets)
    cross_readers(scope, target, secrets, keys, consumers, organization_id=organization_id)
    cross_targets(scope, target, delivered, consumers, databases)
    cross_rotations(scope, target, delivered, secrets)
    cross_login_hosts(scope, secrets)
    cross_regions(scope, secrets)
    check_inline_policies(scope, target, secrets, consumers)
    check_component_names(scope)
    check_names(scope, secrets)
    check_superusers(scope, secrets)
    check_databases(scope, databases)
    check_deliveries(scope, delivered)
    check_refreshes(scope, target, consumers)
    check_stage_variables(scope, [one for one in delivered if isinstance(one, StageDelivery)], secrets)
    return StackSpec(
        stack=scope.stack.name,
        target=target,
        protected=production is not None,
        organization_id=organization_id,
        components=scope.kinds,
        keys=tuple(keys),
        secrets=tuple(ordered(scope, secrets, databases)),
        parameters=declared_parameters(scope, target.region),
        databases=tuple(databases),
        consumers=tuple(consumers),
        deliveries=tuple(delivered),
        refreshes=tuple(refreshes(scope, delivered, consumers)),
        self_heal=tuple(name for name in sorted(scope.kinds) if scope.components[name].flag("self_heal")),
        rotation_function=read_rotation_function(scope, [one.rotation for one in secrets if one.rotation]),
        verification=read_verification(scope),
        states=tuple(scope.states.values()),
        crossings=_crossings(scope, secrets),
        plaintext=tuple(dict.fromkeys(scope.plaintext)),
        unguarded=unguarded_manifests(scope),
    )


def _crossings(scope: StackScope, secrets: list[SecretSpec]) -> tuple[Crossing, ...]:
    """Each crossing once; what stands in a secret says its name."""
    names = {str(secret.ref): secret.name for secret in secrets}
    named = [
        one.model_copy(update={"subjects": tuple(names.get(subject, subject) for subject in one.subjects)})
        for one in scope.crossings
    ]
    included = [included_file(one) for one in scope.stack.included]
    return tuple(dict.fromkeys((*named, *included)))


def _secrets_and_keys(
    scope: StackScope, databases: list[DatabaseSpec], target: Target, production: str | None
) -> tuple[list[SecretSpec], list[KeySpec]]:
    masters = {database.password: database for database in databases if database.password}
    keys = [key for component in scope.of_kind("kms") if (key := kms.read_component(component, target.account_id))]
    secrets: list[SecretSpec] = []
    for component in scope.of_kind("secretsmanager"):
        found, own_key = secretsmanager.read_component(component, masters, region=target.region, production=production)
        secrets += found
        keys += [own_key] if own_key else []
    return secrets, merged_keys(scope, keys)
