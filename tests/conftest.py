"""Fixtures for the whole house: simulated stations as values and as files, and verifications on them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from meterbench.bench import station
from meterbench.bench.record import RunRecord, load
from meterbench.bench.session import Programme, session
from meterbench.bench.station import STANDARD_INSTRUMENTS, StationFile
from meterbench.procedures import edition
from meterbench.procedures.initial_verification import NAME, initial_verification

settings.register_profile("gate", derandomize=True)
settings.register_profile("hunt", derandomize=False, print_blob=True)
settings.load_profile("gate")
"""A commit that was green stays green; ``make sweep`` hunts with new examples (``--hypothesis-profile hunt``)."""

QUICK_METER: dict[str, Any] = {"serial": "20000001", "designation": "ADR25-1-1", "q3_m3_h": 6.3, "ratio": 250}
"""A large meter with a small range is verified in seven minutes of bench time."""


def station_content(*meters: dict[str, Any], **virtual: Any) -> dict[str, Any]:
    """A simulated station with these meters in its line (default: one quick good one); ``virtual`` sets its keys."""
    return {
        "schema": 1,
        "station": {"name": "test", "clock": "virtual"},
        "virtual": {"seed": 1, **virtual, "meters": list(meters) or [QUICK_METER]},
        "instruments": copy.deepcopy(STANDARD_INSTRUMENTS),
    }


def verify(content: dict[str, Any] | StationFile, folder: Path, resume: bool = False) -> RunRecord:
    """The record of an initial verification; what it raised comes out after the record was closed."""
    parsed = content if isinstance(content, StationFile) else station.parse(content, "test")
    tables = edition.load()
    programme = Programme(NAME, "Initial verification", tables.header(tables.verification_clause))
    with session(parsed, programme, folder, resume=resume) as (run, bench):
        initial_verification(run, bench, tables)
    return load(folder)


def to_toml(content: dict[str, Any], path: str = "") -> str:
    """``content`` as TOML: what a person would have written into a station file."""
    lines, tables = [], []
    for key, part in content.items():
        name = f"{path}.{key}" if path else key
        if isinstance(part, dict):
            tables.append(f"[{name}]\n{to_toml(part, name)}")
        elif isinstance(part, list) and part and isinstance(part[0], dict):
            tables += [f"[[{name}]]\n{to_toml(entry, name)}" for entry in part]
        else:
            lines.append(f"{key} = {_value(part)}")
    return "\n".join([*lines, *tables]) + "\n"


def _value(part: object) -> str:
    if isinstance(part, str):
        return part if key_is_date(part) else '"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(part, list):
        return "[" + ", ".join(_value(entry) for entry in part) + "]"
    return str(part).lower() if isinstance(part, bool) else repr(part)


def key_is_date(part: str) -> bool:
    """True for ``2027-06-30``, which TOML writes without quotes."""
    return len(part) == 10 and part[4] == part[7] == "-" and part.replace("-", "").isdigit()


@pytest.fixture
def station_file(tmp_path: Path) -> Callable[[dict[str, Any]], Path]:
    """Writes a station's content to a file and gives its path."""

    def write(content: dict[str, Any]) -> Path:
        path = tmp_path / "station.toml"
        path.write_text(to_toml(content), encoding="utf-8")
        return path

    return write
