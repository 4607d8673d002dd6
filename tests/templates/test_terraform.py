"""templates/terraform, as far as it goes without terraform: parsed, every argument one that its provider documents."""

import json
import re

import pytest
import yaml

from templates import stacks, terraform
from templates.known_arguments import KNOWN, META
from templates.stacks import ROOT
from templates.terraform import FOLDERS


@pytest.fixture(scope="module", params=FOLDERS)
def folder(request):
    return request.param


def variables(folder):
    found = terraform.read(folder)["variable"]
    return {name: body for block in found for name, body in block.items() if name != "__is_block__"}


def locals_of(folder):
    return {name: value for block in terraform.read(folder)["locals"] for name, value in block.items()}


def bodies(folder, type_):
    return [body for found, _, body in terraform.resources(terraform.read(folder)) if found == type_]


def test_every_resource_and_argument_is_documented_and_none_that_is_required_is_missing(folder):
    wrong = []
    for type_, name, body in terraform.resources(terraform.read(folder)):
        own = {key: value for key, value in body.items() if key not in META}
        assert type_ in KNOWN[folder], f"{type_} is not in the table"
        wrong += terraform.unknown(own, KNOWN[folder][type_], f"{type_}.{name}")
    assert wrong == []


def test_the_check_itself_finds_what_is_wrong():
    text = """
    resource "oci_events_rule" "x" {
      compartment = "a"
      condition   = "{}"
      actions     = []
      dynamic "failure" {
        for_each = [1]
        content {}
      }
    }
    """
    import hcl2

    ((_, _, body),) = terraform.resources(terraform.plain(hcl2.loads(text)))
    assert set(terraform.unknown(body, KNOWN["oracle"]["oci_events_rule"], "x")) == {
        "x.compartment is not documented",
        "x.actions is no block",
        "x.failure is not documented",
        "x.compartment_id is required",
        "x.display_name is required",
        "x.is_enabled is required",
    }


def test_what_is_referred_to_is_there_and_what_is_there_is_referred_to(folder):
    code = terraform.code(folder)
    blocks = terraform.read(folder)
    asked = set(re.findall(r"\bvar\.(\w+)", code))
    assert asked == set(variables(folder))
    assert set(re.findall(r"\blocal\.(\w+)", code)) == {n for n in locals_of(folder) if n != "__is_block__"}
    prefix = {"aws": "aws", "huawei": "huaweicloud", "oracle": "oci"}[folder]
    declared = {(type_, name) for type_, name, _ in terraform.resources(blocks)}
    referred = set(re.findall(rf"\b((?:data\.)?{prefix}_\w+)\.(\w+)", code))
    assert referred <= declared


def test_every_variable_without_a_default_or_an_obvious_name_says_what_it_is_for(folder):
    plain = {"name", "source_bucket", "tenancy_ocid", "deletes", "memory_mb", "create_log_bucket"}
    assert {name for name, body in variables(folder).items() if "description" not in body} <= plain


def test_secrets_are_marked_as_such(folder):
    secret = [name for name in variables(folder) if re.search(r"secret|access_key", name)]
    assert secret != []
    assert all(variables(folder)[name]["sensitive"] is True for name in secret)


# AWS


def test_on_aws_a_message_stays_invisible_for_six_times_the_functions_timeout():
    (events,) = [body for body in bodies("aws", "aws_sqs_queue") if "redrive_policy" in body]
    (function,) = bodies("aws", "aws_lambda_function")
    assert (events["visibility_timeout_seconds"], function["timeout"]) == ("${6 * var.timeout}", "${var.timeout}")


def test_on_aws_the_permissions_are_those_of_the_cloudformation_stack():
    documents = {
        name: body for t, name, body in terraform.resources(terraform.read("aws")) if t.startswith("data.aws_iam")
    }
    ours = {
        (s["sid"], action)
        for name in ("function", "events")
        for kind, s in terraform.bodies(documents[name])
        if kind == "statement"
        for action in s["actions"]
    }
    template = stacks.read("template.yaml")
    theirs = {
        (statement["Sid"], action)
        for resource in ("Role", "CallItself", "EventQueuePolicy")
        for statement in stacks.statements(template, resource)
        for action in statement["Action"]
    }
    assert ours == theirs


def test_on_aws_lifecycle_expirations_are_subscribed_to():
    ((queue,),) = [body["queue"] for body in bodies("aws", "aws_s3_bucket_notification")]
    assert set(queue["events"]) == {"s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:LifecycleExpiration:*"}


# Oracle


def test_on_oracle_the_rule_tells_of_objects_created_overwritten_and_deleted():
    (rule,) = bodies("oracle", "oci_events_rule")
    kinds = set(re.findall(r"com\.oraclecloud\.objectstorage\.(\w+)", rule["condition"]))
    assert kinds == {"createobject", "updateobject", "deleteobject"}
    assert rule["condition"].startswith("${jsonencode(")  # a text that holds JSON, and no object


def test_on_oracle_the_source_bucket_emits_events():
    source = [body for body in bodies("oracle", "oci_objectstorage_bucket") if body["name"] == "${var.source_bucket}"]
    assert [body["object_events_enabled"] for body in source] == [True]


def test_on_oracle_groups_and_policies_are_made_in_the_home_region():
    for type_ in ("oci_identity_policy", "oci_identity_dynamic_group"):
        assert [body["provider"] for body in bodies("oracle", type_)] == ["${oci.home}"]


def test_on_oracle_the_configuration_fits_into_what_functions_takes():
    (function,) = bodies("oracle", "oci_functions_function")
    assert function["timeout_in_seconds"] == 300
    assert function["detached_mode_timeout_in_seconds"] <= 3600


TYPES = {
    "oci:identity:compartment:id": "string",
    "oci:core:vcn:id": "string",
    "oci:core:subnet:id": "string",
    "oci:identity:region:name": "string",
    "string": "string",
    "text": "string",
    "password": "string",
    "enum": "string",
    "boolean": "bool",
    "number": "number",
}
FILLED_IN = {"tenancy_ocid", "compartment_ocid", "region"}  # by Resource Manager, which may be shown all the same


@pytest.fixture(scope="module")
def schema():
    return yaml.safe_load((ROOT / "templates/terraform/oracle/schema.yaml").read_text(encoding="utf-8"))


def test_resource_managers_form_asks_for_every_variable_once_in_one_group(schema):
    groups = [name for group in schema["variableGroups"] for name in group["variables"]]
    assert len(groups) == len(set(groups))
    assert set(groups) == set(schema["variables"])
    assert set(variables("oracle")) <= set(groups)
    assert all(group["title"] for group in schema["variableGroups"])


def test_resource_managers_types_agree_with_the_variables(schema):
    declared = variables("oracle")
    for name, said in schema["variables"].items():
        assert said["title"]
        if name not in declared:  # only there to choose others by
            assert any(f"${{{name}}}" in str(other.get("dependsOn", "")) for other in schema["variables"].values())
            continue
        assert TYPES[said["type"]] == declared[name]["type"], name
        assert said["required"] == ("default" not in declared[name]), name
        if said["type"] == "enum":
            assert all(word in str(declared[name]["validation"]) for word in said["enum"])
        if declared[name].get("sensitive"):
            assert said["type"] == "password"


def test_resource_manager_knows_this_version_of_its_schema(schema):
    assert schema["schemaVersion"] in ("1.0.0", "1.1.0")
    assert {"title", "schemaVersion", "version", "locale", "variableGroups", "variables"} <= set(schema)
    asked = re.findall(r"\$\{(\w+)\}", json.dumps(schema))
    assert set(asked) <= set(schema["variables"])


# Huawei


def trigger(name):
    found = terraform.resources(terraform.read("huawei"))
    (body,) = [body for type_, own, body in found if (type_, own) == ("huaweicloud_fgs_function_trigger", name)]
    return body


def test_on_huawei_each_site_gets_the_trigger_that_it_has():
    assert trigger("obs")["count"] == "${local.china ? 0 : 1}"
    assert trigger("eventgrid")["count"] == "${local.china ? 1 : 0}"
    assert "s3:ObjectRemoved:*" in trigger("obs")["event_data"]
    assert "Key_encode = true" in re.sub(r" +", " ", trigger("eventgrid")["event_data"])


def test_on_huawei_what_fails_is_retried_and_then_kept():
    (asynchronous,) = bodies("huawei", "huaweicloud_fgs_async_invoke_configuration")
    assert asynchronous["max_async_retry_attempts"] == "${var.retries}"
    assert variables("huawei")["retries"]["default"] == 3
    assert asynchronous["on_failure"][0]["destination"] == "OBS"


def test_on_huawei_no_list_and_no_dead_letter_goes_to_the_source_bucket():
    for name in ("log_bucket", "dead_letter_bucket"):
        (check,) = variables("huawei")[name]["validation"]
        assert check["condition"] == f"${{var.{name} != var.source_bucket}}"


def test_on_huawei_the_function_is_that_of_the_functiongraph_template():
    template = json.loads((ROOT / "templates/functiongraph/template.json").read_text(encoding="utf-8"))
    (function,) = bodies("huawei", "huaweicloud_fgs_function")
    for field in ("runtime", "handler", "code_type"):
        assert function[field] == template[field]
    assert variables("huawei")["timeout"]["default"] == template["timeout"]
    assert variables("huawei")["memory"]["default"] == template["memory_size"]
