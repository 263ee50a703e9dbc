"""Read `lambda`, `ecs` and `apigateway` components: where references are delivered to, and what is started anew.

A component with `settings.secrets_pipeline.deliver: true` or `refresh: true` is changed; any other is only found by its
name, so that its outputs can be referred to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from secrets_pipeline.desired.consumer.model import Delivery, EcsDelivery, LambdaDelivery, StageDelivery
from secrets_pipeline.desired.consumer.refreshes import refreshes_deliveries
from secrets_pipeline.desired.limits import ROLE_ARN
from secrets_pipeline.desired.outputs import NAMING_VARIABLES
from secrets_pipeline.desired.reading.inputs import Inputs, found_kind
from secrets_pipeline.desired.reading.reference_targets import check, refuse_sensitive, settled
from secrets_pipeline.desired.reading.scope import ComponentScope
from secrets_pipeline.errors import ExpressionError
from secrets_pipeline.references.model import Expression, Literal
from secrets_pipeline.references.walk import outputs

_EXAMPLE_ROLE = "arn:aws:iam::111122223333:role/orders"
_FUNCTION_VARIABLE = re.compile(r"[a-zA-Z][a-zA-Z0-9_]+")
"""EnvironmentVariableName of Lambda's model in botocore."""
_STAGE_VARIABLE = re.compile(r"[A-Za-z0-9_]+")
"""https://docs.aws.amazon.com/apigateway/latest/developerguide/stage-variables.html"""


_CHANGES_THE_PROGRAM = re.compile(
    r"PATH|NODE_(OPTIONS|PATH|EXTRA_CA_CERTS|TLS_REJECT_UNAUTHORIZED)|LD_.*|DYLD_.*|GCONV_PATH|PYTHON.*|RUBY(OPT|LIB)"
    r"|GEM_(PATH|HOME)|BUNDLE_.*|PERL5?(LIB|OPT|DB)|BASH_.*|ENV|IFS|PHP(RC|_INI_SCAN_DIR)|GIT_.*|DOTNET_STARTUP_HOOKS"
    r"|COR(ECLR)?_.*|((_JAVA|JAVA_TOOL|JDK_JAVA)_OPTION|(JAVA|CATALINA|MAVEN|GRADLE|JVM)_OPT)S|CLASSPATH|.*_PROXY"
    r"|(OPENSSL|SSL)_.*|(REQUESTS|CURL)_CA_BUNDLE|_HANDLER"
    r"|AWS_(LAMBDA_.*|ENDPOINT_URL.*|CONTAINER_.*|ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|PROFILE|CA_BUNDLE|DATA_PATH"
    r"|CONFIG_FILE|SHARED_CREDENTIALS_FILE|ROLE_ARN|WEB_IDENTITY_TOKEN_FILE|EC2_METADATA_.*|XRAY_DAEMON_ADDRESS)",
    re.IGNORECASE,
)
"""Variables that say which code a program loads, or as whom and where to it calls: no reference belongs there."""


@dataclass(frozen=True, slots=True)
class Active:
    """What is done to a component's function, service or stage; false where it is only found."""

    deliver: bool
    refresh: bool

    def __bool__(self) -> bool:
        return self.deliver or self.refresh


def read_component(scope: ComponentScope, kind: str) -> Sequence[Delivery]:
    """The deliveries of one component: one a function, container or stage; what is wrong is collected."""
    inputs = Inputs(scope, scope.component.vars, ("vars",))
    deliver = scope.flag("deliver")
    active = Active(deliver=deliver, refresh=refreshes_deliveries(scope, kind, deliver=deliver))
    refuse_sensitive(scope, scope.component.vars, inputs.path)
    names = _names(inputs, NAMING_VARIABLES[kind], required=bool(active))
    if not all(names.values()):
        return ()
    if kind == "lambda":
        return (_function(inputs, names["function_name"], active),)
    if kind == "ecs":
        return _service(inputs, names["cluster_name"], names["service_name"], active)
    return (_stage(inputs, names["api_name"], names["stage_name"], active),)


def _names(inputs: Inputs, keys: Iterable[str], *, required: bool) -> dict[str, str]:
    if required:
        return {key: inputs.required_text(key, f"Write vars.{key}: it finds what is delivered to.") for key in keys}
    return {key: _quiet_text(inputs, key) for key in keys}


def _quiet_text(inputs: Inputs, key: str) -> str:
    """Text where it is known; a component that is not delivered to may hold what only Terraform understands."""
    try:
        found = inputs.scope.read(inputs.values.get(key))
    except ExpressionError:
        return ""
    return found.value if isinstance(found, Literal) and isinstance(found.value, str) else ""


def _function(inputs: Inputs, function_name: str, active: Active) -> LambdaDelivery:
    variables = inputs.inputs("environment_variables")
    environment = _references(variables) if active else {}
    for name in environment:
        if not _FUNCTION_VARIABLE.fullmatch(name):
            remedy = "Begin with a letter, and use two or more letters, digits and _."
            variables.error(name, f"environment variable {name!r} has a name that Lambda does not take", remedy)
    return LambdaDelivery(
        component=inputs.scope.name,
        deliver=active.deliver,
        refresh=active.refresh,
        function_name=function_name,
        role_arn=_role(inputs, "role_arn") if active else None,
        environment=environment,
    )


def _service(inputs: Inputs, cluster: str, service: str, active: Active) -> Sequence[EcsDelivery]:
    family = (inputs.text("task_family") or inputs.text("family") if active else None) or service
    containers = [
        (
            container.required_text("name", "Write the container's name, as in the task definition."),
            _named(container, "secrets", ("valueFrom", "value_from")),
            _named(container, "environment", ("value",)),
        )
        for container in (inputs.entries("container_definitions") if active else ())
    ]
    return [
        EcsDelivery(
            component=inputs.scope.name,
            deliver=active.deliver,
            refresh=active.refresh,
            cluster=cluster,
            service=service,
            family=family,
            container=name,
            execution_role_arn=_role(inputs, "execution_role_arn") if active else None,
            task_role_arn=_role(inputs, "task_role_arn") if active else None,
            secrets=secrets,
            environment=environment,
        )
        for name, secrets, environment in containers or [("", {}, {})]
    ]


def _stage(inputs: Inputs, api_name: str, stage_name: str, active: Active) -> StageDelivery:
    variables = inputs.inputs("stage_variables")
    if active:
        for name in variables.values:
            if not _STAGE_VARIABLE.fullmatch(name):
                variables.error(name, f"stage variable {name!r} has a wrong name", "Use letters, digits and _ only.")
    return StageDelivery(
        component=inputs.scope.name,
        deliver=active.deliver,
        refresh=active.refresh,
        api_name=api_name,
        stage_name=stage_name,
        variables=_references(variables) if active else {},
    )


def _role(inputs: Inputs, key: str) -> str | None:
    return inputs.text(key, pattern=ROLE_ARN, example=_EXAMPLE_ROLE)


def _references(entries: Inputs) -> dict[str, Expression]:
    """The entries that refer to outputs; plain text stays Terraform's."""
    found = {name: _reference(entries, name) for name in entries.values}
    return {name: expression for name, expression in found.items() if expression is not None}


def _reference(entries: Inputs, key: str, name: str = "") -> Expression | None:
    value = entries.values[key]
    if isinstance(value, Mapping | list):
        entries.error(key, f"{key} is {found_kind(value)}, not text", f'Write {key}: "…".')
        return None
    written = entries.scope.expression(value, entries.at(key))
    if written is None:
        return None
    expression = settled(entries.scope, written)
    if outputs(expression) and _CHANGES_THE_PROGRAM.fullmatch(name or key):
        entries.error(
            key,
            f"{name or key} changes what a program runs, so nothing is delivered to it",
            "Deliver to a variable of the program's own.",
        )
        return None
    if not outputs(expression) or not check(entries.scope, expression, entries.at(key)):
        return None
    return expression


def _named(container: Inputs, key: str, value_keys: Sequence[str]) -> dict[str, Expression]:
    """`[{name: X, valueFrom: …}]` as X → expression."""
    found: dict[str, Expression] = {}
    for entry in container.entries(key):
        if not entry.values:
            continue
        name = entry.required_text("name", "Write the name of the environment variable.")
        value_key = next((one for one in value_keys if entry.has(one)), None)
        if value_key is None:
            entry.error(value_keys[0], f"{value_keys[0]} is missing", f"Write {value_keys[0]}: !terraform.state ….")
            continue
        expression = _reference(entry, value_key, name)
        if expression is not None and name:
            found[name] = expression
    return found
