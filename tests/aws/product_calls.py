"""Which operations of AWS the product calls, and what botocore's service models say of them."""

from __future__ import annotations

import ast
from pathlib import Path

import botocore.session
from botocore import xform_name

import secrets_pipeline
from secrets_pipeline.aws.operations import _BY_SERVICE
from secrets_pipeline.operations.rights.table import RIGHTS

BY_LIBRARIES = {"AssumeRole", "GenerateDataKey"}
"""Which no line of the product names: botocore's credentials and the encryption SDK call them."""

SERVICES = tuple(_BY_SERVICE)


OURS = {"Invoke", "Query", "Sign", "Verify"}
"""Names that methods of the product's own have as well; it calls no such operation."""


def operations_of(service: str) -> list[str]:
    return list(botocore.session.Session().get_service_model(service).operation_names)


def called() -> set[str]:
    """Every operation that a line of the product calls, by the name of the method."""
    of_method = {xform_name(operation): operation for service in SERVICES for operation in operations_of(service)}
    found = set()
    for path in Path(str(secrets_pipeline.__file__)).parent.rglob("*.py"):
        # The experiment is no part of what the pipeline's role does.
        if {"emulator", "experiment"} & {*path.parts}:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Name(id="pages" | "answers"), args=[_, ast.Constant(value=str(method)), *_]):
                    found.add(method)
                case ast.Attribute(attr=method):
                    found.add(method)
    return {of_method[method] for method in found if method in of_method} - OURS


def called_by_service() -> dict[str, set[str]]:
    """Map a service to its operations that the product calls.

    The table of rights says which of several services a name is of.
    """
    granted = {action for right in RIGHTS for action in right.actions(plan_only=False)}
    known = {service: set(operations_of(service)) for service in SERVICES}
    found: dict[str, set[str]] = {}
    for operation in called() | BY_LIBRARIES:
        having = [service for service in SERVICES if operation in known[service]]
        for service in having if len(having) == 1 else [one for one in having if f"{one}:{operation}" in granted]:
            found.setdefault(service, set()).add(operation)
    return found
