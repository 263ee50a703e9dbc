"""What it costs to provision many secrets: prints its tables in Markdown.

    PYTHONPATH=. .venv/bin/python benchmarks/provision.py [--sizes 100,1000,10000] [--quotas 1000] [--parameter-rate 3]
    PYTHONPATH=. .venv/bin/python benchmarks/provision.py --whole [1000]

A generated repository with one stack of N secrets under a key of their own: half with a generated password, half with a
declared document, every tenth, where not said otherwise, with a resource policy. Each line is a process and an embedded
AWS of its own; the calls are counted at the server. The peer is a plain boto3 loop that makes the same secrets, and for
the no-op asks about each of them, as tools with one resource a secret do. With quotas the embedded AWS answers
ThrottlingException above the rates that AWS publishes and takes 20 ms a call; the peer then has as many threads as we
have, and nothing paces it. That of Parameter Store is not published: with --parameter-rate it is enforced too.

With --whole every secret has a resource policy, all of it is under quotas, and the engine stands beside the whole run:
the Dagster job `provision` with audit and checks, as `secrets-pipeline apply` runs it, then `secrets-pipeline verify`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from secrets_pipeline.emulator import CountedCall

ACCOUNT = "111122223333"
LATENCY_MILLISECONDS = 20
POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "secretsmanager:*",
                "Resource": "*",
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }
)
ATMOS = """\
base_path: ""
components: {terraform: {base_path: components/terraform}}
stacks: {base_path: stacks, included_paths: ["*.yaml"], name_template: "{{.vars.context_name}}-{{.vars.environment}}"}
"""
ENGINE, PEER, WHOLE = "ours", "boto3 loop", "ours, whole run"
CREATE, NOTHING, VERIFY = "create", "no-op", "verify"


def main() -> None:
    """Measure and print."""
    options = _options()
    if options.one:
        print(json.dumps(measure(**json.loads(options.one))))
        return
    quotas = {"quotas": True, "parameter_rate": options.parameter_rate}
    if options.whole:
        asked = [{"size": options.whole, "who": who, "policies": 1, **quotas} for who in (ENGINE, WHOLE)]
    else:
        asked = [{"size": size, "who": who, "policies": 10} for size in options.sizes for who in (ENGINE, PEER)]
        asked += [
            {"size": size, "who": who, "policies": each, **quotas}
            for size in options.quotas
            for each in (0, 10)
            for who in (ENGINE, PEER)
        ]
    show([row for one in asked for row in _measured(**one)])


def _options() -> argparse.Namespace:
    def numbers(text: str) -> list[int]:
        return [int(one) for one in text.split(",") if one]

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=numbers, default=[100, 1000, 10_000], help="secrets, without quotas")
    parser.add_argument("--quotas", type=numbers, default=[1000], help="secrets, under quotas and latency")
    parser.add_argument("--whole", type=int, nargs="?", const=1000, default=0, help="secrets; the whole Dagster run")
    parser.add_argument("--parameter-rate", type=int, default=0, help="PutParameter a second, under quotas")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    return parser.parse_args()


def _measured(**what: object) -> list[dict[str, Any]]:
    print(what, file=sys.stderr, flush=True)
    command = [sys.executable, __file__, "--one", json.dumps(what)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def measure(
    *, size: int, who: str, policies: int, quotas: bool = False, parameter_rate: int = 0
) -> list[dict[str, Any]]:
    """One process: create, then do nothing, and verify where runs are whole, with every call counted.

    Args:
        size: secrets.
        who: ENGINE, WHOLE or PEER.
        policies: every how many-th secret has a resource policy; 0 for none.
        quotas: whether AWS's rates are enforced.
        parameter_rate: PutParameter a second, where they are; 0 for as many as come.
    """
    from secrets_pipeline import emulator  # noqa: PLC0415 - the parent needs none of it

    with tempfile.TemporaryDirectory() as folder:
        aws = emulator.start(Path(folder) / "aws", die_with_parent=True)
        os.environ.update(aws.environment())
        try:
            with_policy = frozenset(range(0, size, policies)) if policies else frozenset()
            if who == PEER:
                worker = peer(size, with_policy, threaded=quotas)
            else:
                write(Path(folder) / "repository", size, with_policy)
                os.environ["DAGSTER_HOME"] = str(Path(folder) / "home")
                worker = (whole if who == WHOLE else ours)(Path(folder) / "repository")
            if quotas:
                rate = (
                    [emulator.RateQuota("ssm", "writes", parameter_rate, ("PutParameter",))] if parameter_rate else []
                )
                emulator.enforce_quotas(aws, [*emulator.SECRETS_MANAGER_QUOTAS, *rate])
                emulator.set_latency(aws, emulator.Latency(LATENCY_MILLISECONDS))
            rows = []
            for work in (CREATE, NOTHING, *([VERIFY] if who == WHOLE else [])):
                emulator.reset_calls(aws)
                started, cpu = time.perf_counter(), time.process_time()
                worker(work)
                spent = {"seconds": time.perf_counter() - started, "cpu": time.process_time() - cpu}
                rows.append(
                    {"size": size, "who": who, "policies": len(with_policy), "quotas": quotas, "work": work, **spent}
                    | counted(emulator.calls(aws))
                    | {"memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
                )
            return rows
        finally:
            emulator.stop(aws.state_dir)


def counted(calls: Sequence[CountedCall]) -> dict[str, Any]:
    """Calls by operation of Secrets Manager, of all other services, and throttled ones."""
    operations: Counter[str] = Counter()
    throttled = others = 0
    for call in calls:
        throttled += call.count if call.error == "ThrottlingException" else 0
        if call.service == "secretsmanager":
            operations[call.operation] += call.count
        else:
            others += call.count
    return {"operations": dict(sorted(operations.items())), "others": others, "throttled": throttled}


def ours(repository: Path) -> Any:  # noqa: ANN401 - a function of what to do
    """The engine on a generated repository, read before anything is measured."""
    from secrets_pipeline.engine.model import Applied, ChangeClass, Unchanged  # noqa: PLC0415 - as above
    from secrets_pipeline.operations.open_repository import open_repository  # noqa: PLC0415 - as above
    from secrets_pipeline.operations.stages import plan_stack  # noqa: PLC0415 - as above
    from tests.applying import apply_stack  # noqa: PLC0415 - as above

    desired = open_repository(repository)
    (stack,) = desired.specs

    def work(what: str) -> None:
        if what == CREATE:
            done = apply_stack(desired.assemble(writing=True).stack(stack))
            outcomes = [outcome for stage in done.values() for outcome in stage]
            wrong = [one.change.resource.name for one in outcomes if not isinstance(one, Applied | Unchanged)]
        else:
            plans = plan_stack(desired.assemble().stack(stack))
            changes = [change for plan in plans.values() for change in plan]
            wrong = [change.resource.name for change in changes if change.action is not ChangeClass.NONE]
        if wrong:
            sys.exit(f"not measured: {len(wrong)} are not done, {wrong[0]} among them")

    return work


def whole(repository: Path) -> Any:  # noqa: ANN401 - a function of what to do
    """The Dagster runs of `secrets-pipeline apply` and `verify` in this process, imported and the repository read."""
    from secrets_pipeline.operations.open_repository import open_repository  # noqa: PLC0415 - as above
    from secrets_pipeline.orchestration.in_process.running import provision, verify  # noqa: PLC0415 - as above
    from secrets_pipeline.reconcilers.apply_options import ApplyOptions  # noqa: PLC0415 - as above

    desired = open_repository(repository)
    (stack,) = desired.specs

    def work(what: str) -> None:
        if what == VERIFY:
            checks, wrong = verify(stack, base_path=repository, desired=desired), []
        else:
            report, checks = provision(stack, base_path=repository, options=ApplyOptions(), desired=desired)
            expected = {CREATE: {"applied", "unchanged"}, NOTHING: {"unchanged"}}[what]
            wrong = [row["name"] for row in report.rows if row["outcome"] not in expected]
            wrong += [report.error] if report.error else []
        wrong += [one.check for one in checks if not one.passed and one.severity == "ERROR"]
        if wrong or not checks:
            sys.exit(f"not measured: {len(wrong)} are not done, {wrong[:1]} among them")

    return work


def write(repository: Path, size: int, with_policy: frozenset[int]) -> None:
    """A repository with one stack."""
    (repository / "stacks").mkdir(parents=True)
    (repository / "atmos.yaml").write_text(ATMOS)
    lines = [
        f'vars: {{context_name: shop, environment: dev, region: eu-west-2, account_id: "{ACCOUNT}"}}',
        "components: {terraform: {secretsmanager/app: {vars: {create_kms_key: true, secrets: {",
    ]
    for number in range(size):
        value = "generate_random_password: true" if number % 2 else 'secret_data: {user: app, token: "kd83hs7Qw2"}'
        policy = f", policy: {POLICY}" if number in with_policy else ""
        lines.append(f"  n{number:05}: {{path: service{number % 20:02}, {value}{policy}}},")
    (repository / "stacks" / "dev.yaml").write_text("\n".join([*lines, "  }}}}}", ""]))


def peer(size: int, with_policy: frozenset[int], *, threaded: bool) -> Any:  # noqa: ANN401 - a function of what to do
    """The same secrets by plain boto3."""
    import boto3  # noqa: PLC0415 - as above
    from botocore.config import Config  # noqa: PLC0415 - as above

    from secrets_pipeline.engine.apply import DEFAULT_WORKERS  # noqa: PLC0415 - as above

    workers = DEFAULT_WORKERS if threaded else 1
    config = Config(retries={"mode": "standard", "total_max_attempts": 8}, max_pool_connections=workers)
    client = boto3.client("secretsmanager", config=config)
    key = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]

    def create(number: int) -> None:
        name = f"shop/dev/service{number % 20:02}/n{number:05}"
        client.create_secret(
            Name=name,
            SecretString='{"user":"app","token":"kd83hs7Qw2"}',
            KmsKeyId=key,
            Tags=[{"Key": "stack", "Value": "shop-dev"}],
        )
        if number in with_policy:
            client.put_resource_policy(SecretId=name, ResourcePolicy=POLICY, BlockPublicPolicy=True)

    def look(number: int) -> None:
        name = f"shop/dev/service{number % 20:02}/n{number:05}"
        client.describe_secret(SecretId=name)
        client.get_resource_policy(SecretId=name)

    def work(what: str) -> None:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(create if what == CREATE else look, range(size)))

    return work


def show(rows: list[dict[str, Any]]) -> None:
    """The tables, in Markdown."""
    print(f"Measured on {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}.\n")
    # The engine's seconds are AWS's rates; those of a whole run are Dagster's as well.
    cpu = any(row["who"] == WHOLE for row in rows)
    spent = "seconds | CPU seconds" if cpu else "seconds"
    print(f"| secrets | policies | quotas | what | who | {spent} | calls | a secret | others | throttled | peak MiB |")
    print(f"|--:|--:|---|---|---{'|--:' * (7 if cpu else 6)}|")
    for row in rows:
        calls = sum(row["operations"].values())
        quotas = "AWS's, 20 ms a call" if row["quotas"] else "none"
        cells = (
            f"{row['size']:,}",
            f"{row['policies']:,}",
            quotas,
            row["work"],
            row["who"],
            f"{row['seconds']:.1f}",
            *([f"{row['cpu']:.1f}"] if cpu else []),
            f"{calls:,}",
            f"{calls / row['size']:.2f}",
            str(row["others"]),
            str(row["throttled"]),
            f"{row['memory']:.0f}",
        )
        print(f"| {' | '.join(cells)} |")
    print("\nCalls by operation:\n")
    for row in rows:
        if row["who"] != PEER:
            said = ", ".join(f"{name} {number:,}" for name, number in row["operations"].items())
            print(f"* {row['size']:,}{' under quotas' if row['quotas'] else ''}, {row['who']}, {row['work']}: {said}")


if __name__ == "__main__":
    main()
