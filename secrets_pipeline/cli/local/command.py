"""`local start|status|stop`: run the embedded AWS, with what Terraform would have made in it."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
import yaml

from secrets_pipeline import emulator
from secrets_pipeline.cli.local.checkout import CHECKOUT_EXAMPLES
from secrets_pipeline.cli.local.stand_ins import stand_ins
from secrets_pipeline.cli.shared.console import emit, say
from secrets_pipeline.cli.shared.failures import FAILED, Failures
from secrets_pipeline.cli.shared.options import BasePath, ConfigFile, repository, use_settings
from secrets_pipeline.cli.shared.repository import read, usable
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.emulator import LocalAws
from secrets_pipeline.emulator.handle.lifecycle import DEFAULT_ACCOUNT, DEFAULT_REGION
from secrets_pipeline.emulator.handle.state import LAMBDA_FOLDER, POSTGRES_FOLDER
from secrets_pipeline.errors import LocalError
from secrets_pipeline.operations.open_repository import CONFIG_VARIABLE, OpenRepository, open_repository
from secrets_pipeline.operations.own_folder import keep_from_git, why_not_own

OPERATOR_SETTINGS = "operator.yaml"
FOREIGN = ("AWS_PROFILE", "AWS_SESSION_TOKEN")
STATE_DIR = Path(".local-aws")
HOME_VARIABLE = "DAGSTER_HOME"
HISTORY_FOLDER = "dagster"
"""In the state folder: what Dagster told of runs on the AWS that runs there, for `dev`, which looks at it itself."""


def _own(state_dir: Path) -> Path:
    """The folder, if it is ours: what it holds is obeyed and deleted."""
    foreign = why_not_own(Path(state_dir), scratch=(POSTGRES_FOLDER, LAMBDA_FOLDER, HISTORY_FOLDER))
    if foreign is None:
        return state_dir
    reason, remedy = foreign
    raise LocalError(
        f"--state-dir {state_dir} cannot be used: {reason}", remedy=f"{remedy}, or name another folder by --state-dir."
    )


StateDir: TypeAlias = Annotated[
    Path,
    typer.Option(
        "--state-dir", metavar="DIR", file_okay=False, callback=_own, help="Where its state and log are kept."
    ),
]

app = typer.Typer(no_args_is_help=True, help="The embedded AWS: moto with real PostgreSQL servers, on 127.0.0.1.")


@app.command(epilog="Exit codes: 0 it runs, 1 it does not, or a stack of the repository has errors.")
def start(
    *,
    base_path: BasePath = None,
    config: ConfigFile = None,
    port: Annotated[
        int | None, typer.Option("--port", min=1, max=65535, help="On 127.0.0.1.", show_default="a free one")
    ] = None,
    state_dir: StateDir = STATE_DIR,
) -> None:
    """Start the embedded AWS, and play Terraform's part for the repository: roles, functions, services, APIs.

    Prints shell lines on stdout: eval "$(secrets-pipeline local start)"
    """
    failures = Failures()
    use_settings(config)
    root = repository(base_path)
    if take_operator_settings(root):
        say(f"For this command alone, {CONFIG_VARIABLE} is {os.environ[CONFIG_VARIABLE]}.")
    # Credentials of the user's would win over those of the embedded AWS.
    unset = [name for name in FOREIGN if os.environ.pop(name, None) is not None]
    specs: dict[str, StackSpec] = {}
    if base_path is not None or has_repository(root):
        desired = read(root)
        specs = {name: desired.specs[name] for name in usable(desired, None, failures)}
    else:
        say(f"No Atmos repository in {root}: nothing is made for its stacks.")
    aws = start_for(specs, state_dir, port=port)
    say(f"The embedded AWS answers at {aws.endpoint_url} (account {aws.account_id}, {aws.region}, process {aws.pid}).")
    emit(shell_lines(aws.environment(), unset=unset))
    failures.exit()


@app.command(epilog="Exit codes: 0 it runs, 1 it does not.")
def status(state_dir: StateDir = STATE_DIR) -> None:
    """Say whether the embedded AWS runs, and print its shell lines on stdout if it does."""
    aws = emulator.status(state_dir)
    if aws is None:
        say(f"No embedded AWS runs in {state_dir}; `secrets-pipeline local start` starts one.")
        raise typer.Exit(FAILED)
    say(f"The embedded AWS answers at {aws.endpoint_url} (account {aws.account_id}, {aws.region}, process {aws.pid}).")
    emit(shell_lines(aws.environment()))


@app.command(epilog="Exit codes: 0 nothing runs any more, 1 it could not be stopped.")
def stop(state_dir: StateDir = STATE_DIR) -> None:
    """Stop the embedded AWS with every PostgreSQL; its data is gone."""
    stopped = emulator.stop(state_dir)
    say("Stopped." if stopped else f"No embedded AWS runs in {state_dir}.")


def start_for(
    specs: Mapping[str, StackSpec], state_dir: Path, *, port: int | None = None, die_with_parent: bool = False
) -> LocalAws:
    """Start the embedded AWS as the account and region of most stacks, with what Terraform would have made.

    Raises:
        LocalError: if it does not start.
    """
    aws = emulator.start(
        state_dir,
        account_id=_most([spec.target.account_id for spec in specs.values()], DEFAULT_ACCOUNT),
        region=_most([spec.target.region for spec in specs.values()], DEFAULT_REGION),
        port=port,
        die_with_parent=die_with_parent,
    )
    keep_from_git(state_dir)
    # Its libraries come with the extra `local`, without which nothing was started.
    from secrets_pipeline.emulator.postgres import why_not  # noqa: PLC0415 - of the extra, asked for when PostgreSQL failed alone

    if (problem := why_not()) is not None:
        say(f"Databases of the embedded AWS will fail. {problem}")
    emulator.stand_in(aws, stand_ins(specs, account_id=aws.account_id))
    return aws


def take_operator_settings(base_path: Path) -> bool:
    """Set SECRETS_PIPELINE_CONFIG in this process to the examples' own; no other repository brings its operator's.

    Returns:
        Whether it was set.
    """
    settings = base_path / OPERATOR_SETTINGS
    if os.environ.get(CONFIG_VARIABLE) or not settings.is_file():
        return False
    if base_path.resolve() == CHECKOUT_EXAMPLES:
        os.environ[CONFIG_VARIABLE] = str(settings)
        return True
    say(f"{settings} is not read, as its repository is not its operator: name it in {CONFIG_VARIABLE} if you are.")
    return False


@contextmanager
def embedded_account(desired: OpenRepository) -> Iterator[OpenRepository]:
    """Let stacks whose account nobody names live in the embedded AWS, by settings that end with the block.

    Yields:
        The repository under them; as it was where the operator brings settings, or each stack has an account.
    """
    unnamed = [name for name, spec in desired.specs.items() if spec.target.account_id is None]
    if os.environ.get(CONFIG_VARIABLE) or not unnamed:
        yield desired
        return
    account = _most([spec.target.account_id for spec in desired.specs.values()], DEFAULT_ACCOUNT)
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", prefix="operator-") as file:
        yaml.safe_dump({"targets": [{"stacks": name, "account_id": account} for name in unnamed]}, file)
        file.flush()
        # Other processes read it, too.
        os.environ[CONFIG_VARIABLE] = file.name
        say(f"Nobody names the account of {', '.join(unnamed)}: here it is {account}, that of the embedded AWS.")
        try:
            yield open_repository(desired.base_path, origin=desired.origin)
        finally:
            del os.environ[CONFIG_VARIABLE]


def has_repository(base_path: Path) -> bool:
    """Tell whether there is an `atmos.yaml` in the folder."""
    return any((base_path / name).is_file() for name in ("atmos.yaml", "atmos.yml", ".atmos.yaml", ".atmos.yml"))


def shell_lines(variables: Mapping[str, str], *, unset: Iterable[str] = ()) -> str:
    """Write `unset NAME` and `export NAME=value` lines, quoted for a shell."""
    removed = [f"unset {name}" for name in unset]
    return "\n".join([*removed, *(f"export {name}={shlex.quote(value)}" for name, value in variables.items())])


def _most(values: Iterable[str | None], default: str) -> str:
    found = Counter(value for value in values if value is not None).most_common(1)
    return found[0][0] if found else default
