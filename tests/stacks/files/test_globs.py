from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secrets_pipeline.errors import StackError
from secrets_pipeline.stacks.files.globs import FileTree, compiled, is_glob


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("**/*.yaml", ["a.yaml", "x/a.yaml", "x/y/a.yaml"], ["a.yml", "x/ayaml"]),
        ("orgs/**/*", ["orgs/a", "orgs/x/a"], ["orgs", "other/a"]),
        ("orgs/**", ["orgs", "orgs/a/b"], ["orgsx/a"]),
        ("**", ["a", "a/b", ""], []),
        ("a/**/**", ["a", "a/b", "a/b/c"], ["ab"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["ab", "a/xb"]),
        ("a**/b", ["a/b", "ax/b"], ["a/x/b", "ax/y/b"]),
        ("a/*/c", ["a/b/c"], ["a/c", "a/b/b/c"]),
        ("a?.yaml", ["ab.yaml"], ["a.yaml", "a/.yaml"]),
        ("*", ["a", ".hidden"], ["a/b"]),
        ("{dev,prod}/*.{yaml,yml}", ["dev/a.yaml", "prod/b.yml"], ["stage/a.yaml"]),
        ("a{,b}c", ["ac", "abc"], ["abbc"]),
        ("{a,b/{c,d{e,f}}}.x", ["a.x", "b/c.x", "b/de.x", "b/df.x"], ["b.x", "c.x", "b/d.x"]),
        ("x/{**,y}/z", ["x/z", "x/y/z", "x/q/r/z"], ["xz"]),
        (r"\{a,b\}", ["{a,b}"], ["a", "b"]),
        (r"{a\,b,c}", ["a,b", "c"], ["a"]),
        ("{[,],x}", [",", "x"], ["["]),
        ("a}b", ["a}b"], ["ab"]),
        ("[ab]/[!x]", ["a/y", "b/z"], ["c/y", "a/x"]),
        ("[^a-c]", ["d"], ["a", "b", "/"]),
        ("a[!b]c", ["axc"], ["abc", "a/c"]),
        (r"[\]]", ["]"], ["\\", "["]),
        (r"[\-a]", ["-", "a"], ["b"]),
        ("[a.*]", ["a", ".", "*"], ["b"]),
        (r"a\*", ["a*"], ["ab"]),
        (r"a\[b", ["a[b"], ["ab"]),
        ("**/catalog/**", ["catalog/a", "x/catalog/a/b"], ["catalogs/a"]),
        ("a+b.(yaml)", ["a+b.(yaml)"], ["aab.(yaml)", "a+bxyaml"]),
    ],
)
def test_globs_match_as_doublestar_does(pattern: str, matching: list[str], other: list[str]) -> None:
    assert [name for name in [*matching, *other] if compiled(pattern)(name)] == matching


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("a[b", "a [ does not end"),
        ("a[]", "a [ does not end"),
        ("a[!]", "a [ does not end"),
        ("[b-a]", "a range that ends before it starts"),
        ("{a,b", "a { does not end"),
        ("{a,{b}", "a { does not end"),
        ("a\\", "it ends in a \\"),
        ("{a,b}" * 12, "too many alternatives"),
    ],
)
def test_an_invalid_pattern_is_an_error_that_names_it(pattern: str, problem: str) -> None:
    with pytest.raises(StackError) as raised:
        compiled(pattern)
    assert raised.value.message.startswith(f"invalid glob pattern {pattern!r}: ")
    assert problem in raised.value.message


@given(st.text(alphabet="ab/.+()^$|", max_size=12))
def test_a_text_without_wildcards_matches_itself_alone(text: str) -> None:
    assert not is_glob(text)
    assert compiled(text)(text)
    assert not compiled(text)(text + "x")


@given(st.text(alphabet="ab*?[]{},!^-\\/", max_size=12))
def test_any_pattern_is_compiled_or_our_own_error(pattern: str) -> None:
    with contextlib.suppress(StackError):
        compiled(pattern)("a/b")


@given(st.text(alphabet="ab*?[]{},\\", min_size=1, max_size=12))
def test_escaped_text_matches_itself(text: str) -> None:
    assert compiled("".join(f"\\{char}" for char in text))(text)


def touched(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def matches(root: Path, pattern: str) -> list[str]:
    return [path.relative_to(root).as_posix() for path in FileTree(root).matches(root, pattern)]


def test_files_are_found_below_a_folder_in_the_order_of_their_names(tmp_path: Path) -> None:
    touched(tmp_path, "b/x.yaml", "a.yaml", "b/c/y.yaml", ".git/z.yaml", ".hidden/h.yaml")
    assert matches(tmp_path, "**/*.yaml") == ["a.yaml", "b/x.yaml", "b/c/y.yaml"]
    assert matches(tmp_path, "./b/../b/*.yaml") == ["b/x.yaml"]
    assert matches(tmp_path, "b/x.yaml") == ["b/x.yaml"]
    assert matches(tmp_path, "b") == []
    assert matches(tmp_path, "none/**") == []


def test_wildcards_in_the_name_of_the_root_are_none(tmp_path: Path) -> None:
    root = tmp_path / "a[b]{c}*"
    touched(root, "x.yaml")
    assert matches(root, "*.yaml") == ["x.yaml"]
    assert matches(root, "x.yaml") == ["x.yaml"]


def test_a_pattern_may_be_absolute(tmp_path: Path) -> None:
    touched(tmp_path, "a/x.yaml")
    assert FileTree(tmp_path).matches(Path("/"), f"{tmp_path}/a/*") == [tmp_path / "a" / "x.yaml"]
    assert FileTree(tmp_path).matches(tmp_path / "other", f"{tmp_path}/a/*") == [tmp_path / "a" / "x.yaml"]


def test_linked_folders_are_followed_each_time_but_not_in_a_circle(tmp_path: Path) -> None:
    touched(tmp_path, "shared/s.yaml", "a/x.yaml", "b/y.yaml")
    (tmp_path / "a" / "common").symlink_to(tmp_path / "shared")
    (tmp_path / "b" / "common").symlink_to("../shared")
    (tmp_path / "shared" / "self").symlink_to(".")
    (tmp_path / "shared" / "up").symlink_to(tmp_path)
    found = matches(tmp_path, "**/s.yaml")
    assert {"shared/s.yaml", "a/common/s.yaml", "b/common/s.yaml"} <= set(found)
    assert not any("self" in name for name in found)


def test_a_linked_file_is_a_file(tmp_path: Path) -> None:
    touched(tmp_path, "x.yaml")
    (tmp_path / "y.yaml").symlink_to("x.yaml")
    assert matches(tmp_path, "*.yaml") == ["x.yaml", "y.yaml"]


@pytest.mark.parametrize("pattern", ["x" * 5_000, "a\0b", "a\0*", "x" * 5_000 + "/*"])
def test_names_that_no_file_can_have_match_nothing(tmp_path: Path, pattern: str) -> None:
    assert matches(tmp_path, pattern) == []


def test_files_come_before_folders_and_each_by_name(tmp_path: Path) -> None:
    for name in ("b.yaml", "a/x.yaml", "a-b/x.yaml", "a/n/y.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [str(path.relative_to(tmp_path)) for path in FileTree(tmp_path).matches(tmp_path, "**/*.yaml")]
    assert found == ["b.yaml", "a/x.yaml", "a/n/y.yaml", "a-b/x.yaml"]
    listed = [str(path.relative_to(tmp_path)) for path in FileTree(tmp_path).matches(tmp_path, "{b,a/x,a-b/x}.yaml")]
    assert listed == ["a-b/x.yaml", "a/x.yaml", "b.yaml"]


@pytest.mark.parametrize(
    ("pattern", "path"), [("*a" * 30 + "b", "a" * 100), ("**/*" + "/**" * 30 + "/d*", "x/" * 20 + "y")]
)
def test_no_pattern_takes_long(pattern: str, path: str) -> None:
    """Both would take longer than anybody waits, were they matched by trying."""
    assert not compiled(pattern)(path)


def test_a_name_that_is_not_utf_8_matches_nothing() -> None:
    assert not compiled("*")("a\udcff")
