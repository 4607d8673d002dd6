"""Configuration to what `bucketrelay doctor` asks of others than stores: brokers, the archive, keys, the partner."""

from collections.abc import Iterator
from contextlib import closing
from functools import partial

from bucketrelay.config import Config
from bucketrelay.config.values import BrokerConfig, CopierConfig, DatasetsConfig
from bucketrelay.doctor.questions import Question
from bucketrelay.wiring_messages import archive

_Answer = tuple[bool | None, str]
_MADE = "is missing, and is made by the first command that needs it"


def questions(config: Config) -> tuple[Question, ...]:
    """Those of `[copier]` and `[datasets]`, in the order in which they are to be asked."""
    of_copier = _of_copier(config.copier) if config.copier else iter(())
    return (*of_copier, *(_of_datasets(config.datasets) if config.datasets else ()))


def _of_copier(section: CopierConfig) -> Iterator[Question]:
    queues = [("queue", section.requests), *([("replies", section.replies)] if section.replies else [])]
    if section.broker.url.reveal().startswith("sqs"):
        for check, queue in queues:
            yield Question(check, "[copier]", partial(_sqs, section.broker, queue))
        return
    yield Question("broker", "[copier]", partial(_broker, section.broker))
    for check, queue in queues:
        ask = partial(_queue, section.broker, queue, sends=check == "replies")
        yield Question(check, "[copier]", ask, needs="broker")


def _of_datasets(section: DatasetsConfig) -> Iterator[Question]:
    yield Question("broker", "[datasets]", partial(_broker, section.broker))
    yield Question("queue", "[datasets]", partial(_queue, section.broker, section.queue), needs="broker")
    yield Question("exchange", "[datasets]", partial(_exchange, section.broker, section.exchange), needs="broker")
    yield Question("archive", "[datasets]", partial(_archive, section))
    yield Question("keys", "[datasets]", partial(_keys, section))
    yield Question("remote", "[datasets]", partial(_remote, section))


def _broker(broker: BrokerConfig) -> _Answer:
    from bucketrelay.drivers.messages import trials  # amqp is an extra
    from bucketrelay.drivers.messages.broker import place_of

    place = place_of(broker.url.reveal(), broker.ca_file)
    trials.connect(place)
    return True, place.shown


def _queue(broker: BrokerConfig, queue: str, *, sends: bool = False) -> _Answer:
    from bucketrelay.drivers.messages import trials  # as above
    from bucketrelay.drivers.messages.broker import place_of

    place = place_of(broker.url.reveal(), broker.ca_file)
    kind = trials.kind_of(place, queue)
    if sends:
        trials.post(place)
    return (True, f"{queue} is there, a {kind}") if kind else (None, f"{queue} {_MADE}")


def _exchange(broker: BrokerConfig, exchange: str) -> _Answer:
    from bucketrelay.drivers.messages import trials  # as above
    from bucketrelay.drivers.messages.broker import place_of

    exists = trials.has_exchange(place_of(broker.url.reveal(), broker.ca_file), exchange)
    return exists, f"{exchange} is there" if exists else f"there is no exchange {exchange}"


def _sqs(broker: BrokerConfig, queue: str) -> _Answer:
    from bucketrelay.clouds.aws.queues import Queues  # an SDK that RabbitMQ does not need

    with closing(Queues(broker.url.reveal())) as queues:
        exists = queues.has(queue)
        return (True, f"{queues.shown}: {queue} is there") if exists else (None, f"{queues.shown}: {queue} {_MADE}")


def _archive(section: DatasetsConfig) -> _Answer:
    with closing(archive(section)) as tables:
        tables.check()
    return True, "the archive's tables can be read"


def _keys(section: DatasetsConfig) -> _Answer:
    from bucketrelay.clouds.crypt4gh.keys import private_key, public_key  # cryptography is an extra

    own = private_key(section.key_file, section.passphrase.reveal() if section.passphrase else None)
    if own.public == public_key(section.receiver_key):
        return False, f"{section.receiver_key} is the public half of {section.key_file}: the partner could read nothing"
    return True, f"{section.key_file.name} opens, for {section.receiver_key.name}"


def _remote(section: DatasetsConfig) -> _Answer:
    from bucketrelay.drivers.messages.remote import ready  # only who syncs datasets needs it

    remote = section.remote
    credentials = remote.user, remote.password.reveal()
    status = ready(remote.url, remote.shown, credentials, str(remote.ca_file or ""))
    words = f"{remote.shown}/ready answers {status}"
    return (None, f"{words}: it is not the archive's own API") if status == 404 else (status == 200, words)
