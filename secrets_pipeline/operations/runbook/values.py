"""Say what red checks of secrets, their values and their databases mean."""

from __future__ import annotations

from typing import Final

from secrets_pipeline.operations.runbook.entry import Entry, check

VALUES: Final[tuple[Entry, ...]] = (
    check(
        "secrets_have_current_values",
        means="""
        A declared secret does not exist, is scheduled for deletion, has no current value, or is encrypted under
        another KMS key than the declared one; or a secret of that name is not this stack's. A value that Atmos
        calls `required` and nobody has put is red, too.
        """,
        warns="A value that somebody else brings is not there yet.",
        look="`secrets-pipeline plan -s STACK --deep` has a row for the secret with its reason.",
        do="""
        * `does not exist`, `is scheduled for deletion`, `is encrypted under …`:
          `secrets-pipeline apply -s STACK` creates it, restores it with its old value, or moves it to the
          declared key.
        * A value is missing: put it with the command that the check prints. It reads the value from a file,
          which you delete afterwards.
        * `is not ours`: find out whose it is. `secrets-pipeline plan -s STACK --adopt NAME` shows what taking
          it over would change, and `secrets-pipeline apply -s STACK --adopt NAME` takes it over.
        """,
    ),
    check(
        "marks_verify",
        means="""
        A secret, key, database or function carries the tags of this pipeline, but its mark, which only the
        fingerprint key can make, does not verify. The pipeline writes, reads and deletes nothing of it.
        """,
        look="CloudTrail's `TagResource` and `UntagResource` of that resource say who changed its tags, and when.",
        do="""
        * One or a few are named: it was tagged by hand or copied. Remove its tags `secrets-pipeline:*`, then
          `secrets-pipeline apply -s STACK --adopt NAME` takes it over; its value stays.
        * `creation mark that may be another key's`: somebody may have made a key with copied tags. Look at the
          key's grants and policy before you adopt its alias.
        * `KMS key … verifies none of N marks`: the wrong key is asked. Compare `fingerprint_key`, account and
          region in `secrets-pipeline config`, and see which key the alias leads to. Adopt nothing.
        """,
    ),
    check(
        "database_login_works",
        means="""
        A database refuses the master password that its secret holds. Or the stack creates a database that does not
        exist, or that belongs to somebody else.
        """,
        warns="The database is busy, is missing and not created by this stack, or cannot be reached from here.",
        look="`credentials_log_in` of the same stack says whether the previous password still works.",
        do="""
        * The password was never rotated and is the pipeline's own: `secrets-pipeline apply -s STACK` sets it in
          the database and logs in.
        * Else `secrets-pipeline rotate NAME` gives secret and database a new one. Without a rotation function
          it goes by RDS's own API, so it needs no login.
        * `adopt` is asked for: the database was made by others, and only the operator lets its password be set
          (`grants: databases`, or `secrets-pipeline apply -s STACK --adopt IDENTIFIER`).
        * It cannot be reached at all: run the check from inside the network, or set `database_logins: false` in
          the operator's settings.
        """,
    ),
    check(
        "connections_match_endpoints",
        means="""
        A connection secret, or the host and port in a credentials secret, is not what the database and the
        credentials say now. Whoever reads it connects to the wrong place or with an old password.
        """,
        warns="Something that it is rendered from does not exist yet.",
        look="`secrets-pipeline plan -s STACK` names what it was rendered from; `--deep` names who wrote what.",
        do="""
        * `was rendered from another endpoint or another credentials version`, `those of another endpoint`:
          `secrets-pipeline apply -s STACK` renders it anew.
        * `was changed by somebody else`: an apply keeps what a human wrote. Let AWSCURRENT go back to the
          pipeline's version: `aws secretsmanager list-secret-version-ids --secret-id NAME` shows both, and
          `aws secretsmanager update-secret-version-stage` with `--version-stage AWSCURRENT`,
          `--move-to-version-id OLD` and `--remove-from-version-id NEW` moves it. Where a password was rotated
          meanwhile, put the keys right by hand instead. A connection secret also follows when its credentials
          rotate (`secrets-pipeline rotate NAME`).
        """,
    ),
    check(
        "credentials_log_in",
        means="""
        The database refuses the current value of a credentials secret; or it still accepts the password before
        it, which a rotation should have ended; or the other one of two alternating users is refused.
        """,
        warns="""
        The database cannot be reached, logins are switched off, a rotation is under way, or nobody granted the host
        that the secret names.
        """,
        look="The sentence of the check says which password the database has.",
        do="""
        * `no login is tried`: the host is no database of an `rds` component of the stack. If it is the right one, ask
          the operator to grant it; the check prints the line.
        * `it still has the AWSPREVIOUS password`: the database was restored, or somebody set the secret alone.
          `secrets-pipeline rotate NAME` gives both a new one.
        * `every other password`: somebody changed it in the database. Set the user's password there to what the
          secret holds; with alternating users `secrets-pipeline rotate NAME` does it through the superuser.
        * `so does the password before it`: end the old password in the database (MySQL:
          `ALTER USER … DISCARD OLD PASSWORD`; PostgreSQL: a `trust` line of `pg_hba.conf`), as whoever knew it
          is still in.
        * `the other user of AWSPREVIOUS does not`: `secrets-pipeline rotate NAME` gives that user a new
          password.
        """,
    ),
    check(
        "secret_values_well_formed",
        means="""
        A value lacks keys that the stack declares or its rotation function reads, is no JSON although it should
        be, or is a master password that RDS does not take.
        """,
        warns="The secret has no value yet, or is not this stack's.",
        look="""
        The check names the missing keys, never the value. `secrets-pipeline plan -s STACK --deep` says whether
        somebody else wrote the current version.
        """,
        do="""
        * Somebody wrote the value by hand, whole or in part: an apply keeps it, and a rotation keeps all but the
          password. Go back to the version before, as under
          [`connections_match_endpoints`](#connections_match_endpoints), or put the keys that are named into the
          value, from a file: `aws secretsmanager put-secret-value --secret-id NAME --secret-string file://FILE`.
        * The value is brought by somebody else: have it put again, with the keys that its `type` asks for.
        * A password that RDS does not take: `secrets-pipeline rotate NAME` makes one by the rules of the
          engine.
        """,
    ),
)
