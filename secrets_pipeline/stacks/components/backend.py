"""Resolve the Terraform backend of a component (Atmos `internal/exec/stack_processor_backend.go`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from secrets_pipeline.errors import StackError, Where
from secrets_pipeline.golang.values import Value
from secrets_pipeline.stacks.components.sections import At
from secrets_pipeline.stacks.merge import ListStrategy, Section, merge_maps

_PREFIX_KEYS: Final = {"s3": "workspace_key_prefix", "gcs": "prefix"}


class BackendInputs(NamedTuple):
    """What decides a component's backends, after the merge of root, bases and component.

    Attributes:
        at: the component.
        folder: `metadata.name`, else the base component, else the component's name.
        backend_type: `s3` and the like, or empty.
        backend: settings by type.
        remote_type: `remote_state_backend_type`, or empty.
        remote: `remote_state_backend` by type.
        root: `terraform.backend` of the manifest alone.
        own: `backend` of the component alone.
    """

    at: At
    folder: str
    backend_type: str
    backend: Section
    remote_type: str
    remote: Section
    root: Section
    own: Section


def backends(inputs: BackendInputs, lists: ListStrategy) -> Section:
    """`backend`, `backend_type`, `remote_state_backend` and `remote_state_backend_type` of a component.

    Raises:
        StackError: `backend_type does not match any key configured under backend`.
    """
    backend = _with_defaults(_settings(inputs, "backend", inputs.backend_type, inputs.backend), inputs)
    remote_type = inputs.remote_type or inputs.backend_type
    both = merge_maps({inputs.backend_type: backend}, inputs.remote, lists)
    return {
        "backend": backend,
        "backend_type": inputs.backend_type,
        "remote_state_backend": _settings(inputs, "remote_state_backend", remote_type, both, inputs.remote),
        "remote_state_backend_type": remote_type,
    }


def _settings(
    inputs: BackendInputs, name: str, backend_type: str, configured: Section, declared: Section | None = None
) -> Section:
    """The settings of one type, which must be among those that the manifests declare if they declare any."""
    declared = configured if declared is None else declared
    if backend_type and declared and backend_type not in declared:
        raise StackError(
            f"backend_type does not match any key configured under backend: {name}_type is {backend_type!r}, "
            f"but {name} only configures {', '.join(sorted(declared))}",
            where=Where(file=inputs.at.file, component=inputs.at.component, key=f"{name}_type"),
            remedy=f"Add a {backend_type!r} key under {name}, or change {name}_type.",
        )
    settings = configured.get(backend_type, {})
    if not isinstance(settings, dict):
        raise StackError(
            f"invalid terraform {name} section for the component {inputs.at.component!r}",
            where=Where(file=inputs.at.file, component=inputs.at.component, key=f"{name}.{backend_type}"),
            remedy="It must be a mapping.",
        )
    return settings


def _with_defaults(settings: Section, inputs: BackendInputs) -> Section:
    folder = inputs.folder.replace("/", "-")
    prefix = _PREFIX_KEYS.get(inputs.backend_type)
    if prefix is not None:
        return settings if _is_text(settings, prefix) else {**settings, prefix: folder}
    if inputs.backend_type != "azurerm" or isinstance(_azure(inputs.own).get("key"), str):
        return settings
    root_key = _azure(inputs.root).get("key")
    if _is_text(settings, "key") and settings["key"] != root_key:
        return settings
    parts = [root_key] if isinstance(root_key, str) else []
    return {**settings, "key": "/".join([*parts, f"{folder}.terraform.tfstate"])}


def _azure(section: Section) -> Mapping[str, Value]:
    settings = section.get("azurerm")
    return settings if isinstance(settings, dict) else {}


def _is_text(settings: Section, key: str) -> bool:
    return isinstance(settings.get(key), str) and settings[key] != ""
