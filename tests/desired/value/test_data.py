from __future__ import annotations

from textwrap import dedent, indent
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.desired.secret.model import SecretSpec, SecretType
from secrets_pipeline.desired.value.data import leaf_expression
from secrets_pipeline.desired.value.model import DeclaredValue
from secrets_pipeline.desired.value.weak_values import weakness
from secrets_pipeline.references.model import Literal, Output, Text
from secrets_pipeline.stacks import AtmosRepository

if TYPE_CHECKING:
    from tests.desired.conftest import Bench


def stack(entry: str, more: str = "") -> str:
    """A manifest whose secret `key` has `entry`, beside a generated secret `password` and an instance."""
    head = """\
    components:
      terraform:
        rds: {vars: {identifier: orders}}
        secretsmanager:
          vars:
            context_name: myapp
            stage: dev
            much: {a: [.inf]}
            secrets:
              password: {generate_random_password: true}
              login: {generate_random_password: true, username: app, engine: postgres}
    """
    text = dedent(entry)
    return dedent(head) + indent(f"key:\n{indent(text, '  ')}\n{dedent(more)}", " " * 10)


def declared(bench: Bench, entry: str, more: str = "") -> tuple[SecretSpec, DeclaredValue]:
    found = next(secret for secret in bench.spec(stack(entry, more)).secrets if secret.ref.key == "key")
    assert isinstance(found.value, DeclaredValue)
    return found, found.value


def error(bench: Bench, entry: str) -> str:
    return bench.only_error(stack(entry))


def test_a_text_is_one_leaf_that_points_at_the_yaml(bench: Bench) -> None:
    _, value = declared(bench, "secret_data: 'a-${output.secretsmanager.secret_values.password}'")
    (leaf,) = value.leaves
    assert not value.document
    assert leaf.path == ()
    assert leaf.source == ("vars", "secrets", "key", "secret_data")
    assert leaf.outputs == (Output("secretsmanager", ("secret_values", "password")),)


def test_a_map_has_a_leaf_for_each_value_and_none_of_its_text(bench: Bench) -> None:
    secret, value = declared(bench, "secret_data: {a: canary-text, b: {c: [1, '${ssm:/x}']}}")
    assert value.document
    assert [leaf.path for leaf in value.leaves] == [("a",), ("b", "c", 0), ("b", "c", 1)]
    assert value.leaves[2].source == ("vars", "secrets", "key", "secret_data", "b", "c", 1)
    assert value.leaves[2].ssm == ("/x",)
    assert "canary-text" not in secret.model_dump_json()


def test_a_json_text_is_read_like_a_map(bench: Bench) -> None:
    text = """\
    secret_data: |
      {"host": "${output.rds.address}", "port": 5432, "secret_data": "${stage}"}
    """
    _, value = declared(bench, text)
    assert value.document
    assert [leaf.path for leaf in value.leaves] == [("host",), ("port",), ("secret_data",)]
    stack_of = AtmosRepository.open(bench.folder, env={}).resolve().stacks["dev"]
    read = [leaf_expression(stack_of, "secretsmanager", leaf) for leaf in value.leaves]
    assert read == [Output("rds", ("address",)), Literal(5432), Literal("dev")]


def test_a_leaf_of_a_map_is_read_with_its_variables_put_in(bench: Bench) -> None:
    _, value = declared(bench, "secret_data: {a: {b: 'x-${stage}-${output.rds.port}'}}")
    stack_of = AtmosRepository.open(bench.folder, env={}).resolve().stacks["dev"]
    assert leaf_expression(stack_of, "secretsmanager", value.leaves[0]) == Text(
        (Literal("x-dev-"), Output("rds", ("port",)))
    )


def test_an_unresolved_yaml_function_is_a_reference(bench: Bench) -> None:
    _, value = declared(bench, "secret_data: {host: !terraform.output rds address}")
    assert value.leaves[0].outputs == (Output("rds", ("address",)),)


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("secret_data: '{\"canary\": oops}'", "secret_data begins with { but is not JSON (line 1, column 12"),
        ('secret_data: \'{"a": 1, "a": 2}\'', "secret_data repeats the key a"),
        ("secret_data: {}", "secret_data is an empty map"),
        ("secret_data: '{}'", "secret_data is an empty map"),
        ("secret_data: 12", "secret_data is a number, not text or a map"),
        ("secret_data: [a]", "secret_data is a list, not text or a map"),
        ("secret_data: x\nusername: app", "username stands beside secret_data"),
        (
            f"secret_data: {'ab' * 32769}",
            "secret_data has 65538 bytes without what its references add, AWS takes 65536",
        ),
        (f"secret_data: '{'ab' * 32769}${{output.rds.address}}'", "secret_data has 65538 bytes without"),
        (f"secret_data: {{k: {'x' * 65536}}}", "secret_data has 65544 bytes without"),
        (f"secret_data: {{k: '{'ß' * 32768}'}}", "secret_data has 65544 bytes without"),
        ("secret_data: {k: .inf}", "the value at k holds a number that JSON has not"),
        ("secret_data: {k: [1, {l: .nan}]}", "the value at k.1.l holds a number that JSON has not"),
        ("secret_data: '{\"a\": NaN}'", "secret_data holds NaN, which JSON has not"),
        ("secret_data: '{\"a\": -Infinity}'", "secret_data holds -Infinity, which JSON has not"),
        ("secret_data: '{\"a\": 1e999}'", "the value at a holds a number that JSON has not"),
        ("secret_data: {k: '${vars.much}'}", "the value at k holds a number that JSON has not"),
        ('secret_data: \'{"a": "x\\ud800"}\'', "the value at a holds half of a character"),
        (
            "secret_data: 'pg://h@${output.rds.endpoint}:5432/x'",
            "${output.rds.endpoint} is host and port already, and another port follows",
        ),
        (
            "secret_data: 'pg://${output.secretsmanager.secret_values.login}@h'",
            "Write ${output.secretsmanager.secret_values.login.password}",
        ),
    ],
)
def test_a_wrong_value_is_an_error_that_names_the_key(bench: Bench, entry: str, problem: str) -> None:
    found = error(bench, entry)
    assert problem in found
    assert "stack dev, component secretsmanager, key vars.secrets.key." in found


def test_every_thing_that_is_wrong_with_a_value_is_said(bench: Bench) -> None:
    found = bench.errors(stack(f"secret_data: {{password: changeme, pin: .inf, more: {'x' * 65_536}}}"))
    assert [one.split(": ", 1)[1].split("\n")[0][:40] for one in found] == [
        "the value at password is one of the pass",
        "the value at pin holds a number that JSO",
        "secret_data has 65584 bytes without what",
    ]


@pytest.mark.parametrize(
    "entry",
    [
        f"secret_data: {'ab' * 32768}",
        f"secret_data: {{k: {'x' * 65528}}}",
        f"secret_data: '{'${output.rds.address}' * 4000}'",
        "secret_data: {k: 1.5e300, l: -0.0}",
        "secret_data: {k: '.inf', l: 'NaN'}",
    ],
)
def test_a_value_within_the_limits_is_taken(bench: Bench, entry: str) -> None:
    declared(bench, entry)


def test_a_broken_json_text_is_not_shown(bench: Bench) -> None:
    assert "canary" not in error(bench, "secret_data: '{\"canary\": oops}'")


def test_a_file_inside_the_repository_may_be_named(bench: Bench) -> None:
    (bench.folder / "tls.crt").write_text("x")
    declared(bench, "secret_data: {cert: '${file:tls.crt}'}")


def test_a_link_that_leads_out_of_the_repository_is_refused(bench: Bench) -> None:
    (bench.folder / "link").symlink_to("/etc/hostname")
    assert "file link is outside of the base path" in bench.only_unresolved(stack("secret_data: '${file:link}'"))


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("secret_data: {a: !store s c k}", "key vars.secrets.key.secret_data.a: !store cannot be resolved here"),
        ("secret_data: '${nothing}'", "variable nothing has no value"),
        ("secret_data: '${stages}'", "Did you mean stage?"),
        ("secret_data: '${rds.address}'", "write ${output.rds.address}"),
        ("secret_data: '${security_group.web.id}'", "variable security_group.web.id has no value"),
        ("secret_data: '${secretsmanager.login}'", "write ${output.secretsmanager.login}"),
        ("secret_data: '${file:../x}'", "file ../x is outside of the base path"),
        ("secret_data: '${file:/etc/x}'", "file /etc/x is outside of the base path"),
        ("secret_data: '${file:none.txt}'", "file none.txt does not exist"),
        ('secret_data: "${file:a\\0b}"', r"file a\x00b does not exist"),
        (f"secret_data: '${{file:{'a' * 300}}}'", "aaa does not exist"),
        ("secret_data: '${env:HOME}'", "environment variable HOME is not allowed"),
    ],
)
def test_what_nobody_can_resolve_blocks_the_secret_and_says_where_and_why(
    bench: Bench, entry: str, problem: str
) -> None:
    text = "settings: {secrets_pipeline: {dialect: tf-atmos}}\n" + stack(entry)
    found = bench.only_unresolved(text)
    assert problem in found
    assert found.startswith("stacks/dev.yaml:")
    assert "stack dev, component secretsmanager, key vars.secrets.key." in found
    assert [secret.ref.key for secret in bench.spec(text).secrets if secret.blocked] == ["key"]


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("secret_data: changeme", "the value is one of the passwords that everybody tries first"),
        ("secret_data: ''", "the value is empty"),
        ("secret_data: {db_password: admin123}", "the value at db_password is one of the passwords"),
        ("secret_data: {a: {apiKey: '<your key>'}}", "the value at a.apiKey is a placeholder"),
        ("secret_data: {client_secret: ''}", "the value at client_secret is empty"),
        ('secret_data: \'{"token": "Password-123!"}\'', "the value at token is one of the passwords"),
    ],
)
def test_a_weak_literal_is_an_error_that_does_not_show_it(bench: Bench, entry: str, problem: str) -> None:
    found = error(bench, entry)
    assert problem in found
    assert "Let it be generated, or write !store.get STORE KEY, STORE being of kind aws/ssm (in the dialect of" in found


@pytest.mark.parametrize(
    "entry",
    [
        "secret_data: {password_policy: default, api_key_name: test, tokenEndpoint: 'https://test.example.com'}",
        "secret_data: {user: admin, secret_name: password, environment: test}",
        "secret_data: {clientSecret: '${output.secretsmanager.secret_values.password}', scopes: read}",
        "secret_data: passwordless-3kD9-login",
        "secret_data: 'pg://h@${output.rds.endpoint}/x'",
        "secret_data: 'pg://h@${output.rds.address}:5432/x'",
    ],
)
def test_keys_and_settings_that_only_look_weak_are_accepted(bench: Bench, entry: str) -> None:
    declared(bench, entry)


@given(st.text(alphabet="abcdefghijkmnpqrstuvwxyz0123456789", min_size=16, max_size=40))
def test_a_long_random_text_is_hardly_ever_weak(text: str) -> None:
    assert weakness("password", f"q{text}Z7") is None


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        ("type: credentials\nsecret_data: {username: a, password: '${ssm:/p}'}", SecretType.CREDENTIALS),
        ("type: connection\nsecret_data: {url: 'x://y'}", SecretType.CONNECTION),
        ("type: connection\nsecret_data: 'x://y'", SecretType.CONNECTION),
        ("type: api-key\nsecret_data: '${ssm:/p}'", SecretType.API_KEY),
        ("type: oauth-config\nsecret_data: {clientId: a, clientSecret: '${ssm:/p}'}", SecretType.OAUTH_CONFIG),
        ("type: vpn-config\nsecret_data: {presharedKey: '${ssm:/p}'}", SecretType.VPN_CONFIG),
        ("type: certificate\nsecret_data: {tls.crt: '${ssm:/p}'}", SecretType.CERTIFICATE),
        ("secret_data: x-9", SecretType.GENERIC),
    ],
)
def test_a_type_is_kept_when_the_value_fits(bench: Bench, entry: str, kind: SecretType) -> None:
    assert declared(bench, entry)[0].type is kind


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("type: password\nsecret_data: x-9", "type is 'password'"),
        ("type: credentials\nsecret_data: {username: a}", "a secret of type credentials needs password"),
        ("type: oauth-config\nsecret_data: {client_id: a}", "needs client_secret or clientSecret"),
        ("type: vpn-config\nsecret_data: x-9", "a secret of type vpn-config is a JSON value, this one is plain text"),
        ("type: credentials\ngenerate_random_password: true", "or username beside generate_random_password: true"),
        ("type: connection\nsecret_data: {port: 1}", "needs host or url"),
    ],
)
def test_a_type_asks_for_its_fields(bench: Bench, entry: str, problem: str) -> None:
    assert problem in error(bench, entry)


def test_bytes_are_declared_as_base64(bench: Bench) -> None:
    secret, value = declared(bench, "{secret_binary: 'AAEC', type: certificate}")
    (leaf,) = value.leaves
    assert (value.binary, value.document, leaf.source[-1]) == (True, False, "secret_binary")
    assert secret.type is SecretType.CERTIFICATE
    _, value = declared(bench, "secret_binary: '${ssm:/keystore}'")
    assert value.leaves[0].ssm == ("/keystore",)


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("secret_binary: 'canary, no Base64'", "secret_binary is no Base64"),
        ("secret_binary: {a: b}", "secret_binary is a map, not text"),
        (f"secret_binary: '{'AAAA' * 22_000}'", "secret_binary has 66000 bytes, AWS takes 65536"),
        ("{secret_binary: 'AAEC', port: 1}", "port stands beside secret_binary"),
        ("{secret_binary: 'AAEC', secret_data: canary}", "both secret_data and secret_binary"),
    ],
)
def test_bytes_that_cannot_be_stored_are_an_error_that_shows_nothing(bench: Bench, entry: str, problem: str) -> None:
    found = error(bench, entry)
    assert problem in found
    assert "canary" not in found
