"""How many reads a second the evaluator judges: `python benchmarks/access.py`.

A matrix of consumers and secrets, each judged whole: GetSecretValue with every layer, then kms:Decrypt on the secret's
key. One thread. Everything in one run: compiling the snapshot, the first matrix, a second one on warm caches.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from datetime import UTC, datetime

from secrets_pipeline.access.reach.compiled import CompiledSnapshot
from secrets_pipeline.access.reach.explain import name_of
from secrets_pipeline.access.snapshot.model import (
    AccountSnapshot,
    KeySnapshot,
    NamedPolicy,
    OrganizationSnapshot,
    PrincipalSnapshot,
    SecretSnapshot,
    Snapshot,
)

ACCOUNT, OTHER, REGION = "111122223333", "444455556666", "eu-west-2"
VERSION = "2012-10-17"
FULL = NamedPolicy(
    name="FullAWSAccess",
    document={"Version": VERSION, "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]},
)
REGIONS = NamedPolicy(
    name="regions",
    document={
        "Version": VERSION,
        "Statement": [
            {
                "Sid": "OnlyEurope",
                "Effect": "Deny",
                "NotAction": ["iam:*", "sts:*", "organizations:*"],
                "Resource": "*",
                "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-west-2"]}},
            }
        ],
    },
)
BASELINE = f"arn:aws:iam::{ACCOUNT}:policy/baseline"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
MANAGED = {
    BASELINE: {
        "Version": VERSION,
        "Statement": [
            {"Effect": "Allow", "Action": ["logs:*", "xray:Put*", "ssm:GetParameter"], "Resource": "*"},
            {"Effect": "Deny", "Action": "secretsmanager:Delete*", "Resource": "*"},
        ],
    },
    BOUNDARY: {
        "Version": VERSION,
        "Statement": [
            {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*"], "Resource": "*"},
            {
                "Effect": "Deny",
                "Action": "*",
                "Resource": "*",
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ],
    },
}


def secret_name(number: int) -> str:
    """Ten environments, ten paths."""
    return f"myapp/env{number % 10}/path{number // 10 % 10}/secret-{number}"


def secret_arn(number: int) -> str:
    """With a suffix of six characters."""
    return f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{secret_name(number)}-{number:06d}"


def key_arn(number: int) -> str:
    """A key for each environment."""
    return f"arn:aws:kms:{REGION}:{ACCOUNT}:key/00000000-0000-4000-8000-{number:012d}"


def role_arn(number: int) -> str:
    """Every tenth in another account."""
    return f"arn:aws:iam::{ACCOUNT if number % 10 else OTHER}:role/apps/consumer-{number}"


def key(number: int, consumers: int) -> KeySnapshot:
    """As the pipeline makes them: root, the account through Secrets Manager, readers of the other account."""
    service = f"secretsmanager.{REGION}.amazonaws.com"
    foreign = [role_arn(one) for one in range(0, consumers, 10)]
    statements = [
        {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "kms:*", "Resource": "*"},
        {
            "Sid": "Account",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": "*",
            "Condition": {"StringEquals": {"kms:CallerAccount": ACCOUNT, "kms:ViaService": service}},
        },
        {
            "Sid": "Readers",
            "Effect": "Allow",
            "Principal": {"AWS": foreign},
            "Action": "kms:Decrypt",
            "Resource": "*",
            "Condition": {"StringEquals": {"kms:ViaService": service}},
        },
    ]
    return KeySnapshot(arn=key_arn(number), policy={"Version": VERSION, "Statement": statements})


def role(number: int, secrets: int) -> PrincipalSnapshot:
    """Reads ten secrets by name and one path by tag; every fifth has a boundary."""
    read = [secret_arn(one)[:-6] + "??????" for one in range(number * 10 % secrets, secrets)[:10]]
    statements = [
        {"Sid": "Read", "Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": read},
        {
            "Sid": "ByTag",
            "Effect": "Allow",
            "Action": "secretsmanager:GetSecretValue",
            "Resource": f"arn:aws:secretsmanager:*:{ACCOUNT}:secret:myapp/*",
            "Condition": {"StringEquals": {"secretsmanager:ResourceTag/Team": "${aws:PrincipalTag/Team}"}},
        },
        {
            "Sid": "Decrypt",
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/*",
            "Condition": {"StringLike": {"kms:ViaService": "secretsmanager.*.amazonaws.com"}},
        },
    ]
    return PrincipalSnapshot(
        arn=role_arn(number),
        kind="role",
        inline={"read": {"Version": VERSION, "Statement": statements}},
        attached=(BASELINE,),
        boundary=BOUNDARY if number % 5 == 0 else None,
        tags={"Team": f"team-{number % 20}"},
    )


def secret(number: int, consumers: int) -> SecretSnapshot:
    """Every fifth has a policy of its own."""
    foreign = [role_arn(one) for one in range(0, consumers, 10)]
    policy = {
        "Version": VERSION,
        "Statement": [
            {
                "Sid": "Readers",
                "Effect": "Allow",
                "Principal": {"AWS": foreign},
                "Action": ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
                "Resource": "*",
            },
            {
                "Sid": "Tls",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "secretsmanager:*",
                "Resource": "*",
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ],
    }
    return SecretSnapshot(
        arn=secret_arn(number),
        name=secret_name(number),
        kms_key_id=key_arn(number % 10),
        keys=(key_arn(number % 10),),
        policy=policy if number % 5 == 0 else None,
        tags={"Team": f"team-{number % 40}"},
    )


def snapshot(consumers: int, secrets: int) -> Snapshot:
    """An account in an organisation of two levels, and another one whose roles read as well."""
    roles = [role(number, secrets) for number in range(consumers)]
    levels = ((FULL, REGIONS), (FULL,))
    return Snapshot(
        taken_at=datetime.now(UTC),
        account_id=ACCOUNT,
        region=REGION,
        partition="aws",
        caller_arn=f"arn:aws:iam::{ACCOUNT}:user/auditor",
        organization=OrganizationSnapshot(
            id="o-abcdefghij",
            paths={ACCOUNT: "o-abcdefghij/r-abcd/", OTHER: "o-abcdefghij/r-abcd/"},
            scps={ACCOUNT: levels, OTHER: levels},
        ),
        accounts={
            account: AccountSnapshot(
                account_id=account,
                principals=tuple(one for one in roles if f":{account}:" in one.arn),
                managed=MANAGED,
            )
            for account in (ACCOUNT, OTHER)
        },
        secrets=tuple(secret(number, consumers) for number in range(secrets)),
        keys={key_arn(number): key(number, consumers) for number in range(10)},
    )


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--consumers", type=int, default=100)
    parser.add_argument("--secrets", type=int, default=1_000)
    asked = parser.parse_args()
    taken = snapshot(asked.consumers, asked.secrets)
    started = time.perf_counter()
    estate = CompiledSnapshot(taken)
    readers = [estate.reader(role_arn(number)) for number in range(asked.consumers)]
    secrets = [found for one in taken.secrets if (found := estate.secret(one.name))]
    compiled = time.perf_counter() - started
    pairs = len(readers) * len(secrets)
    print("| what | seconds | a second |\n| --- | --: | --: |")
    print(f"| compiling {len(readers)} readers and {len(secrets)} secrets with their policies | {compiled:.2f} | |")
    for turn in ("first", "second"):
        started = time.perf_counter()
        verdicts = Counter(name_of(reader.read(one)) for reader in readers for one in secrets)
        took = time.perf_counter() - started
        print(f"| {turn} matrix, {pairs:,} reads judged whole | {took:.2f} | {pairs / took:,.0f} |")
    print("\n" + ", ".join(f"{count:,} {name}" for name, count in sorted(verdicts.items())))


if __name__ == "__main__":
    main()
