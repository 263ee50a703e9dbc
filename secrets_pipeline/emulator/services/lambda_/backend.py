"""Replace moto's function and backend of Lambda."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from moto.awslambda import models as moto_models
from moto.awslambda import urls as moto_urls
from moto.awslambda.models import LambdaFunction
from moto.awslambda.policy import Policy
from moto.awslambda_simple.models import LambdaSimpleBackend, lambda_simple_backends
from moto.core.config import default_user_config
from moto.core.exceptions import JsonRESTError

from secrets_pipeline.access.evaluator import Caller, Context, Layer, PrincipalKind, Request, TargetResource, authorize
from secrets_pipeline.arn import Arn, account_of, iam_arn
from secrets_pipeline.emulator.control.delays import INTERFACES, PENDING, PENDING_IN_VPC
from secrets_pipeline.emulator.control.pace import PACE
from secrets_pipeline.emulator.core.fault import Fault
from secrets_pipeline.emulator.enforcement.contexts import about_time
from secrets_pipeline.emulator.enforcement.documents import policy as compiled
from secrets_pipeline.emulator.services.iam import last_put
from secrets_pipeline.emulator.services.lambda_ import response, runtime
from secrets_pipeline.emulator.services.lambda_.function import Function, Phase, require_idle, require_made
from secrets_pipeline.emulator.services.lambda_.logs import write_log
from secrets_pipeline.emulator.services.lambda_.runtime import Invocation

ENVIRONMENT_BYTES = 4096
_TAGS = 50
_STALE = (
    "The Revision Id provided does not match the latest Revision Id. "
    "Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
)


class EmulatedLambdaBackend(LambdaSimpleBackend):
    """Lambda without Docker: functions run in processes of this machine."""

    @property
    def _url_module(self) -> ModuleType:
        return moto_urls

    def get_function(self, function_name_or_arn: str, qualifier: str | None = None) -> LambdaFunction:
        """Find a function by its name or ARN; one of another region is not reachable.

        Raises:
            Fault: ResourceNotFoundException.
        """
        named = Arn.match(function_name_or_arn)
        if named is not None and named.region not in ("", self.region_name):
            raise Fault(
                "ResourceNotFoundException",
                f"Functions from '{named.region}' are not reachable in this region ('{self.region_name}')",
                404,
            )
        function: LambdaFunction = super().get_function(function_name_or_arn, qualifier)
        return function

    def create_function(self, spec: dict[str, Any]) -> LambdaFunction:
        """Create a function whose environment and tags fit.

        Raises:
            Fault: InvalidParameterValueException.
        """
        _check_environment(spec)
        if len(spec.get("Tags") or {}) > _TAGS:
            raise Fault("InvalidParameterValueException", "Number of tags exceeds resource tag limit.")
        in_network = bool((spec.get("VpcConfig") or {}).get("SubnetIds"))
        function = super().create_function(spec)
        if isinstance(function, Function):
            since = last_put(str(spec.get("Role"))) if in_network else None
            late = since is not None and not PACE.is_over(INTERFACES, str(spec.get("Role")), since)
            function.begin(Phase(PENDING_IN_VPC if in_network else PENDING, creates=True), failed=late)
        return function

    def update_function_configuration(
        self, function_name: str, qualifier: str, body: dict[str, Any]
    ) -> dict[str, Any] | None:
        """Update under the optimistic lock.

        Raises:
            Fault: PreconditionFailedException, ResourceConflictException, InvalidParameterValueException.
        """
        self._check_revision(function_name, body)
        _check_environment(body)
        return super().update_function_configuration(function_name, qualifier, body)

    def update_function_code(self, function_name: str, qualifier: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """Update under the optimistic lock.

        Raises:
            Fault: PreconditionFailedException, ResourceConflictException.
        """
        self._check_revision(function_name, body)
        answer = super().update_function_code(function_name, qualifier, body)
        function = self.get_function(function_name, None)
        if isinstance(function, Function):
            function.revise()
            answer = function.get_configuration()
        return answer

    def _check_revision(self, function_name: str, body: Mapping[str, Any]) -> None:
        wanted, function = body.get("RevisionId"), self.get_function(function_name, None)
        if not isinstance(function, Function):
            return
        if wanted and function.revision_id != wanted:
            raise Fault("PreconditionFailedException", _STALE, 412)
        require_idle(function)

    def add_permission(self, function_name: str, qualifier: str, raw: str) -> dict[str, Any]:
        """Add a statement with a StatementId of its own, whose principal stands as IAM reads it.

        https://docs.aws.amazon.com/lambda/latest/dg/permissions-function-cross-account.html

        Raises:
            Fault: ResourceConflictException.
        """
        statement_id = json.loads(raw).get("StatementId")
        policy: Policy = self.get_function(function_name, qualifier).policy
        if any(statement.get("Sid") == statement_id for statement in policy.statements):
            raise Fault(
                "ResourceConflictException",
                f"The statement id ({statement_id}) provided already exists. Please provide a new statement id, or "
                "remove the existing statement.",
                409,
            )
        statement = super().add_permission(function_name, qualifier, raw)
        principal = statement["Principal"]
        if isinstance(principal, str) and principal != "*":
            statement["Principal"] = {"AWS": principal}
            if principal.isdigit():
                statement["Principal"] = {"AWS": iam_arn(principal, "root", partition=self.partition)}
        return statement

    def invoke(self, function_name: str, qualifier: str | None, *rest: Any, **named: Any) -> bytes:  # noqa: ANN401 - moto's
        """Run the function; a failure is announced in the header that SDKs read as FunctionError."""
        body, _, response_headers = rest or (named["body"], named["headers"], named["response_headers"])
        function = self.get_function(function_name, qualifier)
        require_made(function)
        done = _invoke(function, body or "{}")
        if done.failed:
            response_headers["x-amz-function-error"] = "Unhandled"
        return done.payload

    def tag_resource(self, resource: str, tags: dict[str, str]) -> None:
        """Tag a function that is not being updated.

        Raises:
            Fault: ResourceConflictException.
        """
        function = _find(resource)
        if isinstance(function, Function):
            phase = function.busy
            if phase is not None and not phase.creates:
                require_idle(function)
        super().tag_resource(resource, tags)


def _check_environment(spec: Mapping[str, Any]) -> None:
    variables = (spec.get("Environment") or {}).get("Variables") or {}
    if len(json.dumps(variables, separators=(",", ":")).encode()) > ENVIRONMENT_BYTES:
        raise Fault(
            "InvalidParameterValueException",
            "Lambda was unable to configure your environment variables because the environment variables you have "
            "provided exceeded the 4KB limit.",
        )


def _invoke(function: LambdaFunction, body: str) -> Invocation:
    done = runtime.invoke(function, body)
    write_log(function, done.log)
    return done


def _find(arn: str) -> LambdaFunction | None:
    named = Arn.match(arn)
    if named is None or named.kind != "function":
        return None
    try:
        return lambda_simple_backends[named.account_id][named.region].get_function(arn, None)
    except (KeyError, JsonRESTError):
        return None


def exists(arn: str) -> bool:
    """Whether there is such a function, in whatever account and region."""
    return _find(arn) is not None


def role_of(arn: str) -> str:
    """ARN of a function's role, empty if there is no such function."""
    function = _find(arn)
    return "" if function is None else str(function.role)


def lets_in(arn: str, service: str, source_arn: str) -> bool:
    """Whether the function's policy lets an AWS service invoke it on behalf of a resource.

    https://docs.aws.amazon.com/lambda/latest/dg/permissions-function-services.html

    Args:
        arn: the function.
        service: for example `secretsmanager.amazonaws.com`.
        source_arn: the resource, in whose account the service acts.
    """
    function = _find(arn)
    if function is None or not function.policy.statements:
        return False
    document = {"Version": "2012-10-17", "Statement": function.policy.statements}
    rules = compiled("function policy", json.dumps(document))
    target = TargetResource(function.function_arn, function.account_id, Layer.SECRET_POLICY, rules)
    about = {**about_time(), "aws:sourcearn": (source_arn,), "aws:sourceaccount": (account_of(source_arn),)}
    asked = Request("lambda:InvokeFunction", Context(about))
    return bool(authorize(asked, Caller(service, "", PrincipalKind.SERVICE), target).allowed)


def run(arn: str, body: str) -> Invocation:
    """Invoke a function on behalf of another AWS service."""
    function = _find(arn)
    if function is None or function.get_configuration()["State"] != "Active":
        return Invocation(b"{}", failed=True, log="")
    return _invoke(function, body)


def install() -> None:
    """Put these classes in the place of moto's, without Docker."""
    default_user_config["lambda"] = {"use_docker": False}
    moto_models.LambdaFunction = Function  # type: ignore[misc] # the class that create_function instantiates
    lambda_simple_backends.backend = EmulatedLambdaBackend
    response.install()
