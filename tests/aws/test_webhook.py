"""Alerts are posted to a webhook in Slack's words, tried again where that may help, and never give its URL away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from pydantic import ValidationError

from secrets_pipeline import emulator
from secrets_pipeline.aws.alerts import Alert, NotPublished, Published
from secrets_pipeline.aws.alerts.webhook import PAUSES, Webhook, _text
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.desired.settings.alerts import AlertSettings, SecretUrl
from secrets_pipeline.emulator.postgres import Authority
from tests.embedded import lead_to
from tests.hook import Hook, webhook
from tests.ports import free_port

ALERT = Alert("shop-dev: a & b <changed>", "by <!channel> from <http://evil.example|here>", "shop-dev", "healed")
NAMED = SecretUrl(environment="HOOK")


@pytest.fixture
def hook() -> Iterator[Hook]:
    with webhook() as served:
        yield served


def said(url: str | None, settings: SecretUrl = NAMED, alert: Alert = ALERT) -> Published | NotPublished:
    environment: Mapping[str, str] = {} if url is None else {"HOOK": url}
    posting = Webhook(settings, Sessions(), environment=environment, sleep=lambda _seconds: None)
    return posting.publish(alert, moment=0)


def refusal(url: str | None) -> str:
    answer = said(url)
    assert isinstance(answer, NotPublished), answer
    text = answer.error.diagnostics()
    assert "CANARY" not in text
    assert answer.error.__cause__ is answer.error.__context__ is None
    return text


def test_a_post_is_json_whose_text_mentions_nobody_and_links_nowhere(hook: Hook) -> None:
    assert said(hook.url) == Published()
    assert hook.posted == [
        {
            "content-type": "application/json; charset=utf-8",
            "text": "shop-dev: a & b &lt;changed&gt;\n\nby &lt;!channel&gt; from &lt;http://evil.example|here&gt;",
        }
    ]


@pytest.mark.parametrize(
    ("host", "escaped"),
    [("hooks.slack.com", True), ("hooks.slack-gov.com", True), ("slack.com.example", False)],
)
def test_only_slack_gets_an_ampersand_as_an_entity_which_it_turns_back_in_links(host: str, escaped: bool) -> None:
    link = Alert("s", "https://dagster.example/assets/a?view=checks&checkDetail=b", "", "x")
    text = _text(link, host)
    assert ("&amp;checkDetail" in text, "&checkDetail" in text) == (escaped, not escaped)


def test_nobody_is_mentioned_where_an_at_alone_mentions(hook: Hook) -> None:
    assert said(hook.url, alert=Alert("@here", "by role/jane@all, @channel", "", "x")) == Published()
    assert hook.posted[0]["text"] == "@\u200bhere\n\nby role/jane@\u200ball, @\u200bchannel"


def test_an_authority_that_calls_to_aws_trust_is_trusted_here_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority.make()
    bundle = tmp_path / "proxy.pem"
    bundle.write_bytes(authority.certificate)
    with webhook(authority.server_context) as hook:
        assert "SSLError" in refusal(hook.url)
        monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
        assert said(hook.url) == Published()
    assert len(hook.posted) == 1


def test_a_long_text_is_cut_and_says_so(hook: Hook) -> None:
    assert said(hook.url, alert=Alert("s", "&" * 100_000, "", "x")) == Published()
    text = hook.posted[0]["text"]
    assert len(text) < 4_000
    assert text.endswith("&\n(cut)")


@pytest.mark.parametrize("status", [429, 500, 503, None])
def test_what_may_pass_is_tried_again(hook: Hook, status: int | None) -> None:
    hook.answers = [status, status]
    assert said(hook.url) == Published()
    assert len(hook.posted) == 3


def test_what_does_not_pass_ends_after_some_tries(hook: Hook) -> None:
    hook.answers = [503] * 10
    assert "HTTP 503" in refusal(hook.url)
    assert len(hook.posted) == 1 + len(PAUSES)


@pytest.mark.parametrize("status", [302, 307, 400, 403, 404, 410])
def test_a_refusal_is_not_tried_again_and_a_redirection_not_followed(hook: Hook, status: int) -> None:
    hook.answers = [status] * 3
    assert f"HTTP {status}" in refusal(hook.url)
    assert len(hook.posted) == 1


def test_a_host_that_is_not_there_is_said_without_its_url() -> None:
    assert "EndpointConnectionError" in refusal(f"http://127.0.0.1:{free_port()}/CANARY")


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.slack.com/services/CANARY",
        "http://127.0.0.1.evil.example/CANARY",
        "http://127.0.0.1@evil.example/CANARY",
        "https:///CANARY",
        "https://[CANARY",
        "https://a:CANARY/",
        "https://a/CANARY\nHost: b",
        "file:///CANARY",
        "CANARY",
    ],
)
def test_nothing_but_https_is_posted_to(url: str) -> None:
    assert "environment variable HOOK holds is no https URL" in refusal(url)


def test_a_variable_that_is_not_set_is_named() -> None:
    assert "environment variable HOOK is not set" in refusal(None)


@pytest.mark.parametrize("kind", ["secret", "parameter"])
def test_the_url_may_be_a_secret_or_a_parameter(
    aws: emulator.LocalAws, hook: Hook, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    lead_to(aws, monkeypatch)
    named: dict[str, Any]
    if kind == "secret":
        arn = boto3.client("secretsmanager").create_secret(Name="alerts/webhook", SecretString=hook.url)["ARN"]
        named = {"secret_arn": arn}
    else:
        boto3.client("ssm").put_parameter(Name="/alerts/webhook", Value=hook.url, Type="SecureString")
        named = {"parameter_arn": f"arn:aws:ssm:{aws.region}:{aws.account_id}:parameter/alerts/webhook"}
    assert said(None, SecretUrl.model_validate(named)) == Published()
    gone = {key: f"{value}gone" for key, value in named.items()}
    answer = said(None, SecretUrl.model_validate(gone))
    assert isinstance(answer, NotPublished)
    assert "gone" in answer.error.diagnostics()


@pytest.mark.parametrize(
    "named",
    [
        {},
        {"environment": "A", "secret_arn": "arn:aws:secretsmanager:eu-west-2:111122223333:secret:x"},
        {"environment": "https://hooks.slack.com/services/CANARY"},
        {"url": "https://hooks.slack.com/services/CANARY"},
        "https://hooks.slack.com/services/CANARY",
    ],
)
def test_settings_name_one_place_of_the_url_and_never_the_url(named: object) -> None:
    with pytest.raises(ValidationError) as raised:
        AlertSettings.model_validate({"webhook": named})
    assert "CANARY" not in str(raised.value.errors(include_input=False, include_context=False))
