"""Judge each crossing of a boundary while the desired state is built: granted, for its owner to say, or an error."""

from __future__ import annotations

import glob
import re

from secrets_pipeline.desired.base import SecretRef
from secrets_pipeline.desired.boundary import TAGGED, Boundary, Crossing
from secrets_pipeline.desired.limits import SECRET_NAME_LENGTH
from secrets_pipeline.desired.names import output_folders
from secrets_pipeline.desired.reading.scope import ComponentScope
from secrets_pipeline.desired.settings.grants import grant_line, granted
from secrets_pipeline.errors import NotGrantedError
from secrets_pipeline.references.model import Environment, Expression, FileContents, Output, Path, SsmParameter, dotted
from secrets_pipeline.stacks import Included, real_name

_OF_SECRETS = "/aws/reference/secretsmanager/"
"""Parameter Store reads Secrets Manager for what follows.

Source: https://docs.aws.amazon.com/systems-manager/latest/userguide/integration-ps-secretsmanager.html
"""


def crosses(
    scope: ComponentScope,
    boundary: Boundary,
    path: Path,
    name: str,
    *known_as: str,
    subjects: tuple[str, ...] = (),
    later: bool = False,
) -> bool:
    """Note what is crossed, and collect an error if the operator's grants do not let the stack.

    Args:
        scope: the component that says so.
        boundary: its kind.
        path: where it says so.
        name: what it is, for humans.
        known_as: what a grant may name it by, the best one first; `name` if not given.
        subjects: the secrets or the key that it concerns, by name.
        later: whether only AWS can tell that it is not the stack's own.

    Returns:
        Whether it is granted, or may be by the tag of its owner.
    """
    stack, names = scope.stack.stack.name, known_as or (name,)
    by = granted(scope.stack.settings.grants, stack, boundary, *names)
    if by or later or boundary in TAGGED:
        note(scope, boundary, path, name, subjects=subjects, allowed_by=by)
        return True
    refuse(scope, boundary, path, name, grant_line(stack, boundary, glob.escape(names[0])), subjects=subjects)
    return False


def note(
    scope: ComponentScope,
    boundary: Boundary,
    path: Path,
    name: str,
    *,
    subjects: tuple[str, ...] = (),
    allowed_by: str = "",
    needs_grant: str = "",
) -> None:
    """Note what is crossed, whoever allows it, and the line that would allow what nobody does."""
    scope.stack.crossings.append(
        Crossing(
            boundary=boundary,
            name=name,
            component=scope.name,
            key=dotted(path),
            subjects=subjects or _secret_at(scope, path),
            allowed_by=allowed_by,
            needs_grant=needs_grant,
        )
    )


def _secret_at(scope: ComponentScope, path: Path) -> tuple[str, ...]:
    match path:
        case ("vars", "secrets", key, *_):
            return (str(SecretRef(component=scope.name, key=str(key))),)
        case _:
            return ()


def crosses_reference(scope: ComponentScope, node: Expression, path: Path) -> bool:
    """The same for one reference; what the pipeline published of the stack, and its own outputs, cross nothing."""
    stack = scope.stack.stack.name
    match node:
        case Output(stack=other) if other not in (None, stack):
            boundary = Boundary.VALUE if node.sensitive else Boundary.OUTPUT
            return crosses(scope, boundary, path, f"{other}:{node.component}.{dotted(node.path)}", str(other))
        case SsmParameter(name=name) if _OF_SECRETS in re.sub("/+", "/", name.lower()):
            scope.error(
                path,
                f"SSM parameter {name} is a secret under another name, which no grant of parameters lets in",
                "Write !terraform.state COMPONENT STACK secret_values.KEY, and let the operator grant values.",
            )
            return False
        case SsmParameter(name=name) if not _is_own(scope, name):
            return crosses(scope, Boundary.PARAMETER, path, name)
        case FileContents(path=file):
            base = scope.stack.base_path
            return crosses(scope, Boundary.FILE, path, file if base is None else real_name(base, file))
        case Environment(name=name) if name in scope.stack.settings.environment_allowed:
            note(scope, Boundary.ENVIRONMENT, path, name, allowed_by="environment_allowed")
    return True


def _is_own(scope: ComponentScope, parameter: str) -> bool:
    """Whether the pipeline published a parameter of the stack: what lies deepest around it is the stack's own."""
    around: dict[str, list[str]] = {}
    for stack in {scope.stack.stack.name, *scope.stack.stacks}:
        for folder in output_folders(stack):
            if parameter.startswith(f"{folder}/"):
                around.setdefault(folder, []).append(stack)
    return bool(around) and scope.stack.stack.name in around[max(around, key=len)]


def included_file(included: Included) -> Crossing:
    """What a manifest takes in with `!include`: any file that the reader may read, as with imports."""
    return Crossing(
        boundary=Boundary.FILE,
        name=included.file,
        component="",
        key=f"included by {included.by}",
        allowed_by="a file of the repository",
    )


def crosses_name(scope: ComponentScope, name: str, path: Path, pattern: str, *, subjects: tuple[str, ...] = ()) -> bool:
    """The same for the name of a secret that is not below a prefix of the stack's own.

    Args:
        scope: the component that declares it.
        name: of the secret.
        path: where the YAML says it.
        pattern: what a grant would name: said once for all names of the component.
        subjects: the secrets that have the name.
    """
    stack = scope.stack.stack.name
    # Names hold no `*`: it stands for all of them, of whatever length, so that `?` of a grant matches none of these.
    judged = name.replace("*", "*" * SECRET_NAME_LENGTH)
    by = granted(scope.stack.settings.grants, stack, Boundary.SECRET, judged)
    if by:
        note(scope, Boundary.SECRET, path, name, subjects=subjects, allowed_by=by)
    else:
        refuse(scope, Boundary.SECRET, path, pattern, grant_line(stack, Boundary.SECRET, pattern), subjects=subjects)
    return bool(by)


def refuse(
    scope: ComponentScope, boundary: Boundary, path: Path, name: str, line: str, *, subjects: tuple[str, ...] = ()
) -> None:
    """Note a crossing that no grant names, and collect its error, each with the line that would grant it."""
    note(scope, boundary, path, name, subjects=subjects, needs_grant=line)
    scope.stack.withheld.append(
        NotGrantedError(
            f"{boundary} {name} is not this stack's own, and no grant of the operator names it",
            remedy="Take it out, or let the operator write (`secrets-pipeline init` prints settings) under grants:",
            line=line,
            where=scope.where(path),
        )
    )
