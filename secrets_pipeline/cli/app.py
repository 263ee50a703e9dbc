"""Assemble the command `secrets-pipeline` from one module a command."""

from __future__ import annotations

import resource
from typing import Annotated

import typer

from secrets_pipeline import __version__
from secrets_pipeline.cli.access import command as access
from secrets_pipeline.cli.apply import command as apply
from secrets_pipeline.cli.demo import command as demo
from secrets_pipeline.cli.describe import command as describe
from secrets_pipeline.cli.dev import command as dev
from secrets_pipeline.cli.doctor import command as doctor
from secrets_pipeline.cli.events import command as events
from secrets_pipeline.cli.iam_policy import command as iam_policy
from secrets_pipeline.cli.init import command as init
from secrets_pipeline.cli.local import command as local
from secrets_pipeline.cli.migrate import command as migrate
from secrets_pipeline.cli.outputs import command as outputs
from secrets_pipeline.cli.plan import command as plan
from secrets_pipeline.cli.rotate import command as rotate
from secrets_pipeline.cli.rotation_package import command as rotation
from secrets_pipeline.cli.shared.console import emit
from secrets_pipeline.cli.shared.failures import Commands
from secrets_pipeline.cli.shared.interrupts import keep_interrupts
from secrets_pipeline.cli.tree import command as tree
from secrets_pipeline.cli.verify import command as verify

app = typer.Typer(
    name="secrets-pipeline",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    # A traceback with locals would show values.
    pretty_exceptions_enable=False,
    help="Make AWS Secrets Manager match an Atmos repository, and keep it so.",
    epilog="Exit codes: 0 done, 1 error (a mistyped option included). Results are on stdout, all else on stderr.",
)


def _version(asked: bool) -> None:
    if asked:
        emit(f"secrets-pipeline {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Options of the command itself."""


app.command(epilog=init.EPILOG)(init.init)
app.add_typer(describe.app, name="describe")
app.command(epilog=tree.EPILOG)(tree.tree)
app.command(epilog=doctor.EPILOG)(doctor.doctor)
app.command(epilog=plan.EPILOG)(plan.plan)
app.command(epilog=apply.EPILOG)(apply.apply)
app.command(epilog=verify.EPILOG)(verify.verify)
app.command(epilog=rotate.EPILOG)(rotate.rotate)
app.add_typer(rotation.app, name="rotation")
app.add_typer(events.app, name="events")
app.add_typer(access.app, name="access")
app.command("iam-policy", epilog=iam_policy.EPILOG)(iam_policy.iam_policy)
app.command(epilog=outputs.EPILOG)(outputs.outputs)
app.add_typer(migrate.app, name="migrate")
app.add_typer(local.app, name="local")
app.command(epilog=demo.EPILOG)(demo.demo)
app.command(epilog=dev.EPILOG)(dev.dev)


def main() -> None:
    """Run the command line, without core dumps (`setrlimit`), also of what it starts: they would hold values."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    keep_interrupts()
    app(prog_name="secrets-pipeline")
