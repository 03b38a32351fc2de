"""The memory map and its endurance, as computed, as lived through, and as the documentation says."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from meterbench.dut.reference_meter.hardware.memory import ENDURANCE_WRITES
from meterbench.dut.reference_meter.metrology.records.columns import ALL_COLUMNS
from meterbench.dut.reference_meter.metrology.records.endurance import LIFE_YEARS, WEARING, Wearing
from meterbench.dut.reference_meter.metrology.records.event_log import EventCode, EventLogs
from meterbench.dut.reference_meter.metrology.records.memory_map import (
    CONFIGURATION_BYTES,
    MEMORY_MAP,
    STATE_BYTES,
)
from meterbench.dut.reference_meter.metrology.records.profile import Period, Profile
from meterbench.dut.reference_meter.metrology.records.recorder import Recorder
from meterbench.dut.reference_meter.metrology.storage.counter import InvocationCounter
from meterbench.dut.reference_meter.metrology.storage.slots import TwinSlots
from tests.dut.reference_meter.metrology.records.rows import hours
from tests.dut.reference_meter.metrology.storage.counting import CountingMemory

PAGE = Path(__file__).parents[5] / "docs" / "explanation" / "memory.md"
YEARS = 2


@pytest.fixture(scope="module")
def writes() -> dict[str, int]:
    """Writes of the busiest byte of each region in two years, lived through with the stores themselves."""
    memory = CountingMemory(MEMORY_MAP.size_bytes)
    place = MEMORY_MAP.address
    days = 730.5
    TwinSlots(memory, place("state"), STATE_BYTES).skip_saves(int(days * 86_400))
    configuration = TwinSlots(memory, place("configuration"), CONFIGURATION_BYTES)
    for _ in range(int(days)):
        configuration.save_both(bytes(CONFIGURATION_BYTES))
    counter = InvocationCounter(memory, place("counters"))
    for _ in range(int(days * 86_400 / 20 / 50)):
        counter.next(50)
    hourly, daily, monthly = (
        Profile(memory, place(name), period, ALL_COLUMNS)
        for name, period in (("hourly", Period.HOUR), ("daily", Period.DAY), ("monthly", Period.MONTH))
    )
    recorder = Recorder(memory, place("recorder"), hourly, daily, monthly)
    for month in np.array_split(hours(datetime(2026, 1, 1, 1, tzinfo=UTC), int(days * 24)), 24):
        recorder.capture(month)
    logs = EventLogs(memory, place("logs"))
    for number in range(int(days * 20)):
        logs.add(EventCode.DRY_BEGAN, number)
    return {
        region.name: int(memory.writes[region.address : region.address + region.size_bytes].max())
        for region in MEMORY_MAP.regions
    }


@pytest.mark.parametrize("wearing", WEARING, ids=lambda wearing: wearing.region)
def test_the_busiest_byte_of_a_region_is_written_as_often_as_computed(wearing: Wearing, writes: dict[str, int]) -> None:
    """To a per cent, or to the two writes of the mark at the first start and of a lap begun."""
    assert wearing.writes_a_byte(YEARS) == pytest.approx(writes[wearing.region], rel=0.01, abs=2)


def test_every_region_is_accounted_for() -> None:
    """In the order of the map."""
    assert [wearing.region for wearing in WEARING] == [region.name for region in MEMORY_MAP.regions]


def test_sixteen_years_need_a_ten_thousandth_of_the_endurance() -> None:
    """The state is what is written most often: 504 921 600 times in two copies."""
    most = max(WEARING, key=lambda wearing: wearing.writes_a_byte())
    assert (most.region, most.writes_a_byte(), LIFE_YEARS) == ("state", 504_921_600 // 2, 16)
    assert 10_000 * most.writes_a_byte() < ENDURANCE_WRITES


def _table(heading: str) -> list[list[str]]:
    """Cells of the rows of a page's table, without its head; blanks within numbers are left out."""
    text = PAGE.read_text(encoding="utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[re.sub(r"(?<=\d) (?=\d)", "", cell.strip()) for cell in row] for row in rows[2:]]


def test_the_page_shows_the_memory_map() -> None:
    """Address and size of each region, and the whole."""
    shown = [row[:3] for row in _table("Memory map")]
    regions = [[region.name, str(region.address), str(region.size_bytes)] for region in MEMORY_MAP.regions]
    assert shown == [*regions, ["together", "", str(MEMORY_MAP.size_bytes)]]
    assert f"{MEMORY_MAP.part_bytes // 1024} KiB" in PAGE.read_text(encoding="utf-8")


def test_the_page_shows_the_endurance() -> None:
    """Writes of the busiest byte in sixteen years."""
    shown = {row[0]: row[2] for row in _table("Endurance")}
    assert shown == {wearing.region: str(wearing.writes_a_byte()) for wearing in WEARING}
