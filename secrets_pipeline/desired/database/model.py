"""Define the desired state of a database: an RDS instance or an Aurora cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from secrets_pipeline.desired.base import Late, SecretRef, Spec
from secrets_pipeline.desired.engines import is_cluster


class DatabaseTraits(Spec):
    """The names and tags by which a database is found whose component names no identifier.

    Attributes:
        stack: name of the stack.
        component: name of the component.
        names: identifiers that Terraform may have given it, each with the words that tell this stack from others.
        vague_names: further identifiers, which may be those of another stack.
        labels: tag of terraform-null-label, for example `Stage` → values that the tag may have, in lower case.
        words: words of which the tag `Name` may consist.
        own_words: words that it has to have: those of the component's name and attributes.
        telling_words: words that tell this stack from others.
        taken: identifiers that other components of the stack name → these components.
        alone: whether no other component of the stack, that names no identifier, has the same words.
        creation_lacks: variables that `create: true` would need beside those that are set; None if Terraform makes it.
    """

    stack: str = ""
    component: str = ""
    names: tuple[str, ...] = ()
    vague_names: tuple[str, ...] = ()
    labels: Mapping[str, tuple[str, ...]] = {}
    words: tuple[str, ...] = ()
    own_words: tuple[str, ...] = ()
    telling_words: tuple[str, ...] = ()
    taken: Mapping[str, str] = {}
    alone: bool = True
    creation_lacks: tuple[str, ...] | None = None


class DatabaseSpec(Spec):
    """An RDS instance, or an Aurora cluster where the engine is one of Aurora's.

    Attributes:
        component: the `rds` component.
        identifier: DBInstanceIdentifier or DBClusterIdentifier; None if the component names none, so that the database
            is looked for by its traits.
        traits: names and tags by which it is looked for.
        engine: RDS engine name, for example `postgres`.
        engine_known: whether the YAML says the engine; otherwise the database may have another one.
        instance_count: instances of a cluster, the writer among them.
        username: MasterUsername; for a database that is found, an expression where the YAML does not say it.
        password: the secret whose generated password is the master password; None where RDS manages it.
        manage_master_user_password: RDS owns the secret; it is read, never written.
        create: whether the stack asks us to create it.
        endpoints_are_hosts: whether a cluster's `endpoint` and `reader_endpoint` have no port, as in its Terraform.
        parameters: further parameters of CreateDBInstance or CreateDBCluster under their API names, for example
            `MultiAZ`.
        instance_parameters: further parameters of CreateDBInstance for each instance of a cluster.
        defaults: variables that the YAML leaves open, and what the parameters say for them; an existing database keeps
            what it has.
    """

    component: str
    identifier: str | None
    traits: DatabaseTraits = DatabaseTraits()
    engine: str
    engine_known: bool = True
    engine_version: str | None = None
    instance_class: str = "db.t4g.micro"
    instance_count: int = 1
    allocated_storage: int = 20
    db_name: str | None = None
    port: int | None = None
    username: Late
    password: SecretRef | None = None
    manage_master_user_password: bool = False
    create: bool = False
    endpoints_are_hosts: bool = False
    tags: Mapping[str, str] = {}
    parameters: Mapping[str, Any] = {}
    instance_parameters: Mapping[str, Any] = {}
    defaults: Mapping[str, bool] = {}

    @property
    def name(self) -> str:
        """Return the name under which plans and checks list it: the identifier, or the component if it names none."""
        return self.identifier or self.component

    @property
    def title(self) -> str:
        """Return what to call it in a sentence, for example `RDS instance orders`."""
        return f"{self.noun} {self.identifier}" if self.identifier else f"database of component {self.component}"

    @property
    def is_cluster(self) -> bool:
        """Whether it is an Aurora cluster, not a single instance."""
        return is_cluster(self.engine)

    @property
    def member_identifiers(self) -> tuple[str, ...]:
        """Identifiers that a cluster gives its instances, as the common Terraform modules do."""
        return tuple(f"{self.identifier}-{number}" for number in range(1, self.instance_count + 1) if self.identifier)

    @property
    def noun(self) -> str:
        """What it is, in messages."""
        return "Aurora cluster" if self.is_cluster else "RDS instance"
