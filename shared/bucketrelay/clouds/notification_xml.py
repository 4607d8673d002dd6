"""The notification document of a bucket, of S3 and of OBS, which took it over: read, merged, written. Pure.

A PUT of the document replaces all of it, so what is put is what was there, byte for byte, with one element of ours more
or less. It is not taken apart by an SDK: those drop what they do not know (esdk-obs-python 3.26 a filter in the other
dialect, botocore an element newer than itself), and what they drop would be gone for good.
"""

from collections.abc import Iterable, Sequence
from urllib.parse import unquote_plus
from xml.parsers import expat
from xml.sax.saxutils import escape

from bucketrelay.clouds.bucket import ChangedMeanwhile, Overlap, Plan, Step, Verb
from bucketrelay.errors import StoreUnavailable
from bucketrelay.values import dataclass, field

_ROOT = "NotificationConfiguration"
_NONE = "GetBucketNotificationResponse"  # moto's answer where there is none
_DEEPEST = 20  # elements inside each other; a filter's value is the sixth
_TARGETS = ("Queue", "Topic", "CloudFunction", "FunctionGraph", "FunctionStage")


@dataclass(frozen=True, slots=True)
class Rule:
    """One element of the document: which events of which keys go where."""

    kind: str  # QueueConfiguration, TopicConfiguration …
    id: str
    target: str
    events: tuple[str, ...]  # without `s3:`
    prefix: str
    suffix: str
    raw: bytes = field(repr=False)

    def describe(self) -> str:
        """For a person."""
        keys = f"{self.prefix}*{self.suffix}" if self.prefix or self.suffix else "all keys"
        return f"{self.kind.removesuffix('Configuration')} {self.id or 'without a name'}: {', '.join(self.events)}" + (
            f" of {keys} to {self.target}" if self.target else ""
        )

    def brings(self, event: str, prefix: str) -> bool:
        """Whether it brings every *event* (such as `ObjectCreated:*`) of every key that begins with *prefix*."""
        return prefix.startswith(self.prefix) and not self.suffix and _covers(self.events, event)

    def overlaps(self, other: "Rule") -> bool:
        """Whether some event of some key is in both: S3 then refuses the whole document.

        Source: S3 user guide, "Configuring event notifications using object key name filtering".
        """
        return (
            any(_meet(one, two) for one in self.events for two in other.events)
            and (self.prefix.startswith(other.prefix) or other.prefix.startswith(self.prefix))
            and (self.suffix.endswith(other.suffix) or other.suffix.endswith(self.suffix))
        )


@dataclass(frozen=True, slots=True)
class Document:
    """A notification document. What stands between its elements is kept with `head` and `tail`."""

    head: bytes = b"<NotificationConfiguration>"
    rules: tuple[Rule, ...] = ()
    between: tuple[bytes, ...] = ()  # what stood before each rule: line breaks, comments
    tail: bytes = b"</NotificationConfiguration>"

    def to_bytes(self) -> bytes:
        """As it goes over the wire."""
        inner = b"".join(gap + rule.raw for gap, rule in zip(self.between, self.rules, strict=True))
        return self.head + inner + self.tail

    def without(self, own: str) -> "Document":
        """The same without the rules of that id."""
        kept = [(gap, rule) for gap, rule in zip(self.between, self.rules, strict=True) if rule.id != own]
        return Document(self.head, tuple(r for _, r in kept), tuple(g for g, _ in kept), self.tail)

    def having(self, rule: Rule) -> "Document":
        """The same with one more rule, at its end."""
        return Document(self.head, (*self.rules, rule), (*self.between, b""), self.tail)


def merge(document: Document, wanted: Rule) -> Document:
    """*document* with *wanted* in it, and nothing else changed; *document* itself where no more is needed.

    Nothing is needed where our rule is there already, or where others bring the same events of the same keys to the
    same target: a stack that was deployed with its notifications.

    Raises:
        Overlap: a rule that is not ours is in the way.
    """
    ours = [rule for rule in document.rules if rule.id == wanted.id]
    if len(ours) == 1 and _alike(ours[0], wanted):
        return document
    rest = document.without(wanted.id)
    same = [rule for rule in rest.rules if rule.kind == wanted.kind and rule.target == wanted.target]
    if same and all(any(rule.brings(event, wanted.prefix) for rule in same) for event in wanted.events):
        return rest if ours else document
    for rule in rest.rules:
        if rule.overlaps(wanted):
            raise Overlap(
                f"the bucket's rule {rule.describe()} has some of the same events of the same keys, and a second rule"
                " for them would be refused: change that rule, give the store a prefix of its own, or fan out from its"
                " target; nothing was changed"
            )
    return rest.having(wanted)


def remove_rule(document: Document, own: str) -> Document:
    """*document* without our rule; *document* itself where there is none."""
    return document.without(own) if any(rule.id == own for rule in document.rules) else document


def plan_with(document: Document, rule: Rule, notes: tuple[str, ...] = ()) -> Plan:
    """What has to change so that *document* has *rule*, one of ours.

    Args:
        notes: of a plan that changes something.

    Raises:
        Overlap: a rule that is not ours is in the way.
    """
    after = merge(document, rule)
    mine = any(known.id == rule.id for known in document.rules)
    if after is document:
        return Plan(notes=() if mine else (f"{rule.target} has these events already, by rules not of this route",))
    verb: Verb = "remove" if rule not in after.rules else "replace" if mine else "add"
    return Plan((Step(verb, rule.id, rule.describe()),), notes, document.to_bytes(), after.to_bytes())


def plan_without(document: Document, own: str, notes: tuple[str, ...] = ()) -> Plan:
    """What has to change so that *document* has no rule of the id *own*."""
    after = remove_rule(document, own)
    if after is document:
        return Plan(notes=notes)
    steps = tuple(Step("remove", rule.id, rule.describe()) for rule in document.rules if rule.id == own)
    return Plan(steps, notes, document.to_bytes(), after.to_bytes())


def check_unchanged(plan: Plan, document: Document, url: str) -> None:
    """Raise ChangedMeanwhile where *document* is not what *plan* began with: writing would undo what somebody did."""
    if document.to_bytes() != plan.before:
        raise ChangedMeanwhile(f"{url}: its notifications were changed meanwhile: run it again")


def reach(rules: Iterable[Rule], events: Sequence[str], prefix: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """Which of *events* of the keys below *prefix* are brought to somebody, and to whom."""
    filters = list(rules)
    brought = {event: [rule for rule in filters if rule.target and rule.brings(event, prefix)] for event in events}
    targets = dict.fromkeys(rule.target for some in brought.values() for rule in some)
    return frozenset(event for event, some in brought.items() if some), tuple(targets)


def rule_of(
    kind: str, own: str, target: str, events: Sequence[str], prefix: str, *, filter_name: str, event_prefix: str = ""
) -> Rule:
    """A rule of ours.

    Args:
        kind: the element, without `Configuration`.
        filter_name: `S3Key`, in the OBS dialect `Object`.
        event_prefix: of the events' names on the wire: `s3:`.
    """
    kept = f"<{filter_name}><FilterRule><Name>prefix</Name><Value>{escape(prefix)}</Value></FilterRule></{filter_name}>"
    raw = (
        f"<{kind}Configuration><Id>{escape(own)}</Id>{f'<Filter>{kept}</Filter>' if prefix else ''}"
        f"<{kind}>{escape(target)}</{kind}>"
        f"{''.join(f'<Event>{event_prefix}{event}</Event>' for event in events)}</{kind}Configuration>"
    )
    return Rule(f"{kind}Configuration", own, target, tuple(events), unquote_plus(prefix), "", raw.encode())


def parse(text: bytes, where: str, *, empty: bytes = b"<NotificationConfiguration>") -> Document:
    """The document in *text*.

    Args:
        where: for the message.
        empty: how the document begins where there is none yet.

    Raises:
        StoreUnavailable: it is none. Writing over what cannot be read would lose it.
    """
    if not text.strip():
        return Document(empty)
    if b"\0" in text:  # UTF-16: the parser counts other positions than those in these bytes
        raise StoreUnavailable(
            f"{where}: the notification document is not in UTF-8: nothing was changed, read it by hand"
        )
    reader = _Reader(text)
    try:
        reader.run()
    except (expat.ExpatError, LookupError, ValueError) as error:  # LookupError: an encoding that nobody knows
        raise StoreUnavailable(
            f"{where}: what was answered is no notification document ({str(error)[:200]}): nothing was changed,"
            " try again later"
        ) from error
    if reader.root != _ROOT:
        if reader.rules or reader.root != _NONE:
            raise StoreUnavailable(f"{where}: <{reader.root}> was answered instead of <{_ROOT}>: nothing was changed")
        return Document(empty)
    return reader.document(empty)


class _Reader:
    """One pass over the document that notes where each element begins and ends."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self.root = ""
        self.rules: list[Rule] = []
        self._spans: list[tuple[int, int]] = []
        self._path: list[str] = []
        self._words: list[str] = []
        self._said: list[tuple[str, str]] = []  # the leaves of the element that is being read
        self._start = self._end = 0
        self._inside = -1  # where the root's content begins
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start_element
        self._parser.EndElementHandler = self._end_element
        self._parser.CharacterDataHandler = self._words.append
        self._parser.StartDoctypeDeclHandler = self._no_doctype

    def run(self) -> None:
        """Read all of it."""
        self._parser.Parse(self._text, True)

    def document(self, empty: bytes) -> Document:
        """What was read."""
        if not self._spans:
            if self._text[: self._end].rstrip().endswith(b"/>"):
                return Document(empty)
            return Document(self._text[: self._end], (), (), self._text[self._end :])
        first, last = self._spans[0], self._spans[-1]
        ends = [first[0], *(end for _, end in self._spans)]
        gaps = [self._text[end:start] for end, (start, _) in zip(ends, self._spans, strict=False)]
        return Document(self._text[: first[0]], tuple(self.rules), tuple(gaps), self._text[last[1] :])

    def _no_doctype(self, *_: object) -> None:
        raise ValueError("a document type declaration")

    def _start_element(self, name: str, _: object) -> None:
        if len(self._path) == _DEEPEST:
            raise ValueError(f"more than {_DEEPEST} elements inside each other")
        if not self._path:
            self.root = name.rpartition(":")[2]
        if len(self._path) == 1:
            self._start, self._said = self._parser.CurrentByteIndex, []
        self._path.append(name)
        self._words.clear()

    def _end_element(self, name: str) -> None:
        at = self._parser.CurrentByteIndex
        if len(self._path) > 2:
            self._said.append(("/".join(n.rpartition(":")[2] for n in self._path[2:]), "".join(self._words).strip()))
        elif len(self._path) == 2:
            # The parser reports the end of <A/> behind it, and of <A></A> before the closing tag.
            closing = self._text.startswith(b"</" + name.encode(), at)
            end = self._text.index(b">", at) + 1 if closing else at
            self._spans.append((self._start, end))
            self.rules.append(_rule(name.rpartition(":")[2], self._said, self._text[self._start : end]))
        else:
            self._end = at
        self._path.pop()
        self._words.clear()


def _rule(kind: str, filters: Sequence[tuple[str, str]], raw: bytes) -> Rule:
    leaves = dict(filters)
    events = tuple(value.removeprefix("s3:") for name, value in filters if name == "Event")
    names = [value.lower() for name, value in filters if name.endswith("FilterRule/Name")]
    values = [unquote_plus(value) for name, value in filters if name.endswith("FilterRule/Value")]
    kept = dict(zip(names, values, strict=False))
    target = next((leaves[name] for name in _TARGETS if name in leaves), "")
    return Rule(kind, leaves.get("Id", ""), target, events, kept.get("prefix", ""), kept.get("suffix", ""), raw)


def _alike(one: Rule, other: Rule) -> bool:
    return (one.kind, one.target, set(one.events), one.prefix, one.suffix) == (
        other.kind,
        other.target,
        set(other.events),
        other.prefix,
        other.suffix,
    )


def _covers(events: Iterable[str], event: str) -> bool:
    return any(event == known or (known.endswith(":*") and event.startswith(known[:-1])) for known in events)


def _meet(one: str, other: str) -> bool:
    return _covers([one], other) or _covers([other], one)
