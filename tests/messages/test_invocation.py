"""Messages as the platforms hand them to a function, in the forms that their own documentation shows."""

import base64
import json

import pytest

from bucketrelay.drivers.messages.invocation import messages_in
from bucketrelay.errors import BadEvent

# The example of docs.aws.amazon.com/lambda/latest/dg/with-mq.html, as AWS's own event libraries keep it in their tests;
# its queue is called "test".
AMAZON_MQ = {
    "eventSource": "aws:rmq",
    "eventSourceArn": "arn:aws:mq:us-west-2:112556298976:broker:test:b-9bcfa592-423a-4942-879d-eb284b418fc8",
    "rmqMessagesByQueue": {
        "test::/": [
            {
                "basicProperties": {
                    "contentType": "text/plain",
                    "contentEncoding": None,
                    "headers": {"header1": {"bytes": [118, 97, 108, 117, 101, 49]}, "numberInHeader": 10},
                    "deliveryMode": 1,
                    "priority": 34,
                    "correlationId": None,
                    "replyTo": None,
                    "expiration": "60000",
                    "messageId": None,
                    "timestamp": "Jan 1, 1970, 12:33:41 AM",
                    "type": None,
                    "userId": "AIDACKCEVSQ6C2EXAMPLE",
                    "appId": None,
                    "clusterId": None,
                    "bodySize": 80,
                },
                "redelivered": False,
                "data": "eyJ0aW1lb3V0IjowLCJkYXRhIjoiQ1pybWYwR3c4T3Y0YnFMUXhENEUifQ==",
            }
        ]
    },
}
# The example of FunctionGraph's "Supported Event Sources", as Open Telekom Cloud keeps it among its runtime's tests
# (otc-functiongraph-nodejs-runtime, fg-events/dms4rabbitmq/resources): messages are texts, and no queue is named.
FUNCTIONGRAPH = {
    "event_version": "v1.0",
    "event_time": 1576737962,
    "trigger_type": "RABBITMQ",
    "region": "region",
    "records": [
        {
            "messages": [f"rabbitmq message{number}" for number in range(1, 6)],
            "instance_id": "81335d56-b9fe-4679-ba95-7030949cc76b",
            "exchange": "topic",
        }
    ],
}


def test_amazon_mq_names_the_queue_with_its_vhost_and_brings_base64():
    (found,) = messages_in(AMAZON_MQ, "test")
    assert json.loads(found.delivery.body) == {"timeout": 0, "data": "CZrmf0Gw8Ov4bqLQxD4E"}
    assert (found.delivery.id, found.delivery.correlation, found.item) == ("", "", "")


@pytest.mark.parametrize("named", ["test::/", "test::sda", "test::a::b", "test::"])
def test_a_vhost_of_any_name_is_the_same_queue(named):
    rows = AMAZON_MQ["rmqMessagesByQueue"]["test::/"]
    assert len(messages_in({**AMAZON_MQ, "rmqMessagesByQueue": {named: rows}}, "test")) == 1


@pytest.mark.parametrize("requests", ["tes", "test2", ""])
def test_messages_of_another_queue_are_no_requests_and_not_lost(requests):
    with pytest.raises(BadEvent, match=r"messages of the queue 'test::/': name it as requests in \[copier\]"):
        messages_in(AMAZON_MQ, requests)


def test_what_the_message_was_called_and_answers_to_is_kept():
    told = {**AMAZON_MQ["rmqMessagesByQueue"]["test::/"][0]["basicProperties"], "messageId": "m", "correlationId": "c"}
    row = {"basicProperties": told, "redelivered": True, "data": base64.b64encode(b"\xff{").decode()}
    (found,) = messages_in({**AMAZON_MQ, "rmqMessagesByQueue": {"test::/": [row]}}, "test")
    assert (found.delivery.id, found.delivery.correlation, found.delivery.body) == ("m", "c", b"\xff{")


def test_functiongraph_brings_texts_under_records():
    found = messages_in(FUNCTIONGRAPH, "whatever: the event does not say")
    assert [each.delivery.body for each in found] == [b"rabbitmq message%d" % number for number in range(1, 6)]


@pytest.mark.parametrize("kind", ["KAFKA", "TIMER", "DMS", None])
def test_another_trigger_of_functiongraph_brings_no_requests(kind):
    assert messages_in({**FUNCTIONGRAPH, "trigger_type": kind}, "q") is None
