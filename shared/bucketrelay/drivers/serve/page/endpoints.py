"""`GET /` and what belongs to it: the overview, a question before each deed, the deed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from bucketrelay.drivers.serve.guard import rights, who
from bucketrelay.drivers.serve.jobs import estimate_job, replay_job
from bucketrelay.drivers.serve.page import view
from bucketrelay.drivers.serve.page.filter import Filter
from bucketrelay.drivers.serve.world import Serving
from bucketrelay.drivers.status import Line, Watch
from bucketrelay.errors import BadEvent
from bucketrelay.model import Result
from bucketrelay.reports.acts import Act, last, write_down
from bucketrelay.reports.estimates import last_estimate
from bucketrelay.reports.printable import printable
from bucketrelay.values import dataclass, field

FILES = Path(__file__).parent / "files"
# Nothing but our own style and script, no frame around us, no form to anywhere else: a hostile key stays a text.
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_FRESH = 2.0  # seconds that a look at the lists holds
_MOST_DEAD = 50
_OF_A_ROUTE = ("go", "estimate")  # what is never done for all routes at once


@dataclass(frozen=True, slots=True)
class ActButton:
    """Something that may be done: the question, the button, and how it is said afterwards."""

    question: str
    words: str
    button: str
    danger: bool = False


DEEDS = {
    "redo": ActButton(
        "Redo {count}?", "Each is looked at again, and copied or deleted as its source says now.", "redo {count}"
    ),
    "forget": ActButton(
        "Forget what no route wants any more?",
        "Lines whose route or target has left the configuration are put away. Objects stay as they are.",
        "forget them",
        danger=True,
    ),
    "go": ActButton(
        "Do the deletes of {route} that are held?",
        "Everything that the fuse held is deleted at the targets, where the source still has no such key.",
        "delete them",
        danger=True,
    ),
    "retry": ActButton("Retry {count} dead jobs?", "Each gets all its attempts again.", "retry {count}"),
    "estimate": ActButton(
        "Count what a backfill of {route} takes?", "Both sides are listed; nothing is written there.", "count it"
    ),
}


@dataclass(slots=True)
class Page:
    """The operator's page of one server.

    Args:
        watch: reads the lists as they grow.
        schedules: what is done when, in words.
        sleep: between two looks whether something has changed.
    """

    serving: Serving
    watch: Watch
    schedules: Sequence[str] = ()
    sleep: Callable[[float], Any] = asyncio.sleep
    _lock: Lock = field(default_factory=Lock)
    _last: tuple[float, list[Line]] | None = None
    _templates: Environment = field(
        default_factory=lambda: Environment(loader=FileSystemLoader(FILES), autoescape=True, undefined=StrictUndefined)
    )

    def lines(self) -> list[Line]:
        """How things stand now, or stood some seconds ago. One request reads the lists, the others wait for it."""
        with self._lock:
            now = self.serving.system.now().timestamp()
            if self._last is None or not 0 <= now - self._last[0] < _FRESH:
                self._last = now, self.watch.lines()
            return self._last[1]

    def failures(self) -> list[Result]:
        """The last failure of each key that is not right yet, as the page counts them."""
        self.lines()
        return list(self.watch.tally.open())

    async def overview(self, request: Request) -> Response:
        """Everything, as far as the filter in the address lets it through."""
        return self._html(await run_in_threadpool(self._overview, request))

    async def confirm(self, request: Request) -> Response:
        """Asks before a deed is done, and says how many objects or jobs it is about."""
        what, shown = request.query_params.get("what", ""), Filter.of(request.query_params)
        if what not in DEEDS:
            return _refusal(404, "there is no such thing to do")
        if what in _OF_A_ROUTE and not shown.route:
            return _refusal(400, "say which route: this is never done for all at once")
        return self._html(await run_in_threadpool(self._confirm, request, what, shown))

    async def act(self, request: Request) -> Response:
        """The deed."""
        try:
            given = dict(parse_qsl((await request.body()).decode(errors="replace"), max_num_fields=20))
        except ValueError:
            return _refusal(400, "that is no form of this page")
        what, shown = given.get("what", ""), Filter.of(given)
        if what not in DEEDS:
            return _refusal(404, "there is no such thing to do")
        try:
            words = await run_in_threadpool(self._act, what, shown, who(request))
        except BadEvent as error:
            return _refusal(400, str(error))
        return RedirectResponse(f"./?{urlencode({**shown.members, 'done': words})}", 303, HEADERS)

    async def live(self, _: Request) -> Response:
        """Says `changed` whenever another look would show something else."""
        return StreamingResponse(self._changes(), media_type="text/event-stream", headers=HEADERS)

    async def style(self, _: Request) -> Response:
        """The style sheet."""
        return Response((FILES / "page.css").read_bytes(), media_type="text/css", headers=HEADERS)

    async def script(self, _: Request) -> Response:
        """The script, without which the page is whole as well."""
        return Response((FILES / "page.js").read_bytes(), media_type="text/javascript", headers=HEADERS)

    # In a thread.

    def _overview(self, request: Request) -> str:
        shown, system, queue = Filter.of(request.query_params), self.serving.system, self.serving.queue
        lines, counts = self.lines(), queue.counts()
        dead = list(islice(queue.dead(), _MOST_DEAD)) if counts.dead else []
        return self._render(
            "overview.html",
            request,
            **view.overview(self.watch, lines, shown, system.now()),
            **view.jobs_words(counts, dead),
            done=printable(request.query_params.get("done", "")[:200]),
            schedules=self.schedules,
            acts=view.acts(last(system.log(), system.now())),
            estimate=self._estimate(shown.route),
            unreadable=[printable(words) for words in self.watch.unreadable[-5:]],
        )

    def _estimate(self, name: str) -> dict[str, Any] | None:
        """What a backfill of the one route that is shown takes, as it was counted last."""
        system = self.serving.system
        targets = next((route.targets for route in system.routes if route.name == name), ())
        return view.estimate(last_estimate(system.log(), name)) if targets else None

    def _confirm(self, request: Request, what: str, shown: Filter) -> str:
        deed, names = DEEDS[what], {"count": self._count(what, shown), "route": printable(shown.route) or "all routes"}
        return self._render(
            "confirm.html",
            request,
            now=view.clock(self.serving.system.now()),
            question=deed.question.format(**names),
            words=deed.words,
            button=deed.button.format(**names),
            danger=deed.danger,
            what=what,
            filter=shown,
        )

    def _act(self, what: str, shown: Filter, name: str) -> str:
        serving, count = self.serving, self._count(what, shown)
        routes = frozenset(route.name for route in serving.system.routes)
        if (shown.route or what in _OF_A_ROUTE) and shown.route not in routes:
            raise BadEvent(f"no route is named {shown.route[:60]!a}: a page of some time ago? load it again")
        if what in ("redo", "retry") and not count:
            return "nothing waits there any more: nothing was done"
        write_down(serving.system.log(), Act(serving.system.now(), name, what, shown.members, count))
        if what == "retry":
            return f"{serving.queue.retry(None)} jobs wait again"
        if what == "estimate":
            [number] = serving.queue.enqueue([estimate_job(shown.route)]).ids
            return f"estimate of {shown.route}: job {number} waits for a worker"
        job = replay_job(shown.members, routes, "go" if what == "go" else "forget" if what == "forget" else "")
        [number] = serving.queue.enqueue([job]).ids
        about = f"{count} objects" if what == "redo" else what
        return f"{about}: job {number} waits for a worker"

    def _count(self, what: str, shown: Filter) -> int:
        if what == "retry":
            return self.serving.queue.counts().dead
        self.lines()
        return sum(1 for _ in shown.failures(self.watch.tally))

    def _render(self, template: str, request: Request, **words: Any) -> str:
        may_change, _ = rights(request.headers.get("authorization", ""), self.serving.guarding)
        reader = not (may_change or self.serving.guarding.open)
        return self._templates.get_template(template).render(reader=reader, **words)

    def _html(self, text: str) -> Response:
        return HTMLResponse(text, headers=HEADERS)

    async def _changes(self) -> AsyncIterator[str]:
        before: object = None
        while True:
            lines = await run_in_threadpool(self.lines)
            now = [line.members() | {"behind": 0} for line in lines]
            yield ": still here\n\n" if before in (None, now) else "event: changed\ndata: 1\n\n"
            before = now
            await self.sleep(5.0)


def page_routes(page: Page) -> list[Route]:
    """What the page answers to."""
    return [
        Route("/", page.overview, methods=["GET"]),
        Route("/confirm", page.confirm, methods=["GET"]),
        Route("/act", page.act, methods=["POST"]),
        Route("/live", page.live, methods=["GET"]),
        Route("/page.css", page.style, methods=["GET"]),
        Route("/page.js", page.script, methods=["GET"]),
    ]


def _refusal(status: int, words: str) -> Response:
    return PlainTextResponse(words, status, HEADERS)
