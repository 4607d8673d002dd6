"""docs/rooms.md is what its script prints, and the picture in it has no circle and no arrow upwards."""

import importlib
import importlib.util
import inspect
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("house")  # the graph of imports is dear, and made once

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("generate_rooms", DOCS / "generate_rooms.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def arrows(script):
    return script.edges()


def upward(arrows, rows):
    """The arrows that do not point to a lower row."""
    row = {room: number for number, rooms in enumerate(rows) for room in rooms}
    return sorted((room, below) for room, to in arrows.items() for below in to if row[below] <= row[room])


def test_the_page_of_the_rooms_is_what_its_script_prints(script):
    assert (DOCS / "rooms.md").read_text(encoding="utf-8") == script.page()


def test_no_arrow_points_upwards_so_there_is_no_circle(script, arrows):
    assert sum(map(len, arrows.values())) > len(arrows)  # a picture of something
    assert upward(arrows, script.layers()) == []


def test_an_arrow_upwards_and_a_circle_are_noticed():
    rows = [["cli"], ["core", "jobs"], ["model"]]
    assert upward({"cli": {"core"}, "core": {"model"}, "jobs": set(), "model": set()}, rows) == []
    assert upward({"model": {"core"}}, rows) == [("model", "core")]
    assert upward({"core": {"jobs"}, "jobs": {"core"}}, rows) == [("core", "jobs"), ("jobs", "core")]


def test_every_room_is_on_the_page_and_says_what_it_is_for(script):
    assert [room for row in script.layers() for room in row if not script.words(room)] == []


COLUMN = "bucket copies credentials errors facts fields invoke listings permissions requests sign store versions"


@pytest.mark.parametrize("cloud", ["aws", "huawei", "oracle"])
def test_the_clouds_have_files_of_the_same_names(cloud):
    folder = DOCS.parent / "shared" / "bucketrelay" / "clouds" / cloud
    assert set(COLUMN.split()) <= {path.stem for path in folder.glob("*.py")}


@pytest.mark.parametrize("verb", ["send", "ask"])
def test_a_request_is_sent_in_the_same_words_to_each_cloud(verb):
    modules = [importlib.import_module(f"bucketrelay.clouds.{cloud}.requests") for cloud in ("aws", "huawei", "oracle")]
    first, *others = (inspect.signature(getattr(module.Requests, verb)) for module in modules)
    words = [(each.name, each.kind) for each in first.parameters.values()]

    assert words[1:3] == [("operation", inspect.Parameter.POSITIONAL_OR_KEYWORD), ("key", words[2][1])]
    assert all([(each.name, each.kind) for each in other.parameters.values()] == words for other in others)
    assert all(isinstance(name, str) for module in modules for name in module.OPERATIONS)
