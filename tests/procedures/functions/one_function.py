"""One function on a simulated station with one quick meter, and meters that do not do what they should."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from meterbench.bench import station
from meterbench.bench.record import RunRecord, load
from meterbench.bench.session import Programme, session
from meterbench.bench.virtual_lab import VirtualLab
from meterbench.dut.reference_meter.meter import ReferenceMeter
from meterbench.errors import BenchError
from meterbench.procedures import functional
from tests.conftest import QUICK_METER, station_content

OPERATOR = {"driver": "operator_panel", "address": "virtual"}
SUPPLY = {
    "driver": "rs_ngu201",
    "address": ["virtual"],
    "calibration": {"certificate": "V-2026-010", "due": "2027-06-30", "expanded_uncertainty": "0.1 %"},
}
SCANNER = {"driver": "barcode_reader", "address": "virtual"}


def carry_out(
    key: str,
    folder: Path,
    *,
    figures: dict[str, Any] | None = None,
    supply: bool = False,
    without: tuple[str, ...] = (),
    meter: dict[str, Any] = QUICK_METER,
) -> RunRecord:
    """The record of one function; ``figures`` replace those of the table."""
    content = station_content(meter)
    content["instruments"] |= {"operator": OPERATOR, "scanner": SCANNER}
    if supply:
        content["instruments"]["supply"] = SUPPLY
    for role in without:
        del content["instruments"][role]
    suite = functional.suite(**({key: figures} if figures else {}))
    programme = Programme(functional.NAME, suite.title, suite.edition.header(suite.clause))
    try:
        with session(station.parse(content, "test"), programme, folder) as (run, bench):
            suite.carry_out_all(run, bench, [key])
    except BenchError:
        pass  # it is in the record
    return load(folder)


def at_the_start(monkeypatch: pytest.MonkeyPatch, do: Callable[[ReferenceMeter], None]) -> None:
    """Every meter of the line is handled so before anything runs."""
    original = VirtualLab.start

    def start(self: VirtualLab, speed: float | None = None) -> dict[str, list[str]]:
        for meter in self.meters:
            do(meter)
        return original(self, speed)

    monkeypatch.setattr(VirtualLab, "start", start)


def configured(monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
    """Every meter of the line comes with other settings."""
    at_the_start(monkeypatch, lambda meter: meter.commands.configure(replace(meter.reading.settings(), **settings)))


def value(number: float, *, confirmed: bool = False) -> dict[str, Any]:
    """A figure."""
    return {"value": number, "confirmed": confirmed}
