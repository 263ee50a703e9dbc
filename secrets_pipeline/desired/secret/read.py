"""Read `secretsmanager` components: secrets, and the KMS key that they make for themselves.

The variables, their defaults and their validation are those of tf-atmos's component of that name.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from secrets_pipeline.desired.atmos_secrets.components import required_as
from secrets_pipeline.desired.base import Late, SecretRef
from secrets_pipeline.desired.database.model import DatabaseSpec
from secrets_pipeline.desired.kms_key.encryption_key import EXAMPLE_KEY, KEY, encryption_key
from secrets_pipeline.desired.kms_key.model import KeySpec
from secrets_pipeline.desired.limits import (
    DESCRIPTION_LENGTH,
    RECOVERY_DAYS,
    REGION,
    secret_name_notice,
    secret_name_problem,
)
from secrets_pipeline.desired.policy.statements import secret_policy_statements
from secrets_pipeline.desired.reading.crossing import crosses_name
from secrets_pipeline.desired.reading.inputs import Inputs, found_kind
from secrets_pipeline.desired.reading.keys import SWITCHES
from secrets_pipeline.desired.reading.scope import ComponentScope
from secrets_pipeline.desired.rotation import read as rotation
from secrets_pipeline.desired.secret.keys import ENTRY_KEYS, INSTEAD, MISTAKEN_VARIABLES, VARIABLES
from secrets_pipeline.desired.secret.model import ReplicaSpec, SecretSpec
from secrets_pipeline.desired.secret.naming import FULL_NAME, PREVIOUS_NAME, Name, Naming
from secrets_pipeline.desired.secret.replicas import check_regions, replica_key
from secrets_pipeline.desired.secret.rotation_strategy import rotating
from secrets_pipeline.desired.secret.stage_words import other_stage_notice
from secrets_pipeline.desired.secret.types import secret_type
from secrets_pipeline.desired.secret.value import EXTERNAL_REMEDY, secret_value
from secrets_pipeline.desired.tags import tag_problems, tag_value_problem
from secrets_pipeline.references.model import Output


@dataclass(frozen=True, slots=True)
class _Component:
    """What all secrets of one component share."""

    vars: Inputs
    naming: Naming
    key: Late | None
    recovery_days: int
    tags: Mapping[str, str]
    region: str
    production: str | None


def read_component(
    scope: ComponentScope, masters: Mapping[SecretRef, DatabaseSpec], *, region: str, production: str | None
) -> tuple[list[SecretSpec], KeySpec | None]:
    """The secrets of one component, in the order of its map, and the key that it makes; what is wrong is collected.

    Args:
        scope: a `secretsmanager` component.
        masters: secrets that are the master password of a database.
        region: of the stack.
        production: why the stack is production; None where it is not.
    """
    inputs = Inputs(scope, scope.component.vars, ("vars",))
    for switch in SWITCHES:
        inputs.boolean(switch, default=True)
    _notice_mistaken(inputs)
    naming = Naming(inputs)
    own_key = _own_key(inputs, naming)
    default_key: Late | None = Output(scope.name, ("kms_key_arn",)) if own_key else None
    shared = _Component(
        vars=inputs,
        naming=naming,
        key=encryption_key(inputs, "default_kms_key_id", default_key, region=region),
        recovery_days=_recovery_days(inputs, "default_recovery_window_in_days", 30, production),
        tags=inputs.made_tags(),
        region=region,
        production=production,
    )
    if not inputs.has("secrets"):
        inputs.error("secrets", "secrets is missing", "Write a map of secrets under vars.secrets, or {} for none.")
    entries = inputs.inputs("secrets")
    secrets = [
        secret
        for key in entries.values
        if (secret := _secret(shared, key, entries, masters.get(SecretRef(component=scope.name, key=key))))
    ]
    return secrets, own_key


def _notice_mistaken(inputs: Inputs) -> None:
    """Say which variables are almost one of ours: others are for Terraform, or come from the whole stack."""
    for key in (key for key in inputs.values if key not in VARIABLES):
        known = [f"default_{key}"] if f"default_{key}" in VARIABLES else [MISTAKEN_VARIABLES.get(key, "")]
        known = known if any(known) else difflib.get_close_matches(key, sorted(VARIABLES), 1, 0.9)
        if known:
            inputs.scope.stack.notices.append(
                f"component {inputs.scope.name} sets vars.{key}, which has no effect. Did you mean {known[0]}?"
            )


def _own_key(inputs: Inputs, naming: Naming) -> KeySpec | None:
    if not inputs.boolean("create_kms_key", default=False) or not naming.complete:
        return None
    if not naming.prefix:
        inputs.error(
            "create_kms_key",
            "the names of this component's secrets have no beginning in common, which the key would be named after",
            "Begin name_template with what is the same for all, and a slash; or make the key by a kms component.",
        )
        return None
    # For whatever is named below it, so that it is judged as all of these names are, with or without one.
    _cross(inputs.scope, naming.every(), naming.key_alias)
    return KeySpec(
        components=(inputs.scope.name,),
        alias=naming.key_alias,
        description=f"Secrets of {naming.prefix.rstrip('/')}",
        tags=inputs.made_tags(),
    )


def _secret(shared: _Component, key: str, entries: Inputs, master_of: DatabaseSpec | None) -> SecretSpec | None:
    given = entries.values[key]
    if not isinstance(given, Mapping) or not given:
        what = "empty" if given in (None, "", {}) else f"{found_kind(given)}, not a map"
        entries.error(key, f"secret {key} is {what}", EXTERNAL_REMEDY)
        return None
    entry = entries.inputs(key)
    entry.refuse_unknown(ENTRY_KEYS, instead=INSTEAD)
    value = secret_value(shared.vars, entry, master_of)
    kind = secret_type(entry, value)
    name = shared.naming.of(entry, key)
    _check_name(shared, entry, name)
    if shared.naming.complete or entry.has(FULL_NAME):
        _cross(entry.scope, name, name.text)
    _check_identity(entry, key)
    description = entry.text("description")
    if description is not None and len(description) > DESCRIPTION_LENGTH:
        size = f"description has {len(description)} characters, AWS takes {DESCRIPTION_LENGTH}"
        entry.error("description", size, "Shorten it, and let it lead to where the rest stands.")
    if value is None:
        return None
    kms_key = encryption_key(entry, "kms_key_id", shared.key, region=shared.region)
    recovery_days = _recovery_days(entry, "recovery_window_in_days", shared.recovery_days, shared.production)
    tags, policy = _tags(shared, entry), secret_policy_statements(entry)
    turning = rotation.rotation(shared.vars, entry)
    if turning is not None:
        value, turning = rotating(entry, value, turning, kind=kind, master_of=master_of)
    replicas = tuple(_replicas(shared, entry))
    inherited = [] if entry.has("kms_key_id") else entry.scope.unresolved(shared.vars.at("default_kms_key_id"))
    return SecretSpec(
        ref=SecretRef(component=entry.scope.name, key=key),
        name=name.text,
        home=name.home,
        previous_name=_previous_name(entry),
        type=kind,
        description=description,
        kms_key=kms_key,
        says_default_key=kms_key is None and (entry.has("kms_key_id") or shared.vars.has("default_kms_key_id")),
        value=value,
        recovery_window_in_days=recovery_days,
        tags=tags,
        policy=policy,
        rotation=turning,
        replicas=replicas,
        unresolved=(*entry.scope.unresolved(entry.path), *inherited),
        required_as=required_as(entry.scope.component, key),
        where=entry.scope.where(entry.path),
    )


def _cross(scope: ComponentScope, name: Name, subject: str) -> None:
    if name.text and not name.home:
        crosses_name(scope, name.text, name.path, name.pattern, subjects=(subject,))


def _check_name(shared: _Component, entry: Inputs, name: Name) -> None:
    problem = secret_name_problem(name.text)
    if problem and name.text and (shared.naming.complete or entry.has(FULL_NAME)):
        key = next((one for one in (FULL_NAME, "name") if entry.has(one)), "path")
        entry.error(key, problem, "Rename it: AWS never renames a secret later.")
    elif not problem:
        found = (secret_name_notice(name.text), other_stage_notice(entry.scope, name.text))
        entry.scope.stack.notices += filter(None, found)


def _previous_name(entry: Inputs) -> str:
    previous = entry.text(PREVIOUS_NAME) or ""
    if previous and (problem := secret_name_problem(previous)):
        entry.error(PREVIOUS_NAME, problem, "Write the whole name that the secret has in AWS, without the ARN.")
    return previous


def _check_identity(entry: Inputs, key: str) -> None:
    """The pipeline's own tags say who declares a secret: its stack, whose name is checked, component and key."""
    names = {"component": entry.scope.name, "key": key}
    for what, name in names.items():
        if problem := tag_value_problem(name):
            entry.scope.error(
                entry.path,
                f"the {what} {name!r} becomes a tag of the secret, which {problem}",
                f"Rename the {what}.",
            )


def _tags(shared: _Component, entry: Inputs) -> dict[str, str]:
    tags = {**shared.tags, **entry.tags()}
    if entry.has("tags"):
        own = set(tag_problems(entry.tags()))
        for problem in tag_problems(tags):
            if problem not in own:
                entry.error("tags", f"together with the component's: {problem}", "Take tags out.")
    return tags


def _recovery_days(inputs: Inputs, key: str, default: int, production: str | None) -> int:
    """0 deletes at once and for good: never in production, whoever says so."""
    least, most = RECOVERY_DAYS
    days = inputs.integer(key, default, least=0, most=most)
    if days is None:
        return default
    if inputs.has(key) and (0 < days < least or (days == 0 and production)):
        allowed = f"{least} to {most}" if production else f"0, or {least} to {most}"
        why = f": this stack is production ({production})" if production else ""
        inputs.error(key, f"{key} is {days}{why}", f"Write {allowed}.")
    return days


def _replicas(shared: _Component, entry: Inputs) -> list[ReplicaSpec]:
    given = entry.values.get("replica_regions")
    if given is not None and not isinstance(given, list):
        entry.error("replica_regions", "replica_regions is not a list", "Write replica_regions: [eu-west-1].")
        return []
    maps = [one if isinstance(one, Mapping) else {"region": one} for one in given or []]
    replicas: list[ReplicaSpec] = []
    for index, one in enumerate(maps):
        read = Inputs(entry.scope, one, (*entry.at("replica_regions"), index))
        read.refuse_unknown(frozenset(ReplicaSpec.model_fields))
        region = read.text("region", pattern=REGION, example="eu-west-1")
        if region is None:
            if not read.has("region"):
                read.error("region", "the replica names no region", "Write region: eu-west-1.")
            continue
        if region == shared.region or region in {replica.region for replica in replicas}:
            read.error("region", f"the secret is in {region} already", "Name each other region once.")
            continue
        named = read.text("kms_key_id", pattern=KEY, example=EXAMPLE_KEY)
        replicas.append(ReplicaSpec(region=region, kms_key_id=replica_key(read, region, named)))
    check_regions(entry, shared.region, replicas)
    return replicas
