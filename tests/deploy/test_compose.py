"""compose.yaml, which no Docker has started here: what can be told of it without one. The image: test_release.py."""

import json
import os
import re
from pathlib import Path

import click
import pytest
import yaml

from bucketrelay.cli import cli
from bucketrelay.clouds.rclone.daemon import binary
from bucketrelay.config.toml import tomllib

ROOT = Path(__file__).parents[2]
TOLD = (ROOT / "compose.yaml").read_text()
SERVICES = yaml.safe_load(TOLD)["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
IMAGE = (ROOT / next(iter(OURS.values()))["build"]["dockerfile"]).read_text()


def steps() -> list[tuple[str, str]]:
    """The lines of the image's recipe: the word, and what follows."""
    lines = [line for line in IMAGE.replace("\\\n", " ").splitlines() if not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def entrypoint() -> list[str]:
    return json.loads(next(rest for word, rest in steps() if word == "ENTRYPOINT"))


def test_images_are_named_with_a_tag():
    images = [service["image"] for service in SERVICES.values() if "image" in service]
    images += [rest.partition(" AS ")[0] for word, rest in steps() if word == "FROM"]
    assert len(images) == 4
    for image in images:
        assert re.fullmatch(r"[a-z]+:\d[\w.-]*", image), image


def test_nothing_listens_beyond_this_machine():
    for name, service in SERVICES.items():
        for port in service.get("ports", ()):
            assert str(port).startswith("127.0.0.1:"), (name, port)


def test_services_wait_for_others_that_are_there_and_say_when_they_are_healthy():
    for service in SERVICES.values():
        for needed, condition in service.get("depends_on", {}).items():
            assert condition == {"condition": "service_healthy"}
            assert SERVICES[needed]["healthcheck"]["test"][0] == "CMD"
    volumes = yaml.safe_load(TOLD)["volumes"]
    used = {each.partition(":")[0] for service in SERVICES.values() for each in service["volumes"]}
    assert {each for each in used if not each.startswith(".")} == set(volumes)


def test_each_variable_is_told_of_where_the_file_begins():
    head = TOLD.partition("services:")[0]
    assert set(re.findall(r"\$\{(\w+)", TOLD)) == {"RELAY_PW"}
    assert "RELAY_PW=" in head


@pytest.mark.parametrize("name", OURS)
def test_our_commands_are_commands(name):
    command = OURS[name]["command"]
    assert entrypoint() == ["bucketrelay"]
    context = click.Context(cli)
    found = cli.get_command(context, command[0])
    assert found is not None
    found.make_context(command[0], command[1:], parent=context)  # raises where an option is none of ours


def test_the_commands_that_the_comments_offer_are_commands():
    for text in re.findall(r'or (\["[^\]]+"\])', TOLD):
        command = json.loads(text)
        cli.get_command(click.Context(cli), command[0]).make_context(command[0], command[1:])


def extras() -> set[str]:
    run = next(rest for word, rest in steps() if word == "RUN")
    return set(re.search(r"/src\[([\w,]+)\]", run)[1].split(","))


def test_the_image_has_what_its_commands_and_its_example_need():
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert extras() <= set(known)
    assert {"cli", "postgres", "messages"} <= extras()  # the commands, the queue and the broker of the first lines
    assert binary("", os.environ)
