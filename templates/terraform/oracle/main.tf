# Bucket → Events → function. Why each policy is needed: docs/permissions.md.

terraform {
  required_version = ">= 1.5"

  required_providers {
    oci = {
      source  = "oracle/oci"
      version = ">= 7.22" # detached_mode_timeout_in_seconds and failure_destination came in October 2025
    }
  }
}

provider "oci" {
  region = var.region
}

provider "oci" {
  alias  = "home"
  region = var.home_region
}

data "oci_objectstorage_namespace" "here" {
  compartment_id = var.tenancy_ocid
}

locals {
  namespace          = data.oci_objectstorage_namespace.here.namespace
  source_compartment = coalesce(var.source_compartment_ocid, var.compartment_ocid)
  target_compartment = coalesce(var.target_compartment_ocid, var.compartment_ocid)
  target_region      = coalesce(var.target_region, var.region)
  target_url         = var.target_bucket == "" ? "" : "oci://${var.target_bucket}@${local.namespace}?region=${local.target_region}"
  group              = "dynamic-group ${var.name}-fn"

  # Each needs OBJECT_OVERWRITE, too: a commit of parts does, and so does a newer version.
  writing = "any {request.permission='OBJECT_INSPECT', request.permission='OBJECT_READ', request.permission='OBJECT_CREATE', request.permission='OBJECT_OVERWRITE', request.permission='OBJECT_DELETE'}"

  always = {
    read_source   = "Allow ${local.group} to read objects in compartment id ${local.source_compartment} where target.bucket.name='${var.source_bucket}'"
    keep_lists    = "Allow ${local.group} to manage objects in compartment id ${var.compartment_ocid} where all {target.bucket.name='${var.log_bucket}', ${local.writing}}"
    rule_calls    = "Allow service cloudEvents to use functions-family in compartment id ${var.compartment_ocid}"
    use_network   = "Allow service FaaS to use virtual-network-family in tenancy"
    read_image    = "Allow service FaaS to read repos in tenancy"
    call_itself   = "Allow ${local.group} to use fn-invocation in compartment id ${var.compartment_ocid}"
    find_endpoint = "Allow ${local.group} to read fn-function in compartment id ${var.compartment_ocid}"
  }
  for_target = {
    write_target = "Allow ${local.group} to manage objects in compartment id ${local.target_compartment} where all {target.bucket.name='${var.target_bucket}', ${local.writing}}"
    copy_within  = "Allow service objectstorage-${var.region} to manage object-family in compartment id ${local.target_compartment} where ${local.writing}"
  }
  for_heartbeats = {
    write_heartbeats = "Allow ${local.group} to manage objects in compartment id ${local.source_compartment} where all {target.bucket.name='${var.source_bucket}', target.object.name='*.bucketrelay-probe*', ${local.writing}}"
  }
  for_uploads = {
    sweep_uploads = "Allow service objectstorage-${local.target_region} to manage object-family in compartment id ${var.compartment_ocid} where target.bucket.name='${var.target_bucket}'"
  }
  for_failures = {
    keep_failed = "Allow ${local.group} to use queue-push in tenancy where target.queue.id='${var.failure_queue_ocid}'"
  }
  for_admins = {
    manage_rules = "Allow group ${var.rule_admins} to manage cloudevents-rules in tenancy"
  }
  for_schedules = {
    call_on_time = "Allow any-user to manage functions-family in compartment id ${var.compartment_ocid} where request.principal.type='resourceschedule'"
  }
  housekeeping = { housekeeping = { cron = "0 3 * * *", text = "sweep" } } # abandoned uploads, and what is due
  reconciling  = { reconcile = { cron = var.reconcile_cron, text = "reconcile ${var.reconcile_route}" } }

  has_target     = var.target_bucket != ""
  makes_target   = local.has_target && var.create_target_bucket && local.target_region == var.region
  sweeps_uploads = local.makes_target && var.abandoned_upload_days > 0
}

resource "oci_objectstorage_bucket" "source" {
  count                 = var.create_source_bucket ? 1 : 0
  compartment_id        = var.compartment_ocid
  namespace             = local.namespace
  name                  = var.source_bucket
  versioning            = "Enabled"
  object_events_enabled = true # false by default, and then no rule ever sees anything
}

resource "oci_objectstorage_bucket" "target" {
  count          = local.makes_target ? 1 : 0
  compartment_id = var.compartment_ocid
  namespace      = local.namespace
  name           = var.target_bucket
  versioning     = "Enabled"
}

resource "oci_objectstorage_bucket" "log" {
  count          = var.create_log_bucket ? 1 : 0
  compartment_id = var.compartment_ocid
  namespace      = local.namespace
  name           = var.log_bucket
}

resource "oci_objectstorage_object_lifecycle_policy" "target" {
  count      = local.sweeps_uploads ? 1 : 0
  namespace  = local.namespace
  bucket     = oci_objectstorage_bucket.target[0].name
  depends_on = [oci_identity_policy.relay] # the service is refused without its policy

  rules {
    name        = "abandoned-uploads" # their parts cost as much as objects, and no listing shows them
    action      = "ABORT"
    target      = "multipart-uploads"
    is_enabled  = true
    time_amount = var.abandoned_upload_days
    time_unit   = "DAYS"
  }
}

resource "oci_functions_application" "relay" {
  compartment_id = var.compartment_ocid
  display_name   = var.name
  subnet_ids     = [var.subnet_ocid]
}

resource "oci_functions_function" "relay" {
  application_id                   = oci_functions_application.relay.id
  display_name                     = var.function_name
  memory_in_mbs                    = var.memory_mb
  timeout_in_seconds               = 300
  detached_mode_timeout_in_seconds = 3600 # of the calls with which a large object goes on
  depends_on                       = [oci_identity_policy.relay]

  config = { # of no effect where the image has a relay.toml
    RELAY_SOURCE      = "oci://${var.source_bucket}@${local.namespace}?region=${var.region}"
    RELAY_TARGETS     = trimspace("${local.target_url} ${var.target_urls}")
    RELAY_LOG         = "oci://${var.log_bucket}@${local.namespace}?region=${var.region}"
    RELAY_DELETES     = var.deletes
    TARGET_ACCESS_KEY = var.access_key
    TARGET_SECRET_KEY = var.secret_key
  }

  source_details {
    source_type = "CONTAINER_IMAGE"
    image       = var.function_image
  }

  dynamic "failure_destination" {
    for_each = var.failure_queue_ocid == "" ? [] : [var.failure_queue_ocid]

    content {
      kind     = "QUEUE"
      queue_id = failure_destination.value
    }
  }
}

resource "oci_identity_dynamic_group" "function" {
  provider       = oci.home
  compartment_id = var.tenancy_ocid
  name           = "${var.name}-fn"
  description    = "The function that replicates buckets"
  matching_rule  = "ALL {resource.type = 'fnfunc', resource.compartment.id = '${var.compartment_ocid}'}"
}

resource "oci_identity_policy" "relay" {
  provider       = oci.home
  compartment_id = var.tenancy_ocid
  name           = var.name
  description    = "What replication needs: docs/permissions.md says of each statement why"
  depends_on     = [oci_identity_dynamic_group.function]

  statements = values(merge(
    local.always,
    local.for_schedules,
    local.has_target ? local.for_target : {},
    var.heartbeats ? local.for_heartbeats : {},
    local.sweeps_uploads ? local.for_uploads : {},
    var.failure_queue_ocid == "" ? {} : local.for_failures,
    var.rule_admins == "" ? {} : local.for_admins,
  ))
}

resource "oci_events_rule" "relay" {
  compartment_id = local.source_compartment
  display_name   = var.name
  description    = "What happens to the objects of ${var.source_bucket}"
  is_enabled     = true
  depends_on     = [oci_identity_policy.relay]

  # An overwritten object is an update: without it the target keeps the first version for ever.
  condition = jsonencode({
    eventType = [
      "com.oraclecloud.objectstorage.createobject",
      "com.oraclecloud.objectstorage.updateobject",
      "com.oraclecloud.objectstorage.deleteobject",
    ]
    data = { additionalDetails = { bucketName = [var.source_bucket] } }
  })

  actions {
    actions {
      action_type = "FAAS"
      is_enabled  = true
      function_id = oci_functions_function.relay.id
      description = "replicate"
    }
  }
}

# Oracle's schedules call a function with the body that they are told: the one of a timer, by which ours knows them.
resource "oci_resource_scheduler_schedule" "relay" {
  for_each           = merge(local.housekeeping, var.reconcile_route == "" ? {} : local.reconciling)
  compartment_id     = var.compartment_ocid
  display_name       = "${var.name}-${each.key}"
  action             = "START_RESOURCE"
  recurrence_type    = "CRON"
  recurrence_details = each.value.cron
  depends_on         = [oci_identity_policy.relay]

  resources {
    id = oci_functions_function.relay.id

    parameters {
      parameter_type = "BODY"
      value          = { trigger_type = "TIMER", user_event = each.value.text }
    }
  }
}

# An invocation answers 502 or 504 whenever a task of it failed, and Functions counts such answers as errors.
resource "oci_monitoring_alarm" "failures" {
  count                 = var.alarm_topic_ocid == "" ? 0 : 1
  compartment_id        = var.compartment_ocid
  metric_compartment_id = var.compartment_ocid
  display_name          = "${var.name}-failures"
  body                  = "Invocations of ${var.function_name} fail: the failed lists in ${var.log_bucket} say why."
  namespace             = "oci_faas"
  query                 = "FunctionResponseCount[5m]{resourceId = \"${oci_functions_function.relay.id}\", responseType = \"Error\"}.sum() > 0"
  severity              = "ERROR"
  is_enabled            = true
  destinations          = [var.alarm_topic_ocid]
}

output "function_id" {
  value = oci_functions_function.relay.id
}

output "invoke_endpoint" {
  description = "set it as BUCKETRELAY_INVOKE_ENDPOINT, and the function need not ask for it"
  value       = oci_functions_function.relay.invoke_endpoint
}
