"""docs/reference/display.md says what firmware and glass do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from meterbench.dut.reference_meter.hardware.lcd import Glass
from meterbench.dut.reference_meter.metrology.display.flow_icon import BLINK_BANDS
from meterbench.dut.reference_meter.metrology.display.frame import Icon
from meterbench.dut.reference_meter.metrology.display.screens import Screen
from tests.dut.reference_meter.shown import read

PAGE = (Path(__file__).parents[3] / "docs/reference/display.md").read_text(encoding="utf-8")


def rows(header: str) -> list[list[str]]:
    """Cells of the table whose first row begins so."""
    _, found, rest = PAGE.partition(f"\n| {header} |")
    assert found, f"no table {header!r}"
    lines = rest.split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")] for line in lines]


def test_ram_layout() -> None:
    """Every bit that the page names lights the segment of that name; the others light nothing."""
    table = rows("byte")
    assert [row[0] for row in table] == [str(byte) for byte in range(14)]
    for row in table:
        assert len(row) == 9
        for bit, name in enumerate(row[1:]):
            glass = Glass()
            glass.supply(True)
            ram = bytearray(14)
            ram[int(row[0])] = 1 << bit
            glass.write(bytes(ram))
            assert glass.lit == ({name} if name else set())


def test_icons() -> None:
    assert [row[0].strip("`") for row in rows("icon")] == [icon.name for icon in Icon]


def test_blink_bands() -> None:
    stated = [(float(of_q3), float(blinks.removesuffix(" Hz"))) for of_q3, blinks in rows("flow from, of Q3")]
    assert stated == [(band.from_q3, band.frequency_hz) for band in BLINK_BANDS]


def test_every_screen_is_described() -> None:
    assert [row[0].strip("`") for row in rows("screen")] == [screen.name for screen in Screen]


@pytest.mark.parametrize("row", rows("screen")[:-1], ids=lambda row: row[0])
def test_units_and_captions_of_the_screens(row: list[str]) -> None:
    """As the glass shows them."""
    name, _, unit, caption = row
    reading = read(Screen[name.strip("`")])
    assert reading.unit == unit.replace("–", "")
    assert reading.captions == set(re.findall(r"\w+", caption))
