"""`dev`: run the embedded AWS and Dagster's web UI (`dg dev`) over one repository, until Ctrl-C."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from secrets_pipeline import emulator
from secrets_pipeline.aws.guards import READ_ONLY_VARIABLE
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.cli.apply.command import run_all, run_here
from secrets_pipeline.cli.local.checkout import examples
from secrets_pipeline.cli.local.command import (
    HISTORY_FOLDER,
    HOME_VARIABLE,
    STATE_DIR,
    StateDir,
    embedded_account,
    shell_lines,
    start_for,
    take_operator_settings,
)
from secrets_pipeline.cli.shared import runs
from secrets_pipeline.cli.shared.console import emit, say
from secrets_pipeline.cli.shared.failures import Failures
from secrets_pipeline.cli.shared.options import (
    BASE_PATH_VARIABLE,
    BasePath,
    ConfigFile,
    repository,
    use_settings,
)
from secrets_pipeline.cli.shared.repository import read, usable
from secrets_pipeline.errors import LocalError
from secrets_pipeline.operations.open_repository import CONFIG_VARIABLE, OpenRepository
from secrets_pipeline.operations.own_folder import why_not_own
from secrets_pipeline.operations.revision.checkouts import CHECKOUTS
from secrets_pipeline.reconcilers.apply_options import ApplyOptions
from secrets_pipeline.stacks import AtmosRepository
from secrets_pipeline.stacks.sources.source import FROM_FILE_VARIABLE

EPILOG = "Exit codes: that of `dg dev`; 0 after Ctrl-C, 1 if the embedded AWS does not start."
LOCATION = "secrets_pipeline.orchestration.code_location"
GUARDED_DEV = (sys.executable, "-P", "-m", "secrets_pipeline.cli.dev.guarded_dg", "dev")
_GRACE_SECONDS = 20


def dev(
    *,
    base_path: BasePath = None,
    config: ConfigFile = None,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Of the web UI, on 127.0.0.1.")] = 3000,
    no_apply: Annotated[
        bool, typer.Option("--no-apply", help="Leave the embedded AWS as it is: you apply the stacks yourself.")
    ] = False,
    state_dir: StateDir = STATE_DIR,
) -> None:
    """Serve Dagster's UI over a repository, on an embedded AWS that is stopped at the end.

    Applies every stack first, so that the UI shows what is there.

    Uses the examples of the project unless --base-path or ATMOS_BASE_PATH names another repository. Requests from pages
    of other origins, and those for another host than 127.0.0.1 or localhost, are refused. The history of runs is kept
    beside the embedded AWS and begins anew with it, unless DAGSTER_HOME names another folder.
    """
    use_settings(config)
    named = base_path or os.environ.get(BASE_PATH_VARIABLE)
    root = repository(base_path if named else examples())
    take_operator_settings(root)
    with embedded_account(read(root)) as desired:
        stacks = usable(desired, None, Failures())
        # The code location runs in other processes, which find the repository by this; it is the base path, too.
        source = desired.source
        os.environ[BASE_PATH_VARIABLE] = str(source.config.base if isinstance(source, AtmosRepository) else root)
        signal.signal(signal.SIGTERM, _interrupted)
        # A background job of a shell would ignore it, and so would everything that it starts.
        signal.signal(signal.SIGINT, _interrupted)
        begins = emulator.status(state_dir) is None
        try:
            aws = start_for({stack: desired.specs[stack] for stack in stacks}, state_dir, die_with_parent=True)
            second = emulator.second_user_environment(aws)
            os.environ.update(aws.environment())
            home = choose_home(state_dir, begins=begins)
            runs.prepare_home(stacks)
            left = f"{READ_ONLY_VARIABLE} is set" if Sessions().read_only else "--no-apply" if no_apply else ""
            failed = [] if left else _applied(stacks, desired)
            say(f"The embedded AWS answers at {aws.endpoint_url}; Dagster will at http://127.0.0.1:{port}.")
            say(what_to_click(port, stacks, failed, left=left))
            say(home)
            say(
                f"These keys are those of user {emulator.SECOND_USER}, who is not the pipeline and reads no value. "
                "Change something in AWS with them, and see how the pipeline finds it:"
            )
            emit(shell_lines(second))
            code = _serve(port)
        except KeyboardInterrupt:
            # Dagster takes the signal while a run applies, and hands it on as this.
            code = 0
        finally:
            emulator.stop(state_dir)
    raise typer.Exit(code)


def choose_home(state_dir: Path, *, begins: bool) -> str:
    """Name a folder in DAGSTER_HOME whose history is that of the embedded AWS, and say which it is.

    Args:
        state_dir: of the embedded AWS.
        begins: whether that AWS has just started empty. The history of an earlier AWS is deleted then.

    Raises:
        LocalError: if the folder is not ours.
    """
    if named := os.environ.get(HOME_VARIABLE):
        return f"The history of runs is that of {HOME_VARIABLE}, {named}: it may tell of another AWS than this one."
    home = state_dir.resolve() / HISTORY_FOLDER
    if foreign := why_not_own(home, scratch=(CHECKOUTS,)):
        raise LocalError(f"{home} cannot be used: {foreign[0]}", remedy=f"{foreign[1]}.")
    if begins and home.exists():
        shutil.rmtree(home)
    home.mkdir(mode=0o700, exist_ok=True)
    os.environ[HOME_VARIABLE] = str(home)
    kept = "starts empty, as this AWS does" if begins else "goes on, as this AWS was running already"
    said = f"{HOME_VARIABLE}={shlex.quote(str(home))}"
    return f"The history of runs {kept}. Set {said} to have the runs of other commands in it."


def _applied(stacks: Sequence[str], desired: OpenRepository) -> list[str]:
    """Apply every stack; return those whose run or checks failed."""
    say(f"Applying {', '.join(stacks)} to the embedded AWS.")
    failures = Failures()
    finished = run_all(stacks, lambda stack: run_here(stack, desired, ApplyOptions()), failures)
    green = {one.report.stack for one in finished if one.green}
    return [stack for stack in stacks if stack not in green]


def what_to_click(port: int, stacks: Sequence[str], failed: Sequence[str], *, left: str) -> str:
    """Say what the reader does first in the UI.

    Args:
        port: of the UI, on 127.0.0.1.
        stacks: that can be applied.
        failed: stacks whose run or checks failed.
        left: why nothing was applied: `--no-apply`, or that writes are forbidden; empty if the stacks were applied.
    """
    assets = f"http://127.0.0.1:{port}/assets"
    if not stacks:
        return "No stack can be applied. Follow the lines above, and start again."
    if left == "--no-apply":
        to_apply = f"To apply them open {assets}, choose all assets, and click Materialize."
        return f"The stacks were not applied, because of {left}. {to_apply}"
    if left:
        look = f"Open {assets}, and click an asset. Materialize fails until you unset the variable."
        return f"The stacks were not applied: {left}. {look}"
    if failed:
        return f"Not everything was applied: {', '.join(failed)}. Open http://127.0.0.1:{port}/runs, which says why."
    many = f"{len(stacks)} stacks are" if len(stacks) > 1 else f"Stack {stacks[0]} is"
    return f"{many} applied. Open {assets}, and click an asset."


def _interrupted(*_: object) -> None:
    sys.exit(0)


def _serve(port: int) -> int:
    command = [*GUARDED_DEV, "--host", "127.0.0.1", "--port", str(port)]
    source, folder = Path(__file__).resolve().parents[3], Path.cwd()
    if not folder.is_relative_to(source):
        # In a checkout it finds the project by itself. Elsewhere the current folder may be anybody's, and Dagster would
        # import from it, and read variables from a `.env` in it.
        command += ["--module-name", LOCATION, "--working-directory", str(source)]
        folder = Path(os.environ["DAGSTER_HOME"])
        named = [name for name in (CONFIG_VARIABLE, FROM_FILE_VARIABLE) if os.environ.get(name)]
        os.environ.update({name: str(Path(os.environ[name]).absolute()) for name in named})
    # Otherwise `dg` warns that the environment which it runs in is not the one that is activated.
    environment = {**os.environ, "VIRTUAL_ENV": sys.prefix}
    # A session of its own: it is told once, by us, and what it leaves behind can be ended with it.
    process = subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True)
    try:
        return process.wait()
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
