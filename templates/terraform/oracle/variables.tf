variable "tenancy_ocid" {
  type = string
}

variable "compartment_ocid" {
  type        = string
  description = "of the function, the rule and the buckets that are made here"
}

variable "region" {
  type        = string
  description = "of the source bucket and the function, such as us-phoenix-1"
}

variable "home_region" {
  type        = string
  description = "of the tenancy: groups and policies live there"
}

variable "name" {
  type    = string
  default = "bucketrelay"
}

variable "subnet_ocid" {
  type        = string
  description = "with a service gateway; with a NAT gateway, where a target is in another cloud"
}

variable "function_name" {
  type        = string
  default     = "oci-events"
  description = "the function's own name, as in its func.yaml"
}

variable "function_image" {
  type        = string
  description = "what fn push has pushed, in the registry of this region, such as phx.ocir.io/mytenancy/relay/oci-events:0.1.0"
}

variable "source_bucket" {
  type = string
}

variable "create_source_bucket" {
  type        = bool
  default     = true
  description = "false where it exists; then switch its events on with bucketrelay wire"
}

variable "source_compartment_ocid" {
  type        = string
  default     = ""
  description = "of a source bucket that exists, where it is another"
}

variable "target_bucket" {
  type        = string
  default     = ""
  description = "in this tenancy; empty where all targets are in target_urls"
}

variable "create_target_bucket" {
  type        = bool
  default     = true
  description = "false where it exists, or is in another region"
}

variable "target_region" {
  type        = string
  default     = ""
  description = "of the target bucket, where it is another"
}

variable "target_compartment_ocid" {
  type        = string
  default     = ""
  description = "of a target bucket that exists, where it is another"
}

variable "target_urls" {
  type        = string
  default     = ""
  description = "further targets, blank-separated, such as s3://photos?region=eu-central-1"
}

variable "log_bucket" {
  type        = string
  description = "receives the lists; never the source bucket"
}

variable "create_log_bucket" {
  type    = bool
  default = true
}

variable "deletes" {
  type    = string
  default = "keep"

  validation {
    condition     = contains(["keep", "follow"], var.deletes)
    error_message = "Either keep or follow."
  }
}

variable "access_key" {
  type        = string
  default     = ""
  sensitive   = true
  description = "the function has it as TARGET_ACCESS_KEY, to be used in target_urls as $${TARGET_ACCESS_KEY}"
}

variable "secret_key" {
  type        = string
  default     = ""
  sensitive   = true
  description = "likewise, TARGET_SECRET_KEY"
}

variable "memory_mb" {
  type    = number
  default = 512

  validation {
    condition     = contains([256, 512, 1024, 2048, 3072], var.memory_mb)
    error_message = "Functions has 256, 512, 1024, 2048 and 3072 MB."
  }
}

variable "failure_queue_ocid" {
  type        = string
  default     = ""
  description = "a queue that is told of large objects whose continuation failed"
}

variable "abandoned_upload_days" {
  type        = number
  default     = 7
  description = "after which parts without an object are removed from a target bucket that is made here; 0 for never"
}

variable "heartbeats" {
  type        = bool
  default     = false
  description = "true where a route has probe in the relay.toml of the image; the function writes to the source then"
}

variable "reconcile_route" {
  type        = string
  default     = ""
  description = "the route whose two sides are compared on a schedule; none where it is empty"
}

variable "reconcile_cron" {
  type        = string
  default     = "0 4 * * *"
  description = "in UTC; each call goes on where the last one ran out of time; more often where the buckets are large"
}

variable "rule_admins" {
  type        = string
  default     = ""
  description = "a group that is to manage event rules"
}

variable "alarm_topic_ocid" {
  type        = string
  default     = ""
  description = "a topic of Notifications that is told when invocations fail; none, and there is no alarm"
}
