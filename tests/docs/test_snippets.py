"""What the documentation shows is run, and what it points at exists."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import BaseModel

from meterbench.bench.station import StationFile, parse
from meterbench.cli import app
from meterbench.errors import ConfigError

from .fences import PAGES, ROOT, Block, blocks, commands, missing_line

_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|<img[^>]* src=\"([^\"]+)\"")
_ids = [str(page.relative_to(ROOT)) for page in PAGES]


@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(block.runs for block in blocks(page))], ids=lambda page: page.name
)
def test_the_blocks_of_a_page_do_what_they_show(page: Path, tmp_path: Path) -> None:
    """Commands end with the status shown and print the lines shown; station files are accepted or refused as said."""
    (tmp_path / "runs").mkdir()
    for block in blocks(page):
        if block.language == "toml":
            _check_station(block, tmp_path)
        elif block.language == "console" and "run" in block.marks:
            _check_console(block, tmp_path)
        elif block.language == "python" and "run" in block.marks:
            done = _execute([sys.executable, "-W", "error", "-c", block.body], tmp_path)
            assert done.returncode == 0, done.stdout
            assert done.stdout.strip()


def _check_station(block: Block, folder: Path) -> None:
    name = block.mark("file")
    if name is not None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(block.body, encoding="utf-8")
    content = tomllib.loads(block.body)
    if "refused" in block.marks:
        with pytest.raises(ConfigError):
            parse(_with_instruments(content), "snippet")
    elif name is not None or "station" in block.marks:
        parse(_with_instruments(content), "snippet")


def _with_instruments(content: dict[str, Any]) -> dict[str, Any]:
    from meterbench.bench.station import STANDARD_INSTRUMENTS

    return {"instruments": STANDARD_INSTRUMENTS} | content if "virtual" in content else content


def _check_console(block: Block, folder: Path) -> None:
    lines = commands(block.body)
    for number, (command, shown) in enumerate(lines):
        words = shlex.split(command)
        assert words[0] == "meterbench", f"only meterbench is run from the documentation, not {command}"
        done = _execute([sys.executable, "-m", "meterbench", *words[1:]], folder)
        expected = int(block.mark("exit") or 0) if number == len(lines) - 1 else 0
        assert done.returncode == expected, f"{command}\n{done.stdout}"
        missing = missing_line(shown, done.stdout)
        assert missing is None, f"{command}\ndoes not print {missing!r}, but\n{done.stdout}"


def _execute(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, "PATH": path, "COLUMNS": "140", "PYTHONIOENCODING": "utf-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_line_that_is_not_printed_is_noticed() -> None:
    """The comparison can fail: order, text and the rest of a line matter; blanks and what ``…`` stands for do not."""
    output = "one  two\nthree 3.14 four\n"
    assert missing_line(["one two", "three … four"], output) is None
    assert missing_line(["three … four", "one two"], output) == "one two"
    assert missing_line(["three …  five"], output) == "three …  five"
    assert missing_line(["one"], output) == "one"


@pytest.mark.parametrize("page", PAGES, ids=_ids)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link and picture of a page is a file of the project."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    targets = [first or second for first, second in _LINK.findall(text)]
    local = [target.partition("#")[0] for target in targets if "://" not in target and not target.startswith("#")]
    assert [target for target in local if not (page.parent / target).exists()] == []


def _keys(model: type[BaseModel]) -> set[str]:
    keys: set[str] = set()
    for name, field in model.model_fields.items():
        keys.add(field.alias or name)
        for section in _sections(field.annotation):
            keys |= _keys(section)
    return keys


def _sections(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [section for part in getattr(annotation, "__args__", ()) for section in _sections(part)]


def test_every_key_of_the_station_file_is_explained() -> None:
    """Each key that a station file may have stands in its reference."""
    text = (ROOT / "docs/reference/station-file.md").read_text(encoding="utf-8")
    containers = {"virtual", "instruments", "station", "truth", "rig", "balance", "thermometer", "counter"}
    rows = set(re.findall(r"^\| (`[^|]+`) \|", text, flags=re.M))
    assert {key for key in _keys(StationFile) - containers if f"`{key}`" not in rows} == set()
    assert {key for key in containers if key not in text} == set()


def test_every_command_and_option_is_explained() -> None:
    """Each command and each of its options stands in the reference of the command, in the command's own section."""
    text = (ROOT / "docs/reference/command.md").read_text(encoding="utf-8")
    group = typer.main.get_command(app)
    sections = {section.split()[1].rstrip("`"): section for section in text.split("\n## `")[1:]}
    missing = []
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        section = sections.get(name, "")
        wanted = [f"meterbench {name}", *(each for parameter in command.params for each in parameter.opts)]
        missing += [
            f"{name}: {each}" for each in wanted if each.startswith(("--", "meterbench")) and each not in section
        ]
    assert missing == []


@pytest.mark.parametrize("script", sorted((ROOT / "docs" / "images").glob("*.py")), ids=lambda script: script.name)
def test_the_scripts_of_the_pictures_still_fit_the_code(script: Path) -> None:
    """Each script that `make images` runs imports what it needs (running them takes minutes)."""
    spec = importlib.util.spec_from_file_location(script.stem, script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert callable(module.main)
