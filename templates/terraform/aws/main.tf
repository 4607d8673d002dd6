# The stack of templates/sam/template.yaml. Why each permission is needed: docs/permissions.md.

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.90"
    }
  }
}

provider "aws" {
  region = var.region
}

data "aws_partition" "here" {}

data "aws_caller_identity" "me" {}

locals {
  buckets = { for role, name in { source = var.source_bucket, target = var.target_bucket, log = var.log_bucket } : role => name if name != "" }
  ours    = { for role, name in local.buckets : role => name if contains(var.create, role) }
  arns    = { for role, name in local.buckets : role => "arn:${data.aws_partition.here.partition}:s3:::${name}" }
  targets = concat([for role, name in local.buckets : "s3://${name}" if role == "target"], var.target_urls)
}

resource "aws_s3_bucket" "ours" {
  for_each = local.ours
  bucket   = each.value

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_versioning" "ours" {
  for_each = { for role, name in local.ours : role => name if role != "log" }
  bucket   = aws_s3_bucket.ours[each.key].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "target" {
  count  = contains(keys(local.ours), "target") ? 1 : 0
  bucket = aws_s3_bucket.ours["target"].id

  rule {
    id     = "abandoned-uploads" # their parts cost as much as objects, and no listing shows them
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "log" {
  count  = contains(keys(local.ours), "log") ? 1 : 0
  bucket = aws_s3_bucket.ours["log"].id

  rule {
    id     = "old-success-lists" # failed lists stay until `bucketrelay replay` has handled them
    status = "Enabled"

    filter {
      prefix = "success_object/"
    }

    expiration {
      days = 90
    }
  }
}

# It replaces whatever notifications a bucket has: only for a bucket that is made here.
resource "aws_s3_bucket_notification" "source" {
  count      = contains(keys(local.ours), "source") ? 1 : 0
  bucket     = aws_s3_bucket.ours["source"].id
  depends_on = [aws_sqs_queue_policy.events] # S3 tries the queue when the notification is set

  queue {
    queue_arn = aws_sqs_queue.events.arn
    events    = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:LifecycleExpiration:*"] # ObjectRemoved lacks the last
  }
}

resource "aws_sqs_queue" "dead_letters" {
  name                      = "${var.name}-dead-letters"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue" "events" {
  name                       = "${var.name}-events"
  visibility_timeout_seconds = 6 * var.timeout
  message_retention_seconds  = 1209600
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = true

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = 5 # fewer, and throttling alone fills the dead-letter queue
  })
}

data "aws_iam_policy_document" "events" {
  statement {
    sid       = "SourceBucketSends"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.events.arn]

    principals {
      type        = "Service"
      identifiers = ["s3.amazonaws.com"]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = [local.arns["source"]]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.me.account_id]
    }
  }
}

resource "aws_sqs_queue_policy" "events" {
  queue_url = aws_sqs_queue.events.id
  policy    = data.aws_iam_policy_document.events.json
}

resource "aws_cloudwatch_log_group" "function" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = 30
}

data "aws_iam_policy_document" "lambda" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "function" {
  name               = "${var.name}-${var.region}"
  assume_role_policy = data.aws_iam_policy_document.lambda.json
}

data "aws_iam_policy_document" "function" {
  statement {
    sid       = "TakeEvents"
    actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    resources = [aws_sqs_queue.events.arn]
  }

  statement {
    sid       = "WriteLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.function.arn}:*"]
  }

  statement {
    sid       = "KeepFailed"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.dead_letters.arn]
  }

  statement {
    sid       = "ListSource"
    actions   = ["s3:ListBucket"]
    resources = [local.arns["source"]]
  }

  statement {
    sid       = "ReadSource"
    actions   = ["s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersionTagging"]
    resources = ["${local.arns["source"]}/*"]
  }

  dynamic "statement" {
    for_each = var.heartbeats ? [local.arns["source"]] : []

    content {
      sid       = "WriteHeartbeats"
      actions   = ["s3:PutObject", "s3:DeleteObject"]
      resources = ["${statement.value}/*.bucketrelay-probe*"]
    }
  }

  dynamic "statement" {
    for_each = var.target_bucket == "" ? [] : [local.arns["target"]]

    content {
      sid       = "ListTarget"
      actions   = ["s3:ListBucket"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = var.target_bucket == "" ? [] : [local.arns["target"]]

    content {
      sid       = "WriteTarget"
      actions   = ["s3:GetObject", "s3:PutObject", "s3:PutObjectTagging", "s3:DeleteObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"]
      resources = ["${statement.value}/*"]
    }
  }

  statement {
    sid       = "ListLog"
    actions   = ["s3:ListBucket"]
    resources = [local.arns["log"]]
  }

  statement {
    sid       = "KeepLists"
    actions   = ["s3:PutObject", "s3:GetObject", "s3:DeleteObject"]
    resources = ["${local.arns["log"]}/*"]
  }

  dynamic "statement" {
    for_each = var.source_key == "" ? [] : [var.source_key]

    content {
      sid       = "DecryptSource"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = var.heartbeats && var.source_key != "" ? [var.source_key] : []

    content {
      sid       = "EncryptHeartbeats"
      actions   = ["kms:GenerateDataKey"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = var.target_key == "" ? [] : [var.target_key]

    content {
      sid       = "EncryptTarget"
      actions   = ["kms:GenerateDataKey", "kms:Decrypt"]
      resources = [statement.value]
    }
  }

  statement {
    sid       = "CallItself"
    actions   = ["lambda:InvokeFunction"]
    resources = ["arn:${data.aws_partition.here.partition}:lambda:${var.region}:${data.aws_caller_identity.me.account_id}:function:${var.name}"]
  }
}

resource "aws_iam_role_policy" "function" {
  name   = "replicate"
  role   = aws_iam_role.function.id
  policy = data.aws_iam_policy_document.function.json
}

resource "aws_lambda_function" "relay" {
  function_name    = var.name
  filename         = var.archive
  source_code_hash = filebase64sha256(var.archive)
  runtime          = var.runtime
  architectures    = [var.architecture]
  handler          = "app.handler"
  role             = aws_iam_role.function.arn
  timeout          = var.timeout
  memory_size      = var.memory

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.function.name
  }

  environment { # of no effect where the archive has a relay.toml
    variables = merge(var.secrets, {
      RELAY_SOURCE  = "s3://${var.source_bucket}"
      RELAY_TARGETS = join(" ", local.targets)
      RELAY_LOG     = "s3://${var.log_bucket}"
      RELAY_DELETES = var.deletes
    })
  }
}

# An object too large for one invocation goes on in another, which the function calls itself.
resource "aws_lambda_function_recursion_config" "relay" {
  function_name  = aws_lambda_function.relay.function_name
  recursive_loop = "Allow"
}

resource "aws_lambda_function_event_invoke_config" "relay" {
  function_name                = aws_lambda_function.relay.function_name
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 21600
  depends_on                   = [aws_iam_role_policy.function] # Lambda tries the destination

  destination_config {
    on_failure {
      destination = aws_sqs_queue.dead_letters.arn
    }
  }
}

resource "aws_lambda_event_source_mapping" "events" {
  event_source_arn        = aws_sqs_queue.events.arn
  function_name           = aws_lambda_function.relay.arn
  batch_size              = 10
  function_response_types = ["ReportBatchItemFailures"] # one bad event costs its nine neighbours nothing
  depends_on              = [aws_iam_role_policy.function]

  scaling_config {
    maximum_concurrency = var.maximum_concurrency # reserved concurrency alone would burn receives
  }
}

# The function then abandons uploads that nobody has gone on with.
resource "aws_cloudwatch_event_rule" "daily" {
  name                = "${var.name}-daily"
  schedule_expression = "rate(1 day)"
}

resource "aws_cloudwatch_event_target" "daily" {
  rule = aws_cloudwatch_event_rule.daily.name
  arn  = aws_lambda_function.relay.arn
}

resource "aws_lambda_permission" "daily" {
  function_name = aws_lambda_function.relay.function_name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.daily.arn
}

# The function then compares both sides of the route, and repairs what differs.
resource "aws_cloudwatch_event_rule" "reconcile" {
  count               = var.reconcile_route == "" ? 0 : 1
  name                = "${var.name}-reconcile"
  schedule_expression = var.reconcile_schedule
}

resource "aws_cloudwatch_event_target" "reconcile" {
  count = var.reconcile_route == "" ? 0 : 1
  rule  = aws_cloudwatch_event_rule.reconcile[0].name
  arn   = aws_lambda_function.relay.arn
  input = jsonencode({ source = "aws.events", detail = "reconcile ${var.reconcile_route}" })
}

resource "aws_lambda_permission" "reconcile" {
  count         = var.reconcile_route == "" ? 0 : 1
  function_name = aws_lambda_function.relay.function_name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.reconcile[0].arn
}

resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  alarm_name          = "${var.name}-dead-letters"
  alarm_description   = "events that failed five times; see the failed lists, mend, and move them back"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead_letters.name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topics
}

resource "aws_cloudwatch_metric_alarm" "waiting" {
  alarm_name          = "${var.name}-waiting"
  alarm_description   = "an event has waited in the queue for too long"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = aws_sqs_queue.events.name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 5
  threshold           = var.lag_seconds
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topics
}

resource "aws_cloudwatch_metric_alarm" "lag" {
  alarm_name          = "${var.name}-lag"
  alarm_description   = "copies are made too long after their events"
  namespace           = "bucketrelay"
  metric_name         = "lag" # seconds, from the function's own log lines
  dimensions          = { route = var.route }
  extended_statistic  = "p95"
  period              = 300
  evaluation_periods  = 1
  threshold           = var.lag_seconds
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topics
}

resource "aws_cloudwatch_metric_alarm" "failed" {
  alarm_name          = "${var.name}-failed"
  alarm_description   = "tasks have failed; the failed lists say why, and some come again by themselves"
  namespace           = "bucketrelay"
  metric_name         = "failed" # 1 or 0 for each task, from the function's own log lines
  dimensions          = { route = var.route }
  statistic           = "Sum"
  period              = 3600
  evaluation_periods  = 1
  threshold           = var.failed_tasks
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topics
}

resource "aws_cloudwatch_dashboard" "relay" {
  dashboard_name = var.name

  dashboard_body = templatefile("${path.module}/dashboard.json", {
    region            = var.region
    route             = var.route
    queue             = aws_sqs_queue.events.name
    dead_letters      = aws_sqs_queue.dead_letters.name
    lag_alarm         = aws_cloudwatch_metric_alarm.lag.arn
    failed_alarm      = aws_cloudwatch_metric_alarm.failed.arn
    waiting_alarm     = aws_cloudwatch_metric_alarm.waiting.arn
    dead_letter_alarm = aws_cloudwatch_metric_alarm.dead_letters.arn
  })
}

output "event_queue_arn" {
  value = aws_sqs_queue.events.arn
}

output "dead_letter_queue_url" {
  value = aws_sqs_queue.dead_letters.id
}

output "function_name" {
  value = aws_lambda_function.relay.function_name
}
