"""Water's properties, pinned by the tables of metering.md 1.1 to 1.5."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterbench.world.water import (
    ATMOSPHERE_MPA,
    density_kg_m3,
    dynamic_viscosity_pa_s,
    sound_absorption_db_m,
    sound_speed_m_s,
    sound_speed_with_air_m_s,
)

# T, c by Marczak and by Bilaniuk & Wong (metering.md 1.1).
SOUND = """\
0.1 1402.8883 1402.8907
5   1426.1695 1426.1672
10  1447.2890 1447.2795
15  1465.9599 1465.9432
20  1482.3795 1482.3578
25  1496.7277 1496.7037
30  1509.1672 1509.1440
40  1528.8936 1528.8798
50  1542.5651 1542.5652
60  1550.9863 1550.9960
70  1554.7930 1554.8026
""".splitlines()

# T, density by IAPWS-95 and by the form in force, viscosity in uPa s (metering.md 1.3, 1.4).
TABLE = """\
0.1 999.8498 999.8495 1785.557
5   999.9666 999.9668 1518.198
10  999.7025 999.7027 1305.902
15  999.1026 999.1026 1137.548
20  998.2072 998.2067 1001.567
25  997.0476 997.0470  889.997
30  995.6495 995.6488  797.206
40  992.2164 992.2152  652.734
50  988.0350 988.0363  546.527
70  977.7646 977.7696  403.545
""".splitlines()


@pytest.mark.parametrize("row", SOUND)
def test_sound_speed_at_one_atmosphere(row: str) -> None:
    """The speed of sound is Marczak's to 0.1 mm/s, and Bilaniuk & Wong's to 0.05 m/s (not IF97's, 1 m/s off)."""
    temp_c, marczak, bilaniuk = map(float, row.split())
    assert sound_speed_m_s(temp_c) == pytest.approx(marczak, abs=1e-4)
    assert sound_speed_m_s(temp_c) == pytest.approx(bilaniuk, abs=0.05)


@pytest.mark.parametrize(
    ("temp_c", "at_atmosphere", "speeds"),
    [
        (5, 1426.1672, (1426.935, 1427.553, 1428.481)),
        (20, 1482.3578, (1483.175, 1483.831, 1484.815)),
        (50, 1542.5652, (1543.468, 1544.191, 1545.275)),
    ],
)
def test_pressure_raises_the_sound_speed(temp_c: float, at_atmosphere: float, speeds: tuple[float, ...]) -> None:
    """What pressure adds is Belogol'skii's to 1 mm/s; the table stands on another c0, so differences are compared."""
    for pressure_mpa, speed in zip((0.6, 1.0, 1.6), speeds, strict=True):
        added = sound_speed_m_s(temp_c, pressure_mpa) - sound_speed_m_s(temp_c)
        assert added == pytest.approx(speed - at_atmosphere, abs=1e-3)


@pytest.mark.parametrize("row", TABLE)
def test_density_and_viscosity(row: str) -> None:
    """Density is Tanaka's to 40 degC and Kell's above (0.1 g/m3), IAPWS-95's to 5 ppm; viscosity SR6-08's to 2 ppm."""
    temp_c, iapws, form, viscosity_upa_s = map(float, row.split())
    assert density_kg_m3(temp_c) == pytest.approx(form, abs=1e-4)
    assert density_kg_m3(temp_c) == pytest.approx(iapws, abs=1.3e-3 if temp_c <= 40 else 5.1e-3)
    assert dynamic_viscosity_pa_s(temp_c) == pytest.approx(1e-6 * viscosity_upa_s, rel=2e-6)


@pytest.mark.parametrize(("pressure_mpa", "density"), [(0.3, 998.2981), (1.0, 998.6184), (1.6, 998.8926)])
def test_pressure_raises_the_density(pressure_mpa: float, density: float) -> None:
    """At 20 degC pressure adds what IAPWS-95 says to 2 ppm of the density."""
    assert density_kg_m3(20.0, pressure_mpa) - density_kg_m3(20.0) == pytest.approx(density - 998.2072, abs=2e-3)


def test_density_has_no_step_where_the_formula_changes() -> None:
    """From Tanaka to Kell at 40 degC the density moves by less than 1 ppm: no volume is made there."""
    assert density_kg_m3(40.0) == pytest.approx(density_kg_m3(40.0 + 1e-9), rel=1e-6)


@pytest.mark.parametrize(("temp_c", "absorption"), [(0, 0.494), (10, 0.311), (20, 0.220), (50, 0.105)])
def test_sound_absorption(temp_c: float, absorption: float) -> None:
    """Absorption at 1 MHz is the table's to 1 mdB/m, and grows with the square of the frequency."""
    assert sound_absorption_db_m(temp_c, 1.0) == pytest.approx(absorption, abs=1e-3)
    assert sound_absorption_db_m(temp_c, 4.0) == pytest.approx(16.0 * sound_absorption_db_m(temp_c, 1.0))


@settings(deadline=None)
@given(st.lists(st.floats(0.1, 70.0), min_size=1, max_size=5), st.floats(ATMOSPHERE_MPA, 1.6))
def test_arrays_are_taken_element_by_element(temps_c: list[float], pressure_mpa: float) -> None:
    """An array of temperatures gives what its elements give, one by one."""
    array = np.array(temps_c)
    assert sound_speed_m_s(array, pressure_mpa).tolist() == [sound_speed_m_s(t, pressure_mpa) for t in temps_c]
    assert dynamic_viscosity_pa_s(array) == pytest.approx([dynamic_viscosity_pa_s(t) for t in temps_c], rel=1e-14)
    assert density_kg_m3(array, pressure_mpa) == pytest.approx(
        [density_kg_m3(t, pressure_mpa) for t in temps_c], rel=1e-14
    )


def test_the_density_of_an_array_changes_its_formula_where_that_of_a_number_does() -> None:
    """At 40 degC an array is Tanaka's and just above Kell's, as a single number is: to the last digits."""
    temps_c = [39.999999, 40.0, float(np.nextafter(40.0, 41.0)), 41.0]
    assert density_kg_m3(np.array(temps_c)) == pytest.approx([density_kg_m3(t) for t in temps_c], rel=1e-15)


def test_pressures_as_an_array() -> None:
    """Pressure may be an array as well: one number for each of many stretches."""
    temps_c, pressures_mpa = np.array([5.0, 20.0, 50.0]), np.array([0.1, 0.6, 1.6])
    pairs = list(zip(temps_c.tolist(), pressures_mpa.tolist(), strict=True))
    assert density_kg_m3(temps_c, pressures_mpa) == pytest.approx([density_kg_m3(*pair) for pair in pairs], rel=1e-14)
    assert sound_speed_m_s(temps_c, pressures_mpa) == pytest.approx(
        [sound_speed_m_s(*pair) for pair in pairs], rel=1e-14
    )


@pytest.mark.parametrize(
    ("air_fraction", "pressure_mpa", "speed"),
    [
        (1e-6, ATMOSPHERE_MPA, 1466.5),
        (1e-5, ATMOSPHERE_MPA, 1344.0),
        (1e-4, ATMOSPHERE_MPA, 833),
        (1e-3, ATMOSPHERE_MPA, 312),
        (1e-6, 0.4, 1478.3),
        (1e-5, 0.4, 1443.4),
        (1e-4, 0.4, 1192),
        (1e-3, 0.4, 583),
    ],
)
def test_micro_bubbles_slow_sound_down(air_fraction: float, pressure_mpa: float, speed: float) -> None:
    """Wood's relation, isothermal column of metering.md 1.6 at 20 degC, within one of its last printed digit; the water
    alone is that of one atmosphere, and so is the column's 0.1 MPa."""
    with_air = sound_speed_with_air_m_s(sound_speed_m_s(20.0), density_kg_m3(20.0), air_fraction, pressure_mpa)
    assert with_air == pytest.approx(speed, abs=0.1 if speed > 1300 else 1.0)


@given(st.floats(1e-9, 0.01), st.floats(0.1, 1.6))
def test_more_air_is_slower_and_more_pressure_quicker(air_fraction: float, pressure_mpa: float) -> None:
    """No air leaves the speed alone; more of it, at less pressure, slows sound down (to 1 % of air)."""
    speed, density = sound_speed_m_s(20.0), density_kg_m3(20.0)
    assert sound_speed_with_air_m_s(speed, density, 0.0, pressure_mpa) == speed
    some = sound_speed_with_air_m_s(speed, density, air_fraction, pressure_mpa)
    assert sound_speed_with_air_m_s(speed, density, 2.0 * air_fraction, pressure_mpa) < some < speed
    assert some < sound_speed_with_air_m_s(speed, density, air_fraction, 2.0 * pressure_mpa)
