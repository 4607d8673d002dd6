"""Merging notification documents: what is not ours is the same bytes before and after, whatever it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.clouds.bucket import CREATED, EXPIRED, REMOVED, Overlap
from bucketrelay.clouds.notification_xml import Document, merge, parse, reach, remove_rule, rule_of
from bucketrelay.errors import StoreUnavailable

OWN = "bucketrelay-r"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:relay"
EVENTS = (CREATED, REMOVED, EXPIRED)
HEADS = (
    b"<NotificationConfiguration>",
    b'<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">',
    b'<?xml version="1.0" encoding="UTF-8"?>\n<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">\n',
)
TAIL = b"</NotificationConfiguration>"


def wanted(prefix="in/", target=QUEUE, own=OWN):
    return rule_of("Queue", own, target, EVENTS, prefix, filter_name="S3Key", event_prefix="s3:")


def foreign(name, prefix, *, suffix="", event="s3:ObjectCreated:*", kind="Queue", target="arn:aws:sqs:::theirs"):
    rules = f"<FilterRule><Name>Prefix</Name><Value>{prefix}</Value></FilterRule>"
    rules += f"<FilterRule><Name>suffix</Name><Value>{suffix}</Value></FilterRule>" if suffix else ""
    return (
        f"<{kind}Configuration><Id>{name}</Id><{kind}>{target}</{kind}><Event>{event}</Event>"
        f"<Filter><S3Key>{rules}</S3Key></Filter></{kind}Configuration>"
    )


def document(*rules, head=HEADS[1]):
    return parse(head + "".join(rules).encode() + TAIL, "s3://b")


# Elements as others may write them: spaced, commented, self-closing, unknown to every SDK; never below our prefix.
_SPACE = st.sampled_from(["", "\n", "\n  ", "\t", "<!-- kept -->"])
_NAME = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="<>&"), max_size=12)
_FOREIGN = st.one_of(
    st.builds(
        lambda name, prefix, kind: foreign(name, f"theirs/{prefix}", kind=kind),
        _NAME,
        _NAME,
        st.sampled_from(["Queue", "Topic", "CloudFunction", "FunctionGraph", "FunctionStage"]),
    ),
    st.sampled_from(
        [
            "<EventBridgeConfiguration/>",
            "<EventBridgeConfiguration></EventBridgeConfiguration>",
            "<EventBridgeConfiguration />",
            '<NewConfiguration kind="a>b"><Deep><Deeper/></Deep> text &amp; more</NewConfiguration>',
            '<NewConfiguration xmlns:x="urn:x"><x:Thing>1</x:Thing></NewConfiguration>',
        ]
    ),
)
_DOCUMENTS = st.tuples(st.sampled_from(HEADS), st.lists(st.tuples(_SPACE, _FOREIGN), max_size=5), _SPACE)


def _bytes(made):
    head, rules, end = made
    return head + "".join(space + rule for space, rule in rules).encode() + end.encode() + TAIL


@given(_DOCUMENTS)
def test_a_document_that_is_read_is_written_as_the_same_bytes(made):
    assert parse(_bytes(made), "s3://b").to_bytes() == _bytes(made)


@given(_DOCUMENTS)
def test_what_is_foreign_is_the_same_bytes_after_wiring_and_undoing(made):
    before = _bytes(made)
    wired = merge(parse(before, "s3://b"), wanted())
    text = wired.to_bytes()

    assert text.replace(wanted().raw, b"", 1) == before  # ours more, and nothing else
    again = parse(text, "s3://b")
    assert merge(again, wanted()) is again
    assert remove_rule(again, OWN).to_bytes() == before


@given(_DOCUMENTS, _DOCUMENTS)
def test_our_rule_is_replaced_wherever_it_stands_and_the_rest_stays(before, after):
    old = wanted(target="arn:aws:sqs:::old").raw
    rules = [*(s + r for s, r in before[1]), old.decode(), *(s + r for s, r in after[1])]
    found = document(*rules, head=before[0])
    kept = [rule.raw for rule in merge(found, wanted()).rules if rule.id != OWN]

    assert kept == [rule.raw for rule in found.rules if rule.id != OWN]
    assert [rule.raw for rule in merge(found, wanted()).rules if rule.id == OWN] == [wanted().raw]


def test_nothing_there_yet_becomes_a_document_with_our_rule_alone():
    for text in (b"", b" \n", HEADS[0][:-1] + b"/>", b"<GetBucketNotificationResponse xmlns='x'/>"):
        assert merge(parse(text, "s3://b", empty=HEADS[1]), wanted()).to_bytes() == HEADS[1] + wanted().raw + TAIL


@pytest.mark.parametrize(
    ("prefix", "suffix", "event"),
    [
        ("", "", "s3:ObjectCreated:*"),
        ("in/", "", "s3:ObjectCreated:Put"),
        ("in/deep/", "", "s3:ObjectRemoved:Delete"),
        ("i", ".jpg", "s3:ObjectCreated:Copy"),
    ],
)
def test_a_foreign_rule_for_some_of_the_same_events_of_the_same_keys_is_refused_and_named(prefix, suffix, event):
    with pytest.raises(Overlap, match=r"thumbnails.*nothing was changed"):
        merge(document(foreign("thumbnails", prefix, suffix=suffix, event=event)), wanted())


@pytest.mark.parametrize(
    ("prefix", "event"),
    [("out/", "s3:ObjectCreated:*"), ("in/", "s3:ObjectTagging:*"), ("in/", "s3:ObjectRestore:Post")],
)
def test_a_foreign_rule_for_other_keys_or_other_events_is_no_hindrance(prefix, event):
    assert len(merge(document(foreign("theirs", prefix, event=event)), wanted()).rules) == 2


def test_rules_that_already_bring_all_the_events_to_the_target_are_enough():
    rules = [foreign(f"stack-{n}", "", event=f"s3:{event}", target=QUEUE) for n, event in enumerate(EVENTS)]
    found = document(*rules)

    assert merge(found, wanted()) is found
    with pytest.raises(Overlap):  # one event is missing, and a second rule may not have the others
        merge(document(*rules[:2]), wanted())


def test_ours_gives_way_where_others_bring_the_events_to_the_target():
    rules = [foreign(f"stack-{n}", "", event=f"s3:{event}", target=QUEUE) for n, event in enumerate(EVENTS)]

    assert merge(document(wanted(target="arn:aws:sqs:::old").raw.decode(), *rules), wanted()).to_bytes() == (
        document(*rules).to_bytes()
    )


def test_filters_are_compared_as_what_they_mean():
    found = document(foreign("theirs", "a+b%20c/", target=QUEUE))

    assert found.rules[0].prefix == "a b c/"
    with pytest.raises(Overlap):
        merge(found, wanted(prefix="a%20b%20c/"))


@pytest.mark.parametrize(
    "text",
    [
        b"<NotificationConfiguration>",
        b"not xml",
        b"<html/>",
        b"<html><body>a proxy's page</body></html>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><NotificationConfiguration>&a;</NotificationConfiguration>',
    ],
)
def test_what_cannot_be_read_is_never_written_over(text):
    with pytest.raises(StoreUnavailable, match="nothing was changed"):
        parse(text, "s3://b")


def test_who_is_told_of_what_is_read_from_all_rules_together():
    found = document(foreign("a", "", target="A"), foreign("b", "", event="s3:ObjectRemoved:*", target="B"))

    assert reach(found.rules, EVENTS, "in/") == (frozenset({CREATED, REMOVED}), ("A", "B"))
    assert reach(document(foreign("a", "", suffix=".jpg")).rules, EVENTS, "in/") == (frozenset(), ())
    assert reach(Document().rules, EVENTS, "") == (frozenset(), ())


def test_odd_characters_in_names_are_escaped():
    rule = rule_of("Queue", "a<b", "arn:x&y", (CREATED,), "p&q/", filter_name="S3Key")

    assert parse(HEADS[0] + rule.raw + TAIL, "s3://b").rules == (rule,)
