"""Read where a component's Terraform state is, as Atmos does without Terraform.

Sources, at commit 0a1cb44 of cloudposse/atmos: `internal/terraform_backend/terraform_backend_s3.go`
(GetS3BackendAssumeRoleArn, ReadTerraformBackendS3Internal), `terraform_backend_local.go`, `terraform_backend_utils.go`
(GetTerraformBackend: no backend_type is `local`) and, for workspace `default`, the tests of cloudposse/atmos#1929.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any, Final, NamedTuple

from secrets_pipeline.desired.terraform_state.model import LocalState, S3State, StatePlace
from secrets_pipeline.golang.yaml.tags import FunctionCall
from secrets_pipeline.references.yaml_functions import A_PARAMETER
from secrets_pipeline.stacks import Component, readable_state_problem, real_name
from secrets_pipeline.stacks.files.disk import is_file

_PARAMETER: Final = f"let Terraform put it into a parameter and write {A_PARAMETER}"
_DEFAULT: Final = ("", "default")
"""Workspaces whose state lies without a prefix."""
_ELSEWHERE: Final = ("endpoint", "endpoints")
_OF_CUSTOMER: Final = "sse_customer_key"


class NoState(NamedTuple):
    """Why a component's state is not read.

    Attributes:
        problem: goes on after "only Terraform knows output x of component c".
        remedy: what to do.
    """

    problem: str
    remedy: str = f"Write the value, or {_PARAMETER}."


def state_place(component: Component, base_path: FilePath | None) -> StatePlace | NoState:
    """Find the state of a component.

    Args:
        component: as resolved.
        base_path: of the repository; None takes a local state as given.
    """
    kind, backend = component.resolved.get("backend_type") or "", component.resolved.get("backend")
    settings: Mapping[str, Any] = backend if isinstance(backend, Mapping) else {}
    if component.resolved.get("remote_state_backend_type") == "static":
        return NoState(": its remote state is static", "Write the value that remote_state_backend.static holds.")
    if kind == "s3":
        return _in_bucket(settings, str(component.resolved.get("workspace") or ""))
    if kind in ("local", ""):
        return _in_file(component, base_path, named=bool(kind), moved=bool(settings.get("path")))
    return NoState(f": its backend is {kind}, and only states of s3 and local are read")


def _in_bucket(settings: Mapping[str, Any], workspace: str) -> StatePlace | NoState:
    assumed = settings.get("assume_role")
    named = {
        "bucket": settings.get("bucket"),
        "key": settings.get("key"),
        "workspace_key_prefix": settings.get("workspace_key_prefix"),
        "region": settings.get("region"),
        "role_arn": (assumed.get("role_arn") if isinstance(assumed, Mapping) else None) or settings.get("role_arn"),
    }
    for name, value in named.items():
        if value is not None and (not isinstance(value, str) or isinstance(value, FunctionCall) or "{{" in value):
            return NoState(f": {name} of its backend is no text that the YAML alone says", f"Write {name} as text.")
        if not value and name in ("bucket", "key"):
            return NoState(f": its backend s3 names no {name}", f"Write backend.s3.{name}.")
    for name in (*_ELSEWHERE, _OF_CUSTOMER):
        if settings.get(name):
            return NoState(f": its backend sets {name}, and only buckets that AWS itself opens are read")
    key = str(named["key"])
    if workspace not in _DEFAULT:
        key = posixpath.join(named["workspace_key_prefix"] or "", workspace, key.lstrip("/"))
    return S3State(
        bucket=str(named["bucket"]),
        key=posixpath.normpath(key),
        region=named["region"] or "",
        role_arn=named["role_arn"] or None,
    )


def _in_file(component: Component, base_path: FilePath | None, *, named: bool, moved: bool) -> StatePlace | NoState:
    remedy = f"Write the value, or {_PARAMETER}. The pipeline reads the state if the stack names its s3 backend."
    info, workspace = component.resolved.get("component_info"), str(component.resolved.get("workspace") or "")
    folder = info.get("component_path") if isinstance(info, Mapping) else None
    if not isinstance(folder, str) or (base_path is None and not named):
        return NoState("", remedy)
    below = () if workspace in _DEFAULT else ("terraform.tfstate.d", workspace)
    path = posixpath.normpath(posixpath.join(folder, *below, "terraform.tfstate"))
    if base_path is None:
        return LocalState(path=path)
    if unreadable := readable_state_problem(base_path, path):
        return NoState(f": its state {path} {unreadable.problem}", unreadable.remedy)
    if is_file(base_path / path):
        return LocalState(path=real_name(base_path, path))
    if named:
        where = ", where Atmos looks for it whatever backend.local.path says" if moved else ""
        return NoState(f": there is no state {path}{where}", "Apply the component with Terraform first.")
    return NoState("", remedy)
