"""What can go wrong between a request and its answer. `http.outcome` says what each means to whom."""


class NoAnswer(Exception):
    """No whole answer came."""


class NotSent(NoAnswer):
    """No connection came about, so nothing of the request reached the server.

    Name, route, handshake or proxy failed, or the time was up before. Or the server was asked whether it wants the
    body, and hung up: nothing can have been made of a head alone.
    """


class Untrusted(NotSent):
    """The server's certificate is not trusted, or names another host."""


class Misaddressed(NotSent):
    """The server speaks plain HTTP where the address says https, or the other way round; nothing of it was done."""


class Unsendable(NotSent):
    """The request is none that HTTP can carry: a line break or a letter outside of Latin-1 in a header."""


class HungUp(NoAnswer):
    """The connection ended, or nothing came in time, before there was a whole head of an answer."""


class Malformed(NoAnswer):
    """What came is not HTTP/1, or more than any answer has to say."""


class CutShort(NoAnswer):
    """The answer's body ended before its length, or nothing more of it came in time."""


class Interrupted(Exception):
    """The server does not take any more of the request; `by` is the connection that noticed.

    Attributes:
        first: nothing of the request may have arrived; *bodiless*: surely nothing of its body has.
    """

    def __init__(self, by: object, *, first: bool, bodiless: bool = False) -> None:
        self.by, self.first, self.bodiless = by, first, bodiless
        super().__init__("the server hung up while the request was sent")


class BodyFailed(Exception):
    """The body of a request could not be had; `error` is what its `pour` raised. Nothing was published."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        super().__init__(str(error))
