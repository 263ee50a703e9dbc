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
    tags = secret_tags(desired) if desired else {}
    linked = dg.CodeReferencesMetadataValue(code_references=references)
    return dg.AssetSpec(
        key=names.asset(ATMOS_STACK),
        group_name=names.of("declaration"),
        partitions_def=names.partitions,
        kinds={"yaml"},
        tags=dict(islice(tags.items(), _MOST)),
        metadata={"dagster/code_references": linked} if references else {},
        description="What the Atmos repository declares of a stack. Each change of it is an observation, so that an "
        "asset is Unsynced while the YAML says more than was applied. Its tags are the secrets, a dot for each slash."
        + _without_tags(len(tags) - _MOST),
    )


def _without_tags(count: int) -> str:
    if count <= 0:
        return ""
    return (
        f" It has {_MOST} tags, so {count:,} secrets have none. The search of the UI finds those that the component "
        "publishes (`publish`), and the table of its last observation has those of a stack."
    )


def secret_tags(desired: OpenRepository) -> Mapping[str, str]:
    """Make a tag of each secret, with its stack as the value: a name cannot have a slash, and has 63 characters."""
    found: dict[str, str] = {}
    for stack, spec in sorted(desired.specs.items()):
        for secret in sorted(one.name for one in spec.secrets):
            name = f"secret/{word(secret.replace('/', '.'))}"
            # Names may repeat in other accounts, and long ones by their ends.
            found[name] = _SEVERAL if found.get(name, stack) != stack else stack
    return {name: word(stack) for name, stack in found.items()}


def word(text: str) -> str:
    """Return what a name or value of a tag can say of a text: the end of a longer one, `_` for other characters."""
    return _FOREIGN.sub("_", text)[-_LONGEST:]


class References:
    """Links the line of YAML that declares a secret: on the web if the commit has it, else on this machine.

    Args:
        desired: the repository.
    """

    def __init__(self, desired: OpenRepository) -> None:
        self._base = desired.base_path.absolute()
        self._web = _web(desired, self._base)

    def of(self, secret: SecretSpec) -> dg.LocalFileCodeReference | dg.UrlCodeReference | None:
        """Return the link; None if no file declares the secret."""
        where = secret.where
        if where.file is None:
            return None
        if self._web:
            return dg.UrlCodeReference(url=f"{self._web}/{where.file}#L{where.line or 1}", label=secret.name)
        file = str(self._base / where.file)
        return dg.LocalFileCodeReference(file_path=file, line_number=where.line or 1, label=secret.name)


def _references(desired: OpenRepository) -> Iterator[dg.LocalFileCodeReference | dg.UrlCodeReference]:
    references = References(desired)
    found = (references.of(secret) for spec in desired.specs.values() for secret in spec.secrets)
    return (one for one in found if one is not None)


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
    asset, version = names.asset(ATMOS_STACK), desired.digest(stack)
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
