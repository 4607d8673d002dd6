"""What the templates' schedules send is what the function takes for a reconciliation, or for housekeeping."""

import json
import re

import pytest

from bucketrelay import events
from templates import stacks, terraform
from templates.stacks import TEMPLATES


def _note(event, cloud):
    parsed = events.parse(event, cloud=cloud)
    assert parsed.kind == "schedule"
    return parsed.note


@pytest.mark.parametrize("name", TEMPLATES)
def test_on_aws_the_stacks_rule_says_reconcile_and_the_route(name):
    template = stacks.read(name)
    rule = template["Resources"]["Reconcile"]
    (target,) = rule["Properties"]["Targets"]
    event = json.loads(target["Input"]["Fn::Sub"].replace("${ReconcileRoute}", "photos"))
    assert _note(event, "s3") == "reconcile photos"
    assert rule["Condition"] == template["Resources"]["ReconcileCalls"]["Condition"] == "Reconciles"
    assert template["Parameters"]["ReconcileRoute"]["Default"] == ""
    assert "Input" not in template["Resources"]["Daily"]["Properties"]["Targets"][0]


def _literal(text):
    """An object of HCL with plain values, as Python's."""
    found = dict(re.findall(r'(\w+)\s*=\s*"([^"]*)"', text))
    return {name: value.replace("${var.reconcile_route}", "photos") for name, value in found.items()}


def test_terraform_says_the_same_on_aws():
    (said,) = re.findall(r"input = jsonencode\((\{.*\})\)", terraform.code("aws"))
    assert _note(_literal(said), "s3") == "reconcile photos"


def test_terraform_says_the_same_on_huawei():
    said = re.findall(r'user_event\s+= "(.*)"', terraform.code("huawei"))
    notes = [_note({"trigger_type": "TIMER", "user_event": text}, "obs") for text in said]
    assert notes == ["sweep", "reconcile ${var.reconcile_route}"]


def test_terraform_says_the_same_on_oracle():
    code = terraform.code("oracle")
    (body,) = re.findall(r"value\s+= (\{ trigger_type.*\})", code)
    assert body == '{ trigger_type = "TIMER", user_event = each.value.text }'
    texts = [text.replace("${var.reconcile_route}", "photos") for text in re.findall(r'text = "([^"]*)"', code)]
    notes = [_note({"trigger_type": "TIMER", "user_event": text}, "oci") for text in texts]
    assert notes == ["sweep", "reconcile photos"]
