from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING

import pytest

from secrets_pipeline.desired.consumer.model import PodSpec

if TYPE_CHECKING:
    from tests.desired.conftest import Bench

ROLE = "arn:aws:iam::111122223333:role/orders"
ISSUER = "oidc.eks.eu-west-2.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"
PROVIDER = f"arn:aws:iam::111122223333:oidc-provider/{ISSUER}"


def consumer(kind: str, keys: str = "") -> str:
    entry = f"type: {kind}\nrole_arn: {ROLE}\nsecrets: [key]\n{keys}"
    return f"""\
components:
  terraform:
    secretsmanager:
      vars:
        context_name: myapp
        secrets: {{key: {{generate_random_password: true}}}}
        consumers:
          x:
{indent(entry, " " * 12)}
"""


@pytest.mark.parametrize(
    ("keys", "pod"),
    [
        ("", PodSpec()),
        ("service_account: payments/orders-api", PodSpec(service_account="payments/orders-api")),
        ("identity: pod-identity", PodSpec(identity="pod-identity")),
        ("identity: irsa", PodSpec(identity="irsa")),
        *(
            (f"oidc_provider: '{given}'", PodSpec(identity="irsa", issuer=ISSUER))
            for given in (PROVIDER, ISSUER, f"https://{ISSUER}")
        ),
        (
            f"identity: irsa\nservice_account: payments/a.b\noidc_provider: {ISSUER}",
            PodSpec(identity="irsa", service_account="payments/a.b", issuer=ISSUER),
        ),
    ],
)
def test_how_pods_get_their_role_is_written_as_much_as_one_likes(bench: Bench, keys: str, pod: PodSpec) -> None:
    (found,) = bench.spec(consumer("eks", keys)).consumers
    assert found.pod == pod


@pytest.mark.parametrize(
    "keys",
    [
        "",
        'assumed_by: ["444455556666"]',
        f"assumed_by: [{ROLE}-ci, 'arn:aws:iam::444455556666:root', 'arn:aws:iam::444455556666:user/a/b']",
        f"assumed_by: [codebuild.amazonaws.com, '{PROVIDER}', 'arn:aws:iam::111122223333:saml-provider/corporate']",
    ],
)
def test_who_assumes_the_role_of_an_application_may_be_written(bench: Bench, keys: str) -> None:
    (found,) = bench.spec(consumer("app", keys)).consumers
    assert bool(found.assumed_by) is bool(keys)
    assert all(one in keys for one in found.assumed_by)


@pytest.mark.parametrize(
    ("kind", "keys", "problem", "remedy"),
    [
        ("eks", "service_account: orders", "service_account is 'orders'", 'service_account: "payments/orders-api"'),
        ("eks", "service_account: 'ns:orders'", "service_account is 'ns:orders'", "payments/orders-api"),
        ("eks", "service_account: Pay/orders", "service_account is 'Pay/orders'", "payments/orders-api"),
        ("eks", "service_account: [a/b]", "service_account is a list, not text", "payments/orders-api"),
        ("eks", "oidc_provider: cluster", "oidc_provider is 'cluster'", "oidc.eks.eu-west-2.amazonaws.com/id/"),
        ("eks", f"oidc_provider: http://{ISSUER}", "oidc_provider is 'http://", "oidc.eks.eu-west-2"),
        ("eks", "identity: pod_identity", "identity is 'pod_identity'", "Write irsa or pod-identity."),
        (
            "eks",
            f"identity: pod-identity\noidc_provider: {ISSUER}",
            "EKS Pod Identity uses no OIDC provider",
            "Remove oidc_provider, or write identity: irsa.",
        ),
        (
            "eks",
            f"oidc_provider: {PROVIDER.replace('111122223333', '444455556666')}",
            "the OIDC provider is in account 444455556666, the role in account 111122223333",
            f"Create a provider for {ISSUER} in account 111122223333",
        ),
        ("lambda", "service_account: a/b", "service_account means nothing for this type", "or write type: eks."),
        ("app", f"oidc_provider: {ISSUER}", "oidc_provider means nothing for this type", "Remove oidc_provider"),
        ("ec2", "identity: irsa", "identity means nothing for this type", "or write type: eks."),
        ("eks", f"assumed_by: [{ROLE}]", "assumed_by means nothing for this type", "or write type: app."),
        ("app", f"assumed_by: {ROLE}", "assumed_by is text, not a list", "Write assumed_by: [one, other]."),
        ("app", "assumed_by: []", "assumed_by names nobody", "or remove assumed_by."),
        ("app", "assumed_by: [444455556666]", "is a number, not text", "Put it in quotes"),
        ("app", "assumed_by: ['*']", "'*' is no principal that can assume a role", "an account id in quotes"),
        (
            "app",
            "assumed_by: ['arn:aws:iam::111122223333:group/ops']",
            "group/ops' is no principal",
            "Write the ARN of a role, user or identity provider",
        ),
    ],
)
def test_what_runs_a_consumer_is_an_error_where_it_is_wrong(
    bench: Bench, kind: str, keys: str, problem: str, remedy: str
) -> None:
    found = bench.only_error(consumer(kind, keys))
    assert problem in found
    assert remedy in found
    assert f"component secretsmanager, key vars.consumers.x.{keys.rpartition(chr(10))[2].partition(':')[0]}" in found


def test_what_is_wrong_is_reported_with_everything_else(bench: Bench) -> None:
    text = consumer("eks", "service_account: orders\noidc_provider: cluster\nidentity: both").replace("[key]", "[kye]")
    assert len(bench.errors(text)) == 4
