"""Write the way from Terraform to this project as steps for a human, in the order that loses nothing."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from typing import Final

from secrets_pipeline.operations.migration.forgetting import parameter_blocks, removed_blocks
from secrets_pipeline.operations.migration.migration import Adoption, Migration

_WRONG_ORDER: Final = """\
Why this order. While both own a secret, each apply of Terraform takes the pipeline's tags away and puts its own
description, key, policy and rotation back; without its tags the pipeline holds the secret for somebody else's. And a
resource block that is deleted without a `removed` block is destroyed: Terraform deletes the secret (at once where
recovery_window_in_days is 0), its policy and its replicas, and cancels its rotation."""
_PASSWORDS: Final = {
    "aws_db_instance": "password",
    "aws_rds_cluster": "master_password",
    "aws_docdb_cluster": "master_password",
    "aws_redshift_cluster": "master_password",
}
"""By type of a resource: the argument that is its password.

Source: https://github.com/hashicorp/terraform-provider-aws/tree/v6.71.0/website/docs/r (db_instance, rds_cluster, …)
"""
_FROM_SSM: Final = """\
Until step {step} the parameter stays the source: the secret is rendered from it, and again when its version changes.
Who changes the password changes it in Parameter Store, and Terraform still owns it there. Then the secret stands alone:
- `value: external` in the place of `secret_data`: the value in Secrets Manager stays, nobody here writes it; or
- `generate_random_password: true`: it stays too, and `secrets-pipeline rotate NAME` makes the next one. Whoever reads
  the parameter keeps reading the old value, so move the readers first."""


def adoption(one: Adoption, verb: str) -> str:
    """The command that previews or does an adoption, a name a line."""
    names = "".join(f" \\\n  --adopt {shlex.quote(name)}" for name in one.names)
    return f"secrets-pipeline {verb} -s {_stack(one)}{names}"


def _stack(one: Adoption) -> str:
    return shlex.quote(one.stack) if one.stack else "STACK"


def steps(migration: Migration) -> str:
    """The steps as Markdown."""
    return "\n".join(_lines(migration))


def _lines(migration: Migration) -> Iterator[str]:
    program, forgets = migration.state.program, migration.forgetting
    yield f"# From {'OpenTofu' if migration.state.opentofu else 'Terraform'} to secrets-pipeline\n"
    yield f"Read: {migration.read}.\n"
    yield from (f"- {note}" for note in migration.notes)
    if migration.secrets:
        yield "\n## 1. Declare\n"
        yield "Put the YAML into the stack's manifest; an error says which grant of the operator a name needs, if any."
        yield "Then look at what adoption would change. Keep a version of Terraform's state for the way back, in a safe"
        yield "place: it holds plaintext.\n"
        yield _commands(_adoptions(migration, "plan"))
        yield "\n## 2. Let Terraform forget\n"
        yield "Stop whatever applies this Terraform by itself. Delete the resource blocks (or the call of the module"
        yield "that holds them), and put the `removed` blocks into the root module. The plan must say `0 to destroy`.\n"
        yield _commands([f"{program} plan", f"{program} apply"])
        yield from _in_the_way(migration)
        yield f"\nWhere several stacks share this code, or {program} is older than 1.7, do it a state at a time. Code"
        yield "that stays would create them again: lock the component in Atmos afterwards, `metadata.locked: true`.\n"
        yield _commands(f"{program} state rm {shlex.quote(one)}" for one in forgets.resources)
        yield "\n## 3. Adopt\n"
        yield _commands(_adoptions(migration, "apply"))
        if forgets.kept:
            yield "\n## 4. Give each shared password one owner\n"
            yield from _shared(migration)
        yield f"\n## {5 if forgets.kept else 4}. Check\n"
        yield _commands(_checks(migration))
        yield "\nThe plan ends with 0, and so does the one of Terraform. Then delete the `removed` blocks.\n"
        yield _WRONG_ORDER
    yield from _parameters(migration)
    yield ""


def _in_the_way(migration: Migration) -> Iterator[str]:
    forgets = migration.forgetting
    if forgets.dependents:
        yield "\nThese stay with Terraform and refer to what goes, directly or through others. Give them the secret by"
        yield 'a data source, `data "aws_secretsmanager_secret" "x" { name = "…" }`, before you plan:\n'
        yield from (f"- `{one}`" for one in forgets.dependents)
    if forgets.beside:
        yield "\nThese are in the same modules. Whoever deletes the call of a module destroys them, unless they have"
        yield "`removed` blocks as well, or `moved` blocks that lead out of it:\n"
        yield from (f"- `{one}`" for one in forgets.beside)
    if forgets.more:
        yield "\n`removed` takes no instance keys, so these are forgotten too, though nobody takes them over here:\n"
        yield from (f"- `{one}`" for one in forgets.more)


def _shared(migration: Migration) -> Iterator[str]:
    yield "These resources use the password of a secret too. Terraform keeps them and the `random_password`, which"
    yield "exists only in its state. Do this before you rotate the secret:\n"
    for block, users in migration.forgetting.kept:
        for user in users:
            argument = next((name for kind, name in _PASSWORDS.items() if f".{kind}." in f".{user}"), None)
            if argument is None:
                yield f"- `{user}` uses `{block}`: let it read the secret instead, or do not rotate the secret."
                continue
            yield f"- `{user}` uses `{block}`. Add this to the resource and apply. Terraform then never sets the old"
            yield "  password again:\n"
            yield f"  ```hcl\n  lifecycle {{\n    ignore_changes = [{argument}]\n  }}\n  ```\n"
            yield "  Then declare the database as a component of the stack: a rotation changes its password and the"
            yield "  secret together. If a module that you cannot edit holds the resource, do not rotate the secret."


def _adoptions(migration: Migration, verb: str) -> Iterator[str]:
    for one in migration.adoptions:
        if one.place:
            yield f"# STACK: the one of {one.place}"
        yield adoption(one, verb)


def _checks(migration: Migration) -> Iterator[str]:
    for one in migration.adoptions:
        yield f"secrets-pipeline plan -s {_stack(one)} --deep --detailed-exitcode"
        yield f"secrets-pipeline verify -s {_stack(one)}"
    yield f"{migration.state.program} plan -detailed-exitcode"


def _parameters(migration: Migration) -> Iterator[str]:
    if not migration.parameters:
        return
    yield "\n## Parameters\n"
    if not migration.parameter_components:
        count = len(migration.parameters)
        yield f"SecureString parameters in the state: {count}. --with-ssm writes secrets that take their place."
        return
    stack = shlex.quote(migration.stack) if migration.stack else "STACK"
    yield "1. Put the YAML into the stack: each secret reads its parameter. An error says which grant it needs.\n"
    yield _commands([f"secrets-pipeline apply -s {stack}"])
    yield "\n2. Move the readers from the parameter to the secret."
    yield "3. Change the entries, as below, and apply again. Nothing is written, and the value stays."
    yield "4. Only now let Terraform forget the parameters, or destroy them once nobody reads them.\n"
    blocks = removed_blocks(migration.state, parameter_blocks(migration.parameters))
    yield f"```hcl\n{blocks}```\n"
    yield _FROM_SSM.format(step=3)


def _commands(lines: Iterable[str]) -> str:
    return "\n".join(("```console", *(line if line.startswith("#") else f"$ {line}" for line in lines), "```"))
