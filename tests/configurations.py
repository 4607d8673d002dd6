"""Configurations that several tests read: the example of the documentation, and one store by itself."""

import textwrap

import pytest

from bucketrelay.config import load
from bucketrelay.errors import ConfigError

ENVIRON = {"HW_AK": "the-access-key", "HW_SK": "the-secret-key"}
EXAMPLE = """
log = "logs"                          # the store that receives the lists

[stores.photos]
url = "s3://photos-eu"                # s3://bucket[/prefix]
region = "eu-central-1"

[stores.mirror]
url = "oci://photos-mirror@mytenancy" # oci://bucket@namespace[/prefix]
region = "us-ashburn-1"

[stores.archive]
url = "obs://photos-archive/from-aws" # obs://bucket[/prefix]
endpoint = "https://obs.cn-north-4.myhuaweicloud.com"
access_key = "${HW_AK}"
secret_key = "${HW_SK}"

[stores.logs]
url = "s3://ops-logs/oms_source_record"

[[routes]]
name = "photos"
source = "photos"
targets = ["mirror", "archive"]
include = ["in/**"]
exclude = ["**/*.tmp"]
strip_prefix = "in/"
add_prefix = "2026/"
deletes = "follow"
max_deletes = 1000
overwrite = "ours"
shared = false
strict = false

[[routes]]
name = "to-oms"
source = "photos"
forward = "oms"

[forwards.oms]
type = "oms"
url = "https://oms.cn-north-4.myhuaweicloud.com/v2/0123/sync-tasks/42/events"
access_key = "${HW_AK}"
secret_key = "${HW_SK}"

[limits]
concurrency = 16
part_size = "8MiB"
memory = "128MiB"
margin = 5
"""


def mistakes(text, environ=ENVIRON):
    """What is wrong with a configuration."""
    with pytest.raises(ConfigError) as refused:
        load(textwrap.dedent(text), environ)
    return refused.value.mistakes


def store(lines, name="s"):
    """The store that these lines make, in a configuration that is right but for them."""
    rest = '[stores.logs]\nurl = "s3://ops"\n[[routes]]\nname = "r"\nsource = "logs"\nforward = "f"\n'
    rest += '[forwards.f]\ntype = "webhook"\nurl = "http://hook/"\n'
    log = '[stores.log]\nurl = "s3://lists"\n'
    return load(f'log = "log"\n[stores.{name}]\n{textwrap.dedent(lines)}\n{log}{rest}', ENVIRON).stores[name]


def store_mistakes(lines):
    """What is wrong with the store that these lines make."""
    with pytest.raises(ConfigError) as refused:
        store(lines)
    return refused.value.mistakes
