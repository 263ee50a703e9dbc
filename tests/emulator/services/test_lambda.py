"""What each invocation of a function finds, and what it leaves."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import BotoCoreError

from secrets_pipeline.emulator import LocalAws, Mishap, StandInRole, kill_invocations, stand_in, start, status, stop
from secrets_pipeline.emulator.handle.state import read_state
from tests.embedded import lead_to
from tests.waiting import eventually

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

ROLE = "arn:aws:iam::111122223333:role/runs-functions"
ALLOWED: Mapping[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["ssm:*", "logs:*"], "Resource": "*"}],
}
NOTHING: Mapping[str, str] = {}
Deploy = Callable[..., "Function"]


class Function:
    """A function that was deployed."""

    def __init__(self, client: LambdaClient, name: str) -> None:
        self._client, self._name = client, name

    def __call__(self, event: object = None) -> Any:  # noqa: ANN401 - JSON
        """Invoke it; what it answers."""
        answer = self._client.invoke(FunctionName=self._name, Payload=json.dumps(event).encode())
        return json.loads(answer["Payload"].read())

    def update(self, files: Mapping[str, str]) -> None:
        """Other code."""
        self._client.update_function_code(FunctionName=self._name, ZipFile=packed(files))

    def log(self) -> str:
        """All that it and Lambda wrote."""
        found = boto3.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{self._name}")
        return "\n".join(one["message"] for one in found["events"])


def packed(files: Mapping[str, str]) -> bytes:
    """A zip of Python files."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        for name, text in files.items():
            zipped.writestr(f"{name}.py", text)
    return archive.getvalue()


@pytest.fixture
def deploy(aws: LocalAws, monkeypatch: pytest.MonkeyPatch, name: str) -> Deploy:
    return deploying(aws, monkeypatch, name.partition("/")[0])


def deploying(aws: LocalAws, patch: pytest.MonkeyPatch, name: str) -> Deploy:
    lead_to(aws, patch)
    client: Any = boto3.client("lambda")

    def deploy(
        code: str, suffix: str = "", timeout: int = 60, files: Mapping[str, str] = NOTHING, **variables: str
    ) -> Function:
        stand_in(aws, [StandInRole(ROLE, "lambda.amazonaws.com", {"all": ALLOWED})])
        client.create_function(
            FunctionName=name + suffix,
            Role=ROLE,
            Runtime="python3.12",
            Handler="index.handler",
            Timeout=timeout,
            Code={"ZipFile": packed({"index": code, **files})},
            Environment={"Variables": variables},
        )
        return Function(client, name + suffix)

    return deploy


SAYS_WHAT_IS_THERE = """
import os, sys, threading
there = sorted({"boto3", "botocore", "moto", "secrets_pipeline"} & set(sys.modules))
def handler(event, context):
    return {"there": there, "threads": len(os.listdir("/proc/self/task")), "folder": os.getcwd(), "path": sys.path[0],
            "root": os.environ["LAMBDA_TASK_ROOT"], "has its code": os.path.exists("index.py")}
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process that has imported boto3 is not forked")
def test_a_function_begins_where_boto3_is_imported_and_nothing_of_ours(deploy: Deploy) -> None:
    found = deploy(SAYS_WHAT_IS_THERE)()
    assert (found["there"], found["threads"]) == (["boto3", "botocore"], 1)
    assert found["folder"] == found["path"] == found["root"]
    assert found["has its code"]


SAYS_WHAT_IT_HAS = """
import os, resource, tempfile
def handler(event, context):
    folder = tempfile.mkdtemp()
    with open("/proc/self/status") as status:
        privileges = [line.split()[1] for line in status if line.startswith("NoNewPrivs")]
    limits = {name: resource.getrlimit(getattr(resource, f"RLIMIT_{name}")) for name in ("CORE", "FSIZE", "NOFILE")}
    return {"variables": sorted(os.environ), "folder": folder, "home": os.path.expanduser("~"), "limits": limits,
            "is empty": os.listdir(os.environ["TMPDIR"]) == [os.path.basename(folder)], "privileges": privileges}
"""
# Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
RUNTIME_VARIABLES = {
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_TASK_ROOT",
    "LANG",
    "PATH",
}
OF_THIS_MACHINE = {"AWS_EC2_METADATA_DISABLED", "AWS_ENDPOINT_URL", "HOME", "SSL_CERT_FILE", "TMPDIR"}


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc what a function may do")
def test_a_function_has_its_own_variables_a_temporary_folder_of_its_own_and_lambdas_limits(deploy: Deploy) -> None:
    function = deploy(SAYS_WHAT_IT_HAS, OWN="one")
    found, again = function(), function()
    assert set(found["variables"]) == {*RUNTIME_VARIABLES, *OF_THIS_MACHINE, "OWN"}
    assert found["limits"] == {"CORE": [0, 0], "FSIZE": [512 * 1024**2] * 2, "NOFILE": [1024] * 2}
    assert (found["privileges"], found["is empty"], again["is empty"]) == (["1"], True, True)
    assert Path(found["folder"]).parent == Path(found["home"]) != Path(again["home"])
    assert not Path(found["home"]).exists()


@pytest.mark.parametrize("left", ["os.symlink(event, path)", "os.mkfifo(path)", "os.mkdir(path)"])
def test_what_a_function_puts_in_the_place_of_its_answer_is_not_followed(
    deploy: Deploy, tmp_path: Path, left: str
) -> None:
    private = tmp_path / "private.json"
    private.write_text('"of somebody else"')
    code = f"""
import os
def handler(event, context):
    path = os.path.join(os.path.dirname(os.environ["TMPDIR"]), "answer.json")
    {left}
    os._exit(0)
"""
    assert deploy(code)(str(private))["errorType"] == "Runtime.ExitError"


REMEMBERS = """
import os, sys
import json as shared
times = []
def handler(event, context):
    before = getattr(shared, "mark", None), os.environ.get("MARK"), len(times)
    shared.mark = os.environ["MARK"] = "left by an invocation"
    times.append(1)
    return [*before, os.environ.get("OWN")]
"""


def test_no_invocation_finds_what_another_left_in_its_process(deploy: Deploy) -> None:
    one, other = deploy(REMEMBERS, OWN="one"), deploy(REMEMBERS, "-other", MARK="its own")
    assert one() == one() == [None, None, 0, "one"]
    assert other() == [None, "its own", 0, None]


def test_an_update_of_the_code_counts_from_the_next_invocation(deploy: Deploy) -> None:
    code = "from part import answer\ndef handler(event, context): return answer"
    function = deploy(code, files={"part": "answer = 1"})
    assert function() == 1
    function.update({"index": code, "part": "answer = 2"})
    assert function() == 2


@pytest.mark.parametrize("package", ["boto3", "botocore", "six", "urllib3", "dateutil"])
def test_a_package_in_the_zip_goes_before_that_of_the_runtime(deploy: Deploy, package: str) -> None:
    code = f"import {package}\ndef handler(event, context): return {package}.__version__"
    assert deploy(code, files={f"{package}/__init__": "__version__ = 'of the zip'"})() == "of the zip"
    assert deploy(code, "-without")() != "of the zip"


def test_a_module_of_pythons_library_in_the_zip_goes_before_it(deploy: Deploy) -> None:
    code = "import getpass\ndef handler(event, context): return getpass.getuser()"
    assert deploy(code, files={"getpass": "def getuser(): return 'of the zip'"})() == "of the zip"


def test_the_same_package_in_the_zip_costs_no_fresh_process(deploy: Deploy) -> None:
    six = Path(str(__import__("six").__file__)).read_text()
    code = "import sys\nthere = 'boto3' in sys.modules\ndef handler(event, context): return there"
    assert deploy(code, files={"six": six})() is (sys.platform == "linux")
    assert deploy(code, "-other", files={"six": six + "\n"})() is False


READS = """
import boto3
from botocore.loaders import JSONFileLoader
read, original = [], JSONFileLoader.load_file
def noted(self, path):
    read.append(path)
    return original(self, path)
JSONFileLoader.load_file = noted
def handler(event, context):
    boto3.client("secretsmanager")
    return [path.rpartition("/")[2] for path in read if "secretsmanager" in path]
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process that has imported boto3 is not forked")
def test_awss_models_are_read_once_for_all_invocations(deploy: Deploy) -> None:
    assert deploy(READS)() == []


@pytest.mark.parametrize("variables", [{"AWS_DATA_PATH": "/somewhere/else"}, {"PYTHONPATH": "/somewhere/else"}])
def test_who_looks_for_models_elsewhere_or_begins_afresh_reads_them_itself(
    deploy: Deploy, variables: dict[str, str]
) -> None:
    assert any(path.startswith("service-2") for path in deploy(READS, **variables)())


@pytest.mark.parametrize(
    ("variable", "value", "asked"),
    [
        ("PYTHONPATH", "/somewhere/else", "'/somewhere/else' in __import__('sys').path"),
        ("PYTHONHASHSEED", "0", "__import__('sys').flags.hash_randomization == 0"),
        ("TZ", "Asia/Tokyo", "__import__('time').localtime(0).tm_hour == 9"),
    ],
)
def test_a_variable_that_python_reads_as_it_starts_counts(
    deploy: Deploy, variable: str, value: str, asked: str
) -> None:
    code = f"def handler(event, context): return {asked}"
    assert deploy(code)() is False
    assert deploy(code, "-with", **{variable: value})() is True


@pytest.mark.parametrize("variables", [{}, {"PYTHONPATH": "/somewhere/else"}], ids=["forked", "afresh"])
@pytest.mark.parametrize(
    ("ends", "message"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "Runtime exited with error: signal: killed"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "Runtime exited with error: signal: segmentation fault"),
        ("os._exit(3)", "Runtime exited with error: exit status 3"),
        ("sys.exit(4)", "Runtime exited with error: exit status 4"),
        ("os._exit(0)", "Runtime exited with error: exit status 0"),
    ],
)
def test_a_function_that_ends_itself_is_told_and_logged_and_hinders_no_later_one(
    deploy: Deploy, variables: dict[str, str], ends: str, message: str
) -> None:
    code = f"""
import os, signal, sys
def handler(event, context):
    print("said before", flush=True)
    if event == "end":
        {ends}
    return "alive"
"""
    function = deploy(code, **variables)
    assert function("end") == {"errorMessage": message, "errorType": "Runtime.ExitError"}
    assert function("go on") == "alive"
    assert function.log().index("said before") < function.log().index(f"Error: {message}")


@pytest.mark.parametrize("variables", [{}, {"PYTHONPATH": "/somewhere/else"}], ids=["forked", "afresh"])
def test_a_function_that_takes_too_long_is_killed_and_what_it_wrote_is_logged(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    code = """
import os, time
def handler(event, context):
    print("runs as", os.getpid(), flush=True)
    time.sleep(event)
    return "in time"
"""
    function = deploy(code, timeout=1, **variables)
    assert function(0) == "in time"
    assert function(600) == {"errorMessage": "Task timed out after 1.00 seconds", "errorType": "Sandbox.Timedout"}
    (process,) = (line.split()[2] for line in function.log().splitlines()[1:] if line.startswith("runs as"))
    with pytest.raises(ProcessLookupError):
        os.kill(int(process), 0)
    assert function(0) == "in time"


@pytest.mark.parametrize(
    ("lets", "group", "written"),
    [
        (["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], False, True),
        # What the managed rotation function has: a group that was deleted does not come back.
        (["logs:CreateLogStream", "logs:PutLogEvents"], False, None),
        (["logs:CreateLogStream", "logs:PutLogEvents"], True, True),
        (["logs:CreateLogGroup", "logs:CreateLogStream"], True, False),
        (None, False, None),
    ],
)
def test_lambda_writes_the_log_that_the_execution_role_lets_it_write(
    deploy: Deploy, name: str, lets: list[str] | None, group: bool, written: bool | None
) -> None:
    function = deploy("def handler(event, context): print('said')")
    iam: Any = boto3.client("iam")
    role = ROLE.rpartition("/")[2]
    iam.delete_role_policy(RoleName=role, PolicyName="all")
    if lets is None:
        iam.delete_role(RoleName=role)
    else:
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": lets, "Resource": "*"}]}
        iam.put_role_policy(RoleName=role, PolicyName="all", PolicyDocument=json.dumps(document))
    logs: Any = boto3.client("logs")
    named = f"/aws/lambda/{name.partition('/')[0]}"
    if group:
        logs.create_log_group(logGroupName=named)
    function()
    there = bool(logs.describe_log_groups(logGroupNamePrefix=named)["logGroups"])
    assert (("said" in function.log()) if there else None) is written


def test_the_lines_of_a_log_are_in_the_order_in_which_they_were_written(deploy: Deploy) -> None:
    code = """
import logging, sys
def handler(event, context):
    print("one")
    print("two", file=sys.stderr)
    logging.warning("three")
    raise ValueError("four")
"""
    function = deploy(code)
    assert function()["errorType"] == "ValueError"
    log = function.log()
    places = [log.index(word) for word in ("one", "two", "three", "four")]
    assert places == sorted(places)


MEETS = """
import boto3, time
def handler(event, context):
    ssm = boto3.client("ssm")
    ssm.put_parameter(Name=event["mine"], Value="here", Type="String")
    while not ssm.get_parameters(Names=[event["other"]])["Parameters"]:
        time.sleep(0.02)
    return "met"
"""


def test_two_invocations_of_a_function_run_at_once(deploy: Deploy, name: str) -> None:
    function, answers = deploy(MEETS), []
    left, right = f"/{name}/left", f"/{name}/right"

    def meet(mine: str, other: str) -> None:
        answers.append(function({"mine": mine, "other": other}))

    both = [threading.Thread(target=meet, args=pair) for pair in ((left, right), (right, left))]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert answers == ["met", "met"]


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[LocalAws]:
    yield start(tmp_path / "aws", die_with_parent=True)
    stop(tmp_path / "aws")


WAITS = """
import boto3, os, time
def handler(event, context):
    processes = " ".join(map(str, [os.getpid(), *ancestors()]))
    boto3.client("ssm").put_parameter(Name="/waits", Value=processes, Type="String")
    time.sleep(600)

def ancestors():
    process = os.getppid()
    for _ in range(2):
        yield process
        with open(f"/proc/{process}/stat") as file:
            process = int(file.read().rpartition(")")[2].split()[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc who runs a function")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_no_function_and_none_who_forks_it_outlives_the_embedded_aws(
    alone: LocalAws,
    monkeypatch: pytest.MonkeyPatch,
    how: signal.Signals,
) -> None:
    function = deploying(alone, monkeypatch, "waits")(WAITS, timeout=900)
    ssm, state = boto3.client("ssm"), read_state(alone.state_dir)
    assert state is not None

    def ask() -> None:
        with contextlib.suppress(BotoCoreError):
            function()

    threading.Thread(target=ask, daemon=True).start()
    (told,) = eventually(lambda: ssm.get_parameters(Names=["/waits"])["Parameters"])
    processes = [int(one) for one in told["Value"].split()]
    assert len(processes) == 3
    assert alone.pid not in processes
    os.kill(alone.pid, how)
    eventually(lambda: status(alone.state_dir) is None)
    eventually(lambda: not any(Path(f"/proc/{one}").exists() for one in processes))
    stop(alone.state_dir)
    assert not state.lambda_root.exists()


FORKS = """
import os
def handler(event, context):
    with open(f"/proc/{os.getppid()}/stat") as file:
        return int(file.read().rpartition(")")[2].split()[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc who runs a function")
def test_all_functions_are_forks_of_one_process_and_a_killed_one_is_replaced(
    alone: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy = deploying(alone, monkeypatch, "forks")
    function, other = deploy(FORKS), deploy(FORKS, "-other")
    first = function()
    assert first == function() == other()
    assert first not in (alone.pid, os.getpid())
    kill_invocations(alone, Mishap())
    assert function()["errorType"] == "Runtime.ExitError"
    assert function() == first
    os.kill(first, signal.SIGKILL)
    eventually(lambda: Path(f"/proc/{first}/cmdline").read_bytes() == b"")
    assert function() == other() != first
