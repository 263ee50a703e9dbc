"""The alarms of deploy/aws: AWS takes them, they watch what the templates make, and silence alarms where it should."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import boto3
import pytest
from moto import mock_aws

from secrets_pipeline.operations.runbook import ENTRIES
from secrets_pipeline.orchestration.health.pulse import WELL
from secrets_pipeline.reconcilers.event_queue.desired import Layout, Place
from tests.deploy.compose_file import DEPLOY
from tests.deploy.templates import evaluated, parameters, template

ALARM: Final = "AWS::CloudWatch::Alarm"
TOPIC: Final = "arn:aws:sns:eu-west-2:111122223333:pager"
SERVICES: Final = {"CodeServer", "Webserver", "Daemon"}
SENT_EACH_MINUTE: Final = {"RunningTaskCount", "WellTicks", "FreeStorageSpace", "CPUUtilization"}
"""Metrics of what lives; AWS sends nothing of a queue that is idle, and no log line is no metric."""
DIMENSIONS: Final = {
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-ECS.html
    "ECS/ContainerInsights": {"ClusterName": "AWS::ECS::Cluster", "ServiceName": "AWS::ECS::Service"},
    # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/dimensions.html
    "AWS/RDS": {"DBInstanceIdentifier": "AWS::RDS::DBInstance"},
}
"""Namespace → dimension → type of the resource that it names. Others have metrics of no such dimensions."""


def alarms(name: str) -> dict[str, dict[str, Any]]:
    """Alarm → its properties."""
    resources = template(name)["Resources"].items()
    return {key: one["Properties"] for key, one in resources if one["Type"] == ALARM}


def known(name: str) -> dict[str, Any]:
    """What a deployment would put in, with a made-up name for each resource."""
    resources = template(name)["Resources"]
    named = {f"{key}{attribute}": key.lower() for key in resources for attribute in ("", ".Name", ".Arn")}
    return {"AWS::StackName": "secrets", **named, **parameters(name), "AlarmTopicArn": TOPIC}


def requests(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each alarm as a request of PutMetricAlarm, where an alarm topic is named."""
    for key, properties in alarms(name).items():
        yield key, {"AlarmName": key, **evaluated(properties, known(name), {"HasAlarmTopic": True})}


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "nobody")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-2")
    with mock_aws():
        yield


def resource_of(value: object) -> str:
    """The logical id that a dimension names."""
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), "Name"]}:
            return name
    return f"none: {value}"


def test_there_is_an_alarm_for_each_way_to_fall_silent() -> None:
    assert set(alarms("ecs")) == {*(f"No{one}" for one in SERVICES), "NoTick", "DatabaseStorage", "DatabaseCpu"}
    assert set(alarms("pipeline")) == {"DeadLetters", "EventsWait"}
    services = {key for key, one in template("ecs")["Resources"].items() if one["Type"] == "AWS::ECS::Service"}
    assert services == SERVICES


@pytest.mark.parametrize("name", ["ecs", "pipeline"])
def test_each_dimension_names_a_resource_of_the_template_of_the_type_that_the_metric_is_of(name: str) -> None:
    resources = template(name)["Resources"]
    for alarm in alarms(name).values():
        wanted = DIMENSIONS.get(str(alarm["Namespace"]), {})
        if wanted:
            found = {one["Name"]: resources[resource_of(one["Value"])]["Type"] for one in alarm["Dimensions"]}
            assert found == wanted
    if name == "ecs":
        watched = {
            resource_of(one["Dimensions"][1]["Value"])
            for key, one in alarms("ecs").items()
            if len(one.get("Dimensions", ())) > 1
        }
        assert watched == SERVICES


def test_container_insights_which_count_the_tasks_are_on() -> None:
    settings = template("ecs")["Resources"]["Cluster"]["Properties"]["ClusterSettings"]
    assert {"Name": "containerInsights", "Value": "enabled"} in settings


def test_the_queues_are_those_that_the_first_apply_makes() -> None:
    home = Place("111122223333", "eu-west-2")
    layout = Layout(home, parameters("pipeline")["EventQueue"], home, (), None)
    found = {key: request["Dimensions"] for key, request in requests("pipeline")}
    assert found == {
        "DeadLetters": [{"Name": "QueueName", "Value": layout.dead_letters}],
        "EventsWait": [{"Name": "QueueName", "Value": parameters("pipeline")["EventQueue"]}],
    }


@pytest.mark.usefixtures("cloud")
def test_no_tick_counts_the_line_that_the_code_server_writes() -> None:
    properties = template("ecs")["Resources"]["WellTicks"]["Properties"]
    made = evaluated(properties, known("ecs"), {})
    (metric,) = made["MetricTransformations"]
    alarm = dict(requests("ecs"))["NoTick"]
    assert (alarm["Namespace"], alarm["MetricName"]) == (metric["MetricNamespace"], metric["MetricName"])
    assert (metric["MetricValue"], metric["DefaultValue"]) == ("1", 0)
    # A quoted pattern matches lines that hold it:
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
    assert made["FilterPattern"] == f'"{WELL}"'
    containers = (
        one["Properties"]["ContainerDefinitions"]
        for key, one in template("ecs")["Resources"].items()
        if key == "CodeServerTask"
    )
    ((code_server,),) = containers
    assert code_server["LogConfiguration"]["Options"]["awslogs-group"] == properties["LogGroupName"]
    logs: Any = boto3.client("logs")
    logs.create_log_group(logGroupName=made["LogGroupName"])
    transformation = {key[0].lower() + key[1:]: one for key, one in metric.items()}
    logs.put_metric_filter(
        logGroupName=made["LogGroupName"],
        filterName="WellTicks",
        filterPattern=made["FilterPattern"],
        metricTransformations=[transformation],
    )
    (filtered,) = logs.describe_metric_filters(logGroupName=made["LogGroupName"])["metricFilters"]
    assert filtered["filterPattern"] == made["FilterPattern"]


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("name", ["ecs", "pipeline"])
def test_aws_takes_each_alarm_and_tells_the_topic_of_begin_and_end(name: str) -> None:
    cloudwatch: Any = boto3.client("cloudwatch")
    wanted = dict(requests(name))
    for request in wanted.values():
        cloudwatch.put_metric_alarm(**request)
    found = {one["AlarmName"]: one for one in cloudwatch.describe_alarms()["MetricAlarms"]}
    assert found.keys() == wanted.keys()
    for key, one in found.items():
        assert (one["AlarmActions"], one["OKActions"]) == ([TOPIC], [TOPIC]), key
        assert one["Dimensions"] == wanted[key].get("Dimensions", [])


@pytest.mark.parametrize("name", ["ecs", "pipeline"])
def test_without_a_topic_the_alarms_are_made_all_the_same(name: str) -> None:
    assert parameters(name)["AlarmTopicArn"] == ""
    for properties in alarms(name).values():
        assert properties["AlarmActions"] == {
            "Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]
        }


@pytest.mark.parametrize("name", ["ecs", "pipeline"])
def test_silence_is_an_alarm_of_what_lives_and_none_of_what_is_idle(name: str) -> None:
    for properties in alarms(name).values():
        lives = properties["MetricName"] in SENT_EACH_MINUTE
        assert properties["TreatMissingData"] == ("breaching" if lives else "notBreaching")


@pytest.mark.parametrize("name", ["ecs", "pipeline"])
def test_each_alarm_says_what_to_do_and_names_entries_of_the_runbook_that_are_there(name: str) -> None:
    for properties in alarms(name).values():
        text = properties["AlarmDescription"]
        named = re.findall(r"[a-z]+(?:-[a-z]+)+", text.partition("Runbook:")[2])
        assert named or properties["Namespace"] == "AWS/RDS"
        assert set(named) <= ENTRIES.keys()


def test_the_alarm_of_events_that_wait_names_each_reason_and_so_does_its_row_of_the_slos() -> None:
    reasons = "nobody receives it, or its stack has errors or a run under way"
    assert reasons in alarms("pipeline")["EventsWait"]["AlarmDescription"]
    assert reasons in (DEPLOY.parent / "docs" / "slo.md").read_text()


def test_the_page_of_slos_says_which_alarms_missing_data_raises() -> None:
    page = (DEPLOY.parent / "docs" / "slo.md").read_text()
    said = page.partition("Missing data raises ")[2].partition(", because")[0]
    treated = {key: one["TreatMissingData"] for name in ("ecs", "pipeline") for key, one in alarms(name).items()}
    assert set(re.findall(r"`(\w+)`", said)) == {key for key, one in treated.items() if one == "breaching"}


def test_the_page_of_slos_names_each_alarm() -> None:
    page = (DEPLOY.parent / "docs" / "slo.md").read_text()
    assert [one for name in ("ecs", "pipeline") for one in alarms(name) if f"`{one}`" not in page] == []
