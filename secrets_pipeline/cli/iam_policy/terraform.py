"""Write policies as resources of Terraform's AWS provider.

https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/iam_policy
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from secrets_pipeline.operations.rights.documents import RolePolicies

_UNNAMED = re.compile(r"[^A-Za-z0-9_-]+")


def as_terraform(roles: Iterable[RolePolicies]) -> str:
    """One `aws_iam_policy` a document, to be attached to its role, which the comment above it names."""
    return "\n".join(_resource(role, name, document) for role in roles for name, document in role.named.items())


def _resource(role: RolePolicies, name: str, document: object) -> str:
    # In HCL, `${` and `%{` begin templates: https://developer.hashicorp.com/terraform/language/expressions/strings
    text = json.dumps(document, indent=2).replace("${", "$${").replace("%{", "%%{").replace("\n", "\n  ")
    label = _UNNAMED.sub("_", f"{name}_{role.touched.account_id}").strip("_")
    whose = role.touched.role_arn or "the pipeline's own credentials"
    return (
        f"# Of {whose}, in account {role.touched.account_id}.\n"
        f'resource "aws_iam_policy" "{label}" {{\n'
        f'  name   = "{name}"\n'
        f"  policy = jsonencode({text})\n"
        "}\n"
    )
