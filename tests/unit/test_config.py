"""From the text of relay.toml to a Config, or to every mistake at once."""

import pytest

from bucketrelay.config import Config, ForwardConfig, Limits, Secret, StoreConfig, load
from bucketrelay.model import Address, Deletes, Overwrite
from bucketrelay.routes import Route
from bucketrelay.routes.log_folders import log_folders
from configurations import ENVIRON, EXAMPLE, mistakes

MiB = 1024 * 1024


def mistakes_of(change, environ=ENVIRON):
    """Of the example, with each key of *change* replaced by its value."""
    text = EXAMPLE
    for old, new in change.items():
        assert old in text
        text = text.replace(old, new)
    return mistakes(text, environ)


def test_the_example_of_the_documentation_is_read_whole():
    keys = {"access_key": Secret("the-access-key"), "secret_key": Secret("the-secret-key")}
    photos = Address("s3", "photos-eu", endpoint="aws")
    logs = Address("s3", "ops-logs", prefix="oms_source_record/")  # neither region nor endpoint: where boto3 looks
    mirror = Address("oci", "photos-mirror", "mytenancy", endpoint="us-ashburn-1")
    archive = Address("obs", "photos-archive", prefix="from-aws/", endpoint="huawei")
    oms = "https://oms.cn-north-4.myhuaweicloud.com/v2/0123/sync-tasks/42/events"

    assert load(EXAMPLE, ENVIRON) == Config(
        log="logs",
        stores={
            "photos": StoreConfig("photos", photos, {"region": "eu-central-1"}),
            "mirror": StoreConfig("mirror", mirror, {"region": "us-ashburn-1"}),
            "archive": StoreConfig(
                "archive", archive, {"endpoint": "https://obs.cn-north-4.myhuaweicloud.com", **keys}
            ),
            "logs": StoreConfig("logs", logs, {}),
        },
        routes=(
            Route(
                name="photos",
                source=photos,
                source_store="photos",
                targets=("mirror", "archive"),
                include=("in/**",),
                exclude=("**/*.tmp",),
                strip_prefix="in/",
                add_prefix="2026/",
                deletes=Deletes.FOLLOW,
                overwrite=Overwrite.OURS,
                ignores=log_folders(logs),
            ),
            Route(name="to-oms", source=photos, source_store="photos", forward="oms", ignores=log_folders(logs)),
        ),
        forwards={"oms": ForwardConfig("oms", "oms", oms, oms, "", *keys.values())},
        limits=Limits(16, 8 * MiB, 128 * MiB, 5.0),
    )


def test_the_limits_have_defaults():
    assert load(EXAMPLE.partition("[limits]")[0], ENVIRON).limits == Limits(16, 8 * MiB, 128 * MiB, 5.0)


def test_every_mistake_is_reported_at_once_each_with_its_path():
    changes = {
        '"archive"]': '"archvie"]',
        "strip_prefix": "strip_prefx",
        '"follow"': '"folow"',
        '"8MiB"': '"8MB"',
        "strict = false": 'strict = "no"',
        '"s3://photos-eu"': '"s4://photos-eu"',
        'forward = "oms"': 'forward = "obs"',
        "concurrency = 16": "concurrency = 0",
        'log = "logs"': 'lgo = "logs"',
    }

    found = mistakes_of(changes, {"HW_AK": "x"})

    assert [mistake.split(": ")[0] for mistake in found] == [
        "log",
        "stores.photos.url",
        "stores.archive.secret_key",
        "routes[0].targets[1]",
        "routes[0].deletes",
        "routes[0].strict",
        "routes[0].strip_prefx",
        "routes[1].forward",
        "forwards.oms.secret_key",
        "limits.concurrency",
        "limits.part_size",
        "lgo",
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({'"archive"]': '"archvie"]'}, 'routes[0].targets[1]: no store is named "archvie"; did you mean "archive"?'),
        ({'source = "photos"\nt': 'source = "fotos"\nt'}, 'no store is named "fotos"; did you mean "photos"?'),
        ({'log = "logs"': 'log = "lgos"'}, 'log: no store is named "lgos"; did you mean "logs"?'),
        ({"strip_prefix": "strip_prefx"}, 'routes[0].strip_prefx: is an unknown key; did you mean "strip_prefix"?'),
        ({"[limits]": "[limit]"}, 'limit: is an unknown key; did you mean "limits"?'),
        ({"concurrency =": "concurency ="}, 'limits.concurency: is an unknown key; did you mean "concurrency"?'),
        ({'type = "oms"': 'type = "omx"'}, 'forwards.oms.type: "omx" is not a choice; did you mean "oms"?'),
        ({'"follow"': '"never"'}, "routes[0].deletes: is not a choice; known: keep, follow"),
        ({'forward = "oms"': 'forward = "osm"'}, 'routes[1].forward: no forward is named "osm"; did you mean "oms"?'),
        ({'name = "to-oms"\n': ""}, "routes[1].name: is missing: give the route a name of its own"),
        ({'name = "to-oms"': 'name = "photos"'}, 'routes[1].name: "photos" is the name of an earlier route'),
        ({'name = "to-oms"': 'name = "to/oms"'}, "routes[1].name: is no name"),
        ({'source = "photos"\nf': "f"}, "routes[1].source: is missing: name the store that it copies from"),
        ({'forward = "oms"': ""}, "routes[1].targets: is missing: name the stores to copy to"),
        ({'forward = "oms"': "targets = []"}, "routes[1].targets: is empty: name the stores to copy to"),
        ({'forward = "oms"': 'forward = "oms"\ntargets = ["mirror"]'}, "routes[1].forward: and targets exclude"),
        ({'forward = "oms"': 'forward = "oms"\nadd_prefix = "x/"'}, "routes[1].add_prefix: means nothing to a forward"),
        ({'forward = "oms"': 'forward = "oms"\ndeletes = "follow"'}, 'routes[1].deletes: "follow" cannot be told'),
        ({'forward = "oms"': 'target = "mirror"'}, 'is an unknown key; did you mean targets = ["…"]?'),
        ({'["mirror", "archive"]': '["mirror", "mirror"]'}, 'routes[0].targets[1]: "mirror" is named twice'),
        ({'["mirror", "archive"]': '"mirror"'}, 'routes[0].targets: must be a list of texts such as ["…"], not a text'),
        ({'["mirror", "archive"]': "[7]"}, "routes[0].targets[0]: must be a text in quotes, not a number"),
        ({'["in/**"]': "[]"}, "routes[0].include: is empty: remove it to take every key"),
        ({'["in/**"]': '["in/["]'}, "routes[0].include[0]: has a [ without its ]"),
        ({'["in/**"]': '["/in/**"]'}, "routes[0].include[0]: begins with /"),
        ({"strict = false": "strict = 0"}, "routes[0].strict: must be true or false, not a number"),
        ({"shared = false": "shared = 0"}, "routes[0].shared: must be true or false, not a number"),
        ({'"ours"': '"mine"'}, "routes[0].overwrite: is not a choice; known: any, ours"),
        ({'forward = "oms"': 'forward = "oms"\nshared = true'}, "routes[1].shared: means nothing to a forward"),
        ({"max_deletes = 1000": "max_deletes = -1"}, "routes[0].max_deletes: must be a number from 0 to"),
        ({"max_deletes = 1000": "max_deletes = true"}, "routes[0].max_deletes: must be a number from 0 to"),
        ({"max_deletes = 1000": "max_deletes = 1.5"}, "without a fraction"),
        ({'add_prefix = "2026/"': "add_prefix = 2026-01-01"}, "routes[0].add_prefix: must be a text in quotes, not"),
        ({"concurrency = 16": "concurrency = 0"}, "limits.concurrency: must be a number from 1 to 256"),
        ({"concurrency = 16": "concurrency = 257"}, "limits.concurrency: must be a number from 1 to 256"),
        ({"concurrency = 16": 'concurrency = "16"'}, "256, without a fraction, not a text"),
        ({'"8MiB"': '"8MB"'}, 'limits.part_size: must be a size from 5MiB to 5GiB, such as "8MiB"'),
        ({'"8MiB"': '"1MiB"'}, "limits.part_size: must be a size from 5MiB to 5GiB"),
        ({'"8MiB"': "8.5"}, "limits.part_size: must be a size from 5MiB to 5GiB"),
        ({'"128MiB"': '"7MiB"'}, "limits.memory: leaves no room for a single part (part_size is 8MiB, memory 7MiB)"),
        ({"margin = 5": "margin = nan"}, "limits.margin: must be a number from 0 to 300"),
        ({"margin = 5": f"margin = {'9' * 400}"}, "limits.margin: must be a number from 0 to 300"),
        ({"[limits]": "[limits]\n'odd key' = 1"}, 'limits."odd key": is an unknown key'),
        ({'access_key = "${HW_AK}"\n': ""}, "stores.archive.access_key: is missing, though secret_key is given"),
        ({"https://oms": "ftp://oms"}, "forwards.oms.url: must be an address such as https://host/path"),
        ({"https://oms": "https://me:pass@oms"}, "forwards.oms.url: has a user or a password in it"),
        ({'url = "s3://photos-eu"': ""}, "stores.photos.url: is missing: say where the store is"),
        ({"[stores.mirror]": '[stores."my mirror"]'}, 'stores."my mirror": is no name'),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_path_and_its_remedy(change, said):
    found = mistakes_of(change)

    assert any(said in mistake for mistake in found), found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('log = "x', "line 1, column 9: "),
        ("\n\nlog == 1", "line 3, column 6: "),
        ("a = 1\na = 2", "line 2, column 6: "),
        ("a = [\n1,", "line 2, column 3: "),
    ],
)
def test_a_syntax_error_is_named_with_its_line_and_column(text, said):
    (mistake,) = mistakes(text)

    assert mistake.startswith(said)


@pytest.mark.parametrize("text", ["", "# nothing", "[limits]"])
def test_a_file_without_the_needful_says_what_is_needful(text):
    assert [mistake.split(": ")[0] for mistake in mistakes(text)] == ["log", "stores", "routes"]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("log = 1", "log"),
        ("stores = 1", "stores"),
        ('stores = {a = "s3://b"}', "stores.a"),
        ("routes = 1", "routes"),
        ("routes = []", "routes"),
        ("routes = [1]", "routes"),
        ("routes = {}", "routes"),
        ("forwards = []", "forwards"),
        ("limits = 3", "limits"),
    ],
)
def test_another_shape_than_expected_is_a_mistake_of_that_place(text, path):
    assert path in [mistake.split(": ")[0] for mistake in mistakes(text)]


def test_a_byte_order_mark_is_no_mistake():
    assert load("\ufeff" + EXAMPLE, ENVIRON) == load(EXAMPLE, ENVIRON)
