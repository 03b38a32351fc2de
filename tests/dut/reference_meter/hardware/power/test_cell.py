"""A cell's loaded voltage, self-discharge and film (metering.md 5.1)."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbench.dut.reference_meter.hardware.power.cell import Cell, cell_type
from meterbench.dut.reference_meter.hardware.power.figures import read_figures
from meterbench.dut.reference_meter.hardware.power.pack import fresh_pack

YEAR_S = 8766.0 * 3600.0
TYPES = ("LS26500", "LS14250", "LS14500")


def discharged(name: str, soc: float) -> Cell:
    return Cell(cell_type(name), used_mah=(1.0 - soc) * cell_type(name).capacity_mah)


@pytest.mark.requirement("ADR-050")
def test_cells_of_the_meter() -> None:
    """C 7.7 Ah, 1/2 AA 1.2 Ah, AA 2.6 Ah; only the C cell's capacity comes from a data sheet."""
    assert {name: cell_type(name).capacity_mah for name in TYPES} == {
        "LS26500": 7700.0,
        "LS14250": 1200.0,
        "LS14500": 2600.0,
    }
    figures = read_figures("cells.toml")
    assert {name: figures[name]["capacity_mah"].confirmed for name in TYPES} == {
        "LS26500": True,
        "LS14250": False,
        "LS14500": False,
    }
    assert all(figure.source for table in figures.values() for figure in table.values())
    with pytest.raises(KeyError):
        cell_type("LR6")


@pytest.mark.parametrize(
    ("soc", "open_v"),
    [(1.0, 3.66), (0.5, 3.66), (0.10, 3.66), (0.075, 3.605), (0.05, 3.55), (0.025, 2.775), (0.0, 0.0)],
)
def test_flat_then_a_knee_then_a_cliff(soc: float, open_v: float) -> None:
    assert discharged("LS26500", soc).open_v == pytest.approx(open_v, abs=1e-9)


@pytest.mark.parametrize(
    ("temp_c", "load_ma", "loaded_v"),
    [
        (25.0, 0.0, 3.66),
        (25.0, 10.0, 3.66 - 0.040),
        (-25.0, 10.0, 3.66 - 0.160),
        (0.0, 10.0, 3.66 - 0.080),
        (-25.0, 100.0, 3.66 - 1.600),
        (-25.0, 1000.0, 0.0),
    ],
)
def test_voltage_under_load(temp_c: float, load_ma: float, loaded_v: float) -> None:
    """A new C cell has 4 ohm at 25 degC, 16 ohm at -25 degC, and the geometric mean of both at 0 degC."""
    assert Cell(cell_type("LS26500")).voltage_v(load_ma, temp_c) == pytest.approx(loaded_v, abs=1e-9)


def test_resistance_grows_threefold_at_the_end() -> None:
    """Constant down to 10 %, double at 5 %, threefold when empty."""
    ohm = [discharged("LS26500", soc).resistance_ohm(25.0) for soc in (1.0, 0.1, 0.05, 0.0)]
    assert ohm == pytest.approx([4.0, 4.0, 8.0, 12.0])


@pytest.mark.parametrize("name", TYPES)
def test_a_long_stored_cell_keeps_three_volts_at_one_milliampere(name: str) -> None:
    """Maxell's data sheets of such cells: at least 3 V down to -40 degC below 1 mA, film and all."""
    assert Cell(cell_type(name), film=1.0).voltage_v(1.0, -40.0) >= 3.0


@pytest.mark.parametrize(("years", "left"), [(1.0, 0.990050), (10.0, 0.904837)])
def test_self_discharge_takes_one_percent_a_year_of_what_is_left(years: float, left: float) -> None:
    cell = Cell(cell_type("LS26500"))
    cell.age(years * YEAR_S, 0.0)
    assert cell.soc == pytest.approx(left, abs=1e-6)
    assert cell.lost_mah == pytest.approx(7700.0 * (1.0 - left), abs=0.01)
    assert cell.used_mah == 0.0


def test_film_grows_at_rest_and_goes_with_charge() -> None:
    """63 % in a year; then 1 mAh (q_p of the 1/2 AA) leaves 37 % of it."""
    cell = Cell(cell_type("LS14250"))
    cell.age(YEAR_S, 0.0)
    assert cell.film == pytest.approx(0.632121, abs=1e-6)
    cell.age(0.0, 1.0)
    assert cell.film == pytest.approx(0.632121 * 0.367879, abs=1e-6)


def test_film_stands_where_growth_and_charge_balance() -> None:
    """Drawing 2 q_p a year leaves a third of a film that grows with a time constant of a year."""
    cell = Cell(cell_type("LS14250"))
    cell.age(20.0 * YEAR_S, 40.0)
    assert cell.film == pytest.approx(1.0 / 3.0, abs=1e-6)


@given(st.lists(st.floats(0.0, 3e8), min_size=1, max_size=8), st.floats(0.0, 20.0))
def test_ageing_does_not_depend_on_the_steps(steps_s: list[float], rate_ua: float) -> None:
    """Many steps at a constant current come to what one step comes to."""
    stepped, straight = Cell(cell_type("LS26500"), film=0.5), Cell(cell_type("LS26500"), film=0.5)
    for step_s in steps_s:
        stepped.age(step_s, 1e-3 * rate_ua * step_s / 3600.0)
    total_s = math.fsum(steps_s)
    straight.age(total_s, 1e-3 * rate_ua * total_s / 3600.0)
    assert stepped.remaining_mah == pytest.approx(straight.remaining_mah, abs=1e-6)
    assert stepped.film == pytest.approx(straight.film, abs=1e-9)


def test_a_pack_shares_its_load() -> None:
    """Two AA in parallel: half the resistance, half the charge each."""
    pack = fresh_pack("LS14500", 2)
    assert pack.resistance_ohm(25.0) == pytest.approx(5.0)
    assert pack.voltage_v(20.0, 25.0) == pytest.approx(3.66 - 0.1)
    pack.wear(520.0)
    assert pack.cell.used_mah == pytest.approx(260.0)
    assert pack.soc == pytest.approx(0.9)
    assert pack.used_mah == pytest.approx(520.0)
    with pytest.raises(ValueError, match="0 cells"):
        fresh_pack("LS14500", 0)


def test_a_pack_ages_on_the_shelf() -> None:
    pack = fresh_pack("LS14500", 2)
    pack.rest(10.0 * YEAR_S)
    assert pack.soc == pytest.approx(0.904837, abs=1e-6)
    assert pack.cell.film > 0.99
