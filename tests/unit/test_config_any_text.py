"""Any text at all, and any right configuration."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.config import Config, Limits, StoreConfig, load
from bucketrelay.errors import ConfigError
from bucketrelay.model import Address, Deletes
from bucketrelay.routes import Route

MiB = 1024 * 1024
FIELDS = [
    *[
        "endpoint",
        "region",
        "access_key",
        "secret_key",
        "session_token",
        "ca_file",
        "timeout",
        "retries",
        "path_style",
        "profile",
        "sse",
        "kms_key",
    ],
    *["auth", "config_file", "user", "tenancy", "fingerprint", "key_file", "compartment", "storage_class"],
    *["storage_classes", "acl"],
]


@given(st.text(max_size=200))
def test_any_text_is_a_configuration_or_a_config_error(text):
    with pytest.raises(ConfigError):
        load(text, {})


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("${X}"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def toml(value):
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


TOP = st.sampled_from(["log", "stores", "routes", "forwards", "limits"])
ROUTE_KEYS = st.sampled_from(
    ["name", "source", "targets", "forward", "include", "exclude", "deletes", "strict", "max_deletes"]
)


@given(
    st.dictionaries(TOP, VALUES)
    | st.fixed_dictionaries(
        {
            "stores": st.dictionaries(st.text(max_size=3), st.dictionaries(st.sampled_from(["url", *FIELDS]), VALUES)),
            "routes": st.lists(st.dictionaries(ROUTE_KEYS, VALUES), max_size=2),
            "limits": st.dictionaries(st.sampled_from(["concurrency", "part_size", "memory", "margin"]), VALUES),
        }
    )
)
def test_any_values_in_the_known_places_are_a_config_error(tree):
    text = "\n".join(f"{key} = {toml(value)}" for key, value in tree.items() if value is not None)

    with pytest.raises(ConfigError) as refused:
        load(text, {})

    assert all(": " in mistake for mistake in refused.value.mistakes)


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a = " + "9" * 5000, "a = '\x00'", "\ud800", "a = 1e999"])
def test_a_hostile_text_is_a_config_error(text):
    with pytest.raises(ConfigError):
        load(text, {})


NAMES = st.from_regex(r"[a-z0-9][A-Za-z0-9_.-]{0,10}", fullmatch=True)
PART = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters="$?"), min_size=1, max_size=8)
PREFIX = PART.filter(lambda part: part.strip("./") and "/" not in part and part not in (".", "..")).map(
    lambda p: f"{p}/"
)


@st.composite
def configurations(draw):
    names = draw(st.lists(NAMES, min_size=3, max_size=6, unique=True))
    stores = {}
    for i, name in enumerate(names):
        scheme = draw(st.sampled_from(["s3", "obs", "oci", "rclone"]))
        address = Address(scheme, f"b{i}", "ns" if scheme == "oci" else "", draw(st.just("") | PREFIX))
        stores[name] = StoreConfig(name, address, {"region": draw(st.sampled_from(["r1", "é"]))})
    routes = []
    for name in draw(st.lists(NAMES, min_size=1, max_size=3, unique=True)):
        source, *targets = draw(st.permutations(names[1:]))
        rule = {
            "include": ("in/**", "*.{a,b}"),
            "strip_prefix": draw(st.just("") | PART),
            "add_prefix": draw(PART),
            "deletes": draw(st.sampled_from(Deletes)),
            "max_deletes": draw(st.integers(0, 10**6)),
            "strict": draw(st.booleans()),
        }
        routes.append(Route(name, stores[source].address, source, tuple(targets), **rule))
    limits = Limits(
        draw(st.integers(1, 256)), draw(st.integers(5 * MiB, 9 * MiB)), draw(st.integers(9 * MiB, 99 * MiB)), 2.5
    )
    return Config(names[0], stores, tuple(routes), {}, limits)


def rendered(config):
    lines = [f"log = {toml(config.log)}"]
    for name, made in config.stores.items():
        lines += [f"[stores.{toml(name)}]", f"url = {toml(made.address.url)}"]
        lines += [f"{key} = {toml(value)}" for key, value in made.options.items()]
    for route in config.routes:
        lines += ["[[routes]]", f"source = {toml(route.source_store)}"]
        for key in ("name", "targets", "include", "strip_prefix", "add_prefix", "deletes", "max_deletes", "strict"):
            value = getattr(route, key)
            lines.append(f"{key} = {toml(list(value) if isinstance(value, tuple) else getattr(value, 'value', value))}")
    lines += ["[limits]", *(f"{key} = {value}" for key, value in dataclasses.asdict(config.limits).items())]
    return "\n".join(lines)


@given(configurations())
def test_what_is_written_is_what_is_read(config):
    assert load(rendered(config), {}) == config
