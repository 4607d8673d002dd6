"""What docs/permissions.md is made from is what the templates grant, no less and no more."""

import re

import pytest

from bucketrelay.clouds.registry import permissions
from bucketrelay.model import Address
from bucketrelay.routes import Route
from bucketrelay.routes.probes import probe_key, trial_key
from templates import police, stacks, terraform
from templates.stacks import TEMPLATES


def test_on_aws_they_are_those_of_the_stack():
    known = {(grant.statement, grant.permission) for grant in permissions("s3").grants}
    template = stacks.read(TEMPLATES[0])
    granted = {
        (statement["Sid"], action)
        for resource in ("Role", "CallItself", "EventQueuePolicy")
        for statement in stacks.statements(template, resource)
        for action in statement["Action"]
    }
    assert known == granted


def test_on_aws_they_are_on_the_buckets_that_the_stack_says():
    template = stacks.read(TEMPLATES[0])
    names = {"{source}": "${SourceBucketName}", "{target}": "${TargetBucketName}", "{log}": "${LogBucketName}"}
    resources = {s["Sid"]: s["Resource"] for s in stacks.statements(template, "Role")}
    for grant in permissions("s3").grants:
        if grant.on:
            bucket, _, rest = grant.on.partition("/")
            wanted = f"arn:${{AWS::Partition}}:s3:::{names[bucket]}{'/' + rest if rest else ''}"
            assert resources[grant.statement] == {"Fn::Sub": wanted}


ROUTES = [  # heartbeats' names follow the route's filters
    Route("r", Address("s3", "src"), "s", ("t",), probe=300.0, **more)
    for more in ({}, {"include": ("in/**/*.jpg",)}, {"strip_prefix": "in/"}, {"include": ("*.txt",)})
]


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("route", ROUTES)
def test_on_aws_a_heartbeat_may_be_written_where_there_is_one_and_nothing_else_in_the_source(name, route):
    template = stacks.read(name)
    (conditional,) = [
        statement["Fn::If"]
        for statement in template["Resources"]["Role"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
        if "WriteHeartbeats" in str(statement)
    ]
    condition, statement, otherwise = conditional
    resource = (
        statement["Resource"]["Fn::Sub"].replace("${AWS::Partition}", "aws").replace("${SourceBucketName}", "src")
    )

    assert (condition, otherwise) == ("HasHeartbeats", {"Ref": "AWS::NoValue"})
    assert template["Parameters"]["Heartbeats"]["Default"] == "false"
    assert police.matches(resource, f"arn:aws:s3:::src/{probe_key(route)}")
    assert police.matches(resource, f"arn:aws:s3:::src/{trial_key(route, 'one')}")
    assert not police.matches(resource, "arn:aws:s3:::src/in/a.jpg")


def test_by_terraform_heartbeats_are_granted_where_the_variable_says_so():
    for cloud, words in (
        ("aws", 'for_each = var.heartbeats ? [local.arns["source"]] : []'),
        ("huawei", "], var.heartbeats ? ["),
        ("oracle", "var.heartbeats ? local.for_heartbeats : {}"),
    ):
        assert words in re.sub(r" +", " ", terraform.code(cloud))


def test_on_oracle_they_are_the_statements_of_the_policy():
    code = terraform.code("oracle")
    statements = dict(re.findall(r'^ +(\w+) += "(Allow .*)"$', code, re.MULTILINE))
    assert {grant.statement for grant in permissions("oci").grants} == set(statements)
    who = {"the function": "${local.group}", "a group of yours": "group ${var.rule_admins}", "a schedule": "any-user"}
    for grant in permissions("oci").grants:
        statement = statements[grant.statement]
        subject = who.get(grant.whom) or f"service {grant.whom.strip('`').split('{')[0]}"
        assert statement.startswith(f"Allow {subject}")
        assert f" to {grant.permission} in " in statement
        assert ("local.writing" in statement) == grant.limited


def test_on_oracle_every_statement_that_the_services_need_is_there():
    code = terraform.code("oracle")
    for wanted in (
        "Allow service cloudEvents to use functions-family in ",
        "Allow service FaaS to use virtual-network-family in ",
        "Allow service FaaS to read repos in tenancy",
        "Allow service objectstorage-${var.region} to manage object-family in ",
        "to manage cloudevents-rules in tenancy",
    ):
        assert wanted in code
    five = {f"OBJECT_{verb}" for verb in ("INSPECT", "READ", "CREATE", "OVERWRITE", "DELETE")}
    (writing,) = re.findall(r'^ +writing += "(.*)"$', code, re.MULTILINE)
    assert set(re.findall(r"request\.permission='(\w+)'", writing)) == five
    assert "ALL {resource.type = 'fnfunc', resource.compartment.id = " in code


def test_on_huawei_they_are_those_of_the_agencys_policies():
    granted = set()
    for actions, resources in re.findall(r"Action += \[(.*?)\]\n +Resource += \[(.*?)\]\n", terraform.code("huawei")):
        where = "the function" if "FUNCTIONGRAPH" in resources else _where(resources)
        granted |= {(action, where) for action in re.findall(r'"([^"]+)"', actions)}
    assert {(grant.permission, grant.on) for grant in permissions("obs").grants} == granted


def _where(resources):
    written = "targets, log bucket, dead-letter bucket"
    if ".bucketrelay-probe" in resources:
        return "heartbeats in the source: `*.bucketrelay-probe*`"
    if "local.wrote" not in resources:
        return "source"
    return f"source, {written}" if "var.source_bucket" in resources else written
