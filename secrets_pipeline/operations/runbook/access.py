"""Say what red checks of who can read mean."""

from __future__ import annotations

from typing import Final

from secrets_pipeline.operations.runbook.entry import Entry, check

ACCESS: Final[tuple[Entry, ...]] = (
    check(
        "consumers_can_read",
        means="A declared consumer cannot read one of its secrets: it fails now, or when it starts next.",
        warns="Something that could decide could not be read, such as an organisation's policies; the row says what.",
        look="""
        The sentence names the policy and the statement that deny.
        `secrets-pipeline access explain --principal ROLE --secret NAME` shows what each layer says.
        """,
        do="""
        * `identity policy`: let the role read. `secrets-pipeline access policy -s STACK --consumer CONSUMER`
          prints the least policy; `attach_policies: true` has the pipeline attach it.
        * `secret policy`, `key policy` or a grant: somebody changed it, so
          `secrets-pipeline apply -s STACK --deep` puts it back.
        * `permissions boundary`, `SCP` or `RCP`: that is for whoever owns the account or organisation to
          change.
        * `role … does not exist`: make it, mostly with Terraform, or take the consumer out of the YAML.
        * `its key is Disabled`: see [`kms_keys_as_declared`](#kms_keys_as_declared).
        """,
    ),
    check(
        "foreign_readers_can_read",
        means="""
        A consumer in another account cannot read. It needs three policies: the secret's, the key's, and one of
        its own.
        """,
        warns="Its own account is not visible from here, so that its own policy is unknown.",
        look="The sentence says which of the three is missing, missing ones first.",
        do="""
        * The secret's or the key's: `secrets-pipeline apply -s STACK --deep`.
        * Its own: hand over what `secrets-pipeline access policy -s STACK --consumer CONSUMER` prints.
        * To have it judged end to end, name the account and a role that may look under `access.accounts` of the
          operator's settings.
        """,
    ),
    check(
        "nobody_else_can_read",
        means="""
        A role, user, account or service can read a secret, though no stack declares it as a consumer and
        `access.allowed_readers` does not name it. Or AWS refuses the pipeline the policy of the secret or its key, so
        that a reader may hide there.
        """,
        warns="""
        Administrators of the account can read, and the operator has not said yet who may; or somebody might, if
        what could not be read allows it.
        """,
        look="""
        `secrets-pipeline access matrix -s STACK --everybody` lists every reader; the sentence names the
        statement that lets this one in.
        """,
        do="""
        * AWS refuses a policy, the grants of a key or IAM's list: take the statement away that denies it to the
          pipeline, as an administrator of the account. CloudTrail says who put it there (`PutResourcePolicy`,
          `PutKeyPolicy`, `PutRolePolicy`).
        * It should not: take the statement away. If it may have read,
          `secrets-pipeline rotate --readable-by ARN` rotates all that it could read; add `--dry-run` to see
          what that is.
        * It should: declare it under `consumers` of the component, or name it in `access.allowed_readers`.
        * A replica in another account: if it should exist, add the line that the check prints to `grants`. If not,
          end the replication (`aws secretsmanager disassociate-cross-account-replica`), have its account delete the
          copy, and `secrets-pipeline rotate NAME`.
        * Administrators: the sentence has the line for `access.allowed_readers`; `[]` says that none may.
        """,
    ),
    check(
        "policies_are_not_public",
        means="""
        The policy of a secret or of its key lets in everybody, or a whole organisation. Or AWS refuses that policy to
        the pipeline.
        """,
        warns="""
        Conditions narrow whom it lets in, but no list tells who that is (an endpoint, an organisational unit).
        """,
        look="`secrets-pipeline plan -s STACK --deep` shows whether the statement is declared or was added outside.",
        do="""
        * Added outside: `secrets-pipeline apply -s STACK --deep` takes it away. Then treat what it opened as
          read: `secrets-pipeline rotate NAME`.
        * Declared under `policy`: name the readers there instead of `*`.
        """,
    ),
    check(
        "consumers_are_trusted",
        means="""
        What runs a consumer (an instance, function, task or pod) may not assume its role; or more may assume it
        than anybody can have meant.
        """,
        warns="The trust policy could not be read, or what runs the consumer is not declared.",
        look="The row has the role, the statement of its trust policy, and what is wrong with it.",
        do="""
        * May not: change the role's trust policy, mostly in Terraform; the row names the service or provider
          that is missing.
        * Too wide: pin the condition that the row names, for example `sub` and `aud` of a provider of tokens.
        * Unknown: say `service_account`, `oidc_provider` or `assumed_by` of the consumer.
        """,
    ),
    check(
        "probe_agrees",
        means="""
        AWS, asked under the consumer's own role, answered otherwise than the policies promise. Trust AWS, and
        not the other access checks of this secret, until it is explained.
        """,
        warns="The role could not be assumed, so nobody was asked.",
        look="""
        `secrets-pipeline access explain --principal ROLE --secret NAME` shows each layer; look for what it
        calls unknown.
        """,
        do="""
        * A policy was changed a moment ago: IAM takes seconds to minutes to act.
          `secrets-pipeline verify -s STACK --probe` asks again.
        * A VPC endpoint's policy, a session policy or a network condition decides: the evaluator does not see
          them.
        * Neither: save `secrets-pipeline access snapshot -s STACK -o FILE` and report it; it holds policies and
          no value.
        """,
    ),
)
