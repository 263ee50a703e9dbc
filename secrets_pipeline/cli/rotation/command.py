"""`rotation package`: write the managed rotation function as the zip that AWS Lambda takes."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Annotated

import typer

from secrets_pipeline.cli.shared.console import emit_json, say
from secrets_pipeline.errors import PackageError
from secrets_pipeline.rotation.package import Package, build_package

app = typer.Typer(no_args_is_help=True, help="The managed rotation function.")


@app.command(epilog="Exit codes: 0 written, 1 a vendored distribution is damaged, or a file cannot be used.")
def package(
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", dir_okay=False, help="Where the zip is written.")
    ],
    ca_bundle: Annotated[
        Path | None,
        typer.Option(
            "--ca-bundle",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="PEM certificates that databases are trusted by, such as AWS's global-bundle.pem for RDS; "
            "by default RDS's own authorities.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Build the function's package, byte for byte the same wherever it is built.

    Prints handler, runtime and the SHA-256 that Lambda calls CodeSha256, as JSON on stdout.
    """
    built = build_package(ca_bundle=None if ca_bundle is None else _certificates(ca_bundle))
    output.write_bytes(built.content)
    say(f"{output}: {len(built.content)} bytes, without boto3, which Lambda's runtime brings.")
    emit_json(_described(built))


def _certificates(file: Path) -> bytes:
    content = file.read_bytes()
    if b"-----BEGIN CERTIFICATE-----" not in content:
        raise PackageError(
            f"{file} holds no certificates in PEM.",
            remedy="Download AWS's bundle: https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem",
        )
    return content


def _described(built: Package) -> dict[str, str]:
    return {
        "handler": built.handler,
        "runtime": built.runtime,
        "code_sha256": built.sha256,
        "sha256": base64.b64decode(built.sha256).hex(),
    }
