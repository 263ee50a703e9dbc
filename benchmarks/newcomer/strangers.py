"""Repositories that never heard of this project, and what its commands say there."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.newcomer import repositories
from benchmarks.newcomer.shop import OPERATOR, SHOP, large, shop_with
from benchmarks.newcomer.team import Row, Team
from benchmarks.newcomer.tf_atmos import OURS, TF_ATMOS, TF_ATMOS_EARLIER

SETTINGS = ("--config", "operator.yaml")
ACCOUNT_OF_PROD = {"AWS_PROD_ACCOUNT_ID": "111122223333", "AWS_STAGING_ACCOUNT_ID": "111122223333"}
CATALOG = "stacks/catalog/infrastructure/defaults.yaml"
METADATA = 'metadata:\n  description: "Core infrastructure"\n  compliance: {hipaa: false, pci: false}\n'
BOMB = "vars:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)


def as_it_is(team: Team) -> None:
    """A section that Atmos refuses too."""
    team.write(TF_ATMOS)
    says = ["compliance", CATALOG, "stacks/orgs/fnx/dev/eu-west-2/main.yaml"]
    team.run("tree", exits=1, says=says)


def one_name_for_three(team: Team) -> None:
    """Three manifests inherit `name: infrastructure`."""
    team.write(TF_ATMOS)
    team.edit(CATALOG, METADATA, "")
    said = team.run("tree", exits=1, says=["infrastructure", f"{CATALOG}:2"])
    errors = said.count("Take `name` out of there")
    team.happened.append(f"{errors} error")
    team.expect(errors == 1, f"{errors} errors for one cause")


def their_own_faults(team: Team) -> None:
    """What is left once Atmos would read it."""
    team.write({**TF_ATMOS, "operator.yaml": OPERATOR})
    team.edit(CATALOG, METADATA, "")
    team.edit(CATALOG, "name: infrastructure\n", "")
    needless = ["has no value:", "alias is missing"]
    said = team.run(
        "plan", "--offline", *SETTINGS, exits=1, says=["context_name", "rotation: {managed: true}"], lacks=needless
    )
    errors = said.count("error: ")
    team.happened.append(f"{errors} errors")
    team.expect(errors == len(("dev", "prod")), f"{errors} errors, not one in dev and one in prod")
    team.run("plan", "--offline", "-s", "fnx-staging-*", *SETTINGS, says=["app/staging-01/ssh/ssh-keys"])


def context_added(team: Team) -> None:
    """The stack of development, with what it lacked."""
    team.write({**TF_ATMOS, "operator.yaml": OPERATOR})
    team.edit(CATALOG, METADATA, "")
    team.edit(CATALOG, "name: infrastructure\n", "")
    days = "        recovery_window_in_days: 7\n"
    team.edit("stacks/orgs/fnx/dev/eu-west-2/main.yaml", days, f"        context_name: app\n{days}")
    dev = ("-s", "fnx-dev-testenv-01", *SETTINGS)
    team.run("plan", "--offline", *dev, says=["Did you mean default_", "app/testenv-01/app/credentials"])
    team.run("apply", *dev, touches=["secret app/testenv-01/*@eu-west-2", "parameter /secrets-pipeline/*", "key *"])
    team.run("plan", *dev, "--detailed-exitcode")


def names_of_their_own(team: Team) -> None:
    """Components that are called otherwise, and what an apply cannot do."""
    team.write({**TF_ATMOS_EARLIER, "operator.yaml": OPERATOR})
    said = team.run("tree", says=["secretsmanager_app_db"])
    team.expect(
        "have vars.secrets. If they are for this project," in " ".join(said.split()), "tree: no word of `components`"
    )
    path = "stacks/account/fnx/testenv-01/main.yaml"
    team.write({"stacks/account/fnx/testenv-01/settings.yaml": OURS})
    text = (team.folder / path).read_text()
    team.write({path: "import: [account/fnx/testenv-01/settings]\n" + text})
    team.edit("atmos.yaml", 'included_paths: ["account/**/*.yaml"]', 'included_paths: ["account/**/main.yaml"]')
    team.run("plan", *SETTINGS, exits=1, says=["another port follows"])
    team.edit(path, ":5432/app", "/app")
    team.run("plan", *SETTINGS, exits=1, says=["only Terraform knows output vpn_endpoint", "${ssm:/path}"])
    touches = ["secret myapp/fnx/*", "parameter /secrets-pipeline/*", "key *"]
    says = ["only Terraform knows output vpn_endpoint"]
    team.run("apply", "--all", *SETTINGS, exits=1, says=says, touches=touches)
    team.edit(path, "${output.vpc.vpn_endpoint}", "vpn.example.com")
    team.run("apply", "--all", *SETTINGS, exits=1, says=["preshared-key does not exist"])


def nothing_of_ours(team: Team) -> None:
    """An application and a landing zone without secrets."""
    team.write(repositories.NO_SECRETS)
    for command in (("tree",), ("plan",), ("list", "stacks")):
        team.run(*command, says=["read 2 stacks and 5 components", "Next: secrets-pipeline init --example "])


def vendored_import(team: Team) -> None:
    """One stack cannot be read, the others go on."""
    team.write({**repositories.VENDORED, "operator.yaml": OPERATOR})
    team.run("tree", *SETTINGS, exits=1, says=["catalog/spacelift/vendored", "stacks/deploy/auto.yaml"])
    team.run(
        "apply",
        "-s",
        "ue2-prod",
        *SETTINGS,
        exits=1,
        says=["1 applied in"],
        touches=["secret shop/ue2/api/token@us-east-2", "parameter *", "key *"],
    )


def theirs_stays_theirs(team: Team) -> None:
    """Their own kms, rds, lambda and ecs; and the region of their stack."""
    team.write(repositories.CLOUD_POSSE)
    team.write(
        {
            "operator.yaml": OPERATOR.replace(
                'account_id: "111122223333"', 'account_id: "111122223333", region: eu-west-2'
            )
        }
    )
    stack = ("-s", "eg-ue1-dev")
    team.run("plan", *stack, *SETTINGS, exits=1, says=["us-east-1", "eu-west-2"])
    team.write({"operator.yaml": OPERATOR})
    team.run(
        "plan",
        *stack,
        *SETTINGS,
        says=["eg-ue1-dev (111122223333, us-east-1): 5 create"],
        lacks=[" rds", "alias is missing", "worker"],
    )
    team.run(
        "apply",
        *stack,
        *SETTINGS,
        touches=["secret eg/ue1/app/api-key@us-east-1", "parameter /secrets-pipeline/*@us-east-1", "key *@us-east-1"],
    )
    team.run("plan", *stack, *SETTINGS, "--detailed-exitcode", says=["3 none"])


def names_as_cloud_posse_writes_them(team: Team) -> None:
    """`environment` is the region, so that two stages want one name; a template gives each its own."""
    team.write({**repositories.CLOUD_POSSE, "operator.yaml": OPERATOR})
    dev = (team.folder / "stacks/orgs/eg/dev/us-east-1.yaml").read_text()
    team.write({"stacks/mixins/stage/prod.yaml": "vars: {stage: prod}\n"})
    team.write({"stacks/orgs/eg/prod/us-east-1.yaml": dev.replace("stage/dev", "stage/prod")})
    team.run("plan", *SETTINGS, says=["eg/ue1/app/api-key is declared by stacks eg-ue1-dev, eg-ue1-prod"])
    team.run("apply", "--all", *SETTINGS, exits=1, says=["is declared by stack eg-ue1-prod too"], touches=["key *"])
    name = "{{ .vars.namespace }}/{{ .vars.stage }}/{{`{{ .secret.path }}/{{ .secret.name }}`}}"
    settings = f'settings: {{secrets_pipeline: {{name_template: "{name}"}}}}'
    team.write({"stacks/orgs/eg/_defaults.yaml": f"vars: {{namespace: eg, tenant: plat}}\n{settings}\n"})
    team.run("tree", says=["api-key"], lacks=["ue1/"])


def geodesic(team: Team) -> None:
    """`ATMOS_BASE_PATH` is the base path of every command."""
    team.write({**repositories.GEODESIC, "operator.yaml": OPERATOR})
    paths = {
        "ATMOS_BASE_PATH": str(team.folder),
        "ATMOS_CLI_CONFIG_PATH": str(team.folder / "rootfs/usr/local/etc/atmos"),
    }
    team.run("describe", "stacks", says=["eg-dev"], variables=paths)
    team.run("tree", says=["api-key"], variables=paths)
    team.run("plan", *SETTINGS, says=["eg-dev (111122223333, eu-west-2): 5 create"], variables=paths)
    team.run("tree", exits=1, says=["no atmos.yaml in"])


def values_of_others(team: Team) -> None:
    """What Terraform leaves without a value, bytes, and names as they are."""
    team.write(
        shop_with(
            "tls_certificates: {path: certificates, description: From the vendor}",
            "keystore: {path: certificates, secret_binary: AAECAw==}",
            "smtp: {full_name: legacy/smtp-password, value: external}",
        )
    )
    team.run("plan", *SETTINGS, says=["shop/dev/certificates/tls_certificates", "legacy/smtp-password"])
    touches = [
        "secret shop/dev/certificates/*@eu-west-2",
        "secret legacy/smtp-password@eu-west-2",
        "parameter *",
        "key *",
    ]
    team.run("apply", "--all", *SETTINGS, says=["put-secret-value"], touches=touches)
    secrets = team.console("secretsmanager")
    team.expect(
        secrets.get_secret_value(SecretId="shop/dev/certificates/keystore")["SecretBinary"] == bytes(range(4)),
        "not the bytes",
    )
    team.run("plan", *SETTINGS, "--detailed-exitcode", says=["put-secret-value"])


def parameters_of_theirs(team: Team) -> None:
    """SecureString parameters are no secrets of Secrets Manager."""
    team.write(repositories.SSM_PARAMETERS)
    team.run("tree", says=["line 8: vars.params./app/dev/db-password of ssm-parameters"])


def atmos_secrets(team: Team) -> None:
    """`secrets:` sections: the one in Secrets Manager is a secret like every other, the one in SSM is looked for."""
    team.write(repositories.STORES)
    team.run("tree", *SETTINGS, says=["API_KEY"])
    name, parameter = "acme/secrets/dev/app/API_KEY", "/acme/secrets/dev/app/TOKEN"
    team.run("plan", *SETTINGS, says=[name])
    touches = [f"secret {name}@eu-west-2", "parameter /secrets-pipeline/*", "key *"]
    says = ["missing required secret TOKEN", "missing required secret API_KEY"]
    team.run("apply", "--all", *SETTINGS, exits=1, says=says, touches=touches)
    team.console("secretsmanager").put_secret_value(SecretId=name, SecretString="x")
    team.console("ssm").put_parameter(Name=parameter, Value="x", Type="SecureString")
    team.run("verify", *SETTINGS)


def no_stacks(team: Team) -> None:
    """An empty repository."""
    team.write({"atmos.yaml": SHOP["atmos.yaml"]})
    (team.folder / "stacks").mkdir()
    team.run("tree", exits=1, says=["no stack manifests found"])


def tabs(team: Team) -> None:
    """YAML knows no tabs."""
    team.write({**SHOP, "stacks/dev.yaml": "vars:\n\tcontext_name: shop\n"})
    team.run("tree", exits=1, says=["stacks/dev.yaml:2"])


def five_megabytes(team: Team) -> None:
    """1,000 literal secrets."""
    team.write(large(1_000, 5_000_000))
    team.run("plan", *SETTINGS, says=["1048 create", "1,000, for example shop/dev/bulk/s0,"])


def alias_bomb(team: Team) -> None:
    """Ten aliases of ten aliases."""
    team.write({**SHOP, "stacks/dev.yaml": BOMB})
    team.run("tree", exits=1, says=["stacks/dev.yaml"])


def no_atmos(team: Team) -> None:
    """Another folder."""
    team.run("tree", exits=1, says=["no atmos.yaml in"])


STRANGERS: Sequence[Row] = (
    Row("tf-atmos, as it is", "0 of 3 stacks: named with file, line, importer, cure; Atmos refuses it too", as_it_is),
    Row("· its metadata taken out", "97 errors of one cause", one_name_for_three),
    Row(
        "· its `name:` taken out",
        "24 errors, a third of them needless; one unread `vars.account_id` stopped two stacks",
        their_own_faults,
    ),
    Row("· `context_name` added in dev", "3 secrets, and a real mistake found", context_added),
    Row(
        "tf-atmos, earlier",
        "silent; nine secrets once `components` was set, two real mistakes found",
        names_of_their_own,
    ),
    Row("ECS application, landing zone: no secrets", "no secret, no word", nothing_of_ours),
    Row("an import that only vendoring brings", "named; the other stacks go on", vendored_import),
    Row(
        "Cloud Posse's reference: own kms, rds, lambda",
        "stack refused, a database made up, the wrong region without a word; exit code 2 for ever",
        theirs_stays_theirs,
    ),
    Row(
        "· two stages, one `environment`",
        "one name wanted twice, and no other pattern",
        names_as_cloud_posse_writes_them,
    ),
    Row("Geodesic, `ATMOS_BASE_PATH`", "`describe` honours it, `tree` and `plan` do not", geodesic),
    Row("containers, bytes, names as they are", "refused", values_of_others),
    Row("`ssm-parameters`, `aurora-postgres`", "no word", parameters_of_theirs),
    Row("`secrets:` with `aws/asm` and `aws/ssm`", "printed by `describe`, else ignored", atmos_secrets),
    Row("0 stacks", "one clear error", no_stacks),
    Row("tabs", "one clear error", tabs),
    Row("5 MB of YAML, 1,000 literal secrets", "2.3 s of processor time", five_megabytes),
    Row("alias bomb", "one clear error", alias_bomb),
    Row("no atmos.yaml", "one clear error", no_atmos),
)
