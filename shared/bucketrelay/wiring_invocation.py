"""Configuration to the answer of a function that messages call: no more of it than a function carries."""

from bucketrelay.config.values import BrokerConfig, CopierConfig
from bucketrelay.drivers.messages.delivery import Sender
from bucketrelay.drivers.messages.invocation import answer, messages_in
from bucketrelay.system import System


def invoke(section: CopierConfig, system: System, payload: object, seconds: float) -> dict[str, object] | None:
    """What a function answers to requests for copies; None where *payload* brings none.

    Raises:
        StoreUnavailable: they have to come again.
    """
    messages = messages_in(payload, section.requests)
    if messages is None:
        return None
    return answer(messages, system, section.roots, section.replies, sender_of(section.broker), seconds)


def sender_of(broker: BrokerConfig) -> Sender:
    """Where messages are sent; connects to nothing yet."""
    url = broker.url.reveal()
    if url.startswith("sqs"):
        from bucketrelay.drivers.messages.sqs import Outbox  # an SDK that RabbitMQ does not need

        return Outbox(url)
    from bucketrelay.drivers.messages.broker import Outgoing, Place  # amqp is an extra

    return Outgoing(Place(url, str(broker.ca_file or "")))
