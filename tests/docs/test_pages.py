"""What the documentation points at exists, and what can be set is explained."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import BaseModel

from meterbench.bench.station import StationFile
from meterbench.cli import app

from .fences import PAGES, ROOT

_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|<img[^>]* src=\"([^\"]+)\"")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
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
