"""The dashboard of both AWS templates shows what the log lines tell CloudWatch, and alarms that are there."""

import json
import re
from datetime import datetime, timezone

import pytest

from bucketrelay.model import Outcome, Result
from bucketrelay.reports.log_line import NAMESPACE, log_line
from templates import stacks, terraform
from templates.stacks import ROOT, TEMPLATES

TEXT = (ROOT / "templates/terraform/aws/dashboard.json").read_text(encoding="utf-8")
BODY = json.loads(TEXT)
NOW = datetime(2026, 11, 21, 9, 15, tzinfo=timezone.utc)


def rows(namespace):
    """The metrics of the namespace that some graph shows: name, dimension, value."""
    shown = [row for widget in BODY["widgets"] for row in widget["properties"].get("metrics", [])]
    return {tuple(row[1:4]) for row in shown if row[0] == namespace}


@pytest.mark.parametrize("name", TEMPLATES)
def test_both_tools_make_the_same_dashboard(name):
    text, values = stacks.read(name)["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    (made,) = [body for t, _, body in terraform.resources(terraform.read("aws")) if t == "aws_cloudwatch_dashboard"]

    assert text == TEXT
    assert set(re.findall(r"\$\{(\w+)}", TEXT)) == set(values)
    given = re.findall(r"(\w+) *= *[\w.]+", made["dashboard_body"].partition("{path.module}")[2])
    assert set(given) == set(values)


def test_it_shows_every_number_of_a_log_line_and_none_that_is_not_told():
    result = Result("photos", "e", "created", "s3://a/k", "s3://b/k", "k", Outcome.COPIED, NOW, lag=1.0)
    (directive,) = json.loads(log_line(result, metrics=True))["_aws"]["CloudWatchMetrics"]

    told = {(metric["Name"], *directive["Dimensions"][0], "${route}") for metric in directive["Metrics"]}

    assert rows(NAMESPACE) == told


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_alarm_is_shown(name):
    template = stacks.read(name)["Resources"]
    _, values = template["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    (shown,) = [widget["properties"]["alarms"] for widget in BODY["widgets"] if widget["type"] == "alarm"]

    alarms = {key for key, body in template.items() if body["Type"] == "AWS::CloudWatch::Alarm"}
    assert {values[each.strip("${}")]["Fn::GetAtt"][0] for each in shown} == alarms


def test_a_failure_alarm_is_made_on_huawei_and_oracle_only_where_somebody_is_told():
    for folder, type_, told in (
        ("huawei", "huaweicloud_ces_alarmrule", "length(var.alarm_topics) == 0"),
        ("oracle", "oci_monitoring_alarm", 'var.alarm_topic_ocid == ""'),
    ):
        (alarm,) = [body for t, _, body in terraform.resources(terraform.read(folder)) if t == type_]
        assert alarm["count"].replace("\\", "") == f"${{{told} ? 0 : 1}}"


def test_a_graph_has_its_place_to_itself():
    taken = [
        (x, y)
        for widget in BODY["widgets"]
        for x in range(widget["x"], widget["x"] + widget["width"])
        for y in range(widget["y"], widget["y"] + widget["height"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24
