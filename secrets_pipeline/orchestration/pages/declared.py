"""Define `atmos_stack`, the external asset that stands for what the YAML declares, and observe its versions.

The catalogue of Dagster's own UI finds assets by key, group, kind, owner and tag; by column, that of Dagster+ alone. So
each secret is a tag of `atmos_stack`, whose value names the stack.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final

import dagster as dg

from secrets_pipeline.desired.secret.model import SecretSpec
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.operations.open_repository import OpenRepository
from secrets_pipeline.operations.revision.model import Revision, clone_of
from secrets_pipeline.orchestration.pages.lines import common_folder, lines_of
from secrets_pipeline.orchestration.shared.names import ATMOS_STACK, Names

VERSION_TAG: Final = "dagster/data_version"
_MOST = 300
"""Secrets that are tags, and lines of YAML that are linked: the UI shows all of them on the asset's page."""
_LONGEST = 63
"""Characters of a name and of a value of a tag. Source: https://docs.dagster.io/guides/build/assets/metadata-and-tags/tags"""
_FOREIGN = re.compile(r"[^A-Za-z0-9_.-]")
_SEVERAL = "several"
_WEB: Final[Mapping[str, str]] = {"github.com": "blob", "gitlab.com": "-/blob"}
"""Hosts whose pages of files are known: the part of the address between repository and commit."""


def atmos_stack_spec(names: Names, desired: OpenRepository | None) -> dg.AssetSpec:
    """Define `atmos_stack`.

    Args:
        names: of the code location.
        desired: what is declared as the code location loads, for tags and code references; None where that cannot be
            read.
    """
    references = list(islice(_references(desired), _MOST)) if desired else []
    linked = dg.CodeReferencesMetadataValue(code_references=references)
    return dg.AssetSpec(
        key=names.asset(ATMOS_STACK),
        group_name=names.of("declaration"),
        partitions_def=names.partitions,
        kinds={"yaml"},
        tags=secret_tags(desired) if desired else {},
        metadata={"dagster/code_references": linked} if references else {},
        description="What the Atmos repository declares of a stack. Each change of it is an observation, so that an "
        "asset is Unsynced while the YAML says more than was applied. Its tags are the secrets, a dot for each slash.",
    )


def secret_tags(desired: OpenRepository) -> Mapping[str, str]:
    """Make a tag of each secret, with its stack as the value: a name cannot have a slash, and has 63 characters."""
    found: dict[str, str] = {}
    for stack, spec in sorted(desired.specs.items()):
        for secret in sorted(one.name for one in spec.secrets):
            name = f"secret/{_word(secret.replace('/', '.'))}"
            # Names may repeat in other accounts, and long ones by their ends.
            found[name] = _SEVERAL if found.get(name, stack) != stack else stack
    return {name: _word(stack) for name, stack in islice(found.items(), _MOST)}


def _word(text: str) -> str:
    return _FOREIGN.sub("_", text)[-_LONGEST:]


def _references(desired: OpenRepository) -> Iterator[dg.LocalFileCodeReference | dg.UrlCodeReference]:
    """Link the line of YAML that declares each secret: on the web where the commit has it, else on this machine."""
    base = desired.base_path.absolute()
    web = _web(desired, base)
    for spec in desired.specs.values():
        for secret in spec.secrets:
            if secret.where.file is None:
                continue
            label = secret.name
            line = secret.where.line or 1
            if web:
                yield dg.UrlCodeReference(url=f"{web}/{secret.where.file}#L{line}", label=label)
            else:
                yield dg.LocalFileCodeReference(file_path=str(base / secret.where.file), line_number=line, label=label)


def _web(desired: OpenRepository, base: Path) -> str:
    """The address of the repository's folder at its commit; empty where nobody can tell."""
    host = desired.repository.partition("/")[0]
    if host not in _WEB or not desired.revision.is_committed:
        return ""
    top = clone_of(base)
    inside = (
        base.resolve().relative_to(top).as_posix() if top is not None and base.resolve().is_relative_to(top) else "."
    )
    folder = "" if inside == "." else f"/{inside}"
    return f"https://{desired.repository}/{_WEB[host]}/{desired.revision.commit}{folder}"


def observe_declared(
    instance: dg.DagsterInstance, names: Names, desired: OpenRepository, stack: str, *, said: str = ""
) -> None:
    """Observe what a stack declares, where no observation says so yet.

    Args:
        instance: whose storage.
        names: of the code location.
        desired: the repository.
        stack: its name; one with errors is not observed.
        said: what is to be told of it.
    """
    spec = desired.specs.get(stack)
    if spec is None:
        return
    asset, version = names.asset(ATMOS_STACK), desired.digests[stack]
    wanted = dg.AssetRecordsFilter(asset_key=asset, asset_partitions=[stack])
    records = instance.fetch_observations(wanted, limit=1).records
    last = records[0].asset_observation if records else None
    if last is not None and (last.tags or {}).get(VERSION_TAG) == version and not said:
        return
    instance.report_runless_asset_event(
        dg.AssetObservation(
            asset_key=asset,
            partition=stack,
            description=said or None,
            metadata=_page(desired, spec),
            tags={VERSION_TAG: version},
        )
    )


def _page(desired: OpenRepository, spec: StackSpec) -> Mapping[str, Any]:
    parts = {
        "secrets": len(spec.secrets),
        "KMS keys": len(spec.keys),
        "databases": len(spec.databases),
        "consumers": len(spec.consumers),
    }
    return {
        "summary": ", ".join(f"{count} {what}" for what, count in parts.items() if count) or "nothing is declared",
        "list": lines_of("secrets", [_line(secret) for secret in spec.secrets], folder=common_folder(spec)),
        "commit": _commit(desired.revision) or "not known",
    }


def _commit(revision: Revision) -> str:
    """As git shortens it; whole, it is in the tags of runs."""
    changed = " and local edits" if revision.changes else ""
    return f"{revision.commit[:12]}{changed}"


def _line(secret: SecretSpec) -> str:
    place = f", {secret.where.file}:{secret.where.line}" if secret.where.file else ""
    return f"{secret.name} in {secret.ref.component}{place}"
