variable "region" {
  type        = string
  description = "of the source bucket and the function, such as ap-southeast-3"
}

variable "project_id" {
  type        = string
  description = "of that region: My Credentials, API Credentials"
}

variable "site" {
  type        = string
  description = "international, whose buckets trigger functions themselves; or china, where EventGrid does it"

  validation {
    condition     = contains(["international", "china"], var.site)
    error_message = "Either international or china."
  }
}

variable "name" {
  type    = string
  default = "bucketrelay"

  validation {
    condition     = can(regex("^[A-Za-z]([A-Za-z0-9_-]{0,58}[A-Za-z0-9])?$", var.name))
    error_message = "1 to 60 letters, digits, - and _; first a letter, last a letter or a digit."
  }
}

variable "archive" {
  type        = string
  default     = "../../../dist/obs_trigger.zip"
  description = "what deploy/build.py has written, at most 40 MB"
}

variable "source_bucket" {
  type = string
}

variable "target_buckets" {
  type        = list(string)
  default     = []
  description = "OBS buckets of this account that the function writes to; none where it only forwards to OMS"
}

variable "log_bucket" {
  type        = string
  description = "receives the lists; never the source bucket"

  validation {
    condition     = var.log_bucket != var.source_bucket
    error_message = "The log bucket must not be the source bucket: each list would be an event again."
  }
}

variable "dead_letter_bucket" {
  type        = string
  description = "receives the events whose last retry failed, below failed/; may be the log bucket, never the source"

  validation {
    condition     = var.dead_letter_bucket != var.source_bucket
    error_message = "The dead letters must not go to the source bucket: each would be an event again."
  }
}

variable "settings" {
  type        = map(string)
  default     = {}
  description = "the function's user data: RELAY_SOURCE, RELAY_TARGETS, RELAY_LOG; or sync_url, sync_task_id, log_bucket, obs_endpoint; none where the archive has a relay.toml"
}

variable "secrets" {
  type        = map(string)
  default     = {}
  sensitive   = true
  description = "user data that is kept encrypted: hw_ak, hw_sk, and whatever relay.toml refers to as $${NAME}"
}

variable "prefix" {
  type        = string
  default     = ""
  description = "only events of keys that begin so; the international site's trigger alone"
}

variable "timeout" {
  type        = number
  default     = 60
  description = "seconds, 3 to 259200"
}

variable "memory" {
  type        = number
  default     = 512
  description = "MB"
}

variable "max_instances" {
  type        = number
  default     = 20
  description = "each serves one event at a time"
}

variable "retries" {
  type        = number
  default     = 3
  description = "of an event whose handling failed, 0 to 3; without this configuration there is none"

  validation {
    condition     = var.retries >= 0 && var.retries <= 3
    error_message = "From 0 to 3."
  }
}

variable "event_age" {
  type        = number
  default     = 86400
  description = "seconds after which an event is not retried any more, 1 to 86400"

  validation {
    condition     = var.event_age >= 1 && var.event_age <= 86400
    error_message = "From 1 to 86400 seconds."
  }
}

variable "eventgrid_agency" {
  type        = string
  default     = "fgs_to_eg"
  description = "china only: the agency with which FunctionGraph makes the subscription; the console makes it with the first trigger"
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
  default     = "1d"
  description = "each call goes on where the last one ran out of time: 10m, 1h; more often where the buckets are large"
}

variable "alarm_topics" {
  type        = list(string)
  default     = []
  description = "URNs of at most five SMN topics that are told when invocations fail; none, and there is no alarm"

  validation {
    condition     = length(var.alarm_topics) <= 5
    error_message = "Cloud Eye tells at most five topics."
  }
}
