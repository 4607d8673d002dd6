"""Everything that stands while storms come and go: clouds, functions, writers."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from storms.changes import ENDS, LOGS, SOURCE, TARGET
from storms.lanes import End, Lane, Meeting, lanes, meetings
from storms.post import Post
from storms.remote import Remote
from storms.shapes import Message
from storms.workers import ROOT, Place, Workers
from storms.writers import Writers

MARGIN = 1.0  # seconds of an invocation that are kept back
TIMEOUT = 2.0  # seconds that the product waits for an answer; longer than usual delays, shorter than `plan.HOLD`


class World:
    """A context manager. `event` and `ended` are called as `Remote` and `Workers` say; set them before a storm.

    Args:
        environments: processes of each cloud's function.
        product: the folder that holds the package bucketrelay.
        words: `moto`, `tls`, `versioned`: how the servers are.
    """

    def __init__(
        self,
        clouds: Sequence[str],
        environments: int = 2,
        product: Path = ROOT / "shared",
        words: Sequence[str] = (),
    ) -> None:
        self.clouds, self.lanes, self.meetings = tuple(clouds), lanes(clouds), meetings(clouds)
        self.product, self._environments, self.words = product, environments, tuple(words)
        self.replayed = 0
        self.housekeeping: Counter[str] = Counter()
        self._stack = ExitStack()
        self.event: Callable[[str, dict[str, Any]], None] = lambda cloud, told: None
        self.ended: Callable[[Message, str, str], None] = lambda message, why, who: None

    def __enter__(self) -> "World":  # noqa: PYI034  # typing has Self from Python 3.11 only
        self.folder = Path(self._stack.enter_context(TemporaryDirectory(prefix="storms-")))
        self.remotes: dict[str, Remote] = {}
        for cloud in self.clouds:  # all begin to start before the first is waited for
            self.remotes[cloud] = Remote(cloud, self._event, self.words)
            self._stack.push(self.remotes[cloud])
        for remote in self.remotes.values():
            remote.__enter__()
        self.posts = {cloud: Post(Random(cloud)) for cloud in self.clouds}
        self.workers = {}
        for cloud in self.clouds:
            (self.folder / f"{cloud}.toml").write_text(self.toml(cloud), encoding="utf-8")
            place = Place(self.product, (self.toml(cloud), self.toml(cloud, "retries = 0\n")))
            made = Workers(cloud, place, self._environments, self.posts[cloud], self._ended)
            self.workers[cloud] = self._stack.enter_context(made)
        access = {cloud: remote.access for cloud, remote in self.remotes.items()}
        self.writers = self._stack.enter_context(Writers(access))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _event(self, cloud: str, told: dict[str, Any]) -> None:
        self.event(cloud, told)

    def _ended(self, message: Message, why: str, who: str) -> None:
        self.ended(message, why, who)

    def toml(self, cloud: str, options: str = "") -> str:
        """The configuration of one cloud's function: its lists are kept in that cloud."""
        text = 'log = "logs"\n'
        text += self._store("source", cloud, SOURCE, options) + self._store("logs", cloud, LOGS, options)
        text += "".join(self._store(f"to-{target}", target, TARGET, options) for target in self.clouds)
        ends = [End(where, bucket) for where in self.clouds for bucket in ENDS]
        text += "".join(self._store(end.store, end.cloud, end.bucket, options) for end in ends)
        text += "".join(_route(lane) for lane in self.lanes if lane.source == cloud)
        # Whose routes meet has to know all of them: one configuration for all, as docs/decisions/0013 says.
        text += "".join(line for meeting in self.meetings for line in _routes(meeting))
        return text + f'[limits]\npart_size = "5MiB"\nmargin = {MARGIN}\n'

    def counts(self) -> Counter[str]:
        """Of the servers and the functions together."""
        found = Counter({"given up, replayed": self.replayed}) + self.housekeeping
        for remote in self.remotes.values():
            found.update(remote.call("counts"))
        for workers in self.workers.values():
            found.update(workers.counts)
        return found

    def empty(self) -> None:
        """Forget all objects."""
        threads = [threading.Thread(target=remote.call, args=("empty",)) for remote in self.remotes.values()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for workers in self.workers.values():
            workers.shorten_logs()

    def _store(self, name: str, cloud: str, bucket: str, more: str) -> str:
        remote = self.remotes[cloud]
        options = "".join(f"{option} = {json.dumps(value)}\n" for option, value in remote.options.items())
        return f'[stores.{name}]\nurl = "{remote.url.format(bucket)}"\ntimeout = {TIMEOUT}\n{options}{more}'


def _routes(meeting: Meeting) -> Iterator[str]:
    for number, (source, target) in enumerate(meeting.ways):
        yield (
            f'[[routes]]\nname = "{meeting.name}-{number}"\nsource = "{source.store}"\ntargets = ["{target.store}"]\n'
            f'include = ["{meeting.name}/**"]\ndeletes = "{meeting.deletes}"\nmax_deletes = 1000000\n'
            f"shared = {json.dumps(target == meeting.shared)}\n"
        )


def _route(lane: Lane) -> str:
    targets = json.dumps([f"to-{target}" for target in lane.targets])
    return (
        f'[[routes]]\nname = "{lane.name}"\nsource = "source"\ntargets = {targets}\n'
        f'include = ["{lane.name}/**"]\nadd_prefix = "from-{lane.source}/"\n'
        f'deletes = "{lane.deletes}"\nmax_deletes = 1000000\n'
    )
