import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.mutants import LIST, TESTS, read_list
from benchmarks.mutation.mutants import Mutant, find

ROOT = Path(__file__).parents[2]
JUDGED = "secrets_pipeline/judged.py"
SMALL = {"module": JUDGED, "name": "judged", "before": "return x < 3", "after": "return x <= 3"}


def in_module(folder: Path, source: str, mutant: Mutant, module: str = JUDGED) -> str | None:
    (folder / module).parent.mkdir(parents=True, exist_ok=True)
    (folder / module).write_text(source)
    found = find(folder, mutant)
    return found.source if found else None


@pytest.mark.parametrize(
    ("source", "mutant", "mutated"),
    [
        (
            "def f(x):\n    return x < 3\n",
            Mutant(JUDGED, "f", "return x < 3", "return x <= 3"),
            "def f(x):\n    return x <= 3\n",
        ),
        (
            "class B:\n    def f(self):\n        go()\n\n    def g(self):\n        if a:\n            go()\n",
            Mutant(JUDGED, "B.g", "if a:", "if False:"),
            "class B:\n    def f(self):\n        go()\n\n    def g(self):\n        if False:\n            go()\n",
        ),
        (
            "def f():\n    put(\n        a,\n        b=c,\n    )\n",
            Mutant(JUDGED, "f", "put(a, b=c)", "put(a)"),
            "def f():\n    put(a)\n",
        ),
        (
            "def f():\n    send(a)\n    store(b)\n    send(a)\n",
            Mutant(JUDGED, "f", "send(a)", "pass", nth=1),
            "def f():\n    send(a)\n    store(b)\n    pass\n",
        ),
        (
            "def f():\n    send(a)\n    store(b)\n",
            Mutant(JUDGED, "f", "send(a)\nstore(b)", "store(b)\nsend(a)"),
            "def f():\n    store(b)\n    send(a)\n",
        ),
        ("LIMIT = 3\n", Mutant(JUDGED, "", "LIMIT = 3", "LIMIT = 4"), "LIMIT = 4\n"),
    ],
)
def test_a_mutant_is_found_by_its_function_and_its_words_however_lines_are_broken(
    tmp_path: Path, source: str, mutant: Mutant, mutated: str
) -> None:
    assert in_module(tmp_path, source, mutant) == mutated


def test_a_mutant_is_found_in_another_module_if_only_one_has_it(tmp_path: Path) -> None:
    mutant, source = Mutant(JUDGED, "f", "return 3", "return 4"), "def f():\n    return 3\n"
    (tmp_path / "secrets_pipeline" / "deeper").mkdir(parents=True)
    moved = tmp_path / "secrets_pipeline" / "deeper" / "moved.py"
    moved.write_text(source)
    found = find(tmp_path, mutant)
    assert found
    assert found.path == "secrets_pipeline/deeper/moved.py"
    (moved.parent / "again.py").write_text(source)
    assert find(tmp_path, mutant) is None


@pytest.mark.parametrize("source", ["def f():\n    return 5\n", "def g():\n    return 3\n"])
def test_a_statement_that_is_gone_is_not_found(tmp_path: Path, source: str) -> None:
    assert in_module(tmp_path, source, Mutant(JUDGED, "f", "return 3", "return 4")) is None


def test_every_mutant_of_the_list_is_found_or_its_code_is_said_to_be_gone() -> None:
    lost = [one.number for one in read_list() if not one.gone and find(ROOT, one.now or one.mutant) is None]
    assert not lost


FILES = {
    "secrets_pipeline/__init__.py": "",
    JUDGED: (
        "import time\n\n\ndef judged(x: int) -> bool:\n    return x < 3\n\n\n"
        "def waited(x: int) -> int:\n    while x < 9:\n        time.sleep(0.01)\n        x += 1\n    return x\n"
    ),
    "tests/conftest.py": "from hypothesis import settings\n",
    "tests/test_judged.py": (
        "import tempfile\nimport time\nfrom pathlib import Path\n\nimport pytest\n\n"
        "from secrets_pipeline.judged import judged, waited\n\n\n"
        "def test_red() -> None:\n    assert False\n\n\n"
        # As root, PostgreSQL runs as nobody.
        "def test_reached() -> None:\n"
        "    assert all(at.stat().st_mode & 1 for at in Path(tempfile.gettempdir()).parents)\n\n\n"
        "def test_judged() -> None:\n    assert [judged(x) for x in (2, 3, 4)] == [True, False, False]\n\n\n"
        "def test_waited() -> None:\n    assert waited(1) == 9\n\n\n"
        "@pytest.mark.parametrize('number', [1, 2, 3])\n"
        "def test_slow(number: int) -> None:\n    time.sleep(2)\n\n\n"
        "def made() -> None:\n    def test_inner() -> None:\n        pass\n"
    ),
    "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '--import-mode=importlib'\n",
}
RED, REACHED, KILLER, WAITED, SLOW, INNER = NAMES = [
    f"tests/test_judged.py::test_{name}" for name in ("red", "reached", "judged", "waited", "slow", "inner")
]
HARMLESS, LOST = {**SMALL, "after": "return x < 3 or False"}, {**SMALL, "before": "return x < 7"}
UNREADABLE = {
    "module": JUDGED,
    "name": "judged",
    "before": "def judged(x: int) -> bool:",
    "after": "def judged(x: int = nowhere) -> bool:",
}
ENDLESS = {"module": JUDGED, "name": "waited", "before": "x += 1", "after": "pass"}


class Judgement:
    """One run of the command over a list, in a repository with two functions that are tested and a test that is red."""

    def __init__(self, folder: Path, *entries: dict[str, Any]) -> None:
        for name, text in FILES.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        subprocess.run(["git", "init", "--quiet", folder], check=True)  # noqa: S607 - whichever git is on PATH
        every = {"tests": [0, 1, 2, 3]}
        listed = [{"number": number, **every, **entry} for number, entry in enumerate(entries, 1)]
        (folder / LIST).parent.mkdir(parents=True)
        (folder / TESTS).write_text("\n".join(NAMES))
        (folder / LIST).write_text("".join(json.dumps(entry) + "\n" for entry in listed))
        command = [
            sys.executable,
            str(ROOT / "benchmarks" / "mutants.py"),
            "judge",
            "-j",
            "1",
            "--limit",
            "5",
            "--write",
        ]
        self.done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
        self.written = [json.loads(line) for line in (folder / LIST).read_text().splitlines()]
        self.source = (folder / JUDGED).read_text()

    def of(self, number: int) -> str:
        """Return the verdict that is printed for a mutant, without the seconds."""
        lines = [line for line in self.done.stdout.splitlines() if line.startswith(f"#{number} ")]
        assert len(lines) == 1, self.done.stdout + self.done.stderr
        return lines[0].partition(" ")[2].partition(", ")[0]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Judgement:
    """A list in which nothing is amiss."""
    return Judgement(
        tmp_path_factory.mktemp("good"),
        {"mutant": SMALL},
        {"mutant": HARMLESS},
        {"mutant": SMALL, "by": "tests/test_moved.py::test_gone"},
        {"mutant": SMALL, "by": "tests/before/test_it.py::test_judged", "tests": []},
        {"mutant": LOST, "now": SMALL},
        {"mutant": LOST, "gone": "nobody counts any more"},
        {"mutant": ENDLESS, "tests": [3]},
        {"mutant": UNREADABLE, "tests": [2]},
    )


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Judgement:
    """A list with one mutant that is not noticed any more, and three without a verdict."""
    return Judgement(
        tmp_path_factory.mktemp("bad"),
        {"mutant": HARMLESS, "by": KILLER},
        {"mutant": LOST},
        {"mutant": HARMLESS, "tests": [4]},
        {"mutant": HARMLESS, "tests": [5]},
    )


def test_a_judgement_fails_if_a_mutant_lives_that_died_or_has_no_verdict(good: Judgement, bad: Judgement) -> None:
    assert (good.done.returncode, bad.done.returncode) == (0, 1)
    assert "Died before, and live now: #1" in bad.done.stdout
    assert "4 judged: 1 alive, 3 without a verdict" in bad.done.stdout
    assert bad.of(2).startswith("NOT FOUND")


def test_tests_that_do_not_end_or_cannot_be_run_are_no_verdict(bad: Judgement) -> None:
    assert bad.of(3) == "NO VERDICT: its tests take longer than 5 s"
    assert bad.of(4).startswith("NO VERDICT: pytest does not run ")
    assert "by" not in bad.written[2]


def test_a_mutant_that_cannot_be_imported_is_killed(good: Judgement) -> None:
    assert good.of(8) == f"killed by {KILLER}"


def test_a_mutant_is_killed_by_the_first_test_that_passes_without_it(good: Judgement) -> None:
    assert good.of(1) == f"killed by {KILLER}"
    assert good.written[0]["by"] == KILLER
    assert f"were left out:\n  {RED}\n" in good.done.stdout
    assert good.source == FILES[JUDGED]


def test_a_mutant_that_no_test_notices_lives(good: Judgement) -> None:
    assert good.of(2) == "LIVES"
    assert "by" not in good.written[1]


def test_where_the_killing_test_is_gone_the_others_that_ran_the_line_are_asked(good: Judgement) -> None:
    assert good.of(3) == f"killed by {KILLER}"


def test_a_test_that_moved_to_another_file_is_found_by_its_name(good: Judgement) -> None:
    assert good.of(4) == f"killed by {KILLER}"


def test_the_successor_of_a_statement_that_is_gone_is_judged_and_gone_code_is_not(good: Judgement) -> None:
    assert good.of(5) == f"killed by {KILLER}"
    assert "#6" not in good.done.stdout


def test_a_mutant_that_waits_for_ever_is_killed_by_time(good: Judgement) -> None:
    assert good.of(7) == f"killed by {WAITED}"
