variable "region" {
  type        = string
  description = "of the source bucket and the function"
}

variable "name" {
  type    = string
  default = "bucketrelay"
}

variable "archive" {
  type        = string
  default     = "../../../dist/s3_notifications.zip"
  description = "what deploy/build.py has written"
}

variable "runtime" {
  type        = string
  default     = "python3.12"
  description = "the one that deploy/build.py was told"
}

variable "architecture" {
  type        = string
  default     = "x86_64"
  description = "likewise"
}

variable "source_bucket" {
  type = string
}

variable "target_bucket" {
  type        = string
  default     = ""
  description = "empty where all targets are in target_urls"
}

variable "target_urls" {
  type        = list(string)
  default     = []
  description = "further targets, such as oci://photos@mytenancy?region=us-ashburn-1"
}

variable "log_bucket" {
  type        = string
  description = "receives the lists; never the source bucket"

  validation {
    condition     = var.log_bucket != var.source_bucket
    error_message = "The log bucket must not be the source bucket: each list would be replicated."
  }
}

variable "create" {
  type        = set(string)
  default     = ["source", "target", "log"]
  description = "which of the three buckets to make; of a source that exists, set up the events with bucketrelay wire"
}

variable "deletes" {
  type    = string
  default = "keep"

  validation {
    condition     = contains(["keep", "follow"], var.deletes)
    error_message = "Either keep or follow."
  }
}

variable "secrets" {
  type        = map(string)
  default     = {}
  sensitive   = true
  description = "environment variables that target_urls or relay.toml refer to as $${NAME}"
}

variable "timeout" {
  type        = number
  default     = 300
  description = "seconds"

  validation {
    condition     = var.timeout >= 10 && var.timeout <= 900
    error_message = "From 10 to 900 seconds."
  }
}

variable "memory" {
  type        = number
  default     = 1024
  description = "MB"
}

variable "maximum_concurrency" {
  type        = number
  default     = 10
  description = "batches of events at once, 2 to 1000"
}

variable "lag_seconds" {
  type        = number
  default     = 900
  description = "alarm when copies are later than this"
}

variable "failed_tasks" {
  type        = number
  default     = 1
  description = "alarm when so many tasks have failed within an hour"
}

variable "route" {
  type        = string
  default     = "relay"
  description = "whose lag and failures are watched; relay, unless a relay.toml in the archive says otherwise"
}

variable "heartbeats" {
  type        = bool
  default     = false
  description = "true where a route has probe in the relay.toml of the archive; the function writes to the source then"
}

variable "reconcile_route" {
  type        = string
  default     = ""
  description = "the route whose two sides are compared on a schedule; none where it is empty"
}

variable "reconcile_schedule" {
  type        = string
  default     = "rate(1 day)"
  description = "each call goes on where the last one ran out of time; more often where the buckets are large"
}

variable "alarm_topics" {
  type        = list(string)
  default     = []
  description = "ARNs of SNS topics that are told of alarms"
}

variable "source_key" {
  type        = string
  default     = ""
  description = "ARN of the source bucket's own KMS key"
}

variable "target_key" {
  type        = string
  default     = ""
  description = "ARN of the target bucket's own KMS key"
}
