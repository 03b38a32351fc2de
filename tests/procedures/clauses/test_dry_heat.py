"""8.2 on the virtual station, with shorter exposures. Kind: plant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from meterbench.instruments.chamber.weiss_simserv import WeissSimserv
from meterbench.world.climate import Chamber
from tests.procedures.clauses.chamber_station import chamber, figure, happens
from tests.procedures.clauses.one_clause import carry_out, reasons_of, rows_of, verdict_of

KEY = "dry_heat"
FIGURES: dict[str, dict[str, Any]] = {
    "temps_c": {"values": [55.0], "confirmed": False},
    "exposure_s": figure(1800.0),
    "recovery_s": figure(600.0),
    "gradient_k_min": figure(3.0),
}


@pytest.fixture
def switched_off(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The temperatures at which the chamber was switched off."""
    at_c: list[float] = []
    original = WeissSimserv.make_safe

    def make_safe(self: WeissSimserv) -> None:
        at_c.append(self.status().temp_c)
        original(self)

    monkeypatch.setattr(WeissSimserv, "make_safe", make_safe)
    return at_c


def test_a_good_meter_passes_and_the_chamber_is_off_at_20_c(tmp_path: Path, switched_off: list[float]) -> None:
    record = carry_out(KEY, tmp_path / "run", instruments=chamber(), figures=FIGURES)
    assert verdict_of(record) == "PASS"
    assert [row.condition for row in record.rows] == ["before", "55 °C after 0.5 h", "after recovery"]
    hot = [seen for seen in record.conditions if seen.step.startswith("dry-heat/55")]
    seen = {each.quantity: each for each in hot}
    air = seen["air temperature around the meters"]
    assert (air.lower, air.upper) == (53.0, 57.0)
    assert seen["time at this temperature"].lowest >= 1800.0
    assert 5.0 < seen["absolute humidity of the air"].highest < 12.0
    assert 2.0 < next(each.highest for each in hot if each.unit == "K/min") <= 3.0
    assert len(switched_off) == 2, "by the test, and by the safe state"
    assert 17.0 < switched_off[0] < 23.0


def test_a_meter_that_errs_when_hot_fails(tmp_path: Path) -> None:
    """Its board is some 6 K above 45 degC after half an hour."""
    record = carry_out(KEY, tmp_path / "run", truth={"heat_percent_k": 1.0}, instruments=chamber(), figures=FIGURES)
    assert verdict_of(record) == "FAIL"
    assert [row.verdict for row in record.rows] == ["PASS", "FAIL", "PASS"]


def test_a_window_that_was_not_kept_is_invalid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The heater fails for ten minutes of the exposure; when the error is measured it is hot again."""

    def limiter(self: Chamber, hot_s: float) -> None:
        if 600.0 < hot_s < 1200.0:
            self.trip_limiter()
        else:
            self.reset_limiter()

    happens(monkeypatch, limiter)
    record = carry_out(KEY, tmp_path / "run", instruments=chamber(), figures=FIGURES)
    assert verdict_of(record) == "INVALID"
    assert "air temperature around the meters" in rows_of(record, "error_of_indication")[1].reason


def test_damp_air_is_invalid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """60 % at 55 degC are 62 g/m3."""

    def damp(self: Chamber, hot_s: float) -> None:
        if 600.0 < hot_s < 1800.0:
            self.air_humidity_percent = 60.0

    happens(monkeypatch, damp)
    record = carry_out(KEY, tmp_path / "run", instruments=chamber(), figures=FIGURES)
    assert verdict_of(record) == "INVALID"
    assert "absolute humidity" in reasons_of(record)


def test_air_that_goes_too_fast_is_invalid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The chamber takes no notice of the gradient; the probe sees 3 K/min where 1 K/min is allowed."""
    original = WeissSimserv.start

    def start(self: WeissSimserv, temp_c: float, *_gradient: float, **_humidity: float) -> None:
        original(self, temp_c)

    monkeypatch.setattr(WeissSimserv, "start", start)
    figures = FIGURES | {"gradient_k_min": figure(1.0)}
    record = carry_out(KEY, tmp_path / "run", instruments=chamber(), figures=figures)
    assert verdict_of(record) == "INVALID"
    assert "K/min, allowed at most 1 K/min" in rows_of(record, "error_of_indication")[1].reason


def test_a_chamber_that_is_not_made_for_it_is_invalid_and_off(tmp_path: Path, switched_off: list[float]) -> None:
    hot = {"temps_c": {"values": [200.0], "confirmed": False}}
    record = carry_out(KEY, tmp_path / "run", instruments=chamber(), figures=FIGURES | hot)
    assert verdict_of(record) == "INVALID"
    assert "200 °C is asked for" in reasons_of(record)
    assert len(switched_off) == 2


@pytest.mark.parametrize("missing", ["chamber", "chamber_probe"])
def test_without_chamber_or_probe_it_is_invalid(tmp_path: Path, missing: str) -> None:
    instruments = chamber()
    del instruments[missing]
    record = carry_out(KEY, tmp_path / "run", instruments=instruments)
    assert verdict_of(record) == "INVALID"
    assert f"no {missing}" in reasons_of(record)


def test_a_probe_whose_certificate_has_run_out_is_invalid(tmp_path: Path) -> None:
    record = carry_out(KEY, tmp_path / "run", instruments=chamber(due="2020-01-01"), figures=FIGURES)
    assert verdict_of(record) == "INVALID"
    assert {row.verdict for row in record.rows} == {"INVALID"}


def test_a_probe_without_a_certificate_is_invalid_at_once(tmp_path: Path) -> None:
    instruments = chamber()
    del instruments["chamber_probe"]["calibration"]
    record = carry_out(KEY, tmp_path / "run", instruments=instruments, figures=FIGURES)
    assert verdict_of(record) == "INVALID"
    assert not record.rows
