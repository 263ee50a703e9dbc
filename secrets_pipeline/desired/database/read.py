"""Read `rds` components: instances and Aurora clusters, and which secret is their master password.

Variables are those of tf-atmos's component and of the common Terraform modules for Aurora; parameters as in
https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html and
https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from secrets_pipeline.desired.base import Late, SecretRef
from secrets_pipeline.desired.database.keys import MOST_INSTANCES, PORTS
from secrets_pipeline.desired.database.model import DatabaseSpec, DatabaseTraits
from secrets_pipeline.desired.database.parameters import (
    USUAL_STORAGE,
    allocated_storage,
    cluster_parameters,
    instance_parameters,
    member_parameters,
    safe_defaults,
)
from secrets_pipeline.desired.database.traits import read_traits
from secrets_pipeline.desired.engines import CLUSTERS, is_cluster
from secrets_pipeline.desired.kinds import own_settings, physical_name
from secrets_pipeline.desired.names import instance_identifier
from secrets_pipeline.desired.reading.database_code import databases_made, makes_cluster
from secrets_pipeline.desired.reading.inputs import Inputs
from secrets_pipeline.desired.reading.reference_targets import check
from secrets_pipeline.desired.reading.scope import ComponentScope, listed, near_miss
from secrets_pipeline.desired.value.passwords import family_of
from secrets_pipeline.references.model import Output, dotted

_FAMILIES = ("postgres", "mysql", "mariadb", "oracle", "sqlserver", "db2")
"""Of the engines of single instances: `oracle-se2` is of the family oracle."""
_IDENTIFIER = re.compile(r"(?!.*--)[a-zA-Z][a-zA-Z0-9-]{0,61}[a-zA-Z0-9]|[a-zA-Z]")
_IDENTIFIER_LENGTH = 63
_DEFAULT_ENGINE, _DEFAULT_USERNAME = "mysql", "admin"
_SMALLEST: Final = {True: "db.t4g.medium", False: "db.t4g.micro"}
"""Whether it is a cluster → class of its instances where the component names none."""
_REFERENCE = "!terraform.state secretsmanager generated_passwords.<key>"
_OF_CLUSTERS = (
    "cluster_identifier",
    "cluster_size",
    "db_cluster_instance_class",
    "instance_count",
    "serverlessv2_scaling_configuration",
)
"""Variables that only mean something for a cluster."""
_AURORA: Final = {
    "postgres": "aurora-postgresql",
    "postgresql": "aurora-postgresql",
    "mysql": "aurora-mysql",
}
"""Engines of which a component that makes clusters speaks → RDS's names for them."""
_USERNAMES = {
    "postgres": (re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}"), frozenset({"admin", "rdsadmin", "user"})),
    "mysql": (re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}"), frozenset({"rdsadmin"})),
    "mariadb": (re.compile(r"[A-Za-z][A-Za-z0-9]{0,15}"), frozenset({"rdsadmin"})),
}
"""Family → what RDS takes as master user, and what it reserves."""


def read_component(scope: ComponentScope, *, protected: bool) -> DatabaseSpec:
    """The instance or cluster of one component of a stack, which may be production; what is wrong is collected."""
    inputs = Inputs(scope, scope.component.vars, ("vars",))
    create = scope.flag("create")
    made = None if create else databases_made(scope.component, scope.stack.base_path)
    engine = _engine(inputs, create=create, aurora=not create and makes_cluster(scope.component, made))
    cluster = is_cluster(engine)
    managed = inputs.boolean("manage_master_user_password", default=False)
    password = _password(inputs)
    if create:
        _check_needed(inputs, cluster=cluster, managed=managed)
    _check_cluster_variables(inputs, engine, create=create)
    if managed and _has_password(inputs):
        inputs.error(
            "manage_master_user_password",
            "manage_master_user_password stands beside a password",
            "Keep one: RDS writes the secret itself, or a secret of this stack is the password.",
        )
    count = inputs.integer(_first(inputs, "instance_count", "cluster_size"), 1, least=1, most=MOST_INSTANCES)
    instance_class = inputs.text(_first(inputs, "instance_class", "cluster_instance_class", "instance_type"))
    # What Terraform set is Terraform's to know.
    defaults = safe_defaults(inputs, protected=protected) if create else {}
    read = cluster_parameters if cluster else instance_parameters
    return DatabaseSpec(
        component=scope.name,
        identifier=_identifier(inputs, create=create, instances=(count or 1) if cluster and create else 0),
        traits=DatabaseTraits() if create else read_traits(scope, made_by_terraform=bool(made)),
        engine=engine,
        engine_known=inputs.has("engine"),
        engine_version=inputs.text("engine_version", example="16.4"),
        instance_class=instance_class or _SMALLEST[cluster],
        instance_count=count or 1 if cluster else 1,
        allocated_storage=allocated_storage(inputs, engine) if create and not cluster else USUAL_STORAGE,
        db_name=inputs.text(_first(inputs, "db_name", "database_name")),
        port=inputs.integer("port", least=PORTS[0], most=PORTS[1]),
        username=_username(inputs, engine, create=create),
        password=password,
        manage_master_user_password=managed,
        create=create,
        endpoints_are_hosts=not create and "rds" not in physical_name(scope.component).split("/"),
        tags=inputs.made_tags(),
        parameters=read(inputs, defaults) if create else {},
        instance_parameters=member_parameters(inputs, defaults) if cluster and create else {},
        defaults=defaults,
    )


def _first(inputs: Inputs, *keys: str) -> str:
    """The first of several spellings that is set; two of them are an error."""
    given = [key for key in keys if inputs.has(key)]
    if len(given) > 1:
        inputs.error(given[1], f"{given[0]} and {given[1]} mean the same", f"Keep {given[0]}.")
    return given[0] if given else keys[0]


def _engine(inputs: Inputs, *, create: bool, aurora: bool) -> str:
    errors = len(inputs.scope.stack.errors)
    engine = inputs.text("engine")
    if engine is None and create and len(inputs.scope.stack.errors) == errors:
        inputs.error("engine", "engine is missing", "Write vars.engine: postgres; the database is made here.")
    if aurora and engine in (None, *_AURORA):
        return _AURORA[engine or ("mysql" if "mysql" in physical_name(inputs.scope.component) else "postgres")]
    if engine is None:
        return _DEFAULT_ENGINE
    if engine == "aurora":
        inputs.error("engine", "engine is aurora, which AWS has retired", f"Write one of {listed(CLUSTERS)}.")
    elif engine.startswith("aurora-") and not is_cluster(engine):
        inputs.error("engine", f"engine is {engine!r}", f"Aurora has {listed(CLUSTERS)}.{near_miss(engine, CLUSTERS)}")
    elif create and not is_cluster(engine) and engine.split("-")[0] not in _FAMILIES:
        known = (*_FAMILIES, *CLUSTERS)
        inputs.error("engine", f"engine is {engine!r}", f"RDS has {listed(known)}.{near_miss(engine, known)}")
    return engine


def _check_needed(inputs: Inputs, *, cluster: bool, managed: bool) -> None:
    """What a database that is made here cannot do without."""
    noun = "cluster" if cluster else "instance"
    if not any(inputs.has(key) for key in ("username", "master_username")):
        inputs.error("username", "username is missing", f"Write vars.username: app; the {noun} is made here.")
    if not managed and not _has_password(inputs):
        inputs.error(
            "password",
            f"the {noun} to be made has no master password",
            f"Write password: {_REFERENCE}, or manage_master_user_password: true.",
        )


def _check_cluster_variables(inputs: Inputs, engine: str, *, create: bool) -> None:
    """A cluster is said by its engine; Multi-AZ DB clusters of plain engines are not supported."""
    if is_cluster(engine):
        return
    for key in _OF_CLUSTERS if create else ("cluster_identifier",):
        if inputs.has(key):
            said = f"engine is {engine}" if inputs.has("engine") else "no engine is named"
            inputs.error(
                key,
                f"{key} is for Aurora clusters, but {said}",
                f"Write engine: {CLUSTERS[0]} or {CLUSTERS[1]}; Multi-AZ DB clusters of other engines are not "
                "supported: a single instance with multi_az: true is.",
            )


def _username(inputs: Inputs, engine: str, *, create: bool) -> Late:
    key = _first(inputs, "username", "master_username")
    # Whoever made the database chose its master user: AWS knows it.
    username = inputs.late(key) or (_DEFAULT_USERNAME if create else Output(inputs.scope.name, ("username",)))
    pattern, reserved = _USERNAMES.get(family_of(engine), (None, frozenset()))
    if create and isinstance(username, str) and inputs.has(key) and pattern is not None:
        if username.lower() in reserved:
            inputs.error(key, f"{key} is {username}, which RDS reserves", f"Write another {key}, for example app.")
        elif not pattern.fullmatch(username):
            inputs.error(
                key, f"{key} is {username!r}, which RDS refuses", "Begin with a letter; go on with letters and digits."
            )
    return username


def _identifier(inputs: Inputs, *, create: bool, instances: int) -> str | None:
    """The identifier; that of a cluster leaves room for the numbers of its instances."""
    scope = inputs.scope
    settings = Inputs(scope, own_settings(scope.component), ("settings", "secrets_pipeline"))
    where, key = (settings, "identifier") if settings.has("identifier") else (inputs, "")
    key = key or _first(inputs, "identifier", "cluster_identifier")
    given = where.text(key, pattern=_IDENTIFIER, example="orders-dev")
    if given is None and not create:
        return None
    context = inputs.text("context_name") or inputs.text("tenant")
    found = given.lower() if given else instance_identifier(context, inputs.text("environment"), scope.name)
    longest = _IDENTIFIER_LENGTH - (len(f"-{instances}") if instances else 0)
    if len(found) > longest:
        where.error(
            key,
            f"{key} has {len(found)} characters; its instances are named {found[:8]}…-1 and so on",
            f"Write {dotted(where.at(key))} with up to {longest} characters.",
        )
    return found


def _has_password(inputs: Inputs) -> bool:
    return inputs.has("password") or inputs.has("master_password")


def _password(inputs: Inputs) -> SecretRef | None:
    """The secret whose generated password is the master password."""
    key = "master_password" if inputs.has("master_password") else "password"
    if not inputs.has(key):
        return None
    errors = len(inputs.scope.stack.errors)
    expression = inputs.scope.expression(inputs.values[key], inputs.at(key))
    if expression is None or not check(inputs.scope, expression, inputs.at(key), sensitive_allowed=True):
        return None
    match expression:
        case Output(component=component, path=(_, str(secret), *_), stack=stack) if expression.sensitive:
            _check_source(inputs, key, SecretRef(component=component, key=secret), stack)
            return SecretRef(component=component, key=secret) if len(inputs.scope.stack.errors) == errors else None
    inputs.error(
        key,
        f"{key} is not a reference to a secret of this stack",
        f"Take the password out of the YAML, let it be generated, and write {key}: {_REFERENCE}.",
    )
    return None


def _check_source(inputs: Inputs, key: str, ref: SecretRef, stack: str | None) -> None:
    if stack not in (None, inputs.scope.stack.stack.name):
        inputs.error(key, f"{key} refers to a secret of stack {stack}", "Declare the password in this stack.")
        return
    secrets: Any = inputs.scope.stack.components[ref.component].component.vars.get("secrets")
    entry = secrets.get(ref.key) if isinstance(secrets, Mapping) else None
    if not isinstance(entry, Mapping) or entry.get("generate_random_password") is not True:
        inputs.error(
            key,
            f"secret {ref.key} of component {ref.component} is not generated, so it cannot be a master password",
            "Set generate_random_password: true there.",
        )
