"""What a page of another site can do to the embedded AWS and to the webserver of `make dev`: nothing.

The pages know the key of the embedded AWS and every name, which no page does: each refusal stands for itself.
"""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import urlopen

import boto3
import dagster as dg
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from playwright.sync_api import Browser, Page

from secrets_pipeline import emulator
from secrets_pipeline.emulator.control.calls import CALLS_PATH
from secrets_pipeline.emulator.control.faults import FAULTS_PATH
from secrets_pipeline.orchestration.in_process.instance import open_instance
from secrets_pipeline.orchestration.shared.home import prepare_home
from secrets_pipeline.orchestration.shared.partitions import add_missing
from tests.e2e.browser import chromium
from tests.e2e.deployment import LOCATION
from tests.ports import free_port
from tests.waiting import SECONDS, eventually

EVIL = "evil.example"
STACK = "myapp-dev"
CANARY = "kd83hs7Qw2-canary"
UNPROTECTED = "--disable-features=LocalNetworkAccessChecks"
"""Source: https://developer.chrome.com/blog/local-network-access"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, to which the other site's name leads to this machine, and without a protection that others lack."""
    with chromium(f"--host-resolver-rules=MAP {EVIL} 127.0.0.1", UNPROTECTED) as launched:
        yield launched


class Site(http.server.BaseHTTPRequestHandler):
    """The other site: an empty page at every path."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>site</title>")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its base's
        """Nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[int]:
    """Its port."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@contextmanager
def opened(browser: Browser, host: str, port: int) -> Iterator[Page]:
    """A page of a host; what the server says of it is no matter, its scripts are ours."""
    page = browser.new_page()
    page.set_default_timeout(SECONDS * 1000)
    try:
        page.goto(f"http://{host}:{port}/page")
        yield page
    finally:
        page.close()


ASK = """async ([url, options]) => {
  try {
    const answer = await fetch(url, options);
    return `${answer.type} ${answer.status} ${await answer.text()}`;
  } catch (error) {
    return `failed: ${error.message}`;
  }
}"""


def asked(page: Page, url: str, **options: object) -> str:
    """What `fetch` gives to the page."""
    return str(page.evaluate(ASK, [url, options]))


def port_of(aws: emulator.LocalAws) -> int:
    return int(aws.endpoint_url.rsplit(":", 1)[1])


@dataclass(frozen=True)
class Attack:
    """A call of AWS's, or of `/_local/…`, signed with the true key for the host that the page asks."""

    service: str
    headers: Mapping[str, str]
    body: str
    path: str = "/"
    method: str = "POST"

    def by(self, page: Page, aws: emulator.LocalAws, host: str) -> str:
        url = f"http://{host}:{port_of(aws)}{self.path}"
        signed = AWSRequest(self.method, url, dict(self.headers), self.body.encode())
        keys = aws.environment()
        credentials = Credentials(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"])
        SigV4Auth(credentials, self.service, aws.region).add_auth(signed)
        body = {} if self.method == "GET" else {"body": self.body}
        return asked(page, url, method=self.method, headers=dict(signed.headers), **body)


def secrets_manager(operation: str, **parameters: str) -> Attack:
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"secretsmanager.{operation}"}
    return Attack("secretsmanager", headers, json.dumps(parameters))


TEMPLATE = {"Resources": {"Mine": {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "theirs"}}}}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
STACK_OF_THEIRS = f"Action=CreateStack&Version=2010-05-15&StackName=theirs&TemplateBody={quote(json.dumps(TEMPLATE))}"
READS: Mapping[str, Attack] = {
    "lists secrets": secrets_manager("ListSecrets"),
    "reads a value": secrets_manager("GetSecretValue", SecretId="victim"),
}
WRITES: Mapping[str, Attack] = {
    "creates a stack": Attack("cloudformation", FORM, STACK_OF_THEIRS),
    "rotates a secret": secrets_manager("RotateSecret", SecretId="victim", RotationLambdaARN="arn:aws:lambda:x"),
}
CONTROLS: Mapping[str, Attack] = {
    "reads calls": Attack("secrets-pipeline", {}, "", CALLS_PATH, "GET"),
    "arms faults": Attack("secrets-pipeline", {}, '[{"action": "deny"}]', FAULTS_PATH, "PUT"),
    "resets": Attack("secrets-pipeline", {}, "", "/moto-api/reset"),
}
ATTACKS = {**READS, **WRITES, **CONTROLS}


@pytest.fixture
def victim(aws: emulator.LocalAws) -> Iterator[emulator.LocalAws]:
    """The embedded AWS with a secret; nothing counted yet."""
    secrets = boto3.client("secretsmanager")
    secrets.create_secret(Name="victim", SecretString=CANARY)
    emulator.reset_calls(aws)
    yield aws
    secrets.delete_secret(SecretId="victim", ForceDeleteWithoutRecovery=True)


def assert_untouched(aws: emulator.LocalAws) -> None:
    """Nothing was called, nothing armed, nothing made and nothing lost."""
    assert emulator.calls(aws) == ()
    assert emulator.fault_reports(aws) == ()
    names = [one["Name"] for one in boto3.client("secretsmanager").list_secrets()["SecretList"]]
    assert ("victim" in names, "theirs" in names) == (True, False)
    emulator.reset_calls(aws)


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize("host", [EVIL, "localhost"], ids=["another site", "another port"])
def test_a_page_of_another_origin_neither_reads_nor_writes_the_embedded_aws(
    browser: Browser, site: int, victim: emulator.LocalAws, host: str, attack: Attack
) -> None:
    with opened(browser, host, site) as page:
        for name in ("127.0.0.1", "localhost"):
            assert attack.by(page, victim, name) == "failed: Failed to fetch"
    assert_untouched(victim)


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_a_page_whose_name_leads_here_since_neither_reads_nor_writes_the_embedded_aws(
    browser: Browser, victim: emulator.LocalAws, attack: Attack
) -> None:
    with opened(browser, EVIL, port_of(victim)) as page:
        said = attack.by(page, victim, EVIL)
    assert said.startswith("basic 403 The embedded AWS answers as 127.0.0.1:")
    assert_untouched(victim)


def test_what_a_page_sends_without_asking_first_does_nothing_in_the_embedded_aws(
    browser: Browser, site: int, victim: emulator.LocalAws
) -> None:
    url = victim.endpoint_url
    with opened(browser, EVIL, site) as page:
        for place in ("/", FAULTS_PATH, CALLS_PATH, "/moto-api/reset", "/cloudformation_eu-west-2/"):
            for kind in ("text/plain", "application/x-www-form-urlencoded"):
                options = {"method": "POST", "mode": "no-cors", "headers": {"Content-Type": kind}}
                assert asked(page, url + place, body=STACK_OF_THEIRS, **options) == "opaque 0 "
            assert asked(page, url + place, mode="no-cors") == "opaque 0 "
            picture(page, url + place)
            form(page, f"{url}{place}?{STACK_OF_THEIRS}")
    assert_untouched(victim)


def picture(page: Page, url: str) -> None:
    """Show a picture, until it is there or is none."""
    page.evaluate(
        "url => new Promise(done => { const one = new Image(); one.onload = one.onerror = done; one.src = url; })", url
    )


def form(page: Page, url: str) -> None:
    """Send a form into a frame, until there is an answer."""
    page.evaluate(
        """url => new Promise(done => {
          const frame = document.createElement('iframe'), form = document.createElement('form');
          frame.name = 'target';
          document.body.append(frame, form);
          Object.assign(form, {method: 'POST', action: url, target: 'target'});
          frame.onload = () => { frame.onload = null; frame.remove(); form.remove(); done(); };
          form.submit();
        })""",
        url,
    )


@contextmanager
def webserver(module: str, log: Path) -> Iterator[int]:
    """The port of a webserver over the project's definitions, without a daemon: what is launched stays queued."""
    port = free_port()
    command = [sys.executable, "-m", module, "-m", "definitions", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as sink:
        process = subprocess.Popen(command, stdout=sink, stderr=sink, cwd=log.parent)
    try:
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: process.poll() is not None or answers(url), lambda: log.read_text()[-2000:])
        assert process.poll() is None, log.read_text()[-2000:]
        yield port
    finally:
        process.terminate()
        process.wait(SECONDS)


def answers(url: str) -> bool:
    try:
        with urlopen(f"{url}/server_info", timeout=SECONDS) as answer:  # noqa: S310 - http, and ours
            return bool(answer.status == HTTPStatus.OK)
    except URLError:
        return False


@pytest.fixture(scope="module")
def guarded(aws: emulator.LocalAws, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    prepare_home(home)
    with open_instance() as instance:
        add_missing(instance, [STACK])
    with webserver("secrets_pipeline.cli.dev.guarded_webserver", tmp_path_factory.mktemp("guarded") / "log") as port:
        yield port


def launching(attack: str) -> str:
    """A mutation that launches a run, which bears the name of an attack."""
    tags = f'[{{key: "attack", value: "{attack}"}}, {{key: "dagster/partition", value: "{STACK}"}}]'
    names = {**LOCATION, "repositoryLocationName": "definitions", "jobName": "provision"}
    selector = ", ".join(f"{name}: {json.dumps(value)}" for name, value in names.items())
    params = f'selector: {{{selector}}}, mode: "default", runConfigData: "{{}}", executionMetadata: {{tags: {tags}}}'
    return f"mutation {{ launchRun(executionParams: {{{params}}}) {{ __typename }} }}"


def launched() -> list[str]:
    """The attacks whose run the instance has; they are forgotten then."""
    with dg.DagsterInstance.get() as instance:
        runs = instance.get_runs()
        for run in runs:
            instance.delete_run(run.run_id)
    return sorted(run.tags["attack"] for run in runs)


SOCKET = """url => new Promise(done => {
  const socket = new WebSocket(url, 'graphql-ws');
  socket.onopen = () => socket.send(JSON.stringify({type: 'connection_init'}));
  socket.onmessage = message => { done(message.data); socket.close(); };
  socket.onerror = () => done('refused');
})"""


def from_another_origin(page: Page, port: int) -> Sequence[str]:
    """Every way in which a page can have a run launched at once; what a WebSocket tells it."""
    url = f"http://127.0.0.1:{port}/graphql"
    picture(page, f"{url}?query={quote(launching('picture'))}")
    picture(page, f"{url}%0A?query={quote(launching('picture of a line'))}")
    form(page, f"{url}?query={quote(launching('form'))}")
    asked(page, f"{url}?query={quote(launching('link'))}", mode="no-cors")
    plain: dict[str, Any] = {"method": "POST", "mode": "no-cors"}
    asked(page, f"{url}?query={quote(launching('text'))}", body="", **plain, headers={"Content-Type": "text/plain"})
    mixed = {"Content-Type": "text/plain; application/json"}
    asked(page, url, body=json.dumps({"query": launching("mixed")}), **plain, headers=mixed)
    asked(page, url, body=json.dumps({"query": launching("json")}), method="POST", headers=JSON)
    return [str(page.evaluate(SOCKET, url.replace("http:", "ws:")))]


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("host", [EVIL, "localhost"], ids=["another site", "another port"])
def test_a_page_of_another_origin_launches_no_run_and_reads_no_live_log(
    browser: Browser, site: int, guarded: int, host: str
) -> None:
    with opened(browser, host, site) as page:
        assert from_another_origin(page, guarded) == ["refused"]
    assert launched() == []


def test_a_page_whose_name_leads_here_since_launches_no_run_and_reads_nothing(browser: Browser, guarded: int) -> None:
    with opened(browser, EVIL, guarded) as page:
        url = f"http://{EVIL}:{guarded}/graphql"
        said = [
            asked(page, url, method="POST", headers=JSON, body=json.dumps({"query": launching("rebound")})),
            asked(page, f"{url}?query={quote(launching('rebound link'))}"),
            asked(page, f"http://{EVIL}:{guarded}/server_info"),
            asked(page, f"http://{EVIL}:{guarded}/"),
        ]
        assert page.evaluate(SOCKET, url.replace("http:", "ws:")) == "refused"
    assert all(one.startswith("basic 403 This webserver answers as 127.0.0.1:") for one in said), said
    assert launched() == []


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_its_own_page_launches_runs_and_reads_the_live_log(browser: Browser, guarded: int, name: str) -> None:
    with opened(browser, name, guarded) as page:
        url = f"http://{name}:{guarded}/graphql"
        said = asked(page, url, method="POST", headers=JSON, body=json.dumps({"query": launching("own")}))
        assert "LaunchRunSuccess" in said
        assert json.loads(page.evaluate(SOCKET, url.replace("http:", "ws:")))["type"] == "connection_ack"
    assert launched() == ["own"]


def test_dagsters_own_webserver_lets_all_of_them_in(
    browser: Browser, site: int, aws: emulator.LocalAws, guarded: int, tmp_path: Path
) -> None:
    # So the attacks are real: this fails when Dagster guards itself, and ours can go.
    assert os.environ["DAGSTER_HOME"]
    with webserver("dagster_webserver", tmp_path / "log") as port:
        with opened(browser, EVIL, site) as page:
            (told,) = from_another_origin(page, port)
        assert json.loads(told)["type"] == "connection_ack"
        assert launched() == ["form", "link", "mixed", "picture", "picture of a line", "text"]
        with opened(browser, EVIL, port) as page:
            url = f"http://{EVIL}:{port}/graphql"
            said = asked(page, url, method="POST", headers=JSON, body=json.dumps({"query": launching("rebound")}))
        assert "LaunchRunSuccess" in said
        assert launched() == ["rebound"]
