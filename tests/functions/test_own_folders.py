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


def test_an_event_that_does_not_say_its_cloud_is_nobodys_business_either(tmp_path):
    from bucketrelay import config, wiring
    from bucketrelay.drivers import function as entry

    text = 'log = "l"\n[stores.l]\nurl = "obs://ops"\nregion = "r"\n[stores.a]\nurl = "s3://a"\n'
    text += f'[stores.b]\nurl = "file://{tmp_path}"\n[[routes]]\nname = "r"\nsource = "a"\ntargets = ["b"]\n'
    system = wiring.system(config.load(text, {}), emit=lambda line: None)
    said = {"Records": [{"s3": {"bucket": {"name": "ops"}, "object": {"key": "success_object/x"}}}]}
    report = entry.handle(said, system, cloud=None, seconds=60, invocation="i")

    assert report.results == ()
    assert [each.why for each in report.passed] == ["the log store's own folders are nobody's business"]
