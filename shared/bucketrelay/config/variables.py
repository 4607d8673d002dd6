"""The names of the variables that are a configuration by themselves; see `environment`."""

# The names are those of Huawei's template "sync-oms-data": an existing function's settings work as they are.
OMS_VARIABLES = ("sync_url", "sync_task_id", "log_bucket", "obs_endpoint", "hw_ak", "hw_sk")
RELAY_VARIABLES = ("RELAY_SOURCE", "RELAY_TARGETS", "RELAY_LOG", "RELAY_DELETES")
