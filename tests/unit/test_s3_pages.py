"""A page of a listing means the same, whether the fast pattern takes it or the tree of elements."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.clouds.aws import rows
from bucketrelay.clouds.aws.documents import NoDocument, read

_TIME = "<LastModified>2026-11-21T09:15:00.000Z</LastModified>"
_OWNER = "<Owner><ID>1</ID><DisplayName>a b</DisplayName></Owner>"
_CLASS = "<StorageClass>STANDARD</StorageClass>"
_SUMS = "<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType>"
_ETAG = "<ETag>&quot;9e107d9d372bb6826bd81d3542a419d6-2&quot;</ETag>"

# As servers write an object: AWS, MinIO, Ceph, rclone (Go's quotes), moto (its line ends).
_SHAPES = [
    f"<Contents><Key>{{key}}</Key>{_TIME}{_ETAG}{_SUMS}<Size>12</Size>{_CLASS}</Contents>",
    f"<Contents><Key>{{key}}</Key>{_TIME}{_ETAG}<Size>12</Size>{_OWNER}{_CLASS}</Contents>",
    f"<Contents><Key>{{key}}</Key>{_TIME}{_ETAG}<Size>12</Size>{_CLASS}{_OWNER}</Contents>",
    (
        "<Contents><Key>{key}</Key><LastModified>2026-11-21T09:15:00Z</LastModified>"
        "<ETag>&#34;9e10&#34;</ETag><Size>12</Size></Contents>"
    ),
    f'<Contents>\n <Key>{{key}}</Key>\n {_TIME}\n <ETag>"9e10"</ETag>\n <Size>0</Size>\n {_CLASS}\n</Contents>\n',
]
# As nobody writes one, or hardly anybody.
_ODD = [
    f"<Contents><Size>12</Size><Key>{{key}}</Key>{_TIME}{_ETAG}</Contents>",
    f"<Contents><Key>{{key}}</Key>{_TIME}{_ETAG}<Size>12</Size><Other>1</Other></Contents>",
    f"<Contents><Key>a&amp;b</Key>{_TIME}{_ETAG}<Size>12</Size></Contents>",
    f"<Contents><Key><![CDATA[<b>]]></Key>{_TIME}{_ETAG}<Size>12</Size></Contents>",
    f"<Contents><Key>{{key}}</Key>{_TIME}<ETag/><Size>12</Size></Contents>",
    f"<Contents><Key>{{key}}</Key><LastModified>yesterday</LastModified>{_ETAG}<Size>12</Size></Contents>",
    f"<Contents><Key>{{key}}</Key><LastModified>2026-02-31T09:15:00Z</LastModified>{_ETAG}<Size>1</Size></Contents>",
    f"<Contents><Key>{{key}}</Key>{_TIME}{_ETAG}<Size>+12</Size></Contents>",
    f"<Contents><Key>{{key}}</Key>{_TIME}{_ETAG}<Size>{'9' * 30}</Size></Contents>",
    f"<Contents>{_TIME}{_ETAG}<Size>12</Size></Contents>",
    f"<Contents><Key>{{key}}</Key>{_TIME}{_ETAG}</Contents>",
    "<Contents/>",
    f"<!-- <Contents><Key>{{key}}</Key>{_TIME}{_ETAG}<Size>12</Size></Contents> -->",
    f"<?pi <Contents><Key>{{key}}</Key>{_TIME}{_ETAG}<Size>12</Size></Contents> ?>",
    f"<Other><Contents><Key>{{key}}</Key>{_TIME}{_ETAG}<Size>12</Size></Contents></Other>",
    "<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>",
    "<a>",
    "&nbsp;",
]
_KEYS = st.sampled_from(["a", "a%2Fb", "a+b", "%E2%82%AC", "ä", "a b", "%", "a>b"])


def _document(entries, said="<EncodingType>url</EncodingType>", name="b", more="false", head="<?xml version='1.0'?>"):
    inside = f"<Name>{name}</Name><IsTruncated>{more}</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
    return f"{head}<ListBucketResult xmlns='http://s3'>{inside}{said}{''.join(entries)}</ListBucketResult>".encode()


def _both(document):
    """What the page is to both ways of reading it: the same, or no page to either."""
    found = []
    for way in (lambda: rows.page_of(document, "b"), lambda: rows._page(read(document, "ListBucketResult"), "b")):
        try:
            found.append(way())
        except NoDocument:  # what exactly is said depends on where the parser gave up
            found.append(None)
    return found


@pytest.mark.parametrize("shape", _SHAPES)
@pytest.mark.parametrize("said", ["<EncodingType>url</EncodingType>", ""])
def test_the_shapes_that_servers_write_are_taken_by_the_pattern(shape, said, monkeypatch):
    document = _document([shape.format(key=key) for key in ("a%2Bb", "c+d", "ä")], said)
    fast, slow = _both(document)
    assert fast == slow
    assert len(fast.rows) == 3
    monkeypatch.setattr(rows, "_page", None)
    assert rows.page_of(document, "b") == slow


@given(st.lists(st.tuples(st.sampled_from(_SHAPES + _ODD), _KEYS), max_size=4), st.sampled_from(["true", "false", "?"]))
def test_any_page_means_the_same_to_both(entries, more):
    fast, slow = _both(_document([shape.format(key=key) for shape, key in entries], more=more))
    assert fast == slow


@pytest.mark.parametrize("shape", _SHAPES)
@pytest.mark.parametrize("end", range(1, 60, 7))
def test_a_page_that_is_cut_is_none(shape, end):
    with pytest.raises(NoDocument):
        rows.page_of(_document([shape.format(key="a")])[:-end], "b")


@pytest.mark.parametrize(
    "document",
    [
        _document([], name="other"),
        _document([_SHAPES[0].format(key="a")], head="<!DOCTYPE a [<!ENTITY b 'c'>]>"),
        _document([_SHAPES[0].format(key="a")]).replace(b"ListBucketResult", b"html"),
        b"",
        b"\xff\xfe<",
        b"<Contents></Contents>",
    ],
)
def test_another_document_is_no_page(document):
    with pytest.raises(NoDocument):
        rows.page_of(document, "b")


def test_another_encoding_is_read_as_what_it_is():
    head = "<?xml version='1.0' encoding='iso-8859-1'?>"
    document = _document([_SHAPES[0].format(key="a")], head=head, said="").replace(b"<Key>a", b"<Key>\xc3\xa4")
    assert rows.page_of(document, "b").rows.keys == ["Ã¤"]
