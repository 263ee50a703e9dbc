"""Ask, for the demo, as readers: what the policies say, and what AWS answers (AssumeRole, GetSecretValue)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from secrets_pipeline.access.reach.audit import AuditedRead, declared_readings, matrix
from secrets_pipeline.access.reach.compiled import CompiledSnapshot
from secrets_pipeline.access.reach.probe import Answer, NotProbed, Prober, ProbeRefused, ValueReturned, disagreement
from secrets_pipeline.access.reach.reader import Allowed, DeniedByKms, DeniedBySecretsManager, ReadVerdict
from secrets_pipeline.arn import account_of, iam_arn
from secrets_pipeline.aws.session import AwsAccount, Sessions
from secrets_pipeline.cli.access.snapshot import snapshot_of
from secrets_pipeline.cli.local.stand_in_readers import BY_HAND, INVENTORY_ROLE
from secrets_pipeline.desired.stack import StackSpec
from secrets_pipeline.operations.open_repository import OpenRepository


@dataclass(frozen=True, slots=True)
class ReadAnswer:
    """One reader and one secret.

    Attributes:
        answer: what AWS said, as a sentence.
        agrees: whether that is what the policies say.
    """

    principal: str
    secret: str
    verdict: ReadVerdict
    answer: str
    agrees: bool


def read_answers(desired: OpenRepository, stacks: Sequence[str]) -> list[ReadAnswer]:
    """Ask as one reader for each way in which a read ends, of the first stack that has readers in another account."""
    spec = next((desired.specs[one] for one in stacks if _foreign(desired.specs[one])), None)
    if spec is None:
        return []
    access = desired.settings.access
    estate = CompiledSnapshot(
        snapshot_of(desired, spec, every=True), organization_policies=access.organization_policies
    )
    sessions = Sessions(read_only=True)
    own = sessions.for_target(spec.target)
    visible = {one.account_id: sessions.visited(spec.target.under(one)) for one in access.accounts}
    return [
        _asked(estate, sessions, own, visible.get(account_of(one.principal), own), one) for one in _chosen(spec, estate)
    ]


def _foreign(spec: StackSpec) -> list[str]:
    return [arn for one in spec.consumers for arn in one.readers if account_of(arn) != spec.target.account_id]


def _chosen(spec: StackSpec, estate: CompiledSnapshot) -> Iterator[AuditedRead]:
    names = [secret.name for secret in spec.secrets]
    foreign = _foreign(spec)
    own = [one for one in declared_readings(spec, estate) if one.principal not in foreign]
    inventory = iam_arn(estate.snapshot.account_id, f"role/{INVENTORY_ROLE}", partition=estate.snapshot.partition)
    wanted: tuple[tuple[Sequence[AuditedRead], Callable[[ReadVerdict], bool]], ...] = (
        (own, lambda verdict: isinstance(verdict, Allowed)),
        (matrix(estate, [one.principal for one in own], names), lambda one: isinstance(one, DeniedBySecretsManager)),
        (matrix(estate, [inventory], names), lambda verdict: isinstance(verdict, DeniedByKms)),
        (matrix(estate, foreign, names), lambda verdict: isinstance(verdict, Allowed)),
        (matrix(estate, foreign, [BY_HAND]), lambda verdict: isinstance(verdict, DeniedByKms)),
    )
    for readings, fits in wanted:
        yield from [one for one in readings if fits(one.verdict)][:1]


def _asked(
    estate: CompiledSnapshot, sessions: Sessions, own: AwsAccount, through: AwsAccount, one: AuditedRead
) -> ReadAnswer:
    secret = estate.secret(one.secret)
    arn = secret.target.arn if secret else one.secret
    answer = Prober(sessions, [through, own]).ask(one.principal, arn)
    differs = bool(disagreement(one.verdict, answer)) or isinstance(answer, NotProbed)
    return ReadAnswer(one.principal, one.secret, one.verdict, _words(answer), not differs)


def _words(answer: Answer) -> str:
    match answer:
        case ValueReturned():
            return "AWS, asked under that role, returned the value."
        case ProbeRefused(code=code, text=text):
            return f"AWS, asked under that role: {code}: {_short(text.split(code)[-1].lstrip(': '))}"
        case NotProbed(reason=reason):
            return f"AWS was not asked: {reason}."


def _short(text: str) -> str:
    """AWS's text without who asked for what, which stands before."""
    _, denied, reason = text.partition(" on resource: ")
    return f"… {reason.partition(' ')[2]}" if denied else text
