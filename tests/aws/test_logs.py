"""No value is in what the libraries log, whatever the level and whoever configures it."""

from __future__ import annotations

import ast
import importlib
import logging
import logging.config
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import urllib3

from secrets_pipeline.aws.faults import calling
from secrets_pipeline.aws.logs import LIBRARIES
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired.base import Target
from secrets_pipeline.errors import AwsError

if TYPE_CHECKING:
    from tests.aws.conftest import Emulator

CANARY = "canary-7Jq2-value"
REGION = "eu-west-1"

HEARD: list[str] = []


class Everything(logging.Handler):
    """Hears a record as text, and with all that hangs on it."""

    def emit(self, record: logging.LogRecord) -> None:
        HEARD.append(f"{record.name} {logging.Formatter().format(record)} {vars(record)!r}")


def at_every_logger() -> None:
    """Somebody who finds all loggers that there are, and turns each one up."""
    for name in (None, *logging.root.manager.loggerDict):
        logging.getLogger(name).setLevel(logging.DEBUG)
        logging.getLogger(name).disabled = False
    logging.getLogger().addHandler(Everything())


def at_the_root() -> None:
    logging.basicConfig(level=logging.DEBUG, handlers=[Everything()], force=True)


def by_configuration(*, disable: bool) -> None:
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": disable,
            "handlers": {"all": {"()": Everything}},
            "root": {"level": "DEBUG", "handlers": ["all"]},
            "loggers": {
                name: {"level": "DEBUG", "handlers": ["all"], "propagate": False}
                for name in (*LIBRARIES, "botocore.endpoint", "botocore.parsers", "botocore.auth", "boto3.resources")
            },
        }
    )


def by_boto3() -> None:
    boto3.set_stream_logger("")
    boto3.set_stream_logger("botocore.parsers")
    urllib3.add_stderr_logger()
    logging.getLogger().addHandler(Everything())


WAYS: dict[str, Callable[[], None]] = {
    "root": at_the_root,
    "every logger": at_every_logger,
    "dictConfig": lambda: by_configuration(disable=False),
    "dictConfig that disables": lambda: by_configuration(disable=True),
    "boto3": by_boto3,
}


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Loggers, handlers and the factory are the process's: put back what there was."""
    HEARD.clear()
    factory = logging.getLogRecordFactory()
    loggers = [logging.getLogger(name) for name in (None, *logging.root.manager.loggerDict)]
    before = [(one, one.level, list(one.handlers), one.propagate, one.disabled) for one in loggers]
    yield
    made = set(logging.root.manager.loggerDict) - {one.name for one, *_ in before}
    before += [(logging.getLogger(name), logging.NOTSET, [], True, False) for name in made]
    for one, level, handlers, propagate, disabled in before:
        one.setLevel(level)
        one.handlers, one.propagate, one.disabled = handlers, propagate, disabled
    logging.setLogRecordFactory(factory)


def carry(sessions: Sessions) -> None:
    """Send and receive values in the protocols that botocore has for them, taken and refused."""
    account = sessions.for_target(Target(region=REGION))
    secrets, ssm, kms = account.client("secretsmanager"), account.client("ssm"), account.client("kms")
    secrets.create_secret(Name="logged", SecretString=CANARY)
    assert secrets.get_secret_value(SecretId="logged")["SecretString"] == CANARY
    ssm.put_parameter(Name="/logged", Value=CANARY, Type="SecureString")
    assert ssm.get_parameter(Name="/logged", WithDecryption=True)["Parameter"]["Value"] == CANARY
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    sealed = kms.encrypt(KeyId=key, Plaintext=CANARY.encode())["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == CANARY.encode()
    refused: list[tuple[str, Callable[[], object]]] = [
        ("CreateSecret", lambda: secrets.create_secret(Name="logged", SecretString=CANARY + "2")),
        (
            "CreateDBInstance",  # XML, and a request as form
            lambda: account.client("rds").create_db_instance(
                DBInstanceIdentifier="a", Engine=CANARY, DBInstanceClass="x", MasterUserPassword=CANARY
            ),
        ),
        ("UpdateFunctionConfiguration", lambda: changed_function(account.client("lambda"))),  # REST
    ]
    for operation, call in refused:
        with pytest.raises(AwsError), calling(operation):
            call()
    s3: Any = boto3.Session(region_name=REGION).resource("s3")
    bucket = s3.create_bucket(Bucket="logged", CreateBucketConfiguration={"LocationConstraint": REGION})
    bucket.put_object(Key="a", Body=CANARY.encode())
    assert bucket.Object("a").get()["Body"].read() == CANARY.encode()


def changed_function(client: Any) -> None:  # noqa: ANN401 - boto3's
    client.update_function_configuration(FunctionName="none", Environment={"Variables": {"PASSWORD": CANARY}})


def assert_only_masked() -> None:
    assert any("botocore.endpoint Making request for … with params: …" in line for line in HEARD)
    assert any("botocore.parsers Response body:\n…" in line for line in HEARD)
    assert any(line.startswith("urllib3.connectionpool") and " 200 " in line for line in HEARD)
    assert [line for line in HEARD if CANARY in line] == []


@pytest.mark.parametrize("way", WAYS)
def test_no_value_is_logged_whoever_turns_debug_on_before_the_session(
    emulator: Emulator, way: str, capfd: pytest.CaptureFixture[str]
) -> None:
    WAYS[way]()
    carry(Sessions())
    assert_only_masked()
    assert CANARY not in "".join(capfd.readouterr())


@pytest.mark.parametrize("way", WAYS)
def test_no_value_is_logged_whoever_turns_debug_on_while_a_session_is_open(
    emulator: Emulator, way: str, capfd: pytest.CaptureFixture[str]
) -> None:
    sessions = Sessions()
    sessions.for_target(Target(region=REGION)).client("secretsmanager").list_secrets()
    WAYS[way]()
    carry(sessions)
    assert_only_masked()
    assert CANARY not in "".join(capfd.readouterr())


def test_a_factory_that_somebody_else_has_set_is_masked_at_the_next_session_and_still_used(emulator: Emulator) -> None:
    at_the_root()

    class Theirs(logging.LogRecord):
        pass

    logging.setLogRecordFactory(Theirs)
    carry(Sessions())
    assert_only_masked()
    assert isinstance(logging.getLogger("botocore").makeRecord("botocore", 10, "", 0, "", (), None), Theirs)


def test_an_error_is_named_and_not_shown_and_other_loggers_say_all() -> None:
    at_the_root()
    for name in ("aws_encryption_sdk.key_providers.kms", "mine"):
        try:
            int(CANARY)
        except ValueError:
            logging.getLogger(name).exception("%s of %d", "this", 7)
    logging.getLogger("s3transfer.tasks").debug(f"Executing with {CANARY}")  # noqa: G004 - as s3transfer does
    sdk, mine, s3transfer = HEARD
    assert "…" in s3transfer
    assert CANARY not in s3transfer
    assert "… of 7 (ValueError)" in sdk
    assert CANARY not in sdk
    assert "this of 7" in mine
    assert CANARY in mine


def spoken(library: str) -> Iterator[tuple[str, ast.expr]]:
    """Every log call of a library, as `file:line`, with what it says."""
    folder = Path(str(importlib.import_module(library).__file__)).parent
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id=of), attr=level), args=[_, *_]) if of.lower().strip(
                    "_"
                ) in {"log", "logger"} and level in {"debug", "info", "warning", "error", "exception", "critical"}:
                    yield f"{path.relative_to(folder.parent)}", node.args[0]


def test_what_the_libraries_log_is_a_fixed_text_with_arguments() -> None:
    """One that is put together before it is logged cannot be masked: each is listed here, after a look at it."""
    calls = [(place, said) for library in sorted(LIBRARIES - {"s3transfer"}) for place, said in spoken(library)]
    assert len(calls) > 250
    assert {(place, ast.unparse(said)) for place, said in calls if not isinstance(said, ast.Constant)} == {
        ("aws_encryption_sdk/key_providers/kms.py", "error_message"),  # which key
        ("botocore/compress.py", "log_msg"),  # fixed
        ("botocore/credentials.py", "msg"),  # fixed
        ("botocore/docs/bcdoc/restdoc.py", "doc_string"),
        ("botocore/endpoint_provider.py", "depr_str"),  # from AWS's rules of end points
        ("botocore/httpsession.py", "message"),  # fixed
        ("botocore/tokens.py", "msg"),  # fixed
        ("botocore/utils.py", "statement"),  # fixed
    }
