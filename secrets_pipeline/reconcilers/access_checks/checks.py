"""Check who can read: that the consumers can, that nobody else can, and that nothing is public. No value is read.

They prove what follows from all policies together: those of identities, keys and the organisation are AWS's at that
moment, whoever wrote them. Of a secret that the run has just written they take what AWS acknowledged (see
`secret/audited.py`): that nobody has written over it since, the verification proves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from secrets_pipeline.access.evaluator import Decision, Layer, LayerOutcome, UnreadPolicies
from secrets_pipeline.access.reach.administrators import administrators_sentence
from secrets_pipeline.access.reach.audit import AuditedRead, declared_readings, matrix, undeclared_readings
from secrets_pipeline.access.reach.explain import because, calls, row, sentence, short
from secrets_pipeline.access.reach.probe import NotProbed, Prober, ProbeRefused, ValueReturned, disagreement
from secrets_pipeline.access.reach.public import PublicCaller, public_callers
from secrets_pipeline.access.reach.reader import (
    Allowed,
    DeniedByKms,
    DeniedBySecretsManager,
    ReadableSecret,
    ReadVerdict,
    Unknown,
)
from secrets_pipeline.access.reach.surprise import Surprise, surprise_of
from secrets_pipeline.access.trust.consumer import trusted
from secrets_pipeline.access.trust.role import Surroundings
from secrets_pipeline.access.trust.verdict import NotTrusted, TooWide, Trust, Trusted, TrustUnknown
from secrets_pipeline.arn import account_of, iam_arn
from secrets_pipeline.desired.boundary import Boundary
from secrets_pipeline.desired.settings.grants import grant_line, granted
from secrets_pipeline.errors import AwsError
from secrets_pipeline.reconcilers.access_checks.snapshot import estate_of
from secrets_pipeline.reconcilers.finding import Cause, Finding, Verdict, of_error

if TYPE_CHECKING:
    from secrets_pipeline.reconcilers.observed.secret_state import CrossAccountReplica
    from secrets_pipeline.reconcilers.stack import Stack

_PARTS = (Layer.SECRET_POLICY, Layer.IDENTITY, Layer.KEY_POLICY)
_ANY = "it"
"""A secret in a sentence that is said of several."""


def consumers_can_read(stack: Stack) -> list[Finding]:
    """Check that every declared consumer can read each of its secrets."""
    found = [_of_consumer(stack, one) for one in declared_readings(stack.spec, estate_of(stack))]
    return [*found, *_missing(stack)]


def foreign_readers_can_read(stack: Stack) -> list[Finding]:
    """Check that consumers of other accounts can read, end to end: the secret's policy, the key's, and their own."""
    own = estate_of(stack).snapshot.account_id
    return [
        replace(found, detail=_parts(one.verdict), sentence="", about=_reading(one))
        for one in declared_readings(stack.spec, estate_of(stack))
        if account_of(one.principal) != own
        for found in [_of_consumer(stack, one)]
    ]


def access_matrix(stack: Stack) -> tuple[AuditedRead, ...]:
    """Evaluate every reader that a consumer names, and everybody who reads undeclared, with every secret of the stack.

    Administrators of the account are left out: `nobody_else_can_read` tells of them together.
    """
    spec, estate = stack.spec, estate_of(stack)
    others = undeclared_readings(spec, estate, allowed_readers=stack.run.settings.access.allowed_readers or ())
    strangers = [one.principal for one in others if surprise_of(one) is Surprise.UNEXPECTED]
    told = [*declared_readings(spec, estate), *others]
    expected = {(one.principal, one.secret): one.expected for one in told}
    readers = dict.fromkeys([*(arn for consumer in spec.consumers for arn in consumer.readers), *strangers])
    names = [secret.name for secret in spec.secrets]
    return tuple(
        replace(one, expected=expected.get((one.principal, one.secret), "")) for one in matrix(estate, readers, names)
    )


def probe_agrees(stack: Stack) -> list[Finding]:
    """Compare what AWS answers each consumer with what the evaluator says; values are dropped where they arrive."""
    settings, sessions = stack.run.settings.access, stack.observed.sessions
    target = stack.spec.target
    visible = {one.account_id: sessions.visited(target.under(one)) for one in settings.accounts}
    own = Prober(sessions, [stack.account])
    foreign = {account_id: Prober(sessions, [account, stack.account]) for account_id, account in visible.items()}
    found = [
        _probed(one, secret.target.arn, foreign.get(account_of(one.principal), own))
        for one in declared_readings(stack.spec, estate_of(stack))
        if (secret := estate_of(stack).secret(one.secret)) is not None
    ]
    return [*found, *_missing(stack)]


def _probed(one: AuditedRead, secret_arn: str, prober: Prober) -> Finding:
    try:
        answer = prober.ask(one.principal, secret_arn)
    except AwsError as error:
        return of_error(one.expected, error, otherwise=Verdict.WAITING, columns=_columns(one))
    match answer:
        case NotProbed(reason=reason):
            said = f"not probed: {reason}"
            return Finding(one.expected, Verdict.WAITING, said, _columns(one), reason_type=NotProbed.__name__)
        case ProbeRefused(text=text):
            said = f"AWS refused: {text}"
        case ValueReturned():
            said = "AWS returned the value, which was dropped"
    differs = disagreement(one.verdict, answer)
    verdict = Verdict.WRONG if differs else Verdict.RIGHT
    kinds = f"{type(one.verdict).__name__} {type(answer).__name__}"
    return Finding(one.expected, verdict, differs or f"{said}, as the policies say", _columns(one), reason_type=kinds)


def nobody_else_can_read(stack: Stack) -> list[Finding]:
    """Check that only consumers can read each secret, and that no other account holds a copy without a grant.

    Administrators of the account are one finding: a warning until the operator has said who may read.
    """
    allowed = stack.run.settings.access.allowed_readers
    readings = undeclared_readings(stack.spec, estate_of(stack), allowed_readers=allowed or ())
    administrators = [one for one in readings if one.undeclared_administrator]
    found = [_of_other(stack, one) for one in readings if not one.undeclared_administrator]
    if administrators:
        found.append(_of_administrators(administrators, allowed))
    administered = {one.secret for one in administrators}
    read = {one.secret for one in readings if not (one.expected or one.administrator)}
    copied = list(_of_copies(stack))
    read |= {one.name for one in copied if one.verdict is not Verdict.RIGHT}
    return [*found, *copied] + [
        _nobody(stack, readable, administered=secret.name in administered)
        for secret in stack.spec.secrets
        if secret.name not in read and (readable := estate_of(stack).secret(secret.name)) is not None
    ]


def _of_copies(stack: Stack) -> Iterator[Finding]:
    """Judge the copies of secrets in other accounts (CrossAccountReplicas of DescribeSecret; ListSecrets has none).

    A copy has policies, a key and readers of its own, of which nothing is known here.
    Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/cross-account-replicate-secrets.html
    """
    for secret in stack.spec.secrets:
        if estate_of(stack).secret(secret.name) is None:
            continue
        try:
            state = stack.observed.secrets.confirm(secret.name)
        except AwsError as error:
            if not error.denied:
                raise
            unknown = f"whether it is replicated to another account is not known: {error.message}"
            yield Finding(secret.name, Verdict.WRONG, unknown, reason_type=error.kind)
            continue
        for copy in state.cross_account_replicas if state else ():
            yield _of_copy(stack, secret.name, copy)


def _of_copy(stack: Stack, name: str, copy: CrossAccountReplica) -> Finding:
    account_id = account_of(copy.arn)
    said = f"{name} is replicated to account {account_id} as {copy.arn} ({copy.status})"
    root = iam_arn(account_id, "root", partition=stack.account.partition)
    columns = {"principal": root, "secret": name, "verdict": Allowed.__name__}
    if rule := granted(stack.run.settings.grants, stack.spec.stack, Boundary.REPLICA, account_id):
        return Finding(name, Verdict.RIGHT, f"{said}. Expected: {rule}.", columns)
    line = grant_line(stack.spec.stack, Boundary.REPLICA, account_id)
    remedy = f"End it with DisassociateCrossAccountReplica, or add `{line}` to `grants` of the operator's settings."
    detail = f"{said}: that account decides who can read the copy. {remedy}"
    return Finding(name, Verdict.WRONG, detail, columns, reason_type=type(copy).__name__)


def _of_administrators(readings: Sequence[AuditedRead], allowed: Sequence[str] | None) -> Finding:
    certain = any(isinstance(one.verdict, Allowed) for one in readings)
    columns = {
        "principal": ", ".join(dict.fromkeys(one.principal for one in readings)),
        "verdict": (Allowed if certain else Unknown).__name__,
    }
    verdict = Verdict.WRONG if certain and allowed is not None else Verdict.WAITING
    text = administrators_sentence(readings, allowed)
    return Finding("administrators", verdict, text, columns, reason_type="Administrators")


def _nobody(stack: Stack, secret: ReadableSecret, *, administered: bool) -> Finding:
    """A secret of which no further reader was found, as far as it can be told who there is."""
    if refused := _refused(stack, secret):
        text = f"whether nobody else can read it is not known: {refused}"
        return Finding(secret.name, Verdict.WRONG, text, reason_type=UnreadPolicies.__name__)
    estate = estate_of(stack)
    beside = " but administrators" if administered else ""
    detail = f"nobody else of {len(estate.principals)} principals can read it{beside}"
    return Finding(secret.name, Verdict.RIGHT, detail)


def _refused(stack: Stack, secret: ReadableSecret) -> str:
    """Why AWS does not tell the pipeline who can read a secret of its own account; empty if it does.

    Somebody who lets in a reader could hide that by a Deny for the pipeline, so a refusal is WRONG and not WAITING.
    """
    estate = estate_of(stack)
    return _hidden(stack, secret) or estate.account(estate.snapshot.account_id).unread


def _hidden(stack: Stack, secret: ReadableSecret) -> str:
    """Why AWS refuses the policy of a secret, or that of a key of the stack or its grants; empty if it does not.

    A key that belongs to somebody else may be hidden from the pipeline, so a refusal there is not counted.
    """
    own = {stack.observed.keys.key_id(key.alias) for key in stack.spec.keys}
    keys = [key.target for key in secret.keys if key.target.arn.rpartition("/")[2] in own]
    parts = (secret.target.policy, *(part for key in keys for part in (key.policy, key.grants)))
    return "; ".join(dict.fromkeys(one.reason for one in parts if isinstance(one, UnreadPolicies)))


def policies_are_not_public(stack: Stack) -> list[Finding]:
    """Check that no policy of a secret or of its key lets in everybody, an organisation, or some whom no list tells."""
    estate = estate_of(stack)
    secrets = [found for one in stack.spec.secrets if (found := estate.secret(one.name)) is not None]
    let_in = public_callers(estate.snapshot, secrets)
    names = {secret.target.arn: secret.name for secret in secrets}
    wrong = [
        Finding(
            names.get(one.resource, one.resource),
            Verdict.WAITING if one.caller is PublicCaller.SOME else Verdict.WRONG,
            f"its {one.decision.decided_by.layer} (statement {one.decision.decided_by.statement}) lets in "
            + f"{one.caller} {one.organization or one.decision.decided_by.detail}".rstrip(),
            {"layer": one.decision.decided_by.layer.value, "statement": one.decision.decided_by.statement},
            reason_type=PublicCaller.__name__,
        )
        for one in let_in
    ]
    open_ones = {one.resource for one in let_in}
    others = [one for one in secrets if open_ones.isdisjoint({one.target.arn, *_keys(one)})]
    return wrong + [_closed(stack, secret) for secret in others]


def _keys(secret: ReadableSecret) -> set[str]:
    return {key.target.arn for key in secret.keys}


def _closed(stack: Stack, secret: ReadableSecret) -> Finding:
    """A secret whose policies let in nobody whom they do not name, as far as its policies could be read."""
    targets = [secret.target, *(key.target for key in secret.keys)]
    unread = [one.policy.reason for one in targets if isinstance(one.policy, UnreadPolicies)]
    if unread:
        reasons = "; ".join(dict.fromkeys(unread))
        verdict = Verdict.WRONG if _hidden(stack, secret) else Verdict.WAITING
        return Finding(secret.name, verdict, reasons, reason_type=UnreadPolicies.__name__)
    return Finding(secret.name, Verdict.RIGHT, "its policy and its key's let in nobody whom they do not name")


def consumers_are_trusted(stack: Stack) -> list[Finding]:
    """Check that what runs each consumer may assume its role, and that nobody else may whom nobody can have meant."""
    estate, found = estate_of(stack), []
    for consumer in stack.spec.consumers:
        for role, arn in consumer.principals.items():
            account_id = account_of(arn)
            surroundings = Surroundings(
                stack.spec.target.region,
                estate.levels(account_id, "rcps"),
                estate.role_context(account_id),
                estate.caller,
            )
            trust = trusted(consumer, role, estate.principal(arn), estate.account(account_id), surroundings)
            found += _of_trust(consumer.name, arn, trust)
    return found


def _of_trust(name: str, arn: str, trust: Trust) -> list[Finding]:
    match trust:
        case Trusted(by=by):
            verdict, detail = Verdict.RIGHT, f"{', '.join(by)} may assume it"
        case NotTrusted(reason=reason):
            verdict, detail = Verdict.WRONG, reason
        case TrustUnknown(reason=reason):
            verdict, detail = Verdict.WAITING, reason
    columns = {"principal": arn, "layer": Layer.TRUST_POLICY.value, "statement": trust.statement}
    kind = type(trust).__name__
    found = [Finding(name, verdict, f"{short(arn)}: {detail}", {**columns, "verdict": kind}, reason_type=kind)]
    for warning in trust.warnings:
        too_wide = isinstance(warning, TooWide)
        found.append(
            Finding(
                name,
                Verdict.WRONG if too_wide else Verdict.WAITING,
                f"{short(arn)}: {warning.reason}",
                {**columns, "statement": warning.statement, "verdict": type(warning).__name__},
                reason_type=type(warning).__name__,
            )
        )
    return found


def _of_consumer(stack: Stack, one: AuditedRead) -> Finding:
    detail = estate_of(stack).missing(one.principal)
    verdict, columns = _VERDICTS[type(one.verdict)], _columns(one)
    if detail or isinstance(one.verdict, Allowed):
        text = detail or because(one.verdict)
        return Finding(one.expected, verdict, text, columns, reason_type=Cause.MISSING if detail else "")
    said, of_any = (sentence(one.principal, secret, one.verdict) for secret in (one.secret, _ANY))
    return Finding(one.expected, verdict, said, columns, of_any, _reading(one), _decided(one))


def _decided(one: AuditedRead) -> str:
    """The verdict and the layer that decided, for example `DeniedByKms key policy`."""
    return f"{type(one.verdict).__name__} {one.verdict.vote.layer}"


def _reading(one: AuditedRead) -> str:
    return f"{one.expected} ({one.secret})"


def _of_other(stack: Stack, one: AuditedRead) -> Finding:
    text, of_any = (sentence(one.principal, secret, one.verdict) for secret in (one.secret, _ANY))
    if one.expected:
        return Finding(one.secret, Verdict.RIGHT, f"{text} Expected: {one.expected}.", _columns(one))
    secret = estate_of(stack).secret(one.secret)
    certain = isinstance(one.verdict, Allowed) or (secret is not None and _refused(stack, secret) != "")
    verdict = Verdict.WRONG if certain else Verdict.WAITING
    stranger = "It is nobody's consumer here."
    told, of_any = f"{text} {stranger}", f"{of_any} {stranger}"
    return Finding(one.secret, verdict, told, _columns(one), of_any, reason_type=_decided(one))


_VERDICTS: dict[type[ReadVerdict], Verdict] = {
    Allowed: Verdict.RIGHT,
    DeniedBySecretsManager: Verdict.WRONG,
    DeniedByKms: Verdict.WRONG,
    Unknown: Verdict.WAITING,
}


def _columns(one: AuditedRead) -> dict[str, str]:
    columns = row(one.principal, one.secret, one.verdict)
    return {name: columns[name] for name in ("principal", "secret", "verdict", "layer", "policy", "statement")}


def _missing(stack: Stack) -> Iterable[Finding]:
    """Consumers of secrets that do not exist."""
    for consumer in stack.spec.consumers:
        for ref in consumer.secrets:
            if stack.spec.has(ref) and estate_of(stack).secret(name := stack.spec.secret(ref).name) is None:
                absent = f"secret {name} does not exist, so nobody reads it"
                of_any = "the secret does not exist, so nobody reads it"
                about = f"{consumer.name} ({name})"
                yield Finding(consumer.name, Verdict.WAITING, absent, {}, of_any, about, Cause.MISSING)


def _parts(verdict: ReadVerdict) -> str:
    """What each of the policies says that a reader of another account needs, missing ones first."""
    said = [one for action, decision in calls(verdict) for one in _said(action, decision)]
    lacking = [text for lacks, text in said if lacks]
    given = [text for lacks, text in said if not lacks]
    reason = because(verdict) if isinstance(verdict, DeniedByKms) and verdict.reason else ""
    return "; ".join(filter(None, [reason, *lacking, *given]))


def _said(action: str, decision: Decision) -> Iterable[tuple[bool, str]]:
    for vote in decision.votes:
        if vote.layer in _PARTS or vote.outcome in (LayerOutcome.DENIES, LayerOutcome.UNKNOWN):
            where = f" (statement {vote.statement})" if vote.statement else ""
            text = f"{vote.layer} {vote.detail or f'{vote.outcome} {action}'}{where}"
            yield vote.outcome is not LayerOutcome.ALLOWS, text
