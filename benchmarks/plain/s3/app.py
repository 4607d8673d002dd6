"""The baseline: an S3 replicator as functions are usually written, on boto3. No checks, no lists."""

import os
from typing import Any
from urllib.parse import unquote_plus

import boto3

S3 = boto3.client("s3", endpoint_url=os.environ["ENDPOINT"])


def handler(event: dict[str, Any], context: object) -> None:
    """Copy what each record names to the bucket TARGET."""
    del context
    for record in event["Records"]:
        key = unquote_plus(record["s3"]["object"]["key"])
        found = S3.get_object(Bucket=record["s3"]["bucket"]["name"], Key=key)
        S3.put_object(Bucket=os.environ["TARGET"], Key=key, Body=found["Body"].read())
