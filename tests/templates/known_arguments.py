"""The Terraform resource types that our templates use, and the arguments that their providers document.

Transcribed, for there is no terraform here to ask: from docs/resources and docs/data-sources of
huaweicloud/terraform-provider-huaweicloud, website/docs of oracle/terraform-provider-oci (and, for what is newer than
the stored pages, docs.oracle.com), website/docs/r and website/docs/d of hashicorp/terraform-provider-aws. Only what we
use or might soon, not all that there is. A name that begins with `!` is required; a dict is a block, which is written
`name { … }` and not `name = …`.
"""

from typing import Any

META = frozenset({"count", "depends_on", "for_each", "lifecycle", "provider"})  # of Terraform itself, for any resource

HUAWEI: dict[str, dict[str, Any]] = {
    "huaweicloud_fgs_function": {
        "!name": "", "!app": "", "!handler": "", "!memory_size": "", "!runtime": "", "!timeout": "", "!code_type": "",
        "description": "", "functiongraph_version": "", "func_code": "", "code_url": "", "code_filename": "",
        "depend_list": "", "user_data": "", "encrypted_user_data": "", "agency": "", "app_agency": "",
        "initializer_handler": "", "initializer_timeout": "", "max_instance_num": "", "enable_lts_log": "", "tags": "",
    },
    "huaweicloud_fgs_function_trigger": {
        "!function_urn": "", "!type": "", "!event_data": "", "status": "", "cascade_delete_eg_subscription": "",
    },
    "huaweicloud_fgs_async_invoke_configuration": {
        "!function_urn": "", "!max_async_event_age_in_seconds": "", "!max_async_retry_attempts": "",
        "enable_async_status_log": "",
        "on_success": {"!destination": "", "!param": ""},
        "on_failure": {"!destination": "", "!param": ""},
    },
    "huaweicloud_fgs_function_event": {"!function_urn": "", "!name": "", "!content": ""},
    "huaweicloud_identity_agency": {
        "!name": "", "description": "", "delegated_domain_name": "", "delegated_service_name": "", "duration": "",
        "domain_roles": "", "all_resources_roles": "",
        "project_role": {"!project": "", "!roles": ""},
    },
    "huaweicloud_identity_role": {"!name": "", "!description": "", "!type": "", "!policy": ""},
    "huaweicloud_ces_alarmrule": {
        "!alarm_name": "", "alarm_description": "", "alarm_enabled": "", "alarm_type": "", "alarm_action_enabled": "",
        "!metric": {"!namespace": ""},
        "resources": {"dimensions": {"!name": "", "value": ""}},
        "!condition": {
            "!period": "", "!filter": "", "!comparison_operator": "", "!value": "", "!count": "", "!metric_name": "",
            "unit": "", "suppress_duration": "", "alarm_level": "",
        },
        "alarm_actions": {"!type": "", "!notification_list": ""},
        "ok_actions": {"!type": "", "!notification_list": ""},
    },
    "data.huaweicloud_eg_event_channels": {"provider_type": "", "name": ""},
}  # fmt: skip

ORACLE: dict[str, dict[str, Any]] = {
    "oci_functions_application": {
        "!compartment_id": "", "!display_name": "", "!subnet_ids": "", "config": "", "shape": "", "syslog_url": "",
        "network_security_group_ids": "", "freeform_tags": "",
    },
    "oci_functions_function": {
        "!application_id": "", "!display_name": "", "!memory_in_mbs": "", "config": "", "image": "", "image_digest": "",
        "timeout_in_seconds": "", "detached_mode_timeout_in_seconds": "", "freeform_tags": "",
        "source_details": {"!source_type": "", "image": "", "image_digest": "", "pbf_listing_id": ""},
        "failure_destination": {"!kind": "", "channel_id": "", "queue_id": "", "stream_id": "", "topic_id": ""},
        "provisioned_concurrency_config": {"!strategy": "", "count": ""},
    },
    "oci_resource_scheduler_schedule": {
        "!action": "", "!compartment_id": "", "!recurrence_details": "", "!recurrence_type": "", "description": "",
        "display_name": "", "time_ends": "", "time_starts": "",
        "resources": {"!id": "", "metadata": "", "parameters": {"!parameter_type": "", "value": ""}},
    },
    "oci_events_rule": {
        "!compartment_id": "", "!condition": "", "!display_name": "", "!is_enabled": "", "description": "",
        "!actions": {
            "!actions": {
                "!action_type": "", "!is_enabled": "", "description": "", "function_id": "", "stream_id": "",
                "topic_id": "",
            },
        },
    },
    "oci_identity_dynamic_group": {"!compartment_id": "", "!name": "", "!description": "", "!matching_rule": ""},
    "oci_identity_policy": {"!compartment_id": "", "!name": "", "!description": "", "!statements": ""},
    "oci_objectstorage_bucket": {
        "!compartment_id": "", "!namespace": "", "!name": "", "access_type": "", "object_events_enabled": "",
        "storage_tier": "", "versioning": "", "kms_key_id": "",
    },
    "oci_objectstorage_object_lifecycle_policy": {
        "!bucket": "", "!namespace": "",
        "rules": {
            "!action": "", "!is_enabled": "", "!name": "", "!time_amount": "", "!time_unit": "", "target": "",
            "object_name_filter": {"exclusion_patterns": "", "inclusion_patterns": "", "inclusion_prefixes": ""},
        },
    },
    "oci_monitoring_alarm": {
        "!compartment_id": "", "!destinations": "", "!display_name": "", "!is_enabled": "", "!namespace": "",
        "!metric_compartment_id": "", "!query": "", "!severity": "", "body": "", "pending_duration": "",
        "repeat_notification_duration": "", "resolution": "", "freeform_tags": "",
    },
    "data.oci_objectstorage_namespace": {"compartment_id": ""},
}  # fmt: skip

_STATEMENT = {
    "sid": "", "effect": "", "actions": "", "resources": "",
    "principals": {"!type": "", "!identifiers": ""},
    "condition": {"!test": "", "!variable": "", "!values": ""},
}  # fmt: skip

AWS: dict[str, dict[str, Any]] = {
    "aws_s3_bucket": {"bucket": "", "force_destroy": "", "tags": ""},
    "aws_s3_bucket_versioning": {"!bucket": "", "!versioning_configuration": {"!status": "", "mfa_delete": ""}},
    "aws_s3_bucket_lifecycle_configuration": {
        "!bucket": "",
        "!rule": {
            "!id": "", "!status": "",
            "filter": {"prefix": ""},
            "expiration": {"days": "", "date": "", "expired_object_delete_marker": ""},
            "abort_incomplete_multipart_upload": {"!days_after_initiation": ""},
        },
    },
    "aws_s3_bucket_notification": {
        "!bucket": "", "eventbridge": "",
        "queue": {"!queue_arn": "", "!events": "", "id": "", "filter_prefix": "", "filter_suffix": ""},
    },
    "aws_sqs_queue": {
        "name": "", "visibility_timeout_seconds": "", "message_retention_seconds": "", "receive_wait_time_seconds": "",
        "sqs_managed_sse_enabled": "", "redrive_policy": "", "redrive_allow_policy": "",
    },
    "aws_sqs_queue_policy": {"!queue_url": "", "!policy": ""},
    "aws_cloudwatch_log_group": {"name": "", "retention_in_days": "", "kms_key_id": ""},
    "aws_iam_role": {"name": "", "!assume_role_policy": "", "description": "", "tags": ""},
    "aws_iam_role_policy": {"name": "", "!role": "", "!policy": ""},
    "aws_lambda_function": {
        "!function_name": "", "!role": "", "filename": "", "source_code_hash": "", "runtime": "", "architectures": "",
        "handler": "", "timeout": "", "memory_size": "", "reserved_concurrent_executions": "", "tags": "",
        "environment": {"variables": ""},
        "logging_config": {"!log_format": "", "log_group": "", "application_log_level": "", "system_log_level": ""},
    },
    "aws_lambda_function_recursion_config": {"!function_name": "", "!recursive_loop": ""},
    "aws_lambda_function_event_invoke_config": {
        "!function_name": "", "maximum_event_age_in_seconds": "", "maximum_retry_attempts": "", "qualifier": "",
        "destination_config": {"on_failure": {"!destination": ""}, "on_success": {"!destination": ""}},
    },
    "aws_lambda_event_source_mapping": {
        "event_source_arn": "", "!function_name": "", "batch_size": "", "function_response_types": "", "enabled": "",
        "maximum_batching_window_in_seconds": "", "scaling_config": {"maximum_concurrency": ""},
    },
    "aws_lambda_permission": {
        "!action": "", "!function_name": "", "!principal": "", "source_arn": "", "source_account": "",
        "statement_id": "",
    },
    "aws_cloudwatch_event_rule": {"name": "", "schedule_expression": "", "event_pattern": "", "description": ""},
    "aws_cloudwatch_event_target": {"!rule": "", "!arn": "", "target_id": "", "input": ""},
    "aws_cloudwatch_metric_alarm": {
        "!alarm_name": "", "!comparison_operator": "", "!evaluation_periods": "", "alarm_description": "",
        "metric_name": "", "namespace": "", "period": "", "statistic": "", "extended_statistic": "", "threshold": "",
        "dimensions": "", "alarm_actions": "", "treat_missing_data": "",
    },
    "aws_cloudwatch_dashboard": {"!dashboard_name": "", "!dashboard_body": ""},
    "data.aws_iam_policy_document": {"version": "", "statement": _STATEMENT},
    "data.aws_partition": {},
    "data.aws_caller_identity": {},
}  # fmt: skip

KNOWN = {"huawei": HUAWEI, "oracle": ORACLE, "aws": AWS}
