"""From a weighing to a volume, against the published vectors of iso4064.md 3.3."""

from __future__ import annotations

import math

import pytest

from meterbench.bench.reference_volume import (
    actual_volume_l,
    air_density_kg_m3,
    buoyancy_factor,
    compressibility_per_mpa,
    error_of_indication_percent,
    expansion_per_k,
    water_density_kg_m3,
)

# t, density by the formula, by IAPWS-95, compressibility in 1e-6/MPa.
WATER = """\
0.1 999.8505 999.8498 508.2
5   999.9664 999.9666 491.4
10  999.7024 999.7025 477.8
15  999.1028 999.1026 467.1
20  998.2073 998.2072 458.7
25  997.0477 997.0476 452.2
30  995.6493 995.6495 447.5
40  992.2162 992.2164 442.1
50  988.0351 988.0350 441.5
60  983.1960 983.1958 444.7
""".splitlines()

# t, buoyancy factor, litres a kilogram of reading, at an air density of 1.19929 kg/m3.
BUOYANCY = """\
5  1.0010507 1.0010843
10 1.0010510 1.0013490
15 1.0010517 1.0019507
20 1.0010528 1.0028506
25 1.0010542 1.0040184
30 1.0010559 1.0054302
50 1.0010652 1.0131879
""".splitlines()


@pytest.mark.parametrize("row", WATER)
def test_water_density(row: str) -> None:
    """The density is the formula's table to its last digit, IAPWS-95's to 1 ppm, and grows by the table's kappa."""
    temp_c, formula, iapws, kappa = map(float, row.split())
    assert water_density_kg_m3(temp_c) == pytest.approx(formula, abs=6e-5)
    assert water_density_kg_m3(temp_c) == pytest.approx(iapws, rel=1e-6)
    assert compressibility_per_mpa(temp_c) == pytest.approx(kappa * 1e-6)
    assert water_density_kg_m3(temp_c, 0.5) / water_density_kg_m3(temp_c) == pytest.approx(
        1.0 + 0.5e-6 * kappa, abs=1e-9
    )


@pytest.mark.parametrize("row", BUOYANCY)
def test_buoyancy(row: str) -> None:
    """Factor and litres a kilogram of reading are the table's to 1e-7."""
    temp_c, factor, volume_l = map(float, row.split())
    assert buoyancy_factor(1.19929, water_density_kg_m3(temp_c)) == pytest.approx(factor, abs=1e-7)
    volume = actual_volume_l(1000.0, air_kg_m3=1.19929, tank_temp_c=temp_c, meter_temp_c=temp_c, meter_gauge_mpa=0.0)
    assert volume == pytest.approx(volume_l, abs=2e-7)


def test_air_density() -> None:
    """20 degC, 1013.25 hPa, 50 % give 1.19929; 21 degC, 1002 hPa, 50 % give 1.1815633 kg/m3."""
    assert air_density_kg_m3(20.0, 1013.25, 50.0) == pytest.approx(1.19929, abs=5e-6)
    assert air_density_kg_m3(21.0, 1002.0, 50.0) == pytest.approx(1.1815633, abs=5e-8)


def test_the_published_error_of_indication() -> None:
    """The whole vector: 99.700 kg at the balance and 100.742 L at the meter are E = +0.77125 %."""
    volume_l = actual_volume_l(
        99_700.0,
        air_kg_m3=air_density_kg_m3(21.0, 1002.0, 50.0),
        tank_temp_c=20.30,
        meter_temp_c=20.10,
        meter_gauge_mpa=0.30,
    )
    assert volume_l == pytest.approx(99.9709697, abs=5e-6)
    assert error_of_indication_percent(100.742, volume_l) == pytest.approx(0.77125, abs=6e-6)
    at_tank_l = actual_volume_l(
        99_700.0,
        air_kg_m3=air_density_kg_m3(21.0, 1002.0, 50.0),
        tank_temp_c=20.30,
        meter_temp_c=20.30,
        meter_gauge_mpa=0.0,
    )
    assert error_of_indication_percent(100.742, at_tank_l) == pytest.approx(0.75318, abs=6e-6)


def test_forgotten_buoyancy_is_a_tenth_of_a_per_cent() -> None:
    """Without buoyancy E would be 0.105 % higher: a trap that the factor closes."""
    assert 100.0 * (buoyancy_factor(1.2, water_density_kg_m3(20.0)) - 1.0) == pytest.approx(0.10534, abs=5e-5)


def test_expansion() -> None:
    """From 20 to 21 degC water swells by 212 ppm; at 4 degC it does not."""
    assert expansion_per_k(20.5) == pytest.approx(212e-6, abs=1e-6)
    assert expansion_per_k(3.98) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("missing", ["reading_g", "air_kg_m3", "tank_temp_c", "meter_temp_c", "meter_gauge_mpa"])
def test_what_is_not_a_number_gives_no_number(missing: str) -> None:
    """NaN in anything that enters a volume comes out as NaN: nothing can be judged by it."""
    seen = {"reading_g": 1e4, "air_kg_m3": 1.2, "tank_temp_c": 20.0, "meter_temp_c": 20.0, "meter_gauge_mpa": 0.3}
    reading_g = (seen | {missing: math.nan}).pop("reading_g")
    rest = {name: value for name, value in (seen | {missing: math.nan}).items() if name != "reading_g"}
    assert math.isnan(actual_volume_l(reading_g, **rest))
