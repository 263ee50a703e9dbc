"""Judge whether a stack may start anew what it names: its own, granted by the operator, or an error."""

from __future__ import annotations

from secrets_pipeline.desired.boundary import Boundary
from secrets_pipeline.desired.consumer.refresh_model import (
    EcsRefresh,
    LambdaRefresh,
    RefreshMeans,
    SsmRefresh,
    StageRefresh,
)
from secrets_pipeline.desired.limits import FUNCTION_NAME
from secrets_pipeline.desired.reading.crossing import crosses, note, refuse
from secrets_pipeline.desired.reading.scope import ComponentScope
from secrets_pipeline.desired.settings.grants import grant_line, granted_document, runs_anything
from secrets_pipeline.references.model import Path


def crosses_means(scope: ComponentScope, means: RefreshMeans, path: Path) -> bool:
    """Note what is started anew, and collect an error if the operator's grants do not let the stack."""
    match means:
        case LambdaRefresh(function_name=name) if not FUNCTION_NAME.fullmatch(name):
            # AWS takes an ARN, an account and a version too; what a grant names is the function.
            scope.error(path, f"Lambda function {name} is no function's name", "Write it without account and version.")
            return False
        case LambdaRefresh():
            return crosses(scope, Boundary.FUNCTION, path, means.function_name)
        case EcsRefresh(service=service) if "/" in service or ":" in service:
            # AWS takes an ARN too; what a grant and the guard look at is `cluster/service`.
            scope.error(
                path, f"ECS service {service} is a path or an ARN, not a name", "Write the service's name alone."
            )
            return False
        case EcsRefresh():
            return crosses(scope, Boundary.SERVICE, path, means.name)
        case StageRefresh():
            return crosses(scope, Boundary.STAGE, path, means.name)
        case SsmRefresh():
            return _crosses_document(scope, means, path)


def _crosses_document(scope: ComponentScope, means: SsmRefresh, path: Path) -> bool:
    stack = scope.stack.stack.name
    by = granted_document(
        scope.stack.settings.grants, stack, means.document, targets=means.targets, parameters=means.parameters
    )
    if runs_anything(means.document):
        scope.error(
            (*path, "ssm_document"),
            f"document {means.document} runs whatever its parameters say, which nobody can grant",
            "Let the operator grant a document of your own, which restarts what reads the secret and no more.",
        )
        return False
    shown = f"{means.document} on {_listed(means.targets)}"
    if by:
        note(scope, Boundary.DOCUMENT, path, shown, allowed_by=by)
        return True
    wanted = {"name": means.document, "targets": means.targets} | (
        {"parameters": means.parameters} if means.parameters else {}
    )
    refuse(scope, Boundary.DOCUMENT, path, shown, grant_line(stack, Boundary.DOCUMENT, wanted))
    return False


def _listed(targets: object) -> str:
    pairs = targets.items() if isinstance(targets, dict) else ()
    return ", ".join(f"{key}={'|'.join(values)}" for key, values in pairs)
