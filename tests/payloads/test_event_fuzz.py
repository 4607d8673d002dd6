"""Every sample, changed at every place, is read or refused in one line; `tests/fuzz` changes them at random."""

import copy
import json
from pathlib import Path

import pytest

from bucketrelay.errors import BadEvent
from bucketrelay.events import parse
from payloads.event_builders import check_payload

SAMPLES = {path.stem: json.loads(path.read_bytes()) for path in sorted((Path(__file__).parent / "events").iterdir())}


def read_or_refused(payload, **options) -> None:
    try:
        check_payload(parse(payload, **options))
    except BadEvent as error:
        line = str(error)
        assert line
        assert "\n" not in line
        assert line.encode()
        assert len(line) < 5000


def nodes(value, path=()):
    """The paths of everything in *value*, through JSON text in JSON."""
    yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from nodes(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from nodes(inner, (*path, index))
    elif isinstance(value, str) and value.startswith("{"):
        try:
            inner = json.loads(value)
        except ValueError:
            return
        yield from nodes(inner, (*path, None))


DROP = object()


def changed(value, path, new):
    """A copy of *value* with what is at *path* replaced, or dropped."""
    if not path:
        return new
    step, *rest = path
    if step is None:
        return json.dumps(changed(json.loads(value), rest, {} if new is DROP and not rest else new))
    value = copy.copy(value)
    if new is DROP and not rest:
        del value[step]
    else:
        value[step] = changed(value[step], rest, new)
    return value


REPLACEMENTS = [
    DROP,
    None,
    0,
    -1,
    1e999,
    True,
    "",
    "x",
    "\ud800",
    "%ff",
    "{",
    [],
    {},
    [None],
    [{}],
    {"s3": {}},
    10**400,
]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_with_any_node_dropped_or_replaced_is_read_or_refused(name):
    sample = SAMPLES[name]
    for path in list(nodes(sample))[1:]:
        for new in REPLACEMENTS:
            mutant = changed(sample, path, new)
            for cloud in (None, name.split("-", 1)[0]):
                read_or_refused(mutant, cloud=cloud)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_cut_anywhere_is_refused_or_read(name):
    content = json.dumps(SAMPLES[name]).encode()
    for end in range(0, len(content), 7):
        with pytest.raises(BadEvent):
            parse(content[:end])
