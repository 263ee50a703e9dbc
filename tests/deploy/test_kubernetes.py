"""deploy/kubernetes/values.yaml: what Dagster's chart makes of it, as far as the launcher and the instance go.

The chart is in no package registry. What it does with these values:
https://github.com/dagster-io/dagster/tree/master/helm/dagster
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import dagster as dg
import pytest
import yaml
from dagster_k8s import K8sRunLauncher
from dagster_k8s.container_context import K8sContainerContext
from dagster_k8s.job import construct_dagster_k8s_job

from tests.deploy.compose_file import DEPLOY, image_environment, services
from tests.deploy.instances import instance_of

VALUES: Final[dict[str, Any]] = yaml.safe_load((DEPLOY / "kubernetes" / "values.yaml").read_text())
OF_THE_CHART: Final = {"storage", "compute_logs", "telemetry"}
KUBECONFIG: Final = {
    "clusters": [{"name": "none", "cluster": {"server": "http://127.0.0.1:1"}}],
    "contexts": [{"name": "none", "context": {"cluster": "none", "user": "none"}}],
    "current-context": "none",
    "users": [{"name": "none", "user": {}}],
}
WORKLOADS: Final = {
    "webserver": VALUES["dagsterWebserver"],
    "daemon": VALUES["dagsterDaemon"],
    "code server": VALUES["dagster-user-deployments"]["deployments"][0],
}
NOT_ALLOWED: Final = r"not permitted|not allowed|Attempted"
SCRATCH: Final = image_environment()["TMPDIR"]
CONFINED: Final = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


@pytest.fixture
def launcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> K8sRunLauncher:
    """The launcher that the instance of the chart has; its cluster is none."""
    custom = VALUES["runLauncher"]["config"]["customRunLauncher"]
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(KUBECONFIG))
    reached = {"load_incluster_config": False, "kubeconfig_file": str(tmp_path / "kubeconfig")}
    shared = yaml.safe_load((DEPLOY / "dagster.yaml").read_text())
    settings = {
        **{name: shared[name] for name in OF_THE_CHART},
        **VALUES["additionalInstanceConfig"],
        "run_launcher": {**custom, "config": {**custom["config"], **reached}},
    }
    made = instance_of(tmp_path, yaml.safe_dump(settings), monkeypatch).run_launcher
    assert isinstance(made, K8sRunLauncher)
    return made


def job_of(launcher: K8sRunLauncher, **tags: str) -> dict[str, Any]:
    """The Job of a run, as the launcher hands it to Kubernetes."""
    run = dg.DagsterRun(job_name="provision", tags=tags)
    context = K8sContainerContext.create_for_run(run, launcher, include_run_tags=True)
    job = construct_dagster_k8s_job(
        job_config=context.get_k8s_job_config("image@sha256:0", launcher),
        args=["dagster", "api", "execute_run"],
        job_name="run",
        pod_name="run",
        component="run_worker",
        user_defined_k8s_config=context.run_k8s_config,
    )
    made: dict[str, Any] = job.to_dict()
    return made


def test_the_instance_is_that_of_every_other_deployment() -> None:
    shared = yaml.safe_load((DEPLOY / "dagster.yaml").read_text())
    assert VALUES["additionalInstanceConfig"] == {key: one for key, one in shared.items() if key not in OF_THE_CHART}
    assert VALUES["computeLogManager"] == {"type": "NoOpComputeLogManager"}
    assert VALUES["telemetry"] == shared["telemetry"]
    assert VALUES["postgresql"]["postgresqlScheme"] == shared["storage"]["postgres"]["postgres_db"]["scheme"]


def test_nothing_that_the_chart_writes_as_well_is_said_twice() -> None:
    daemon = VALUES["dagsterDaemon"]
    said = [daemon[name]["enabled"] for name in ("runCoordinator", "runMonitoring", "runRetries")]
    said += [daemon[name]["useThreads"] for name in ("sensors", "schedules")]
    assert not any([*said, VALUES["retention"]["enabled"]])


@pytest.mark.parametrize("name", WORKLOADS)
def test_each_workload_is_one_image_that_is_not_root_and_writes_to_its_scratch_alone(name: str) -> None:
    workload = WORKLOADS[name]
    assert workload["image"] == VALUES["x-image"]
    assert workload["securityContext"] == CONFINED
    assert (workload["podSecurityContext"]["runAsNonRoot"], workload["podSecurityContext"]["runAsUser"]) == (
        True,
        10001,
    )
    assert workload["volumeMounts"] == [{"name": "scratch", "mountPath": SCRATCH}]
    assert workload["volumes"] == [{"name": "scratch", "emptyDir": {}}]


def test_the_webserver_listens_where_a_process_without_capabilities_may() -> None:
    """The chart gives it the port of its Service; from 1024 on anybody may: https://man7.org/linux/man-pages/man7/ip.7.html."""
    webserver = VALUES["dagsterWebserver"]
    port = webserver["service"]["port"]
    assert port >= 1024
    assert webserver["readinessProbe"]["httpGet"]["port"] == port


def test_the_image_is_named_by_its_digest() -> None:
    """The chart joins the two by a colon, `dagster.dagsterImage.name`; the zeros are nobody's image."""
    image = VALUES["x-image"]
    assert re.fullmatch(r"\S+@sha256:[0-9a-f]{64}", f"{image['repository']}:{image['tag']}")
    assert image["pullPolicy"] == "IfNotPresent"
    assert not re.search(r"\blatest\b", (DEPLOY / "kubernetes" / "values.yaml").read_text())


@pytest.mark.parametrize("name", WORKLOADS)
def test_each_workload_that_hangs_is_started_anew_and_none_that_is_slow_once(name: str) -> None:
    probe = WORKLOADS[name]["livenessProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= 300
    assert probe["timeoutSeconds"] >= 20
    assert probe["initialDelaySeconds"] >= 120


def test_the_daemon_is_asked_as_in_every_other_deployment() -> None:
    assert WORKLOADS["daemon"]["livenessProbe"]["exec"]["command"] == list(services()["daemon"].check)


def test_health_is_asked_where_the_chart_mounts_a_dagster_yaml(launcher: K8sRunLauncher) -> None:
    """The daemon's pod has one under `global.dagsterHome`; the code server's has what these values mount alone.

    https://github.com/dagster-io/dagster/blob/master/helm/dagster/templates/deployment-daemon.yaml
    """
    mounted = [one["mountPath"] for one in WORKLOADS["code server"]["volumeMounts"]]
    assert not any(VALUES["global"]["dagsterHome"] in path for path in mounted)
    called = (launcher.instance_config_map or "").removesuffix("-instance")
    page = " ".join((DEPLOY.parent / "docs" / "slo.md").read_text().split())
    assert f"`kubectl exec deploy/{called}-daemon -- secrets-pipeline health`" in page


def test_the_code_server_is_asked_by_the_charts_own_command() -> None:
    """With `exec` the chart takes a probe as it stands; without, it writes `dagster api grpc-health-check`."""
    for probe in ("readinessProbe", "livenessProbe"):
        assert {"exec", "httpGet", "enabled"}.isdisjoint(WORKLOADS["code server"][probe])


def test_only_webserver_and_daemon_reach_the_port_of_the_code_server() -> None:
    policy = yaml.safe_load((DEPLOY / "kubernetes" / "network-policy.yaml").read_text())
    (code_server,) = VALUES["dagster-user-deployments"]["deployments"]
    assert (policy["apiVersion"], policy["kind"]) == ("networking.k8s.io/v1", "NetworkPolicy")
    spec = policy["spec"]
    # The labels of the chart's pods: `component`, and `deployment`, which is the name of the code location.
    assert spec["podSelector"]["matchLabels"] == {"component": "user-deployments", "deployment": code_server["name"]}
    assert spec["policyTypes"] == ["Ingress"]
    (rule,) = spec["ingress"]
    assert [one["port"] for one in rule["ports"]] == [code_server["port"]]
    callers = [one["podSelector"]["matchLabels"] for one in rule["from"]]
    assert callers == [{"component": "dagster-webserver"}, {"component": "dagster-daemon"}]


def test_no_pod_of_a_run_has_the_labels_of_those_who_may_reach_it(launcher: K8sRunLauncher) -> None:
    labels = job_of(launcher)["spec"]["template"]["metadata"]["labels"]
    assert labels.get("component") not in {"dagster-webserver", "dagster-daemon", "user-deployments"}


def test_one_code_server_decides_at_a_time() -> None:
    (code_server,) = VALUES["dagster-user-deployments"]["deployments"]
    assert code_server["deploymentStrategy"] == {"type": "Recreate"}


def test_only_code_server_and_runs_have_the_role_of_the_pipeline(launcher: K8sRunLauncher) -> None:
    account = VALUES["dagster-user-deployments"]["serviceAccount"]
    assert "eks.amazonaws.com/role-arn" in account["annotations"]
    assert "annotations" not in VALUES["serviceAccount"]
    assert account["name"] != VALUES["serviceAccount"]["name"]
    assert job_of(launcher)["spec"]["template"]["spec"]["service_account_name"] == account["name"]


def test_no_config_map_is_mounted_though_the_launcher_names_one_as_the_chart_calls_it(launcher: K8sRunLauncher) -> None:
    assert "fullnameOverride" not in {*VALUES, *VALUES["global"]}
    assert launcher.instance_config_map == "secrets-pipeline-dagster-instance"
    pod = job_of(launcher)["spec"]["template"]["spec"]
    assert [one for one in pod["volumes"] if one.get("config_map")] == []


def test_a_run_is_a_job_of_that_image_under_the_same_confinement(launcher: K8sRunLauncher) -> None:
    pod = job_of(launcher)["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == "image@sha256:0"
    assert container["security_context"]["read_only_root_filesystem"] is True
    assert container["security_context"]["allow_privilege_escalation"] is False
    assert container["security_context"]["capabilities"]["drop"] == ["ALL"]
    assert (pod["security_context"]["run_as_non_root"], pod["security_context"]["run_as_user"]) == (True, 10001)
    assert [one["mount_path"] for one in container["volume_mounts"]] == [SCRATCH]
    secrets = {one["name"]: one["value_from"]["secret_key_ref"] for one in container["env"] if one.get("value_from")}
    assert secrets["DAGSTER_PG_PASSWORD"]["name"] == VALUES["global"]["postgresqlSecretName"]


@pytest.mark.parametrize(
    "asked",
    [
        {"container_config": {"command": ["sh"]}},
        {"pod_spec_config": {"service_account_name": "admin"}},
        {"container_config": {"image": "theirs"}},
    ],
)
def test_tags_of_a_run_do_not_choose_what_it_executes(launcher: K8sRunLauncher, asked: dict[str, Any]) -> None:
    with pytest.raises(Exception, match=NOT_ALLOWED):
        job_of(launcher, **{"dagster-k8s/config": json.dumps(asked)})
