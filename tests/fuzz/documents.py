"""Documents that services answer with: listings, tags, notifications, rules."""

import json
from typing import Any

from hypothesis import strategies as st

from bucketrelay.clouds import notification_xml as notification
from bucketrelay.clouds.bucket import Overlap, Wish
from bucketrelay.clouds.huawei import listings as obs_listings
from bucketrelay.clouds.oracle import rules as oci_rules
from bucketrelay.errors import StoreUnavailable
from bucketrelay.model import Address
from fuzz import made
from fuzz.target import Target, one_line

LISTING = (
    '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://obs.myhwclouds.com/doc/2015-06-30/">'
    "<Name>b</Name><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><NextMarker>in%2Fa</NextMarker>"
    "<Contents><Key>in%2Fa</Key><LastModified>2026-11-21T09:15:00.123456789Z</LastModified>"
    '<ETag>"d41d8cd98f00b204e9800998ecf8427e"</ETag><Size>7</Size></Contents></ListBucketResult>'
)
TAGS = "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"
NOTIFICATION = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">\n'
    b"<!-- ours --><QueueConfiguration><Id>bucketrelay-photos</Id><Filter><S3Key><FilterRule><Name>prefix</Name>"
    b"<Value>in/%C3%A9</Value></FilterRule><FilterRule><Name>Suffix</Name><Value>.jpg</Value></FilterRule></S3Key></Filter>"
    b"<Queue>arn:aws:sqs:eu-central-1:1:q</Queue><Event>s3:ObjectCreated:*</Event></QueueConfiguration>"
    b"<EventBridgeConfiguration/></NotificationConfiguration>"
)
RULE = {
    "displayName": "bucketrelay-photos",
    "id": "ocid1.eventrule.x",
    "isEnabled": True,
    "condition": json.dumps(
        {
            "eventType": [f"com.oraclecloud.objectstorage.{what}object" for what in ("create", "update", "delete")],
            "data": {"resourceName": "in/*", "additionalDetails": {"bucketName": ["b"], "namespace": "*"}},
        }
    ),
    "actions": {"actions": [{"actionType": "FAAS", "isEnabled": True, "functionId": "ocid1.fnfunc.x"}]},
}
_PLACE = Address("oci", "b", "n", "in/")
_XML = (
    *(
        "ListBucketResult",
        "Contents",
        "Key",
        "Size",
        "ETag",
        "LastModified",
        "IsTruncated",
        "NextMarker",
        "EncodingType",
    ),
    *("Tagging", "TagSet", "Tag", "Value", "NotificationConfiguration", "QueueConfiguration", "Filter", "S3Key", "Id"),
    *("FilterRule", "Name", "Queue", "Event", "x:Event", "GetBucketNotificationResponse"),
)
_SAID = ("true", "url", "in/", "prefix", "s3:ObjectCreated:*", "arn:aws:sqs:x", "bucketrelay-photos", "%ff", "7")


def _listing(text: str) -> None:
    page = obs_listings.objects_of(text.encode("utf-8", "surrogatepass"), "b", "obs://b")
    for info in page.rows:
        assert info.size >= 0
        assert info.modified is None or info.modified.tzinfo
        assert info.key.encode() is not None
        assert "\ufffd" not in info.key or "\ufffd" in text or "%EF%BF%BD" in text.upper(), (
            "another key than the bucket's"
        )


def _tags(text: str) -> None:
    for name, value in obs_listings.tags_of(text.encode("utf-8", "surrogatepass"), "obs://b").items():
        assert (name + value).encode() is not None


def _notification(raw: bytes) -> None:
    """Whatever is there is written back byte for byte, with a rule of ours more or less."""
    try:
        found = notification.parse(raw, "s3://b")
    except StoreUnavailable as error:
        one_line(error)
        return
    if found.rules:
        assert found.to_bytes() == raw
    ours = notification.rule_of(
        "Queue",
        "bucketrelay-photos",
        "arn:aws:sqs:x",
        ("ObjectCreated:*",),
        "in/",
        filter_name="S3Key",
        event_prefix="s3:",
    )
    notification.reach(found.rules, ("ObjectCreated:*",), "in/")
    [rule.describe() for rule in found.rules]
    try:
        after = notification.merge(found, ours)
    except Overlap:
        return
    if after is not found:
        again = notification.parse(after.to_bytes(), "s3://b")
        kept = [rule.raw for rule in found.rules if rule.id != ours.id]
        assert [rule.raw for rule in again.rules] == kept + [ours.raw] * (ours in after.rules)


def _rule(rule: Any) -> None:
    """Events' rules as the SDK hands them on; the condition is whatever somebody wrote."""
    from bucketrelay.clouds.oracle.bucket import _describe

    condition = rule.get("condition")
    given = {**RULE, "condition": condition if isinstance(condition, str) else json.dumps(condition)}
    wanted = oci_rules.rule_of(Wish("photos", "function", "ocid1.fnfunc.x"), _PLACE, RULE["actions"]["actions"][0], "c")
    for place in (_PLACE, Address("oci", "b")):
        oci_rules.brings(given, place)
        oci_rules.brings(given, place, RULE["actions"]["actions"][0])
        oci_rules.concerns(given["condition"], place)
    oci_rules.same(given, wanted)
    _describe(given)


def _deep(core: str, root: str, size: int) -> list[str]:
    depth = size // 7
    tenfold = "".join(f"<!ENTITY {chr(99 + n)} '{f'&{chr(98 + n)};' * 10}'>" for n in range(8))
    return [
        f"<{root}>" + "<a>" * depth + "</a>" * depth + f"</{root}>",
        f"<{root}>" + "<a/>" * (size // 4) + f"</{root}>",
        f"<{root}>" + "&lt;" * (size // 4) + f"</{root}>",
        f"<{root} " + " ".join(f'a{n}="{n}"' for n in range(size // 14)) + f">{core}</{root}>",
        f"<!DOCTYPE a [<!ENTITY b '{'x' * 1000}'>{tenfold}]><{root}>&j;</{root}>",
        f"<{root}><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><NextMarker>" + "%41" * (size // 3)
        + f"</NextMarker></{root}>",
    ]  # fmt: skip


TARGETS = (
    Target(
        "obs listing",
        _listing,
        lambda: [LISTING],
        lambda: made.markup(_XML, _SAID).map(
            lambda inner: f"<ListBucketResult><Name>b</Name>{inner}</ListBucketResult>"
        ),
        (StoreUnavailable,),
        (*_XML, *_SAID),
        hostile=lambda size: _deep("", "ListBucketResult", size),
        memory=200,
        quick=250,
    ),
    Target(
        "obs tags",
        _tags,
        lambda: [TAGS],
        lambda: made.markup(_XML, _SAID).map(lambda inner: f"<Tagging>{inner}</Tagging>"),
        (StoreUnavailable,),
        (*_XML, *_SAID),
        hostile=lambda size: _deep("", "Tagging", size),
        memory=200,
    ),
    Target(
        "notification",
        _notification,
        lambda: [NOTIFICATION, NOTIFICATION.decode().replace("UTF-8", "UTF-16").encode("utf-16")],
        lambda: (
            made.markup(_XML, _SAID)
            .map(lambda inner: f"<NotificationConfiguration>{inner}</NotificationConfiguration>")
            .map(lambda text: text.encode("utf-8", "surrogatepass"))
            | st.binary(max_size=60)
        ),
        (),
        (*_XML, *_SAID),
        hostile=lambda size: [text.encode() for text in _deep("", "NotificationConfiguration", size)],
        memory=400,  # an element of four bytes is a rule of ours
        quick=400,
    ),
    Target(
        "oci rule",
        _rule,
        lambda: [{"condition": json.loads(RULE["condition"])}, {"condition": RULE["condition"]}],
        lambda: st.fixed_dictionaries(
            {
                "condition": made.json_values(
                    ("eventType", "data", "additionalDetails", "bucketName", "resourceName", "*")
                )
            }
        ),
        (),
        (
            "eventType",
            "data",
            "additionalDetails",
            "bucketName",
            "namespace",
            "resourceName",
            "*",
            "in/*",
            "[!a-",
            "[z-a]",
        ),
        typed=False,
        hostile=lambda size: [
            *({"condition": c} for c in ("[" * size, '{"data":' * (size // 8), "9" * size)),
            {"condition": {"eventType": "*a" * (size // 2)}},
            {"condition": {"eventType": "[" * size}},
        ],
        quick=250,
    ),
)
