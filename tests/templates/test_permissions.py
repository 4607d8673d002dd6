"""What docs/permissions.md is made from is what the templates grant, no less and no more."""

import re

from bucketrelay.clouds.registry import permissions
from templates import stacks, terraform
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
    if "local.wrote" not in resources:
        return "source"
    return f"source, {written}" if "var.source_bucket" in resources else written
