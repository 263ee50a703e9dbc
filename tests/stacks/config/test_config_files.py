from __future__ import annotations

from pathlib import Path

import pytest

from secrets_pipeline.errors import StackError
from secrets_pipeline.stacks.config.config import load_config
from secrets_pipeline.stacks.config.config_files import find_config
from tests.stacks.conftest import ATMOS, Write


def names(root: Path, env: dict[str, str] | None = None) -> list[str]:
    """The files of a configuration, the lowest precedence first."""
    return [file.name for file in find_config(root, env or {}).files]


def pattern(root: Path, env: dict[str, str] | None = None) -> str:
    return load_config(root, env or {}).name_pattern


def says(name: str) -> str:
    return f"stacks: {{name_pattern: '{name}'}}\n"


def test_imports_lie_above_drop_ins_and_below_the_file_that_imports_them(write: Write) -> None:
    files = {
        "atmos.d/d.yaml": says("drop-in"),
        "config/i.yaml": says("import"),
        "atmos.yaml": ATMOS + "import: [config/i.yaml]\n",
    }
    root = write(files)
    assert names(root) == ["atmos.d/d.yaml", "config/i.yaml", "atmos.yaml"]
    assert pattern(root) == "import"
    (root / "atmos.yaml").write_text(
        ATMOS.replace("stacks:\n", "stacks:\n  name_pattern: own\n") + "import: config/i\n"
    )
    assert pattern(root) == "own"


def test_an_import_is_a_file_a_folder_or_a_glob(write: Write) -> None:
    root = write(
        {
            "one.yaml": "",
            "folder/b/deep.yaml": "",
            "folder/z.yml": "",
            "folder/text.txt": "",
            "globbed/x/p.yaml": "",
            "globbed/y/q.yaml": "",
            "both.yaml": "",
            "both.yml": "",
            "atmos.yaml": ATMOS + "import: [one, ./folder, globbed/*/*, both, '']\n",
        }
    )
    expected = ["one.yaml", "folder/z.yml", "folder/b/deep.yaml", "globbed/x/p.yaml", "globbed/y/q.yaml", "both.yaml"]
    assert names(root) == [*expected, "atmos.yaml"]


def test_an_import_of_an_import_comes_after_it_as_in_atmos(write: Write) -> None:
    root = write(
        {
            "a.yaml": "import: [b.yaml]\n" + says("a"),
            "b.yaml": says("b"),
            "atmos.yaml": ATMOS + "import: [a.yaml]\n",
        }
    )
    assert names(root) == ["a.yaml", "b.yaml", "atmos.yaml"]
    assert pattern(root) == "b"


def test_the_base_path_of_a_file_is_where_its_imports_are(write: Write) -> None:
    root = write(
        {
            "infra/atmos.yaml": ATMOS.replace('"."', "./conf") + "import: [a.yaml]\n",
            "infra/conf/a.yaml": "base_path: ./more\nimport: [b.yaml]\n",
            "infra/conf/more/b.yaml": "import: [../c.yaml]\n",
            "infra/conf/c.yaml": "",
        }
    )
    expected = ["conf/a.yaml", "conf/more/b.yaml", "conf/c.yaml", "atmos.yaml"]
    assert names(root / "infra") == expected


def test_an_import_that_matches_nothing_is_a_notice(write: Write) -> None:
    config = load_config(write({"atmos.yaml": ATMOS + "import: [none/*]\n"}), {})
    assert config.notices == ("atmos.yaml imports 'none/*', which matches no file: ignored, as in Atmos.",)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("../outside.yaml", "'../outside.yaml' leaves the repository"),
        ("linked.yaml", "'linked.yaml' leaves the repository"),
        ("loop/a.yaml", "import cycle: atmos.yaml → loop/a.yaml → loop/b.yaml → loop/a.yaml"),
        ("{a: 1}", "invalid import: it must be a list of paths"),
        ("broken.yaml", "invalid Atmos configuration"),
    ],
)
def test_imports_that_cannot_be_are_errors_with_a_place(write: Write, tmp_path: Path, value: str, message: str) -> None:
    (tmp_path.parent / "outside.yaml").write_text("")
    (tmp_path / "linked.yaml").symlink_to(tmp_path.parent / "outside.yaml")
    root = write(
        {
            "atmos.yaml": f"{ATMOS}import:\n  {'' if value.startswith('{') else '- '}{value}\n",
            "loop/a.yaml": "import: [loop/b.yaml]\n",
            "loop/b.yaml": "import: [loop/a.yaml]\n",
            "broken.yaml": "a: [\n",
        }
    )
    with pytest.raises(StackError) as raised:
        find_config(root, {})
    assert message in raised.value.message
    assert raised.value.remedy
    assert "manifest" not in raised.value.remedy
    assert raised.value.where is not None
    assert raised.value.where.file
    assert raised.value.where.line


@pytest.mark.parametrize(
    "name", ["atmos.d/o.yaml", ".atmos.d/x/o.yaml", "profiles/dev/o.yaml", "config/o.yaml", "atmos.yml"]
)
def test_a_link_out_of_the_repository_is_refused_wherever_it_is(write: Write, tmp_path: Path, name: str) -> None:
    root = write({"repo/atmos.yaml": ATMOS + "import: [config/*]\n", "outside.yaml": "env: {X: OUTSIDE}\n"}) / "repo"
    link = root / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(tmp_path / "outside.yaml")
    with pytest.raises(StackError, match="leaves the repository") as raised:
        find_config(root, {"ATMOS_PROFILE": "dev"} if "profiles" in name else {})
    assert raised.value.where is not None
    assert raised.value.where.file
    assert "inside" in raised.value.remedy


def test_a_link_to_another_file_of_the_repository_is_followed(write: Write, tmp_path: Path) -> None:
    root = write(
        {"repo/atmos.yaml": ATMOS, "shared/atmos.d/s.yaml": says("shared"), ".git/HEAD": "", "repo/atmos.d/x": ""}
    )
    (root / "repo" / "atmos.d" / "s.yaml").symlink_to(tmp_path / "shared" / "atmos.d" / "s.yaml")
    assert pattern(root / "repo") == "shared"


def test_drop_ins_are_read_from_both_folders_the_shallow_ones_first(write: Write) -> None:
    root = write(
        {
            "atmos.yaml": ATMOS,
            "atmos.d/z.yaml": "",
            "atmos.d/a/deep.yml": "",
            ".atmos.d/b.yaml": "",
            "atmos.d/note.txt": "",
        }
    )
    assert names(root) == ["atmos.d/z.yaml", "atmos.d/a/deep.yml", ".atmos.d/b.yaml", "atmos.yaml"]


def test_drop_ins_of_the_git_root_lie_below_all_others(write: Write) -> None:
    root = write({"infra/atmos.yaml": ATMOS, "infra/atmos.d/x.yaml": "", ".atmos.d/y.yaml": "", ".git/HEAD": ""})
    assert names(root / "infra") == ["../.atmos.d/y.yaml", "atmos.d/x.yaml", "atmos.yaml"]


def test_a_drop_in_may_import_for_a_file_that_imports_nothing(write: Write) -> None:
    root = write({"atmos.yaml": ATMOS, "atmos.d/x.yaml": "import: [more.yaml]\n", "more.yaml": says("more")})
    assert pattern(root) == "more"


def test_without_a_configuration_here_the_nearest_parent_and_the_git_root_count(write: Write) -> None:
    root = write({"atmos.yaml": ATMOS + "name: git\n", "a/atmos.yaml": ATMOS, "a/b/c/x": "", ".git/HEAD": ""})
    below = root / "a" / "b" / "c"
    assert names(below) == ["../../atmos.yaml", "../../../atmos.yaml"]
    assert names(below, {"ATMOS_GIT_ROOT_BASEPATH": "false"}) == ["../../atmos.yaml"]
    assert names(below, {"ATMOS_CLI_CONFIG_PATH": str(root / "a")}) == ["../../atmos.yaml"]
    assert names(root / "a") == ["atmos.yaml"]


def test_profiles_lie_above_everything_in_their_order(write: Write) -> None:
    root = write(
        {
            "atmos.yaml": ATMOS.replace("stacks:\n", "stacks:\n  name_pattern: own\n"),
            "profiles/dev/a.yaml": says("dev"),
            ".atmos/profiles/ci/x/b.yaml": says("ci"),
            "profiles/ci/never.yaml": says("never"),
        }
    )
    assert pattern(root) == "own"
    assert pattern(root, {"ATMOS_PROFILE": "dev"}) == "dev"
    assert pattern(root, {"ATMOS_PROFILE": "dev, ci"}) == "ci"
    assert pattern(root, {"ATMOS_PROFILE": "ci,dev"}) == "dev"
    assert names(root, {"ATMOS_PROFILE": "ci"}) == ["atmos.yaml", ".atmos/profiles/ci/x/b.yaml"]


def test_a_default_profile_and_a_folder_of_profiles_can_be_named(write: Write) -> None:
    root = write(
        {
            "atmos.yaml": ATMOS + "profiles: {default: dev, base_path: ./conf}\n",
            "conf/dev/a.yaml": says("{stage}"),
            "conf/ci/a.yaml": says("{tenant}"),
        }
    )
    assert pattern(root) == "{stage}"
    assert pattern(root, {"ATMOS_PROFILE": "ci"}) == "{tenant}"


@pytest.mark.parametrize("name", ["none", "../profiles/dev", "dev/../ci"])
def test_a_profile_that_is_not_there_is_an_error_that_lists_the_others(write: Write, name: str) -> None:
    root = write({"profiles/dev/a.yaml": "", "profiles/ci/a.yaml": ""})
    with pytest.raises(StackError, match="not found; there are: ci, dev") as raised:
        find_config(root, {"ATMOS_PROFILE": name})
    assert "ATMOS_PROFILE" in raised.value.remedy


def test_the_configuration_of_the_machine_and_of_the_user_are_not_read_but_said(write: Write, tmp_path: Path) -> None:
    root = write(
        {
            "repo/atmos.yaml": ATMOS,
            "system/atmos.yaml": says("system"),
            "home/.atmos/atmos.yml": says("home"),
        }
    )
    found = find_config(root / "repo", {"HOME": str(root / "home")}, root / "system")
    assert [file.name for file in found.files] == ["atmos.yaml"]
    system, home = (
        f"{name} is not read: the machine's and the user's configuration is, where ATMOS_CLI_CONFIG_PATH names its "
        f"folder: ATMOS_CLI_CONFIG_PATH={name.parent}"
        for name in (tmp_path / "system/atmos.yaml", tmp_path / "home/.atmos/atmos.yml")
    )
    assert found.notices == (home, system)
    assert find_config(root / "repo", {"HOME": str(root / "repo")}, root / "none").notices == ()
    (root / "repo/atmos.yaml").unlink()
    (root / "atmos.yaml").unlink()
    with pytest.raises(StackError) as raised:
        find_config(root / "repo", {"HOME": str(root / "home")}, root / "system")
    assert raised.value.message == f"no atmos.yaml in {root}/repo or a parent folder\n{home}\n{system}"
    named = find_config(root / "repo", {"ATMOS_CLI_CONFIG_PATH": str(root / "system")}, root / "system")
    assert ([file.path for file in named.files], named.notices) == ([root / "system/atmos.yaml"], ())


def test_a_named_configuration_outside_of_the_clone_may_import_what_lies_beside_it(write: Write) -> None:
    root = write({"system/atmos.yaml": "import: [more.yaml]\n", "system/more.yaml": says("more"), "repo/a": ""})
    (root / "repo/.git").mkdir()
    found = find_config(root / "repo", {"ATMOS_CLI_CONFIG_PATH": str(root / "system")})
    assert [file.path.name for file in found.files] == ["more.yaml", "atmos.yaml"]


def test_a_file_that_is_not_utf_8_is_an_error(write: Write) -> None:
    root = write({})
    (root / "atmos.yaml").write_bytes(b"a: \xff\n")
    with pytest.raises(StackError, match="the file cannot be read: it is not UTF-8"):
        find_config(root, {})


def test_the_configuration_of_an_image_is_named_with_what_to_set(write: Write) -> None:
    root = write({"repo/rootfs/usr/local/etc/atmos/atmos.yaml": ATMOS})
    (root / "atmos.yaml").unlink()
    with pytest.raises(StackError, match=r"no atmos\.yaml in") as raised:
        find_config(root / "repo", {}, root / "none")
    image = root / "repo/rootfs/usr/local/etc/atmos"
    assert raised.value.remedy == (
        f"There is one in {image}: set ATMOS_BASE_PATH={root / 'repo'} and ATMOS_CLI_CONFIG_PATH={image}."
    )


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("https://example.com/atmos.yaml", "https://example.com/atmos.yaml"),
        ("git::https://someone:hunter2@example.com/x?token=hunter2", "git::https://…@example.com/x?token=…"),
        ("git@example.com:x", "git@example.com:x"),
    ],
)
def test_an_import_from_elsewhere_is_left_out_with_its_place_and_the_way_out(
    write: Write, name: str, shown: str
) -> None:
    root = write({"atmos.yaml": f"{ATMOS}import:\n  - {name}\n  - own.yaml\n", "own.yaml": "base_path: other\n"})
    found = find_config(root, {})
    (notice,) = found.notices
    assert found.unread
    line = (root / "atmos.yaml").read_text().splitlines().index("import:") + 1
    assert notice.startswith(f"atmos.yaml:{line}, key import: the import of {shown!r} is not read: nothing is fetched.")
    assert "--from-atmos" in notice
    assert found.unread
    # What stands beside it is read.
    assert [file.name for file in found.files] == ["own.yaml", "atmos.yaml"]
