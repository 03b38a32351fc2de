"""The laboratory's air and the platinum probe in the line, against published figures."""

from __future__ import annotations

import pytest

from meterbench.world.air import Air, apparent_mass_g
from meterbench.world.sensors import PlatinumProbe


def test_density_of_moist_air() -> None:
    """20 degC, 1013.25 hPa, 50 % give 1.1993 kg/m3 (OIML R 111; metering.md 7.2) to 0.05 %; moist air is lighter."""
    assert Air().density_kg_m3 == pytest.approx(1.1993, rel=5e-4)
    assert Air(humidity_percent=100.0).density_kg_m3 < Air(humidity_percent=0.0).density_kg_m3


def test_a_balance_shows_less_than_the_mass_of_water() -> None:
    """Buoyancy at 20 degC is a factor of 1.0010528 (metering.md 7.2); steel weights themselves show what they are."""
    assert 1000.0 / apparent_mass_g(1000.0, 998.2072, 1.19929) == pytest.approx(1.0010528, abs=1e-7)
    assert apparent_mass_g(1000.0, 8000.0, 1.19929) == pytest.approx(1000.0, abs=1e-12)


@pytest.mark.parametrize(("water_temp_c", "loss_g_h"), [(20.0, 14.0), (50.0, 150.0)])
def test_evaporation_of_an_open_tank(water_temp_c: float, loss_g_h: float) -> None:
    """A tank of 0.3 m diameter loses what metering.md 7.2 says, within 10 %."""
    assert 3600.0 * Air().evaporation_g_s(water_temp_c, 0.0707) == pytest.approx(loss_g_h, rel=0.1)


def test_air_never_gives_water_back() -> None:
    """Cold water under warm moist air evaporates nothing; condensation is not modelled, mass is never made."""
    assert Air(temp_c=30.0, humidity_percent=90.0).evaporation_g_s(10.0, 1.0) == 0.0


@pytest.mark.parametrize(("temp_c", "resistance_ohm"), [(0.0, 100.0), (20.0, 107.7935), (100.0, 138.5055)])
def test_platinum_probe(temp_c: float, resistance_ohm: float) -> None:
    """The probe follows the table of IEC 60751."""
    assert PlatinumProbe().resistance_ohm(temp_c) == pytest.approx(resistance_ohm, abs=5e-5)
