"""Places, switches, capacitor and rail (ADR-050, ADR-055, ADR-057; metering.md 5.2)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterbench.dut.reference_meter.hardware.power.capacitor import Capacitor
from meterbench.dut.reference_meter.hardware.power.loads import nb_iot_attach
from meterbench.dut.reference_meter.hardware.power.pack import Pack, fresh_pack
from meterbench.dut.reference_meter.hardware.power.played_pack import PlayedPack
from meterbench.dut.reference_meter.hardware.power.supply import Place, Rail, Supply, draw_supply

DAY_S = 86_400.0
YEAR_S = 365.25 * DAY_S
MEASUREMENT_MA = 0.0132
PACKS = {
    Place.C1: ("LS26500", 1),
    Place.C2: ("LS26500", 1),
    Place.BACKUP: ("LS14250", 1),
    Place.EXTERNAL: ("LS14500", 2),
}
TIGHT = Capacitor(leakage_ma=0.0)


def pack_for(place: Place, soc: float = 1.0) -> Pack:
    name, cells = PACKS[place]
    pack = fresh_pack(name, cells)
    pack.wear((1.0 - soc) * cells * pack.cell.type.capacity_mah)
    return pack


def supply_with(*places: Place, spc_v: float = 3.6, capacitor: Capacitor | None = None) -> Supply:
    supply = Supply(spc_v, capacitor)
    for place in places:
        supply.insert(place, pack_for(place))
    return supply


@pytest.mark.parametrize(("leakage_ma", "days"), [(0.0, 9.206), (0.001, 8.558), (0.002, 7.995), (0.003, 7.502)])
def test_days_that_the_capacitor_lasts(leakage_ma: float, days: float) -> None:
    """15 F from 3.6 to 2.9 V at 13.2 uA: 9.2 days (metering.md 5.2), less what leaks."""
    supply = Supply(3.6, Capacitor(leakage_ma=leakage_ma))
    assert supply.time_to_v_s(2.9, MEASUREMENT_MA, 20.0) / DAY_S == pytest.approx(days, abs=1e-3)
    supply.advance(days * DAY_S, MEASUREMENT_MA, 20.0)
    assert supply.spc_v == pytest.approx(2.9, abs=1e-4)


@pytest.mark.requirement("ADR-057")
def test_warning_brown_out_and_their_moments() -> None:
    """15 F at 15 uA falls by 1 uV/s: warning at 2.5 V after 1.1e6 s, brown-out at 2.2 V 0.3e6 s later, then no load."""
    supply = Supply(3.6, TIGHT)
    assert supply.until_change(1e9, 0.015, 20.0) == pytest.approx(1.1e6, abs=1e-3)
    assert (supply.rail, supply.rail_v) == (Rail.FAILING, 3.3)
    assert supply.until_change(1e9, 0.015, 20.0) == pytest.approx(0.3e6, abs=1e-3)
    assert (supply.rail, supply.rail_v, supply.spc_v) == (Rail.DOWN, 0.0, 2.2)
    supply.advance(1e9, 0.015, 20.0)
    assert supply.spc_v == 2.2


def test_the_rail_returns_at_its_level() -> None:
    """From 2.2 V behind 14 ohm and the rail down: 2.7 V after 14 ohm x 15 F x ln(1.46 V / 0.96 V)."""
    supply = supply_with(Place.C1, spc_v=2.2, capacitor=TIGHT)
    assert supply.rail is Rail.DOWN
    expected_s = 14.0 * 15.0 * math.log((3.66 - 2.2) / (3.66 - 2.7))
    assert supply.until_change(1e9, 1.0, 25.0) == pytest.approx(expected_s, abs=1e-6)
    assert (supply.rail, supply.spc_v) == (Rail.UP, 2.7)
    assert supply.feeding == {Place.C1}


def test_a_warning_ends_with_recovery() -> None:
    supply = Supply(3.0, TIGHT)
    supply.until_change(1e9, 1.0, 20.0)
    assert supply.rail is Rail.FAILING
    supply.insert(Place.BACKUP, pack_for(Place.BACKUP))
    supply.select({Place.BACKUP})
    supply.until_change(1e9, 0.0, 20.0)
    assert (supply.rail, supply.spc_v) == (Rail.UP, 2.7)


def test_transmissions_raise_the_levels() -> None:
    """250 mA through 0.45 ohm at -25 degC: the converter sees 2.5 V while the capacitor has 2.6125 V."""
    supply = Supply(3.6, TIGHT)
    supply.until_change(1e9, 0.05, -25.0, peak_ma=250.0)
    assert (supply.rail, supply.spc_v) == (Rail.FAILING, pytest.approx(2.6125))
    with pytest.raises(ValueError, match="500 mA at most"):
        supply.advance(1.0, 0.05, 20.0, peak_ma=501.0)


@pytest.mark.requirement("ADR-055")
def test_rated_currents() -> None:
    """500 mA for a second and 350 mA for ten keep the rail up, at -25 degC as well; the source alone could not."""
    for temp_c in (20.0, -25.0):
        supply = supply_with(Place.C1)
        supply.select({Place.C1, Place.C2})
        supply.pulse(500.0, 1.0, temp_c)
        supply.pulse(350.0, 10.0, temp_c)
        assert supply.rail_v == 3.3
        assert supply.pack(Place.C1).voltage_v(350.0, temp_c) < 2.9


def test_lowest_voltage_of_a_pulse() -> None:
    """Without a source 0.25 A for 10 s: 167 mV of charge and 37.5 mV across 0.15 ohm."""
    supply = Supply(3.6, TIGHT)
    assert supply.pulse(250.0, 10.0, 20.0) == pytest.approx(3.6 - 0.16667 - 0.0375, abs=1e-4)
    assert supply.spc_v == pytest.approx(3.6 - 0.16667, abs=1e-4)


def test_a_pulse_can_take_the_rail_down() -> None:
    """It ends there; what remains in the capacitor is 2.2 V and what the resistance took."""
    supply = Supply(2.8, TIGHT)
    assert supply.pulse(500.0, 60.0, 20.0) == pytest.approx(2.2)
    assert (supply.rail, supply.spc_v) == (Rail.DOWN, pytest.approx(2.275))
    with pytest.raises(RuntimeError, match="rail is down"):
        supply.pulse(10.0, 1.0, 20.0)


@pytest.mark.requirement("ADR-045")
def test_an_attach_in_the_cold_dips_below_the_limit_on_a_healthy_cell() -> None:
    """A half-used C1 at -25 degC: below 2.9 V at the converter, while the cell itself reads above 3.1 V just after."""
    supply = Supply(3.66)
    supply.insert(Place.C1, pack_for(Place.C1, soc=0.5))
    supply.select({Place.C1, Place.C2})
    current_ma, duration_s = nb_iot_attach()
    assert 2.5 < supply.pulse(current_ma, duration_s, -25.0) < 2.9
    assert supply.rail is Rail.UP
    assert supply.measure_v(Place.C1, -25.0) > 3.1


@pytest.mark.parametrize(
    "places", [{Place.C1}, {Place.C2}, {Place.EXTERNAL, Place.BACKUP}, {Place.C1, Place.C2, Place.EXTERNAL}]
)
def test_only_whole_sources_can_be_connected(places: set[Place]) -> None:
    with pytest.raises(ValueError, match="cannot connect"):
        supply_with(*Place).select(places)


def test_switches_need_a_rail() -> None:
    supply = supply_with(Place.C1, spc_v=0.0)
    with pytest.raises(RuntimeError, match="rail is down"):
        supply.select({Place.C1, Place.C2})


def test_hands_cannot_do_the_impossible() -> None:
    supply = supply_with(Place.C1)
    with pytest.raises(ValueError, match="already"):
        supply.insert(Place.C1, pack_for(Place.C1))
    with pytest.raises(ValueError, match="does not fit"):
        supply.insert(Place.BACKUP, pack_for(Place.C1))
    with pytest.raises(ValueError, match="no pack in EXTERNAL"):
        supply.remove(Place.EXTERNAL)
    with pytest.raises(ValueError, match="no pack in EXTERNAL"):
        supply.measure_v(Place.EXTERNAL, 20.0)
    assert [supply.present(place) for place in Place] == [True, False, False, False]


def test_the_arbiter_takes_the_highest_voltage() -> None:
    """Rail down: a full backup goes before a used-up C1 and a weak external pack; of equal ones external first."""
    supply = Supply(0.0)
    supply.insert(Place.C1, pack_for(Place.C1, soc=0.04))
    supply.insert(Place.EXTERNAL, pack_for(Place.EXTERNAL, soc=0.07))
    supply.insert(Place.BACKUP, pack_for(Place.BACKUP))
    assert supply.feeding == {Place.BACKUP}
    supply.remove(Place.BACKUP)
    assert supply.feeding == {Place.EXTERNAL}
    assert supply_with(*Place, spc_v=0.0).feeding == {Place.EXTERNAL}


def test_c1_and_c2_share() -> None:
    """Alike, they give the same; a used-up C1 gives nothing as long as C2 is full."""
    supply = supply_with(Place.C1, Place.C2, spc_v=3.66)
    supply.select({Place.C1, Place.C2})
    supply.advance(YEAR_S, 0.02344, 20.0)
    first, second = supply.pack(Place.C1), supply.pack(Place.C2)
    assert first.used_mah == pytest.approx(second.used_mah, rel=1e-9)
    assert first.used_mah + second.used_mah == pytest.approx(0.02544 * 8766.0, rel=1e-3)
    supply.remove(Place.C1)
    supply.insert(Place.C1, pack_for(Place.C1, soc=0.04))
    used_mah = supply.pack(Place.C1).used_mah
    supply.advance(YEAR_S, 0.02344, 20.0)
    assert supply.pack(Place.C1).used_mah == used_mah


def test_checks_take_their_charge_and_keep_the_film_down() -> None:
    """2 mA for half a second, hourly, are 2.43 mAh a year: a backup at rest keeps 29 % of its film (q_p 1 mAh)."""
    supply = supply_with(Place.C1, Place.BACKUP)
    supply.select({Place.C1, Place.C2})
    supply.advance(15.5 * YEAR_S, 0.02344, 20.0, checks=round(15.5 * 8766))
    backup = supply.pack(Place.BACKUP)
    assert backup.used_mah == pytest.approx(2.435 * 15.5, rel=1e-3)
    assert backup.cell.film == pytest.approx(1.0 / (1.0 + 2.435), abs=1e-3)
    one_by_one = supply_with(Place.BACKUP)
    for _ in range(10):
        one_by_one.measure_v(Place.BACKUP, 20.0)
    assert one_by_one.pack(Place.BACKUP).used_mah == pytest.approx(10 * 1.0 / 3600.0)


def test_a_reading_is_the_pack_under_the_test_load() -> None:
    """2 mA at -25 degC: through 16 ohm of C1, through 420 ohm of a backup that lay for years (V_p included)."""
    supply = supply_with(Place.C1, Place.BACKUP, spc_v=3.66)
    supply.pack(Place.BACKUP).rest(15.5 * YEAR_S)
    assert supply.measure_v(Place.C1, -25.0) == pytest.approx(3.66 - 0.032, abs=1e-6)
    assert supply.measure_v(Place.BACKUP, -25.0) == pytest.approx(3.66 - 0.840, abs=1e-3)


def test_a_short_needs_no_announcement() -> None:
    supply = supply_with(Place.C1)
    supply.short()
    assert (supply.rail_v, supply.spc_v) == (0.0, 0.0)


CHOICES = ((), (Place.EXTERNAL,), (Place.C1, Place.C2), (Place.BACKUP,))
STEPS = st.one_of(
    st.tuples(st.just("hand"), st.sampled_from(Place), st.floats(0.02, 1.0)),
    st.tuples(st.just("live"), st.floats(1.0, 1e7), st.floats(0.0, 1.0)),
    st.tuples(st.just("select"), st.sampled_from(CHOICES), st.just(0)),
    st.tuples(st.just("check"), st.sampled_from(Place), st.just(0)),
)  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(st.lists(STEPS, max_size=25), st.sampled_from([-25.0, 20.0, 70.0]))
def test_charge_is_conserved_and_one_source_feeds(steps: list[tuple[str, object, float]], temp_c: float) -> None:
    """Out of all packs = into load, leakage, checks and capacitor, whatever hands and switches do."""
    supply = Supply(3.0)
    packs: list[tuple[Pack, float]] = []
    spent_c = 0.0
    ran_empty = False  # an empty capacitor leaks nothing, and nothing here tells since when
    for kind, what, amount in steps:
        if kind == "hand":
            assert isinstance(what, Place)
            if supply.present(what):
                supply.remove(what)
            else:
                pack = pack_for(what, soc=amount)
                packs.append((pack, pack.used_mah))
                supply.insert(what, pack)
        elif kind == "select" and supply.rail_up:
            assert isinstance(what, tuple)
            supply.select(what)
        elif kind == "check":
            assert isinstance(what, Place)
            if supply.present(what):
                supply.measure_v(what, temp_c)
                spent_c += 1e-3
        elif kind == "live":
            assert isinstance(what, float)
            left_s = what
            while left_s > 0.0:
                load_a = 1e-3 * amount if supply.rail_up else 0.0
                passed_s = supply.until_change(left_s, amount, temp_c)
                spent_c += passed_s * (load_a + 2e-6)
                left_s -= passed_s
                ran_empty = ran_empty or supply.spc_v <= 0.0
        assert len(supply.feeding) <= 1 or supply.feeding == {Place.C1, Place.C2}
    given_c = sum(3.6 * (pack.used_mah - before_mah) for pack, before_mah in packs)
    if not ran_empty:
        assert given_c == pytest.approx(spent_c + 15.0 * (supply.spc_v - 3.0), rel=1e-9, abs=1e-6)


def test_units_leave_the_line_ready() -> None:
    """C1 and backup in place, the rail up; capacitors within their tolerances."""
    units = [draw_supply(np.random.default_rng(seed)) for seed in range(200)]
    assert all(unit.rail is Rail.UP and not unit.feeding for unit in units)
    assert {place for place in Place if units[0].present(place)} == {Place.C1, Place.BACKUP}
    farad = [unit.capacitor.farad for unit in units]
    leakage_ma = [unit.capacitor.leakage_ma for unit in units]
    assert 13.5 <= min(farad) < 13.7
    assert 16.3 < max(farad) <= 16.5
    assert 0.001 <= min(leakage_ma) < 0.0011
    assert 0.0029 < max(leakage_ma) <= 0.003


# Leads instead of a pack.


def test_leads_go_into_every_place() -> None:
    """A laboratory supply stands for a pack of any size."""
    for place in Place:
        supply = Supply(3.0)
        supply.insert(place, PlayedPack(3.6))
        assert supply.present(place)


def test_leads_give_what_the_load_and_the_leakage_take() -> None:
    """Settled: the current at the terminals is the drain, and the charge is its integral."""
    leads = PlayedPack(3.6, 2.0)
    supply = Supply(3.6)
    supply.insert(Place.C1, leads)
    supply.select([Place.C1, Place.C2])
    supply.settle(Place.C1, 0.016, 20.0)
    supply.advance(3600.0, 0.016, 20.0)
    assert supply.feeding_ma(Place.C1, 20.0) == pytest.approx(0.018, rel=1e-6)
    assert leads.drawn_mah == pytest.approx(0.018, rel=1e-6)
    assert supply.terminal_v(Place.C1, 20.0) == pytest.approx(3.6 - 0.018e-3 * 2.0)


def test_a_limit_charges_the_capacitor_evenly() -> None:
    """Constant current up to where the resistance takes less, then the usual way: charge in is charge held."""
    leads = PlayedPack(3.6, 1.0, 50.0)
    supply = Supply(0.0, Capacitor(leakage_ma=0.0))
    supply.insert(Place.C1, leads)
    supply.advance(100.0, 0.0, 20.0)
    assert supply.spc_v == pytest.approx(0.05 * 100.0 / 15.0, rel=1e-5)
    assert supply.feeding_ma(Place.C1, 20.0) == pytest.approx(50.0, rel=1e-5)
    assert supply.terminal_v(Place.C1, 20.0) == pytest.approx(supply.spc_v + 0.5, rel=1e-5)
    supply.advance(7200.0, 0.0, 20.0)
    assert supply.spc_v == pytest.approx(3.6, abs=1e-3)
    assert leads.drawn_mah * 3.6 == pytest.approx(15.0 * supply.spc_v, rel=1e-5)
    cut = Supply(0.0, Capacitor(leakage_ma=0.0))
    cut.insert(Place.C1, PlayedPack(3.6, 1.0, 50.0))
    for _ in range(73):
        cut.advance(100.0, 0.0, 20.0)
    assert cut.spc_v == pytest.approx(supply.spc_v, rel=1e-6)


def test_leads_of_a_supply_that_is_off_take_nothing() -> None:
    """The diode: the capacitor only has its own load."""
    leads = PlayedPack()
    supply = Supply(3.6, Capacitor(leakage_ma=0.0))
    supply.insert(Place.C1, leads)
    supply.select([Place.C1, Place.C2])
    supply.advance(3600.0, 1.0, 20.0)
    assert supply.spc_v == pytest.approx(3.6 - 3.6 / 15.0)
    assert leads.drawn_mah == 0.0
    assert supply.terminal_v(Place.C1, 20.0) == 0.0


def test_a_limit_below_the_load_shows_in_what_the_firmware_reads() -> None:
    """The test load takes its part of the limited current."""
    supply = Supply(3.0)
    supply.insert(Place.C1, PlayedPack(3.6, 0.0, 20.0))
    supply.select([Place.C1, Place.C2])
    assert supply.loaded_v(Place.C1, 20.0) == pytest.approx(3.0 + 0.018 * 10.0)
