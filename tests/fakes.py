"""What several tests put in the place of the world; the store in memory is `bucketrelay.testing.memory`."""

from dataclasses import replace

from bucketrelay.core import stamp as stamps
from bucketrelay.http.pace import Pace


def at_once():
    """A Pace that waits in a time of its own: what is tested is not how long."""
    clock = [0.0]

    def sleep(seconds):
        clock[0] += seconds

    return Pace(now=lambda: clock[0], sleep=sleep)


def with_stamp(info, stamp):
    """*info* with the stamp in its metadata."""
    user = {**stamps.without(info.meta.user), stamps.NAME: stamp.text()}
    return replace(info, meta=replace(info.meta, user=user))


class OneByOne:
    """Delivers tasks by a function of one task and the deadline; *brief*: of each, whether it takes a moment."""

    def __init__(self, deliver, *, brief=False):
        self.deliver, self.takes_a_moment = deliver, brief

    def together(self, task):
        return 1

    def brief(self, task):
        return self.takes_a_moment

    def __call__(self, tasks, deadline):
        return [self.deliver(task, deadline) for task in tasks]
