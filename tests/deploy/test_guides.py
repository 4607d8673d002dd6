"""The guides can be followed word by word, from the folder of the clone: what they name is there."""

import functools
import re
import runpy
import shlex
import subprocess
from pathlib import Path

import hcl2
import pytest
import yaml
from click import Context

from bucketrelay.cli import COMMANDS, cli

ROOT = Path(__file__).parents[2]
GUIDES = ["aws", "huawei", "oracle"]
TEXTS = {name: (ROOT / "deploy" / f"{name}.md").read_text(encoding="utf-8") for name in GUIDES}


def blocks(name, language="sh"):
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXTS[name], re.MULTILINE | re.DOTALL)


@functools.cache
def variables(cloud):
    text = (ROOT / "templates/terraform" / cloud / "variables.tf").read_text(encoding="utf-8")
    return {name.strip('"'): body for each in hcl2.loads(text)["variable"] for name, body in each.items()}


@pytest.mark.parametrize("name", GUIDES)
def test_every_block_is_a_shell_s_and_leaves_it_where_it_was(name):
    for block in blocks(name):
        done = subprocess.run(["bash", "-n"], input=block, text=True, capture_output=True, check=False)
        assert done.returncode == 0, f"{block}\n{done.stderr}"
        inside = re.sub(r"^\(.*?\)$|^\(.*?\)(?= +#)", "", block, flags=re.MULTILINE | re.DOTALL)
        assert not re.search(r"(^|&& |; )cd ", inside, re.MULTILINE), block


@pytest.mark.parametrize("name", GUIDES)
def test_every_folder_and_file_of_the_repository_that_a_block_names_is_there(name):
    named = {
        path
        for block in blocks(name)
        for path in re.findall(r"(?<![\w/.])((?:templates|deploy|functions|docs)/[\w./-]+)", block)
    }
    made = {path for path in named if path.endswith(".tfvars")}  # written by the block itself

    assert named - made
    for path in named - made:
        assert (ROOT / path).exists(), path
    for path in made:
        assert (ROOT / path).parent.is_dir(), path


@pytest.mark.parametrize("name", GUIDES)
def test_the_settings_for_terraform_are_its_variables_and_all_that_it_asks_for(name):
    known = variables(name)
    (given,) = [b for b in blocks(name) if "terraform.tfvars" in b]
    (text,) = re.findall(r"<<'END'\n(.*?)^END$", given, re.MULTILINE | re.DOTALL)
    said = {name for name in hcl2.loads(text) if not name.startswith("__")}

    assert said <= set(known)
    assert {name for name, body in known.items() if "default" not in body} <= said


def test_what_else_the_guide_of_aws_says_to_terraform_and_cloudformation_is_there():
    text = TEXTS["aws"]
    (line,) = re.findall(r"^For Terraform: (.*)$", text, re.MULTILINE)
    template = (ROOT / "templates/sam/template.yaml").read_text(encoding="utf-8")
    parameters = yaml.load(template, Loader=_Cfn)["Parameters"]

    assert {word.split(" = ")[0] for word in re.findall(r"`([^`]+)`", line)} <= set(variables("aws"))
    assert set(re.findall(r"`([A-Z]\w+)(?:=[^`]*)?`", text)) - {"AlarmTopicArn"} <= set(parameters)
    assert set(re.findall(r"\b([A-Z][a-z]+[A-Z]\w+)=\w", "".join(blocks("aws")))) <= set(parameters)


class _Cfn(yaml.SafeLoader):
    """CloudFormation's tags are not looked at."""


_Cfn.add_multi_constructor("!", lambda loader, suffix, node: None)


@pytest.mark.parametrize("name", GUIDES)
def test_every_call_of_bucketrelay_has_options_that_it_has(name):
    context = Context(cli)
    calls = re.findall(r"bucketrelay ([a-z-]+)([^`\n#]*)", "\n".join(blocks(name)) + TEXTS[name])
    for command, rest in calls:
        if command not in COMMANDS:
            continue
        known = {option for each in cli.get_command(context, command).params for option in each.opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= known, (command, rest)


def commands(text, program):
    """Each call of a program in blocks of a shell, as its words."""
    for line in text.replace("\\\n", " ").splitlines():
        for part in re.split(r"&&|\|\||[;|()]", re.sub(r"(^|\s)#.*", "", line)):
            if part.strip().startswith(f"{program} "):
                yield shlex.split(part.strip().removeprefix(program))


PAGES = [page for folder in (".", "docs", "deploy", "templates/*") for page in sorted(ROOT.glob(f"{folder}/*.md"))]
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELLS = {page.relative_to(ROOT).as_posix(): "".join(BLOCK.findall(page.read_text(encoding="utf-8"))) for page in PAGES}
CALLS = [(page, words) for page, text in SHELLS.items() for words in commands(text, "bucketrelay")]


@pytest.mark.parametrize(("page", "words"), CALLS, ids=[f"{page}-{' '.join(words)[:30]}" for page, words in CALLS])
def test_every_call_of_bucketrelay_in_a_block_is_one_that_it_takes(page, words):
    """Its arguments are all there, and those of a choice are of the choice: as when it is typed."""
    if words == ["--version"]:
        return
    top = Context(cli, info_name="bucketrelay")
    before = next(number for number, word in enumerate(words) if word in COMMANDS)
    assert all(word.startswith("-") or words[0] == "--config" for word in words[:before]), (page, words)
    given = words[before + 1 :]
    given = given[: given.index("<")] if "<" in given else given
    cli.get_command(top, words[before]).make_context(words[before], given, parent=top)


def test_the_pages_have_many_calls():
    assert len(CALLS) > 30
    assert {"README.md", "deploy/aws.md", "deploy/oracle.md", "deploy/huawei.md"} <= {page for page, _ in CALLS}


@pytest.mark.parametrize("page", [page for page, text in SHELLS.items() if "deploy/build.py" in text])
def test_every_call_of_build_in_a_block_is_one_that_it_takes(page, capsys, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "deploy"))
    parser = runpy.run_path(str(ROOT / "deploy" / "build.py"))["_parser"]()
    calls = [words for start in ("python", ".venv/bin/python") for words in commands(SHELLS[page], start)]
    built = [words for words in calls if words[0].endswith("deploy/build.py")]

    assert built, page
    for words in built:
        parser.parse_args(words[1:])
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("name", "cloud"), [("oracle", "oracle"), ("huawei", "huawei")])
def test_a_variable_of_terraform_that_the_text_names_is_one(name, cloud):
    text = TEXTS[name].partition("## 2. Deploy")[2]
    said = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)(?: = [^`]*)?`", text))
    # Names of other things, each known elsewhere.
    others = {"sync_task_id", "sync_url", "oms_source_record", "access_key", "secret_key"} | {"fgs_to_eg"}

    assert said
    assert said - others <= set(variables(cloud))


@pytest.mark.parametrize("name", GUIDES)
def test_the_guide_deletes_an_object_and_shows_that_the_copy_goes(name):
    assert re.search(r" (rm|delete) .*\bhello\.txt", TEXTS[name]), name
    assert "the copy goes, too" in TEXTS[name]


@pytest.mark.parametrize("name", GUIDES)
def test_the_guide_removes_what_it_made(name):
    (last,) = re.findall(r"^## Update, remove\n(.*)\Z", TEXTS[name], re.MULTILINE | re.DOTALL)

    assert "terraform destroy" in last
    assert "wire relay --undo" in last


def test_the_application_that_is_called_by_hand_is_the_one_that_terraform_makes():
    name = variables("oracle")["name"]["default"].strip('"')
    function = variables("oracle")["function_name"]["default"].strip('"')

    assert f"fn invoke {name} {function}" in TEXTS["oracle"]
    assert f"fn create app {name} " in TEXTS["oracle"]
    assert yaml.safe_load((ROOT / "functions/oci_events/func.yaml").read_text())["name"] == function
