"""Read the names and tags by which the database of a component is found where the component names no identifier.

Terraform names it. Cloud Posse's modules take the id of terraform-null-label and write its labels as tags; tf-atmos and
others join variables in ways of their own.

Sources: https://github.com/cloudposse/terraform-null-label (main.tf: label_order, tags_context),
https://github.com/cloudposse/terraform-aws-rds (main.tf: `identifier = module.this.id`),
https://github.com/cloudposse/terraform-aws-rds-cluster (main.tf: `cluster_identifier`),
https://github.com/cloudposse-terraform-components/aws-aurora-postgres (`attributes = [var.cluster_name]`),
https://github.com/hemzaz/tf-atmos (components/terraform/rds/main.tf: `name`)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from secrets_pipeline.desired.database.model import DatabaseSpec, DatabaseTraits
from secrets_pipeline.desired.kinds import physical_name
from secrets_pipeline.desired.names import instance_identifier
from secrets_pipeline.desired.reading.ours import literal
from secrets_pipeline.desired.reading.scope import ComponentScope

_DEFAULT_ORDER: Final = ("namespace", "environment", "stage", "name", "attributes")
_WITH_TENANT: Final = ("namespace", "tenant", "environment", "stage", "name", "attributes")
_LABELS: Final = ("namespace", "tenant", "environment", "stage")
_IDENTIFIERS: Final = ("db_identifier", "db_instance_identifier", "instance_identifier", "rds_identifier", "name")
"""Variables that modules take as the identifier."""
_SUFFIXES: Final = ("cluster_name", "mysql_name")
"""Variables that Cloud Posse's aurora components append to the attributes."""
_NEEDED: Final = (("engine",), ("username", "master_username"), ("password", "master_password"))
"""Variables that `create: true` needs, each in its spellings."""


def read_traits(scope: ComponentScope, *, made_by_terraform: bool) -> DatabaseTraits:
    """Read what the variables of a component say of the identifier and tags of its database.

    Args:
        scope: the component.
        made_by_terraform: whether its Terraform code makes a database, so that `create: true` is not for it.
    """
    said = _Said(scope)
    labels = said.labels()
    order = said.texts("label_order")
    orders = (tuple(order),) if order else (_DEFAULT_ORDER, _WITH_TENANT)
    attributes, suffixes = said.texts("attributes"), [one for one in map(said.text, _SUFFIXES) if one]
    of_aurora = physical_name(scope.component).rpartition("/")[2].startswith("aurora-")
    variants = [[*attributes, one] for one in suffixes] + ([] if of_aurora and suffixes else [attributes])
    own = [said.text("name"), *attributes, *(suffixes if of_aurora else [])]
    # Without a name of its own, each component of the stack has the same id.
    ids = [
        _identifier({**labels, "name": said.text("name"), "attributes": "-".join(variant)}, one)
        for variant in variants
        for one in orders
        if any(own)
    ]
    stack = scope.stack.stack.name
    joined = [
        *map(said.text, _IDENTIFIERS),
        *suffixes,
        _joined(said.tag("Environment"), said.text("identifier")),
        _joined(said.text("context_name") or labels["tenant"], labels["environment"], scope.name),
    ]
    telling = said.telling(labels)
    by_stack = [_joined(stack, said.text("name")), _joined(stack, scope.name)]
    plain = list(dict.fromkeys(name.lower() for name in (*ids, *joined, *by_stack) if name))
    return DatabaseTraits(
        stack=stack,
        component=scope.name,
        names=tuple(name for name in plain if _words([name]) >= telling),
        vague_names=tuple(name for name in plain if not _words([name]) >= telling),
        labels={key.title(): values for key in _LABELS if (values := said.tag_values(key, labels))},
        words=tuple(sorted(_words([*labels.values(), said.text("name"), *attributes, *suffixes]))),
        own_words=tuple(sorted(_words(own))),
        telling_words=tuple(sorted(telling)),
        creation_lacks=None if made_by_terraform else tuple(said.lacking()),
    )


def told_apart(databases: Sequence[DatabaseSpec]) -> list[DatabaseSpec]:
    """Remove names that two components of the stack share."""
    shared = Counter(name for one in databases if one.identifier is None for name in {*one.traits.names})
    alike = Counter(one.traits.own_words for one in databases if one.identifier is None)
    said = {one.identifier: one.component for one in databases if one.identifier is not None}
    return [
        one
        if one.identifier is not None
        else one.model_copy(
            update={
                "traits": one.traits.model_copy(
                    update={
                        "names": tuple(name for name in one.traits.names if shared[name] == 1 and name not in said),
                        "taken": said,
                        "alone": alike[one.traits.own_words] == 1,
                    }
                )
            }
        )
        for one in databases
    ]


class _Said:
    """Read variables that are known from the YAML alone; other readers report errors."""

    def __init__(self, scope: ComponentScope) -> None:
        self._scope = scope
        self._vars = scope.component.vars

    def text(self, key: str) -> str:
        return self._plain(self._vars.get(key))

    def texts(self, key: str) -> list[str]:
        values = self._vars.get(key)
        return [text for text in map(self._plain, values) if text] if isinstance(values, list) else []

    def tag(self, key: str) -> str:
        tags = self._vars.get("tags")
        return self._plain(tags.get(key)) if isinstance(tags, Mapping) else ""

    def labels(self) -> dict[str, str]:
        return {key: self.text(key) for key in _LABELS}

    def telling(self, labels: Mapping[str, str]) -> frozenset[str]:
        """The words that tell the stack from others: an identifier without one of them may be another stack's."""
        where = labels["stage"] or labels["environment"]
        whose = labels["tenant"] or labels["namespace"]
        return _words([where, whose] if where else [self._scope.stack.stack.name])

    def tag_values(self, key: str, labels: Mapping[str, str]) -> tuple[str, ...]:
        """Return the values that a label's tag may have: that of `tags`, the variable, and stage for environment."""
        also = {"environment": "stage", "stage": "environment"}.get(key, key)
        values = (self.tag(key.title()), labels[key], labels[also])
        return tuple(dict.fromkeys(value.lower() for value in values if value)) if any(values[:2]) else ()

    def lacking(self) -> Iterator[str]:
        for spellings in _NEEDED:
            managed = spellings[0] == "password" and self._vars.get("manage_master_user_password") is True
            if not managed and not any(self._vars.get(one) is not None for one in spellings):
                yield spellings[0]

    def _plain(self, value: object) -> str:
        scope = self._scope
        said = literal(
            scope.component, scope.stack.components, value, references=scope.stack.dialect.reads(scope.component)
        )
        return str(said) if isinstance(said, str | int) and not isinstance(said, bool) else ""


def _identifier(labels: Mapping[str, str], order: Iterable[str]) -> str:
    parts = (re.sub(r"[^a-z0-9-]", "", labels.get(one, "").lower()) for one in order)
    return "-".join(part for part in parts if part)


def _joined(*parts: str) -> str:
    return instance_identifier(None, None, "-".join(parts)) if all(parts) else ""


def _words(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(word for text in texts for word in re.findall(r"[a-z0-9]+", text.lower()))
