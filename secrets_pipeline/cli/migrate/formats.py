"""Write a migration as manifests with comments, or as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from secrets_pipeline.operations.migration.declared import Declared
from secrets_pipeline.operations.migration.entries import Component
from secrets_pipeline.operations.migration.forgetting import removed_blocks
from secrets_pipeline.operations.migration.migration import Adoption, Migration
from secrets_pipeline.operations.migration.model import Generated, MigratedSecret, Place
from secrets_pipeline.operations.migration.steps import adoption
from secrets_pipeline.operations.migration.yaml_text import Commented, Tree, plain, yaml_text


def as_manifests(migration: Migration) -> dict[str, str]:
    """Manifests by file name, one a stack; what differs in entries that are there stands in comments."""
    found: dict[Place | None, list[Component]] = {None: []} if migration.declared else {}
    for one in (*migration.components, *migration.parameter_components):
        found.setdefault(migration.stack_of(one), []).append(one)
    texts = {}
    for place, components in found.items():
        several = len(found) > 1
        name = f"secrets-{place.account_id}-{place.region}.yaml" if several and place else "secrets.yaml"
        texts[name] = "\n".join(_manifest(migration, place, components)) + "\n"
    return texts


def as_json(migration: Migration) -> dict[str, Any]:
    """The whole migration; no value."""
    forgets = migration.forgetting
    return {
        "read": migration.read,
        "notes": list(migration.notes),
        "secrets": [_secret(one) for one in migration.secrets],
        "components": [_component(one) for one in migration.components],
        "declared": [_declared(one) for one in migration.declared],
        "from_ssm": [_component(one) for one in migration.parameter_components],
        "forget": {
            "removed": list(forgets.blocks),
            "state_rm": list(forgets.resources),
            "hcl": removed_blocks(migration.state, forgets.blocks),
            "kept": [{"block": block, "needed_by": list(users)} for block, users in forgets.kept],
            "referred_to_by": list(forgets.dependents),
            "in_the_same_modules": list(forgets.beside),
            "forgotten_too": list(forgets.more),
        },
        "adopt": [_adoption(one) for one in migration.adoptions],
    }


def _manifest(migration: Migration, place: Place | None, components: list[Component]) -> Iterator[str]:
    if place is None:
        yield f"# For stack {migration.stack}."
        for one in migration.declared:
            yield from _comments(one)
    else:
        yield f"# For the stack of {place}."
    members: dict[str, Tree] = {}
    for component in components:
        sections: Tree = component.sections
        members[component.name] = (
            Commented(sections, ("Made of parameters: read the steps.",)) if component.from_ssm else sections
        )
    if members:
        yield yaml_text({"components": {"terraform": members}}).rstrip("\n")


def _comments(declared: Declared) -> Iterator[str]:
    same = "differs:" if declared.differences else "as Terraform has it"
    yield f"# {declared.secret.name} is declared already: {declared.spec.where}; {same}"
    yield from (f"#   {difference}" for difference in declared.differences)
    if declared.differences:
        less = f", without {', '.join(declared.surplus)}" if declared.surplus else ""
        yield f"# To keep what Terraform has{less}:"
        yield from (f"#   {line}" for line in yaml_text(declared.tree).splitlines())


def _adoption(one: Adoption) -> Mapping[str, Any]:
    commands = {verb: adoption(one, verb).replace(" \\\n ", "") for verb in ("plan", "apply")}
    place = {"account_id": one.place.account_id, "region": one.place.region} if one.place else None
    return {"stack": one.stack or None, "place": place, "names": list(one.names), **commands}


def _secret(secret: MigratedSecret) -> dict[str, Any]:
    value = secret.value
    said = {"generated": str(value.source)} if isinstance(value, Generated) else {"external": value.why}
    return {
        "name": secret.name,
        "arn": str(secret.arn),
        "address": str(secret.instance.address),
        "parts": [str(one.address) for one in secret.parts],
        "value": said,
        "notes": list(secret.notes),
    }


def _component(component: Component) -> dict[str, Any]:
    return {
        "component": component.name,
        "account_id": component.place.account_id,
        "region": component.place.region,
        **{section: plain(said) for section, said in component.sections.items()},
    }


def _declared(declared: Declared) -> dict[str, Any]:
    differences = [{"key": one.key, "declared": one.declared, "state": one.state} for one in declared.differences]
    return {
        "name": declared.secret.name,
        "component": declared.spec.ref.component,
        "key": declared.spec.ref.key,
        "where": declared.spec.where,
        "differences": differences,
        "yaml": plain(declared.tree) if declared.differences else None,
    }
