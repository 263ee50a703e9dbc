"""Literals that look like secrets are noted with their place; what does not look like one is let be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.desired.value.secret_forms import looks_like_secret
from secrets_pipeline.references.model import Literal

if TYPE_CHECKING:
    from tests.desired.conftest import Bench

# No file of this repository has a whole token in it: scanners would find it.
TOKENS = {
    "an access key id of AWS": ["AK" + "IA" + "QYLPMN5HFIQR7XYA", "key AS" + "IAQYLPMN5HFIQR7XYA, and more"],
    "a token of GitHub": ["gh" + "p_" + "a1B2" * 9, "gh" + "s_" + "a1B2" * 9, "github" + "_pat_" + "11ABCDE0_" * 4],
    "a token of GitLab": ["gl" + "pat-" + "x1Y2z3W4v5U6t7S8r9Q0"],
    "a token of Slack": ["xo" + "xb-" + "123456789012-abcdefABCDEF"],
    "a webhook of Slack": ["https://hooks." + "slack.com/services/T0001/B0001/" + "abcdefgh12345678"],
    "a key of Stripe": ["sk_" + "live_" + "4eC39HqLyjWDarjtT1zdp7dc", "rk_" + "test_" + "4eC39HqLyjWDarjtT1"],
    "an API key of Google": ["AI" + "za" + "SyA1-b_C" * 4 + "abc"],
    "a key of SendGrid": ["S" + "G." + "a1B2c3D4e5F6g7H8i9J0kL" + "." + "a1B2c3D4e5" * 4],
    "a token of npm or PyPI": ["np" + "m_" + "a1B2" * 9],
    "an API key of Anthropic or OpenAI": ["sk-" + "ant-" + "api03-a1B2c3D4e5F6g7H8"],
    "a token of Vault": ["hv" + "s." + "CAESIJ0123456789abcdefgh"],
    "a private key": [
        "-----BEGIN " + "PRIVATE KEY-----\nMIIE",
        "-----BEGIN " + "OPENSSH PRIVATE KEY-----\nb3Bl",
        "-----BEGIN " + "PGP PRIVATE KEY BLOCK-----\nlQ",
        "x: y\n-----BEGIN " + "EC PRIVATE KEY-----",
    ],
    "a JWT": ["ey" + "JhbGciOiJIUzI1NiJ9." + "ey" + "JzdWIiOiIxMjM0NTY3ODkwIn0." + "dozjgNryP4J3jVmNHl0w5N_XgL0n"],
    "a URL with a password": [
        "postgresql://app:" + "tr0ub4dor@db.internal/app",
        "redis://:" + "hunter2hunter@cache:6379",
    ],
}


@pytest.mark.parametrize("key", [None, "note", "endpoint", "password"])
@pytest.mark.parametrize(("what", "text"), [(what, text) for what, texts in TOKENS.items() for text in texts])
def test_known_tokens_are_found_under_any_name(key: str | None, what: str, text: str) -> None:
    found = looks_like_secret(key, "app", Literal(text))
    assert found is not None
    assert found[0] == f"this looks like {what}"


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("password", "Sup3rS3cretP@ssw0rd!"),
        ("db_password", "correct horse battery staple"),
        ("client_secret", "b6a1f3"),
        ("apiKey", "Zx81-literal"),
        ("api-key", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzKEY"),
        ("token", "abcdefgh"),
        ("token", "550e8400-e29b-41d4-a716-446655440000"),
        ("secret_access_key", "wJalrXUtnFEMI+K7MDENG"),
        ("private_key", "not a pem"),
        ("password_2", "plain words"),
        ("passphrase", "plain words"),
        (None, "Sup3rS3cretP@ssw0rd!"),
        (None, "Zx81literalvalue!"),
        (None, "9f86d081884c7d659a2feaa0c55ad015"),
    ],
)
def test_literals_under_the_name_of_a_secret_are_found_and_passwords_alone(key: str | None, text: str) -> None:
    assert looks_like_secret(key, "app", Literal(text)) is not None


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("host", "db.internal.example.com"),
        ("username", "app"),
        ("engine", "postgres"),
        ("endpoint", "https://partner.example/v1?page=1"),
        ("issuer", "https://login.example.com/oauth2"),
        ("client_id", "0oa1b2c3d4E5f6G7h8i9"),
        ("token_url", "https://login.example.com/token"),
        ("token", "https://login.example.com/token"),
        ("secret_arn", "arn:aws:secretsmanager:eu-west-2:111122223333:secret:a-AbCdEf"),
        ("secret", "arn:aws:secretsmanager:eu-west-2:111122223333:secret:a-AbCdEf"),
        ("secret", "myapp/dev/database"),
        ("token", "true"),
        ("password_path", "/run/secrets/password"),
        ("key", "/etc/ssl/private/app.pem"),
        ("encryption_key", "alias/myapp-dev"),
        ("signing_key", "RS256"),
        ("token", "Bearer"),
        ("token_ttl", "3600"),
        ("certificate", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"),
        ("public_key", "ssh-rsa AAAAB3NzaC1yc2E"),
        ("url", "postgresql://app@db.internal/app"),
        ("url", "https://example.com/a:b@c"),
        ("url", "postgresql://app:${password}@db/app"),
        ("url", "postgresql://app:<password>@db/app"),
        ("contact", "ops@example.com"),
        ("password", ""),
        (None, "https://partner.example"),
        (None, "db.internal.example.com:5432"),
        (None, "eu-west-2"),
        (None, "ops@example.com"),
        (None, "myapp-dev"),
        (None, "myapp-dev-2.internal_v3"),
        (None, "true"),
        (None, "8443"),
        (None, "A sentence that says nothing, No. 1."),
        (None, "x-9"),
        ("note", "AKIA is how access keys begin"),
        ("note", "ghp_short"),
        ("note", "eyJ is not a JWT"),
        ("mac", "00:1A:2B:3C:4D:5E"),
        ("password", 12345678),
        ("token", None),
        ("token", True),
    ],
)
def test_what_does_not_look_like_a_secret_is_let_be(key: str | None, text: str | int | None) -> None:
    assert looks_like_secret(key, "app", Literal(text)) is None


SECRETS = """\
vars: {region: eu-west-2, context_name: dev, place: inline-Zx81-value}
settings: {secrets_pipeline: {%s}}
components:
  terraform:
    secretsmanager:
      vars:
        secrets:
          smtp:
            secret_data:
              host: mail.example.com
              password: literal-Zx81-one
              in_ssm_password: ${ssm:/dev/smtp}
              from_variable_password: ${vars.place}
          token: {secret_data: literal-Zx81-two}
          text:
            secret_data: '{"outer": {"client_secret": "literal-Zx81-three"}}'
          made: {generate_random_password: true}
"""


def test_each_is_told_with_its_place_and_what_to_write_instead(bench: Bench) -> None:
    found = {one.key: one for one in bench.spec(SECRETS % "").plaintext}
    place = "vars.secrets"
    assert set(found) == {
        f"{place}.smtp.secret_data.password",
        f"{place}.smtp.secret_data.from_variable_password",
        f"{place}.token.secret_data",
        f"{place}.text.secret_data.outer.client_secret",
    }
    smtp = str(found[f"{place}.smtp.secret_data.password"])
    assert smtp.startswith(
        "stacks/dev.yaml:11, stack dev, component secretsmanager, key vars.secrets.smtp.secret_data.password: "
        "plaintext: a literal stands under the name password. Write !store.get STORE KEY, STORE being of "
        "kind aws/ssm (in the dialect of tf-atmos: ${ssm:/path}), in its place, or"
    )
    assert "generate_random_password: true" in found[f"{place}.token.secret_data"].remedy
    assert all("value: external" in one.remedy for one in found.values())
    assert "Zx81" not in json.dumps([one.model_dump(mode="json") for one in found.values()])


def test_one_may_be_allowed_on_purpose(bench: Bench) -> None:
    allowed = 'plaintext_allowed: ["smtp.*", token]'
    assert [one.key for one in bench.spec(SECRETS % allowed).plaintext] == [
        "vars.secrets.text.secret_data.outer.client_secret"
    ]
    assert bench.spec(SECRETS % 'plaintext_allowed: ["*"]').plaintext == ()
    assert "plaintext_allowed is text" in bench.errors(SECRETS % "plaintext_allowed: token")[0]


def test_it_is_no_part_of_what_a_stack_asks_for(bench: Bench) -> None:
    told, allowed = bench.spec(SECRETS % ""), bench.spec(SECRETS % 'plaintext_allowed: ["*"]')
    assert told.digest() == allowed.digest()
    assert not bench.spec(SECRETS % "").model_copy(update={"plaintext": ()}).plaintext


@given(st.text(alphabet="abcXYZ019!@/+=-_.: $", min_size=6, max_size=60), st.sampled_from(["password", "note", None]))
def test_what_is_told_has_no_part_of_the_value(text: str, key: str | None) -> None:
    found = looks_like_secret(key, "app", Literal(text))
    for said in found or ():
        assert text not in said
