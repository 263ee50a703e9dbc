"""Every table of every command can be read on a terminal of 80 columns, with names and ARNs as long as people have."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Final, TypeAlias

import pytest
from rich.console import Console

from secrets_pipeline.access.reach.audit import AuditedRead, matrix
from secrets_pipeline.access.reach.reader import DeniedBySecretsManager, Unknown
from secrets_pipeline.arn import iam_arn
from secrets_pipeline.aws.session import Sessions
from secrets_pipeline.cli.access.view import reader_blocks, votes_table
from secrets_pipeline.cli.config.command import in_force_table
from secrets_pipeline.cli.describe.command import components_table
from secrets_pipeline.cli.doctor.command import answers_table
from secrets_pipeline.cli.doctor.experiment import measured_table
from secrets_pipeline.cli.events.command import places_table
from secrets_pipeline.cli.health.command import findings_table
from secrets_pipeline.cli.list.command import StackRow, stacks_table
from secrets_pipeline.cli.plan.formats import crossing_table, declared_table
from secrets_pipeline.cli.plan.view import DECLARED, StackPlan, plan_table
from secrets_pipeline.cli.rotate.command import rotation_table
from secrets_pipeline.cli.shared.reference_view import ReferenceRow, ReferenceState, reference_table
from secrets_pipeline.cli.shared.run_view import check_table, outcome_table
from secrets_pipeline.cli.shared.tables import Blocks, Table
from secrets_pipeline.desired.base import Target
from secrets_pipeline.engine.model import Change, ChangeClass, Resource
from secrets_pipeline.engine.reason import Because
from secrets_pipeline.operations.event_places import LookedAt
from secrets_pipeline.operations.experiment.contract import Answer, Contract, Exchange, Measured, Step
from secrets_pipeline.operations.in_force import InForce
from secrets_pipeline.orchestration.health.model import Finding as HealthFinding
from secrets_pipeline.orchestration.health.model import Part, State
from secrets_pipeline.orchestration.in_process.running import CheckRow
from secrets_pipeline.reconcilers.finding import Finding, Verdict, open_groups
from secrets_pipeline.rotation.events.dead_letters import DeadLetters, Unreadable
from secrets_pipeline.stacks.components.model import Component
from tests.access import builders

WIDTH: Final = 80
PACKAGE: Final = Path(__file__).parents[3] / "secrets_pipeline"
MAKERS: Final = frozenset({"table", "Table", "Blocks"})
DRAWING: Final = frozenset({"rich.console", "rich.padding", "rich.progress", "rich.segment", "rich.text"})
"""What of rich may be used: none of it lays out a table of its own."""
ACCOUNT: Final = "111122223333"
STACK: Final = "acme-plat-use1-production-blue"
NAMES: Final = tuple(f"acme/platform/production/payments-api/database/credentials-{one}" for one in ("a", "b", "c"))
ROLE: Final = iam_arn(ACCOUNT, "role/acme-platform-production-payments-api-worker-task")
KEY: Final = f"arn:aws:kms:eu-west-2:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
SENTENCE: Final = f"the key policy of {KEY} denies kms:Decrypt to {ROLE}, as statement DenyEverybodyElse says"
WORST: Final = 30
"""Characters that a piece of a folded word of the last column has at least."""
LABEL: Final = 30
"""Characters that the indent and the label of a cell below its row have at most."""


def outcomes() -> Table:
    rows = [
        {
            "outcome": "applied",
            "action": "create",
            "kind": "secret-policy",
            "name": name,
            "stage": "consumer_policies",
            "detail": SENTENCE,
        }
        for name in NAMES
    ]
    made = outcome_table(rows, every=True)
    assert made is not None
    return made


def checks() -> Table:
    found = open_groups([Finding(name, Verdict.WRONG, f"{SENTENCE} {name}") for name in NAMES])
    return check_table(
        [CheckRow(STACK, "consumers_started_after_rotation", passed=False, severity="ERROR", detail="", open=found)]
    )


def planned() -> Table:
    changes = [
        Change(Resource("secret-policy", name, "secretsmanager/payments-api"), action, (Because(SENTENCE),))
        for name, action in zip(NAMES, (ChangeClass.CREATE, ChangeClass.BLOCKED, ChangeClass.ADOPT), strict=True)
    ]
    return plan_table(StackPlan({"consumer_policies": changes}, STACK, ACCOUNT, "eu-west-2"), unchanged=True)


def references() -> Table:
    reference = "${output.rds/payments-api-production.endpoint_address}"
    rows = [ReferenceRow(one, "secret_data.url", reference, ReferenceState.BLOCKED, SENTENCE) for one in NAMES]
    return reference_table(rows)


def reads() -> list[AuditedRead]:
    world = builders.world()
    for name in NAMES:
        world.secret(name)
    return list(matrix(world.estate(), [builders.ROLE, builders.FOREIGN], NAMES))


def measured() -> Table:
    step = Step("secretsmanager", "CreateSecret", {}, measures="a new secret is shown by ListSecrets", until="x")
    answers = (Answer(code="ResourceNotFoundException"), Answer(seconds=12.5))
    return measured_table(
        Contract(
            "AWS",
            "aws",
            "eu-west-2",
            "2026-11-29",
            (Measured("secretsmanager-list-is-late", SENTENCE, (Exchange(step, answers),)),),
        )
    )


def places() -> Table:
    queue = f"arn:aws:sqs:eu-west-2:{ACCOUNT}:secrets-pipeline-events-dead-letters"
    account = Sessions().for_target(Target(region="eu-west-2"))
    letters = DeadLetters(queue, 1200, builders.MOMENT, {Unreadable("UnexpectedBodyOfAnEventOfSecretsManager"): 1200})
    return places_table([LookedAt(f"{ACCOUNT} eu-west-2, queue of {STACK}", account, letters)])


def components() -> Table:
    resolved = {"component": "secretsmanager/payments-api-defaults", "metadata": {"type": "abstract"}}
    manifest = "stacks/orgs/acme/platform/production/eu-west-2/payments-api.yaml"
    return components_table([Component("secretsmanager/payments-api", "terraform", STACK, resolved, manifest)])


Rendered: TypeAlias = Callable[[], Table | Blocks]
TABLES: Final[Mapping[str, Rendered]] = {
    "access/view.py reader_blocks": lambda: reader_blocks(reads()),
    "access/view.py votes_table": lambda: votes_table(reads()[0].verdict),
    "config/command.py in_force_table": lambda: in_force_table(
        [
            InForce("operator's settings", "access.organization_policies", [ROLE, KEY], "--config, operator.yaml:17"),
            InForce("Atmos", "repository", "/srv/repositories/acme/platform/infrastructure-live/atmos", "default"),
        ]
    ),
    "describe/command.py components_table": components,
    "doctor/command.py answers_table": lambda: answers_table(
        [
            {
                "verdict": "will fail",
                "question": "rights",
                "place": f"{ACCOUNT} eu-west-2",
                "about": KEY,
                "text": SENTENCE,
                "remedy": f"Let {ROLE} call kms:GenerateMac on {KEY}.",
            }
        ]
    ),
    "doctor/experiment.py measured_table": measured,
    "events/command.py places_table": places,
    "health/command.py findings_table": lambda: findings_table(
        [
            HealthFinding(Part.SENSOR, "rotation_event_sensor_of_production", State.SILENT, 1.0, SENTENCE, "no-tick"),
            HealthFinding(Part.STACK, STACK, State.WELL, None),
        ],
        90_000.0,
    ),
    "list/command.py stacks_table": lambda: stacks_table(
        [StackRow(STACK, ACCOUNT, "eu-central-1", ROLE, 150, True, 12), StackRow("b", errors=1)]
    ),
    "plan/formats.py crossing_table": lambda: crossing_table(
        [("reader in another account", ROLE, NAMES[0], "secretsmanager/payments-api: vars.consumers[0]", "grants[3]")]
    ),
    "plan/formats.py declared_table": lambda: declared_table(
        [
            dict(zip(DECLARED, ("secret-policy", name, "secretsmanager/payments-api", SENTENCE), strict=True))
            for name in NAMES
        ]
    ),
    "plan/view.py plan_table": planned,
    "rotate/command.py rotation_table": lambda: rotation_table(
        [(STACK, one, "no", SENTENCE, SENTENCE) for one in NAMES]
    ),
    "shared/reference_view.py reference_table": references,
    "shared/run_view.py check_table": checks,
    "shared/run_view.py outcome_table": outcomes,
}
"""Module and function, as they stand in the code; what each makes of data that is as long as real one."""


def made_in_code() -> Iterator[str]:
    """Each function of the command line that makes a table."""
    for path in sorted((PACKAGE / "cli").rglob("*.py")):
        tree = ast.parse(path.read_text())
        imported = {
            alias.asname or alias.name
            for one in ast.walk(tree)
            if isinstance(one, ast.ImportFrom) and one.module == "secrets_pipeline.cli.shared.tables"
            for alias in one.names
            if alias.name in MAKERS
        }
        functions = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in imported:
                around = [one for one in functions if one.lineno <= call.lineno <= (one.end_lineno or 0)]
                name = max(around, key=lambda one: one.lineno).name if around else "module"
                yield f"{path.relative_to(PACKAGE / 'cli')} {name}"


def drawn(what: Table | Blocks) -> list[str]:
    file = StringIO()
    Console(file=file, width=WIDTH, force_terminal=True, color_system=None).print(what)
    return file.getvalue().splitlines()


def texts(what: Table | Blocks) -> Iterator[str]:
    if isinstance(what, Table):
        yield from (cell.plain for row in what.rows for cell in row)
    else:
        for head, lines in what.blocks:
            yield from (head, *(f"{label}: {text}" for label, text in lines))


def test_every_table_of_the_code_is_one_of_these() -> None:
    assert sorted(set(made_in_code())) == sorted(TABLES)


def test_nothing_else_of_rich_draws_tables() -> None:
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for one in ast.walk(ast.parse(path.read_text())):
            if isinstance(one, ast.ImportFrom) and (one.module or "").partition(".")[0] == "rich":
                found.add(one.module)
            elif isinstance(one, ast.Import):
                found |= {alias.name for alias in one.names if alias.name.partition(".")[0] == "rich"}
    assert found <= DRAWING


@pytest.mark.parametrize("name", TABLES)
def test_it_is_no_wider_than_the_terminal_and_folds_no_name_to_pieces(name: str) -> None:
    made = TABLES[name]()
    lines = drawn(made)
    assert max(map(len, lines)) <= WIDTH, "\n".join(lines)
    pieces = {word for line in lines for word in line.split()}
    last = {word for row in made.rows for word in row[-1].plain.split()} if isinstance(made, Table) else set()
    for word in {word for text in texts(made) for word in text.split()}:
        folded = folds(word, pieces)
        assert folded is not None, f"{word} in\n" + "\n".join(lines)
        assert len(folded) == 1 or word in last or len(word) > WIDTH - LABEL, f"{word} in\n" + "\n".join(lines)
        assert all(len(piece) >= WORST for piece in folded[:-1]), f"{word} in\n" + "\n".join(lines)


def test_a_column_beside_which_the_last_has_no_room_is_not_folded_inside_a_word() -> None:
    name, component = "myapp/dev/database/credentials", "secretsmanager/database#credentials"
    lines = drawn(Table(("kind", "name", "component", "detail"), [("secret-policy", name, component, SENTENCE)]))
    for word in (name, component):
        assert any(word in line for line in lines), "\n".join(lines)


def folds(word: str, pieces: set[str]) -> list[str] | None:
    """The pieces that a word was folded into, the longest first; None if it cannot be put together of them."""
    if word in pieces:
        return [word]
    for end in range(len(word) - 1, 0, -1):
        if word[:end] in pieces and (rest := folds(word[end:], pieces)) is not None:
            return [word[:end], *rest]
    return None


@pytest.mark.parametrize("name", [name for name, make in TABLES.items() if "blocks" not in name])
def test_each_column_has_its_heading_above_or_before_each_cell(name: str) -> None:
    made = TABLES[name]()
    assert isinstance(made, Table)
    head, *lines = drawn(made)
    beside = [column for column in made.columns if column and f"  {column}  " in f"  {head}  "]
    for number, column in enumerate(made.columns):
        if not column:
            # The signs of a plan, which its words repeat.
            assert (name, number) == ("plan/view.py plan_table", 0)
        elif column not in beside:
            filled = sum(bool(row[number]) for row in made.rows)
            assert sum(line.startswith(f"    {column}:") for line in lines) == filled, "\n".join([head, *lines])


def test_what_a_reader_reads_stands_below_its_name() -> None:
    lines = drawn(reader_blocks(reads()))
    assert lines[0].startswith("role orders of 111122223333")
    assert any(line.startswith(("    reads: ", "    ! reads: ")) for line in lines)
    assert all(line.startswith(("role ", "user ", "    ")) for line in lines)


def test_a_reader_of_whom_somebody_does_not_know_reads_not_nothing_and_every_secret_is_named() -> None:
    known = reads()[0]
    names = [f"shop/dev/api/token-{number}" for number in range(5)]
    unknown = Unknown(known.verdict.vote, known.verdict.secrets_manager, reason="a policy was not read")
    denied = DeniedBySecretsManager(known.verdict.vote, known.verdict.secrets_manager)
    for verdict, label in ((unknown, "! may read"), (denied, "! does not read")):
        lines = " ".join(drawn(reader_blocks([AuditedRead(ROLE, one, verdict, "worker") for one in names])))
        assert ("reads: nothing" in lines) is (verdict is denied)
        assert f"{label}: api/token-0, api/token-1, api/token-2, api/token-3, api/token-4" in " ".join(lines.split())
