"""Messages into an SQS queue, ten in a request. Source: SQS API reference, SendMessageBatch."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bucketrelay.errors import RelayError, StoreRefused, StoreUnavailable

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_TOGETHER = 10  # messages in a request, and together no more than one may have
_TRIES = 4
_REGION = re.compile(r"(?:sqs\.)?([a-z]{2}(?:-[a-z]+)+-\d)\.")  # sqs.eu-west-1.amazonaws.com, of old eu-west-1.queue.…
_CONNECT, _ANSWER = 5.0, 20.0  # seconds


class Queue:
    """An SQS queue, by its URL.

    Args:
        url: `https://sqs.eu-west-1.amazonaws.com/123456789012/events`; of another server than AWS's, its own.

    Raises:
        StoreRefused: it is no URL of a standard queue.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or len(parts.path.strip("/").split("/")) != 2:
            raise StoreRefused(f"{url}: no URL of an SQS queue, such as https://sqs.REGION.amazonaws.com/ACCOUNT/NAME")
        if url.endswith(".fifo"):
            raise StoreRefused(f"{url}: a FIFO queue does one thing after another: use a standard queue")
        self._url, self._endpoint = url, f"{parts.scheme}://{parts.netloc}"
        match = _REGION.match(parts.hostname)
        self._region = match[1] if match else None
        self._client: Any = None

    def send(self, texts: Sequence[bytes]) -> None:
        """Put messages into the queue; returns when all of them are durable. Some may be there twice after an error.

        Raises:
            StoreUnavailable: no answer, or one that asks to try later.
            StoreRefused: not permitted, or no such queue.
        """
        for start in range(0, len(texts), _TOGETHER):
            self._send(list(texts[start : start + _TOGETHER]))

    def _send(self, texts: list[bytes]) -> None:
        for _ in range(_TRIES):
            answer = self._request(texts)
            failed = answer.get("Failed", ())
            if not failed:
                return
            if any(row.get("SenderFault") for row in failed):
                raise StoreRefused(f"{self._url}: {failed[0].get('Code')} {failed[0].get('Message', '')}".strip())
            texts = [texts[int(row["Id"])] for row in failed]
        raise StoreUnavailable(f"{self._url}: {len(texts)} messages were not taken in {_TRIES} tries: try again later")

    def _request(self, texts: list[bytes]) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError  # only who sends needs the SDK

        entries = [{"Id": str(number), "MessageBody": text.decode()} for number, text in enumerate(texts)]
        try:
            client = self._connect()
            answer: dict[str, Any] = client.send_message_batch(QueueUrl=self._url, Entries=entries)
        except ClientError as error:
            raise _refusal(error, self._url) from error
        except BotoCoreError as error:
            raise _error_of(error, self._url) from error
        return answer

    def _connect(self) -> Any:
        if self._client is None:
            from botocore.config import Config  # as above
            from botocore.session import Session

            config = Config(connect_timeout=_CONNECT, read_timeout=_ANSWER, retries={"mode": "standard"})
            self._client = Session().create_client(
                "sqs", region_name=self._region, endpoint_url=self._endpoint, config=config
            )
        return self._client

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()


def _refusal(error: "ClientError", url: str) -> RelayError:
    fields = error.response.get("Error", {})
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    text = f"{url}: {fields.get('Code', status)} {fields.get('Message', '')}".strip()
    if status in (408, 429) or status >= 500 or "Throttl" in fields.get("Code", ""):
        return StoreUnavailable(text)
    return StoreRefused(f"{text}: check the queue's URL, and that you may sqs:SendMessage")


def _error_of(error: Exception, url: str) -> RelayError:
    from botocore import exceptions  # the SDK is loaded now

    if isinstance(error, exceptions.HTTPClientError | exceptions.ConnectionError):
        return StoreUnavailable(f"{url}: {error}")
    return StoreRefused(f"{url}: {error}: set AWS_REGION, or say who you are (AWS_PROFILE)")
