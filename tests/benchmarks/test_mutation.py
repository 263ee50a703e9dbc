import ast
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.mutate import known_equivalent
from benchmarks.mutation.mutants import Mutant, mutants, sample
from benchmarks.mutation.nearest import Imports

ROOT = Path(__file__).parents[2]


def made(folder: Path, source: str) -> list[Mutant]:
    (folder / "module.py").write_text(source)
    return [mutant for mutant in mutants(folder, "module.py") if mutant.is_one]


@pytest.mark.parametrize(
    ("source", "mutated"),
    [
        ("ready = count < 3\n", "ready = count <= 3\n"),
        ("ready = count >= 3\n", "ready = count > 3\n"),
        ("ready = (a) is  not (b)\n", "ready = (a) is (b)\n"),
        ("ready = a not in b\n", "ready = a in b\n"),
        ("ready = a and b and c\n", "ready = a and b or c\n"),
        ("ready = a or f(b)\n", "ready = (f(b))\n"),
        ("ready = not (a or b)\n", "ready = (a or b)\n"),
        ("wait = 3\n", "wait = 4\n"),
        ("strict = True\n", "strict = False\n"),
        ("rest = whole - part\n", "rest = whole + part\n"),
        ("count += 1\n", "pass\n"),
        (
            "def f(x):\n    if x:\n        return 1\n    return 2\n",
            "def f(x):\n    if False:\n        return 1\n    return 2\n",
        ),
        ("best = min(a, key=k)\n", "best = max(a, key=k)\n"),
        ("best = min(a, key=k)\n", "best = min(a)\n"),
        ("names = sorted(a)\n", "names = list(a)\n"),
        ("put(\n    name=a,\n    value=b,\n)\n", "put(\n    name=a,\n)\n"),
        ("CODES = {'é', 'b'}\n", "CODES = {'b'}\n"),
        ("CODES = ('a', 'b')\n", "CODES = ('b',)\n"),
        ("kept = [x for x in y if x.ours]\n", "kept = [x for x in y if True]\n"),
        ("send(a)\nstore(b)\n", "store(b)\nsend(a)\n"),
        ("try:\n    f()\nexcept E:\n    g()\n", "try:\n    f()\nexcept E:\n    raise\n"),
        ("for x in y:\n    continue\n", "for x in y:\n    break\n"),
        ("name = text.strip()\n", "name = text\n"),
    ],
)
def test_a_mistake_is_made_in_one_place(tmp_path: Path, source: str, mutated: str) -> None:
    assert mutated in [mutant.mutated for mutant in made(tmp_path, source)]


@pytest.mark.parametrize(
    "source",
    [
        '"""A module that has 3 of them."""\n',
        "from a import b\n",
        "x: dict[str, 3] | None\n",
        "if TYPE_CHECKING:\n    limit = 3\n",
        '__all__ = ["a", "b"]\n',
        'T = TypeVar("T", bound=3)\n',
        "Make = Callable[[int | None], int]\n",
        "@dataclass(frozen=True)\nclass Pair:\n    left: int\n",
        "def f(a: 'x < 3') -> 'y < 3':\n    'It is 3.'\n    raise E(f'{3 + 4} of {a}', remedy='take 3') from None\n",
    ],
)
def test_what_has_no_effect_or_only_a_human_reads_is_left_alone(tmp_path: Path, source: str) -> None:
    assert {mutant.kind for mutant in made(tmp_path, source)} <= {"raise"}


def test_the_words_of_a_log_line_are_left_alone_but_not_the_line_before(tmp_path: Path) -> None:
    found = made(tmp_path, "count(1)\nlog.info('%s of %s', 3, 4 + 5)\n")
    assert {mutant.changed[0] for mutant in found} == {"count(1)"}


def test_mutants_of_this_repository_change_one_statement_each() -> None:
    every = mutants(ROOT, "secrets_pipeline/engine/apply.py")
    for mutant in sample(every, 60, "1"):
        compile(mutant.mutated, mutant.path, "exec")
        assert ast.dump(ast.parse(mutant.mutated)) != ast.dump(ast.parse(mutant.source))
        assert mutant.diff.count("@@ ") in {1, 2}


def test_a_seed_draws_the_same_mutants_and_another_seed_others() -> None:
    every = mutants(ROOT, "secrets_pipeline/engine/apply.py")
    assert sample(every, 10, "1") == sample(every, 10, "1") != sample(every, 10, "2")


def test_every_statement_is_drawn_once_before_one_is_drawn_twice(tmp_path: Path) -> None:
    every = made(tmp_path, "CODES = {1, 2, 3, 4, 5, 6, 7, 8}\nlimit = 3\n")
    drawn = sample(every, 3, "1")
    assert len({mutant.statement for mutant in drawn[:2]}) == 2
    assert len(sample(every, 1000, "1")) == len(every)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A package whose first function is tested and whose second is not, and a test that is red whatever happens."""
    files = {
        "secrets_pipeline/__init__.py": "from secrets_pipeline.judged import judged\n",
        "secrets_pipeline/judged.py": "def judged(x: int) -> bool:\n    return x < 3\n",
        "secrets_pipeline/unjudged.py": "def unjudged(x: int) -> int:\n    return 3\n",
        "secrets_pipeline/waiting.py": "def waited(x: int) -> int:\n    while x < 9:\n        x += 1\n    return x\n",
        "tests/conftest.py": "from hypothesis import settings\n",
        "tests/test_alone.py": "def test_alone() -> None:\n    assert True\n",
        "tests/test_judged.py": (
            "import tempfile\nfrom pathlib import Path\n\nfrom secrets_pipeline import judged\n\n\n"
            "def test_red() -> None:\n    assert False\n\n\n"
            # As root, PostgreSQL runs as nobody.
            "def test_reached() -> None:\n"
            "    assert all(at.stat().st_mode & 1 for at in Path(tempfile.gettempdir()).parents)\n\n\n"
            "def test_judged() -> None:\n    assert [judged(x) for x in (2, 3, 4)] == [True, False, False]\n"
        ),
        "tests/test_unjudged.py": (
            "from secrets_pipeline.unjudged import unjudged\n\n\ndef test_unjudged() -> None:\n    assert unjudged(1)\n"
        ),
        "tests/test_waiting.py": (
            "from secrets_pipeline.waiting import waited\n\n\ndef test_waited() -> None:\n    assert waited(1) == 9\n"
        ),
        "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '--import-mode=importlib'\n",
        "benchmarks/mutation/equivalent.toml": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)  # noqa: S607 - whichever git is on PATH
    return tmp_path


def run(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "benchmarks" / "mutate.py"), *arguments]
    return subprocess.run(command, cwd=repository, check=False, capture_output=True, text=True)


def test_a_mutant_that_a_test_notices_is_killed_and_a_test_that_is_red_anyway_kills_none(repository: Path) -> None:
    done = run(repository, "secrets_pipeline/judged.py", "--count", "50")
    assert done.returncode == 0, done.stderr
    assert "by tests/test_judged.py::test_judged" in done.stdout
    assert "were left out:\n  tests/test_judged.py::test_red\n" in done.stdout
    assert (repository / "secrets_pipeline/judged.py").read_text().endswith("x < 3\n")


def test_a_mutant_that_no_test_notices_is_printed_as_a_diff_until_it_is_named_equivalent(repository: Path) -> None:
    asked = ("secrets_pipeline/unjudged.py", "--count", "50")
    done = run(repository, *asked)
    assert done.returncode == 1, done.stderr
    assert "-    return 3\n+    return 4\n" in done.stdout
    entry = '[[equivalent]]\nmodule = "secrets_pipeline/unjudged.py"\nbefore = "return 3"\nreason = "any will do"\n'
    named = "".join(f'{entry}after = "return {n}"\n' for n in (2, 4))
    (repository / "benchmarks/mutation/equivalent.toml").write_text(named)
    again = run(repository, *asked)
    assert again.returncode == 0, again.stdout
    assert "| all | 2 | 0 | 0 | 0 | 2 | 0 |" in again.stdout


def test_an_entry_about_lines_that_are_gone_is_an_error(repository: Path) -> None:
    lines = (
        "[[equivalent]]",
        'module = "secrets_pipeline/judged.py"',
        'before = "return 9"',
        'after = ""',
        'reason = "?"',
    )
    (repository / "benchmarks/mutation/equivalent.toml").write_text("\n".join(lines))
    with pytest.raises(ValueError, match="has no more 'return 9'"):
        known_equivalent(repository)


def test_every_entry_of_this_repository_is_about_lines_that_it_has() -> None:
    known_equivalent(ROOT)


def test_a_mutant_that_waits_for_ever_is_timed_out(repository: Path) -> None:
    done = run(repository, "secrets_pipeline/waiting.py", "--count", "50", "--limit", "5")
    assert "timed out" in done.stdout, done.stderr
    assert "by tests/test_waiting.py" in done.stdout


def test_the_tests_of_a_module_are_its_own_first_and_those_that_do_not_reach_it_never(repository: Path) -> None:
    own, beside, elsewhere = Imports(repository).tests_of(Path("secrets_pipeline/judged.py"), 9, 9)
    assert own == [Path("tests/test_judged.py")]
    assert beside == elsewhere == []


def test_a_test_reaches_what_a_fixture_of_its_folder_imports(repository: Path) -> None:
    (repository / "tests/conftest.py").write_text("from secrets_pipeline.unjudged import unjudged\n")
    _, beside, _ = Imports(repository).tests_of(Path("secrets_pipeline/unjudged.py"), 9, 9)
    assert set(beside) == {Path("tests/test_alone.py"), Path("tests/test_judged.py"), Path("tests/test_waiting.py")}
