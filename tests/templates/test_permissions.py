"""docs/permissions.md says what the templates grant, no less and no more."""

import re

from templates import stacks, terraform
from templates.stacks import ROOT, TEMPLATES

CODE = re.compile(r"`([^`]+)`")


def rows(cloud):
    """The cells of the table in the section of *cloud*, without its head."""
    text = (ROOT / "docs/permissions.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {cloud}\n")[1].split("\n## ")[0]
    table = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in table[2:]]


def test_on_aws_they_are_those_of_the_stack():
    said = {(sid, CODE.findall(permission)[0]) for sid, permission, _ in rows("AWS")}
    template = stacks.read(TEMPLATES[0])
    granted = {
        (statement["Sid"], action)
        for resource in ("Role", "CallItself", "EventQueuePolicy")
        for statement in stacks.statements(template, resource)
        for action in statement["Action"]
    }
    assert said == granted


def test_on_aws_they_are_on_the_buckets_that_the_stack_says():
    template = stacks.read(TEMPLATES[0])
    names = {"{source}": "${SourceBucketName}", "{target}": "${TargetBucketName}", "{log}": "${LogBucketName}"}
    resources = {s["Sid"]: s["Resource"] for s in stacks.statements(template, "Role")}
    for sid, permission, _ in rows("AWS"):
        if len(found := CODE.findall(permission)) == 2:
            bucket, _, rest = found[1].partition("/")
            wanted = f"arn:${{AWS::Partition}}:s3:::{names[bucket]}{'/' + rest if rest else ''}"
            assert resources[sid] == {"Fn::Sub": wanted}


def test_on_oracle_they_are_the_statements_of_the_policy():
    code = terraform.code("oracle")
    statements = dict(re.findall(r'^ +(\w+) += "(Allow .*)"$', code, re.MULTILINE))
    assert {name for name, *_ in rows("Oracle")} == set(statements)
    who = {"the function": "${local.group}", "a group of yours": "group ${var.rule_admins}", "a schedule": "any-user"}
    for name, whom, what, _ in rows("Oracle"):
        subject = who.get(whom) or f"service {CODE.findall(whom)[0].split('{')[0]}"
        assert statements[name].startswith(f"Allow {subject}")
        assert f" to {CODE.findall(what)[0]} in " in statements[name]
        assert ("local.writing" in statements[name]) == ("five permissions" in what)


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
    assert {(CODE.findall(permission)[0], on) for permission, on, _ in rows("Huawei")} == granted


def _where(resources):
    written = "targets, log bucket, dead-letter bucket"
    if "local.wrote" not in resources:
        return "source"
    return f"source, {written}" if "var.source_bucket" in resources else written
