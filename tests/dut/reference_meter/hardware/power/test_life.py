"""The lifetime equation against metering.md 5.4, and the table of power.md against the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from meterbench.dut.reference_meter.hardware.power.life import left_mah, life_of, life_years, lives, needed_mah

PAGE = Path(__file__).parents[5] / "docs" / "explanation" / "power.md"
DISCHARGES = (0.0, 0.01, 0.02, 0.03, 0.05)


@pytest.mark.requirement("ADR-056")
@pytest.mark.parametrize(
    ("charge_mah", "years"), [(7700.0, (37.5, 31.8, 28.0, 25.1, 21.1)), (8500.0, (41.4, 34.6, 30.1, 26.9, 22.4))]
)
def test_life_of_c1_at_the_average_current(charge_mah: float, years: tuple[float, ...]) -> None:
    """The table of metering.md 5.4, to its last digit."""
    assert [life_years(charge_mah, 0.02344, rate) for rate in DISCHARGES] == pytest.approx(years, abs=0.051)


@pytest.mark.requirement("ADR-056")
@pytest.mark.parametrize(("usable", "years"), [(0.5, 17.2), (0.6, 20.3), (0.7, 23.3)])
def test_half_of_the_capacity_is_enough(usable: float, years: float) -> None:
    assert life_years(usable * 7700.0, 0.02344, 0.01) == pytest.approx(years, abs=0.051)


@pytest.mark.parametrize(("rate", "mean_ua"), list(zip(DISCHARGES, (54.9, 50.6, 46.6, 42.8, 35.8), strict=True)))
def test_current_allowed_for_sixteen_years(rate: float, mean_ua: float) -> None:
    assert needed_mah(16.0, 1e-3 * mean_ua, rate) == pytest.approx(7700.0, rel=2e-3)


def test_charge_drawn_in_sixteen_years() -> None:
    assert needed_mah(16.0, 0.02344, 0.0) == pytest.approx(3288.0, abs=0.5)


@pytest.mark.parametrize(("rate", "left"), [(0.01, 1028.0), (0.02, 880.0), (0.03, 754.0)])
def test_backup_after_fifteen_and_a_half_idle_years(rate: float, left: float) -> None:
    """Enough for 13 to 18 times the half year of measurement, 57.9 mAh."""
    assert left_mah(1200.0, 0.0, rate, 15.5) == pytest.approx(left, abs=0.6)
    assert needed_mah(0.5, 0.0132, 0.0) == pytest.approx(57.9, abs=0.05)


@pytest.mark.parametrize(("rate", "standby_ua"), [(0.01, 7.7), (0.02, 7.0), (0.03, 6.4)])
def test_standby_drain_that_the_backup_bears(rate: float, standby_ua: float) -> None:
    assert left_mah(1200.0, 1e-3 * standby_ua, rate, 15.5) == pytest.approx(57.9, abs=8.0)


@pytest.mark.parametrize(("charge_mah", "years"), [(5200.0, 22.6), (15400.0, 55.9)])
def test_other_sets(charge_mah: float, years: float) -> None:
    """Two AA, and C1 with C2, at 1 % a year."""
    assert life_years(charge_mah, 0.02344, 0.01) == pytest.approx(years, abs=0.1)


def test_nothing_is_left_of_an_empty_cell() -> None:
    assert left_mah(100.0, 1.0, 0.01, 10.0) == 0.0


@pytest.mark.requirement("ADR-056")
def test_the_seeds_average_on_each_set() -> None:
    """With leakage and checks on top (2.28 uA): C1 alone well above 16 years; more packs last longer."""
    life = life_of("", "", 0.02344)
    assert life.c1 == pytest.approx(29.4, abs=0.1)
    assert 16.0 < life.c1 < life.external_c1 < life.c1_c2


def test_the_page_has_the_table_that_the_code_gives() -> None:
    """Every row of it, and no other."""
    rows = [
        f"| {life.sending} | {life.interval} | {life.mean_ua:.1f} | {life.c1:.1f} | {life.c1_c2:.1f}"
        f" | {life.external_c1:.1f} |"
        for life in lives()
    ]
    page = PAGE.read_text(encoding="utf-8").splitlines()
    first = page.index(rows[0])
    assert page[first : first + len(rows) + 1] == [*rows, ""]
