"""Run handlers: one process with boto3 imported, as Lambda's runtime has it, forks itself for each invocation.

`bootstrap.py FD` gets a socket for each invocation over the socket FD, and ends with it. Who asks names a folder there
and is told the exit status; who hangs up before has the invocation killed. In the folder are `request.json`, and then
`answer.json` and `log`. `bootstrap.py FOLDER` runs one invocation without a fork.

Run by path; needs the standard library and boto3. It must never have a second thread, which no fork would have.
"""

import contextlib
import ctypes
import functools
import gc
import importlib
import json
import logging
import os
import resource
import select
import signal
import socket
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

PATH_BYTES = 4096
PR_SET_NO_NEW_PRIVS = 38
# 512 MB of temporary files, 1,024 open ones: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
LIMITS = {resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE: 512 * 1024 * 1024, resource.RLIMIT_NOFILE: 1024}
# What Python, its libraries and boto3 look at once, before the first line of a function.
AT_START = ("PYTHON", "LANG", "LC_", "LD_", "OPENSSL_", "BOTO_")


def serve(requests: socket.socket) -> int:
    """Fork for each invocation, until nobody can ask any more."""
    limit()
    imported = preload()
    gc.freeze()
    while True:
        _, received, _, _ = socket.recv_fds(requests, 1, 1)
        reap()
        if not received:
            return 0
        if os.fork() == 0:
            requests.close()
            return watch(socket.socket(fileno=received[0]), imported)
        os.close(received[0])


def limit() -> None:
    """Bind this process and its children to Lambda's limits on files, to no core dump, and to the rights it has."""
    for what, most in LIMITS.items():
        _, allowed = resource.getrlimit(what)
        bound = most if allowed == resource.RLIM_INFINITY else min(most, allowed)
        resource.setrlimit(what, (bound, bound))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def reap() -> None:
    """Wait for the children that have ended: what they used counts as this process's then."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def preload() -> dict[str, str]:
    """Import boto3 and read the models that rotation functions need; the file of each module that came with it."""
    # What the frameworks of macOS have opened does not survive a fork: there each invocation starts afresh.
    if sys.platform != "linux":
        return {}
    before = set(sys.modules)
    boto3, botocore = importlib.import_module("boto3"), importlib.import_module("botocore")
    look_at_hooks_once(importlib.import_module("botocore.hooks"))
    loader = importlib.import_module("botocore.loaders").create_loader()
    # A session with a loader of its own reads AWS's models anew: four fifths of what its first client costs.
    botocore.register_initializer(lambda session: share(session, loader))
    boto3.Session("none", "none", region_name="us-east-1").client("secretsmanager")
    files = {name: getattr(sys.modules[name], "__file__", None) for name in set(sys.modules) - before}
    return {name: file for name, file in files.items() if file}


def look_at_hooks_once(hooks: Any) -> None:  # noqa: ANN401 - botocore's module, which is not imported yet
    """Keep what each session finds out again about its 140 handlers of events: most of what a further client costs."""
    aliaser = hooks.EventAliaser
    alias = functools.cache(aliaser(None)._alias_event_name)  # noqa: SLF001 - each has a cache of its own
    aliaser._alias_event_name = lambda _, event_name: alias(event_name)  # noqa: SLF001 - see above
    hooks.accepts_kwargs = functools.cache(hooks.accepts_kwargs)


def share(session: Any, loader: Any) -> None:  # noqa: ANN401 - botocore's, which is not imported yet
    """Have a botocore session read models through a loader, where it does not look for them elsewhere."""
    if session.get_config_variable("data_path") is None:
        session.register_component("data_loader", loader)


def watch(asked: socket.socket, imported: Mapping[str, str]) -> int:
    """Run one invocation in a child, kill it if nobody waits any more, tell how it ended."""
    folder = Path(os.fsdecode(asked.recv(PATH_BYTES)))
    ended, held = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ended)
        asked.close()
        begin(folder, imported, held)
    os.close(held)
    ready, _, _ = select.select([ended, asked.fileno()], [], [])
    if ended not in ready:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(OSError):
        asked.sendall(b"%d" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def begin(folder: Path, imported: Mapping[str, str], held: int) -> NoReturn:
    """Run the invocation in this process; in a fresh one if that would import or read something else as it starts."""
    request = read(folder)
    log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    root, environment = Path(request["root"]), request["environment"]
    os.chdir(root)
    if not imported or read_at_start(environment) != read_at_start(os.environ) or shadows(root, imported):
        os.set_inheritable(held, True)
        os.execve(sys.executable, [sys.executable, __file__, str(folder)], environment)  # noqa: S606 - this file again
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    status = run(folder)
    for written in (sys.stdout, sys.stderr):
        written.flush()
    # As in Lambda, a process that has answered does nothing more: to take down its modules costs a third of the time.
    os._exit(status)


def read_at_start(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that a process looks at before it runs a function."""
    return {name: value for name, value in environment.items() if name.startswith(AT_START)}


def shadows(root: Path, imported: Mapping[str, str]) -> bool:
    """Whether a function's folder has a package that was imported, but with other modules."""
    carried = {path.name.partition(".")[0] for path in root.iterdir()}
    for name, file in imported.items():
        path = root.joinpath(*name.split("."))
        own = path / "__init__.py" if Path(file).stem == "__init__" else path.with_suffix(".py")
        if name.partition(".")[0] in carried and not (own.exists() and own.read_bytes() == Path(file).read_bytes()):
            return True
    return False


def read(folder: Path) -> dict[str, Any]:
    """What is to be run: `root`, `handler` (`module.function`), `event` (JSON), `environment`, and `killed`.

    `killed` is `before` or `after` where the process is to be killed right before or after the handler's work.
    """
    found: dict[str, Any] = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    return found


def run(folder: Path) -> int:
    """Call the handler once; 0 if it returned, 1 if it raised."""
    request = read(folder)
    event = json.loads(request["event"])
    # Lambda's log has lines in the order in which they were written.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr] # Python makes a TextIOWrapper
    # Lambda gives the root logger a handler and leaves its level at WARNING.
    logging.basicConfig(stream=sys.stdout, format="[%(levelname)s]\t%(asctime)s\t%(message)s")
    sys.path.insert(0, request["root"])
    try:
        module, _, function = request["handler"].rpartition(".")
        call = getattr(importlib.import_module(module.replace("/", ".")), function)
        _die_if(request["killed"] == "before")
        answer, status = call(event, SimpleNamespace(aws_request_id="local", function_name=request["handler"])), 0
    except Exception as error:  # noqa: BLE001 - whatever the function raises is its answer, as in Lambda
        lines = traceback.format_exception(error)
        answer, status = (
            {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": lines},
            1,
        )
        sys.stderr.write("".join(lines))
    _die_if(request["killed"] == "after")
    (folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")
    return status


def _die_if(due: bool) -> None:
    if due:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    (argument,) = sys.argv[1:]
    raise SystemExit(serve(socket.socket(fileno=int(argument))) if argument.isdigit() else run(Path(argument)))
