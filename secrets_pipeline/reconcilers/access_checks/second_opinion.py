"""Compare the evaluator's verdicts with AWS's own: the policy simulator's of consumers, Access Analyzer's of policies.

AWS is asked what it can answer. What it cannot, or does not, is a warning with the reason, never agreement.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from secrets_pipeline.access.evaluator import UnreadPolicies
from secrets_pipeline.access.reach.analyzed import Analyzed, PolicyOf, PolicyText, analyze
from secrets_pipeline.access.reach.audit import AuditedRead, declared_readings
from secrets_pipeline.access.reach.explain import name_of, short
from secrets_pipeline.access.reach.public import PublicCaller, public_callers
from secrets_pipeline.access.reach.simulated import Answer, NotSaid, OwnRight, disagreement, own_rights, simulate
from secrets_pipeline.reconcilers.access_checks.snapshot import estate_of
from secrets_pipeline.reconcilers.finding import Finding, Verdict

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.stack import Stack


def aws_agrees(stack: Stack) -> list[Finding]:
    """Check that SimulatePrincipalPolicy, CheckNoPublicAccess and ValidatePolicy say what the evaluator says.

    Consumers are judged by their own policies alone: theirs, their boundary's, and SCPs.
    """
    return [*_of_readers(stack), *_of_policies(stack)]


def _of_readers(stack: Stack) -> Iterator[Finding]:
    estate = estate_of(stack)
    asked: list[tuple[AuditedRead, tuple[OwnRight, ...]]] = []
    for one in declared_readings(stack.spec, estate):
        secret, missing = estate.secret(one.secret), estate.missing(one.principal)
        if missing:
            yield Finding(one.expected, Verdict.WAITING, missing, _columns(one, ""))
        elif secret is not None:
            asked.append((one, own_rights(estate.caller(one.principal), secret)))
    said = simulate(stack.account, [right for _, rights in asked for right in rights])
    for one, rights in asked:
        yield _compared(one, rights, said)


def _compared(one: AuditedRead, rights: Sequence[OwnRight], said: Mapping[OwnRight, Answer]) -> Finding:
    answers = [(right, said[right]) for right in rights]
    told = ", ".join(
        f"{right.action} {answer.decision}" for right, answer in answers if not isinstance(answer, NotSaid)
    )
    differing = [text for right, answer in answers if (text := disagreement(right, answer))]
    unsaid = [answer.reason for _, answer in answers if isinstance(answer, NotSaid)]
    unknown = [
        f"the evaluator does not know {right.action}: {right.reason}" for right in rights if right.allowed is None
    ]
    if differing:
        verdict, reasons = Verdict.WRONG, differing
    elif unsaid or unknown:
        verdict, reasons = (
            Verdict.WAITING,
            [*unsaid, *unknown, *([f"SimulatePrincipalPolicy says {told}"] if told else [])],
        )
    else:
        verdict, reasons = (
            Verdict.RIGHT,
            [f"SimulatePrincipalPolicy says of its own policies: {told}; so does the evaluator"],
        )
    return Finding(
        one.expected, verdict, f"{short(one.principal)}: {'; '.join(dict.fromkeys(reasons))}", _columns(one, told)
    )


def _columns(one: AuditedRead, told: str) -> dict[str, str]:
    return {"principal": one.principal, "secret": one.secret, "verdict": name_of(one.verdict), "aws": told}


def _of_policies(stack: Stack) -> Iterator[Finding]:
    estate = estate_of(stack)
    secrets = [found for one in stack.spec.secrets if (found := estate.secret(one.name)) is not None]
    keys = {key.target.arn: key for secret in secrets for key in secret.keys if not key.aws_managed}
    targets = {**{secret.name: secret.target for secret in secrets}, **{arn: key.target for arn, key in keys.items()}}
    documents = {secret.name: (PolicyOf.SECRET, secret.policy) for secret in estate.snapshot.secrets}
    documents |= {arn: (PolicyOf.KEY, key.policy) for arn, key in estate.snapshot.keys.items()}
    let_in = {one.resource: one.caller for one in public_callers(estate.snapshot, secrets)}
    texts = {
        name: PolicyText.made(of, document)
        for name in targets
        if name in documents
        for of, document in [documents[name]]
        if document is not None
    }
    said = analyze(stack.account, texts.values())
    for name, target in targets.items():
        if name in texts:
            yield _analyzed(name, let_in.get(target.arn), said[texts[name]])
        elif isinstance(target.policy, UnreadPolicies):
            yield Finding(name, Verdict.WAITING, f"not asked: {target.policy.reason}")


def _analyzed(name: str, ours: PublicCaller | None, said: Analyzed) -> Finding:
    """One policy: public or not, and whether AWS finds an error in what the evaluator could read."""
    findings = said.findings or ()
    differing = [f"the evaluator could read it, ValidatePolicy says {one}" for one in findings if one.kind == "ERROR"]
    evaluated = "lets in nobody whom it does not name" if ours is None else f"lets in {ours}"
    if said.public is not None and said.public is not (ours is PublicCaller.PUBLIC):
        public = f"public ({'; '.join(said.reasons)})" if said.public else "not public"
        differing.insert(0, f"the evaluator says that it {evaluated}, CheckNoPublicAccess says {public}")
    columns = {"aws": _told(said)}
    if differing:
        return Finding(name, Verdict.WRONG, "; ".join(differing), columns)
    if said.unsaid:
        return Finding(name, Verdict.WAITING, "; ".join(dict.fromkeys(said.unsaid)), columns)
    warned = [str(one) for one in findings if one.kind == "SECURITY_WARNING"]
    if warned:
        return Finding(name, Verdict.ADVISED, f"ValidatePolicy warns of {'; '.join(warned)}", columns)
    return Finding(name, Verdict.RIGHT, "Access Analyzer says of it what the evaluator says", columns)


def _told(said: Analyzed) -> str:
    public = "" if said.public is None else "public" if said.public else "not public"
    return ", ".join(filter(None, [public, *(f"{one.kind} {one.code}" for one in said.findings or ())]))
