"""What the documentation points at exists, and what can be set is explained."""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from meterbench.bench.instrument_sections import WIRES
from meterbench.bench.station import StationFile
from meterbench.cli import app
from meterbench.instruments.drivers import DRIVERS, drivers_for, settings_model
from meterbench.instruments.faults import FaultKind
from meterbench.instruments.roles import ROLES

from .fences import PAGES, ROOT

_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|<img[^>]* src=\"([^\"]+)\"")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link and picture of a page is a file of the project."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    targets = [first or second for first, second in _LINK.findall(text)]
    local = [target.partition("#")[0] for target in targets if "://" not in target and not target.startswith("#")]
    assert [target for target in local if not (page.parent / target).exists()] == []


def _page(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def _table(text: str, first_cell: str) -> list[dict[str, str]]:
    """The rows of the table whose first head is ``first_cell``, each by its heads."""
    lines = text[text.index(f"\n| {first_cell} |") + 1 :].split("\n\n")[0].splitlines()
    heads, _, *rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]
    return [dict(zip(heads, row, strict=True)) for row in rows]


def _names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


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
    containers = {"virtual", "instruments", "station", "type", "truth", "rig", "balance", "thermometer", "counter"}
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


QUALITIES = [
    "role",
    "transport",
    "simulated",
    "wire-tested",
    "reconnects",
    "error queue read",
    "units explicit",
    "seen on hardware",
]


def _of_driver(driver: str) -> tuple[str, str]:
    """The driver's own section in the reference of instruments, and what its chapter says of all of its kind."""
    for chapter in _page("docs/reference/instruments.md").split("\n## "):
        common, *sections = chapter.split("\n### ")
        for section in sections:
            if section.splitlines()[0] == driver:
                return section, common
    raise AssertionError(f"docs/reference/instruments.md has no section {driver}")


@pytest.mark.parametrize("driver", DRIVERS)
def test_every_driver_is_explained(driver: str) -> None:
    """What it needs, all that can be set, and where what it says on the wire comes from."""
    section, common = _of_driver(driver)
    for part in ("Needs:", "Settings:", "Source:"):
        assert section.count(f"\n{part}") == 1, part
    told = section.partition("\nSettings:")[2].partition("\nSource:")[0]
    model = settings_model(driver)
    if model is None:
        assert told.startswith(" none."), told
        return
    rows = _table(common if "of all four" in told else told, "key")
    defaults = {key: row["default"] for row in rows for key in _names(row["key"])}
    assert defaults == {key: _as_written(field) for key, field in model.model_fields.items()}


def _as_written(field: FieldInfo) -> str:
    """The default of a setting as TOML has it."""
    if field.is_required():
        return "required"
    match field.default:
        case None:
            return "none"
        case bool() | str():
            return f"`{json.dumps(field.default)}`"
        case number:
            return f"{number:g}"


@pytest.mark.parametrize("driver", DRIVERS)
def test_every_driver_has_a_quality_row(driver: str) -> None:
    """All the qualities that are asked of a driver, and its roles."""
    rows = [row for row in _table(_page("docs/reference/instruments.md"), "driver") if driver in _names(row["driver"])]
    assert len(rows) == 1
    assert list(rows[0])[1:] == QUALITIES
    assert rows[0]["role"].split(", ") == list(DRIVERS[driver].roles)
    assert all(rows[0].values())


def test_every_role_is_explained_with_its_drivers() -> None:
    """The table of the roles is the one of the code."""
    rows = {row["role"].strip("`"): row for row in _table(_page("docs/reference/station-file.md"), "role")}
    assert list(rows) == list(ROLES)
    for name, role in ROLES.items():
        row = rows[name]
        assert (row["required"] == "yes", row["a slot each"] == "yes") == (role.required, role.per_slot), name
        assert row["does"] == role.does
        assert row["certificate in"] == (role.unit or "–"), name
        assert _names(row["drivers"]) == list(drivers_for(name)), name


def test_every_address_and_wire_is_explained() -> None:
    """How an address of each driver is written; which wires the virtual laboratory has for it."""
    rows = _table(_page("docs/reference/station-file.md"), "drivers")
    assert sorted(name for row in rows for name in _names(row["drivers"])) == sorted(DRIVERS)
    assert {wire for row in rows for wire in _names(row["wires of its simulator"])} == set(WIRES)


def test_every_kind_of_fault_is_explained() -> None:
    """Each kind that a station file may ask for, in the reference and in the how-to."""
    assert {kind for kind in FaultKind if f"`{kind}`" not in _page("docs/reference/station-file.md")} == set()
    told = {_names(row["kind"])[0] for row in _table(_page("docs/how-to/inject-faults.md"), "kind")}
    assert told == set(FaultKind)


def test_every_package_is_explained() -> None:
    """Each requirement of the project stands in the page of the dependencies."""
    project = tomllib.loads(_page("pyproject.toml"))["project"]
    wanted = [
        *project["dependencies"],
        *(each for extra in project["optional-dependencies"].values() for each in extra),
    ]
    told = _page("docs/explanation/dependencies.md").lower()
    names = {re.split(r"[^\w-]", each)[0] for each in wanted}
    assert {name for name in names if not re.search(rf"\b{name}\b", told)} == set()


def test_every_decision_has_a_number_and_its_three_parts() -> None:
    """Numbered without a gap, each with what was decided, why, and what it costs."""
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert text.startswith(f"# {page.name[:4]} "), page.name
        assert all(f"**{part}.**" in text for part in ("Context", "Decision", "Consequences")), page.name


@pytest.mark.parametrize("script", sorted((ROOT / "docs" / "images").glob("*.py")), ids=lambda script: script.name)
def test_the_scripts_of_the_pictures_still_fit_the_code(script: Path) -> None:
    """Each script that `make images` runs imports what it needs (running them takes minutes)."""
    spec = importlib.util.spec_from_file_location(script.stem, script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert callable(module.main)
