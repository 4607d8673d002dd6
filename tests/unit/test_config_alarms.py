"""`[alarms]` in relay.toml."""

import pytest

from bucketrelay import config
from bucketrelay.config.values import Alarms
from bucketrelay.errors import ConfigError

TEXT = """
log = "logs"
[stores.a]
url = "file:///a"
[stores.b]
url = "file:///b"
[stores.logs]
url = "file:///logs"
[[routes]]
name = "r"
source = "a"
targets = ["b"]
[forwards.hook]
type = "webhook"
url = "https://hook.example.org/"
[forwards.oms]
type = "oms"
url = "https://oms.cn-north-4.myhuaweicloud.com/v2/0123/sync-tasks/42/events"
access_key = "a"
secret_key = "s"
"""


def alarms(text):
    return config.load(f"{TEXT}[alarms]\n{text}", {}).alarms


def test_without_the_section_nothing_raises_an_alarm():
    assert config.load(TEXT, {}).alarms == Alarms()


def test_lengths_of_time_are_written_as_on_the_command_line():
    assert alarms('lag = "15m"\nfailed = 1\ndead = 2\nbooks = "25h"\nwebhook = "hook"') == Alarms(
        900, 1, 2, 90000, webhook="hook"
    )


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ('lag = "15"', "alarms.lag: must be a length of time"),
        ("lag = true", "alarms.lag: must be a length of time"),
        ('lag = "0s"', "alarms.lag: must be a length of time"),
        ("failed = 0", "alarms.failed: must be a number from 1"),
        ('webhook = "hock"', 'alarms.webhook: no forward is named "hock"; did you mean "hook"?'),
        ('webhook = "oms"', 'alarms.webhook: "oms" is of another type'),
        ('lagg = "15m"', "alarms.lagg"),
    ],
)
def test_a_mistake_is_named_with_its_path(text, mistake):
    with pytest.raises(ConfigError) as error:
        alarms(text)
    assert mistake in str(error.value)
