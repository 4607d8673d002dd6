"""Any right configuration, written and read; any text at all is in `tests/fuzz`."""

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.config import Config, Limits, StoreConfig, load
from bucketrelay.model import Address, Deletes
from bucketrelay.routes import Route
from bucketrelay.routes.log_folders import log_folders
from fuzz.settings import toml

MiB = 1024 * 1024
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
        region = draw(st.sampled_from(["r1", "é"]))
        realm = {"s3": "aws", "obs": "huawei", "oci": region, "rclone": ""}[scheme]
        address = Address(scheme, f"b{i}", "ns" if scheme == "oci" else "", draw(st.just("") | PREFIX), realm)
        stores[name] = StoreConfig(name, address, {"region": region})
    routes = []
    for name in draw(st.lists(NAMES, min_size=1, max_size=3, unique=True)):
        source, targets = names[1], names[2:]
        rule = {
            "include": ("in/**", "*.{a,b}"),
            "strip_prefix": draw(st.just("") | PART),
            "add_prefix": draw(PART),
            "deletes": draw(st.sampled_from(Deletes)),
            "max_deletes": draw(st.integers(0, 10**6)),
            "strict": draw(st.booleans()),
            "shared": True,
            "ignores": log_folders(stores[names[0]].address),
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
        for key in (
            "name",
            "targets",
            "include",
            "strip_prefix",
            "add_prefix",
            "deletes",
            "max_deletes",
            "strict",
            "shared",
        ):
            value = getattr(route, key)
            lines.append(f"{key} = {toml(list(value) if isinstance(value, tuple) else getattr(value, 'value', value))}")
    lines += ["[limits]", *(f"{key} = {value}" for key, value in dataclasses.asdict(config.limits).items())]
    return "\n".join(lines)


@given(configurations())
def test_what_is_written_is_what_is_read(config):
    assert load(rendered(config), {}) == config
