from __future__ import annotations

import json
import subprocess
from base64 import b64encode
from pathlib import Path

import pytest
import yaml

from secrets_pipeline.cli.describe.masking import MASK, masked, plain
from secrets_pipeline.golang.yaml.tags import FunctionCall
from tests.cli.conftest import ATMOS, CANARY, DEV, EXAMPLES, Cli, write
from tests.cli.processes import COMMAND, environment
from tests.runs import assert_exited
from tests.waiting import SECONDS

SEVERAL = """
    vars: {context_name: shop, environment: dev}
    components:
      terraform:
        vpc/defaults: {metadata: {type: abstract}, vars: {cidr: "10.0.0.0/16"}}
        vpc: {metadata: {inherits: [vpc/defaults], component: network}, settings: {team: core}}
        network: {}
        dns: {}
      helmfile:
        ingress: {vars: {replicas: 2}}
"""

TEMPLATES = """
    base_path: "."
    stacks: {base_path: stacks, included_paths: ["*"]}
    templates: {settings: {enabled: true}}
"""


def described(cli: Cli, folder: Path, *arguments: str) -> dict[str, dict[str, list[str]]]:
    """Stack → kind → names of components."""
    result = cli("describe", "stacks", "--format", "json", "--base-path", folder, *arguments)
    assert_exited(result)
    return {
        stack: {kind: sorted(components) for kind, components in entry["components"].items()}
        for stack, entry in json.loads(result.stdout).items()
    }


def test_stacks_are_printed_in_atmos_shape(cli: Cli, repository: Path) -> None:
    result = cli("describe", "stacks", "--base-path", repository, "--format", "json")
    assert_exited(result)
    component = json.loads(result.stdout)["shop-dev"]["components"]["terraform"]["secretsmanager/app"]
    assert component["vars"]["secrets"]["token"] == {"generate_random_password": True, "path": "api"}
    assert component["atmos_stack"] == "shop-dev"


def test_literal_values_are_masked_in_every_format(cli: Cli, repository: Path) -> None:
    for output in ("json", "yaml", "table"):
        result = cli("describe", "stacks", "--base-path", repository, "--format", output)
        assert CANARY not in result.output
    shown = yaml.safe_load(
        cli("describe", "component", "secretsmanager/app", "-s", "shop-dev", "--base-path", repository).stdout
    )
    assert shown["vars"]["secrets"]["config"]["secret_data"] == {"endpoint": MASK, "pin": MASK}


def test_variables_that_a_template_takes_into_a_value_are_masked_wherever_they_stand(cli: Cli, tmp_path: Path) -> None:
    write(
        tmp_path / "stacks" / "dev.yaml",
        f"""
        vars: {{region: eu-west-2, plain: x{CANARY}, far: {{down: y{CANARY}}}, hop: z{CANARY}, open: seen, stage: dev}}
        settings: {{own: w{CANARY}}}
        components:
          terraform:
            vpc: {{}}
            secretsmanager/app:
              vars:
                hopped: "{{{{ .vars.hop }}}}"
                context_name: dev
                secrets:
                  a: {{secret_data: "{{{{ .vars.plain }}}}/{{{{ .vars.stage }}}}"}}
                  b: {{secret_data: {{x: '{{{{ index .vars "far" "down" }}}}', y: "{{{{ .vars.hopped }}}}"}}}}
                  c: {{secret_data: "{{{{ .settings.own }}}}"}}
        """,
    )
    write(tmp_path / "atmos.yaml", TEMPLATES)
    for more in ([], ["--process-templates=false"]):
        result = cli("describe", "stacks", "--base-path", tmp_path, *more)
        assert_exited(result)
        assert CANARY not in result.output
        assert "open: seen" in result.output
        assert "stage: dev" in result.output


def test_a_component_is_printed_whatever_is_wrong_with_others(cli: Cli, tmp_path: Path) -> None:
    store = '{{ atmos.Store "s" .stack "c" "k" }}'
    write(tmp_path / "atmos.yaml", TEMPLATES)
    write(
        tmp_path / "stacks" / "dev.yaml",
        f"components: {{terraform: {{vpc: {{vars: {{a: 1}}}}, kms: {{vars: {{alias: '{store}'}}}}}}}}",
    )
    where = ("-s", "dev", "--base-path", tmp_path)
    result = cli("describe", "component", "vpc", *where)
    assert_exited(result)
    assert yaml.safe_load(result.stdout)["vars"] == {"a": 1}
    result = cli("describe", "component", "kms", *where)
    assert_exited(result, 1)
    assert "component kms, key vars.alias: template: " in result.stderr
    assert result.stdout == ""


def test_values_are_shown_when_asked_for(cli: Cli, repository: Path) -> None:
    for command in (["stacks"], ["component", "secretsmanager/app", "-s", "shop-dev"]):
        assert CANARY in cli("describe", *command, "--base-path", repository, "--show-values").stdout


def test_every_leaf_below_secret_data_is_masked_wherever_it_stands() -> None:
    tree = {"a": [{"secret_data": {"x": ["one", {"y": 2}], "none": None}}], "secret_data": "two", "kept": "three"}
    tree |= {"secret_binary": "four"}
    assert masked(tree) == {
        "secret_binary": MASK,
        "a": [{"secret_data": {"x": [MASK, {"y": MASK}], "none": None}}],
        "secret_data": MASK,
        "kept": "three",
    }


TAKEN_IN = """
    settings: {secrets_pipeline: {dialect: tf-atmos}, note: settings-canary, kept: settings-kept}
    vars: {context_name: shop, environment: dev, whole: vars-canary, part: part-canary, kept: vars-kept}
    components:
      terraform:
        vpc: {vars: {cidr: "10.0.0.0/16"}}
        secretsmanager:
          vars:
            own: {a: {b: own-canary, c: own-kept}, list: [list-kept, list-canary]}
            near: "-${far}-"
            far: far-canary
            map: {x: map-canary, y: [7]}
            secrets:
              one: {secret_data: "${vars.whole}"}
              two: {secret_data: {u: "https://${part}@${environment}.example", v: ["${own.a.b}", "${own.list[1]}"]}}
              three: {secret_data: "${near}", description: "of ${context_name}"}
              four: {secret_data: "${keys(map)}${settings.note}"}
              five: {secret_data: "${nowhere} ${"}
"""


@pytest.mark.parametrize("output", ["json", "yaml"])
@pytest.mark.parametrize(
    "command", [["stacks"], ["stacks", "--sections", "vars,settings"], ["component", "secretsmanager", "-s", "dev"]]
)
def test_variables_that_a_value_takes_in_are_masked_wherever_they_show_up(
    cli: Cli, tmp_path: Path, command: list[str], output: str
) -> None:
    write(tmp_path / "atmos.yaml", 'base_path: "."\nstacks: {base_path: stacks, included_paths: ["*"]}\n')
    write(tmp_path / "stacks" / "dev.yaml", TAKEN_IN)
    shown = cli("describe", *command, "--format", output, "--base-path", tmp_path).stdout
    assert "canary" not in shown
    assert MASK in shown
    for kept in ("settings-kept", "vars-kept", "own-kept", "list-kept", "shop", "dev", "of ${context_name}"):
        assert kept in shown
    shown = cli("describe", *command, "--format", output, "--base-path", tmp_path, "--show-values").stdout
    for name in ("vars", "part", "far", "own", "list", "map", "settings"):
        assert f"{name}-canary" in shown


def test_functions_become_their_text() -> None:
    made = plain({"x": (FunctionCall("!env", "HOME"), 1)})
    assert made == {"x": ["!env HOME", 1]}
    assert type(made["x"][0]) is str


def test_functions_are_left_alone_on_request(cli: Cli, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHO", "me")
    write(
        repository / "stacks" / "dev.yaml",
        """
        vars: {context_name: shop, environment: dev}
        components: {terraform: {app: {vars: {who: !env WHO}}}}
        """,
    )
    arguments = ("describe", "component", "app", "-s", "shop-dev", "--base-path", repository)
    assert yaml.safe_load(cli(*arguments, "--all-environment").stdout)["vars"]["who"] == "me"
    left = yaml.safe_load(cli(*arguments, "--process-functions=false").stdout)
    assert left["vars"]["who"] == "!env WHO"


RENDERING = f"{ATMOS.rstrip()}\n    templates: {{settings: {{enabled: true, sprig: {{enabled: true}}}}}}\n"
ENVIRONMENT = """
    vars: {context_name: shop, environment: dev}
    components:
      terraform:
        app:
          vars:
            called: !env FORBIDDEN
            rendered: 'x{{ env "FORBIDDEN" }}'
            encoded: '{{ env "FORBIDDEN" | b64enc }}'
            expanded: '{{ expandenv "x$FORBIDDEN" }}'
            allowed: !env ALLOWED
            secret: !env SECRET
"""


@pytest.mark.parametrize("command", [("stacks",), ("component", "app", "-s", "shop-dev")])
def test_yaml_sees_the_environment_that_plan_sees(
    cli: Cli, repository: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    write(repository / "atmos.yaml", RENDERING)
    write(repository / "stacks" / "dev.yaml", ENVIRONMENT)
    (repository / "operator.yaml").write_text("environment_allowed: [{name: ALLOWED, secret: false}, SECRET]\n")
    for name in ("FORBIDDEN", "ALLOWED", "SECRET"):
        monkeypatch.setenv(name, f"{name.lower()}-canary")
    arguments = ("describe", *command, "--base-path", repository)
    settings = ("--config", repository / "operator.yaml")
    encoded = b64encode(b"forbidden-canary").decode()
    for chosen in ((), settings):
        shown = cli(*arguments, *chosen).stdout
        assert "forbidden-canary" not in shown
        assert encoded not in shown
        assert "secret-canary" not in shown
        assert "secret: '!env SECRET'" in shown
        assert ("allowed: allowed-canary" in shown) is bool(chosen)
    shown = cli(*arguments, "--all-environment").stdout
    for one in ("called: forbidden-canary", "rendered: xforbidden-canary", encoded, "secret: secret-canary"):
        assert one in shown


def test_what_apply_refuses_is_refused_from_a_description_too(
    cli: Cli, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The documented pair of commands must not widen what an author's YAML may read."""
    write(repository / "atmos.yaml", RENDERING)
    manifest = DEV.replace(CANARY, "'{{ env \"FORBIDDEN\" }}'")
    write(repository / "stacks" / "dev.yaml", manifest)
    monkeypatch.setenv("FORBIDDEN", "forbidden-canary")
    at = ("--base-path", repository)
    described = cli("describe", "stacks", "--format", "json", "--process-functions=false", "--show-values", *at).stdout
    assert "forbidden-canary" not in described
    (repository / "stacks.json").write_text(described)
    for origin in ((), ("--from-file", repository / "stacks.json")):
        planned = cli("plan", "--offline", "-s", "shop-dev", *origin, *at)
        assert_exited(planned, 1)
        assert "a Go template here gave <no value>" in planned.stderr


def test_random_is_a_number_only_as_in_atmos(cli: Cli, repository: Path) -> None:
    write(
        repository / "stacks" / "dev.yaml",
        """
        vars: {context_name: shop, environment: dev}
        components: {terraform: {app: {vars: {number: !random 7 8}}}}
        """,
    )
    arguments = ("describe", "component", "app", "-s", "shop-dev", "--base-path", repository)
    assert yaml.safe_load(cli(*arguments).stdout)["vars"]["number"] == "!random 7 8"
    assert yaml.safe_load(cli(*arguments, "--all-environment").stdout)["vars"]["number"] in (7, 8)


def test_exec_runs_only_when_allowed(cli: Cli, repository: Path) -> None:
    write(
        repository / "stacks" / "dev.yaml",
        """
        vars: {context_name: shop, environment: dev}
        components: {terraform: {app: {vars: {who: !exec "echo ran"}}}}
        """,
    )
    arguments = ("describe", "component", "app", "-s", "shop-dev", "--base-path", repository)
    refused = cli(*arguments)
    assert "ran" not in refused.stdout.replace("echo ran", "")
    assert yaml.safe_load(cli(*arguments, "--allow-exec").stdout)["vars"]["who"] == "ran"


def test_one_broken_stack_does_not_hide_the_other(cli: Cli, repository: Path) -> None:
    write(
        repository / "stacks" / "bad.yaml",
        """
        import: [missing]
        vars: {context_name: shop, environment: bad}
        """,
    )
    result = cli("describe", "stacks", "--base-path", repository, "--format", "json")
    assert_exited(result, 1)
    assert list(json.loads(result.stdout)) == ["shop-dev"]
    assert "missing" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_unknown_stack_names_near_misses_and_an_unknown_component_the_known_ones(cli: Cli, repository: Path) -> None:
    stack = cli("describe", "stacks", "--base-path", repository, "-s", "shop-de")
    assert_exited(stack, 1)
    assert "Did you mean shop-dev?" in stack.stderr
    component = cli("describe", "component", "nope", "--base-path", repository, "-s", "shop-dev")
    assert_exited(component, 1)
    assert component.stdout == ""
    assert "It has: secretsmanager/app." in component.stderr


def test_the_table_lists_components_without_reading_markup_in_their_names(cli: Cli, repository: Path) -> None:
    write(
        repository / "stacks" / "dev.yaml",
        """
        vars: {context_name: shop, environment: dev}
        components: {terraform: {"[red]x[/red]": {}, ":smile:": {}}}
        """,
    )
    result = cli("describe", "stacks", "--base-path", repository, "--format", "table")
    assert "[red]x[/red]" in result.stdout
    assert ":smile:" in result.stdout


def test_a_named_folder_wins_over_the_variable(cli: Cli, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATMOS_BASE_PATH", str(EXAMPLES))
    assert "shop-dev" not in cli("describe", "stacks", "--format", "table").stdout
    assert "shop-dev" in cli("describe", "stacks", "--format", "table", "--base-path", repository).stdout
    monkeypatch.setenv("ATMOS_BASE_PATH", str(EXAMPLES))
    monkeypatch.chdir(repository)
    assert "shop-dev" not in cli("describe", "stacks", "--format", "table").stdout
    monkeypatch.delenv("ATMOS_BASE_PATH")
    assert "shop-dev" in cli("describe", "stacks", "--format", "table").stdout


def test_components_are_chosen_by_name_or_by_what_they_are_made_of(cli: Cli, repository: Path) -> None:
    write(repository / "stacks" / "dev.yaml", SEVERAL)
    assert described(cli, repository, "--components=dns") == {"shop-dev": {"terraform": ["dns"]}}
    assert described(cli, repository, "--components", "network") == {"shop-dev": {"terraform": ["network", "vpc"]}}
    several = {"shop-dev": {"terraform": ["dns"], "helmfile": ["ingress"]}}
    assert described(cli, repository, "--components=dns,ingress") == several
    assert described(cli, repository, "--components=dns", "--components=ingress") == several
    assert described(cli, repository, "--components=none") == {}


def test_components_are_chosen_by_kind(cli: Cli, repository: Path) -> None:
    write(repository / "stacks" / "dev.yaml", SEVERAL)
    assert described(cli, repository, "--component-types=helmfile") == {"shop-dev": {"helmfile": ["ingress"]}}
    assert described(cli, repository, "--component-types=helmfile,terraform", "--components=dns") == {
        "shop-dev": {"terraform": ["dns"]}
    }


def test_sections_are_chosen_by_name(cli: Cli, repository: Path) -> None:
    write(repository / "stacks" / "dev.yaml", SEVERAL)
    asked = ("describe", "stacks", "--base-path", repository, "--components=vpc")
    shown = yaml.safe_load(cli(*asked, "--sections=vars,settings").stdout)
    assert shown["shop-dev"]["components"]["terraform"]["vpc"] == {
        "vars": {"context_name": "shop", "environment": "dev", "cidr": "10.0.0.0/16"},
        "settings": {"team": "core"},
    }
    assert yaml.safe_load(cli(*asked, "--sections=none").stdout) == {}


def test_several_stacks_can_be_asked_for(cli: Cli) -> None:
    assert set(described(cli, EXAMPLES, "-s", "myapp-dev", "-s", "infra-shared")) == {"myapp-dev", "infra-shared"}


def test_templates_are_left_alone_on_request(cli: Cli, repository: Path) -> None:
    with (repository / "atmos.yaml").open("a") as file:
        file.write("templates: {settings: {enabled: true}}\n")
    write(
        repository / "stacks" / "dev.yaml",
        """
        vars: {context_name: shop, environment: dev}
        components: {terraform: {app: {vars: {name: "{{ .vars.context_name }}-x"}}}}
        """,
    )
    arguments = ("describe", "component", "app", "-s", "shop-dev", "--base-path", repository)
    assert yaml.safe_load(cli(*arguments).stdout)["vars"]["name"] == "shop-x"
    left = yaml.safe_load(cli(*arguments, "--process-templates=false").stdout)
    assert left["vars"]["name"] == "{{ .vars.context_name }}-x"


def test_what_json_cannot_hold_is_text(cli: Cli, repository: Path) -> None:
    write(
        repository / "stacks" / "dev.yaml",
        """
        vars: {context_name: shop, environment: dev}
        components: {terraform: {app: {vars: {numbers: [.inf, -.inf, .nan, 1.5]}}}}
        """,
    )

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    shown = cli("describe", "stacks", "--format", "json", "--base-path", repository).stdout
    tree = json.loads(shown, parse_constant=refuse)
    numbers = tree["shop-dev"]["components"]["terraform"]["app"]["vars"]["numbers"]
    assert numbers == [".inf", "-.inf", ".nan", 1.5]


@pytest.mark.parametrize(
    ("manifest", "code", "stacks"),
    [
        ("vars: {context_name: shop, environment: bad}\nimport: [missing]", 1, ["shop-dev"]),
        ("vars: [", 1, ["shop-dev"]),
        (
            "{vars: {context_name: shop, environment: two}, components: {terraform: {app: {vars: {a: '${env:X}'}}}}}",
            0,
            ["shop-dev", "shop-two"],
        ),
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_stdout_of_a_process_is_json_alone(
    manifest: str, code: int, stacks: list[str], strict: bool, repository: Path
) -> None:
    (repository / "stacks" / "other.yaml").write_text(manifest)
    done = subprocess.run(
        [*COMMAND, "describe", "stacks", "--format", "json", "--base-path", repository, *["--strict"] * strict],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == code
    assert list(json.loads(done.stdout)) == ([] if strict and code else stacks)
    assert bool(done.stderr) == bool(code)
    assert "Traceback" not in done.stderr


def test_stdout_is_empty_where_there_is_no_repository(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "describe", "stacks", "--format", "json", "--base-path", tmp_path],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "atmos.yaml" in done.stderr
