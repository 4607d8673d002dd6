# Bucket → OBS trigger (international) or EventGrid (China) → function. Why each permission: docs/permissions.md.

terraform {
  required_version = ">= 1.9"

  required_providers {
    huaweicloud = {
      source  = "huaweicloud/huaweicloud"
      version = ">= 1.80"
    }
  }
}

provider "huaweicloud" {
  region = var.region
}

locals {
  # A function is not told its own URN, and needs it where a large object goes on in another invocation.
  urn   = "urn:fss:${var.region}:${var.project_id}:function:default:${var.name}:latest"
  china = var.site == "china"
  wrote = distinct(concat(var.target_buckets, [var.log_bucket, var.dead_letter_bucket]))
}

resource "huaweicloud_identity_role" "function" {
  name        = "${var.name}-fn"
  description = "What replication needs"
  type        = "AX" # OBS is a global service

  policy = jsonencode({
    Version = "1.1"
    Statement = concat([
      {
        Effect   = "Allow"
        Action   = ["obs:bucket:ListBucket"]
        Resource = [for name in concat([var.source_bucket], local.wrote) : "obs:*:*:bucket:${name}"]
      },
      {
        Effect   = "Allow"
        Action   = ["obs:object:GetObject", "obs:object:GetObjectTagging"]
        Resource = ["obs:*:*:object:${var.source_bucket}/*"]
      },
      {
        Effect   = "Allow"
        Action   = ["obs:object:GetObject", "obs:object:PutObject", "obs:object:PutObjectTagging", "obs:object:DeleteObject", "obs:object:ListMultipartUploadParts", "obs:object:AbortMultipartUpload"]
        Resource = [for name in local.wrote : "obs:*:*:object:${name}/*"]
      },
      ], var.heartbeats ? [
      {
        Effect   = "Allow"
        Action   = ["obs:object:PutObject", "obs:object:DeleteObject"]
        Resource = ["obs:*:*:object:${var.source_bucket}/*.bucketrelay-probe*"]
      },
    ] : [])
  })
}

resource "huaweicloud_identity_role" "again" {
  name        = "${var.name}-fn-again"
  description = "What a large object needs, which goes on in another invocation"
  type        = "XA" # FunctionGraph is a service of regions

  policy = jsonencode({
    Version = "1.1"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["functiongraph:function:invokeAsync"]
        Resource = ["FUNCTIONGRAPH:*:*:function:default/${var.name}"]
      },
    ]
  })
}

resource "huaweicloud_identity_agency" "function" {
  name                   = "${var.name}-fn"
  description            = "The function that replicates buckets"
  delegated_service_name = "op_svc_cff"
  domain_roles           = [huaweicloud_identity_role.function.name]

  project_role {
    project = var.region
    roles   = [huaweicloud_identity_role.again.name]
  }
}

resource "huaweicloud_fgs_function" "relay" {
  name                  = var.name
  app                   = "default"
  description           = "Replicates or forwards what happens in ${var.source_bucket}"
  runtime               = "Python3.10"
  handler               = "index.handler"
  timeout               = var.timeout
  memory_size           = var.memory
  functiongraph_version = "v2"
  max_instance_num      = tostring(var.max_instances)
  code_type             = "zip"
  code_filename         = "obs_trigger.zip"
  func_code             = filebase64(var.archive)
  agency                = huaweicloud_identity_agency.function.name # the asynchronous configuration asks for one
  app_agency            = huaweicloud_identity_agency.function.name # whose keys the function gets
  user_data             = jsonencode(merge(var.settings, { BUCKETRELAY_FUNCTION_URN = local.urn }))
  encrypted_user_data   = length(var.secrets) == 0 ? null : jsonencode(var.secrets)
  enable_lts_log        = true
}

# The default is that an event whose handling fails is gone: no retry, no destination.
resource "huaweicloud_fgs_async_invoke_configuration" "relay" {
  function_urn                   = huaweicloud_fgs_function.relay.urn
  max_async_event_age_in_seconds = var.event_age
  max_async_retry_attempts       = var.retries
  enable_async_status_log        = true

  on_failure {
    destination = "OBS"
    param       = jsonencode({ bucket = var.dead_letter_bucket, prefix = "/failed", expires = 30 })
  }
}

resource "huaweicloud_fgs_function_trigger" "obs" {
  count        = local.china ? 0 : 1
  function_urn = huaweicloud_fgs_function.relay.urn
  type         = "OBS"
  depends_on   = [huaweicloud_fgs_async_invoke_configuration.relay]

  event_data = jsonencode({
    name   = var.name
    bucket = var.source_bucket
    events = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]
    prefix = var.prefix
  })
}

data "huaweicloud_eg_event_channels" "official" {
  count         = local.china ? 1 : 0
  provider_type = "OFFICIAL"
  name          = "default"
}

resource "huaweicloud_fgs_function_trigger" "eventgrid" {
  count                          = local.china ? 1 : 0
  function_urn                   = huaweicloud_fgs_function.relay.urn
  type                           = "EVENTGRID"
  status                         = "ACTIVE"
  cascade_delete_eg_subscription = true
  depends_on                     = [huaweicloud_fgs_async_invoke_configuration.relay]

  event_data = jsonencode({
    channel_id   = data.huaweicloud_eg_event_channels.official[0].channels[0].id
    channel_name = "default"
    source_name  = "HC.OBS.DWR"
    trigger_name = var.name
    agency       = var.eventgrid_agency
    bucket       = var.source_bucket
    Key_encode   = true # the event does not say whether its key is encoded, and the function takes it that it is
    event_types = [
      "OBS:DWR:ObjectCreated:PUT",
      "OBS:DWR:ObjectCreated:POST",
      "OBS:DWR:ObjectCreated:COPY",
      "OBS:DWR:ObjectCreated:CompleteMultipartUpload",
      "OBS:DWR:ObjectRemoved:Delete",
      "OBS:DWR:ObjectRemoved:DeleteMarkerCreated",
    ]
  })

  lifecycle {
    ignore_changes = [event_data] # the service answers with more than it was told
  }
}

# The function then abandons uploads that nobody has gone on with.
resource "huaweicloud_fgs_function_trigger" "daily" {
  function_urn = huaweicloud_fgs_function.relay.urn
  type         = "TIMER"

  event_data = jsonencode({
    name          = "${var.name}-daily"
    schedule_type = "Rate"
    schedule      = "1d"
    user_event    = "sweep"
  })
}

# The function then compares both sides of the route, and repairs what differs.
resource "huaweicloud_fgs_function_trigger" "reconcile" {
  count        = var.reconcile_route == "" ? 0 : 1
  function_urn = huaweicloud_fgs_function.relay.urn
  type         = "TIMER"

  event_data = jsonencode({
    name          = "${var.name}-reconcile"
    schedule_type = "Rate"
    schedule      = var.reconcile_schedule
    user_event    = "reconcile ${var.reconcile_route}"
  })
}

resource "huaweicloud_fgs_function_event" "test" {
  function_urn = huaweicloud_fgs_function.relay.urn
  name         = "obs-event-template"
  content      = base64encode(replace(file("${path.module}/../../functiongraph/obs-event-template.json"), "your-bucket-name", var.source_bucket))
}

# An invocation ends as an error whenever a task of it failed, so the function's own count is that of failures.
resource "huaweicloud_ces_alarmrule" "failures" {
  count             = length(var.alarm_topics) == 0 ? 0 : 1
  alarm_name        = "${var.name}-failures"
  alarm_description = "Invocations of ${var.name} end as errors: the failed lists in ${var.log_bucket} say why"
  alarm_type        = "MULTI_INSTANCE"

  metric {
    namespace = "SYS.FunctionGraph"
  }

  resources {
    dimensions {
      name  = "package-functionname"
      value = "default-${var.name}"
    }
  }

  condition {
    metric_name         = "failcount"
    period              = 300
    filter              = "sum"
    comparison_operator = ">="
    value               = 1
    count               = 1
    suppress_duration   = 3600
    alarm_level         = 2
  }

  alarm_actions {
    type              = "notification"
    notification_list = var.alarm_topics
  }

  ok_actions {
    type              = "notification"
    notification_list = var.alarm_topics
  }

  lifecycle {
    precondition {
      condition     = length(var.name) <= 56
      error_message = "Cloud Eye takes 64 characters of default- and the function's name: a name of at most 56."
    }
  }
}

output "function_urn" {
  value = huaweicloud_fgs_function.relay.urn
}
