"""The expression language inside values: parse, order, resolve."""

from secrets_pipeline.references.defaults import with_defaults
from secrets_pipeline.references.inline import NoValueError, Variables, inline
from secrets_pipeline.references.model import (
    SENSITIVE_OUTPUTS,
    Call,
    Environment,
    Expression,
    FileContents,
    Json,
    Literal,
    Output,
    Path,
    SsmParameter,
    Text,
    Unsupported,
    Variable,
    WithDefault,
    dotted,
)
from secrets_pipeline.references.order import break_cycles, topological_order
from secrets_pipeline.references.parse import parse
from secrets_pipeline.references.resolve import (
    Lookup,
    Pending,
    Plain,
    Resolved,
    Secret,
    navigate,
    of_environment,
    resolve,
    substitute,
)
from secrets_pipeline.references.walk import is_sensitive, is_static, nodes, outputs, ssm_parameters
from secrets_pipeline.references.yaml_functions import parse_function

__all__ = [
    "SENSITIVE_OUTPUTS",
    "Call",
    "Environment",
    "Expression",
    "FileContents",
    "Json",
    "Literal",
    "Lookup",
    "NoValueError",
    "Output",
    "Path",
    "Pending",
    "Plain",
    "Resolved",
    "Secret",
    "SsmParameter",
    "Text",
    "Unsupported",
    "Variable",
    "Variables",
    "WithDefault",
    "break_cycles",
    "dotted",
    "inline",
    "is_sensitive",
    "is_static",
    "navigate",
    "nodes",
    "of_environment",
    "outputs",
    "parse",
    "parse_function",
    "resolve",
    "ssm_parameters",
    "substitute",
    "topological_order",
    "with_defaults",
]
