from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from secrets_pipeline.access.trust.verdict import AudienceNotPinned, NotTrusted, TooWide, Trusted, TrustUnknown
from secrets_pipeline.desired.consumer.model import PodSpec

if TYPE_CHECKING:
    from tests.access.trust.conftest import Desk

ISSUER = "oidc.eks.eu-west-2.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"
OTHER = ISSUER.replace("EXAMPLED", "OTHER")
ACCOUNT = "arn:aws:iam::111122223333"
SUBJECT = "system:serviceaccount:payments:orders"
POD = PodSpec(identity="irsa", service_account="payments/orders", issuer=ISSUER)


def irsa(
    *,
    subject: str | None = SUBJECT,
    audience: str | None = "sts.amazonaws.com",
    issuer: str = ISSUER,
    like: bool = False,
) -> dict[str, Any]:
    """EKS User Guide, "Assign IAM roles to Kubernetes service accounts"."""
    asked = {f"{issuer}:aud": audience} if audience else {}
    if subject and not like:
        asked |= {f"{issuer}:sub": subject}
    condition: dict[str, Any] = {"StringEquals": asked} if asked else {}
    if subject and like:
        condition["StringLike"] = {f"{issuer}:sub": subject}
    return {
        "Effect": "Allow",
        "Principal": {"Federated": f"{ACCOUNT}:oidc-provider/{issuer}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": condition,
    }


@pytest.mark.parametrize(
    "pod",
    [POD, PodSpec(service_account="payments/orders"), PodSpec(identity="irsa", service_account="payments/orders")],
)
def test_an_irsa_role_of_awss_guide_is_trusted(desk: Desk, pod: PodSpec) -> None:
    assert desk.ask("eks", irsa(), pod=pod) == Trusted((f"service account payments/orders of {ISSUER}",), "#1")


def test_all_service_accounts_of_a_namespace_are_trusted_as_the_guide_has_it(desk: Desk) -> None:
    found = desk.ask("eks", irsa(subject="system:serviceaccount:payments:*", like=True), pod=POD)
    assert isinstance(found, Trusted)
    assert found.warnings == ()


@pytest.mark.parametrize(
    "subject", ["system:serviceaccount:payments:refunds", "system:serviceaccount:default:orders", "payments/orders"]
)
def test_another_subject_is_not_trusted_and_both_are_named(desk: Desk, subject: str) -> None:
    found = desk.ask("eks", irsa(subject=subject), pod=POD)
    assert found == NotTrusted(
        f"the trust policy asks for {ISSUER}:sub {subject}, service account payments/orders of {ISSUER} has {SUBJECT}"
    )


def test_a_pattern_in_string_equals_is_no_pattern(desk: Desk) -> None:
    assert isinstance(desk.ask("eks", irsa(subject="system:serviceaccount:payments:*"), pod=POD), NotTrusted)


def test_another_audience_is_not_trusted_and_both_are_named(desk: Desk) -> None:
    found = desk.ask("eks", irsa(audience="sts.eu-west-2.amazonaws.com"), pod=POD)
    assert isinstance(found, NotTrusted)
    assert f"asks for {ISSUER}:aud sts.eu-west-2.amazonaws.com, " in found.reason
    assert found.reason.endswith("has sts.amazonaws.com")


def test_subject_and_audience_may_both_be_wrong(desk: Desk) -> None:
    found = desk.ask("eks", irsa(audience="x", subject="y"), pod=POD)
    assert isinstance(found, NotTrusted)
    assert f"{ISSUER}:aud x, " in found.reason
    assert f"{ISSUER}:sub y, " in found.reason


def test_another_clusters_provider_is_not_trusted(desk: Desk) -> None:
    desk.providers = (*(desk.providers or ()), f"{ACCOUNT}:oidc-provider/{OTHER}")
    found = desk.ask("eks", irsa(issuer=OTHER), pod=POD)
    assert isinstance(found, NotTrusted)
    assert found.reason == (
        f"the trust policy allows sts:AssumeRoleWithWebIdentity to {ACCOUNT}:oidc-provider/{OTHER}, "
        f"not to service account payments/orders of {ISSUER}"
    )


def test_conditions_on_another_clusters_tokens_are_never_met(desk: Desk) -> None:
    statement = irsa(issuer=OTHER) | {"Principal": irsa()["Principal"]}
    assert isinstance(desk.ask("eks", statement, pod=POD), NotTrusted)


def test_a_provider_that_does_not_exist_is_not_trusted(desk: Desk) -> None:
    desk.providers = ()
    assert desk.ask("eks", irsa(), pod=POD) == NotTrusted(
        f"the OIDC provider {ACCOUNT}:oidc-provider/{ISSUER} does not exist"
    )


def test_a_provider_of_another_account_does_not_exist_here(desk: Desk) -> None:
    statement = irsa() | {"Principal": {"Federated": f"arn:aws:iam::444455556666:oidc-provider/{ISSUER}"}}
    assert isinstance(desk.ask("eks", statement, pod=PodSpec(service_account="payments/orders")), NotTrusted)


def test_providers_that_could_not_be_read_leave_it_unknown(desk: Desk) -> None:
    desk.providers = None
    found = desk.ask("eks", irsa(), pod=POD)
    assert isinstance(found, TrustUnknown)
    assert "could not be read" in found.reason
    assert isinstance(desk.ask("eks", irsa(subject="x"), pod=POD), NotTrusted)


def test_the_action_must_be_that_of_web_identities(desk: Desk) -> None:
    found = desk.ask("eks", irsa() | {"Action": "sts:AssumeRole"}, pod=POD)
    assert isinstance(found, NotTrusted)
    assert "allows sts:AssumeRoleWithWebIdentity to nobody" in found.reason


def test_without_a_declared_service_account_it_is_unknown_and_the_key_to_write_is_said(desk: Desk) -> None:
    found = desk.ask("eks", irsa())
    assert isinstance(found, TrustUnknown)
    assert f"allows depending on {ISSUER}:aud, {ISSUER}:sub" in found.reason
    assert "write service_account: namespace/name" in found.reason
    assert found.warnings == ()


def test_a_wrong_audience_needs_no_service_account_to_be_found(desk: Desk) -> None:
    found = desk.ask("eks", irsa(audience="x"))
    assert isinstance(found, NotTrusted)
    assert f"asks for {ISSUER}:aud x" in found.reason


@pytest.mark.parametrize("subject", [None, "*", "system:serviceaccount:*", "system:serviceaccount:*:*"])
@pytest.mark.parametrize("pod", [POD, PodSpec()])
def test_a_subject_that_is_not_pinned_lets_every_pod_in(desk: Desk, pod: PodSpec, subject: str | None) -> None:
    found = desk.ask("eks", irsa(subject=subject, like=True), pod=pod)
    (warning,) = found.warnings
    assert isinstance(warning, TooWide)
    assert (warning.who, warning.statement) == (f"anybody with a token of {ISSUER}", "#1")
    assert f"does not pin {ISSUER}:sub" in warning.reason
    assert isinstance(found, Trusted) is (subject is None or pod is POD)


def test_an_audience_that_is_not_pinned_is_a_warning(desk: Desk) -> None:
    found = desk.ask("eks", irsa(audience=None), pod=POD)
    assert isinstance(found, Trusted)
    (warning,) = found.warnings
    assert isinstance(warning, AudienceNotPinned)
    assert warning.reason == f"the trust policy does not pin {ISSUER}:aud: ask for sts.amazonaws.com"


def test_nothing_pinned_is_both(desk: Desk) -> None:
    found = desk.ask("eks", irsa(subject=None, audience=None), pod=POD)
    assert [type(one) for one in found.warnings] == [TooWide, AudienceNotPinned]


def test_a_subject_that_must_only_exist_is_not_pinned(desk: Desk) -> None:
    statement = irsa(subject=None)
    statement["Condition"]["Null"] = {f"{ISSUER}:sub": "false"}
    (warning,) = desk.ask("eks", statement, pod=POD).warnings
    assert isinstance(warning, TooWide)


PODS = {
    "Effect": "Allow",
    "Principal": {"Service": "pods.eks.amazonaws.com"},
    "Action": ["sts:AssumeRole", "sts:TagSession"],
}


def test_a_role_may_be_for_both_ways_while_a_cluster_moves_to_pod_identity(desk: Desk) -> None:
    both = desk.ask("eks", PODS, irsa(), pod=PodSpec(service_account="payments/orders"))
    assert isinstance(both, Trusted)
    assert both.by == ("pods.eks.amazonaws.com", f"service account payments/orders of {ISSUER}")
    assert isinstance(desk.ask("eks", PODS, irsa(subject="x")), Trusted)
    assert isinstance(desk.ask("eks", PODS, irsa(subject="x"), pod=POD), NotTrusted)
    only = PodSpec(identity="pod-identity", service_account="payments/orders")
    assert isinstance(desk.ask("eks", irsa(), pod=only), NotTrusted)


def test_a_role_of_neither_way_says_so_of_both(desk: Desk) -> None:
    found = desk.ask("eks", PODS | {"Principal": {"Service": "ec2.amazonaws.com"}})
    assert isinstance(found, NotTrusted)
    assert "ec2.amazonaws.com, not to pods.eks.amazonaws.com" in found.reason
    assert "to no OIDC provider" in found.reason
