"""Queues of SQS: bodies as they are, so that whoever else reads and writes them needs to know nothing of us."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from botocore.session import Session

from bucketrelay.errors import RelayError, StoreRefused, StoreUnavailable
from bucketrelay.values import dataclass

_WAIT = 10  # seconds for which a request waits for a message
_MISSING = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
_LATER = frozenset({"RequestThrottled", "ThrottlingException", "Throttling", "ServiceUnavailable", "InternalFailure"})


@dataclass(frozen=True, slots=True)
class Received:
    """A message that came; it comes again unless it is deleted."""

    id: str
    body: str
    receipt: str


class Queues:
    """SQS at one place.

    Args:
        url: `sqs://[key:secret@]?region=…[&endpoint=…][&profile=…]`; without keys the SDK's own chain.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        told = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        self.shown = f"sqs://{told.get('endpoint') or told.get('region', '')}"
        self._told, self._keys = told, (parts.username, parts.password)
        self._made: Any = None
        self._urls: dict[str, str] = {}

    def receive(self, queue: str) -> list[Received]:
        """Up to ten messages, or none after some seconds. Errors as of `send`."""
        with self._translate_errors(queue):
            answer = self._client.receive_message(
                QueueUrl=self._url(queue), MaxNumberOfMessages=10, WaitTimeSeconds=_WAIT
            )
            return [Received(m["MessageId"], m["Body"], m["ReceiptHandle"]) for m in answer.get("Messages", ())]

    def delete(self, queue: str, received: Received) -> None:
        """The message is done with. Errors as of `send`."""
        with self._translate_errors(queue):
            self._client.delete_message(QueueUrl=self._url(queue), ReceiptHandle=received.receipt)

    def send(self, queue: str, body: str) -> None:
        """Put a message in; a queue of first-in-first-out gets it in one group.

        Raises:
            StoreUnavailable: it was not confirmed.
            StoreRefused: somebody must change something first.
        """
        with self._translate_errors(queue):
            group = {"MessageGroupId": "replies"} if queue.endswith(".fifo") else {}
            self._client.send_message(QueueUrl=self._url(queue), MessageBody=body, **group)

    def has(self, queue: str) -> bool:
        """Whether it is there; it is not made. Errors as of `send`."""
        with self._translate_errors(queue):
            try:
                self._client.get_queue_url(QueueName=queue)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") not in _MISSING:
                    raise
                return False
            return True

    def close(self) -> None:
        """Close the connections."""
        if self._made is not None:
            self._made.close()
            self._made = None

    @property
    def _client(self) -> Any:
        if self._made is None:
            user, password = self._keys
            session = Session(profile=self._told.get("profile"))
            self._made = session.create_client(
                "sqs",
                region_name=self._told.get("region"),
                endpoint_url=self._told.get("endpoint"),
                aws_access_key_id=unquote(user) if user else None,
                aws_secret_access_key=unquote(password) if password else None,
                config=Config(connect_timeout=10, read_timeout=_WAIT + 20, retries={"max_attempts": 2}),
            )
        return self._made

    def _url(self, queue: str) -> str:
        """The queue's address; a queue that is missing is made."""
        if queue not in self._urls:
            try:
                self._urls[queue] = self._client.get_queue_url(QueueName=queue)["QueueUrl"]
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") not in _MISSING:
                    raise
                self._urls[queue] = self._client.create_queue(QueueName=queue)["QueueUrl"]
        return self._urls[queue]

    @contextmanager
    def _translate_errors(self, queue: str) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _MISSING:
                self._urls.pop(queue, None)  # deleted meanwhile
            raise _error(f"{self.shown}: {queue}", error) from error
        except NoCredentialsError as error:
            raise StoreRefused(
                f"{self.shown}: there are no credentials: give them as the AWS CLI finds them"
            ) from error
        except BotoCoreError as error:
            raise StoreUnavailable(f"{self.shown}: {queue}: {error}: try again later") from error


def _error(place: str, error: ClientError) -> RelayError:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = error.response.get("Error", {}).get("Code", "")
    if status >= 500 or status == 429 or code in _LATER or code in _MISSING:
        return StoreUnavailable(f"{place}: {code}: try again later")
    return StoreRefused(f"{place}: {code}: grant sqs:ReceiveMessage, DeleteMessage, SendMessage, GetQueueUrl")
