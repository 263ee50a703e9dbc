from benchmarks.mutation.covering import Covering

WIDE, X, Y = "tests/test_wide.py::test_all|run", "tests/test_a.py::test_one[x]|run", "tests/test_a.py::test_one[y]|run"
FIRST, LAST = "tests/test_b.py::test_first|setup", "tests/test_a.py::test_last|run"
COVERING = Covering(
    {"a.py": {1: [""], 5: [WIDE, X, Y], 6: [FIRST], 7: [WIDE, LAST, ""]}, "b.py": {line: [WIDE] for line in range(9)}}
)


def test_each_test_that_runs_a_line_is_named_once_and_the_narrowest_first() -> None:
    assert COVERING.tests("a.py", range(5, 6), 60) == ["tests/test_a.py::test_one", "tests/test_wide.py::test_all"]


def test_tests_of_one_file_follow_each_other() -> None:
    found = COVERING.tests("a.py", range(5, 8), 60)
    assert [name.rpartition("_")[2] for name in found if "::" in name] == ["last", "one", "first", "all"]


def test_of_many_tests_the_narrowest_are_named() -> None:
    assert COVERING.tests("a.py", range(5, 6), 1) == ["tests/test_a.py::test_one"]


def test_a_line_that_the_setup_of_a_test_runs_is_judged_by_its_whole_file_at_last() -> None:
    assert COVERING.tests("a.py", range(6, 7), 60) == ["tests/test_b.py::test_first", "tests/test_b.py"]


def test_a_line_that_runs_at_import_is_judged_by_every_test_of_its_module_and_one_that_never_runs_by_none() -> None:
    found = COVERING.tests("a.py", range(1, 2), 60)
    assert {name.rpartition("_")[2] for name in found if "::" in name} == {"one", "last", "first", "all"}
    assert COVERING.tests("a.py", range(2, 3), 60) == []
