"""What a person writes: the configuration as TOML and as variables, URLs of stores, globs, `--since`."""

import json
import re
from datetime import datetime, timezone
from typing import Any

from hypothesis import strategies as st

from bucketrelay.config import Config, from_environment, load
from bucketrelay.config.realms import realm
from bucketrelay.config.toml import tomllib
from bucketrelay.config.urls import BadURL, endpoint_url, forward_url, store_address
from bucketrelay.drivers.replay import moment
from bucketrelay.errors import ConfigError
from bucketrelay.routes import BadGlob, Glob
from fuzz import made
from fuzz.mutate import DATES
from fuzz.target import ROOT, Target, nested, one_line

_NOW = datetime(2026, 11, 21, 9, 15, tzinfo=timezone.utc)
_ENVIRON = {"SECRET": "s3cr3t", "REGION": "eu-central-1", "EMPTY": "", "ODD": "\x00"}
OPTIONS = (
    *("url", "endpoint", "region", "access_key", "secret_key", "session_token", "ca_file", "timeout", "retries"),
    *("path_style", "profile", "sse", "kms_key", "auth", "config_file", "user", "tenancy", "fingerprint", "key_file"),
    *("compartment", "storage_class", "storage_classes", "acl", "event_keys"),
)
ROUTE = (
    *("name", "source", "targets", "forward", "include", "exclude", "strip_prefix", "add_prefix", "deletes", "strict"),
    *("max_deletes", "target"),
)
LIMITS = ("concurrency", "part_size", "memory", "margin")
WORDS = (
    *(
        "log",
        "stores",
        "routes",
        "forwards",
        "limits",
        "type",
        "oms",
        "webhook",
        "follow",
        "keep",
        "${SECRET}",
        "${ODD}",
    ),
    *(
        "s3://b",
        "obs://b/p",
        "oci://b@n",
        "file:///d",
        "rclone://r/p",
        "https://h:1/p",
        "api_key",
        "AES256",
        "8MiB",
        "**",
    ),
    *OPTIONS,
    *ROUTE,
    *LIMITS,
)
SAMPLE = """
log = "logs"
[stores.photos-eu]
url = "s3://photos-eu/in"
region = "eu-central-1"
access_key = "AK"
secret_key = "${SECRET}"
timeout = 2.5
retries = 3
path_style = true
[stores.mirror]
url = "oci://photos-mirror@mytenancy"
auth = "api_key"
storage_classes = { GLACIER = "Archive" }
[stores.obs]
url = "obs://photos"
endpoint = "https://obs.cn-north-4.myhuaweicloud.com"
sse = "kms"
[stores.logs]
url = "s3://relay-logs"
[forwards.hook]
type = "webhook"
url = "https://example.com/hook?t=${SECRET}"
[[routes]]
name = "photos"
source = "photos-eu"
targets = ["mirror", "obs"]
include = ["**/*.{jpg,png}", "in/"]
exclude = ["[!a-z]?"]
strip_prefix = "in/"
deletes = "follow"
max_deletes = 100
[[routes]]
name = "told"
source = "obs"
forward = "hook"
[limits]
concurrency = 8
part_size = "8MiB"
memory = "64MiB"
margin = 3
"""
_OMS = {
    "sync_url": "https://oms.cn-north-4.myhuaweicloud.com/v2/p/sync-tasks/t/events",
    "sync_task_id": "t",
    "log_bucket": "logs",
    "obs_endpoint": "obs.cn-north-4.myhuaweicloud.com",
    "hw_ak": "AK",
    "hw_sk": "SK",
}
_RELAY = {
    "RELAY_SOURCE": "s3://photos?region=eu-central-1&access_key=A+K%2F&secret_key=${SECRET}",
    "RELAY_TARGETS": "oci://photos@mytenancy obs://photos/p?endpoint=https%3A%2F%2Fobs.example.com&timeout=3",
    "RELAY_LOG": "s3://relay-logs",
    "RELAY_DELETES": "follow",
}


def _texts() -> list[str]:
    """The sample, and every configuration in the repository's own pages."""
    pages = [path.read_text() for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))]
    return [SAMPLE, *(block for page in pages for block in re.findall(r"```toml\n(.*?)```", page, re.DOTALL))]


def toml(value: Any) -> str:
    """A value as TOML says it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(key)} = {toml(item)}" for key, item in value.items() if item is not None) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml(item) for item in value if item is not None) + "]"
    if isinstance(value, str):
        shown = "".join(char for char in value if not "\ud800" <= char <= "\udfff")
        return json.dumps(shown, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)


def _load(text: str) -> None:
    try:
        assert isinstance(load(text, _ENVIRON), Config)
    except ConfigError as error:
        for mistake in error.mistakes:
            one_line(ConfigError([mistake]))
            assert "s3cr3t" not in mistake
        assert len(str(error)) < 2000 + 100 * len(text), "much longer than the text"  # noqa: PT017  raised or not


def _tree(tree: Any) -> None:
    if isinstance(tree, dict):
        _load("\n".join(f"{toml(key)} = {toml(value)}" for key, value in tree.items() if value is not None))


def _environment(environ: dict[str, str]) -> None:
    try:
        from_environment({**_ENVIRON, **environ})
    except ConfigError as error:
        for mistake in error.mistakes:
            one_line(ConfigError([mistake]))


def _url(text: str) -> None:
    for parse in (store_address, endpoint_url, forward_url):
        try:
            found = parse(text)
        except BadURL as error:
            one_line(error)
            continue
        if isinstance(found, str):
            for scheme in ("s3", "obs", "oci"):
                realm(scheme, found, "", {})
        else:
            assert found.url.encode()


def _glob(given: tuple[str, str]) -> None:
    pattern, key = given
    try:
        compiled = Glob(pattern)
    except BadGlob as error:
        one_line(error)
        return
    if compiled.covers(key):
        assert compiled.matches(key + "x/y")
    if compiled.matches(key):
        assert all(compiled.reaches(key[:end]) for end in range(min(len(key), 20)))
    assert len(compiled._steps) <= 2102


def _places() -> st.SearchStrategy[Any]:
    """Any values in the places that a file has."""
    values = st.recursive(
        made.scalars | st.just("${X}") | st.sampled_from(WORDS),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=5,
    )
    tables = st.fixed_dictionaries(
        {
            "stores": st.dictionaries(st.text(max_size=3), st.dictionaries(st.sampled_from(OPTIONS), values)),
            "routes": st.lists(st.dictionaries(st.sampled_from(ROUTE), values), max_size=2),
            "limits": st.dictionaries(st.sampled_from(LIMITS), values),
        }
    )
    return tables | st.dictionaries(st.sampled_from(["log", "stores", "routes", "forwards", "limits"]), values)


def _long_configurations(size: int) -> list[str]:
    names = [f"{n:064x}" for n in range(size // 200)]
    routes = "".join(f'[[routes]]\nname = "r"\nsource = "{name[::-1]}"\n' for name in names)
    return [
        *nested("a = " + "[", "]", size),
        *nested("[", "]", size),
        "a." * 1000 + "a = 1",  # tomllib takes the square of its length
        "".join(f"[{'a.' * 50}x{n}]\n" for n in range(size // 110)),
        "a = " + "9" * size,
        "a = '" + "${" * (size // 2) + "'",
        "log = '" + "x" * size + "'",
        "".join(f'[stores."{name}"]\n' for name in names) + routes,
        "".join(f"{n:x} = 1\n" for n in range(size // 8)),
    ]


def _long_patterns(size: int) -> list[tuple[str, str]]:
    keys = ("a" * 300, "".join(map(chr, range(0x4E00, 0x4F00))))
    patterns = (
        *("*a" * 900 + "b", "**/" * 600 + "b", "{a,b}" * 6 + "*a" * 10, "?" * 1500, "[" + "a-z" * (size // 3) + "]b"),
        *("{a,b}" * 6 + "x" * size, "[" * size, "\\x" * size, "{" + "," * size + "}", "{" + "a" * size),
    )
    return [(pattern, key) for pattern in patterns for key in keys]


TARGETS = (
    Target(
        "toml",
        _load,
        _texts,
        lambda: made.texts((*WORDS, "[", "]", "[[", "]]", "=", '"', "'"), ("\n", " ", ".")),
        (ConfigError,),
        WORDS,
        hostile=_long_configurations,
        memory=400,  # a table that is opened by 5 characters is a dict, and tomllib notes flags for each
        quick=100,
    ),
    Target(
        "configuration",
        _tree,
        lambda: [tomllib.loads(SAMPLE)],
        _places,
        (ConfigError,),
        WORDS,
        typed=False,
        quick=120,
    ),
    Target(
        "environment",
        _environment,
        lambda: [_OMS, _RELAY],
        lambda: st.dictionaries(st.sampled_from([*_OMS, *_RELAY]), made.texts(WORDS, ("?", "&", "=", " ")), max_size=6),
        (ConfigError,),
        (*WORDS, *_OMS, *_RELAY),
        quick=200,
    ),
    Target(
        "urls",
        _url,
        lambda: [
            *_RELAY.values(),
            *_OMS.values(),
            "http://[::1]:80/p",
            "https://user:pw@h",
            "file:///a/../b",
            "rclone://a b/c",
        ],
        lambda: made.texts(WORDS, ("/", ":", "@", "?", "#", "[", "]")),
        (BadURL,),
        ("s3://", "obs://", "oci://", "file://", "rclone://", "https://", "http://", "[::1]", ":80", "@"),
        hostile=lambda size: (
            [f"http://{c * size}x/" for c in (":", ".", "a", "@", "[", "é")] + ["s3://b/" + "a/" * size]
        ),
    ),
    Target(
        "globs",
        _glob,
        lambda: [
            ("**/*.{jpg,png}", "in/a.jpg"),
            ("in/[!a-c]?*", "in/xyz"),
            (r"\*{a,b/}**/c", "*b/x/c"),
            ("in/", "in/a"),
        ],
        lambda: st.tuples(
            made.texts(("*", "**", "?", "/", "a", "[ab]", "{a,b}", "[!a-", "\\", "{,", "**/", "]")), made.any_text
        ),
        (BadGlob,),
        ("*", "**", "?", "/", "[!a-z]", "{a,b}", "\\", "]", "}", ",", "{,}", "[]]"),
        hostile=_long_patterns,
        memory=300,  # a character of a pattern is a step of the automaton, until there are 2,000
        quick=300,
    ),
    Target(
        "since",
        lambda text: moment(text, _NOW).utcoffset().total_seconds(),
        lambda: ["2026-11-21", "2026-11-21T09:15:00Z", "90s", "15m", "2h", "7d", *DATES],
        lambda: made.texts(("2026-11-21", "9", "d", "h", "T", "Z", "-", ":")),
        (ValueError,),
    ),
)
