"""A function that also receives the events of the log store's bucket writes no list of a list."""

import pytest

from functions.three_clouds import LOGS


def record(bucket, key):
    return {
        "Records": [
            {
                "eventSource": "aws:s3",
                "eventVersion": "2.1",
                "eventName": "ObjectCreated:Put",
                "s3": {"bucket": {"name": bucket}, "object": {"key": key}},
            }
        ]
    }


@pytest.mark.parametrize("folder", ["success_object", "failed_object", "damaged_object", "verify", "fuse"])
def test_an_event_of_the_log_stores_own_folders_writes_no_list_and_fails_nothing(clouds, folder):
    clouds.clear()
    answer = clouds.invoke("s3", record(LOGS, f"{folder}/2026/11/21/x.jsonl"))

    assert answer == {"tasks": 0, "bytes": 0}
    assert clouds.views["s3"].keys(LOGS) == []


def test_an_event_of_the_log_bucket_beside_the_folders_is_a_strangers_and_said_once(clouds):
    clouds.clear()
    with pytest.raises(Exception, match="no route has the bucket"):
        clouds.invoke("s3", record(LOGS, "elsewhere"))

    assert [line["source"] for line in clouds.lists()["failed_object"]] == [f"s3://{LOGS}/elsewhere"]
    clouds.clear()
