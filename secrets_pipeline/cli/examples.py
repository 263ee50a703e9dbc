"""Give each command examples for its help. A test has the command's own parser read every one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

EXAMPLES: Final[Mapping[str, Sequence[str]]] = {
    "config": ("secrets-pipeline config", "secrets-pipeline config --config operator.yaml --all"),
    "init": (
        "secrets-pipeline init --example eg-dev",
        "secrets-pipeline init > operator.yaml && export SECRETS_PIPELINE_CONFIG=$PWD/operator.yaml",
    ),
    "list stacks": (
        "secrets-pipeline list stacks -s 'eg-*,infra-*'",
        "secrets-pipeline list stacks --all --format json",
    ),
    "tree": ("secrets-pipeline tree", "secrets-pipeline tree -s '*-prod' --format json"),
    "describe stacks": (
        "secrets-pipeline describe stacks -s eg-dev --components secretsmanager",
        "secrets-pipeline describe stacks --sections vars --format json",
    ),
    "describe component": ("secrets-pipeline describe component secretsmanager/api -s eg-dev",),
    "schema": (
        "secrets-pipeline schema > secrets-pipeline.schema.json",
        "secrets-pipeline schema --with atmos-manifest.json > schemas/manifest.json",
    ),
    "doctor": (
        "secrets-pipeline doctor -s eg-prod",
        "secrets-pipeline doctor --experiment --region eu-west-2",
    ),
    "plan": (
        "secrets-pipeline plan --offline",
        "secrets-pipeline plan -s 'eg-*' --detailed-exitcode",
        "secrets-pipeline plan --affected --base main --format markdown > plan.md",
    ),
    "apply": ("secrets-pipeline apply -s eg-dev", "secrets-pipeline apply -s eg-dev --adopt 'eg/dev/*'"),
    "verify": ("secrets-pipeline verify -s 'eg-*'", "secrets-pipeline verify -s eg-prod --probe"),
    "rotate": (
        "secrets-pipeline rotate eg/dev/api/api-key --dry-run",
        "secrets-pipeline rotate --readable-by arn:aws:iam::111122223333:role/leaked",
    ),
    "orphans": (
        "secrets-pipeline orphans",
        "secrets-pipeline orphans -s eg-old --prune 'eg/old/*'",
    ),
    "destroy": ("secrets-pipeline destroy -s eg-old --dry-run", "secrets-pipeline destroy -s eg-old"),
    "rotation package": ("secrets-pipeline rotation package -o function.zip",),
    "events status": ("secrets-pipeline events status --format json",),
    "events redrive": ("secrets-pipeline events redrive --seconds 120",),
    "health": (
        "secrets-pipeline health",
        "secrets-pipeline health --verified-within 50 --format json",
    ),
    "access matrix": (
        "secrets-pipeline access matrix -s eg-prod --everybody",
        "secrets-pipeline access matrix -s eg-prod --format svg > readers.svg",
    ),
    "access explain": (
        "secrets-pipeline access explain --secret eg/dev/api/api-key --principal arn:aws:iam::111122223333:role/api",
    ),
    "access snapshot": ("secrets-pipeline access snapshot -s eg-prod -o audit.json",),
    "access reach": ("secrets-pipeline access reach -s eg-prod --principal arn:aws:iam::111122223333:role/api",),
    "access policy": ("secrets-pipeline access policy -s eg-prod --consumer api --offline",),
    "migrate terraform": (
        "secrets-pipeline migrate terraform --state - -s eg-dev",
        "secrets-pipeline migrate terraform --state state.json -s eg-dev -o migration",
    ),
    "iam-policy": ("secrets-pipeline iam-policy --plan-only", "secrets-pipeline iam-policy --format terraform"),
    "outputs": (
        "secrets-pipeline outputs -s eg-dev",
        "secrets-pipeline outputs -s eg-dev --format ecs",
    ),
    "local start": ('eval "$(secrets-pipeline local start)"',),
    "local status": ("secrets-pipeline local status",),
    "local stop": ("secrets-pipeline local stop",),
    "demo": ("secrets-pipeline demo", "secrets-pipeline demo --base-path ."),
    "dev": ("secrets-pipeline dev --base-path . --port 3001",),
}
"""By command, as it is called: whole lines for a shell."""
